//! The kernel for AVX2: bytes widen to 16 bits and multiply in pairs (`vpmaddwd`), which is exact for both
//! readings of an activation. The instruction that multiplies bytes directly saturates and is no use here.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_load_si128, _mm_set1_epi32, _mm256_add_epi32, _mm256_cvtepi8_epi16,
    _mm256_cvtepu8_epi16, _mm256_hadd_epi32, _mm256_madd_epi16, _mm256_permute4x64_epi64,
    _mm256_setzero_si256, _mm256_storeu_si256,
};

use super::pack::{COLUMNS, DEPTH, Line, partial};
use super::{Product, Signedness};

/// Columns of one tile: two vectors of four columns, each with two partial sums.
const WIDTH: usize = 8;
/// Vectors of one tile.
const VECTORS: usize = 2;

/// What a tile reads and writes.
#[derive(Clone, Copy)]
struct Tile {
    a: *const u8,
    a_stride: usize,
    k: usize,
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
#[target_feature(enable = "avx2")]
unsafe fn signed_run<const SIGNED: bool>(product: Product<'_>) {
    let Product { a, a_stride, m, b, out, out_stride, .. } = product;
    let mut row = 0;
    while row < m {
        // 6 rows by 2 vectors leave 4 of the 16 registers for operands.
        let rows = match m - row {
            6.. => 6,
            3.. => 3,
            _ => 1,
        };
        for column in (0..b.n()).step_by(WIDTH) {
            let half = (column % COLUMNS) / WIDTH;
            let tile = Tile {
                // SAFETY: row `row` of the left operand starts within it.
                a: unsafe { a.as_ptr().add(row * a_stride) },
                a_stride,
                k: b.k(),
                // Without lines, as when `k` is 0, nothing is read from here.
                weights: b
                    .panels(column / COLUMNS, 1)
                    .as_ptr()
                    .cast::<__m128i>()
                    .wrapping_add(half * VECTORS),
                // SAFETY: as for the left operand.
                out: unsafe { out.as_mut_ptr().add(row * out_stride + column) },
                out_stride,
                columns: WIDTH.min(b.n() - column),
            };
            // SAFETY: the tile covers rows below `m` and columns below `n`.
            unsafe {
                match rows {
                    6 => tile.run::<6, SIGNED>(),
                    3 => tile.run::<3, SIGNED>(),
                    _ => tile.run::<1, SIGNED>(),
                }
            }
        }
        row += rows;
    }
}

impl Tile {
    /// # Safety
    ///
    /// `ROWS` rows of `k` bytes at `a` and half a line per four steps of `k` at `weights` are readable;
    /// `ROWS` rows of `columns` values at `out` are writable.
    #[target_feature(enable = "avx2")]
    unsafe fn run<const ROWS: usize, const SIGNED: bool>(self) {
        let mut sums = [[_mm256_setzero_si256(); VECTORS]; ROWS];
        let full = self.k / DEPTH;
        let rest = self.k % DEPTH;
        let line = size_of::<Line>() / size_of::<__m128i>();
        for index in 0..full {
            // SAFETY: four bytes from `4 * index` end within each row, and line `index` exists.
            unsafe {
                step::<ROWS, SIGNED>(&mut sums, self.weights.add(index * line), |row| {
                    self.a.add(row * self.a_stride + index * DEPTH).cast::<i32>().read_unaligned()
                });
            }
        }
        if rest > 0 {
            // SAFETY: the rest of each row lies between its last whole word and its end; its line exists.
            unsafe {
                step::<ROWS, SIGNED>(&mut sums, self.weights.add(full * line), |row| {
                    let start = self.a.add(row * self.a_stride + full * DEPTH);
                    i32::from_ne_bytes(partial(std::slice::from_raw_parts(start, rest)))
                });
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

/// Adds half a line times one word of each row.
///
/// # Safety
///
/// Two vectors at `weights` are readable and aligned to 16 bytes.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn step<const ROWS: usize, const SIGNED: bool>(
    sums: &mut [[__m256i; VECTORS]; ROWS],
    weights: *const __m128i,
    word: impl Fn(usize) -> i32,
) {
    // SAFETY: readable and aligned by contract.
    let (low, high) = unsafe { (_mm_load_si128(weights), _mm_load_si128(weights.add(1))) };
    let (low, high) = (_mm256_cvtepi8_epi16(low), _mm256_cvtepi8_epi16(high));
    for (row, sums) in sums.iter_mut().enumerate() {
        let word = _mm_set1_epi32(word(row));
        let activations = if SIGNED { _mm256_cvtepi8_epi16(word) } else { _mm256_cvtepu8_epi16(word) };
        sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(activations, low));
        sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(activations, high));
    }
}
