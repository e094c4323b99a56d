//! Sixteen channels at a time, in two halves.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_loadu_si128, _mm_setzero_si128, _mm_unpackhi_epi8, _mm_unpacklo_epi8,
    _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_cvtepu8_epi16, _mm256_madd_epi16, _mm256_setzero_si256,
};

use super::super::Signedness;
use super::super::rows::avx2::{Scale, finish};
use super::{BLOCK, Depthwise, Places};

/// # Safety
///
/// The host has AVX2; the window has 9 or 25 taps over whole blocks of channels; weights, scales and the output
/// have what every pixel needs, and so has every tap that `places` names.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn run(job: &Depthwise<'_>, places: &impl Places, out: &mut [u8]) {
    // SAFETY: passed on from the caller.
    unsafe {
        match (job.taps, job.sign) {
            (9, Signedness::Signed) => blocks::<5, true>(job, places, out),
            (9, Signedness::Unsigned) => blocks::<5, false>(job, places, out),
            (_, Signedness::Signed) => blocks::<13, true>(job, places, out),
            (_, Signedness::Unsigned) => blocks::<13, false>(job, places, out),
        }
    }
}

/// # Safety
///
/// As for [`run`], with `2 * PAIRS - 1` taps.
#[target_feature(enable = "avx2")]
unsafe fn blocks<const PAIRS: usize, const SIGNED: bool>(
    job: &Depthwise<'_>,
    places: &impl Places,
    out: &mut [u8],
) {
    let last = 2 * PAIRS - 2;
    for first in (0..job.channels).step_by(BLOCK) {
        let mut weights = [[_mm256_setzero_si256(); 2]; PAIRS];
        for (pair, weights) in weights.iter_mut().enumerate() {
            // SAFETY: every tap has a block of weights from `first` on.
            let load = |tap: usize| unsafe {
                _mm_loadu_si128(job.weights.as_ptr().add(tap * job.step + first).cast())
            };
            // The last tap's partner adds nothing.
            let second = if 2 * pair == last { _mm_setzero_si128() } else { load(2 * pair + 1) };
            *weights = pairs::<true>(load(2 * pair), second);
        }
        // SAFETY: the scales have a block from `first` on.
        let scales = unsafe { [Scale::load(job.scales, first), Scale::load(job.scales, first + BLOCK / 2)] };
        for pixel in 0..places.pixels() {
            let mut sums = [_mm256_setzero_si256(); 2];
            for (pair, weights) in weights.iter().enumerate() {
                // SAFETY: every tap of a pixel has a block of codes from `first` on.
                let load = |tap: usize| unsafe { _mm_loadu_si128(places.tap(pixel, tap).add(first).cast()) };
                let codes = pairs::<SIGNED>(load(2 * pair), load((2 * pair + 1).min(last)));
                sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(codes[0], weights[0]));
                sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(codes[1], weights[1]));
            }
            // SAFETY: the output has the pixel's channels.
            unsafe {
                let target = out.as_mut_ptr().add(places.output(pixel) * job.channels + first);
                finish(scales[0].apply(sums[0]), &job.post, target);
                finish(scales[1].apply(sums[1]), &job.post, target.add(BLOCK / 2));
            }
        }
    }
}

/// Sixteen channels' pairs of codes, widened.
#[target_feature(enable = "avx2")]
#[inline]
fn pairs<const SIGNED: bool>(one: __m128i, two: __m128i) -> [__m256i; 2] {
    [_mm_unpacklo_epi8(one, two), _mm_unpackhi_epi8(one, two)]
        .map(|both| if SIGNED { _mm256_cvtepi8_epi16(both) } else { _mm256_cvtepu8_epi16(both) })
}
