//! Sixteen sums at a time, the last ones under a mask.

use std::arch::x86_64::{
    __m512d, __m512i, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEG_INF, _mm_mask_storeu_epi8, _mm_maskz_loadu_epi8,
    _mm_storel_epi64, _mm_storeu_si128, _mm512_add_epi32, _mm512_add_pd, _mm512_castsi256_si512,
    _mm512_castsi512_si256, _mm512_cvt_roundpd_epi32, _mm512_cvtepi8_epi32, _mm512_cvtepi32_epi8,
    _mm512_cvtepi32_pd, _mm512_cvtepu8_epi32, _mm512_extracti64x4_epi64, _mm512_fmadd_pd, _mm512_inserti64x4,
    _mm512_mask_storeu_epi32, _mm512_maskz_loadu_epi32, _mm512_maskz_loadu_pd, _mm512_max_epi32,
    _mm512_max_pd, _mm512_min_epi32, _mm512_min_pd, _mm512_set1_epi32, _mm512_set1_pd,
};

use super::super::Post;
use super::super::requantize::{OUTPUT_MAX, OUTPUT_MIN};
use super::{Rescaled, Scales};

/// Bias and factor of sixteen channels.
#[derive(Clone, Copy)]
pub(in super::super) struct Scale {
    bias: [__m512d; 2],
    factor: [__m512d; 2],
}

impl Scale {
    /// Those of the channels of `mask` from `first` on.
    ///
    /// # Safety
    ///
    /// The scales have these channels.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    pub(in super::super) unsafe fn load(scales: &Scales, first: usize, mask: u16) -> Scale {
        let halves = [(mask as u8, first), ((mask >> 8) as u8, first + 8)];
        // SAFETY: the masks keep the channels that exist, by contract.
        let list = |list: &[f64]| unsafe {
            halves.map(|(mask, first)| _mm512_maskz_loadu_pd(mask, list.as_ptr().wrapping_add(first)))
        };
        Scale { bias: list(&scales.bias), factor: list(&scales.factor) }
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn of(rescaled: &Rescaled<'_>) -> Scale {
        let (bias, factor) = (_mm512_set1_pd(rescaled.bias()), _mm512_set1_pd(rescaled.factor()));
        Scale { bias: [bias; 2], factor: [factor; 2] }
    }

    /// Requantizes sixteen sums.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    pub(in super::super) fn apply(&self, sums: __m512i) -> __m512i {
        let half = |sums, index: usize| {
            let biased = _mm512_add_pd(_mm512_cvtepi32_pd(sums), self.bias[index]);
            let scaled = _mm512_fmadd_pd(biased, self.factor[index], _mm512_set1_pd(0.5));
            let least = _mm512_max_pd(scaled, _mm512_set1_pd(f64::from(OUTPUT_MIN)));
            let clamped = _mm512_min_pd(least, _mm512_set1_pd(f64::from(OUTPUT_MAX)));
            _mm512_cvt_roundpd_epi32::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(clamped)
        };
        let low = half(_mm512_castsi512_si256(sums), 0);
        let high = half(_mm512_extracti64x4_epi64::<1>(sums), 1);
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
    }
}

/// Zero point and clamp; writes the codes of `mask`.
///
/// # Safety
///
/// These bytes are writable.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
pub(in super::super) unsafe fn finish(codes: __m512i, post: &Post, bytes: *mut u8, mask: u16) {
    let moved = _mm512_add_epi32(codes, _mm512_set1_epi32(post.zero_point));
    let least = _mm512_max_epi32(moved, _mm512_set1_epi32(post.clamp_low));
    let clamped = _mm512_min_epi32(least, _mm512_set1_epi32(post.clamp_high));
    let found = _mm512_cvtepi32_epi8(clamped);
    // Masked stores of bytes are slow on some hosts.
    // SAFETY: by contract.
    unsafe {
        if mask == u16::MAX {
            _mm_storeu_si128(bytes.cast(), found);
        } else if mask == 0xff {
            _mm_storel_epi64(bytes.cast(), found);
        } else {
            _mm_mask_storeu_epi8(bytes.cast(), mask, found);
        }
    }
}

/// The first `left` of sixteen.
fn mask(left: usize) -> u16 {
    if left >= 16 { u16::MAX } else { u16::MAX >> (16 - left) }
}

/// # Safety
///
/// The host has the instructions; `codes` and the scales have an entry per sum.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) unsafe fn requantize(sums: &[i32], scales: &Scales, codes: &mut [i32]) {
    for first in (0..sums.len()).step_by(16) {
        let mask = mask(sums.len() - first);
        // SAFETY: the mask keeps the entries that exist.
        unsafe {
            let sums = _mm512_maskz_loadu_epi32(mask, sums.as_ptr().add(first));
            let found = Scale::load(scales, first, mask).apply(sums);
            _mm512_mask_storeu_epi32(codes.as_mut_ptr().add(first), mask, found);
        }
    }
}

/// # Safety
///
/// The host has the instructions; extents are as [`super::emit_rows`] checks them.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) unsafe fn emit_rows(
    sums: &[i32],
    columns: usize,
    scales: &Scales,
    residual: Option<&Rescaled<'_>>,
    post: &Post,
    bytes: &mut [u8],
    stride: usize,
) {
    let rows = sums.len() / columns;
    for first in (0..columns).step_by(16) {
        let mask = mask(columns - first);
        // SAFETY: the mask keeps the columns that exist, and every row has them.
        unsafe {
            let scale = Scale::load(scales, first, mask);
            for row in 0..rows {
                let sums = _mm512_maskz_loadu_epi32(mask, sums.as_ptr().add(row * columns + first));
                let mut codes = scale.apply(sums);
                if let Some(residual) = residual {
                    codes = _mm512_add_epi32(codes, rescale(residual, first, mask));
                }
                finish(codes, post, bytes.as_mut_ptr().add(row * stride + first), mask);
            }
        }
    }
}

/// Codes of `mask` from `first` on, brought to scale.
///
/// # Safety
///
/// These codes exist.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
unsafe fn rescale(rescaled: &Rescaled<'_>, first: usize, mask: u16) -> __m512i {
    // SAFETY: by contract.
    let bytes = unsafe { _mm_maskz_loadu_epi8(mask, rescaled.codes.as_ptr().add(first).cast()) };
    let codes = if rescaled.signed { _mm512_cvtepi8_epi32(bytes) } else { _mm512_cvtepu8_epi32(bytes) };
    Scale::of(rescaled).apply(codes)
}

/// # Safety
///
/// The host has the instructions; no operand is shorter than `bytes`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) unsafe fn emit_sum(one: &Rescaled<'_>, two: Option<&Rescaled<'_>>, post: &Post, bytes: &mut [u8]) {
    for first in (0..bytes.len()).step_by(16) {
        let mask = mask(bytes.len() - first);
        // SAFETY: the mask keeps the codes that exist.
        unsafe {
            let mut codes = rescale(one, first, mask);
            if let Some(two) = two {
                codes = _mm512_add_epi32(codes, rescale(two, first, mask));
            }
            finish(codes, post, bytes.as_mut_ptr().add(first), mask);
        }
    }
}
