//! Pooling over windows of a map.

use bitgauge_arch::arith::{Post, Requant, pool};

use super::{Operand, for_each_tap, output_map};
use crate::integer::graph::{IntTensor, Window};

/// Computes a validated `MaxPool`: the padding is skipped.
pub fn maximum(window: &Window, input: Operand<'_>, output: &IntTensor, out: &mut [u8]) {
    let code = &input.tensor.code;
    let lowest = code.range().0;
    fold(
        window,
        input,
        lowest,
        |greatest, code| *greatest = code.max(*greatest),
        |index, value| {
            output.code.write(out, index, value);
        },
    );
}

/// Computes a validated `AveragePool`: the padding counts as zero.
pub fn average(
    window: &Window,
    requant: Requant,
    post: &Post,
    input: Operand<'_>,
    output: &IntTensor,
    out: &mut [u8],
) {
    let zero = input.tensor.code.zero_point;
    let taps = (window.kernel[0] * window.kernel[1]) as i64;
    // Sums are of distances from the zero point, so that padding adds nothing.
    fold(
        window,
        input,
        0i64,
        |sum, code| *sum += i64::from(code - zero),
        |index, sum| {
            output.code.write(out, index, pool::average(sum, taps, 0, requant, post));
        },
    );
}

/// Folds the codes inside the map of every window and channel, starting from `start`.
fn fold<T: Copy>(
    window: &Window,
    input: Operand<'_>,
    start: T,
    mut step: impl FnMut(&mut T, i32),
    mut emit: impl FnMut(usize, T),
) {
    let shape = input.tensor.shape;
    let map = output_map(window, input.tensor);
    let mut values = vec![start; shape.channels];
    for pixel in 0..map[0] * map[1] {
        values.fill(start);
        for_each_tap(window, [shape.rows, shape.cols], [pixel / map[1], pixel % map[1]], |_, position| {
            let Some(position) = position else { return };
            for (channel, value) in values.iter_mut().enumerate() {
                step(value, input.tensor.code.read(input.bytes, position * shape.channels + channel));
            }
        });
        for (channel, &value) in values.iter().enumerate() {
            emit(pixel * shape.channels + channel, value);
        }
    }
}
