//! Sums in parts: products whose weights for one fold are more than the weight scratchpad holds.
//!
//! The channels are cut. A command multiplies those of one part and keeps its sums in the array, the next goes on
//! with them, and the last of a fold is post-processed. The array holds the sums of one fold, so that a tile is
//! walked fold by fold, and its weights are loaded again for each: where the bus brings a column's codes as fast as
//! the array takes them, nothing waits.

use bitgauge_arch::Accelerator;
use bitgauge_arch::command::{Compute, Operation};
use bitgauge_arch::program::Operand;
use bitgauge_arch::timing;

use super::candidate::row_costs;
use super::geometry::{Band, ChannelTile, Geometry, band, band_rows, pixel_lines};
use super::plan::{Order, Plan, row_sizes};
use super::product::Weights;
use super::run::{Place, Run};
use crate::cost::{Work, bus_cycles};
use crate::emit::{Chip, reg};
use crate::scratch::Area;
use crate::view::{MOST, View};

/// How the channels of a segment are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub count: u64,
    /// Lines of a segment that a part has; the last may have fewer.
    pub lines: u64,
}

impl Parts {
    /// The channels of part `index` of a segment of `channels`.
    fn channels(&self, index: u64, channels: u64, line_codes: u64) -> (u64, u64) {
        let first = index * self.lines * line_codes;
        (first, (first + self.lines * line_codes).min(channels))
    }
}

/// Output rows and columns of each fold of a tile of `rows x cols` pixels.
fn folds(rows: (u64, u64), cols: u64, most: u64) -> Vec<[(u64, u64); 2]> {
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

/// A tile under way.
pub(super) struct Tile<'t> {
    pub index: u64,
    pub cut: &'t ChannelTile,
    /// Output rows.
    pub rows: (u64, u64),
    /// Of the first fold; `reach` is that of the whole tile.
    pub place: Place,
    pub output: Chip,
    pub residual: Option<(View, Chip)>,
}

impl Run<'_, '_, '_> {
    /// Addresses of the weights of each tile and part.
    pub(super) fn place_parts(&mut self, parts: Parts) {
        let Weights::Constant(weights) = self.product.weights else { return };
        let geometry = &self.product.geometry;
        let (channels, line_codes) = (geometry.segment(), geometry.line_codes(self.emitter.line()));
        let segments = (geometry.positions() * geometry.input.groups) as usize;
        let tiles = self.plan.tiles.iter().flat_map(|tile| (0..parts.count).map(move |part| (tile, part)));
        for (tile, part) in tiles {
            let (first, end) = parts.channels(part, channels, line_codes);
            let range = first as usize..end as usize;
            let bytes: Vec<u8> = weights
                .chunks_exact((channels as usize).max(1))
                .skip(tile.first as usize * segments)
                .take(tile.count as usize * segments)
                .flat_map(|segment| segment.get(range.clone()).unwrap_or_default())
                .copied()
                .collect();
            self.weight_tiles.push(self.emitter.codes(bytes.into(), geometry.weight_bits));
        }
    }

    fn load_part(&mut self, tile: &Tile<'_>, parts: Parts, part: u64) -> u64 {
        let key = tile.index * parts.count + part;
        let (start, fill) = self.weights.get(key);
        if fill {
            let geometry = &self.product.geometry;
            let line = self.emitter.line();
            let (first, end) = parts.channels(part, geometry.segment(), geometry.line_codes(line));
            let pixels = tile.cut.count * geometry.positions() * geometry.input.groups;
            let shape = [pixels, end - first, geometry.input.operand.lines(end - first, line)];
            let address = self.weight_tiles[key as usize];
            let format = (geometry.weight_bits, geometry.input.operand);
            self.emitter.load_codes(address, start, shape, format, self.product.weight_operand);
        }
        start
    }

    /// All folds of a tile, each part by part.
    pub(super) fn compute_in_parts(&mut self, tile: &Tile<'_>, parts: Parts) {
        let geometry = &self.product.geometry;
        let (line, window) = (self.emitter.line(), &geometry.window);
        let line_codes = geometry.line_codes(line);
        let (input, words) = (&geometry.input, geometry.input.words(line));
        let cols = geometry.output.cols;
        let segments = geometry.positions() * input.groups;
        for [rows, columns] in folds(tile.rows, cols, u64::from(self.emitter.accelerator.array.rows)) {
            let reach = band(window, input.rows, rows);
            // Columns left of the fold are as good as not there, but for those that are padding.
            let start = columns.0 * window.stride[1] as u64;
            let pad_left = (window.pad[1] as u64).saturating_sub(start);
            let skipped = start.saturating_sub(window.pad[1] as u64).min(input.cols);
            let down = reach.rows.0 - tile.place.reach.rows.0;
            let pixel = (rows.0 - tile.rows.0) * cols + columns.0;
            for part in 0..parts.count {
                let (first, end) = parts.channels(part, geometry.segment(), line_codes);
                let place = Place {
                    weight_line: self.load_part(tile, parts, part),
                    input_line: tile.place.input_line
                        + (down * input.cols + skipped) * words
                        + first / line_codes,
                    reach: Band { ..reach },
                    ..tile.place
                };
                let left = input.cols - skipped;
                let mut compute = Compute {
                    out_cols: reg(columns.1 - columns.0),
                    in_cols: reg(geometry.long.map_or(left, |long| long.in_cols(left))),
                    pad_left: reg(pad_left),
                    channels: reg(end - first),
                    weight_stride: reg(segments * input.operand.lines(end - first, line)),
                    output_line: reg(tile.output.line + pixel * tile.output.pixel_stride),
                    output_pixel_stride: reg(tile.output.pixel_stride),
                    ..self.compute(tile.cut, rows.1 - rows.0, &place)
                };
                if part + 1 < parts.count {
                    (compute.accumulate, compute.table_enable) = (1, 0);
                } else if let Some((view, chip)) = tile.residual {
                    let chip = Chip { line: chip.line + pixel * chip.pixel_stride, ..chip };
                    self.add_residual(&mut compute, &view, chip);
                }
                self.emitter.push(Operation::Compute(compute), Operand::Output);
            }
        }
    }
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

    #[test]
    fn the_last_part_ends_with_the_channels() {
        let parts = Parts { count: 3, lines: 2 };
        assert_eq!([0, 1, 2].map(|part| parts.channels(part, 90, 16)), [(0, 32), (32, 64), (64, 90)]);
    }
}
