//! The hardware units.

pub mod array;
pub mod compute;
pub mod control;
pub mod controller;
pub mod fields;
pub mod fifo;
pub mod load;
pub mod mac;
pub mod memory_port;
pub mod parameters;
pub mod pe;
pub mod requantize;
pub mod scratchpad;
pub mod shape;
pub mod store;
pub mod tables;
pub mod top;
pub mod vector;

pub use array::Array;
pub use pe::Pe;
pub use requantize::Requantizer;
pub use shape::Shape;
