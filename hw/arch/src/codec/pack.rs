//! `pack`: codes at their own width, one after the other.

use super::bits::{BitReader, BitWriter};

/// Codes containers (one byte up to 8 bits, two bytes above).
#[must_use]
pub fn encode(containers: &[u8], value_bits: u32) -> Vec<u8> {
    if value_bits == 8 || value_bits == 16 {
        return containers.to_vec();
    }
    let mut writer = BitWriter::default();
    for &code in containers {
        writer.push(u32::from(code), value_bits);
    }
    writer.finish()
}

/// Decodes `count` codes.
#[must_use]
pub fn decode(bytes: &[u8], count: usize, value_bits: u32, signed: bool) -> Vec<u8> {
    if value_bits == 8 || value_bits == 16 {
        let length = count * (value_bits as usize / 8);
        let mut containers = bytes[..bytes.len().min(length)].to_vec();
        containers.resize(length, 0);
        return containers;
    }
    let mut reader = BitReader::new(bytes);
    (0..count).map(|_| extend(reader.pull(value_bits), value_bits, signed)).collect()
}

/// A code of `value_bits` (at most 8) bits in its byte.
#[must_use]
pub(super) fn extend(code: u32, value_bits: u32, signed: bool) -> u8 {
    if signed && code >> (value_bits - 1) & 1 == 1 { (code | (0xff << value_bits)) as u8 } else { code as u8 }
}
