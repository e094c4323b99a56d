//! The compute unit: feeders, array, drain, post-processor.

pub mod context;
pub mod drain;
pub mod ending;
pub mod feed;
pub mod fill;
pub mod place;
pub mod post;
pub mod turns;
pub mod unit;

pub use unit::Compute;
