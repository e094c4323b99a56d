//! From a simplified float graph to an integer graph.
//!
//! Contract: the result passes [`validate`](crate::integer::validate()); a network that cannot be
//! expressed is an error that names the node, the operator and what is supported. Nothing is left in
//! float.
//!
//! Every float value is tracked as an integer tensor and a [`view::View`] of it, so that the reshapes and
//! transpositions of attention vanish; what a reader needs in another order is copied once (`reorder`).
//! Activations, additions and one-operand functions are taken into the convolution before them. What stands at
//! the end and only ranks classes is left to the host (`float::heads`).

mod assignment;
mod attention;
mod channels;
mod clip;
mod conv;
mod elementwise;
mod fuse;
mod given;
mod lower;
mod masks;
mod norm;
mod options;
mod plan;
mod pool;
mod reorder;
mod reshape;
mod rows;
mod scale;
mod sums;
mod trace;
mod transposed;
mod units;
mod view;
mod weights;

use thiserror::Error;

pub use assignment::{Assignment, AssignmentError, ChannelShifts};
pub use channels::observed;
pub use options::{InputCode, QuantizeOptions, WeightClip};
pub use trace::{Layer, Quantized, Trace};
pub use units::UNITS;

use super::calibrate::Calibration;
use super::graph::IntGraph;
use super::validate::{ValidateError, validate};
use crate::float::{FloatGraph, heads};

/// Operators that quantization understands, after simplification, which writes others with these.
pub const SUPPORTED: &str = "Conv (dense or depthwise), ConvTranspose, Linear, MatMul of activations, Softmax, LayerNorm, \
    functions of one operand, Clip, Add, Sub, Max and Min, PRelu of maps, Mul and Div by a constant, Mul of a map by its channels, BatchNormalization, GroupNormalization, InstanceNormalization, \
    MaxPool, AveragePool, GlobalAveragePool, GlobalMaxPool, ReduceMean, ReduceSum, ReduceMax and ReduceMin, Concat, \
    Slice, Split, Gather, Pad with zeros, Resize of maps, \
    DepthToSpace, SpaceToDepth, Reshape, Transpose, Identity";

/// Why a network cannot be quantized.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum QuantizeError {
    /// An option is out of its range.
    #[error("option {name} = {value} (possible: {possible})")]
    Option {
        /// The option.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is possible.
        possible: &'static str,
    },
    /// Widths that the hardware does not have.
    #[error("bits: {0}")]
    Bits(#[from] AssignmentError),
    /// Bits of something that the network does not have.
    #[error("bits: the network has no {what} `{name}`{hint}")]
    Unknown {
        /// A layer with weights, or a tensor.
        what: &'static str,
        /// Its name.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// Shifts of channels that a value does not have.
    #[error("bits: channel_shifts.values.{name:?} has {given} digits, the value has {needed} channels")]
    Shifts {
        /// The value.
        name: String,
        /// Digits given.
        given: usize,
        /// Channels.
        needed: usize,
    },
    /// The operator, or this use of it.
    #[error("node `{node}` ({op}): {reason}; supported: {SUPPORTED}")]
    Unsupported {
        /// The node.
        node: String,
        /// Its operator.
        op: String,
        /// What is not supported.
        reason: String,
    },
    /// A number that the hardware cannot hold.
    #[error("node `{node}` ({op}): {reason}")]
    Unrepresentable {
        /// The node.
        node: String,
        /// Its operator.
        op: String,
        /// Which number.
        reason: String,
    },
    /// A graph output that no node computes as codes.
    #[error("output `{0}` is a constant or nothing computes it")]
    Output(String),
    /// The result does not pass validation.
    #[error("the quantized graph is not valid: {0}")]
    Invalid(#[from] ValidateError),
}

/// Quantizes a simplified graph by what calibration saw of it.
pub fn quantize(
    graph: &FloatGraph,
    calibration: &Calibration,
    options: &QuantizeOptions,
) -> Result<IntGraph, QuantizeError> {
    quantize_traced(graph, calibration, options).map(|quantized| quantized.graph)
}

/// As [`quantize`], and says what became of each float value.
pub fn quantize_traced(
    graph: &FloatGraph,
    calibration: &Calibration,
    options: &QuantizeOptions,
) -> Result<Quantized, QuantizeError> {
    check(options)?;
    let (bare, heads) = heads::take_off(graph);
    let lowered = |options| -> Result<Quantized, QuantizeError> {
        let result = lower::Lowering::new(&bare, calibration, options).run()?;
        validate(&result.graph)?;
        Ok(result)
    };
    let shifts = &options.bits.channel_shifts;
    let mut result = match lowered(options) {
        // What is found by calibration must not keep a network from being quantized.
        Err(error) if shifts.greatest > 0 && shifts.values.is_empty() => {
            let mut plain = options.clone();
            plain.bits.channel_shifts = ChannelShifts::default();
            let mut result = lowered(&plain)?;
            result.trace.notes.push(format!("bits: all channels have one step: {error}"));
            result
        }
        result => result?,
    };
    let notes = assignment::compare(&result, &bare, &options.bits)?;
    result.trace.notes.extend(notes);
    result.trace.notes.extend(heads::notes(graph, &bare, &heads));
    for (output, head) in result.graph.outputs.iter_mut().zip(heads) {
        output.head = head;
    }
    validate(&result.graph)?;
    Ok(result)
}

fn check(options: &QuantizeOptions) -> Result<(), QuantizeError> {
    options.bits.check()?;
    match options.input {
        InputCode::Pixels { mean, std }
            if !((0.0..=255.0).contains(&mean) && std.is_finite() && std > 0.0) =>
        {
            let value = format!("pixels, mean {mean}, std {std}");
            Err(QuantizeError::Option { name: "input", value, possible: "mean 0 to 255, std above 0" })
        }
        _ => Ok(()),
    }
}
