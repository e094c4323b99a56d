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
