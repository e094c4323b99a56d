use super::*;
use crate::arith::{ChannelParameter, Residual};

/// A way to write a row of codes.
type Form<'a> = &'a dyn Fn(&mut [u8]);

fn parameters(count: i32) -> Vec<ChannelParameter> {
    (0..count)
        .map(|i| ChannelParameter {
            bias: match i % 5 {
                0 => i32::MIN,
                1 => i32::MAX,
                _ => i.wrapping_mul(-0x3a51_1234),
            },
            requant: Requant { mantissa: 0x8000 | (i * 331) as u16, shift: 1 + (i % 47) as u8 },
            negate: i % 3 == 0,
            channel_shift: 0,
        })
        .collect()
}

fn scales(parameters: &[ChannelParameter]) -> Scales {
    let bytes: Vec<u8> = parameters.iter().flat_map(|parameter| parameter.to_bytes()).collect();
    let mut scales = Scales::default();
    scales.read(&bytes);
    scales
}

/// Sums of all sizes, the extremes among them.
fn sums(count: i32) -> Vec<i32> {
    let sum = |i: i32| match i % 7 {
        0 => i32::MIN,
        1 => i32::MAX,
        2 => i - 40,
        _ => i.wrapping_mul(0x2f31_5a7d) >> (i % 30),
    };
    (0..count).map(sum).collect()
}

#[test]
fn rows_agree_with_single_values() {
    for count in [1, 7, 8, 16, 17, 97, if cfg!(miri) { 98 } else { 997 }] {
        let (parameters, sums) = (parameters(count), sums(count));
        let scales = scales(&parameters);
        let expected: Vec<i32> = parameters.iter().zip(&sums).map(|(p, &sum)| p.requantize(sum)).collect();
        let plain: Vec<i32> =
            (0..sums.len()).map(|i| one(sums[i], f64::from(scales.bias[i]), scales.factor[i])).collect();
        assert_eq!(plain, expected);
        let mut codes = vec![0; sums.len()];
        requantize(&sums, &scales, &mut codes);
        assert_eq!(codes, expected);
        #[cfg(target_arch = "x86_64")]
        if crate::arith::host::detect() >= Vectors::Avx2 {
            codes.fill(0);
            // SAFETY: the host has AVX2, and all lists are of one length.
            unsafe { avx2::requantize(&sums, &scales, &mut codes) };
            assert_eq!(codes, expected);
        }
    }
}

/// Every half step of a factor, on both sides.
#[test]
fn halves_go_up() {
    for shift in [1u8, 15, 16, 20, 31, 32, 33, 47] {
        for mantissa in [0x8000u16, 0x8001, 0xc000, 0xffff] {
            let parameter = ChannelParameter {
                bias: 0,
                requant: Requant { mantissa, shift },
                negate: false,
                channel_shift: 0,
            };
            let scales = scales(&[parameter; 16]);
            let far = if cfg!(miri) { 32 } else { 40_000 };
            for first in (-far..far).step_by(16) {
                let sums: Vec<i32> = (first..first + 16).map(|sum| sum << (shift / 4)).collect();
                let expected: Vec<i32> = sums.iter().map(|&sum| parameter.requantize(sum)).collect();
                let mut codes = vec![0; 16];
                requantize(&sums, &scales, &mut codes);
                assert_eq!(codes, expected);
            }
        }
    }
}

#[test]
fn emitted_codes_are_those_of_the_definition() {
    let post = Post { zero_point: -3, clamp_low: -128, clamp_high: 127 };
    for columns in [1usize, 8, 15, 16, 24, 40, 100] {
        let (rows, stride) = (5, columns + 3);
        let parameters = parameters(columns as i32);
        let (scales, sums) = (scales(&parameters), sums((rows * columns) as i32));
        let found = |form: &dyn Fn(&mut [u8])| {
            let mut bytes = vec![0xaa; rows * stride];
            form(&mut bytes);
            bytes
        };
        let expected = found(&|bytes| {
            for row in 0..rows {
                for column in 0..columns {
                    let code = parameters[column].requantize(sums[row * columns + column]);
                    bytes[row * stride + column] = post.finish(code) as u8;
                }
            }
        });
        let emit = Emit { scales: &scales, residual: None, post, most: u32::MAX };
        assert_eq!(found(&|bytes| emit_rows(&sums, columns, &emit, (bytes, stride))), expected);
        #[cfg(target_arch = "x86_64")]
        if crate::arith::host::detect() >= Vectors::Avx2 {
            // SAFETY: the host has AVX2, and the extents are those of the call above.
            let two = |bytes: &mut [u8]| unsafe {
                avx2::emit_rows(&sums, columns, &emit, bytes, stride);
            };
            assert_eq!(found(&two), expected);
        }
        for signed in [false, true] {
            let codes: Vec<u8> = (0..columns).map(|column| (column * 37 + 100) as u8).collect();
            let requant = Requant { mantissa: 0xb123, shift: 15 };
            let residual = Rescaled { codes: &codes, signed, zero_point: 7, requant };
            let slow = Residual { zero_point: 7, requant };
            let read = |code: u8| if signed { i32::from(code as i8) } else { i32::from(code) };
            let mut bytes = vec![0; columns];
            let emit = Emit { residual: Some(&residual), ..emit };
            emit_rows(&sums[..columns], columns, &emit, (&mut bytes, columns));
            for column in 0..columns {
                let code = parameters[column].requantize(sums[column]) + slow.rescale(read(codes[column]));
                assert_eq!(bytes[column], post.finish(code) as u8);
            }
            for second in [None, Some(&residual)] {
                let form = |bytes: &mut [u8]| emit_sum(&residual, second, &post, bytes);
                #[allow(unused_mut, reason = "other hosts have one form only")]
                let mut forms: Vec<Form<'_>> = vec![&form];
                #[cfg(target_arch = "x86_64")]
                // SAFETY: used below only where the host has AVX2; the codes are as many as the bytes.
                let two = |bytes: &mut [u8]| unsafe { avx2::emit_sum(&residual, second, &post, bytes) };
                #[cfg(target_arch = "x86_64")]
                if crate::arith::host::detect() >= Vectors::Avx2 {
                    forms.push(&two);
                }
                for form in forms {
                    let mut bytes = vec![0; columns];
                    form(&mut bytes);
                    for (byte, &code) in bytes.iter().zip(&codes) {
                        let times = if second.is_some() { 2 } else { 1 };
                        assert_eq!(*byte, post.finish(times * slow.rescale(read(code))) as u8);
                    }
                }
            }
        }
    }
}

/// Sums of a known greatest magnitude, on both sides of every step and of the clamps, over factors and biases of
/// every size, those of channels among them whose bias alone decides.
#[test]
fn single_precision_gives_the_same_codes() {
    let post = Post { zero_point: -128, clamp_low: -128, clamp_high: 127 };
    let (mut singles, columns) = (0, 16);
    for most in [100i32, 30_000, (1 << 23) - 1, 37_000_000] {
        for shift in (8..=47u8).step_by(if cfg!(miri) { 13 } else { 1 }) {
            for mantissa in [0u16, 1, 0x7fff, 0x8000, 0x8001, 0xabcd, 0xffff]
                .into_iter()
                .step_by(if cfg!(miri) { 3 } else { 1 })
            {
                let parameters: Vec<ChannelParameter> = (0..columns)
                    .map(|i: i32| ChannelParameter {
                        bias: match i % 8 {
                            0 => 0,
                            1 => (1 << 29) + 5,
                            2 => -(1 << 29) - 1,
                            3 => i32::MAX,
                            4 => i32::MIN,
                            _ => i.wrapping_mul(0x1234_5677) >> i,
                        },
                        requant: Requant { mantissa, shift },
                        negate: i % 3 == 0,
                        channel_shift: 0,
                    })
                    .collect();
                let scales = scales(&parameters);
                let step = (f64::from(shift).exp2() / f64::from(mantissa.max(1))).min(1e9);
                let sums: Vec<i32> = (0..40 * columns)
                    .map(|i| {
                        // Where the code of this channel changes, and one to either side.
                        let near = (f64::from(i / columns - 20) - 0.5) * step
                            - f64::from(parameters[(i % columns) as usize].bias);
                        (near.ceil() as i32).saturating_add(i % 3 - 1).clamp(-most, most)
                    })
                    .chain((0..columns).map(|i| if i % 2 == 0 { most } else { -most }))
                    .collect();
                let codes: Vec<u8> = (0..columns).map(|i| (i * 37 + 100) as u8).collect();
                let requant = Requant { mantissa: 0xb123, shift: 15 };
                let residual = Rescaled { codes: &codes, signed: true, zero_point: 7, requant };
                let slow = Residual { zero_point: 7, requant };
                for residual in [None, Some(&residual)] {
                    singles += usize::from(scales.is_single(residual, &post, most as u32));
                    let emit = Emit { scales: &scales, residual, post, most: most as u32 };
                    for sums in sums.as_chunks::<16>().0 {
                        let expected: Vec<u8> = (0..16)
                            .map(|i| {
                                let other = residual.map_or(0, |_| slow.rescale(i32::from(codes[i] as i8)));
                                post.finish(parameters[i].requantize(sums[i]) + other) as u8
                            })
                            .collect();
                        let mut bytes = [0; 16];
                        emit_rows(sums, 16, &emit, (&mut bytes, 16));
                        assert_eq!(bytes[..], expected, "{most} {shift} {mantissa} {sums:?}");
                        #[cfg(target_arch = "x86_64")]
                        if crate::arith::host::detect() >= Vectors::Avx2 {
                            // SAFETY: the host has AVX2 and FMA, and the extents are those of the call above.
                            unsafe { avx2::emit_rows(sums, 16, &emit, &mut bytes, 16) };
                            assert_eq!(bytes[..], expected, "{most} {shift} {mantissa} {sums:?}");
                        }
                    }
                }
            }
        }
    }
    assert!(cfg!(miri) || singles > 500, "{singles}");
}
