//! The mapper of products: how a convolution or matrix product is cut into tiles.
//!
//! All tilings of a bounded family are costed with the closed forms of `timing`, and the least is taken;
//! the first of equals, so that the choice is the same every time.

use bitgauge_arch::Accelerator;

use super::candidate::{RowCosts, TileCosts, candidate, row_costs, tile_costs};
use super::geometry::{Geometry, band_rows, pixel_lines};
use super::parts;
use super::plan::{Order, Plan, Shortage};
use super::rows::{row_sizes, row_step};
use crate::scratch::Area;
use crate::view::MOST;

/// So many cycles of the bus count as a cycle of the layer: of tilings that take about as long, the one that moves less.
const BUS_SHARE: u64 = 16;

/// The best tiling, or what is missing for any.
pub(crate) fn plan(geometry: &Geometry, accelerator: &Accelerator, area: &Area) -> Result<Plan, Shortage> {
    let line = u64::from(accelerator.line_bytes());
    let output = &geometry.output;
    let weight_lines = geometry.weight_lines(line);
    let total_weight = area.weights.1;
    let rows: Vec<RowCosts> = row_sizes(geometry, accelerator)
        .into_iter()
        .map(|rows| row_costs(geometry, accelerator, rows))
        .collect();
    let tiles: Vec<TileCosts> = geometry
        .tile_sizes(accelerator)
        .into_iter()
        .filter(|&size| {
            let pixels = size * geometry.positions() * geometry.input.groups;
            let entries = geometry.parameter_per_row || size <= u64::from(accelerator.post.parameter_entries);
            size * weight_lines <= total_weight && pixels <= MOST && entries
        })
        .map(|size| tile_costs(geometry, accelerator, size))
        .collect();
    if tiles.is_empty() {
        if let Some(plan) = parts::plan(geometry, accelerator, area) {
            return Ok(plan);
        }
        let needed = parts::least_lines(geometry, accelerator)
            .unwrap_or_else(|| line.min(geometry.outputs) * weight_lines);
        if needed > total_weight {
            return Err(Shortage {
                what: "weight scratchpad, lines of the smallest channel tile",
                needed,
                available: total_weight,
                hint: "raise [scratchpad] weight_kib",
            });
        }
    }
    let width = output.cols.max(geometry.input.cols);
    if rows.is_empty() && width > MOST {
        return Err(Shortage {
            what: "a command, columns of a row of the map",
            needed: width,
            available: MOST,
            hint: "cut the map into several, or use a smaller one",
        });
    }
    let mut best: Option<(u64, Plan, &TileCosts)> = None;
    for order in [Order::Pixels, Order::Channels] {
        for rows in &rows {
            for tile in &tiles {
                if order == Order::Channels && (tile.tiles.len() == 1 || !tile.slices) {
                    continue;
                }
                for (double, resident) in [(true, true), (true, false), (false, true), (false, false)] {
                    let Some(plan) =
                        candidate(geometry, accelerator, area, order, rows, tile, double, resident)
                    else {
                        continue;
                    };
                    let cycles = if area.shared() { plan.work.beside() } else { plan.cycles() };
                    let cycles = cycles + plan.work.bus / BUS_SHARE;
                    if best.as_ref().is_none_or(|(least, ..)| cycles < *least) {
                        best = Some((cycles, plan, tile));
                    }
                }
            }
        }
    }
    match best {
        Some((_, plan, tile)) => Ok(Plan { tiles: tile.tiles.clone(), ..plan }),
        None => {
            let rows = row_step(geometry, u64::from(accelerator.bus_bytes())).min(output.rows);
            let lines = band_rows(&geometry.window, geometry.input.rows, rows)
                * geometry.input.cols
                * pixel_lines(&geometry.input, line)
                + rows * output.cols * pixel_lines(output, line)
                + geometry.residual.map_or(0, |view| rows * output.cols * pixel_lines(&view, line));
            Err(Shortage {
                what: "activation scratchpad, lines in whole banks",
                needed: lines,
                available: u64::from(accelerator.activation_lines()),
                hint: "raise [scratchpad] activation_kib",
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use bitgauge_arch::code::OperandContainer;
    use bitgauge_arch::mac::Operands;
    use bitgauge_models::integer::Window;

    use super::*;
    use crate::view::View;
    use bitgauge_arch::codec::Codec;

    fn map(size: u64, channels: u64) -> View {
        let rows = size * size;
        View {
            address: 0,
            groups: 1,
            rows,
            cols: 1,
            channels,
            group_stride: rows * channels,
            row_stride: channels,
            col_bits: 8 * channels,
            container: 1,
            operand: OperandContainer::Bits8,
            codec: Codec::None,
            value_bits: 8,
            signed: false,
            tag_shift: 0,
        }
    }

    #[test]
    fn more_scratchpad_never_costs_more() {
        let text = include_str!("../../../designs/reference-16x16.toml");
        for (size, channels, outputs) in
            [(56, 144, 32), (14, 480, 112), (7, 1152, 320), (14, 768, 3072), (3, 64, 2048)]
        {
            let geometry = Geometry {
                input: map(size, channels),
                window: Window::POINT,
                output: map(size, outputs),
                residual: None,
                outputs,
                weights: None,
                weight_bits: 8,
                operands: Operands::BYTES,
                parameter_per_row: false,
                patch: None,
                long: None,
                blocks: None,
            };
            for axis in 0..2 {
                let mut before = u64::MAX;
                for kib in [16, 32, 64, 128, 256, 512, 1024, 4096] {
                    let mut accelerator = Accelerator::from_toml(text).unwrap();
                    accelerator.scratchpad.weight_kib = 256;
                    match axis {
                        0 => accelerator.scratchpad.activation_kib = kib,
                        _ => accelerator.scratchpad.weight_kib = kib,
                    }
                    let Ok(plan) = plan(&geometry, &accelerator, &Area::whole(&accelerator)) else {
                        assert_eq!(before, u64::MAX);
                        continue;
                    };
                    // Bytes count a little beside cycles: what is least is their sum.
                    let cost = plan.cycles() + plan.work.bus / BUS_SHARE;
                    assert!(cost <= before, "{size} {channels} {outputs}: {kib} KiB of memory {axis}");
                    before = cost;
                }
            }
        }
    }
}
