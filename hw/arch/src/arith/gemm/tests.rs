//! Every kernel against the plain triple loop.

use bitgauge_testing::Random;

use super::{Kernel, PackedMatrix, Signedness, matmul};

/// A small generator: the tests need variety, not quality.
/// Bytes of which half are ends of the ranges.
fn bytes(random: &mut Random, count: usize) -> Vec<u8> {
    const ENDS: [u8; 5] = [0x80, 0x7f, 0xff, 0x00, 0x01];
    (0..count).map(|_| if random.once_in(2) { random.of(&ENDS) } else { random.small(256) as u8 }).collect()
}

const SIGNS: [Signedness; 2] = [Signedness::Signed, Signedness::Unsigned];

/// The definition, over 64 bits and cut once at the end.
fn reference(
    a: &[u8],
    a_stride: usize,
    sign: Signedness,
    b: &[u8],
    k: usize,
    row: usize,
    column: usize,
) -> i32 {
    let sum: i64 = (0..k)
        .map(|step| {
            let byte = a[row * a_stride + step];
            let left = match sign {
                Signedness::Signed => i64::from(byte as i8),
                Signedness::Unsigned => i64::from(byte),
            };
            left * i64::from(b[column * k + step] as i8)
        })
        .sum();
    sum as i32
}

/// Multiplies with tight operands, and checks all of the product and that nothing else was written.
fn check(a: &[u8], a_stride: usize, m: usize, b: &[u8], packed: &PackedMatrix, out_stride: usize) {
    const UNTOUCHED: i32 = 0x5a5a_5a5a;
    let (n, k) = (packed.n(), packed.k());
    let length = if m == 0 { 0 } else { (m - 1) * out_stride + n };
    for sign in SIGNS {
        let mut out = vec![UNTOUCHED; length];
        matmul(a, a_stride, sign, m, packed, &mut out, out_stride);
        for (index, &value) in out.iter().enumerate() {
            let (row, column) = (index / out_stride, index % out_stride);
            let expected =
                if column < n { reference(a, a_stride, sign, b, k, row, column) } else { UNTOUCHED };
            assert_eq!(value, expected, "{:?} {sign:?} m={m} n={n} k={k} at {row},{column}", packed.kernel());
        }
    }
}

#[test]
fn kernels_agree_with_the_definition() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut reused: Vec<PackedMatrix> =
        Kernel::available().into_iter().map(|kernel| PackedMatrix::pack_for(kernel, 0, 0, |_| &[])).collect();
    for round in 0..if cfg!(miri) { 12 } else { 600 } {
        let most = if cfg!(miri) { 20 } else { 71 };
        let [mut m, mut n, mut k] = std::array::from_fn(|_| random.index(most));
        // Each edge comes up often enough to meet every other.
        match round % 12 {
            0 => m = 0,
            1 => n = 0,
            2 => k = 0,
            3 => k = random.index(5),
            4 => n = 16 * random.index(5),
            5 => m = 1 + random.index(13),
            _ => {}
        }
        let a_stride = k + random.index(6);
        let out_stride = (n + random.index(4)).max(1);
        let a = bytes(&mut random, if m == 0 { 0 } else { (m - 1) * a_stride + k });
        let b = bytes(&mut random, n * k);
        for packed in &mut reused {
            packed.repack(n, k, |index| &b[index * k..]);
            check(&a, a_stride, m, &b, packed, out_stride);
            let fresh = PackedMatrix::pack_for(packed.kernel(), n, k, |index| &b[index * k..][..k]);
            check(&a, a_stride, m, &b, &fresh, out_stride);
        }
    }
}

#[test]
fn extreme_operands_do_not_saturate() {
    for kernel in Kernel::available() {
        let depths = [3, 65, 1, 2, 4, 5, 63, 64, 70];
        for &k in &depths[..if cfg!(miri) { 1 } else { depths.len() }] {
            for left in [0x80u8, 0x7f, 0xff] {
                for right in [0x80u8, 0x7f, 0xff] {
                    let (a, b) = (vec![left; 14 * k], vec![right; 33 * k]);
                    let packed = PackedMatrix::pack_for(kernel, 33, k, |index| &b[index * k..]);
                    check(&a, k, 14, &b, &packed, 33);
                }
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "long sums, which reach no other memory than short ones")]
fn sums_wrap() {
    // 2^31 / (255 * 128) is about 65 800: these sums leave 32 bits, with either reading of the activations.
    for k in [66_000, 131_075, 140_001] {
        for (left, right) in [(0xffu8, 0x80u8), (0xff, 0x7f), (0x80, 0x80)] {
            let (a, b) = (vec![left; 2 * k], vec![right; 3 * k]);
            for kernel in Kernel::available() {
                let packed = PackedMatrix::pack_for(kernel, 3, k, |index| &b[index * k..]);
                check(&a, k, 2, &b, &packed, 3);
            }
        }
    }
    assert!(255i64 * 128 * 66_000 > i64::from(i32::MAX) && 128i64 * 128 * 140_001 > i64::from(i32::MAX));
}

#[test]
fn rows_of_the_left_operand_may_overlap() {
    let mut random = Random(7);
    let (m, n, k) = (20, 18, 37);
    let (a, b) = (bytes(&mut random, (m - 1) * 3 + k), bytes(&mut random, n * k));
    for kernel in Kernel::available() {
        let packed = PackedMatrix::pack_for(kernel, n, k, |index| &b[index * k..]);
        check(&a, 3, m, &b, &packed, n);
    }
}

#[test]
fn short_operands_are_refused() {
    for kernel in Kernel::available() {
        let packed = PackedMatrix::pack_for(kernel, 2, 8, |_| &[1; 8]);
        let refused = |a: usize, a_stride: usize, out: usize, out_stride: usize| {
            std::panic::catch_unwind(|| {
                let mut target = vec![0; out];
                matmul(&vec![0; a], a_stride, Signedness::Signed, 3, &packed, &mut target, out_stride);
            })
            .is_err()
        };
        assert!(!refused(24, 8, 6, 2));
        assert!(refused(23, 8, 6, 2));
        assert!(refused(24, 8, 5, 2));
        assert!(refused(24, 8, 6, 1));
        assert!(refused(24, usize::MAX, 6, 2));
        assert!(refused(24, 8, 6, usize::MAX));
    }
}

#[test]
fn the_detected_kernel_is_available() {
    assert!(Kernel::available().contains(&Kernel::detect()));
    for kernel in Kernel::ALL {
        let packed = PackedMatrix::pack_for(kernel, 1, 1, |_| &[1]);
        assert!(packed.kernel().is_available());
    }
}
