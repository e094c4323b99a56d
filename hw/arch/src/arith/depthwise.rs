//! Depthwise products: taps times a run of channels, as the vector unit's lanes do.
//!
//! Hosts with wide vectors run copies of the loop made for them; all give the same bits.

use super::Signedness;
#[cfg(target_arch = "x86_64")]
use super::host::{Vectors, vectors};

/// `accumulators[c] += activations[c] * weights[c]`, wrapping modulo 2^32, for as many channels as the
/// shortest of the three has.
#[inline]
pub fn accumulate_tap(accumulators: &mut [i32], activations: &[u8], sign: Signedness, weights: &[u8]) {
    // A call with a list of taps costs more than the plain loop takes over a few vectors.
    const SHORT: usize = 96;
    if accumulators.len() >= SHORT {
        return accumulate_taps(accumulators, sign, &[(activations, weights)]);
    }
    let channels = accumulators.iter_mut().zip(activations).zip(weights);
    match sign {
        Signedness::Signed => channels.for_each(|((sum, &a), &w)| add(sum, i16::from(a as i8), w)),
        Signedness::Unsigned => channels.for_each(|((sum, &a), &w)| add(sum, i16::from(a), w)),
    }
}

/// Does [`accumulate_tap`] for each pair of activations and weights, for as many channels as the shortest
/// operand has. All taps of a window at once go several times faster than one by one: the sums stay in
/// registers.
#[inline]
pub fn accumulate_taps(accumulators: &mut [i32], sign: Signedness, taps: &[(&[u8], &[u8])]) {
    let channels = taps.iter().fold(accumulators.len(), |least, (a, w)| least.min(a.len()).min(w.len()));
    let accumulators = &mut accumulators[..channels];
    #[cfg(target_arch = "x86_64")]
    match vectors() {
        // SAFETY: the host has AVX-512 BW and VL, and every tap has a pair of bytes per accumulator.
        Vectors::Avx512 => return unsafe { accumulate_avx512(accumulators, sign, taps) },
        // SAFETY: the host has AVX2.
        Vectors::Avx2 => return unsafe { accumulate_avx2(accumulators, sign, taps) },
        Vectors::Plain => {}
    }
    accumulate(accumulators, sign, taps);
}

/// Sixteen channels at a time, the last ones under a mask: runs are often a few vectors long, and an
/// element-wise rest would take longer than the vectors before it.
///
/// # Safety
///
/// The host has AVX-512 BW and VL, and no operand of a tap is shorter than `accumulators`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn accumulate_avx512(accumulators: &mut [i32], sign: Signedness, taps: &[(&[u8], &[u8])]) {
    let whole = accumulators.len() / 16 * 16;
    let rest = accumulators.len() - whole;
    for start in (0..whole).step_by(16) {
        // SAFETY: sixteen channels from `start` exist in every operand.
        unsafe { block_avx512::<false>(&mut accumulators[start..], start, u16::MAX, sign, taps) };
    }
    if rest > 0 {
        // SAFETY: the mask keeps the channels from `whole` on that exist.
        unsafe {
            block_avx512::<true>(&mut accumulators[whole..], whole, u16::MAX >> (16 - rest), sign, taps)
        };
    }
}

/// The channels of `mask` from `start` on. Whole blocks are loaded and stored without it: a masked store
/// hands nothing to the load of the next tap's call, which then waits for the cache.
///
/// # Safety
///
/// As for [`accumulate_avx512`]; every operand has the channels of the mask, or sixteen without `MASKED`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
unsafe fn block_avx512<const MASKED: bool>(
    sums: &mut [i32],
    start: usize,
    mask: u16,
    sign: Signedness,
    taps: &[(&[u8], &[u8])],
) {
    use std::arch::x86_64::{
        _mm_loadu_si128, _mm_maskz_loadu_epi8, _mm256_cvtepi8_epi16, _mm256_cvtepu8_epi16,
        _mm256_mullo_epi16, _mm512_add_epi32, _mm512_cvtepi16_epi32, _mm512_loadu_si512,
        _mm512_mask_storeu_epi32, _mm512_maskz_loadu_epi32, _mm512_storeu_si512,
    };
    // SAFETY: the accesses keep to the channels that exist, by contract.
    unsafe {
        let load = |bytes: &[u8]| {
            let bytes = bytes.as_ptr().add(start);
            if MASKED { _mm_maskz_loadu_epi8(mask, bytes.cast()) } else { _mm_loadu_si128(bytes.cast()) }
        };
        let target = sums.as_mut_ptr();
        let mut sum =
            if MASKED { _mm512_maskz_loadu_epi32(mask, target) } else { _mm512_loadu_si512(target.cast()) };
        for (activations, weights) in taps {
            let activations = match sign {
                Signedness::Signed => _mm256_cvtepi8_epi16(load(activations)),
                Signedness::Unsigned => _mm256_cvtepu8_epi16(load(activations)),
            };
            // Every product of two bytes fits 16 bits.
            let products = _mm256_mullo_epi16(activations, _mm256_cvtepi8_epi16(load(weights)));
            sum = _mm512_add_epi32(sum, _mm512_cvtepi16_epi32(products));
        }
        if MASKED {
            _mm512_mask_storeu_epi32(target, mask, sum);
        } else {
            _mm512_storeu_si512(target.cast(), sum);
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn accumulate_avx2(accumulators: &mut [i32], sign: Signedness, taps: &[(&[u8], &[u8])]) {
    accumulate(accumulators, sign, taps);
}

/// Adds one product. A product of two bytes fits 16 bits, so the narrow (and fast) multiplication loses
/// nothing.
#[inline(always)]
fn add(sum: &mut i32, a: i16, w: u8) {
    *sum = sum.wrapping_add(i32::from(a.wrapping_mul(i16::from(w as i8))));
}

/// The loop in plain Rust, inlined into each function that compiles it for its own instructions.
#[inline(always)]
fn accumulate(accumulators: &mut [i32], sign: Signedness, taps: &[(&[u8], &[u8])]) {
    match sign {
        Signedness::Signed => accumulate_widened(accumulators, |byte| i16::from(byte as i8), taps),
        Signedness::Unsigned => accumulate_widened(accumulators, i16::from, taps),
    }
}

#[inline(always)]
fn accumulate_widened(accumulators: &mut [i32], widen: impl Fn(u8) -> i16, taps: &[(&[u8], &[u8])]) {
    // Blocks of a fixed size keep the sums in registers and the element-wise rest short.
    const BLOCK: usize = 16;
    let (blocks, rest) = accumulators.as_chunks_mut::<BLOCK>();
    let start = blocks.len() * BLOCK;
    for (block, target) in blocks.iter_mut().enumerate() {
        let mut sums = *target;
        for (activations, weights) in taps {
            let (activations, weights) = (activations.as_chunks::<BLOCK>().0, weights.as_chunks::<BLOCK>().0);
            for ((sum, &a), &w) in sums.iter_mut().zip(&activations[block]).zip(&weights[block]) {
                add(sum, widen(a), w);
            }
        }
        *target = sums;
    }
    for (activations, weights) in taps {
        for ((sum, &a), &w) in rest.iter_mut().zip(&activations[start..]).zip(&weights[start..]) {
            add(sum, widen(a), w);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Variant = fn(&mut [i32], Signedness, &[(&[u8], &[u8])]);

    fn copies() -> Vec<Variant> {
        // Hosts without vector copies add none.
        #[allow(unused_mut)]
        let mut copies: Vec<Variant> = vec![accumulate_taps, |c, sign, taps| accumulate(c, sign, taps)];
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the host has AVX2.
                copies.push(|c, sign, taps| unsafe { accumulate_avx2(c, sign, taps) });
            }
            if std::arch::is_x86_feature_detected!("avx512bw")
                && std::arch::is_x86_feature_detected!("avx512vl")
            {
                // SAFETY: the host has AVX-512 BW and VL, and the tests give operands of one length.
                copies.push(|c, sign, taps| unsafe { accumulate_avx512(c, sign, taps) });
            }
        }
        copies
    }

    #[test]
    fn every_pair_of_bytes_has_its_exact_product() {
        let pairs = || (0..=u16::MAX).step_by(if cfg!(miri) { 251 } else { 1 });
        let activations: Vec<u8> = pairs().map(|pair| pair as u8).collect();
        let weights: Vec<u8> = pairs().map(|pair| (pair >> 8) as u8).collect();
        for copy in copies() {
            for sign in [Signedness::Signed, Signedness::Unsigned] {
                let mut accumulators = vec![i32::MAX - 7; activations.len()];
                copy(&mut accumulators, sign, &[(&activations, &weights)]);
                for ((&got, &a), &w) in accumulators.iter().zip(&activations).zip(&weights) {
                    let left = if sign == Signedness::Signed { i32::from(a as i8) } else { i32::from(a) };
                    let expected = (i32::MAX - 7).wrapping_add(left * i32::from(w as i8));
                    assert_eq!(got, expected, "{sign:?} {a} {w}");
                }
            }
        }
    }

    #[test]
    fn taps_add_up_over_any_number_of_channels() {
        for copy in copies() {
            for channels in (0..140).step_by(if cfg!(miri) { 23 } else { 1 }) {
                let [a, w, x, y] = [200u8, 131, 77, 255].map(|first| {
                    (0..channels).map(|channel| first.wrapping_add((3 * channel) as u8)).collect::<Vec<u8>>()
                });
                for sign in [Signedness::Signed, Signedness::Unsigned] {
                    let (mut together, mut apart) = (vec![5; channels], vec![5; channels]);
                    copy(&mut together, sign, &[(&a, &w), (&x, &y), (&y, &w)]);
                    for (a, w) in [(&a, &w), (&x, &y), (&y, &w)] {
                        accumulate_widened(
                            &mut apart,
                            |byte| {
                                if sign == Signedness::Signed {
                                    i16::from(byte as i8)
                                } else {
                                    i16::from(byte)
                                }
                            },
                            &[(a, w)],
                        );
                    }
                    assert_eq!(together, apart);
                }
                let mut none = vec![5; channels];
                copy(&mut none, Signedness::Signed, &[]);
                assert_eq!(none, vec![5; channels]);
            }
        }
    }

    #[test]
    fn lengths_are_those_of_the_shortest() {
        for (a, w) in [(40, 40), (45, 40), (40, 45)] {
            let mut accumulators = [1; 43];
            accumulate_tap(&mut accumulators, &vec![2; a], Signedness::Signed, &vec![3; w]);
            assert!(accumulators[..40].iter().all(|&value| value == 7));
            assert!(accumulators[40..].iter().all(|&value| value == 1));
        }
    }
}
