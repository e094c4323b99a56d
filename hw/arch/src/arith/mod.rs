//! Every integer operation that decides an output bit, defined once.
//!
//! Codes of 8 bits live in bytes, codes of 16 bits in two bytes, little endian. Whether a byte is read
//! signed or unsigned is a flag of the command that reads it.

pub mod depthwise;
pub mod gemm;
pub mod host;
pub mod layernorm;
pub mod pool;
pub mod post;
pub mod requantize;
pub mod rows;
pub mod softmax;
pub mod sqrt;
pub mod windows;

pub use post::{ChannelParameter, PARAMETER_BYTES, Post, Residual};
pub use requantize::Requant;

/// How the bytes of an operand are read.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Signedness {
    /// Two's complement.
    Signed,
    /// Plain binary.
    Unsigned,
}

/// Reads the code number `index` of a slice of containers of one or two bytes.
///
/// Two-byte codes are always signed.
#[must_use]
#[inline]
pub fn read_code(bytes: &[u8], index: usize, container_bytes: usize, sign: Signedness) -> i32 {
    if container_bytes == 2 {
        i32::from(i16::from_le_bytes([bytes[2 * index], bytes[2 * index + 1]]))
    } else {
        match sign {
            Signedness::Signed => i32::from(bytes[index] as i8),
            Signedness::Unsigned => i32::from(bytes[index]),
        }
    }
}

/// Writes the low bits of `value` as the code number `index`.
#[inline]
pub fn write_code(bytes: &mut [u8], index: usize, container_bytes: usize, value: i32) {
    if container_bytes == 2 {
        let [low, high] = (value as i16).to_le_bytes();
        bytes[2 * index] = low;
        bytes[2 * index + 1] = high;
    } else {
        bytes[index] = value as u8;
    }
}
