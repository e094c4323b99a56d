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
    let row = shape.cols * shape.channels * input.tensor.code.container().bytes();
    let length = out.len();
    out.copy_from_slice(&input.bytes[start * row..][..length]);
}

/// Codes in storage order as dimensions `dims`, written in the order `order` of these.
pub fn permute(dims: &[usize], order: &[usize], input: Operand<'_>, out: &mut [u8]) {
    let mut strides = vec![input.tensor.code.container().bytes(); dims.len()];
    for dim in (1..dims.len()).rev() {
        strides[dim - 1] = strides[dim] * dims[dim];
    }
    let axes: Vec<(usize, usize)> = order.iter().map(|&dim| (dims[dim], strides[dim])).collect();
    let (mut at, mut from) = (vec![0; axes.len()], 0);
    for code in out.chunks_exact_mut(input.tensor.code.container().bytes()) {
        code.copy_from_slice(&input.bytes[from..][..code.len()]);
        for (index, &(size, stride)) in at.iter_mut().zip(&axes).rev() {
            *index += 1;
            from += stride;
            if *index < size {
                break;
            }
            *index = 0;
            from -= size * stride;
        }
    }
}
