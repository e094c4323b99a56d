//! The kernel for AVX2: bytes widen to 16 bits and multiply in pairs (`vpmaddwd`), which is exact for both
//! readings of an activation. The instruction that multiplies bytes directly saturates and is no use here.
//!
//! A few rows of activations are widened once for all columns: in the loop, a word of them is then one load that
//! fills a vector, and the ports that multiply and add do nothing else.

use std::arch::x86_64::{
    __m128i, _mm_load_si128, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_cvtepu8_epi16,
    _mm256_hadd_epi32, _mm256_madd_epi16, _mm256_permute4x64_epi64, _mm256_set1_epi64x, _mm256_setzero_si256,
    _mm256_storeu_si256,
};

use super::pack::{COLUMNS, DEPTH, Line};
use super::{Product, Signedness};

/// Columns of one tile: two vectors of four columns, each with two partial sums.
const WIDTH: usize = 8;
/// Vectors of one tile.
const VECTORS: usize = 2;
/// Most rows of one tile: 6 by 2 vectors of sums leave 4 of the 16 registers for operands.
const ROWS: usize = 6;
/// Activations widened together.
const BLOCK: usize = 16;

/// What a tile reads and writes.
#[derive(Clone, Copy)]
struct Tile {
    /// Widened activations.
    a: *const i16,
    a_stride: usize,
    /// Steps of four products.
    depth: usize,
    /// The tile's half of the first line; the next one follows after 64 bytes.
    weights: *const __m128i,
    out: *mut i32,
    out_stride: usize,
    /// Columns that exist, from 1 to 8.
    columns: usize,
}

/// Computes a checked product.
///
/// # Safety
///
/// The host has AVX2, and `product` is in bounds as [`super::matmul`] checks.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn run(product: Product<'_>) {
    let Product { a, a_stride, sign, m, b, out, out_stride } = product;
    let depth = b.k().div_ceil(DEPTH);
    // What lies behind a row's last byte stays zero.
    let wide_stride = b.k().next_multiple_of(BLOCK);
    let mut wide = vec![0i16; ROWS.min(m) * wide_stride];
    let mut row = 0;
    while row < m {
        let rows = ROWS.min(m - row);
        for (index, wide) in wide.chunks_exact_mut(wide_stride.max(1)).take(rows).enumerate() {
            widen(&a[(row + index) * a_stride..][..b.k()], sign, wide);
        }
        for column in (0..b.n()).step_by(WIDTH) {
            let half = (column % COLUMNS) / WIDTH;
            let tile = Tile {
                a: wide.as_ptr(),
                a_stride: wide_stride,
                depth,
                // Without lines, as when `k` is 0, nothing is read from here.
                weights: b
                    .panels(column / COLUMNS, 1)
                    .as_ptr()
                    .cast::<__m128i>()
                    .wrapping_add(half * VECTORS),
                // SAFETY: row `row` of the product starts within it.
                out: unsafe { out.as_mut_ptr().add(row * out_stride + column) },
                out_stride,
                columns: WIDTH.min(b.n() - column),
            };
            // SAFETY: the tile covers rows below `m` and columns below `n`.
            unsafe {
                match rows {
                    6 => tile.run::<6>(),
                    5 => tile.run::<5>(),
                    4 => tile.run::<4>(),
                    3 => tile.run::<3>(),
                    2 => tile.run::<2>(),
                    _ => tile.run::<1>(),
                }
            }
        }
        row += rows;
    }
}

/// Widens the activations of a row.
#[target_feature(enable = "avx2")]
fn widen(row: &[u8], sign: Signedness, wide: &mut [i16]) {
    let (blocks, rest) = row.as_chunks::<BLOCK>();
    let (targets, _) = wide.as_chunks_mut::<BLOCK>();
    for (block, target) in blocks.iter().zip(&mut *targets) {
        // SAFETY: a block has the bytes of a load, and its target those of a store.
        unsafe {
            let bytes = _mm_loadu_si128(block.as_ptr().cast());
            let codes = match sign {
                Signedness::Signed => _mm256_cvtepi8_epi16(bytes),
                Signedness::Unsigned => _mm256_cvtepu8_epi16(bytes),
            };
            _mm256_storeu_si256(target.as_mut_ptr().cast(), codes);
        }
    }
    if let Some(target) = targets.get_mut(blocks.len()) {
        for (code, &byte) in target.iter_mut().zip(rest) {
            *code = match sign {
                Signedness::Signed => i16::from(byte as i8),
                Signedness::Unsigned => i16::from(byte),
            };
        }
    }
}

impl Tile {
    /// # Safety
    ///
    /// `ROWS` rows of `4 * depth` activations at `a` and half a line per step at `weights` are readable; `ROWS`
    /// rows of `columns` values at `out` are writable.
    #[target_feature(enable = "avx2")]
    unsafe fn run<const ROWS: usize>(self) {
        let mut sums = [[_mm256_setzero_si256(); VECTORS]; ROWS];
        let line = size_of::<Line>() / size_of::<__m128i>();
        for index in 0..self.depth {
            // SAFETY: line `index` exists and is aligned, and so do the rows' four activations of this step.
            unsafe {
                let weights = self.weights.add(index * line);
                let low = _mm256_cvtepi8_epi16(_mm_load_si128(weights));
                let high = _mm256_cvtepi8_epi16(_mm_load_si128(weights.add(1)));
                for (row, sums) in sums.iter_mut().enumerate() {
                    let four = self.a.add(row * self.a_stride + index * DEPTH).cast::<i64>();
                    let activations = _mm256_set1_epi64x(four.read_unaligned());
                    sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(activations, low));
                    sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(activations, high));
                }
            }
        }
        for (row, &[low, high]) in sums.iter().enumerate() {
            // Adding neighbours leaves columns 0 1 4 5 2 3 6 7; swapping the middle pairs sorts them.
            let sum = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(low, high));
            // SAFETY: `columns` values are writable, all eight of them where the whole vector is stored.
            unsafe {
                let target = self.out.add(row * self.out_stride);
                if self.columns == WIDTH {
                    _mm256_storeu_si256(target.cast(), sum);
                } else {
                    let mut values = [0i32; WIDTH];
                    _mm256_storeu_si256(values.as_mut_ptr().cast(), sum);
                    target.copy_from_nonoverlapping(values.as_ptr(), self.columns);
                }
            }
        }
    }
}
