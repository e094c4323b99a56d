//! The kernel in plain Rust, for targets without one of their own, in a shape that compilers vectorize.

use super::pack::{COLUMNS, DEPTH, Line, partial};
use super::{Product, Signedness};

/// Rows computed together: each line of weights is widened once for all of them.
const ROWS: usize = 4;

/// Computes a checked product.
pub(super) fn run(product: Product<'_>) {
    match product.sign {
        Signedness::Signed => rows(product, |byte| i16::from(byte as i8)),
        Signedness::Unsigned => rows(product, i16::from),
    }
}

fn rows(product: Product<'_>, widen: impl Fn(u8) -> i16 + Copy) {
    let Product { a, a_stride, m, b, out, out_stride, .. } = product;
    let mut row = 0;
    while row < m {
        let count = if m - row >= ROWS { ROWS } else { 1 };
        for first in (0..b.n()).step_by(COLUMNS) {
            let columns = COLUMNS.min(b.n() - first);
            let lines = b.panels(first / COLUMNS, 1);
            let left = |offset: usize| &a[(row + offset) * a_stride..][..b.k()];
            let mut store = |sums: &[[i32; COLUMNS]]| {
                for (offset, sums) in sums.iter().enumerate() {
                    out[(row + offset) * out_stride + first..][..columns].copy_from_slice(&sums[..columns]);
                }
            };
            if count == ROWS {
                store(&tile::<ROWS>(std::array::from_fn(left), lines, widen));
            } else {
                store(&tile::<1>([left(0)], lines, widen));
            }
        }
        row += count;
    }
}

/// The sums of `N` rows over one panel.
#[inline]
fn tile<const N: usize>(a: [&[u8]; N], lines: &[Line], widen: impl Fn(u8) -> i16) -> [[i32; COLUMNS]; N] {
    let mut sums = [[0i32; COLUMNS]; N];
    for (index, line) in lines.iter().enumerate() {
        for (sums, row) in sums.iter_mut().zip(a) {
            let rest = &row[index * DEPTH..];
            let word = rest.first_chunk::<DEPTH>().copied().unwrap_or_else(|| partial(rest));
            let word = word.map(|byte| i32::from(widen(byte)));
            for (sum, weights) in sums.iter_mut().zip(&line.0) {
                let [w0, w1, w2, w3] = weights.map(|byte| i32::from(byte as i8));
                // Four products of bytes are far from 32 bits; only the running sum may wrap.
                let products = word[0] * w0 + word[1] * w1 + word[2] * w2 + word[3] * w3;
                *sum = sum.wrapping_add(products);
            }
        }
    }
    sums
}
