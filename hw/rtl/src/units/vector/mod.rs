//! The vector unit.

pub mod rows;
pub mod scale;
pub mod stream;
