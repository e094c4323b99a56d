//! The one door to the library's matrix product: bounds are checked here, so the callers stay safe.
//!
//! Deterministic on one machine: single-threaded, fixed blocking. The library picks its kernel by
//! CPU features, so the last bit may differ between machines.

use bitgauge_arch::arith::host::widest;

use super::ops::OpError;

/// A strided read-only matrix over a slice (strides in elements).
#[derive(Clone, Copy)]
pub struct MatRef<'a> {
    /// The storage.
    pub data: &'a [f32],
    /// Elements between one row and the next.
    pub row_stride: usize,
    /// Elements between one column and the next.
    pub col_stride: usize,
}

impl<'a> MatRef<'a> {
    /// A row-major matrix with `cols` columns.
    #[must_use]
    pub fn row_major(data: &'a [f32], cols: usize) -> Self {
        Self { data, row_stride: cols, col_stride: 1 }
    }

    /// The same storage read as the transposed matrix.
    #[must_use]
    pub fn t(self) -> Self {
        Self { data: self.data, row_stride: self.col_stride, col_stride: self.row_stride }
    }

    fn fits(&self, rows: usize, cols: usize) -> bool {
        last_index(rows, cols, self.row_stride, self.col_stride).is_some_and(|last| last < self.data.len())
    }
}

fn last_index(rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> Option<usize> {
    let r = rows.checked_sub(1)?.checked_mul(row_stride)?;
    let c = cols.checked_sub(1)?.checked_mul(col_stride)?;
    let last = r.checked_add(c)?;
    (last < isize::MAX as usize).then_some(last)
}

/// `c[m, n] = a[m, k] * b[k, n] + beta * c`; `c` is row-major with `c_stride` elements a row.
/// An error, never an out-of-bounds access, where a slice is too short or a dimension is 0.
pub fn sgemm(
    [m, k, n]: [usize; 3],
    a: MatRef<'_>,
    b: MatRef<'_>,
    beta: f32,
    c: &mut [f32],
    c_stride: usize,
) -> Result<(), OpError> {
    let c_fits = c_stride >= n && last_index(m, n, c_stride, 1).is_some_and(|last| last < c.len());
    if !a.fits(m, k) || !b.fits(k, n) || !c_fits {
        return Err(OpError::new(format!("matrix product {m}x{k} * {k}x{n} does not fit its operands")));
    }
    if let (1, 1, 1) = (m, a.col_stride, b.row_stride) {
        vector(a.data, b, beta, &mut c[..n], k);
        return Ok(());
    }
    // SAFETY: the furthest element that each operand's shape and strides reach lies in its slice
    // (checked above, every dimension at least 1), all strides are below isize::MAX, `c` is
    // borrowed mutably so it overlaps neither operand, and c_stride >= n keeps its rows apart.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            c_stride as isize,
            beta != 0.0,
            a.data.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            beta,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
    Ok(())
}

/// One row times a matrix whose columns are contiguous: the library would pack the matrix, which takes longer than
/// the product.
fn vector(a: &[f32], b: MatRef<'_>, beta: f32, c: &mut [f32], k: usize) {
    for (n, c) in c.iter_mut().enumerate() {
        let column = &b.data[n * b.col_stride..][..k];
        let product = widest(
            #[inline(always)]
            || dot(&a[..k], column),
        );
        *c = product + if beta == 0.0 { 0.0 } else { beta * *c };
    }
}

#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 64;
    let mut lanes = [0f32; LANES];
    let ((blocks, rest), (others, other)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in blocks.iter().zip(others) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    for ((lane, a), b) in lanes.iter_mut().zip(rest).zip(other) {
        *lane += a * b;
    }
    halved::<32>(&mut lanes);
    halved::<16>(&mut lanes);
    halved::<8>(&mut lanes);
    lanes[..8].iter().sum()
}

/// Adds the second half of the first `2 * HALF` lanes to the first half: one after the other they would wait for
/// each other.
#[inline(always)]
fn halved<const HALF: usize>(lanes: &mut [f32]) {
    let (first, second) = lanes.split_at_mut(HALF);
    first.iter_mut().zip(second).for_each(|(a, b)| *a += *b);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn product_and_bounds() {
        let a = [1., 2., 3., 4.];
        let b = [5., 6., 7., 8.];
        let mut c = [0.0; 4];
        let (ma, mb) = (MatRef::row_major(&a, 2), MatRef::row_major(&b, 2));
        sgemm([2, 2, 2], ma, mb, 0.0, &mut c, 2).unwrap();
        assert_eq!(c, [19., 22., 43., 50.]);
        sgemm([2, 2, 2], ma, mb.t(), 0.0, &mut c, 2).unwrap();
        assert_eq!(c, [17., 23., 39., 53.]);
        sgemm([1, 2, 2], ma, mb.t(), 0.0, &mut c, 2).unwrap();
        assert_eq!(c, [17., 23., 39., 53.]);
        sgemm([1, 2, 2], ma, mb.t(), 1.0, &mut c, 2).unwrap();
        assert_eq!(c, [34., 46., 39., 53.]);
        assert!(sgemm([3, 2, 2], ma, mb, 0.0, &mut c, 2).is_err());
        assert!(sgemm([2, 2, 2], ma, mb, 0.0, &mut c[..3], 2).is_err());
        assert!(sgemm([0, 2, 2], ma, mb, 0.0, &mut c, 2).is_err());
    }
}
