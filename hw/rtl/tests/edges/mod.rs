//! Operands of the requantizer where rounding, saturation and widths turn.

/// All shifts.
pub const SHIFTS: std::ops::RangeInclusive<u8> = 1..=47;

/// Mantissas at the ends of their range, odd and even, and two below it, which no compiler makes.
pub const MANTISSAS: [u16; 7] = [0, 1, 0x8000, 0x8001, 0xaaab, 0xfffe, 0xffff];

/// Values at the ends of their ranges, and those whose results are beside a tie or begin to saturate.
pub fn values(shift: u8, mantissa: u16) -> impl Iterator<Item = i64> {
    let ends = [7, 8, 15, 16, 17, 18, 31, 32].map(|bit| 1i64 << bit);
    let ends = ends.into_iter().flat_map(|end| [end - 1, end, -end, -end - 1]);
    // Twice the result.
    let turns = [-2 * 131_072 - 1, -2 * 131_072 + 1, -3, -1, 1, 3, 2 * 131_071 - 1, 2 * 131_071 + 1];
    let turns = turns.into_iter().flat_map(move |twice: i64| {
        let at = (i128::from(twice) << shift) / (2 * i128::from(mantissa.max(1)));
        (-1..=1).map(move |step| at + step)
    });
    let fits = |value: &i128| (-(1i128 << 33)..1 << 33).contains(value);
    ends.chain(turns.filter(fits).map(|value| value as i64)).chain([0, (1 << 33) - 1, -(1 << 33)])
}
