//! Convolutions whose pixels interleave: each phase by itself, then its pixels to their places.

use bitgauge_arch::arith::gemm::PackedMatrix;

use super::conv::{Epilogue, run};
use super::{Operand, Scratch};
use crate::integer::graph::{IntOp, IntTensor, phases};

/// Computes a validated [`IntOp::Phased`].
pub fn compute(
    op: &IntOp,
    weights: &[PackedMatrix],
    input: Operand<'_>,
    output: &IntTensor,
    out: &mut [u8],
    scratch: &mut Scratch,
) {
    let IntOp::Phased { phases: along, post, .. } = op else { return };
    let mut codes = std::mem::take(&mut scratch.phase);
    for (phase, weights) in phases(op).zip(weights) {
        let map @ [rows, pixels] = phase.map(*along, output.shape);
        let channels = phase.parameters.len();
        let epilogue = Epilogue {
            parameters: phase.parameters,
            post,
            table: None,
            residual: None,
            transposed: false,
            pixels: rows * pixels,
            channels,
            code: &output.code,
        };
        let pixel = channels * output.code.container().bytes();
        codes.resize(rows * pixels * pixel, 0);
        run(&phase.window, map, std::slice::from_ref(weights), input, &epilogue, &mut codes, scratch);
        let row = output.shape.cols * output.shape.channels * output.code.container().bytes();
        for (index, from) in codes.chunks_exact(pixel.max(1)).enumerate() {
            let y = phase.first[0] + index / pixels * along[0];
            let x = phase.first[1] + index % pixels * along[1];
            out[y * row + x * pixel..][..pixel].copy_from_slice(from);
        }
    }
    scratch.phase = codes;
}
