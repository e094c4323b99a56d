//! Softmax over channels.

use bitgauge_arch::arith::Signedness;
use bitgauge_arch::arith::softmax::{OutputCode, softmax_row};

use super::Operand;
use crate::integer::graph::IntTensor;

/// Computes a validated `Softmax`.
pub fn compute(table: &[u16; 256], input: Operand<'_>, output: &IntTensor, out: &mut [u8]) {
    let channels = input.tensor.shape.channels;
    let code = OutputCode { bits: output.code.bits, tag_shift: output.code.tag_shift };
    let signed = input.tensor.code.sign == Signedness::Signed;
    for (row, to) in input.bytes.chunks_exact(channels).zip(out.chunks_exact_mut(channels)) {
        softmax_row(row, signed, table, code, to);
    }
}
