//! The compute unit: feeders, array, drain, post-processor.

pub mod drain;
pub mod feed;
