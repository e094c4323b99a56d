//! The smallest pieces of text: literals, extensions, operators.

use super::expr::{Ring, Test};
use crate::signal::Ty;
use crate::value::{Value, cut};

/// Extends the text of a value of type `ty` (or of its low bits) to `width` bits; `top` is its sign bit and
/// `is_signed` says of what type the text is.
pub(super) fn extend(text: &str, top: &str, ty: Ty, is_signed: bool, signed: bool, width: usize) -> String {
    let (text, is_signed) = match width.saturating_sub(ty.width) {
        0 => (text.to_string(), is_signed),
        1 if ty.signed => (format!("{{{top}, {text}}}"), false),
        more if ty.signed => (format!("{{{{{more}{{{top}}}}}, {text}}}"), false),
        more => (format!("{{{more}'d0, {}}}", strip(text)), false),
    };
    match (is_signed, signed) {
        (false, true) => format!("$signed({})", strip(&text)),
        (true, false) => format!("$unsigned({})", strip(&text)),
        _ => text,
    }
}

/// A literal of `width` bits that equals the value modulo `2^width`.
pub(super) fn literal(value: Value, signed: bool, width: usize) -> String {
    match cut(value, width, signed) {
        value if value < 0 => format!("(-{width}'sd{})", value.unsigned_abs()),
        value if signed => format!("{width}'sd{value}"),
        value => format!("{width}'d{value}"),
    }
}

pub(super) fn ring_symbol(operator: Ring) -> &'static str {
    match operator {
        Ring::Add => "+",
        Ring::Sub => "-",
        Ring::Mul => "*",
        Ring::And => "&",
        Ring::Or => "|",
        Ring::Xor => "^",
    }
}

pub(super) fn test_symbol(test: Test) -> &'static str {
    match test {
        Test::Eq => "==",
        Test::Ne => "!=",
        Test::Lt => "<",
        Test::Le => "<=",
        Test::Gt => ">",
        Test::Ge => ">=",
        Test::Both => "&&",
        Test::Either => "||",
    }
}

/// Takes off parentheses that hold the whole text.
pub(super) fn strip(text: &str) -> &str {
    let Some(inner) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) else { return text };
    let mut depth = 0i32;
    for c in inner.chars() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if depth < 0 {
            return text;
        }
    }
    inner
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{s, u};

    #[test]
    fn literals_wrap() {
        assert_eq!(literal(-1, false, 4), "4'd15");
        assert_eq!(literal(-8, true, 4), "(-4'sd8)");
        assert_eq!(literal(15, true, 4), "(-4'sd1)");
        assert_eq!(strip("((a) + (b))"), "(a) + (b)");
        assert_eq!(strip("(a) + (b)"), "(a) + (b)");
    }

    #[test]
    fn values_are_extended_by_their_own_sign() {
        assert_eq!(extend("a", "a[3]", s(4), true, true, 6), "$signed({{2{a[3]}}, a})");
        assert_eq!(extend("a", "a[3]", s(4), true, false, 5), "{a[3], a}");
        assert_eq!(extend("a", "a[3]", u(4), false, false, 6), "{2'd0, a}");
        assert_eq!(extend("a", "a[3]", u(4), false, true, 4), "$signed(a)");
    }
}
