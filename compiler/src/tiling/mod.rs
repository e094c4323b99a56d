//! Chooses tilings: bounded families of them, costed with the closed forms of `timing`. Knows neither operators nor
//! commands that are written.

pub(crate) mod blocks;
pub(crate) mod command;
pub(crate) mod cost;
pub(crate) mod geometry;
pub(crate) mod long;
pub(crate) mod parts;
pub(crate) mod plan;
pub(crate) mod sweep;

mod candidate;
mod plans;
mod rows;
mod search;

pub(crate) use plans::Plans;
