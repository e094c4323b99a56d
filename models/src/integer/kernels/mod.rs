//! One kernel per operator. Kernels move codes about; every bit they compute comes from
//! [`bitgauge_arch::arith`].

mod add;
mod conv;
mod depthwise;
mod layer_norm;
mod mat_mul;
mod phased;
mod pool;
mod products;
mod rows;
mod scale;
mod softmax;
#[cfg(test)]
mod tests;

use bitgauge_arch::arith::gemm::PackedMatrix;

use super::graph::{IntNode, IntOp, IntTensor, Window, phases};

/// A node's input: what it is and its containers.
#[derive(Clone, Copy)]
pub struct Operand<'a> {
    /// Shape and codes.
    pub tensor: &'a IntTensor,
    /// Containers in storage order.
    pub bytes: &'a [u8],
}

/// What of a node's work does not depend on the image.
pub enum Prework {
    /// Nothing.
    Nothing,
    /// Weights of each part or phase of a convolution, `[n][k]`.
    Weights(Vec<PackedMatrix>),
}

/// Memory that kernels reuse from node to node.
#[derive(Default)]
pub struct Scratch {
    patches: Vec<u8>,
    accumulators: Vec<i32>,
    packed: Option<PackedMatrix>,
    phase: Vec<u8>,
    split: products::Split,
}

impl Prework {
    /// Packs the weights of a validated node.
    pub fn new(node: &IntNode) -> Self {
        match &node.op {
            IntOp::Conv { weight, parameters, parts, .. } => {
                let parts = (*parts).max(1);
                let each = weight.len() / parts;
                let packed =
                    weight.chunks_exact(each.max(1)).map(|part| pack(part, parameters.len() / parts));
                Prework::Weights(packed.collect())
            }
            op @ IntOp::Phased { .. } => {
                let packed = phases(op).map(|phase| pack(phase.weight, phase.parameters.len()));
                Prework::Weights(packed.collect())
            }
            _ => Prework::Nothing,
        }
    }
}

/// Weights of `n` outputs, packed.
fn pack(weight: &[i8], n: usize) -> PackedMatrix {
    let k = weight.len() / n.max(1);
    let bytes: Vec<u8> = weight.iter().map(|w| *w as u8).collect();
    PackedMatrix::pack(n, k, |row| &bytes[row * k..][..k])
}

/// Computes a validated node into `out`, which has the output's length.
pub fn compute(
    node: &IntNode,
    work: &Prework,
    operands: &[Operand<'_>],
    output: &IntTensor,
    out: &mut [u8],
    scratch: &mut Scratch,
) {
    let Some(&input) = operands.first() else { return };
    match (&node.op, work) {
        (IntOp::Conv { .. }, Prework::Weights(weights)) => {
            conv::compute(&node.op, weights, operands, output, out, scratch);
        }
        (IntOp::Phased { .. }, Prework::Weights(weights)) => {
            phased::compute(&node.op, weights, input, output, out, scratch);
        }
        (IntOp::Conv { .. } | IntOp::Phased { .. }, _) => {}
        (IntOp::Depthwise { .. }, _) => depthwise::compute(&node.op, input, output, out, scratch),
        (IntOp::MatMul { parameter, post }, _) => {
            if let Some(&other) = operands.get(1) {
                mat_mul::compute(*parameter, post, input, other, output, out, scratch);
            }
        }
        (IntOp::Scale { parameter, post }, _) => {
            if let Some(&other) = operands.get(1) {
                scale::compute(*parameter, post, input, other, output, out);
            }
        }
        (IntOp::Softmax { table }, _) => softmax::compute(table, input, output, out),
        (IntOp::LayerNorm { parameters, epsilon, post }, _) => {
            layer_norm::compute(parameters, *epsilon, post, input, output, out);
        }
        (IntOp::Add { first, second, post }, _) => {
            let second = second.as_ref().zip(operands.get(1).copied());
            add::compute(first, second, post, input, output, out);
        }
        (IntOp::MaxPool { window }, _) => pool::maximum(window, input, output, out),
        (IntOp::AveragePool { window, requant, post }, _) => {
            pool::average(window, *requant, post, input, output, out);
        }
        (IntOp::Table { table }, _) => {
            for (to, &from) in out.iter_mut().zip(input.bytes) {
                *to = table[usize::from(from)];
            }
        }
        (IntOp::ConcatRows, _) => rows::concat(operands, out),
        (IntOp::SliceRows { start }, _) => rows::slice(*start, input, out),
        (IntOp::Reshape, _) => rows::slice(0, input, out),
        (IntOp::Permute { dims, order }, _) => rows::permute(dims, order, input, out),
    }
}

/// Calls `visit(tap, position)` for every tap of the window at an output pixel; the position is the
/// input pixel's index, `None` in the padding.
#[inline]
fn for_each_tap(
    window: &Window,
    [rows, cols]: [usize; 2],
    [out_row, out_col]: [usize; 2],
    mut visit: impl FnMut(usize, Option<usize>),
) {
    for kernel_row in 0..window.kernel[0] {
        let row = (out_row * window.stride[0] + kernel_row * window.dilation[0]).wrapping_sub(window.pad[0]);
        for kernel_col in 0..window.kernel[1] {
            let col =
                (out_col * window.stride[1] + kernel_col * window.dilation[1]).wrapping_sub(window.pad[1]);
            let inside = row < rows && col < cols;
            visit(kernel_row * window.kernel[1] + kernel_col, inside.then(|| row * cols + col));
        }
    }
}

/// Rows and columns of a validated window's output.
fn output_map(window: &Window, tensor: &IntTensor) -> [usize; 2] {
    window.output(tensor.shape.rows, tensor.shape.cols).unwrap_or([0, 0])
}
