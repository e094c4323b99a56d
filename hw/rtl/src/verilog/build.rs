//! Makes expressions: folds constants, turns shifts and cuts of signals into part selects.

use super::expr::{BIT, Expr, Ring, Test, fits};
use crate::signal::Ty;
use crate::value::Value;

/// A ring operator.
pub(super) fn ring(operator: Ring, a: Expr, b: Expr) -> Expr {
    if let (Expr::Literal(a), Expr::Literal(b)) = (&a, &b) {
        let value = match operator {
            Ring::Add => a.checked_add(*b),
            Ring::Sub => a.checked_sub(*b),
            Ring::Mul => a.checked_mul(*b),
            Ring::And => Some(a & b),
            Ring::Or => Some(a | b),
            Ring::Xor => Some(a ^ b),
        };
        if let Some(value) = value {
            return Expr::Literal(value);
        }
    }
    match (operator, &a, &b) {
        (Ring::Mul | Ring::And, Expr::Literal(0), _) | (Ring::Mul | Ring::And, _, Expr::Literal(0)) => {
            Expr::Literal(0)
        }
        (Ring::Sub | Ring::Xor, a, b) if a == b => Expr::Literal(0),
        _ => Expr::Ring(operator, Box::new(a), Box::new(b)),
    }
}

/// The negative.
pub(super) fn negate(a: Expr) -> Expr {
    match a {
        Expr::Literal(value) => Expr::Literal(-value),
        a => Expr::Negate(Box::new(a)),
    }
}

/// A left shift.
pub(super) fn shl(a: Expr, amount: Expr) -> Expr {
    match (&a, &amount) {
        (_, Expr::Literal(0)) => a,
        (Expr::Literal(value), Expr::Literal(shift)) if (0..64).contains(shift) && value.abs() < 1 << 60 => {
            Expr::Literal(value << shift)
        }
        _ => Expr::Shl(Box::new(a), Box::new(amount)),
    }
}

/// A right shift; of a signal by a constant it is a part select.
pub(super) fn shr(a: Expr, amount: Expr) -> Expr {
    let Expr::Literal(shift) = amount else { return Expr::Shr(Box::new(a), Box::new(amount)) };
    let shift = usize::try_from(shift).unwrap_or(0);
    match a {
        a if shift == 0 => a,
        Expr::Literal(value) => Expr::Literal(value >> shift.min(Value::BITS as usize - 1)),
        Expr::Part { name, whole, low, ty } if shift < ty.width => {
            Expr::Part { name, whole, low: low + shift, ty: Ty { width: ty.width - shift, ..ty } }
        }
        Expr::Part { name, whole, low, ty } if ty.signed => {
            Expr::Part { name, whole, low: low + ty.width - 1, ty: Ty { width: 1, ..ty } }
        }
        a if shift < a.ty().width => Expr::Shr(Box::new(a), Box::new(amount)),
        a if a.ty().signed => {
            let sign = Expr::Literal((a.ty().width - 1) as Value);
            Expr::Shr(Box::new(a), Box::new(sign))
        }
        _ => Expr::Literal(0),
    }
}

/// The low bits of a value, read with the sign of `ty`.
pub(super) fn cut(a: Expr, ty: Ty) -> Expr {
    match a {
        Expr::Literal(value) => Expr::Literal(ty.cut(value)),
        Expr::Part { name, whole, low, ty: part } if ty.width <= part.width => {
            Expr::Part { name, whole, low, ty }
        }
        // The same bits: a cut of a cut.
        Expr::Cut(a, inner) if ty.width <= inner.width => cut(*a, ty),
        a if fits(a.ty(), ty) => a,
        a => Expr::Cut(Box::new(a), ty),
    }
}

/// One bit of a value.
pub(super) fn bit(a: Expr, index: Expr) -> Expr {
    cut(shr(a, index), BIT)
}

/// Whether a value differs from zero.
pub(super) fn any(a: Expr) -> Expr {
    match a {
        Expr::Literal(value) => Expr::Literal(Value::from(value != 0)),
        a if a.ty() == BIT => a,
        a => Expr::Any(Box::new(a)),
    }
}

/// The opposite of a condition.
pub(super) fn invert(a: Expr) -> Expr {
    match any(a) {
        Expr::Literal(value) => Expr::Literal(1 - value),
        Expr::Invert(a) => *a,
        a => Expr::Invert(Box::new(a)),
    }
}

/// Both or either of two conditions.
fn connective(test: Test, a: Expr, b: Expr) -> Expr {
    let deciding = Value::from(test == Test::Either);
    match (any(a), any(b)) {
        (Expr::Literal(value), other) | (other, Expr::Literal(value)) => {
            if value == deciding {
                Expr::Literal(deciding)
            } else {
                other
            }
        }
        (a, b) => Expr::Test(test, Box::new(a), Box::new(b)),
    }
}

/// A comparison; what the operands' types decide already is folded.
pub(super) fn test(test: Test, a: Expr, b: Expr) -> Expr {
    if matches!(test, Test::Both | Test::Either) {
        return connective(test, a, b);
    }
    if a == b {
        return Expr::Literal(Value::from(matches!(test, Test::Eq | Test::Le | Test::Ge)));
    }
    if let (Some(a), Some(b)) = (range(&a), range(&b)) {
        let decided = match test {
            Test::Eq if a.1 < b.0 || b.1 < a.0 => Some(false),
            Test::Ne if a.1 < b.0 || b.1 < a.0 => Some(true),
            Test::Lt => decide(a.1 < b.0, a.0 >= b.1),
            Test::Le => decide(a.1 <= b.0, a.0 > b.1),
            Test::Gt => decide(a.0 > b.1, a.1 <= b.0),
            Test::Ge => decide(a.0 >= b.1, a.1 < b.0),
            _ => None,
        };
        if let Some(decided) = decided {
            return Expr::Literal(Value::from(decided));
        }
    }
    Expr::Test(test, Box::new(a), Box::new(b))
}

fn decide(always: bool, never: bool) -> Option<bool> {
    if always {
        Some(true)
    } else if never {
        Some(false)
    } else {
        None
    }
}

/// The least and greatest value of an expression's type.
fn range(a: &Expr) -> Option<(Value, Value)> {
    if let Expr::Literal(value) = a {
        return Some((*value, *value));
    }
    let ty = a.ty();
    if ty.width > 120 {
        return None;
    }
    let half = 1 << (ty.width - 1);
    Some(if ty.signed { (-half, half - 1) } else { (0, half - 1 + half) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{s, u};

    #[test]
    fn shifts_and_cuts_of_signals_are_part_selects() {
        let part = |low, ty| Expr::Part { name: "a".into(), whole: s(8), low, ty };
        let a = || Expr::signal("a", s(8));
        assert_eq!(shr(a(), Expr::Literal(3)), part(3, s(5)));
        assert_eq!(shr(a(), Expr::Literal(30)), part(7, s(1)));
        assert_eq!(cut(shr(a(), Expr::Literal(3)), u(2)), part(3, u(2)));
        assert_eq!(cut(cut(a(), u(4)), s(4)), part(0, s(4)));
        assert_eq!(bit(a(), Expr::Literal(0)), part(0, u(1)));
        assert_eq!(shr(Expr::signal("k", u(3)), Expr::Literal(3)), Expr::Literal(0));
    }

    #[test]
    fn what_the_types_decide_is_folded() {
        let k = || Expr::signal("k", u(3));
        assert_eq!(test(Test::Lt, k(), Expr::Literal(0)), Expr::Literal(0));
        assert_eq!(test(Test::Le, k(), Expr::Literal(7)), Expr::Literal(1));
        assert_eq!(test(Test::Eq, k(), Expr::Literal(8)), Expr::Literal(0));
        assert!(matches!(test(Test::Gt, k(), Expr::Literal(6)), Expr::Test(..)));
        assert_eq!(test(Test::Both, k(), Expr::Literal(0)), Expr::Literal(0));
        assert_eq!(test(Test::Both, Expr::signal("c", u(1)), Expr::Literal(1)), Expr::signal("c", u(1)));
        assert_eq!(invert(invert(Expr::signal("c", u(1)))), Expr::signal("c", u(1)));
    }

    #[test]
    fn constants_fold() {
        let literal = |value| Expr::Literal(value);
        assert_eq!(ring(Ring::Mul, literal(3), literal(-4)), literal(-12));
        assert_eq!(shl(literal(3), literal(2)), literal(12));
        assert_eq!(shr(literal(-3), literal(1)), literal(-2));
        assert_eq!(cut(literal(-1), u(4)), literal(15));
    }
}
