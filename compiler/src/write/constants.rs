//! Weights and parameters of a product under way.

use bitgauge_arch::arith::post::PARAMETER_BYTES;
use bitgauge_arch::command::Target;

use super::emit::{Chip, parameter_bytes};
use super::product::{Parameters, Weights};
use super::run::Run;

impl Run<'_, '_, '_> {
    pub(super) fn place_constants(&mut self) {
        let geometry = &self.product.geometry;
        if let Some(parts) = self.plan.parts {
            self.place_parts(parts);
        } else if let Weights::Constant(weights) = self.product.weights {
            let each = (geometry.positions() * geometry.input.groups * geometry.segment()) as usize;
            for tile in &self.plan.tiles {
                let from = tile.first as usize * each;
                let bytes = weights.part(from..from + tile.count as usize * each);
                self.weight_tiles.push(self.emitter.codes(bytes, geometry.weight_bits));
            }
        }
        let of = |first: u64, count: u64| match self.product.parameters {
            Parameters::Each(all) => {
                parameter_bytes(all.iter().skip(first as usize).take(count as usize).copied())
            }
            Parameters::Same(one) => parameter_bytes(std::iter::repeat_n(one, count as usize)),
        };
        let tiles: Vec<(u64, u64)> = if self.parameters_at_once() {
            vec![(0, self.parameter_count())]
        } else if geometry.parameter_per_row {
            let rows = geometry.output.rows;
            (0..rows)
                .step_by(self.plan.rows as usize)
                .map(|row| (row, self.plan.rows.min(rows - row)))
                .collect()
        } else {
            self.plan.tiles.iter().map(|tile| (tile.first, tile.count)).collect()
        };
        for (first, count) in tiles {
            let address = self.emitter.constant(of(first, count));
            self.parameter_tiles.push(address);
        }
    }

    fn parameter_count(&self) -> u64 {
        let geometry = &self.product.geometry;
        if geometry.parameter_per_row {
            return geometry.output.rows;
        }
        match self.product.parameters {
            Parameters::Each(_) => geometry.outputs,
            // The same entry over and over serves every tile.
            Parameters::Same(_) => self.plan.tiles.iter().map(|tile| tile.count).max().unwrap_or(0),
        }
    }

    fn parameters_at_once(&self) -> bool {
        self.parameter_count() <= u64::from(self.emitter.accelerator.post.parameter_entries)
    }

    /// Whether a tile's parameters can be loaded from the middle of all: the first tile then waits for its
    /// own alone.
    fn parameters_in_parts(&self) -> bool {
        let line = self.emitter.line();
        self.parameters_at_once()
            && !self.product.geometry.parameter_per_row
            && matches!(self.product.parameters, Parameters::Each(_))
            && self.plan.tiles.iter().all(|tile| (tile.first * PARAMETER_BYTES as u64).is_multiple_of(line))
    }

    fn parameter_part(&mut self, tile: u64) -> u64 {
        let base = match self.parameters {
            Some((_, base)) => base,
            None => {
                let base = self.emitter.take_parameters(self.parameter_count(), false);
                self.parameters = Some((0, base));
                base
            }
        };
        let cut = &self.plan.tiles[tile as usize];
        if !std::mem::replace(&mut self.parts_loaded[tile as usize], true) {
            let address = self.parameter_tiles[0] + cut.first * PARAMETER_BYTES as u64;
            self.emitter.fill_parameters(address, base + cut.first, cut.count, false);
        }
        base + cut.first
    }

    /// First parameter entry of a tile, loading what is not there.
    pub(super) fn parameter_base(&mut self, part: u64, tile: u64) -> u64 {
        if self.parameters_in_parts() {
            return self.parameter_part(tile);
        }
        let at_once = self.parameters_at_once();
        let per_row = self.product.geometry.parameter_per_row;
        let key = match (at_once, per_row) {
            (true, _) => 0,
            (false, true) => part,
            (false, false) => tile,
        };
        let base = match self.parameters {
            Some((held, base)) if held == key => base,
            _ => {
                let rows = self.product.geometry.output.rows;
                let count = match (at_once, per_row) {
                    (true, _) => self.parameter_count(),
                    (false, true) => self.plan.rows.min(rows - part * self.plan.rows),
                    (false, false) => self.plan.tiles[tile as usize].count,
                };
                let base = self.emitter.load_parameters(self.parameter_tiles[key as usize], count, false);
                self.parameters = Some((key, base));
                base
            }
        };
        match (at_once, per_row, self.product.parameters) {
            (true, true, _) => base + part * self.plan.rows,
            (true, false, Parameters::Each(_)) => base + self.plan.tiles[tile as usize].first,
            _ => base,
        }
    }

    pub(super) fn load_weights(&mut self, tile: u64) -> u64 {
        let (line, fill) = self.weights.get(tile);
        if !fill {
            return line;
        }
        let geometry = &self.product.geometry;
        let words = geometry.segment_lines(self.emitter.line());
        let cut = &self.plan.tiles[tile as usize];
        match self.product.weights {
            Weights::Constant(_) => {
                let pixels = cut.count * geometry.positions() * geometry.input.groups;
                let shape = [pixels, geometry.segment(), words];
                self.emitter.load_codes(
                    self.weight_tiles[tile as usize],
                    line,
                    shape,
                    (geometry.weight_bits, geometry.input.operand),
                    self.product.weight_operand,
                );
            }
            Weights::Tensor(view) => {
                for group in 0..view.groups {
                    let chip = Chip { line: line + group * words, pixel_stride: view.groups * words };
                    let rows = (cut.first, cut.first + cut.count);
                    self.emitter.load(
                        &view,
                        group,
                        rows,
                        (0, view.channels),
                        Target::Weight,
                        chip,
                        self.product.weight_operand,
                    );
                }
            }
        }
        line
    }
}
