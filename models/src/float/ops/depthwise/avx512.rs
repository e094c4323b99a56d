//! The steps of a band with 512-bit vectors: what the compiler makes of the plain ones keeps no sums in registers where
//! their number varies, and copies short rows one by one. Same sums, same bits.

use std::arch::x86_64::{
    __m512, _mm512_add_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_max_ps,
    _mm512_min_ps, _mm512_mul_ps, _mm512_permutex2var_ps, _mm512_set1_ps, _mm512_setr_epi32,
    _mm512_setzero_ps, _mm512_storeu_ps,
};
use std::mem::MaybeUninit;

use super::super::conv::Bounds;
use super::super::window::{Window, every};
use super::{LANES, Phases, line};

/// The lanes that a run of so many elements fills.
#[inline]
fn lanes(count: usize) -> u16 {
    if count >= LANES { u16::MAX } else { (1 << count) - 1 }
}

/// The first elements of a run, zeros after its end.
#[inline]
#[target_feature(enable = "avx512f")]
fn load(from: &[f32]) -> __m512 {
    // Nothing may lie at no address, and a read there that no lane makes is slow all the same.
    if from.is_empty() {
        return _mm512_setzero_ps();
    }
    // SAFETY: lanes beyond the slice are not read.
    unsafe { _mm512_maskz_loadu_ps(lanes(from.len()), from.as_ptr()) }
}

/// As many lanes as there is room for.
#[inline]
#[target_feature(enable = "avx512f")]
fn store(to: &mut [f32], vector: __m512) {
    // SAFETY: lanes beyond the slice are not written.
    unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), lanes(to.len()), vector) }
}

impl Phases {
    /// As [`Phases::fill`].
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn fill_wide(&mut self, window: &Window, image: &[f32], w: usize, top: usize) {
        let [sy, sx] = window.strides;
        let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        for (row, start) in self.rows.iter().enumerate() {
            let line = line(image, w, (top * sy + row).wrapping_sub(window.pads[0]));
            for (phase, &[first, x]) in self.columns.iter().enumerate() {
                let to = &mut self.data[start + phase * self.size..][..self.width][x..];
                let mut from = line.get(first..).unwrap_or_default();
                match sx {
                    1 => {
                        for to in to.chunks_mut(LANES) {
                            store(to, load(from));
                            from = from.get(LANES..).unwrap_or_default();
                        }
                    }
                    2 => {
                        for to in to.chunks_mut(LANES) {
                            let far = from.get(LANES..).unwrap_or_default();
                            store(to, _mm512_permutex2var_ps(load(from), even, load(far)));
                            from = from.get(2 * LANES..).unwrap_or_default();
                        }
                    }
                    _ if from.is_empty() => to.fill(0.0),
                    _ => every(sx, from, to),
                }
            }
        }
    }

    /// All `sums`, whose number is a multiple of [`LANES`].
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn sums_wide(&self, weights: &[f32], bias: f32, sums: &mut [f32]) {
        let mut at = 0;
        while at < sums.len() {
            // Few additions wait for each other, so the last blocks are not made small.
            at += match (sums.len() - at) / LANES {
                1 => self.block_wide::<1>(weights, bias, at, sums),
                2 => self.block_wide::<2>(weights, bias, at, sums),
                3 => self.block_wide::<3>(weights, bias, at, sums),
                5 => self.block_wide::<5>(weights, bias, at, sums),
                6 => self.block_wide::<6>(weights, bias, at, sums),
                7 => self.block_wide::<7>(weights, bias, at, sums),
                4 | 9..12 => self.block_wide::<4>(weights, bias, at, sums),
                _ => self.block_wide::<8>(weights, bias, at, sums),
            };
        }
    }

    /// So many vectors from `at` on; how many elements they have.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn block_wide<const N: usize>(&self, weights: &[f32], bias: f32, at: usize, sums: &mut [f32]) -> usize {
        let mut totals = [_mm512_set1_ps(bias); N];
        for (start, &weight) in self.starts.iter().zip(weights) {
            let weight = _mm512_set1_ps(weight);
            // No closures: they are compiled for the vectors, and what calls them is not, so that each stays a call
            // before which all sums leave their registers.
            let Some(run) = self.data.get(start + at..start + at + N * LANES) else { break };
            for (i, total) in totals.iter_mut().enumerate() {
                // SAFETY: the run has so many vectors.
                let x = unsafe { _mm512_loadu_ps(run.as_ptr().add(i * LANES)) };
                *total = _mm512_add_ps(*total, _mm512_mul_ps(weight, x));
            }
        }
        let (sums, _) = sums[at..].as_chunks_mut::<LANES>();
        for (sums, total) in sums.iter_mut().zip(totals) {
            // SAFETY: an array of as many elements as a vector has.
            unsafe { _mm512_storeu_ps(sums.as_mut_ptr(), total) };
        }
        N * LANES
    }

    /// Adds so many rows of `ow` sums to the outputs, bounded.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn take_wide(&self, sums: &[f32], bounds: Bounds, [rows, ow]: [usize; 2], out: &mut Vec<f32>) {
        let [low, high] = bounds.unwrap_or([f32::NEG_INFINITY, f32::INFINITY]);
        let (low, high) = (_mm512_set1_ps(low), _mm512_set1_ps(high));
        let bounded = bounds.is_some();
        out.reserve(rows * ow);
        let room: &mut [MaybeUninit<f32>] = &mut out.spare_capacity_mut()[..rows * ow];
        for (to, row) in room.chunks_exact_mut(ow).zip(sums.chunks(self.width)) {
            for (to, from) in to.chunks_mut(LANES).zip(row[..ow].chunks(LANES)) {
                let x = load(from);
                // Of a number that is none the bound remains, as of the plain steps.
                let x = if bounded { _mm512_min_ps(_mm512_max_ps(x, low), high) } else { x };
                // SAFETY: lanes beyond the slice are not written.
                unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr().cast(), lanes(to.len()), x) };
            }
        }
        // SAFETY: all of these elements were written just now.
        unsafe { out.set_len(out.len() + rows * ow) };
    }
}
