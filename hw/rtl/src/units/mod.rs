//! The hardware units.

pub mod array;
pub mod pe;
pub mod requantize;

pub use array::Array;
pub use pe::Pe;
pub use requantize::Requantizer;
