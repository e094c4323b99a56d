//! Four taps together, as bytes: AVX-512 VNNI in vectors of 256 bits.

use std::arch::x86_64::{
    __m128i, __m256i, __m512, __m512i, _mm_loadu_si128, _mm_setzero_si128, _mm_storeu_si128,
    _mm256_add_epi32, _mm256_castsi256_si128, _mm256_dpbusd_epi32, _mm256_loadu_si256,
    _mm256_permute4x64_epi64, _mm256_set_m128i, _mm256_set1_epi8, _mm256_set1_epi32, _mm256_setzero_si256,
    _mm256_storeu_si256, _mm256_sub_epi32, _mm256_unpackhi_epi8, _mm256_unpackhi_epi16, _mm256_unpacklo_epi8,
    _mm256_unpacklo_epi16, _mm256_xor_si256, _mm256_zextsi128_si256, _mm512_add_epi32,
    _mm512_castsi256_si512, _mm512_castsi512_ps, _mm512_cvtepi16_epi8, _mm512_inserti64x4, _mm512_max_epi16,
    _mm512_min_epi16, _mm512_packs_epi32, _mm512_set1_epi16,
};

use super::super::rows::avx512::floor;
use super::super::{Post, Signedness};
use super::blocks::BLOCK;
use super::{Depthwise, Places};

/// Taps that go together.
const TAPS: usize = 4;

blocks!("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni", 3, 7);

/// Four taps of a channel side by side.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn codes([one, two, three, four]: [__m256i; TAPS]) -> [__m256i; 4] {
    let low = (_mm256_unpacklo_epi8(one, two), _mm256_unpacklo_epi8(three, four));
    let high = (_mm256_unpackhi_epi8(one, two), _mm256_unpackhi_epi8(three, four));
    [
        _mm256_unpacklo_epi16(low.0, low.1),
        _mm256_unpackhi_epi16(low.0, low.1),
        _mm256_unpacklo_epi16(high.0, high.1),
        _mm256_unpackhi_epi16(high.0, high.1),
    ]
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn weights(taps: [__m256i; TAPS]) -> [__m256i; 4] {
    codes(taps)
}

/// 128 in place of every code.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn middle() -> __m256i {
    _mm256_set1_epi8(i8::MIN)
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn add(sum: __m256i, codes: __m256i, weights: __m256i) -> __m256i {
    _mm256_dpbusd_epi32(sum, codes, weights)
}

/// What turns sums into codes, of the first and third quarters, and of the second and fourth. Only vectors of 512
/// bits round as they are told.
struct Ends {
    factor: [__m512; 2],
    rest: [__m512; 2],
    base: [__m512i; 2],
    least: __m512i,
    most: __m512i,
}

/// The first and third of four vectors, and the second and fourth.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn join([a, b, c, d]: [__m256i; 4]) -> [__m512i; 2] {
    [
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(a), c),
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(b), d),
    ]
}

impl Ends {
    /// The clamps have 16 bits at most.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    fn new(factor: [__m256i; 4], rest: [__m256i; 4], base: [__m256i; 4], post: &Post) -> Ends {
        Ends {
            factor: join(factor).map(|factor| _mm512_castsi512_ps(factor)),
            rest: join(rest).map(|rest| _mm512_castsi512_ps(rest)),
            base: join(base),
            least: _mm512_set1_epi16(post.clamp_low as i16),
            most: _mm512_set1_epi16(post.clamp_high as i16),
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    fn finish(&self, sums: [__m256i; 4]) -> __m256i {
        let [even, odd] = join(sums);
        let even = _mm512_add_epi32(floor(even, self.factor[0], self.rest[0]), self.base[0]);
        let odd = _mm512_add_epi32(floor(odd, self.factor[1], self.rest[1]), self.base[1]);
        let codes = _mm512_max_epi16(_mm512_packs_epi32(even, odd), self.least);
        // Of the clamped codes the low bytes are kept. The quarters are 0 2 1 3 here.
        let bytes = _mm512_cvtepi16_epi8(_mm512_min_epi16(codes, self.most));
        _mm256_permute4x64_epi64::<0b11_01_10_00>(bytes)
    }
}
