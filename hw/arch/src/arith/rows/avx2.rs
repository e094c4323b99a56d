//! Eight sums at a time; the plain form takes the rest.

use std::arch::x86_64::{
    __m256d, __m256i, _mm_loadl_epi64, _mm_set1_epi32, _mm_shuffle_epi8, _mm_storel_epi64,
    _mm_unpacklo_epi32, _mm256_add_epi32, _mm256_add_pd, _mm256_castsi128_si256, _mm256_castsi256_si128,
    _mm256_cvtepi8_epi32, _mm256_cvtepi32_pd, _mm256_cvtepu8_epi32, _mm256_cvttpd_epi32,
    _mm256_extracti128_si256, _mm256_floor_pd, _mm256_inserti128_si256, _mm256_loadu_pd, _mm256_loadu_si256,
    _mm256_max_epi32, _mm256_max_pd, _mm256_min_epi32, _mm256_min_pd, _mm256_mul_pd, _mm256_set1_epi32,
    _mm256_set1_pd, _mm256_storeu_si256,
};

use super::super::Post;
use super::super::requantize::{OUTPUT_MAX, OUTPUT_MIN};
use super::{Rescaled, Scales, one, plain_row, plain_sum};

/// Bias and factor of eight channels.
#[derive(Clone, Copy)]
pub(in super::super) struct Scale {
    bias: [__m256d; 2],
    factor: [__m256d; 2],
}

impl Scale {
    /// Those of eight channels from `first` on.
    ///
    /// # Safety
    ///
    /// The scales have these channels.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(in super::super) unsafe fn load(scales: &Scales, first: usize) -> Scale {
        // SAFETY: by contract.
        let list = |list: &[f64]| unsafe {
            [first, first + 4].map(|first| _mm256_loadu_pd(list.as_ptr().add(first)))
        };
        Scale { bias: list(&scales.bias), factor: list(&scales.factor) }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn of(rescaled: &Rescaled<'_>) -> Scale {
        let (bias, factor) = (_mm256_set1_pd(rescaled.bias()), _mm256_set1_pd(rescaled.factor()));
        Scale { bias: [bias; 2], factor: [factor; 2] }
    }

    /// Requantizes eight sums.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(in super::super) fn apply(&self, sums: __m256i) -> __m256i {
        let half = |sums, index: usize| {
            let biased = _mm256_add_pd(_mm256_cvtepi32_pd(sums), self.bias[index]);
            let scaled = _mm256_add_pd(_mm256_mul_pd(biased, self.factor[index]), _mm256_set1_pd(0.5));
            let least = _mm256_max_pd(scaled, _mm256_set1_pd(f64::from(OUTPUT_MIN)));
            let clamped = _mm256_min_pd(least, _mm256_set1_pd(f64::from(OUTPUT_MAX)));
            _mm256_cvttpd_epi32(_mm256_floor_pd(clamped))
        };
        let low = half(_mm256_castsi256_si128(sums), 0);
        let high = half(_mm256_extracti128_si256::<1>(sums), 1);
        _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high)
    }
}

/// Zero point and clamp; writes eight codes.
///
/// # Safety
///
/// Eight bytes are writable.
#[target_feature(enable = "avx2")]
#[inline]
pub(in super::super) unsafe fn finish(codes: __m256i, post: &Post, bytes: *mut u8) {
    let moved = _mm256_add_epi32(codes, _mm256_set1_epi32(post.zero_point));
    let least = _mm256_max_epi32(moved, _mm256_set1_epi32(post.clamp_low));
    let clamped = _mm256_min_epi32(least, _mm256_set1_epi32(post.clamp_high));
    // The low bytes, not saturated ones.
    let pick = _mm_set1_epi32(0x0c08_0400);
    let low = _mm_shuffle_epi8(_mm256_castsi256_si128(clamped), pick);
    let high = _mm_shuffle_epi8(_mm256_extracti128_si256::<1>(clamped), pick);
    // SAFETY: by contract.
    unsafe { _mm_storel_epi64(bytes.cast(), _mm_unpacklo_epi32(low, high)) };
}

/// # Safety
///
/// The host has AVX2; `codes` and the scales have an entry per sum.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn requantize(sums: &[i32], scales: &Scales, codes: &mut [i32]) {
    let whole = sums.len() / 8 * 8;
    for first in (0..whole).step_by(8) {
        // SAFETY: eight entries from `first` on exist.
        unsafe {
            let sums = _mm256_loadu_si256(sums.as_ptr().add(first).cast());
            let found = Scale::load(scales, first).apply(sums);
            _mm256_storeu_si256(codes.as_mut_ptr().add(first).cast(), found);
        }
    }
    for index in whole..sums.len() {
        codes[index] = one(sums[index], scales.bias[index], scales.factor[index]);
    }
}

/// # Safety
///
/// The host has AVX2; extents are as [`super::emit_rows`] checks them.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn emit_rows(
    sums: &[i32],
    columns: usize,
    scales: &Scales,
    residual: Option<&Rescaled<'_>>,
    post: &Post,
    bytes: &mut [u8],
    stride: usize,
) {
    let whole = columns / 8 * 8;
    for first in (0..whole).step_by(8) {
        // SAFETY: every row has eight columns from `first` on.
        unsafe {
            let scale = Scale::load(scales, first);
            for row in 0..sums.len() / columns {
                let sums = _mm256_loadu_si256(sums.as_ptr().add(row * columns + first).cast());
                let mut codes = scale.apply(sums);
                if let Some(residual) = residual {
                    codes = _mm256_add_epi32(codes, rescale(residual, first));
                }
                finish(codes, post, bytes.as_mut_ptr().add(row * stride + first));
            }
        }
    }
    if whole < columns {
        for (row, sums) in sums.chunks_exact(columns).enumerate() {
            plain_row(sums, whole, scales, residual, post, &mut bytes[row * stride..][..columns]);
        }
    }
}

/// Eight codes from `first` on, brought to scale.
///
/// # Safety
///
/// These codes exist.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn rescale(rescaled: &Rescaled<'_>, first: usize) -> __m256i {
    // SAFETY: by contract.
    let bytes = unsafe { _mm_loadl_epi64(rescaled.codes.as_ptr().add(first).cast()) };
    let codes = if rescaled.signed { _mm256_cvtepi8_epi32(bytes) } else { _mm256_cvtepu8_epi32(bytes) };
    Scale::of(rescaled).apply(codes)
}

/// # Safety
///
/// The host has AVX2; no operand is shorter than `bytes`.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn emit_sum(one: &Rescaled<'_>, two: Option<&Rescaled<'_>>, post: &Post, bytes: &mut [u8]) {
    let whole = bytes.len() / 8 * 8;
    for first in (0..whole).step_by(8) {
        // SAFETY: every operand has eight codes from `first` on.
        unsafe {
            let mut codes = rescale(one, first);
            if let Some(two) = two {
                codes = _mm256_add_epi32(codes, rescale(two, first));
            }
            finish(codes, post, bytes.as_mut_ptr().add(first));
        }
    }
    plain_sum(one, two, post, whole, bytes);
}
