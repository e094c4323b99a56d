//! `zvc`, zero-value compression: for every eight codes a mask of eight bits (bit i set where code i is
//! not the zero code), then the codes so marked at their own width.
//!
//! Source: Rhu et al., Compressing DMA Engine, HPCA 2018, with groups of eight instead of 32. The zero code
//! is the tensor's zero point, so that ReLU's zeros count under any zero point.

use super::Format;
use super::bits::{BitReader, BitWriter};
use super::pack::extend;

/// Codes of a group.
pub const GROUP: usize = 8;

/// Bytes that [`encode`] will need.
#[must_use]
pub fn coded_bytes(codes: &[u8], value_bits: u32, zero_code: u8) -> usize {
    let mask = ((1u32 << value_bits) - 1) as u8;
    let others = codes.iter().filter(|&&code| code & mask != zero_code & mask).count();
    (codes.len().div_ceil(GROUP) * GROUP + others * value_bits as usize).div_ceil(8)
}

/// Codes one-byte containers.
#[must_use]
pub fn encode(codes: &[u8], value_bits: u32, zero_code: u8) -> Vec<u8> {
    let mask = ((1u32 << value_bits) - 1) as u8;
    let mut writer = BitWriter::default();
    for group in codes.chunks(GROUP) {
        let marks = group
            .iter()
            .enumerate()
            .fold(0u32, |marks, (index, &code)| marks | u32::from(code & mask != zero_code & mask) << index);
        writer.push(marks, 8);
        for (index, &code) in group.iter().enumerate() {
            if marks >> index & 1 == 1 {
                writer.push(u32::from(code), value_bits);
            }
        }
    }
    writer.finish()
}

/// Decodes `count` codes.
#[must_use]
pub fn decode(bytes: &[u8], count: usize, format: Format) -> Vec<u8> {
    let mut reader = BitReader::new(bytes);
    let mut codes = Vec::with_capacity(count);
    let mask = (1u32 << format.value_bits) - 1;
    let zero = extend(u32::from(format.zero_code) & mask, format.value_bits, format.signed);
    while codes.len() < count {
        let marks = reader.pull(8);
        for index in 0..GROUP.min(count - codes.len()) {
            codes.push(if marks >> index & 1 == 1 {
                extend(reader.pull(format.value_bits), format.value_bits, format.signed)
            } else {
                zero
            });
        }
    }
    codes
}
