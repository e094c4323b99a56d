//! What a product looks like before it is tiled: operands, bands of rows, tiles of output channels.

use bitgauge_arch::Accelerator;
use bitgauge_arch::command::{Compute, Vector};
use bitgauge_arch::mac::Operands;
use bitgauge_models::integer::Window;

use super::blocks::Blocks;
use super::cost::part_sizes;
use super::long::Long;
use crate::view::{View, reg};

/// Input rows that a band of output rows reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Band {
    /// First and one past the last input row.
    pub rows: (u64, u64),
    /// Rows of padding above.
    pub pad_top: u64,
}

/// The band of output rows `out.0 .. out.1` over a map of `in_rows` rows.
pub(crate) fn band(window: &Window, in_rows: u64, out: (u64, u64)) -> Band {
    let (stride, pad) = (window.stride[0] as u64, window.pad[0] as u64);
    let span = (window.kernel[0] as u64 - 1) * window.dilation[0] as u64 + 1;
    let above = out.0 * stride;
    let first = above.saturating_sub(pad).min(in_rows);
    let last = ((out.1.max(1) - 1) * stride + span).saturating_sub(pad).clamp(first, in_rows);
    Band { rows: (first, last), pad_top: pad.saturating_sub(above) }
}

/// Most input rows that a band of `rows` output rows reads.
pub(crate) fn band_rows(window: &Window, in_rows: u64, rows: u64) -> u64 {
    let span = (window.kernel[0] as u64 - 1) * window.dilation[0] as u64 + 1;
    ((rows.max(1) - 1) * window.stride[0] as u64 + span).min(in_rows)
}

/// What the mapper must know of a product.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Geometry {
    /// Rows operand; its groups are segments.
    pub input: View,
    pub window: Window,
    /// Output; pixels in the window's order.
    pub output: View,
    pub residual: Option<View>,
    /// N.
    pub outputs: u64,
    /// Weights that are a tensor; constants are laid out tile by tile.
    pub weights: Option<View>,
    /// Bits that a constant weight takes in external memory.
    pub weight_bits: u64,
    /// Widths of the codes that the array multiplies.
    pub operands: Operands,
    /// Parameters belong to rows.
    pub parameter_per_row: bool,
    /// Input vectors are gathered by the vector unit; `input` then stands for the gathered map.
    pub patch: Option<Patch>,
    /// The window is longer than a command's, along rows.
    pub long: Option<Long>,
    /// Outputs read some of the channels alone.
    pub blocks: Option<Blocks>,
}

/// Gathering of kernel windows on the way to the array.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Patch {
    /// The raw map: a row is one pixel of all its bytes.
    pub map: View,
    pub window: Window,
    /// Registers that do not depend on the tile.
    pub registers: Vector,
}

/// One tile of output channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChannelTile {
    pub first: u64,
    pub count: u64,
    /// First line within a pixel of the whole output.
    pub word: u64,
    /// Parts in output groups: group, first and one past the last channel, line within the tile's pixel.
    pub parts: Vec<(u64, (u64, u64), u64)>,
}

/// Lines of a pixel of `view` on chip when each of its groups starts on a line.
pub(super) fn pixel_lines(view: &View, line: u64) -> u64 {
    view.groups * view.words(line)
}

impl Patch {
    /// The command that gathers a tile of `rows x cols` vectors, without its lines.
    pub fn command(&self, rows: u64, cols: u64) -> Vector {
        Vector { out_rows: reg(rows), out_cols: reg(cols), ..self.registers.clone() }
    }
}

impl Geometry {
    /// The same without addresses, on which no plan depends: layers of one shape have one plan.
    pub fn shape(&self) -> Geometry {
        let at_zero = |view: &View| View { address: 0, ..*view };
        Geometry {
            input: at_zero(&self.input),
            output: at_zero(&self.output),
            residual: self.residual.as_ref().map(at_zero),
            weights: self.weights.as_ref().map(at_zero),
            patch: self.patch.as_ref().map(|patch| Patch { map: at_zero(&patch.map), ..patch.clone() }),
            ..self.clone()
        }
    }

    pub fn positions(&self) -> u64 {
        (self.window.kernel[0] * self.window.kernel[1]) as u64
    }

    /// Rows and columns of a command's window.
    pub fn kernel(&self) -> [u64; 2] {
        self.long.map_or(self.window.kernel.map(|size| size as u64), |long| long.kernel)
    }

    /// Codes of a segment.
    pub fn segment(&self) -> u64 {
        self.blocks.map_or(self.input.channels, |blocks| blocks.channels)
    }

    /// Whether one command walks over blocks.
    pub fn walked(&self) -> bool {
        self.blocks.is_some_and(|blocks| blocks.walked)
    }

    /// Outputs that a tile may have at most: it reads one block, unless commands walk over them.
    fn tile_limit(&self, whole: u64) -> u64 {
        self.blocks.filter(|blocks| !blocks.walked).map_or(whole, |blocks| blocks.outputs.min(whole))
    }

    /// Codes of an operand line.
    pub fn line_codes(&self, line: u64) -> u64 {
        self.input.operand.codes_of(line)
    }

    /// Lines of a segment.
    pub fn segment_lines(&self, line: u64) -> u64 {
        View { channels: self.segment(), ..self.input }.words(line)
    }

    /// Lines of the weights of one output.
    pub fn weight_lines(&self, line: u64) -> u64 {
        self.positions() * self.input.groups * self.segment_lines(line)
    }

    /// Output channels cut into tiles of `size`.
    pub fn tiles(&self, line: u64, size: u64) -> Vec<ChannelTile> {
        let view = &self.output;
        let group_words = view.words(line);
        let mut tiles = Vec::new();
        if view.groups == 1 || view.pixel_bytes().is_multiple_of(line) {
            let limit = self.tile_limit(self.outputs).max(1);
            let firsts = (0..self.outputs)
                .step_by(limit as usize)
                .flat_map(|block| (block..(block + limit).min(self.outputs)).step_by(size.max(1) as usize));
            for first in firsts {
                let count = size.min(self.outputs - first).min(limit - first % limit);
                let mut parts = Vec::new();
                let mut at = first;
                while at < first + count {
                    let (group, channel) = (at / view.channels, at % view.channels);
                    let end = (channel + first + count - at).min(view.channels);
                    parts.push((group, (channel, end), (at - first) * view.container / line));
                    at += end - channel;
                }
                tiles.push(ChannelTile { first, count, word: first * view.container / line, parts });
            }
        } else {
            for group in 0..view.groups {
                for channel in (0..view.channels).step_by(size.max(1) as usize) {
                    let count = size.min(view.channels - channel);
                    tiles.push(ChannelTile {
                        first: group * view.channels + channel,
                        count,
                        word: group * group_words + channel * view.container / line,
                        parts: vec![(group, (channel, channel + count), 0)],
                    });
                }
            }
        }
        tiles
    }

    /// Sizes of channel tiles worth trying.
    pub fn tile_sizes(&self, accelerator: &Accelerator) -> Vec<u64> {
        let line = u64::from(accelerator.line_bytes());
        let aligned = self.output.groups == 1 || self.output.pixel_bytes().is_multiple_of(line);
        let total = self.tile_limit(if aligned { self.outputs } else { self.output.channels });
        // A tile starts on a line of output and residual, and fills columns.
        let codes =
            if self.residual.is_none_or(|residual| residual.container == 1) || self.output.container == 1 {
                line
            } else {
                line / 2
            };
        let mut sizes = part_sizes(total, codes.max(u64::from(accelerator.array.cols).next_power_of_two()));
        if sizes.last().is_some_and(|&last| last > codes) {
            sizes.push(codes);
        }
        sizes
    }

    /// The compute command of a tile, as far as its timing goes.
    pub fn command(&self, rows: u64, outputs: u64) -> Compute {
        let mut compute = Compute {
            out_rows: rows as u32,
            out_cols: self.output.cols as u32,
            kernel_rows: reg(self.kernel()[0]),
            kernel_cols: reg(self.kernel()[1]),
            segments: self.input.groups as u32,
            channels: self.segment() as u32,
            outputs: outputs as u32,
            grouped: u32::from(self.walked()),
            output_wide: u32::from(self.output.container == 2),
            residual_enable: u32::from(self.residual.is_some()),
            residual_wide: u32::from(self.residual.is_some_and(|residual| residual.container == 2)),
            ..Compute::default()
        };
        compute.set_operands(self.operands);
        compute.container = self.input.operand.code();
        compute.tag_shift = self.input.tag_shift;
        compute
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_cover_what_windows_read() {
        let window = Window { kernel: [3, 3], stride: [2, 2], pad: [1, 1, 1, 1], dilation: [2, 2] };
        assert_eq!(band(&window, 10, (0, 2)), Band { rows: (0, 6), pad_top: 1 });
        assert_eq!(band(&window, 10, (2, 4)), Band { rows: (3, 10), pad_top: 0 });
        assert_eq!(band_rows(&window, 10, 2), 7);
    }
}
