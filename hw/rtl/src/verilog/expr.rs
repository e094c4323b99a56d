//! Typed expressions, and the width and sign of their exact values.

use crate::signal::Ty;
use crate::value::Value;

/// Operators that commute with cutting: the low bits of the result need only the low bits of the operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ring {
    Add,
    Sub,
    Mul,
    And,
    Or,
    Xor,
}

/// Comparisons and the two connectives of conditions: they see exact values and give one bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Both,
    Either,
}

/// An expression over resolved names.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    /// Bits `low .. low + ty.width` of a signal declared as `whole`, read with the sign of `ty`.
    Part {
        name: String,
        whole: Ty,
        low: usize,
        ty: Ty,
    },
    /// A variant of an enum, printed by name.
    Variant {
        name: String,
        value: Value,
        ty: Ty,
    },
    Literal(Value),
    Ring(Ring, Box<Expr>, Box<Expr>),
    Negate(Box<Expr>),
    Shl(Box<Expr>, Box<Expr>),
    Shr(Box<Expr>, Box<Expr>),
    Test(Test, Box<Expr>, Box<Expr>),
    /// The opposite of one bit.
    Invert(Box<Expr>),
    /// Whether a value differs from zero.
    Any(Box<Expr>),
    /// The low bits, read with the type's sign.
    Cut(Box<Expr>, Ty),
}

/// The type of one bit.
pub(super) const BIT: Ty = Ty { width: 1, signed: false };

/// The narrowest type that holds a value.
pub(super) fn literal_ty(value: Value) -> Ty {
    let magnitude = if value < 0 { !value } else { value };
    let width = (Value::BITS - magnitude.leading_zeros()) as usize;
    Ty { width: if value < 0 { width + 1 } else { width.max(1) }, signed: value < 0 }
}

/// The width a value takes where it has to be read as signed.
pub(super) fn signed_width(ty: Ty) -> usize {
    if ty.signed { ty.width } else { ty.width + 1 }
}

/// The width of the common type of two values.
pub(super) fn common(a: Ty, b: Ty) -> Ty {
    let signed = a.signed || b.signed;
    let width = if signed { signed_width(a).max(signed_width(b)) } else { a.width.max(b.width) };
    Ty { width, signed }
}

/// Whether a value of `ty` is a value of `wider` too.
pub(super) fn fits(ty: Ty, wider: Ty) -> bool {
    if wider.signed { signed_width(ty) <= wider.width } else { !ty.signed && ty.width <= wider.width }
}

impl Expr {
    /// A whole signal.
    pub fn signal(name: impl Into<String>, ty: Ty) -> Expr {
        Expr::Part { name: name.into(), whole: ty, low: 0, ty }
    }

    /// A type that holds the exact value.
    pub fn ty(&self) -> Ty {
        match self {
            Expr::Part { ty, .. } | Expr::Variant { ty, .. } => *ty,
            Expr::Literal(value) => literal_ty(*value),
            Expr::Test(..) | Expr::Invert(_) | Expr::Any(_) => BIT,
            Expr::Cut(a, ty) => {
                if fits(a.ty(), *ty) {
                    a.ty()
                } else {
                    *ty
                }
            }
            Expr::Negate(a) => Ty { width: signed_width(a.ty()) + 1, signed: true },
            Expr::Ring(ring, a, b) => ring_ty(*ring, a.ty(), b.ty()),
            Expr::Shl(a, amount) => {
                let most = match **amount {
                    Expr::Literal(amount) => usize::try_from(amount).unwrap_or(usize::MAX),
                    // Wider amounts exceed every limit anyhow.
                    _ => (1 << amount.ty().width.min(20)) - 1,
                };
                Ty { width: a.ty().width.saturating_add(most), signed: a.ty().signed }
            }
            Expr::Shr(a, amount) => match **amount {
                Expr::Literal(amount) => {
                    let amount = usize::try_from(amount).unwrap_or(usize::MAX);
                    Ty { width: a.ty().width.saturating_sub(amount).max(1), signed: a.ty().signed }
                }
                _ => a.ty(),
            },
        }
    }

    /// Whether the Verilog text of the expression is of signed type when its leaves stay as they are: a
    /// leaf in reach of the ring operators is signed.
    pub fn prints_signed(&self) -> bool {
        match self {
            Expr::Part { ty, .. } => ty.signed,
            Expr::Literal(value) => *value < 0,
            Expr::Negate(_) => true,
            Expr::Ring(_, a, b) => a.prints_signed() || b.prints_signed(),
            Expr::Shl(a, _) => a.prints_signed(),
            Expr::Shr(a, _) => a.ty().signed,
            Expr::Cut(_, ty) => ty.signed,
            Expr::Variant { .. } | Expr::Test(..) | Expr::Invert(_) | Expr::Any(_) => false,
        }
    }
}

fn ring_ty(ring: Ring, a: Ty, b: Ty) -> Ty {
    let both = common(a, b);
    match ring {
        Ring::Add => Ty { width: both.width + 1, ..both },
        Ring::Sub => Ty { width: signed_width(a).max(signed_width(b)) + 1, signed: true },
        Ring::Mul if both.signed => Ty { width: signed_width(a) + signed_width(b), signed: true },
        Ring::Mul => Ty { width: a.width + b.width, signed: false },
        Ring::And => match (a.signed, b.signed) {
            (false, false) => Ty { width: a.width.min(b.width), signed: false },
            (false, true) => a,
            (true, false) => b,
            (true, true) => both,
        },
        Ring::Or | Ring::Xor => both,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{s, u};

    fn boxed(expr: Expr) -> Box<Expr> {
        Box::new(expr)
    }

    #[test]
    fn types_hold_the_extremes() {
        let range = |ty: Ty| -> [Value; 2] {
            if ty.signed {
                [-(1 << (ty.width - 1)), (1 << (ty.width - 1)) - 1]
            } else {
                [0, (1 << ty.width) - 1]
            }
        };
        type Operator = fn(Value, Value) -> Value;
        let compute: [(Ring, Operator); 6] = [
            (Ring::Add, |a, b| a + b),
            (Ring::Sub, |a, b| a - b),
            (Ring::Mul, |a, b| a * b),
            (Ring::And, |a, b| a & b),
            (Ring::Or, |a, b| a | b),
            (Ring::Xor, |a, b| a ^ b),
        ];
        for a in [s(1), s(3), u(1), u(4), s(5)] {
            for b in [s(1), s(4), u(2), u(5)] {
                for (ring, compute) in compute {
                    let [low, high] = range(ring_ty(ring, a, b));
                    for x in range(a)[0]..=range(a)[1] {
                        for y in range(b)[0]..=range(b)[1] {
                            let value = compute(x, y);
                            assert!(low <= value && value <= high, "{a:?} {ring:?} {b:?}: {x}, {y}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn literals_shifts_and_cuts() {
        assert_eq!([0, 1, 8, -1, -8].map(literal_ty), [u(1), u(1), u(4), s(1), s(4)]);
        let a = || boxed(Expr::signal("a", s(8)));
        assert_eq!(Expr::Shr(a(), boxed(Expr::Literal(3))).ty(), s(5));
        assert_eq!(Expr::Shr(a(), boxed(Expr::Literal(9))).ty(), s(1));
        assert_eq!(Expr::Shl(a(), boxed(Expr::signal("k", u(3)))).ty(), s(15));
        assert_eq!(Expr::Cut(a(), u(4)).ty(), u(4));
        assert_eq!(Expr::Cut(boxed(Expr::signal("k", u(3))), u(4)).ty(), u(3));
        assert!(!Expr::Cut(a(), u(4)).prints_signed());
    }
}
