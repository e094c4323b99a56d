//! Float operators: one file each, with the ONNX builder, the shape rule and the f32 kernel.
//!
//! A new operator is a new file plus its lines in the two lists below: `pub mod`, and the table
//! `operators!` (which makes the enum [`Op`] and the table of ONNX operators from each file's `BUILDERS`).
//! An operator that others can express is *lowered*: its builder emits those, and it has no variant.
//! Source: the ONNX operator specification, opset 11 to 21.

use bitgauge_arch::arith::host::widest;
use thiserror::Error;

use super::graph::ValueId;
use super::tensor::{Tensor, TensorError};
use crate::onnx::reader::NodeReader;

pub mod arg_max;
pub mod axis;
pub mod batch_norm;
pub mod binary;
pub mod cast;
pub mod clip;
pub mod concat;
pub mod conv;
pub mod conv_transpose;
pub mod depth;
mod depthwise;
pub mod dequantize_linear;
pub mod dynamic_quantize_linear;
pub mod expand;
pub mod flatten;
pub mod function;
pub mod gather;
pub mod gelu;
pub mod gemm;
pub mod global_average_pool;
pub mod group_norm;
pub mod identity;
pub mod integer_products;
pub mod layer_norm;
pub mod linear;
pub mod log_softmax;
pub mod mat_mul;
pub mod microsoft;
pub mod pad;
pub mod pool;
pub mod qlinear;
pub mod quantize_linear;
pub mod reduce;
pub mod reduce_mean;
pub mod reshape;
pub mod resize;
pub mod resize_taps;
pub mod select;
pub mod slice;
pub mod softmax;
pub mod split;
pub mod squeeze;
pub mod transpose;
pub mod unary;
pub mod variadic;
pub mod window;

/// What is wrong with an operator's attributes or operands.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct OpError(String);

impl OpError {
    /// An error with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl From<TensorError> for OpError {
    fn from(e: TensorError) -> Self {
        Self(e.to_string())
    }
}

/// Shape rule, kernel and cost of one operator.
pub trait Operator {
    /// Output shapes from operand shapes; the error says which rule is broken.
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError>;

    /// Computes the outputs. `infer_shape` must have accepted the operands' shapes before.
    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError>;

    /// As [`Operator::eval`] of one operand that nobody reads after it; its storage may become the output's.
    fn eval_owned(&self, x: Tensor) -> Result<Vec<Tensor>, OpError> {
        self.eval(&[&x])
    }

    /// Multiply-accumulates on these shapes; counted for convolutions and matrix products only.
    fn macs(&self, _inputs: &[&[usize]], _outputs: &[&[usize]]) -> u64 {
        0
    }
}

/// What a builder makes of an ONNX node.
pub struct Built {
    /// The operator.
    pub op: Op,
    /// Its operands in the float graph (integer operands have become attributes).
    pub inputs: Vec<ValueId>,
}

/// Makes an operator of an ONNX node.
pub type Builder = fn(&mut NodeReader<'_>) -> Result<Built, OpError>;

/// One ONNX operator: what import makes of it, and what the reference page says.
#[derive(Clone, Copy)]
pub struct OnnxOperator {
    /// ONNX name.
    pub name: &'static str,
    /// Versions of the operator that a file of opset 11 to 21 may mean.
    pub versions: &'static [u8],
    /// Makes it.
    pub build: Builder,
    /// What of the specification is left out; empty where nothing is.
    pub limits: &'static str,
}

impl OnnxOperator {
    const fn new(name: &'static str, versions: &'static [u8], build: Builder, limits: &'static str) -> Self {
        Self { name, versions, build, limits }
    }
}

macro_rules! operators {
    ($($(#[$doc:meta])* $variant:ident($module:ident),)+ ; lowered: $($lowered:ident),* $(,)?) => {
        /// An operation with its attributes.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Op { $($(#[$doc])* $variant($module::$variant),)+ }

        impl Op {
            /// Shape rule, kernel and cost.
            #[must_use]
            pub fn operator(&self) -> &dyn Operator {
                match self { $(Op::$variant(op) => op,)+ }
            }

            /// Name of the variant.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self { $(Op::$variant(_) => stringify!($variant),)+ }
            }
        }

        const TABLES: &[&[OnnxOperator]] = &[$($module::BUILDERS,)+ $($lowered::BUILDERS,)*];
    };
}

operators! {
    /// 2-D convolution: x `[N, C, H, W]`, w `[M, C/groups, KH, KW]`, optional bias `[M]`.
    Conv(conv),
    /// 2-D transposed convolution: x `[N, C, H, W]`, w `[C, M/groups, KH, KW]`, optional bias `[M]`.
    ConvTranspose(conv_transpose),
    /// `x * weight^T + bias` over the last axis: x `[.., K]`, weight `[N, K]`, optional bias `[N]`.
    Linear(linear),
    /// ONNX Gemm; the passes turn it into `Linear` where its weight is constant.
    Gemm(gemm),
    /// Matrix product with broadcast batch dimensions.
    MatMul(mat_mul),
    /// Batch normalization with stored statistics: x, scale, bias, mean, variance.
    BatchNorm(batch_norm),
    /// Layer normalization over the axes from `axis` on: x, scale, optional bias.
    LayerNorm(layer_norm),
    /// Softmax along one axis.
    Softmax(softmax),
    /// Its logarithm.
    LogSoftmax(log_softmax),
    /// Where along an axis the greatest element is.
    ArgMax(arg_max),
    /// Gaussian error linear unit.
    Gelu(gelu),
    /// `min(max(x, low), high)`.
    Clip(clip),
    /// Elementwise function of one operand.
    Unary(unary),
    /// Elementwise function of two operands with broadcasting.
    Binary(binary),
    /// Elementwise function of one operand in several steps, as a pass finds it written out.
    Function(function),
    /// Mean over axes.
    ReduceMean(reduce_mean),
    /// Sum, product or extreme over axes.
    Reduce(reduce),
    /// Max or average pooling.
    Pool(pool),
    /// Mean over H and W.
    GlobalAveragePool(global_average_pool),
    /// Joins operands along an axis.
    Concat(concat),
    /// Cuts ranges out of axes.
    Slice(slice),
    /// Cuts one operand into several along an axis.
    Split(split),
    /// Pads with a constant.
    Pad(pad),
    /// Permutes axes.
    Transpose(transpose),
    /// Changes the shape, not the data (also Flatten, Squeeze, Unsqueeze).
    Reshape(reshape),
    /// Picks constant indices along an axis.
    Gather(gather),
    /// Interpolation to another size.
    Resize(resize),
    /// Chooses between two operands by a constant condition.
    Select(select),
    /// Reals to codes, held as f32.
    QuantizeLinear(quantize_linear),
    /// Codes, held as f32, to reals.
    DequantizeLinear(dequantize_linear),
    /// Reals to codes of the range that they have at the time, with their scale and zero point.
    DynamicQuantizeLinear(dynamic_quantize_linear),
    /// Nothing (also Dropout, Cast to float).
    Identity(identity),
    ; lowered: cast, depth, expand, flatten, group_norm, integer_products, microsoft, qlinear, squeeze, variadic,
}

/// Every ONNX operator that has a builder, file by file.
pub fn onnx_operators() -> impl Iterator<Item = &'static OnnxOperator> {
    TABLES.iter().copied().flatten()
}

/// Domain of the operators that ONNX Runtime adds to ONNX's.
pub const MICROSOFT_DOMAIN: &str = "com.microsoft";

/// Operators of that domain that mean what ONNX's of the same name do, at their newest version.
pub const MICROSOFT: &[&str] = &[
    "BiasGelu",
    "DequantizeLinear",
    "FastGelu",
    "FusedConv",
    "FusedMatMul",
    "Gelu",
    "QGemm",
    "QLinearAdd",
    "QLinearAveragePool",
    "QLinearConcat",
    "QLinearGlobalAveragePool",
    "QLinearLeakyRelu",
    "QLinearMul",
    "QLinearSigmoid",
    "QLinearSoftmax",
    "QuantizeLinear",
    "QuickGelu",
    "SkipLayerNormalization",
];

/// The builder of an ONNX operator.
#[must_use]
pub fn builder(onnx_name: &str) -> Option<Builder> {
    onnx_operators().find(|o| o.name == onnx_name).map(|o| o.build)
}

/// An error unless the number of operands lies in the range.
fn expect_inputs(inputs: &[&[usize]], least: usize, most: usize) -> Result<(), OpError> {
    if (least..=most).contains(&inputs.len()) {
        return Ok(());
    }
    Err(OpError::new(format!("takes {least} to {most} operands, has {}", inputs.len())))
}

impl Op {
    /// Name of the ONNX operator that says it, or says most of it.
    #[must_use]
    pub fn onnx_name(&self) -> String {
        let first_word = |debug: String| debug.split(' ').next().unwrap_or_default().to_owned();
        match self {
            Op::Binary(op) => format!("{op:?}"),
            Op::Unary(op) => first_word(format!("{op:?}")),
            Op::Reduce(op) => format!("Reduce{:?}", op.kind),
            Op::Pool(op) if op.kind == pool::PoolKind::Max => "MaxPool".to_owned(),
            Op::Pool(_) => "AveragePool".to_owned(),
            Op::Linear(_) => "MatMul".to_owned(),
            Op::BatchNorm(_) => "BatchNormalization".to_owned(),
            Op::LayerNorm(_) => "LayerNormalization".to_owned(),
            Op::Select(_) => "Where".to_owned(),
            other => other.kind().to_owned(),
        }
    }
}

fn product(dims: &[usize]) -> u64 {
    dims.iter().fold(1u64, |n, &d| n.saturating_mul(d as u64))
}

/// Applies `f` to every element.
fn map(mut x: Tensor, f: impl Fn(f32) -> f32) -> Result<Vec<Tensor>, OpError> {
    let data = x.data_mut();
    widest(
        #[inline(always)]
        || data.iter_mut().for_each(|v| *v = f(*v)),
    );
    Ok(vec![x])
}
