//! Eight sums at a time; the plain form takes the rest.

use std::arch::x86_64::{
    __m256, __m256d, __m256i, _CMP_LT_OQ, _mm_loadl_epi64, _mm_loadu_ps, _mm_loadu_si128, _mm_set1_epi32,
    _mm_shuffle_epi8, _mm_storel_epi64, _mm_unpacklo_epi32, _mm256_add_epi32, _mm256_add_pd,
    _mm256_castps_si256, _mm256_castsi128_si256, _mm256_castsi256_si128, _mm256_cmp_ps, _mm256_cvtepi8_epi32,
    _mm256_cvtepi32_pd, _mm256_cvtepi32_ps, _mm256_cvtepu8_epi32, _mm256_cvtps_pd, _mm256_cvttpd_epi32,
    _mm256_cvttps_epi32, _mm256_extracti128_si256, _mm256_floor_pd, _mm256_floor_ps, _mm256_fmadd_pd,
    _mm256_fmadd_ps, _mm256_fmsub_ps, _mm256_inserti128_si256, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_max_epi32, _mm256_max_pd, _mm256_min_epi32, _mm256_min_pd, _mm256_set1_epi32, _mm256_set1_pd,
    _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_si256, _mm256_sub_ps,
};

use super::super::Post;
use super::super::requantize::{OUTPUT_MAX, OUTPUT_MIN};
use super::{Emit, Rescaled, Scales, one, plain_row, plain_sum};

/// Bias and factor of eight channels.
#[derive(Clone, Copy)]
struct Scale {
    bias: [__m256d; 2],
    factor: [__m256d; 2],
}

impl Scale {
    /// Those of eight channels from `first` on.
    ///
    /// # Safety
    ///
    /// The scales have these channels.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    unsafe fn load(scales: &Scales, first: usize) -> Scale {
        // SAFETY: by contract.
        unsafe {
            let halves = [first, first + 4];
            let bias = |first| _mm256_cvtepi32_pd(_mm_loadu_si128(scales.bias.as_ptr().add(first).cast()));
            let factor = |first| _mm256_cvtps_pd(_mm_loadu_ps(scales.factor.as_ptr().add(first)));
            Scale { bias: halves.map(bias), factor: halves.map(factor) }
        }
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn of(rescaled: &Rescaled<'_>) -> Scale {
        let (bias, factor) = (_mm256_set1_pd(rescaled.bias()), _mm256_set1_pd(f64::from(rescaled.factor())));
        Scale { bias: [bias; 2], factor: [factor; 2] }
    }

    /// Requantizes eight sums.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn apply(&self, sums: __m256i) -> __m256i {
        let half = |sums, index: usize| {
            let biased = _mm256_add_pd(_mm256_cvtepi32_pd(sums), self.bias[index]);
            let scaled = _mm256_fmadd_pd(biased, self.factor[index], _mm256_set1_pd(0.5));
            let least = _mm256_max_pd(scaled, _mm256_set1_pd(f64::from(OUTPUT_MIN)));
            let clamped = _mm256_min_pd(least, _mm256_set1_pd(f64::from(OUTPUT_MAX)));
            _mm256_cvttpd_epi32(_mm256_floor_pd(clamped))
        };
        let low = half(_mm256_castsi256_si128(sums), 0);
        let high = half(_mm256_extracti128_si256::<1>(sums), 1);
        _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high)
    }
}

/// What eight channels need of single precision: see [`super::single`].
#[derive(Clone, Copy)]
struct Single {
    shift: __m256i,
    factor: __m256,
    rest: __m256,
    base: __m256i,
}

impl Single {
    /// That of eight channels from `first` on.
    ///
    /// # Safety
    ///
    /// The scales have these channels.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    unsafe fn load(scales: &Scales, first: usize) -> Single {
        // SAFETY: by contract.
        unsafe {
            Single {
                shift: _mm256_loadu_si256(scales.shift.as_ptr().add(first).cast()),
                factor: _mm256_loadu_ps(scales.factor.as_ptr().add(first)),
                rest: _mm256_loadu_ps(scales.rest.as_ptr().add(first)),
                base: _mm256_loadu_si256(scales.base.as_ptr().add(first).cast()),
            }
        }
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn of(rescaled: &Rescaled<'_>) -> Single {
        let parts = rescaled.parts();
        Single {
            shift: _mm256_set1_epi32(parts.shift),
            factor: _mm256_set1_ps(rescaled.factor()),
            rest: _mm256_set1_ps(parts.rest),
            base: _mm256_set1_epi32(parts.base),
        }
    }

    /// Requantizes eight sums but for the clamp.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn apply(&self, sums: __m256i) -> __m256i {
        let floor = floor(_mm256_add_epi32(sums, self.shift), self.factor, self.rest);
        _mm256_add_epi32(floor, self.base)
    }
}

/// The floor of `v * factor + rest`.
///
/// There is no rounding down here. The nearest number may be a whole one where the floor is the one before; what is
/// left of `v * factor` over it is then less than `-rest`, and exact where it is that small.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(in super::super) fn floor(v: __m256i, factor: __m256, rest: __m256) -> __m256i {
    let v = _mm256_cvtepi32_ps(v);
    let nearest = _mm256_floor_ps(_mm256_fmadd_ps(v, factor, rest));
    let left = _mm256_fmsub_ps(v, factor, nearest);
    let over = _mm256_cmp_ps::<_CMP_LT_OQ>(left, _mm256_sub_ps(_mm256_setzero_ps(), rest));
    _mm256_add_epi32(_mm256_cvttps_epi32(nearest), _mm256_castps_si256(over))
}

/// Keeps to what a requantizer emits.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn limit(codes: __m256i) -> __m256i {
    let least = _mm256_max_epi32(codes, _mm256_set1_epi32(OUTPUT_MIN));
    _mm256_min_epi32(least, _mm256_set1_epi32(OUTPUT_MAX))
}

/// Zero point and clamp; writes eight codes.
///
/// # Safety
///
/// Eight bytes are writable.
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn finish(codes: __m256i, post: &Post, bytes: *mut u8) {
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
/// The host has AVX2 and FMA; `codes` and the scales have an entry per sum.
#[target_feature(enable = "avx2,fma")]
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
        codes[index] = one(sums[index], f64::from(scales.bias[index]), scales.factor[index]);
    }
}

/// # Safety
///
/// The host has AVX2 and FMA; extents are as [`super::emit_rows`] checks them.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn emit_rows(
    sums: &[i32],
    columns: usize,
    emit: &Emit<'_>,
    bytes: &mut [u8],
    stride: usize,
) {
    let rows = sums.len() / columns;
    let is_single = emit.scales.is_single(emit.residual, &emit.post, emit.most);
    let whole = columns / 8 * 8;
    for first in (0..whole).step_by(8) {
        // SAFETY: every row has eight columns from `first` on.
        let load =
            |row| unsafe { _mm256_loadu_si256(sums.as_ptr().wrapping_add(row * columns + first).cast()) };
        if is_single {
            // SAFETY: as for the sums.
            unsafe {
                let single = Single::load(emit.scales, first);
                for row in 0..rows {
                    // Without another operand the requantizer's own limits lie behind the clamp.
                    let mut codes = single.apply(load(row));
                    if let Some(residual) = emit.residual {
                        codes = _mm256_add_epi32(limit(codes), rescale(residual, first));
                    }
                    finish(codes, &emit.post, bytes.as_mut_ptr().add(row * stride + first));
                }
            }
            continue;
        }
        // SAFETY: as for the sums.
        unsafe {
            let scale = Scale::load(emit.scales, first);
            for row in 0..rows {
                let mut codes = scale.apply(load(row));
                if let Some(residual) = emit.residual {
                    codes = _mm256_add_epi32(codes, rescale(residual, first));
                }
                finish(codes, &emit.post, bytes.as_mut_ptr().add(row * stride + first));
            }
        }
    }
    if whole < columns {
        for (row, sums) in sums.chunks_exact(columns).enumerate() {
            plain_row(sums, whole, emit, &mut bytes[row * stride..][..columns]);
        }
    }
}

/// Eight codes from `first` on, brought to scale.
///
/// # Safety
///
/// These codes exist.
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn rescale(rescaled: &Rescaled<'_>, first: usize) -> __m256i {
    // SAFETY: by contract.
    let bytes = unsafe { _mm_loadl_epi64(rescaled.codes.as_ptr().add(first).cast()) };
    let codes = if rescaled.signed { _mm256_cvtepi8_epi32(bytes) } else { _mm256_cvtepu8_epi32(bytes) };
    if !rescaled.is_single() {
        return Scale::of(rescaled).apply(codes);
    }
    limit(Single::of(rescaled).apply(codes))
}

/// # Safety
///
/// The host has AVX2 and FMA; no operand is shorter than `bytes`.
#[target_feature(enable = "avx2,fma")]
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
