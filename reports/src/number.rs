//! Numbers as people read them.

/// `1234567` as `1,234,567`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three significant digits, no exponent; not finite is a dash.
pub fn digits(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor() as i32;
    let decimals = (2 - magnitude).clamp(0, 9) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// With an SI prefix: `1.23 M`; the unit follows.
pub fn si(value: f64, unit: &str) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    const STEPS: [(f64, &str); 7] =
        [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ")];
    let size = value.abs();
    let (step, prefix) = if size == 0.0 {
        (1.0, "")
    } else {
        // 0.9995 rounds to 1000 of the step below: take the step it will be shown in.
        STEPS.into_iter().find(|(step, _)| size >= step * 0.9995).unwrap_or((1e-6, "µ"))
    };
    format!("{} {prefix}{unit}", digits(value / step)).trim_end().to_owned()
}

/// Picojoules with a fitting prefix.
pub fn joules(picojoules: f64) -> String {
    if picojoules != 0.0 && picojoules.abs() < 1e3 {
        return format!("{} pJ", digits(picojoules));
    }
    if picojoules.abs() < 1e6 {
        return format!("{} nJ", digits(picojoules / 1e3));
    }
    si(picojoules * 1e-12, "J")
}

/// From the least to the most picojoules: `66 to 293 µJ`; the unit once where both have it.
pub fn joules_between(low: f64, high: f64) -> String {
    let (low, high) = (joules(low), joules(high));
    match (low.rsplit_once(' '), high.rsplit_once(' ')) {
        (Some((number, unit)), Some((_, other))) if unit == other => format!("{number} to {high}"),
        _ => format!("{low} to {high}"),
    }
}

/// A share of one as percent.
pub fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.1} %", share * 100.0) } else { "–".to_owned() }
}

/// A quotient that is zero where there is nothing to divide by.
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(joules_between(66.04e6, 293e6), "66 to 293 µJ");
        assert_eq!(joules_between(0.5e6, 2e6), "500 nJ to 2 µJ");
        assert_eq!(joules_between(0.0, 0.0), "0 to 0 nJ");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(digits(0.123_456), "0.123");
        assert_eq!(digits(123_456.0), "123456");
        assert_eq!(digits(1.50), "1.5");
        assert_eq!(si(1_500_000.0, "B"), "1.5 MB");
        assert_eq!(si(999_990.0, "B"), "1 MB");
        assert_eq!(si(0.0, "B"), "0 B");
        assert_eq!(si(f64::NAN, "B"), "–");
        assert_eq!(joules(12.0), "12 pJ");
        assert_eq!(joules(12_000_000.0), "12 µJ");
        assert_eq!(percent(0.5), "50.0 %");
        assert_eq!(ratio(1, 0), 0.0);
    }
}
