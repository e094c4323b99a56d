//! Prints expressions. Every operand is brought to the width of its operator in the text itself, so that
//! no tool has to guess; a value that needs a width of its own becomes a signal.

use super::Error;
use super::expr::{BIT, Expr, common, fits};
use super::statement::reads;
use super::tokens::{extend, literal, ring_symbol, strip, test_symbol};
use super::{build, names};
use crate::signal::Ty;
use crate::value::{MAX_BITS, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A signal that holds an intermediate value.
pub(super) struct Temporary {
    pub name: String,
    pub ty: Ty,
    pub text: String,
}

/// Prints the expressions of one module and remembers what they use.
#[derive(Default)]
pub(super) struct Printer {
    module: String,
    /// Every identifier of the module.
    taken: BTreeSet<String>,
    count: usize,
    /// Intermediate values that are wires, in order.
    pub wires: Vec<Temporary>,
    wire_of: HashMap<(String, Ty), String>,
    /// The signals that the `always` block being printed assigns.
    pub volatile: BTreeSet<String>,
    /// Intermediate values of that block: registers assigned just before the statement that needs them.
    pub pending: Vec<Temporary>,
    /// The bits of each signal that are read.
    pub used: BTreeMap<String, u128>,
    /// The variants that are printed.
    pub variants: BTreeMap<String, (Value, usize)>,
}

impl Printer {
    pub fn new(module: &str, taken: BTreeSet<String>) -> Printer {
        Printer { module: module.into(), taken, ..Printer::default() }
    }

    /// A fresh identifier.
    pub fn fresh(&mut self, wanted: &str) -> String {
        let mut name = names::legal(wanted);
        while !self.taken.insert(name.clone()) {
            name.push('_');
        }
        name
    }

    /// Notes that a whole signal is read.
    pub fn use_whole(&mut self, name: &str) {
        self.used.insert(name.into(), u128::MAX);
    }

    /// The right side of an assignment to a signal of `width` bits.
    pub fn assigned(&mut self, expr: &Expr, width: usize) -> Result<String, Error> {
        let text = self.ring(expr, expr.prints_signed(), width)?;
        Ok(strip(&text).into())
    }

    /// A condition.
    pub fn condition(&mut self, expr: &Expr) -> Result<String, Error> {
        let text = self.typed(&build::any(expr.clone()), false, 1)?;
        Ok(strip(&text).into())
    }

    /// The exact value, unsigned: the subject of a `case`.
    pub fn subject(&mut self, expr: &Expr) -> Result<String, Error> {
        let width = self.exact(expr.ty(), "the subject of a match")?;
        let text = self.typed(expr, false, width)?;
        Ok(strip(&text).into())
    }

    fn exact(&self, ty: Ty, what: &'static str) -> Result<usize, Error> {
        // One bit more than a signal may have, for the sign of an unsigned operand.
        if ty.width > MAX_BITS + 1 {
            return Err(Error::Exact { module: self.module.clone(), what, width: ty.width });
        }
        Ok(ty.width)
    }

    /// The value modulo `2^width`, as text of the wanted signedness.
    fn typed(&mut self, expr: &Expr, signed: bool, width: usize) -> Result<String, Error> {
        let natural = expr.prints_signed();
        let text = self.ring(expr, natural || signed, width)?;
        Ok(if natural && !signed { format!("$unsigned({})", strip(&text)) } else { text })
    }

    /// The value modulo `2^width`; all leaves are signed if and only if `signed`.
    fn ring(&mut self, expr: &Expr, signed: bool, width: usize) -> Result<String, Error> {
        Ok(match expr {
            Expr::Part { name, whole, low, ty } => self.part(name, *whole, *low, *ty, signed, width),
            Expr::Variant { name, value, ty } if ty.width == width && !signed => {
                self.variants.insert(name.clone(), (*value, width));
                name.clone()
            }
            Expr::Variant { value, .. } | Expr::Literal(value) => literal(*value, signed, width),
            Expr::Ring(operator, a, b) => {
                let (a, b) = (self.ring(a, signed, width)?, self.ring(b, signed, width)?);
                format!("({a} {} {b})", ring_symbol(*operator))
            }
            // Not `-a`: Yosys up to 0.70 loses the wrap of a negative that is widened afterwards
            // (`alumacc` merges it into the sum and overlooks that -(-8) is -8 in four bits).
            Expr::Negate(a) => {
                format!("({} - {})", literal(0, signed, width), self.ring(a, signed, width)?)
            }
            Expr::Shl(a, amount) => match **amount {
                Expr::Literal(shift) if shift >= width as Value => literal(0, signed, width),
                _ => format!("({} << {})", self.ring(a, signed, width)?, self.amount(amount)?),
            },
            Expr::Shr(a, amount) => self.shr(a, amount, signed, width)?,
            Expr::Cut(a, ty) => self.cut(a, *ty, signed, width)?,
            Expr::Test(..) | Expr::Invert(_) | Expr::Any(_) => {
                let bit = self.bit(expr)?;
                extend(&bit, "", BIT, false, signed, width)
            }
        })
    }

    /// A condition of one bit.
    fn bit(&mut self, expr: &Expr) -> Result<String, Error> {
        Ok(match expr {
            Expr::Test(test, a, b) => {
                let ty = common(a.ty(), b.ty());
                let width = self.exact(ty, "an operand of a comparison")?;
                let a = self.typed(a, ty.signed, width)?;
                let b = self.typed(b, ty.signed, width)?;
                format!("({a} {} {b})", test_symbol(*test))
            }
            Expr::Invert(a) => format!("(!{})", self.typed(a, false, 1)?),
            Expr::Any(a) => {
                let width = self.exact(a.ty(), "a test against zero")?;
                format!("(|{})", self.ring(a, a.prints_signed(), width)?)
            }
            other => self.typed(other, false, 1)?,
        })
    }

    /// A shift amount: it stands apart from the width of its context.
    fn amount(&mut self, amount: &Expr) -> Result<String, Error> {
        if let Expr::Literal(shift) = amount {
            let ty = amount.ty();
            return Ok(literal(*shift, false, ty.width));
        }
        let width = self.exact(amount.ty(), "a shift amount")?;
        self.typed(amount, false, width)
    }

    fn shr(&mut self, a: &Expr, amount: &Expr, signed: bool, width: usize) -> Result<String, Error> {
        let ty = a.ty();
        self.exact(ty, "the operand of a right shift")?;
        if width < ty.width {
            // Verilog selects bits of signals only.
            let held = match *amount {
                Expr::Literal(shift) => {
                    let needed = usize::try_from(shift).unwrap_or(0).saturating_add(width).min(ty.width);
                    let held = Ty { width: needed, signed: ty.signed && needed == ty.width };
                    build::shr(self.hold(a, held)?, amount.clone())
                }
                _ => self.hold(&Expr::Shr(Box::new(a.clone()), Box::new(amount.clone())), ty)?,
            };
            return self.ring(&held, signed, width);
        }
        let operand = self.typed(a, ty.signed, width)?;
        let operator = if ty.signed { ">>>" } else { ">>" };
        let text = format!("({operand} {operator} {})", self.amount(amount)?);
        Ok(match (ty.signed, signed) {
            (true, false) => format!("$unsigned({})", strip(&text)),
            (false, true) => format!("$signed({})", strip(&text)),
            _ => text,
        })
    }

    fn cut(&mut self, a: &Expr, ty: Ty, signed: bool, width: usize) -> Result<String, Error> {
        if width <= ty.width || fits(a.ty(), ty) {
            return self.typed(a, signed, width);
        }
        if ty.signed {
            let held = self.hold(a, ty)?;
            return self.ring(&held, signed, width);
        }
        let inner = a.prints_signed() || signed;
        let mask = literal((1 << ty.width) - 1, inner, width);
        let text = format!("({} & {mask})", self.ring(a, inner, width)?);
        Ok(if inner && !signed { format!("$unsigned({})", strip(&text)) } else { text })
    }

    /// Puts a value into a signal of its own.
    fn hold(&mut self, expr: &Expr, ty: Ty) -> Result<Expr, Error> {
        let text = self.assigned(expr, ty.width)?;
        let mut inside = false;
        reads(expr, &mut |name| inside |= self.volatile.contains(name));
        let known = if inside { None } else { self.wire_of.get(&(text.clone(), ty)).cloned() };
        let name = match known {
            Some(name) => name,
            None => {
                let name = self.fresh(&format!("part_{}", self.count));
                self.count += 1;
                let temporary = Temporary { name: name.clone(), ty, text: text.clone() };
                if inside {
                    self.pending.push(temporary);
                } else {
                    self.wires.push(temporary);
                    self.wire_of.insert((text, ty), name.clone());
                }
                name
            }
        };
        Ok(Expr::signal(name, ty))
    }

    fn part(&mut self, name: &str, whole: Ty, low: usize, ty: Ty, signed: bool, width: usize) -> String {
        let take = width.min(ty.width);
        *self.used.entry(name.into()).or_default() |= ((1u128 << take) - 1) << low;
        let select = |high: usize, low: usize| {
            if high + 1 - low == whole.width {
                name.to_string()
            } else if high == low {
                format!("{name}[{low}]")
            } else {
                format!("{name}[{high}:{low}]")
            }
        };
        let top = low + ty.width - 1;
        let is_signed = take == whole.width && whole.signed;
        extend(&select(low + take - 1, low), &select(top, top), ty, is_signed, signed, width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{s, u};
    use crate::verilog::expr::{Ring, Test};

    fn printed(expr: &Expr, width: usize) -> String {
        Printer::default().assigned(expr, width).unwrap()
    }

    fn a() -> Expr {
        Expr::signal("a", s(8))
    }

    fn k() -> Expr {
        Expr::signal("k", u(3))
    }

    #[test]
    fn operands_are_widened_and_cut_in_the_text() {
        assert_eq!(printed(&a(), 8), "a");
        assert_eq!(printed(&a(), 4), "$signed(a[3:0])");
        assert_eq!(printed(&k(), 5), "{2'd0, k}");
        let product = build::ring(Ring::Mul, a(), k());
        assert_eq!(printed(&product, 11), "$signed({{3{a[7]}}, a}) * $signed({8'd0, k})");
        let sum = build::ring(Ring::Add, k(), Expr::Literal(9));
        assert_eq!(printed(&sum, 3), "k + 3'd1");
        assert_eq!(printed(&build::negate(a()), 8), "8'sd0 - a");
    }

    #[test]
    fn comparisons_see_exact_values() {
        let test = build::test(Test::Lt, build::ring(Ring::Sub, k(), Expr::Literal(2)), a());
        assert_eq!(printed(&test, 1), "($signed({5'd0, k}) - 8'sd2) < a");
        assert_eq!(printed(&test, 3), "{2'd0, ($signed({5'd0, k}) - 8'sd2) < a}");
    }

    #[test]
    fn a_narrowed_shift_becomes_a_signal() {
        let mut printer = Printer::default();
        let sum = build::ring(Ring::Add, k(), k());
        assert_eq!(printer.assigned(&build::shr(sum, Expr::Literal(1)), 2).unwrap(), "part_0[2:1]");
        assert_eq!(printer.wires[0].text, "k + k");
        assert_eq!((printer.wires[0].ty, printer.used["part_0"]), (u(3), 0b110));
    }

    #[test]
    fn too_wide_is_an_error() {
        let wide = || build::shl(Expr::signal("b", u(90)), Expr::signal("n", u(4)));
        assert!(Printer::default().assigned(&wide(), 90).is_ok());
        let test = build::test(Test::Eq, wide(), Expr::Literal(3));
        assert!(matches!(Printer::default().assigned(&test, 1), Err(Error::Exact { width: 105, .. })));
    }
}
