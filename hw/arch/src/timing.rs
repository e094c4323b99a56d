//! How long each unit takes: the closed forms that simulator, mapper, lower bound and Verilog follow.
//!
//! Cycle 0 of a command is the cycle in which its unit accepts the `exec`. A command occupies the cycles
//! from its start up to, not including, its end; tokens and bank ports it gives are seen from its end on.

mod compute;
mod dma;
mod vector;

pub use compute::{
    COMPUTE_SETUP, ComputeTiming, DrainTiming, FEED_LATENCY, POST_LATENCY, compute, drain, drain_steps,
};
pub use dma::{
    DmaShape, FETCH_BURST_BYTES, IN_FLIGHT, LENGTH_TABLE_BYTES, LOAD_SETUP, STORE_READ_LATENCY, STORE_SETUP,
    STORE_ZVC_CHOICE, STORE_ZVC_LATENCY, UNPACK_LATENCY, ZVC_BLOCK_BYTES, ZVC_LINE_CYCLES, ZVC_LOAD_CYCLES,
    ZVC_TABLE_CYCLES, bursts, load_fifo_beats, load_shape, store_fifo_beats, store_shape,
};
pub use vector::{LAYERNORM_ROW_CYCLES, SOFTMAX_ROW_CYCLES, VECTOR_LATENCY, VECTOR_SETUP, vector_cycles};
