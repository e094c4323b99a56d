//! Two taps together, as pairs of 16-bit products.

use std::arch::x86_64::{
    __m128i, __m256, __m256i, _mm_loadu_si128, _mm_setzero_si128, _mm_storeu_si128, _mm256_add_epi32,
    _mm256_and_si256, _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_loadu_si256, _mm256_madd_epi16,
    _mm256_max_epi16, _mm256_min_epi16, _mm256_packs_epi32, _mm256_packus_epi16, _mm256_set_m128i,
    _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_srai_epi16,
    _mm256_storeu_si256, _mm256_sub_epi32, _mm256_unpackhi_epi8, _mm256_unpacklo_epi8, _mm256_xor_si256,
    _mm256_zextsi128_si256,
};

use super::super::rows::avx2::floor;
use super::super::{Post, Signedness};
use super::blocks::BLOCK;
use super::{Depthwise, Places};

/// Taps that go together.
const TAPS: usize = 2;

blocks!("avx2,fma", 5, 13);

/// Pairs of codes, as 16 bits.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn codes([one, two]: [__m256i; TAPS]) -> [__m256i; 4] {
    let (low, high) = (_mm256_unpacklo_epi8(one, two), _mm256_unpackhi_epi8(one, two));
    let zero = _mm256_setzero_si256();
    [
        _mm256_unpacklo_epi8(low, zero),
        _mm256_unpackhi_epi8(low, zero),
        _mm256_unpacklo_epi8(high, zero),
        _mm256_unpackhi_epi8(high, zero),
    ]
}

/// Pairs of weights, as 16 bits with their signs.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn weights([one, two]: [__m256i; TAPS]) -> [__m256i; 4] {
    let (low, high) = (_mm256_unpacklo_epi8(one, two), _mm256_unpackhi_epi8(one, two));
    let zero = _mm256_setzero_si256();
    [
        _mm256_unpacklo_epi8(zero, low),
        _mm256_unpackhi_epi8(zero, low),
        _mm256_unpacklo_epi8(zero, high),
        _mm256_unpackhi_epi8(zero, high),
    ]
    .map(|moved| _mm256_srai_epi16::<8>(moved))
}

/// 128 in place of every code.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn middle() -> __m256i {
    _mm256_set1_epi16(128)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn add(sum: __m256i, codes: __m256i, weights: __m256i) -> __m256i {
    _mm256_add_epi32(sum, _mm256_madd_epi16(codes, weights))
}

/// What turns sums into codes.
struct Ends {
    factor: [__m256; 4],
    rest: [__m256; 4],
    base: [__m256i; 4],
    least: __m256i,
    most: __m256i,
}

impl Ends {
    /// The clamps have 16 bits at most.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn new(factor: [__m256i; 4], rest: [__m256i; 4], base: [__m256i; 4], post: &Post) -> Ends {
        Ends {
            factor: factor.map(|factor| _mm256_castsi256_ps(factor)),
            rest: rest.map(|rest| _mm256_castsi256_ps(rest)),
            base,
            least: _mm256_set1_epi16(post.clamp_low as i16),
            most: _mm256_set1_epi16(post.clamp_high as i16),
        }
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn finish(&self, sums: [__m256i; 4]) -> __m256i {
        let [a, b, c, d] =
            [self.code(sums[0], 0), self.code(sums[1], 1), self.code(sums[2], 2), self.code(sums[3], 3)];
        let (low, high) = (self.clamp(_mm256_packs_epi32(a, b)), self.clamp(_mm256_packs_epi32(c, d)));
        _mm256_packus_epi16(low, high)
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn code(&self, sum: __m256i, quarter: usize) -> __m256i {
        _mm256_add_epi32(floor(sum, self.factor[quarter], self.rest[quarter]), self.base[quarter])
    }

    /// Of the clamped codes the low bytes are kept.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn clamp(&self, codes: __m256i) -> __m256i {
        let clamped = _mm256_min_epi16(_mm256_max_epi16(codes, self.least), self.most);
        _mm256_and_si256(clamped, _mm256_set1_epi16(0xff))
    }
}
