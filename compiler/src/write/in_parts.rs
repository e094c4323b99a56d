//! Sums in parts, fold by fold (`tiling/parts.rs`).

use bitgauge_arch::command::{Compute, Operation};
use bitgauge_arch::program::Operand;

use super::emit::Chip;
use super::product::Weights;
use super::run::{Place, Run};
use crate::tiling::geometry::{Band, ChannelTile, band};
use crate::tiling::parts::folds;
use crate::tiling::plan::Parts;
use crate::view::{View, reg};

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
