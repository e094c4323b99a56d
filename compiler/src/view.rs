//! How a lowering sees a tensor in external memory: strides, reshapes, and tiles cut into blocks.

use bitgauge_arch::code::OperandContainer;
use bitgauge_arch::codec::{Codec, Format};

/// A strided look at a tensor: `groups x rows x cols` pixels of `channels` codes. Groups and rows are so many bytes
/// apart, pixels of a row so many bits, as dense codes of less than 8 bits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub address: u64,
    pub groups: u64,
    pub rows: u64,
    pub cols: u64,
    pub channels: u64,
    pub group_stride: u64,
    pub row_stride: u64,
    /// Bits from a pixel of a row to the next.
    pub col_bits: u64,
    /// Bytes of a code's container on chip.
    pub container: u64,
    /// What codes of a byte and less lie in where the array reads them.
    pub operand: OperandContainer,
    pub codec: Codec,
    pub value_bits: u32,
    /// Whether codes are signed.
    pub signed: bool,
    /// Two scales: how much coarser the second is; 0 where there is one.
    pub tag_shift: u32,
}

/// One load or store command's worth of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    pub address: u64,
    pub blocks: u64,
    /// Bytes from a block to the next.
    pub block_stride: u64,
    /// Pixels of a block.
    pub pixels: u64,
    /// Codes of a pixel.
    pub channels: u64,
    /// First pixel of the tile that it moves.
    pub first_pixel: u64,
}

/// Most blocks of a command, and most pixels of a block.
pub(crate) const MOST: u64 = 65_535;

impl View {
    /// Bits of a code in external memory.
    pub fn code_bits(&self) -> u64 {
        if self.codec == Codec::None { 8 * self.container } else { u64::from(self.value_bits) }
    }

    /// Bits of a pixel in external memory.
    pub fn pixel_bits(&self) -> u64 {
        self.channels * self.code_bits()
    }

    /// Bytes of a pixel's containers on chip.
    pub fn pixel_bytes(&self) -> u64 {
        match self.operand {
            OperandContainer::Bits8 => self.channels * self.container,
            narrow => narrow.bytes_of(self.channels),
        }
    }

    /// Lines of a pixel on chip.
    pub fn words(&self, line_bytes: u64) -> u64 {
        self.pixel_bytes().div_ceil(line_bytes)
    }

    /// Whether a row is one run of codes.
    pub fn contiguous(&self) -> bool {
        self.cols == 1 || self.col_bits == self.pixel_bits()
    }

    /// Whether the rows of a group are one run of codes.
    pub fn dense(&self) -> bool {
        self.contiguous() && (self.rows == 1 || 8 * self.row_stride == self.cols * self.pixel_bits())
    }

    /// The same codes as one column of pixels, where strides allow it: pixels start on whole bytes.
    pub fn flat(&self) -> Option<View> {
        if self.cols == 1 {
            return Some(*self);
        }
        let regular = self.rows == 1 || 8 * self.row_stride == self.cols * self.col_bits;
        (regular && self.col_bits.is_multiple_of(8)).then(|| View {
            rows: self.rows * self.cols,
            cols: 1,
            row_stride: self.col_bits / 8,
            ..*self
        })
    }

    /// The same codes as `rows x cols` pixels.
    pub fn reshaped(&self, rows: u64, cols: u64) -> Option<View> {
        if (rows, cols) == (self.rows, self.cols) {
            return Some(*self);
        }
        let flat = self.flat()?;
        if flat.rows != rows * cols {
            return None;
        }
        Some(View { rows, cols, row_stride: cols * flat.row_stride, col_bits: 8 * flat.row_stride, ..flat })
    }

    /// Into how many pixels one of more channels than a command takes is cut: the fewest, aligned where they can be.
    pub fn parts_of_pixels(&self) -> u64 {
        let most = MOST / 64 * 64;
        let even = |parts: &u64| self.channels.is_multiple_of(*parts) && self.channels / parts <= most;
        let from = self.channels.div_ceil(most).max(1);
        if from == 1 {
            return 1;
        }
        let mut all = (from..=self.channels).filter(even);
        let aligned = |parts: &u64| (self.channels / parts).is_multiple_of(64);
        let first = all.next();
        first.filter(aligned).or_else(|| all.take(64).find(aligned)).or(first).unwrap_or(1)
    }

    /// The same codes with each pixel cut into `parts`; `None` where pixels have gaps or are no column.
    pub fn cut_pixels(&self, parts: u64) -> Option<View> {
        let dense = self.cols == 1
            && self.channels.is_multiple_of(parts)
            && (self.pixel_bits() / parts.max(1)).is_multiple_of(8)
            && self.dense();
        let stride = self.pixel_bits() / 8 / parts.max(1);
        let cut = View {
            rows: self.rows * parts,
            channels: self.channels / parts.max(1),
            row_stride: stride,
            col_bits: 8 * stride,
            ..*self
        };
        if parts == 1 { Some(*self) } else { dense.then_some(cut) }
    }

    /// One group alone.
    pub fn group(&self, group: u64) -> View {
        View { address: self.address + group * self.group_stride, groups: 1, ..*self }
    }

    /// The rows of all groups as rows of one group; tensors lie so.
    pub fn joined_groups(&self) -> Option<View> {
        let regular = self.groups == 1 || self.group_stride == self.rows * self.row_stride;
        regular.then(|| View { groups: 1, rows: self.groups * self.rows, ..*self })
    }

    /// Rows `start ..` of it.
    pub fn skip_rows(&self, start: u64, rows: u64) -> View {
        View { address: self.address + start * self.row_stride, rows, ..*self }
    }

    /// Least number of rows after which a tile may start.
    pub fn row_step(&self, bus: u64) -> u64 {
        bus / gcd(self.row_stride % bus, bus)
    }

    /// Whether channels `first .. first + count` of pixels can be moved.
    pub fn can_slice(&self, bus: u64, first: u64, count: u64) -> bool {
        if first == 0 && count == self.channels {
            return true;
        }
        let pixel_bits = if self.cols == 1 { 8 * self.row_stride } else { self.col_bits };
        (first * self.code_bits()).is_multiple_of(8 * bus)
            && pixel_bits.is_multiple_of(8 * bus)
            && self.row_stride.is_multiple_of(bus)
    }

    /// The commands that move channels `channels.0 .. channels.1` of rows `rows.0 .. rows.1` of a group.
    pub fn moves(&self, group: u64, rows: (u64, u64), channels: (u64, u64)) -> Vec<Move> {
        let mut moves = Vec::new();
        self.each_move(group, rows, channels, |part| moves.push(part));
        moves
    }

    /// Hands over the same, one after the other.
    pub fn each_move(&self, group: u64, rows: (u64, u64), channels: (u64, u64), mut each: impl FnMut(Move)) {
        let count = rows.1.saturating_sub(rows.0);
        let width = channels.1 - channels.0;
        let address = self.address
            + group * self.group_stride
            + rows.0 * self.row_stride
            + channels.0 * self.code_bits() / 8;
        let pixels = count * self.cols;
        let whole = width == self.channels;
        if count == 0 || width == 0 {
        } else if whole && self.dense() && pixels <= MOST {
            each(Move { address, blocks: 1, block_stride: 0, pixels, channels: width, first_pixel: 0 });
        } else if whole && self.contiguous() && self.cols <= MOST {
            let mut at = 0;
            while at < count {
                let blocks = (count - at).min(MOST);
                each(Move {
                    address: address + at * self.row_stride,
                    blocks,
                    block_stride: self.row_stride,
                    pixels: self.cols,
                    channels: width,
                    first_pixel: at * self.cols,
                });
                at += blocks;
            }
        } else {
            // Every pixel is a block of its own.
            let one = View { channels: width, ..*self };
            let flat = if self.cols == 1 || 8 * self.row_stride == self.cols * self.col_bits {
                one.flat()
            } else {
                None
            };
            match flat {
                Some(flat) => {
                    let mut at = 0;
                    while at < pixels {
                        let blocks = (pixels - at).min(MOST);
                        let address = address + at * flat.row_stride;
                        each(Move {
                            address,
                            blocks,
                            block_stride: flat.row_stride,
                            pixels: 1,
                            channels: width,
                            first_pixel: at,
                        });
                        at += blocks;
                    }
                }
                None => (0..count).for_each(|row| {
                    each(Move {
                        address: address + row * self.row_stride,
                        blocks: self.cols,
                        block_stride: self.col_bits / 8,
                        pixels: 1,
                        channels: width,
                        first_pixel: row * self.cols,
                    });
                }),
            }
        }
    }

    /// The format of its blocks.
    pub fn format(&self) -> Format {
        Format { codec: self.codec, value_bits: self.value_bits, zero_code: 0, signed: self.signed }
    }

    /// Bytes of a block of `codes` codes in external memory.
    pub fn block_bytes(&self, codes: u64) -> u64 {
        self.format().raw_bytes(codes)
    }
}

/// The greatest common divisor.
pub(crate) fn gcd(a: u64, b: u64) -> u64 {
    if a == 0 { b } else { gcd(b % a, a) }
}

/// A value for a register; one that is too large is refused by the encoder, not cut here.
pub(crate) fn reg(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(cols: u64, channels: u64, bus: u64) -> View {
        let row_stride = (cols * channels).next_multiple_of(bus);
        View {
            address: 64,
            groups: 1,
            rows: 5,
            cols,
            channels,
            group_stride: 5 * row_stride,
            row_stride,
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
    fn dense_rows_move_as_one_block_and_padded_rows_as_many() {
        let dense = map(8, 4, 16).moves(0, (1, 4), (0, 4));
        assert_eq!(
            dense,
            [Move { address: 96, blocks: 1, block_stride: 0, pixels: 24, channels: 4, first_pixel: 0 }]
        );
        let padded = map(7, 4, 16).moves(0, (1, 4), (0, 4));
        assert_eq!(
            padded,
            [Move { address: 96, blocks: 3, block_stride: 32, pixels: 7, channels: 4, first_pixel: 0 }]
        );
        assert!(map(7, 4, 16).flat().is_none());
        assert_eq!(map(8, 4, 16).flat().unwrap().row_step(16), 4);
    }

    #[test]
    fn a_slice_of_channels_moves_pixel_by_pixel() {
        let view = map(3, 32, 16);
        assert!(view.can_slice(16, 16, 16));
        assert!(!view.can_slice(16, 8, 16));
        let moves = view.moves(0, (0, 2), (16, 32));
        assert_eq!(
            moves,
            [Move { address: 80, blocks: 6, block_stride: 32, pixels: 1, channels: 16, first_pixel: 0 }]
        );
    }
}
