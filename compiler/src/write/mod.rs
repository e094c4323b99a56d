//! Writes the commands of what was tiled: loads, computes and stores, tile by tile, in their natural order.

pub(crate) mod emit;
pub(crate) mod product;

mod constants;
mod in_parts;
mod run;

pub(crate) use emit::{Chip, Emitter, parameter_bytes};
pub(crate) use product::{Parameters, Product, Weights};
