//! The kernel for AVX-512 VNNI: one instruction multiplies four unsigned activations with four weights and
//! adds them up, for sixteen columns.
//!
//! The instruction reads activations unsigned. Signed ones are moved up by 128 (a flip of the top bit), and
//! the sum starts at `-128 * (sum of the column's weights)` to take that back, exactly, modulo 2^32.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_dpbusd_epi32, _mm512_load_si512, _mm512_loadu_si512,
    _mm512_mask_storeu_epi32, _mm512_mullo_epi32, _mm512_set1_epi32, _mm512_setzero_si512,
    _mm512_storeu_si512, _mm512_xor_si512,
};

use super::pack::{COLUMNS, DEPTH, Line, partial};
use super::{Product, Signedness};

/// Where the sixteen sums of a panel start when activations are read with an offset of 128.
#[target_feature(enable = "avx512f,avx512vnni")]
pub(super) fn offsets(lines: &[Line]) -> [i32; COLUMNS] {
    let ones = _mm512_set1_epi32(0x0101_0101);
    let add = |sum, line: &Line| {
        // SAFETY: a line is 64 bytes, aligned to 64.
        _mm512_dpbusd_epi32(sum, ones, unsafe { _mm512_load_si512((&raw const *line).cast()) })
    };
    // One sum would wait for itself at every step.
    let mut sums = [_mm512_setzero_si512(); 4];
    let (fours, rest) = lines.as_chunks::<4>();
    for four in fours {
        for (sum, line) in sums.iter_mut().zip(four) {
            *sum = add(*sum, line);
        }
    }
    for (sum, line) in sums.iter_mut().zip(rest) {
        *sum = add(*sum, line);
    }
    let sum = _mm512_add_epi32(_mm512_add_epi32(sums[0], sums[1]), _mm512_add_epi32(sums[2], sums[3]));
    let mut offsets = [0; COLUMNS];
    // SAFETY: sixteen values of 32 bits fill a vector.
    unsafe {
        _mm512_storeu_si512(offsets.as_mut_ptr().cast(), _mm512_mullo_epi32(sum, _mm512_set1_epi32(-128)))
    };
    offsets
}

/// What a tile reads and writes, and how.
#[derive(Clone, Copy)]
struct Tile {
    a: *const u8,
    a_stride: usize,
    k: usize,
    /// The first line of the first panel; the next panel follows after `k / 4` lines, rounded up.
    lines: *const Line,
    /// Initial sums, for signed activations only.
    offsets: *const i32,
    out: *mut i32,
    out_stride: usize,
    /// Columns of the last panel that exist.
    mask: u16,
}

/// Computes a checked product.
///
/// # Safety
///
/// The host has AVX-512 F and VNNI, and `product` is in bounds as [`super::matmul`] checks.
#[target_feature(enable = "avx512f,avx512vnni")]
pub(super) unsafe fn run(product: Product<'_>) {
    match product.sign {
        // SAFETY: passed on from the caller.
        Signedness::Signed => unsafe { signed_run::<true>(product) },
        // SAFETY: passed on from the caller.
        Signedness::Unsigned => unsafe { signed_run::<false>(product) },
    }
}

/// # Safety
///
/// As for [`run`].
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn signed_run<const SIGNED: bool>(product: Product<'_>) {
    let Product { a, a_stride, m, b, out, out_stride, .. } = product;
    let mut row = 0;
    while row < m {
        // 12 rows by 2 vectors of columns is the largest tile whose sums stay in the 32 registers.
        let rows = match m - row {
            12.. => 12,
            8.. => 8,
            4.. => 4,
            2.. => 2,
            _ => 1,
        };
        let mut column = 0;
        while column < b.n() {
            let left = b.n() - column;
            let vectors = if left > COLUMNS { 2 } else { 1 };
            let last = (left - (vectors - 1) * COLUMNS).min(COLUMNS);
            let tile = Tile {
                // SAFETY: row `row` of the left operand starts within it.
                a: unsafe { a.as_ptr().add(row * a_stride) },
                a_stride,
                k: b.k(),
                lines: b.panels(column / COLUMNS, vectors).as_ptr(),
                offsets: b.offsets()[column..][..vectors * COLUMNS].as_ptr(),
                // SAFETY: as for the left operand.
                out: unsafe { out.as_mut_ptr().add(row * out_stride + column) },
                out_stride,
                mask: u16::MAX >> (COLUMNS - last),
            };
            // SAFETY: the tile covers rows below `m` and columns below `n`, the last panel's under its mask.
            unsafe {
                match (rows, vectors) {
                    (12, 2) => tile.run::<12, 2, SIGNED>(),
                    (12, _) => tile.run::<12, 1, SIGNED>(),
                    (8, 2) => tile.run::<8, 2, SIGNED>(),
                    (8, _) => tile.run::<8, 1, SIGNED>(),
                    (4, 2) => tile.run::<4, 2, SIGNED>(),
                    (4, _) => tile.run::<4, 1, SIGNED>(),
                    (2, 2) => tile.run::<2, 2, SIGNED>(),
                    (2, _) => tile.run::<2, 1, SIGNED>(),
                    (_, 2) => tile.run::<1, 2, SIGNED>(),
                    (_, _) => tile.run::<1, 1, SIGNED>(),
                }
            }
            column += vectors * COLUMNS;
        }
        row += rows;
    }
}

impl Tile {
    /// # Safety
    ///
    /// `ROWS` rows of `k` bytes at `a`, `VECTORS` panels at `lines` and as many vectors at `offsets` are
    /// readable; `ROWS` rows at `out` are writable, of all columns but those that `mask` hides.
    #[target_feature(enable = "avx512f,avx512vnni")]
    unsafe fn run<const ROWS: usize, const VECTORS: usize, const SIGNED: bool>(self) {
        let depth = self.k.div_ceil(DEPTH);
        let mut sums = [[_mm512_setzero_si512(); VECTORS]; ROWS];
        if SIGNED {
            for vector in 0..VECTORS {
                // SAFETY: a vector of offsets per panel, by contract.
                let start = unsafe { _mm512_loadu_si512(self.offsets.add(vector * COLUMNS).cast()) };
                for row in &mut sums {
                    row[vector] = start;
                }
            }
        }
        let full = self.k / DEPTH;
        for index in 0..full {
            // SAFETY: four bytes from `4 * index` end within each row; `index` is below the panels' depth.
            unsafe {
                step::<ROWS, VECTORS, SIGNED>(&mut sums, self.lines.add(index), depth, |row| {
                    self.a.add(row * self.a_stride + index * DEPTH).cast::<i32>().read_unaligned()
                });
            }
        }
        if full < depth {
            // SAFETY: the rest of each row lies between its last whole word and its end.
            unsafe {
                step::<ROWS, VECTORS, SIGNED>(&mut sums, self.lines.add(full), depth, |row| {
                    let start = self.a.add(row * self.a_stride + full * DEPTH);
                    i32::from_ne_bytes(partial(std::slice::from_raw_parts(start, self.k % DEPTH)))
                });
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            for (vector, &sum) in sums.iter().enumerate() {
                let mask = if vector + 1 == VECTORS { self.mask } else { u16::MAX };
                // SAFETY: the mask keeps the columns of the product, which are writable by contract.
                unsafe {
                    let target = self.out.add(row * self.out_stride + vector * COLUMNS);
                    _mm512_mask_storeu_epi32(target, mask, sum);
                }
            }
        }
    }
}

/// Adds one line of each panel times one word of each row.
///
/// # Safety
///
/// `lines` is readable at each multiple of `depth` below `VECTORS * depth`.
#[target_feature(enable = "avx512f,avx512vnni")]
#[inline]
unsafe fn step<const ROWS: usize, const VECTORS: usize, const SIGNED: bool>(
    sums: &mut [[__m512i; VECTORS]; ROWS],
    lines: *const Line,
    depth: usize,
    word: impl Fn(usize) -> i32,
) {
    let mut weights = [_mm512_setzero_si512(); VECTORS];
    for (vector, weights) in weights.iter_mut().enumerate() {
        // SAFETY: in bounds by contract; a line is 64 bytes, aligned to 64.
        *weights = unsafe { _mm512_load_si512(lines.add(vector * depth).cast()) };
    }
    for (row, sums) in sums.iter_mut().enumerate() {
        let mut activations = _mm512_set1_epi32(word(row));
        if SIGNED {
            activations = _mm512_xor_si512(activations, _mm512_set1_epi32(i32::from_ne_bytes([0x80; 4])));
        }
        for (sum, &weights) in sums.iter_mut().zip(&weights) {
            *sum = _mm512_dpbusd_epi32(*sum, activations, weights);
        }
    }
}
