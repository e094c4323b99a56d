//! Runs a program.

pub mod result;
