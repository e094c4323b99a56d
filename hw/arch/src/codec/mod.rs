//! How a block of codes is written in external memory.
//!
//! A block is a stream of bits, least significant bit of the first byte first, filled with zeros to a
//! whole byte. All codecs are exact. On chip, codes live in containers of one byte (two for 16-bit codes).

pub mod bits;
pub mod pack;
pub mod zvc;

use crate::code::Container;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a block of codes is written in external memory.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// Whole containers of 8 or 16 bits.
    #[default]
    None = 0,
    /// Codes at their own width, without padding.
    Pack = 1,
    /// Zero-value compression: a mask bit per code, then the codes that differ from the zero code.
    Zvc = 2,
}

impl Codec {
    /// All codecs, in the order of their wire codes.
    pub const ALL: [Codec; 3] = [Codec::None, Codec::Pack, Codec::Zvc];

    /// The codec of a wire code.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Codec> {
        Codec::ALL.get(code as usize).copied()
    }

    /// The wire code.
    #[must_use]
    pub fn code(self) -> u32 {
        self as u32
    }

    /// Name in texts.
    #[must_use]
    pub fn name(self) -> &'static str {
        ["none", "pack", "zvc"][self as usize]
    }
}

/// The format of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Codec.
    pub codec: Codec,
    /// Bits of a code: 2 to 8, or 16.
    pub value_bits: u32,
    /// The code that `zvc` leaves out.
    pub zero_code: u8,
    /// Whether decoding extends the sign of codes narrower than their container.
    pub signed: bool,
}

impl Format {
    /// Plain bytes.
    pub const BYTES: Format = Format { codec: Codec::None, value_bits: 8, zero_code: 0, signed: false };

    /// What a code lies in on chip.
    #[must_use]
    pub fn container(&self) -> Container {
        Container::of_bits(self.value_bits)
    }

    /// Bytes of a block of `count` codes before `zvc`: the block's slot in memory.
    #[must_use]
    pub fn raw_bytes(&self, count: u64) -> u64 {
        match self.codec {
            Codec::None => count * self.container().bytes() as u64,
            Codec::Pack | Codec::Zvc => (count * u64::from(self.value_bits)).div_ceil(8),
        }
    }
}

/// A block as it lies in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coded {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether `zvc` gave up and the codes are packed instead.
    pub escaped: bool,
}

/// Entry of a length table: beats, and bit 15 set where the block is escaped.
#[must_use]
pub fn length_entry(coded: &Coded, bus_bytes: usize) -> u16 {
    (coded.bytes.len().div_ceil(bus_bytes) as u16 & 0x7fff) | u16::from(coded.escaped) << 15
}

/// Codes a block. `containers` holds whole containers.
///
/// `zvc` escapes to `pack` where it would not save a beat of `bus_bytes`.
#[must_use]
pub fn encode(format: Format, containers: &[u8], bus_bytes: usize) -> Coded {
    match format.codec {
        Codec::None => Coded { bytes: containers.to_vec(), escaped: false },
        Codec::Pack => Coded { bytes: pack::encode(containers, format.value_bits), escaped: false },
        Codec::Zvc => {
            let count = (containers.len() / format.container().bytes()) as u64;
            let raw = format.raw_bytes(count) as usize;
            if zvc::coded_bytes(containers, format.value_bits, format.zero_code).div_ceil(bus_bytes)
                < raw.div_ceil(bus_bytes)
            {
                Coded { bytes: zvc::encode(containers, format.value_bits, format.zero_code), escaped: false }
            } else {
                Coded { bytes: pack::encode(containers, format.value_bits), escaped: true }
            }
        }
    }
}

/// Decodes `count` codes into containers. Bytes beyond the end of `bytes` read as zero.
#[must_use]
pub fn decode(format: Format, bytes: &[u8], count: usize, escaped: bool) -> Vec<u8> {
    match format.codec {
        Codec::None => {
            let mut containers = bytes[..bytes.len().min(count * format.container().bytes())].to_vec();
            containers.resize(count * format.container().bytes(), 0);
            containers
        }
        Codec::Pack => pack::decode(bytes, count, format.value_bits, format.signed),
        Codec::Zvc if escaped => pack::decode(bytes, count, format.value_bits, format.signed),
        Codec::Zvc => zvc::decode(bytes, count, format),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_codec_gives_the_codes_back() {
        let mut state = 9u32;
        for codec in [Codec::None, Codec::Pack, Codec::Zvc] {
            for value_bits in [2, 3, 4, 5, 6, 7, 8, 16] {
                for (count, density) in [(0usize, 1), (1, 1), (7, 2), (8, 3), (100, 1), (333, 9)] {
                    if codec == Codec::Zvc && value_bits == 16 {
                        continue;
                    }
                    let zero_code = if codec == Codec::Zvc { 1 } else { 0 };
                    let format = Format { codec, value_bits, zero_code, signed: false };
                    let mut containers = vec![0u8; count * format.container().bytes()];
                    for index in 0..count {
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        let code = if (state >> 8).is_multiple_of(density) {
                            (state >> 16) & ((1 << value_bits) - 1)
                        } else {
                            1
                        };
                        format.container().write(&mut containers, index, code as i32);
                    }
                    let coded = encode(format, &containers, 16);
                    assert!(coded.bytes.len() as u64 <= format.raw_bytes(count as u64).next_multiple_of(16));
                    assert_eq!(decode(format, &coded.bytes, count, coded.escaped), containers);
                }
            }
        }
    }

    #[test]
    fn signed_codes_extend_their_sign() {
        let format = Format { codec: Codec::Pack, value_bits: 4, zero_code: 0, signed: true };
        let coded = encode(format, &[0xff, 0x07, 0xf8], 4);
        assert_eq!(coded.bytes, [0x7f, 0x08]);
        assert_eq!(decode(format, &coded.bytes, 3, false), [0xff, 0x07, 0xf8]);
    }
}
