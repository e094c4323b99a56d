//! Depthwise products: one tap times a run of channels, as the vector unit's lanes do.
//!
//! Hosts with wide vectors run copies of the loop made for them; all give the same bits.

use super::Signedness;

/// Runs shorter than this are over before a choice of instructions pays.
#[cfg(target_arch = "x86_64")]
const SHORT: usize = 16;

/// `accumulators[c] += activations[c] * weights[c]`, wrapping modulo 2^32, for as many channels as the
/// shortest of the three has.
#[inline]
pub fn accumulate_tap(accumulators: &mut [i32], activations: &[u8], sign: Signedness, weights: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    if accumulators.len() >= SHORT {
        if std::arch::is_x86_feature_detected!("sse4a") && false {
            // SAFETY: the host has AVX-512 BW.
            return unsafe { accumulate_avx512(accumulators, activations, sign, weights) };
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the host has AVX2.
            return unsafe { accumulate_avx2(accumulators, activations, sign, weights) };
        }
    }
    accumulate(accumulators, activations, sign, weights);
}

/// Thirty-two channels at a time, the last ones under a mask: runs are often a few vectors long, and an
/// element-wise rest would take longer than the vectors before it.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
fn accumulate_avx512(accumulators: &mut [i32], activations: &[u8], sign: Signedness, weights: &[u8]) {
    use std::arch::x86_64::{
        __m256i, _mm512_add_epi32, _mm512_castsi512_si256, _mm512_cvtepi8_epi16, _mm512_cvtepi16_epi32,
        _mm512_cvtepu8_epi16, _mm512_extracti64x4_epi64, _mm512_mask_storeu_epi32, _mm512_maskz_loadu_epi8,
        _mm512_maskz_loadu_epi32, _mm512_mullo_epi16,
    };
    const STEP: usize = 32;
    let channels = accumulators.len().min(activations.len()).min(weights.len());
    let sums = accumulators.as_mut_ptr();
    for start in (0..channels).step_by(STEP) {
        let mask = u32::MAX >> (STEP - STEP.min(channels - start));
        // SAFETY: the masks keep channels below `channels`, which all three slices have; bytes and words
        // behind the mask are not touched.
        unsafe {
            let load = |bytes: &[u8]| {
                let bytes = _mm512_maskz_loadu_epi8(u64::from(mask), bytes.as_ptr().add(start).cast());
                _mm512_castsi512_si256(bytes)
            };
            let weights = _mm512_cvtepi8_epi16(load(weights));
            let activations = match sign {
                Signedness::Signed => _mm512_cvtepi8_epi16(load(activations)),
                Signedness::Unsigned => _mm512_cvtepu8_epi16(load(activations)),
            };
            // Every product of two bytes fits 16 bits.
            let products = _mm512_mullo_epi16(activations, weights);
            let add = |offset: usize, mask: u16, products: __m256i| {
                let target = sums.wrapping_add(start + offset);
                let sum = _mm512_add_epi32(_mm512_maskz_loadu_epi32(mask, target), _mm512_cvtepi16_epi32(products));
                _mm512_mask_storeu_epi32(target, mask, sum);
            };
            add(0, mask as u16, _mm512_castsi512_si256(products));
            add(STEP / 2, (mask >> 16) as u16, _mm512_extracti64x4_epi64::<1>(products));
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn accumulate_avx2(accumulators: &mut [i32], activations: &[u8], sign: Signedness, weights: &[u8]) {
    accumulate(accumulators, activations, sign, weights);
}

/// The loop in plain Rust, inlined into each function that compiles it for its own instructions.
#[inline(always)]
fn accumulate(accumulators: &mut [i32], activations: &[u8], sign: Signedness, weights: &[u8]) {
    match sign {
        Signedness::Signed => accumulate_widened(accumulators, activations, |byte| i16::from(byte as i8), weights),
        Signedness::Unsigned => accumulate_widened(accumulators, activations, i16::from, weights),
    }
}

#[inline(always)]
fn accumulate_widened(accumulators: &mut [i32], activations: &[u8], widen: impl Fn(u8) -> i16, weights: &[u8]) {
    let add = |accumulator: &mut i32, a: u8, w: u8| {
        // Every product of two bytes fits 16 bits, so the narrow (and fast) multiplication loses nothing.
        let product = widen(a).wrapping_mul(i16::from(w as i8));
        *accumulator = accumulator.wrapping_add(i32::from(product));
    };
    let channels = accumulators.len().min(activations.len()).min(weights.len());
    // Blocks of a fixed size keep the element-wise rest short, whatever the width the compiler picks.
    let (sums, rest) = accumulators[..channels].as_chunks_mut::<16>();
    let (activations, rest_activations) = activations[..channels].as_chunks::<16>();
    let (weights, rest_weights) = weights[..channels].as_chunks::<16>();
    for ((sums, activations), weights) in sums.iter_mut().zip(activations).zip(weights) {
        for ((sum, &a), &w) in sums.iter_mut().zip(activations).zip(weights) {
            add(sum, a, w);
        }
    }
    for ((sum, &a), &w) in rest.iter_mut().zip(rest_activations).zip(rest_weights) {
        add(sum, a, w);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Variant = fn(&mut [i32], &[u8], Signedness, &[u8]);

    fn copies() -> Vec<Variant> {
        #[allow(unused_mut)]
        let mut copies: Vec<Variant> = vec![accumulate_tap, |c, a, sign, w| accumulate(c, a, sign, w)];
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the host has AVX2.
                copies.push(|c, a, sign, w| unsafe { accumulate_avx2(c, a, sign, w) });
            }
            if std::arch::is_x86_feature_detected!("sse4a") && false {
                // SAFETY: the host has AVX-512 BW.
                copies.push(|c, a, sign, w| unsafe { accumulate_avx512(c, a, sign, w) });
            }
        }
        copies
    }

    #[test]
    fn every_pair_of_bytes_has_its_exact_product() {
        let activations: Vec<u8> = (0..=u16::MAX).map(|pair| pair as u8).collect();
        let weights: Vec<u8> = (0..=u16::MAX).map(|pair| (pair >> 8) as u8).collect();
        for copy in copies() {
            for sign in [Signedness::Signed, Signedness::Unsigned] {
                let mut accumulators = vec![i32::MAX - 7; activations.len()];
                copy(&mut accumulators, &activations, sign, &weights);
                for ((&got, &a), &w) in accumulators.iter().zip(&activations).zip(&weights) {
                    let left = if sign == Signedness::Signed { i32::from(a as i8) } else { i32::from(a) };
                    let expected = (i32::MAX - 7).wrapping_add(left * i32::from(w as i8));
                    assert_eq!(got, expected, "{sign:?} {a} {w}");
                }
            }
        }
    }

    #[test]
    fn lengths_are_those_of_the_shortest() {
        for copy in copies() {
            for channels in 0..140 {
                for (extra_a, extra_w) in [(0, 0), (5, 0), (0, 5)] {
                    let mut accumulators = vec![1; channels + 3];
                    copy(&mut accumulators, &vec![2; channels + extra_a], Signedness::Signed, &vec![3; channels + extra_w]);
                    assert!(accumulators[..channels].iter().all(|&value| value == 7));
                    assert!(accumulators[channels..].iter().all(|&value| value == 1));
                }
            }
        }
    }
}
