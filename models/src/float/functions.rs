//! Exponential and error function without a branch, so that loops over them run in vectors.
//!
//! Contract: the bits of `libm::expf` and `libm::erff` for every operand (which number a NaN carries is left open), so
//! that nothing that was calibrated before changes. Ranges, coefficients and the order of operations are those of
//! FreeBSD's msun (`e_expf.c`, `s_erff.c`), which libm follows: <https://github.com/freebsd/freebsd-src/tree/main/lib/msun/src>.

/// `ln 2` in two parts, the first of so few bits that its multiples are exact.
const LN2: [f32; 2] = [0.693_145_75, 1.428_606_8e-6];
/// `1 / ln 2`.
const STEPS: f32 = std::f32::consts::LOG2_E;
/// Halves of `ln 2` from which on the operand is reduced by it, once and several times.
const HALF_LN2: f32 = f32::from_bits(0x3eb1_7218);
const THREE_HALVES_LN2: f32 = f32::from_bits(0x3f85_1592);
/// Of operands up to here the exponential is `1 + x`.
const TINY: f32 = f32::from_bits(0x3900_0000);
/// From here on the exponential is infinite, and down from here zero.
const OVERFLOW: f32 = f32::from_bits(0x42b1_7218);
const UNDERFLOW: f32 = f32::from_bits(0xc2cf_f1b5);

/// `e^x`.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let y = exp_between(x);
    let y = if x >= OVERFLOW { f32::INFINITY } else { y };
    let y = if x <= UNDERFLOW { 0.0 } else { y };
    if x.is_nan() { x } else { y }
}

/// `e^x` where it is neither infinite nor zero.
#[inline(always)]
fn exp_between(x: f32) -> f32 {
    let size = x.abs();
    let several = (STEPS * x + 0.5f32.copysign(x)) as i32;
    let once = 1 - 2 * (x.to_bits() >> 31) as i32;
    let k = if size > HALF_LN2 { once } else { 0 };
    let k = if size > THREE_HALVES_LN2 { several } else { k };
    let high = x - k as f32 * LN2[0];
    let low = k as f32 * LN2[1];
    let r = high - low;
    let square = r * r;
    let c = r - square * (1.666_662_5e-1 + square * -2.766_733_3e-3);
    let y = 1.0 + (r * c / (2.0 - c) - low + high);
    let y = if size <= TINY { 1.0 + x } else { y };
    // In two steps, so that neither power is beyond the normal numbers; the first rounds nothing.
    let half = k >> 1;
    y * power_of_two(half) * power_of_two(k.wrapping_sub(half))
}

/// `2^k` of a normal number.
#[inline(always)]
fn power_of_two(k: i32) -> f32 {
    f32::from_bits((k.wrapping_add(127) as u32) << 23)
}

/// Where the error function passes from one quotient of polynomials to the next.
pub const ERF_FIRST: f32 = 0.843_75;
const ERF_SECOND: f32 = 1.25;
const ERF_THIRD: f32 = f32::from_bits(0x4036_db6d);
const ERF_ONE: f32 = 6.0;

/// The error function.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    let size = x.abs();
    let outer = erf_outer(size);
    let y = if size < ERF_SECOND { erf_around_one(size) } else { outer };
    let y = if size < ERF_ONE { y } else { 1.0 };
    let y = if size < ERF_FIRST { erf_inner(size) } else { y };
    // Every part is odd.
    let y = y.copysign(x);
    if x.is_nan() { x } else { y }
}

/// The error function of operands of less than [`ERF_FIRST`].
#[inline(always)]
pub fn erf_inner(x: f32) -> f32 {
    let z = x * x;
    let p = [1.283_791_7e-1, -3.250_421e-1, -2.848_175e-2, -5.770_270_3e-3, -2.376_301_7e-5];
    let q = [1.0, 3.979_172e-1, 6.502_225e-2, 5.081_306e-3, 1.324_947_4e-4, -3.960_228_2e-6];
    let y = x + x * (polynomial(p, z) / polynomial(q, z));
    // Squares of less would lose their bits.
    if x.abs() < f32::from_bits(0x3180_0000) { 0.125 * (8.0 * x + 1.027_033_3 * x) } else { y }
}

/// Of operands from [`ERF_FIRST`] to [`ERF_SECOND`].
#[inline(always)]
fn erf_around_one(x: f32) -> f32 {
    const AT_ONE: f32 = 8.450_629e-1;
    let s = x - 1.0;
    let p = [
        -2.362_118_6e-3,
        4.148_561e-1,
        -3.722_078_8e-1,
        3.183_466_2e-1,
        -1.108_946_94e-1,
        3.547_830_5e-2,
        -2.166_375_5e-3,
    ];
    let q =
        [1.0, 1.064_208_8e-1, 5.403_979_4e-1, 7.182_865_6e-2, 1.261_712_1e-1, 1.363_708_4e-2, 1.198_45e-2];
    1.0 - (1.0 - AT_ONE - polynomial(p, s) / polynomial(q, s))
}

/// Of operands from [`ERF_SECOND`] to [`ERF_ONE`]: one less the complement, by two exponentials.
#[inline(always)]
fn erf_outer(x: f32) -> f32 {
    const NEAR: ([f32; 8], [f32; 9]) = (
        [
            -9.864_944e-3,
            -6.938_585_6e-1,
            -1.055_862_6e1,
            -6.237_533e1,
            -1.623_966_7e2,
            -1.846_050_9e2,
            -8.128_744e1,
            -9.814_329,
        ],
        [
            1.0,
            1.965_127_2e1,
            1.376_577_6e2,
            4.345_659e2,
            6.453_872_7e2,
            4.290_081_5e2,
            1.086_35e2,
            6.570_249_6,
            -6.042_441_4e-2,
        ],
    );
    // One term fewer: zero times a finite number changes nothing.
    const FAR: ([f32; 8], [f32; 9]) = (
        [
            -9.864_943e-3,
            -7.992_832_7e-1,
            -1.775_795_5e1,
            -1.606_363_8e2,
            -6.375_664_7e2,
            -1.025_095_1e3,
            -4.835_192e2,
            0.0,
        ],
        [
            1.0,
            3.033_806e1,
            3.257_925e2,
            1.536_729_6e3,
            3.199_858_2e3,
            2.553_050_3e3,
            4.745_285_3e2,
            -2.244_095_2e1,
            0.0,
        ],
    );
    let near = x < ERF_THIRD;
    let p: [f32; 8] = std::array::from_fn(|i| if near { NEAR.0[i] } else { FAR.0[i] });
    let q: [f32; 9] = std::array::from_fn(|i| if near { NEAR.1[i] } else { FAR.1[i] });
    let s = 1.0 / (x * x);
    let quotient = polynomial(p, s) / polynomial(q, s);
    // The square of so few bits is exact.
    let z = f32::from_bits(x.to_bits() & 0xffff_e000);
    1.0 - exp_between(-z * z - 0.5625) * exp_between((z - x) * (z + x) + quotient) / x
}

/// A polynomial with its coefficients from the constant one on.
#[inline(always)]
fn polynomial<const N: usize>(coefficients: [f32; N], x: f32) -> f32 {
    let mut sum = coefficients[N - 1];
    for i in (0..N - 1).rev() {
        sum = coefficients[i] + x * sum;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitgauge_arch::arith::host::widest;

    /// Operands between which both functions are compared with libm's; `step` of 1 is all that there are.
    fn the_bits_are_libms(step: usize) {
        use rayon::prelude::*;
        const BLOCK: u32 = 1 << 12;
        let blocks = u32::MAX / BLOCK + 1;
        (0..blocks).into_par_iter().filter(|block| (*block as usize).is_multiple_of(step)).for_each(
            |block| {
                let operands: Vec<f32> = (0..BLOCK).map(|i| f32::from_bits(block * BLOCK + i)).collect();
                let (mut exps, mut erfs) = (operands.clone(), operands.clone());
                widest(
                    #[inline(always)]
                    || {
                        exps.iter_mut().for_each(|x| *x = exp(*x));
                        erfs.iter_mut().for_each(|x| *x = erf(*x));
                    },
                );
                for ((x, exp), erf) in operands.into_iter().zip(exps).zip(erfs) {
                    for (name, found, wanted) in [("exp", exp, libm::expf(x)), ("erf", erf, libm::erff(x))] {
                        let same = found.to_bits() == wanted.to_bits() || found.is_nan() && wanted.is_nan();
                        assert!(same, "{name}({x:e}): {found:e}, {wanted:e}");
                    }
                    if x.abs() < ERF_FIRST {
                        assert_eq!(erf_inner(x).to_bits(), libm::erff(x).to_bits(), "erf_inner({x:e})");
                    }
                }
            },
        );
    }

    #[test]
    fn exponential_and_error_function_have_the_bits_of_libm() {
        // A prime: blocks of all exponents, and of each many places.
        the_bits_are_libms(if cfg!(miri) { 65_537 } else { 211 });
    }

    #[test]
    #[ignore = "long tier: every operand there is"]
    fn exponential_and_error_function_have_the_bits_of_libm_for_every_operand() {
        the_bits_are_libms(1);
    }
}
