//! The integer half: calibration, quantization, the integer graph, its interpreter and its file.
//!
//! Contract: an [`IntGraph`] that [`validate`] accepts runs without panic and without wrapping, and
//! the interpreter's bytes are what simulator and hardware must give.

mod calibrate;
mod code;
pub mod evaluate;
mod file;
mod graph;
mod interpreter;
mod kernels;
mod quantize;
mod ranges;
mod text;
mod validate;

pub use calibrate::{Calibration, NotFinite, calibrate, calibrate_channels, calibration_runs};
pub use code::CodeError;
pub use file::{FileError, checksum};
pub use graph::{
    CodeType, FloatSource, IntGraph, IntNode, IntOp, IntOutput, IntTensor, Phase, Shape, TensorId, Weights,
    Window, phases,
};
pub use interpreter::{Prepared, RunError, run, run_outputs};
pub use quantize::{
    Assignment, AssignmentError, ChannelShifts, InputCode, Layer, QuantizeError, QuantizeOptions, Quantized,
    SUPPORTED, Trace, UNITS, WeightClip, observed, quantize, quantize_traced,
};
pub use ranges::{CodeKind, Observation, RangeRule};
pub use validate::{ValidateError, validate};
