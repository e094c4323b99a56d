//! Joining and cutting rows: copies.

use super::Operand;

/// Rows of all operands, one after the other.
pub fn concat(operands: &[Operand<'_>], out: &mut [u8]) {
    let mut rest = out;
    for operand in operands {
        let (to, tail) = rest.split_at_mut(operand.bytes.len());
        to.copy_from_slice(operand.bytes);
        rest = tail;
    }
}

/// Rows from `start` on, as many as fit the output.
pub fn slice(start: usize, input: Operand<'_>, out: &mut [u8]) {
    let shape = input.tensor.shape;
    let row = shape.cols * shape.channels * input.tensor.code.container_bytes();
    let length = out.len();
    out.copy_from_slice(&input.bytes[start * row..][..length]);
}
