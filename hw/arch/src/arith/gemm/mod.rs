//! Integer matrix products on the host: `C[m][n] = sum over k of A[m][k] * B[n][k]`, 8-bit operands,
//! accumulators that wrap modulo 2^32.
//!
//! The order of additions cannot show in wrapping integers, so every kernel gives the same bits; which one
//! runs is a matter of speed alone.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod pack;
mod portable;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod vnni;

use super::Signedness;
use super::host::{Vectors, most};
pub use pack::PackedMatrix;

/// A way to compute the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// Plain Rust, on every target.
    Portable,
    /// 256-bit vectors of 16-bit products.
    Avx2,
    /// 512-bit vectors of 8-bit dot products.
    Vnni,
}

impl Kernel {
    /// Every kernel, slowest first.
    pub const ALL: [Kernel; 3] = [Kernel::Portable, Kernel::Avx2, Kernel::Vnni];

    /// Whether this host can run the kernel.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Kernel::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => std::arch::is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Kernel::Vnni => {
                std::arch::is_x86_feature_detected!("avx512f")
                    && std::arch::is_x86_feature_detected!("avx512vnni")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Kernel::Avx2 | Kernel::Vnni => false,
        }
    }

    /// The fastest kernel of this host that [`super::host`] allows.
    #[must_use]
    pub fn detect() -> Kernel {
        let allowed = |kernel: &Kernel| match kernel {
            Kernel::Portable => true,
            Kernel::Avx2 => most() >= Vectors::Avx2,
            Kernel::Vnni => most() >= Vectors::Avx512,
        };
        let best = |kernel: &Kernel| kernel.is_available() && allowed(kernel);
        Kernel::ALL.into_iter().rev().find(best).unwrap_or(Kernel::Portable)
    }

    /// The kernels of this host, slowest first.
    #[must_use]
    pub fn available() -> Vec<Kernel> {
        Kernel::ALL.into_iter().filter(|kernel| kernel.is_available()).collect()
    }
}

/// The left operand and the place of the product, with every access of `m` rows known to be in bounds.
struct Product<'a> {
    a: &'a [u8],
    a_stride: usize,
    sign: Signedness,
    m: usize,
    b: &'a PackedMatrix,
    out: &'a mut [i32],
    out_stride: usize,
}

/// Multiplies `m` rows of `a` (row stride `a_stride` bytes) with `b` into `out` (row stride `out_stride`, at
/// least `n`).
///
/// Only the first `k` bytes of each row of `a` are read, and only the first `n` values of each row of `out`
/// are written; `a_stride` below `k` reads overlapping rows.
///
/// # Panics
///
/// If `a` or `out` is too short for `m` rows, or the rows of `out` overlap.
pub fn matmul(
    a: &[u8],
    a_stride: usize,
    sign: Signedness,
    m: usize,
    b: &PackedMatrix,
    out: &mut [i32],
    out_stride: usize,
) {
    if m == 0 || b.n() == 0 {
        return;
    }
    // The kernels go through raw pointers on the strength of these three checks. Saturation makes an
    // overflowing extent fail them: no slice is that long.
    let extent = |stride: usize, row: usize| (m - 1).saturating_mul(stride).saturating_add(row);
    assert!(a.len() >= extent(a_stride, b.k()), "the left operand is shorter than {m} rows");
    assert!(out.len() >= extent(out_stride, b.n()), "the product is shorter than {m} rows");
    assert!(m == 1 || out_stride >= b.n(), "the rows of the product overlap");

    let product = Product { a, a_stride, sign, m, b, out, out_stride };
    match b.kernel() {
        Kernel::Portable => portable::run(product),
        // SAFETY: a matrix is only ever packed for a kernel whose instructions this host was seen to have,
        // and the extents of all operands were checked above.
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 => unsafe { avx2::run(product) },
        // SAFETY: as for AVX2.
        #[cfg(target_arch = "x86_64")]
        Kernel::Vnni => unsafe { vnni::run(product) },
        #[cfg(not(target_arch = "x86_64"))]
        Kernel::Avx2 | Kernel::Vnni => portable::run(product),
    }
}
