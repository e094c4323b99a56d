//! Integer square root and reciprocal, as the vector unit's serial circuits compute them.

/// Exact floor of the square root of a value below 2^60, by the restoring method: thirty steps, one
/// bit of the root each, whatever the operand.
#[must_use]
pub fn isqrt60(value: u64) -> u32 {
    let mut remainder = 0u64;
    let mut root = 0u64;
    for step in (0..30).rev() {
        remainder = (remainder << 2) | ((value >> (2 * step)) & 3);
        let trial = (root << 2) | 1;
        root <<= 1;
        if remainder >= trial {
            remainder -= trial;
            root |= 1;
        }
    }
    root as u32
}

/// `floor(2^45 / root)` saturated to 16 bits, for a root normalized to `2^29 .. 2^30`.
#[must_use]
pub fn reciprocal16(root: u32) -> u16 {
    debug_assert!((1 << 29..1 << 30).contains(&root));
    ((1u64 << 45) / u64::from(root.max(1))).min(0xffff) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_the_exact_floor() {
        let mut value = 1u64;
        for step in 0..if cfg!(miri) { 300 } else { 200_000u64 } {
            value = value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step);
            let operand = (value >> 4) >> (step % 60);
            let root = u64::from(isqrt60(operand));
            assert!(root * root <= operand && (root + 1) * (root + 1) > operand, "{operand}");
        }
        for root in [0u64, 1, 2, 3, (1 << 30) - 1] {
            assert_eq!(u64::from(isqrt60(root * root)), root);
        }
    }
}
