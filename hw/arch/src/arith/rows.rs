//! Rows of sums to rows of codes: the arithmetic of [`super::post`] and [`super::requantize`] over whole rows,
//! as loops that become vector instructions. A test holds the two forms together.

use super::requantize::{OUTPUT_MAX, OUTPUT_MIN};
use super::{ChannelParameter, Post};

/// Parameters of a run of channels, one array each.
#[derive(Clone, Debug, Default)]
pub struct Scales {
    bias: Vec<i64>,
    /// Mantissa, negative where the value is negated: `-(v) * m = v * (-m)`.
    factor: Vec<i64>,
    round: Vec<i64>,
    shift: Vec<i64>,
}

impl Scales {
    /// Reads entries as the parameter memory holds them.
    pub fn read(&mut self, entries: &[u8]) {
        for list in [&mut self.bias, &mut self.factor, &mut self.round, &mut self.shift] {
            list.clear();
        }
        for entry in entries.as_chunks::<8>().0 {
            let parameter = ChannelParameter::from_bytes(*entry);
            let mantissa = i64::from(parameter.requant.mantissa);
            self.bias.push(i64::from(parameter.bias));
            self.factor.push(if parameter.negate { -mantissa } else { mantissa });
            self.round.push(1 << (parameter.requant.shift - 1));
            self.shift.push(i64::from(parameter.requant.shift));
        }
    }

    /// Fills all `count` channels with one entry.
    pub fn splat(&mut self, entry: &[u8], count: usize) {
        self.read(entry);
        for list in [&mut self.bias, &mut self.factor, &mut self.round, &mut self.shift] {
            let value = list.first().copied().unwrap_or(0);
            list.resize(count, value);
        }
    }
}

/// `codes[i] = requantize(sums[i])`, 18 bits.
pub fn requantize(sums: &[i32], scales: &Scales, codes: &mut [i32]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512dq") && std::arch::is_x86_feature_detected!("avx512vl") {
        // SAFETY: the host has the instructions.
        return unsafe { requantize_avx512(sums, scales, codes) };
    } else if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the host has the instructions.
        return unsafe { requantize_avx2(sums, scales, codes) };
    }
    requantize_any(sums, scales, codes);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
fn requantize_avx512(sums: &[i32], scales: &Scales, codes: &mut [i32]) {
    requantize_any(sums, scales, codes);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn requantize_avx2(sums: &[i32], scales: &Scales, codes: &mut [i32]) {
    requantize_any(sums, scales, codes);
}

#[inline(always)]
fn requantize_any(sums: &[i32], scales: &Scales, codes: &mut [i32]) {
    let count = codes.len().min(sums.len()).min(scales.bias.len());
    let (sums, codes) = (&sums[..count], &mut codes[..count]);
    let (bias, factor) = (&scales.bias[..count], &scales.factor[..count]);
    let (round, shift) = (&scales.round[..count], &scales.shift[..count]);
    for index in 0..count {
        let product = (i64::from(sums[index]) + bias[index]) * factor[index];
        let rounded = (product + round[index]) >> (shift[index] & 63);
        codes[index] = rounded.clamp(i64::from(OUTPUT_MIN), i64::from(OUTPUT_MAX)) as i32;
    }
}

/// Zero point and clamp, then low bits into containers of one or two bytes.
pub fn emit(codes: &mut [i32], post: &Post, wide: bool, bytes: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512bw") {
        // SAFETY: the host has the instructions.
        return unsafe { emit_avx512(codes, post, wide, bytes) };
    } else if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the host has the instructions.
        return unsafe { emit_avx2(codes, post, wide, bytes) };
    }
    emit_any(codes, post, wide, bytes);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
fn emit_avx512(codes: &mut [i32], post: &Post, wide: bool, bytes: &mut [u8]) {
    emit_any(codes, post, wide, bytes);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn emit_avx2(codes: &mut [i32], post: &Post, wide: bool, bytes: &mut [u8]) {
    emit_any(codes, post, wide, bytes);
}

#[inline(always)]
fn emit_any(codes: &mut [i32], post: &Post, wide: bool, bytes: &mut [u8]) {
    finish(codes, post);
    narrow(codes, wide, bytes);
}

/// Zero point and clamp, in place.
#[inline(always)]
pub fn finish(codes: &mut [i32], post: &Post) {
    for code in codes {
        *code = post.finish(*code);
    }
}

/// Low bits of codes into containers of one or two bytes.
#[inline(always)]
pub fn narrow(codes: &[i32], wide: bool, bytes: &mut [u8]) {
    if wide {
        for (target, code) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(codes) {
            *target = (*code as i16).to_le_bytes();
        }
    } else {
        for (target, code) in bytes.iter_mut().zip(codes) {
            *target = *code as u8;
        }
    }
}

/// Containers into codes; two-byte codes are signed.
pub fn widen(bytes: &[u8], wide: bool, signed: bool, codes: &mut [i32]) {
    if wide {
        for (target, code) in codes.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *target = i32::from(i16::from_le_bytes(*code));
        }
    } else if signed {
        for (target, code) in codes.iter_mut().zip(bytes) {
            *target = i32::from(*code as i8);
        }
    } else {
        for (target, code) in codes.iter_mut().zip(bytes) {
            *target = i32::from(*code);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::Requant;

    #[test]
    fn rows_agree_with_single_values() {
        let sums: Vec<i32> = (0..97i32).map(|i| i.wrapping_mul(0x2f31_5a7d)).collect();
        let parameters: Vec<ChannelParameter> = (0..97)
            .map(|i: i32| ChannelParameter {
                bias: i.wrapping_mul(-0x3a51_1234),
                requant: Requant { mantissa: 0x8000 | (i * 331) as u16, shift: 1 + (i % 47) as u8 },
                negate: i % 3 == 0,
            })
            .collect();
        let bytes: Vec<u8> = parameters.iter().flat_map(|parameter| parameter.to_bytes()).collect();
        let mut scales = Scales::default();
        scales.read(&bytes);
        let (mut fast, mut plain) = (vec![0; 97], vec![0; 97]);
        requantize(&sums, &scales, &mut fast);
        requantize_any(&sums, &scales, &mut plain);
        let expected: Vec<i32> = parameters.iter().zip(&sums).map(|(p, &sum)| p.requantize(sum)).collect();
        assert_eq!(fast, expected);
        assert_eq!(plain, expected);
    }
}
