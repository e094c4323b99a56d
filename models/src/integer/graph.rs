//! The integer graph: what the network is once no float is left between input codes and output codes.
//!
//! Batch 1. Every tensor has the four dimensions `groups x rows x cols x channels`, stored in this order,
//! channel fastest. A feature map is one group; tokens are rows of one column; attention heads are groups. A
//! consumer that wants flat channels reads channel `g * channels + c`. This is also the order in the
//! accelerator's external memory, where each row starts bus-aligned.
//!
//! The meaning of every operator is the arithmetic of [`bitgauge_arch::arith`]; the interpreter beside
//! this file is the reference for simulator and Verilog.

mod layer;
mod phases;
mod weights;

use std::sync::Arc;

use bitgauge_arch::arith::{ChannelParameter, Post, Requant, Residual, Signedness};
use bitgauge_arch::code::Container;
use bitgauge_arch::program::ElementOrder;

use crate::float::heads::HeadStep;

pub use phases::{Phase, phases};
pub use weights::Weights;

/// Index into [`IntGraph::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub usize);

/// Dimensions of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Attention heads; 1 elsewhere.
    pub groups: usize,
    /// Map rows, or tokens.
    pub rows: usize,
    /// Map columns; 1 for tokens.
    pub cols: usize,
    /// Channels of one group.
    pub channels: usize,
}

impl Shape {
    /// Number of codes.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.groups * self.rows * self.cols * self.channels
    }

    /// Channels over all groups.
    #[must_use]
    pub fn flat_channels(&self) -> usize {
        self.groups * self.channels
    }

    /// The four dimensions themselves, in the order of storage.
    #[must_use]
    pub fn stored(&self) -> ElementOrder {
        ElementOrder::stored([self.groups, self.rows, self.cols, self.channels].map(|d| d as u64).to_vec())
    }

    /// Position of a code in storage order.
    #[must_use]
    pub fn index(&self, group: usize, row: usize, col: usize, channel: usize) -> usize {
        ((group * self.rows + row) * self.cols + col) * self.channels + channel
    }
}

/// How codes stand for reals: `real = scale * (value - zero_point)`, the value being the code, or of codes of two scales
/// what [`bitgauge_arch::code::two_scale::TwoScale::decode`] makes of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CodeType {
    /// 8 (or fewer, in byte containers) or 16.
    pub bits: u8,
    /// How bytes are read; 16-bit codes are signed.
    pub sign: Signedness,
    /// Step.
    pub scale: f64,
    /// Value of zero.
    pub zero_point: i32,
    /// Two scales: a coarse step is two to the power of so many fine ones, 1 to 8; such codes are unsigned. 0: one
    /// scale.
    pub tag_shift: u8,
}

impl CodeType {
    /// What a code lies in.
    #[must_use]
    pub fn container(&self) -> Container {
        Container::of_bits(u32::from(self.bits))
    }

    /// Least and greatest code.
    #[must_use]
    pub fn range(&self) -> (i32, i32) {
        match self.sign {
            Signedness::Signed => (-(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1),
            Signedness::Unsigned => (0, (1 << self.bits) - 1),
        }
    }
}

/// One tensor.
#[derive(Clone, Debug)]
pub struct IntTensor {
    /// Name, from the float graph.
    pub name: String,
    /// Dimensions.
    pub shape: Shape,
    /// Codes.
    pub code: CodeType,
    /// Steps of the channels, where they have steps of their own: two to the power of so many of the code's, one for
    /// each channel. Only LayerNorm, additions and copies of rows read such tensors.
    pub channel_shifts: Option<Arc<[u8]>>,
    /// Containers in storage order, for constants.
    pub constant: Option<Arc<[u8]>>,
    /// The float value whose quantized form this is, for SQNR and for inputs.
    pub float_source: Option<FloatSource>,
}

/// The float value that a tensor stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloatSource {
    /// Its name.
    pub value: String,
    /// Where its elements are.
    pub order: ElementOrder,
}

/// An output of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntOutput {
    /// Name of the float value: the graph's output, or what goes into its head.
    pub name: String,
    /// The tensor whose codes stand for it.
    pub tensor: TensorId,
    /// Its dimensions, and where its elements are.
    pub order: ElementOrder,
    /// What the host makes of it in float, the first step first.
    pub head: Vec<HeadStep>,
}

impl IntOutput {
    /// Reals in the order of ONNX, from the containers of the output's tensor; the head is still to come.
    #[must_use]
    pub fn reals(&self, graph: &IntGraph, containers: &[u8]) -> Vec<f32> {
        graph.tensor(self.tensor).reals(containers, &self.order)
    }
}

/// Geometry of a kernel that slides over a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Kernel rows and columns.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// Padding: top, left, bottom, right.
    pub pad: [usize; 4],
    /// Vertical and horizontal dilation.
    pub dilation: [usize; 2],
}

impl Window {
    /// A 1 x 1 kernel.
    pub const POINT: Window = Window { kernel: [1, 1], stride: [1, 1], pad: [0; 4], dilation: [1, 1] };

    /// Output rows and columns over a map; `None` where the kernel does not fit.
    #[must_use]
    pub fn output(&self, rows: usize, cols: usize) -> Option<[usize; 2]> {
        let along = |size: usize, axis: usize| {
            let span = self.dilation[axis].checked_mul(self.kernel[axis].checked_sub(1)?)?.checked_add(1)?;
            let padded = size.checked_add(self.pad[axis])?.checked_add(self.pad[axis + 2])?;
            Some(padded.checked_sub(span)? / self.stride[axis].max(1) + 1)
        };
        Some([along(rows, 0)?, along(cols, 1)?])
    }
}

/// An operator. `in0`, `in1` are the node's inputs.
#[derive(Clone, Debug)]
pub enum IntOp {
    /// Convolution or linear layer. Output n of a pixel is
    /// `table[post(requantize(sum over taps, channels of in0 * weight[n] + bias[n]) + residual(in1))]`, the
    /// channels being those of n's part where `parts` is more than 1; positions outside the map read as in0's
    /// zero point (the bias holds the zero point's part for all taps). The output's flat channels are n.
    Conv {
        /// Geometry; [`Window::POINT`] for a linear layer over tokens.
        window: Window,
        /// Parts of a grouped convolution (ONNX says groups): channels and outputs are cut into as many equal
        /// parts, and an output reads the channels of its own. 1, or a map of one group and not transposed.
        parts: usize,
        /// `[n][kernel row][kernel col][flat input channel of the part]`.
        weight: Weights,
        /// One per n.
        parameters: Vec<ChannelParameter>,
        /// Shared.
        post: Post,
        /// After the clamp: index is the low byte of the code.
        table: Option<Arc<[u8; 256]>>,
        /// Present with in1, which has the output's shape.
        residual: Option<Residual>,
        /// Linear only: the output is transposed, `groups x rows` runs over n and a row's
        /// columns and channels are in0's rows. No residual then.
        transposed: bool,
    },
    /// Depthwise convolution: as [`IntOp::Conv`] with one input channel per output.
    Depthwise {
        /// Geometry.
        window: Window,
        /// `[kernel row][kernel col][channel]`.
        weight: Weights,
        /// One per channel.
        parameters: Vec<ChannelParameter>,
        /// Shared.
        post: Post,
    },
    /// `phases[0] * phases[1]` convolutions of in0 whose pixels interleave: a transposed convolution. The output
    /// has one group, and a row of it is pixels of as many codes as each phase has outputs (a pixel may span
    /// several columns). Pixel `(y, x)` is pixel `(y / phases[0], x / phases[1])` of phase
    /// `(y % phases[0], x % phases[1])`; see [`phases()`].
    Phased {
        /// Phases of rows and of pixels of a row.
        phases: [usize; 2],
        /// One for each phase, row by row; what a window gives beyond the output is left out.
        windows: Vec<Window>,
        /// `[phase][n][kernel row][kernel col][flat input channel]`.
        weight: Weights,
        /// `[phase][n]`.
        parameters: Vec<ChannelParameter>,
        /// Shared.
        post: Post,
    },
    /// Every pixel of in0 times in1, channel by channel: both have zero point 0; in1 is one pixel, and signed.
    Scale {
        /// One for all.
        parameter: ChannelParameter,
        /// Shared.
        post: Post,
    },
    /// Per group `out[m][n] = post(requantize(sum over k of in0[m][k] * in1[n][k]))`: both operands have zero
    /// point 0; in1 is signed.
    MatMul {
        /// One for all (bias 0 unless there is a reason).
        parameter: ChannelParameter,
        /// Shared.
        post: Post,
    },
    /// Softmax over channels; see [`bitgauge_arch::arith::softmax`].
    Softmax {
        /// Exponential table.
        table: Arc<[u16; 256]>,
    },
    /// LayerNorm over flat channels (one group); see [`bitgauge_arch::arith::layernorm`].
    LayerNorm {
        /// One per channel.
        parameters: Vec<ChannelParameter>,
        /// `eps * N^2 / scale^2`, rounded.
        epsilon: u64,
        /// Shared.
        post: Post,
    },
    /// `post(first(in0) + second(in1))`; without `second` a change of scale.
    Add {
        /// Rescale of in0.
        first: Residual,
        /// Rescale of in1 (same shape).
        second: Option<Residual>,
        /// Shared.
        post: Post,
    },
    /// Greatest code; positions outside the map are skipped. Output code type = input's.
    MaxPool {
        /// Geometry.
        window: Window,
    },
    /// [`bitgauge_arch::arith::pool::average`]; positions outside the map count as zero.
    AveragePool {
        /// Geometry; the whole map for a global pool.
        window: Window,
        /// `1/taps` times the ratio of the scales.
        requant: Requant,
        /// Shared.
        post: Post,
    },
    /// One code to one code.
    Table {
        /// Index is the low byte of the code.
        table: Arc<[u8; 256]>,
    },
    /// Rows of in0, in1, ... one after the other; all of one code type and one group.
    ConcatRows,
    /// Rows `start .. start + output rows` of in0 (one group).
    SliceRows {
        /// First row.
        start: usize,
    },
    /// The same codes in the same order under another shape; one group, and either rows or channels stay.
    Reshape,
    /// The same codes in another order: in storage order in0 has dimensions `dims`, and dimension `i` of the output
    /// is dimension `order[i]` of them.
    Permute {
        /// Sizes, outermost first; their product is the number of codes.
        dims: Vec<usize>,
        /// A permutation of the dimensions.
        order: Vec<usize>,
    },
}

/// One node.
#[derive(Clone, Debug)]
pub struct IntNode {
    /// Name, from the float graph.
    pub name: String,
    /// What it computes.
    pub op: IntOp,
    /// Inputs.
    pub inputs: Vec<TensorId>,
    /// Output.
    pub output: TensorId,
}

/// A network of integers, nodes in topological order.
#[derive(Clone, Debug, Default)]
pub struct IntGraph {
    /// Name of the model.
    pub name: String,
    /// Tensors.
    pub tensors: Vec<IntTensor>,
    /// Nodes, each after its inputs' producers.
    pub nodes: Vec<IntNode>,
    /// Inputs of the network.
    pub inputs: Vec<TensorId>,
    /// Outputs of the network.
    pub outputs: Vec<IntOutput>,
}

impl IntGraph {
    /// The tensor of an id that this graph gave out.
    #[must_use]
    pub fn tensor(&self, id: TensorId) -> &IntTensor {
        &self.tensors[id.0]
    }

    /// Useful multiply-accumulates of a node.
    #[must_use]
    pub fn macs(&self, node: &IntNode) -> u64 {
        let input = self.tensor(node.inputs[0]).shape;
        let output = self.tensor(node.output).shape;
        if let IntOp::Phased { phases: along, .. } = &node.op {
            let of = |phase: Phase<'_>| {
                let [rows, pixels] = phase.map(*along, output);
                (rows * pixels) as u64 * phase.weight.len() as u64
            };
            return phases(&node.op).map(of).sum();
        }
        let per_output = match &node.op {
            IntOp::Conv { window, parts, .. } => {
                window.kernel[0] * window.kernel[1] * input.flat_channels() / (*parts).max(1)
            }
            IntOp::Depthwise { window, .. } => window.kernel[0] * window.kernel[1],
            IntOp::MatMul { .. } => input.channels,
            IntOp::Scale { .. } => 1,
            _ => 0,
        };
        output.elements() as u64 * per_output as u64
    }
}
