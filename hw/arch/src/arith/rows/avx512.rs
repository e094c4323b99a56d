//! Sixteen sums at a time, the last ones under a mask.

use std::arch::x86_64::{
    __m512, __m512d, __m512i, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEG_INF, _mm_mask_storeu_epi8,
    _mm_maskz_loadu_epi8, _mm_storel_epi64, _mm_storeu_si128, _mm512_add_epi32, _mm512_add_pd,
    _mm512_castps512_ps256, _mm512_castsi256_si512, _mm512_castsi512_si256, _mm512_cvt_roundpd_epi32,
    _mm512_cvt_roundps_epi32, _mm512_cvtepi8_epi32, _mm512_cvtepi32_epi8, _mm512_cvtepi32_pd,
    _mm512_cvtepi32_ps, _mm512_cvtepu8_epi32, _mm512_cvtps_pd, _mm512_extractf32x8_ps,
    _mm512_extracti64x4_epi64, _mm512_fmadd_pd, _mm512_fmadd_round_ps, _mm512_inserti64x4,
    _mm512_mask_storeu_epi32, _mm512_maskz_loadu_epi32, _mm512_maskz_loadu_ps, _mm512_max_epi32,
    _mm512_max_pd, _mm512_min_epi32, _mm512_min_pd, _mm512_set1_epi32, _mm512_set1_pd, _mm512_set1_ps,
};

use super::super::Post;
use super::super::requantize::{OUTPUT_MAX, OUTPUT_MIN};
use super::{Emit, Rescaled, Scales};

/// Rounding towards minus infinity.
const DOWN: i32 = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;

/// Bias and factor of sixteen channels.
#[derive(Clone, Copy)]
struct Scale {
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
    unsafe fn load(scales: &Scales, first: usize, mask: u16) -> Scale {
        // SAFETY: the mask keeps the channels that exist, by contract.
        let (bias, factor) = unsafe {
            let bias = _mm512_maskz_loadu_epi32(mask, scales.bias.as_ptr().add(first));
            (bias, _mm512_maskz_loadu_ps(mask, scales.factor.as_ptr().add(first)))
        };
        Scale {
            bias: [_mm512_castsi512_si256(bias), _mm512_extracti64x4_epi64::<1>(bias)]
                .map(|bias| _mm512_cvtepi32_pd(bias)),
            factor: [_mm512_castps512_ps256(factor), _mm512_extractf32x8_ps::<1>(factor)]
                .map(|factor| _mm512_cvtps_pd(factor)),
        }
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn of(rescaled: &Rescaled<'_>) -> Scale {
        let (bias, factor) = (_mm512_set1_pd(rescaled.bias()), _mm512_set1_pd(f64::from(rescaled.factor())));
        Scale { bias: [bias; 2], factor: [factor; 2] }
    }

    /// Requantizes sixteen sums.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    fn apply(&self, sums: __m512i) -> __m512i {
        let half = |sums, index: usize| {
            let biased = _mm512_add_pd(_mm512_cvtepi32_pd(sums), self.bias[index]);
            let scaled = _mm512_fmadd_pd(biased, self.factor[index], _mm512_set1_pd(0.5));
            let least = _mm512_max_pd(scaled, _mm512_set1_pd(f64::from(OUTPUT_MIN)));
            let clamped = _mm512_min_pd(least, _mm512_set1_pd(f64::from(OUTPUT_MAX)));
            _mm512_cvt_roundpd_epi32::<DOWN>(clamped)
        };
        let low = half(_mm512_castsi512_si256(sums), 0);
        let high = half(_mm512_extracti64x4_epi64::<1>(sums), 1);
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
    }
}

/// What sixteen channels need of single precision: see [`super::single`].
#[derive(Clone, Copy)]
struct Single {
    shift: __m512i,
    factor: __m512,
    rest: __m512,
    base: __m512i,
}

impl Single {
    /// That of the channels of `mask` from `first` on.
    ///
    /// # Safety
    ///
    /// The scales have these channels.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    unsafe fn load(scales: &Scales, first: usize, mask: u16) -> Single {
        // SAFETY: the mask keeps the channels that exist, by contract.
        unsafe {
            Single {
                shift: _mm512_maskz_loadu_epi32(mask, scales.shift.as_ptr().add(first)),
                factor: _mm512_maskz_loadu_ps(mask, scales.factor.as_ptr().add(first)),
                rest: _mm512_maskz_loadu_ps(mask, scales.rest.as_ptr().add(first)),
                base: _mm512_maskz_loadu_epi32(mask, scales.base.as_ptr().add(first)),
            }
        }
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn of(rescaled: &Rescaled<'_>) -> Single {
        let parts = rescaled.parts();
        Single {
            shift: _mm512_set1_epi32(parts.shift),
            factor: _mm512_set1_ps(rescaled.factor()),
            rest: _mm512_set1_ps(parts.rest),
            base: _mm512_set1_epi32(parts.base),
        }
    }

    /// Requantizes sixteen sums but for the clamp.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn apply(&self, sums: __m512i) -> __m512i {
        let floor = floor(_mm512_add_epi32(sums, self.shift), self.factor, self.rest);
        _mm512_add_epi32(floor, self.base)
    }
}

/// The floor of `v * factor + rest`.
#[target_feature(enable = "avx512f")]
#[inline]
pub(in super::super) fn floor(v: __m512i, factor: __m512, rest: __m512) -> __m512i {
    let value = _mm512_fmadd_round_ps::<DOWN>(_mm512_cvtepi32_ps(v), factor, rest);
    _mm512_cvt_roundps_epi32::<DOWN>(value)
}

/// Keeps to what a requantizer emits.
#[target_feature(enable = "avx512f")]
#[inline]
fn limit(codes: __m512i) -> __m512i {
    let least = _mm512_max_epi32(codes, _mm512_set1_epi32(OUTPUT_MIN));
    _mm512_min_epi32(least, _mm512_set1_epi32(OUTPUT_MAX))
}

/// Zero point and clamp; writes the codes of `mask`.
///
/// # Safety
///
/// These bytes are writable.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
unsafe fn finish(codes: __m512i, post: &Post, bytes: *mut u8, mask: u16) {
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
    emit: &Emit<'_>,
    bytes: &mut [u8],
    stride: usize,
) {
    let rows = sums.len() / columns;
    let is_single = emit.scales.is_single(emit.residual, &emit.post, emit.most);
    for first in (0..columns).step_by(16) {
        let mask = mask(columns - first);
        // SAFETY: the mask keeps the columns that exist, and every row has them.
        let sums = |row| unsafe {
            _mm512_maskz_loadu_epi32(mask, sums.as_ptr().wrapping_add(row * columns + first))
        };
        if is_single {
            // SAFETY: as for the sums.
            unsafe {
                let single = Single::load(emit.scales, first, mask);
                for row in 0..rows {
                    // Without another operand the requantizer's own limits lie behind the clamp.
                    let mut codes = single.apply(sums(row));
                    if let Some(residual) = emit.residual {
                        codes = _mm512_add_epi32(limit(codes), rescale(residual, first, mask));
                    }
                    finish(codes, &emit.post, bytes.as_mut_ptr().add(row * stride + first), mask);
                }
            }
            continue;
        }
        // SAFETY: as for the sums.
        unsafe {
            let scale = Scale::load(emit.scales, first, mask);
            for row in 0..rows {
                let mut codes = scale.apply(sums(row));
                if let Some(residual) = emit.residual {
                    codes = _mm512_add_epi32(codes, rescale(residual, first, mask));
                }
                finish(codes, &emit.post, bytes.as_mut_ptr().add(row * stride + first), mask);
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
    if !rescaled.is_single() {
        return Scale::of(rescaled).apply(codes);
    }
    limit(Single::of(rescaled).apply(codes))
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
