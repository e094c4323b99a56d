//! Sums in parts: products whose weights for one fold are more than the weight scratchpad holds.
//!
//! The channels are cut. A command multiplies those of one part and keeps its sums in the array, the next goes on
//! with them, and the last of a fold is post-processed. The array holds the sums of one fold, so that a tile is
//! walked fold by fold, and its weights are loaded again for each: where the bus brings a column's codes as fast as
//! the array takes them, nothing waits.

use bitgauge_arch::Accelerator;
use bitgauge_arch::command::Compute;
use bitgauge_arch::timing;

use super::candidate::row_costs;
use super::cost::{Work, bus_cycles};
use super::geometry::{Geometry, band_rows, pixel_lines};
use super::plan::{Order, Parts, Plan};
use super::rows::row_sizes;
use crate::scratch::Area;
use crate::view::{MOST, reg};

/// Output rows and columns of each fold of a tile of `rows x cols` pixels.
pub(crate) fn folds(rows: (u64, u64), cols: u64, most: u64) -> Vec<[(u64, u64); 2]> {
    let cuts = |(first, end): (u64, u64), size: u64| {
        (first..end).step_by(size.max(1) as usize).map(move |at| (at, (at + size).min(end)))
    };
    let (height, width) = if cols <= most { (most / cols.max(1), cols) } else { (1, most) };
    cuts(rows, height).flat_map(|rows| cuts((0, cols), width).map(move |cols| [rows, cols])).collect()
}

/// Outputs of a tile: one fold, from a line on.
fn outputs(geometry: &Geometry, accelerator: &Accelerator) -> Option<u64> {
    let most = u64::from(accelerator.array.cols);
    geometry.tile_sizes(accelerator).into_iter().find(|&size| size <= most)
}

/// Lines of a fold's weights where a part is one line of each segment; `None` where sums are not made in parts.
pub(super) fn least_lines(geometry: &Geometry, accelerator: &Accelerator) -> Option<u64> {
    let constant = geometry.weights.is_none() && geometry.patch.is_none() && !geometry.walked();
    let size = outputs(geometry, accelerator).filter(|_| constant)?;
    Some(size * geometry.positions() * geometry.input.groups).filter(|&lines| lines <= MOST)
}

/// The best tiling in parts, if there is any.
pub(super) fn plan(geometry: &Geometry, accelerator: &Accelerator, area: &Area) -> Option<Plan> {
    // Beside another layer, commands of that layer would come between those of a fold.
    if area.shared() {
        return None;
    }
    let line = u64::from(accelerator.line_bytes());
    let (output, input) = (&geometry.output, &geometry.input);
    let (total, segment) = (area.weights.1, geometry.segment_lines(line));
    let each = least_lines(geometry, accelerator)?;
    let size = outputs(geometry, accelerator)?;
    let most = [2, 1].into_iter().map(|slots| total / slots / each).find(|&lines| lines > 0)?;
    let count = segment.div_ceil(most);
    let parts = Parts { count, lines: segment.div_ceil(count) };
    let tiles = geometry.tiles(line, size);
    let bank = u64::from(accelerator.activation_bank_lines());
    let banks = u64::from(accelerator.scratchpad.banks);
    let weights = bus_cycles(accelerator, 1, (each * geometry.segment() * geometry.weight_bits).div_ceil(8))
        + bus_cycles(accelerator, 1, 8 * size);
    let part = Compute {
        channels: reg(geometry.segment().min(parts.lines * geometry.line_codes(line))),
        ..geometry.command(1, size)
    };
    let feed = timing::COMPUTE_SETUP + timing::compute(accelerator, &part).feed_cycles();
    let mut best: Option<Plan> = None;
    for rows in row_sizes(geometry, accelerator) {
        let costs = row_costs(geometry, accelerator, rows);
        let pixels = rows * output.cols;
        let lines = [
            band_rows(&geometry.window, input.rows, rows) * input.cols * pixel_lines(input, line),
            pixels * pixel_lines(output, line),
            geometry.residual.map_or(0, |view| pixels * pixel_lines(&view, line)),
            each * parts.lines,
            0,
        ];
        let folds = folds((0, rows), output.cols, u64::from(accelerator.array.rows)).len() as u64;
        let steps = costs.parts * folds * tiles.len() as u64;
        let moved = costs.input + costs.output.0 + costs.residual;
        let bus = costs.parts * moved + steps * weights;
        let unit = steps * parts.count * feed;
        for slots in [2, 1] {
            let slots = slots.min(costs.parts);
            let needs = [slots * lines[0], slots * lines[1], slots * lines[2], 0];
            let Some(regions) = area.regions(needs, bank, banks) else { continue };
            let work = Work {
                bus,
                store: costs.parts * costs.output.1,
                unit,
                tile: unit / costs.parts,
                band: unit / costs.parts,
                head: (0, 0),
                fill: costs.input + weights / parts.count + 2 * u64::from(accelerator.memory.latency_cycles),
                drain: costs.output.1,
            };
            let plan = Plan {
                order: Order::Pixels,
                rows,
                tiles: tiles.clone(),
                regions,
                slots: [slots, slots, slots, total / lines[3], 0],
                lines,
                weight_lines: geometry.positions() * input.groups * parts.lines,
                work,
                double: slots > 1 || costs.parts == 1,
                parts: Some(parts),
            };
            if best.as_ref().is_none_or(|best| plan.cycles() < best.cycles()) {
                best = Some(plan);
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_cover_a_tile() {
        assert_eq!(folds((4, 7), 5, 16), [[(4, 7), (0, 5)]]);
        assert_eq!(folds((0, 3), 6, 16), [[(0, 2), (0, 6)], [(2, 3), (0, 6)]]);
        assert_eq!(folds((1, 2), 20, 16), [[(1, 2), (0, 16)], [(1, 2), (16, 20)]]);
    }
}
