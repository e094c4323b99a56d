//! Turns the syntax tree of a kernel into typed statements: unrolls loops, resolves names, folds constants.

use super::build;
use super::collect::literal;
use super::expr::{BIT, Expr, Ring, Test};
use super::statement::Statement;
use crate::signal::Ty;
use crate::value::Value;
use rust_hdl::core::ast::{
    VerilogBlock, VerilogBlockOrConditional, VerilogConditional, VerilogExpression, VerilogMatch, VerilogOp,
    VerilogOpUnary, VerilogStatement,
};
use std::collections::BTreeMap;

/// A signal that a kernel can name.
#[derive(Clone, Debug)]
pub(super) struct Symbol {
    /// Its name in the Verilog.
    pub name: String,
    pub ty: Ty,
    /// Whether the kernel drives it.
    pub driven: bool,
}

/// What the names of a kernel mean.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub symbols: BTreeMap<String, Symbol>,
    pub constants: BTreeMap<String, Value>,
    /// Number and width of each variant; the key has the form `Enum$Variant`.
    pub variants: BTreeMap<String, (usize, usize)>,
}

/// The typed statements of a kernel, or what is wrong with it.
pub(super) fn lower(scope: &Scope, kernel: &VerilogBlock) -> Result<Vec<Statement>, String> {
    let mut out = vec![];
    Lower { scope, loops: vec![] }.block(kernel, &mut out)?;
    Ok(out)
}

struct Lower<'a> {
    scope: &'a Scope,
    loops: Vec<(String, Value)>,
}

impl Lower<'_> {
    fn block(&mut self, block: &[VerilogStatement], out: &mut Vec<Statement>) -> Result<(), String> {
        for statement in block {
            match statement {
                VerilogStatement::Assignment(VerilogExpression::Signal(target), value) => {
                    let symbol = self.symbol(target)?.clone();
                    if !symbol.driven {
                        return Err(format!("`{}` is not for this unit to assign", symbol.name));
                    }
                    let value = self.expr(value)?;
                    out.push(Statement::Set { target: symbol.name, ty: symbol.ty, value });
                }
                VerilogStatement::If(conditional) => self.conditional(conditional, out)?,
                VerilogStatement::Match(choice) => self.choice(choice, out)?,
                VerilogStatement::Loop(unrolled) => {
                    self.visible(&unrolled.index)?;
                    for index in unrolled.from.as_usize()..unrolled.to.as_usize() {
                        self.loops.push((unrolled.index.clone(), index as Value));
                        self.block(&unrolled.block, out)?;
                        self.loops.pop();
                    }
                }
                VerilogStatement::Macro(inner) => self.block(inner, out)?,
                VerilogStatement::Comment(_) => {}
                VerilogStatement::SliceAssignment { .. } => {
                    return Err("assignments to parts of a signal do not translate: use a vector".into());
                }
                VerilogStatement::Link(_) | VerilogStatement::Assignment(..) => {
                    return Err(format!("this statement does not translate: {statement:?}"));
                }
            }
        }
        Ok(())
    }

    fn conditional(&mut self, source: &VerilogConditional, out: &mut Vec<Statement>) -> Result<(), String> {
        let condition = build::any(self.expr(&source.test)?);
        let (mut then, mut otherwise) = (vec![], vec![]);
        self.block(&source.then, &mut then)?;
        match &source.otherwise {
            VerilogBlockOrConditional::Block(block) => self.block(block, &mut otherwise)?,
            VerilogBlockOrConditional::Conditional(next) => {
                self.block(std::slice::from_ref(next), &mut otherwise)?;
            }
            VerilogBlockOrConditional::None => {}
        }
        match condition {
            Expr::Literal(0) => out.append(&mut otherwise),
            Expr::Literal(_) => out.append(&mut then),
            condition => out.push(Statement::If(condition, then, otherwise)),
        }
        Ok(())
    }

    fn choice(&mut self, source: &VerilogMatch, out: &mut Vec<Statement>) -> Result<(), String> {
        let subject = self.expr(&source.test)?;
        let mut arms = vec![];
        for case in &source.cases {
            let mut block = vec![];
            self.block(&case.block, &mut block)?;
            let known = case.condition == "default" || self.scope.variants.contains_key(&case.condition);
            if !known {
                return Err(format!("`{}` is no variant of an enum that a port has", case.condition));
            }
            arms.push((case.condition.clone(), block));
        }
        out.push(Statement::Case(subject, arms));
        Ok(())
    }

    fn expr(&self, source: &VerilogExpression) -> Result<Expr, String> {
        use VerilogExpression as Ast;
        Ok(match source {
            Ast::Signal(name) => self.name(name)?,
            Ast::Literal(value) => Expr::Literal(literal(value).ok_or("a literal is too large")?),
            Ast::Paren(a) | Ast::Unsigned(a) => self.expr(a)?,
            Ast::Cast(a, width) => build::cut(self.expr(a)?, Ty { width: *width, signed: false }),
            Ast::Signed(a) => match &**a {
                Ast::Cast(a, width) => build::cut(self.expr(a)?, Ty { width: *width, signed: true }),
                _ => return Err("signed_cast_w needs bits_w inside it, which gives the width".into()),
            },
            Ast::Binary(a, operator, b) => binary(operator, self.expr(a)?, self.expr(b)?)?,
            Ast::Unary(VerilogOpUnary::Neg, a) => build::negate(self.expr(a)?),
            Ast::Unary(VerilogOpUnary::Any, a) => build::any(self.expr(a)?),
            Ast::Unary(VerilogOpUnary::Not, a) => {
                let a = self.expr(a)?;
                if a.ty() != BIT {
                    return Err("`!` is for flags: for a word, compare or use `^`".into());
                }
                build::invert(a)
            }
            Ast::Unary(..) => return Err("all() and xor() have no meaning for exact integers".into()),
            Ast::Index(a, index) => build::bit(self.expr(a)?, amount(self.expr(index)?)?),
            Ast::Slice(a, width, low) => {
                let shifted = build::shr(self.expr(a)?, amount(self.expr(low)?)?);
                build::cut(shifted, Ty { width: *width, signed: false })
            }
            Ast::IndexReplace(..) => return Err("replace_bit does not translate".into()),
        })
    }

    /// A name: loop variable, number, variant, constant or signal.
    fn name(&self, name: &str) -> Result<Expr, String> {
        if let Some(index) = self.loops.iter().rev().find(|index| index.0 == name) {
            return Ok(Expr::Literal(index.1));
        }
        if let Ok(number) = name.parse() {
            return Ok(Expr::Literal(number));
        }
        if let Some((number, width)) = self.scope.variants.get(name) {
            let ty = Ty { width: *width, signed: false };
            return Ok(Expr::Variant { name: variant_name(name), value: *number as Value, ty });
        }
        if let Some(value) = self.scope.constants.get(&self.flat(name)?) {
            return Ok(Expr::Literal(*value));
        }
        let symbol = self.symbol(name)?;
        Ok(Expr::signal(&symbol.name, symbol.ty))
    }

    /// Refuses a loop variable that hides a field: rust-hdl's tree calls both by the same name.
    fn visible(&self, index: &str) -> Result<(), String> {
        let constant = index.strip_prefix('_').unwrap_or(index);
        let Scope { symbols, constants, .. } = self.scope;
        if symbols.contains_key(index) || constants.contains_key(index) || constants.contains_key(constant) {
            return Err(format!(
                "the loop variable `{index}` hides a field of that name: rename the variable"
            ));
        }
        Ok(())
    }

    fn symbol(&self, name: &str) -> Result<&Symbol, String> {
        let flat = self.flat(name)?;
        self.scope
            .symbols
            .get(&flat)
            .ok_or_else(|| format!("there is no signal `{}`", flat.replace('$', ".")))
    }

    /// Evaluates the indices: `pe[i][j - 1]$a$next` becomes `pe$0$1$a`.
    fn flat(&self, name: &str) -> Result<String, String> {
        let mut flat = String::new();
        let mut rest = name.strip_suffix("$next").unwrap_or(name);
        while let Some((before, after)) = rest.split_once('[') {
            let (index, after) =
                after.split_once(']').ok_or_else(|| format!("a nested index in `{name}`"))?;
            let constants = &self.scope.constants;
            let mut parser = Index { text: index.as_bytes(), loops: &self.loops, constants };
            let value = parser.sum().filter(|value| *value >= 0 && parser.text.is_empty());
            let value = value.ok_or_else(|| {
                format!(
                    "the index `{index}` of `{before}` is not made of loop variables, numbers and constants"
                )
            })?;
            flat += &format!("{before}${value}");
            rest = after;
        }
        Ok(flat + rest)
    }
}

/// Evaluates `+`, `-`, `*` and parentheses over loop variables, numbers, and fields `_n` that have a
/// constant `n` beside them.
struct Index<'a> {
    text: &'a [u8],
    loops: &'a [(String, Value)],
    constants: &'a BTreeMap<String, Value>,
}

impl Index<'_> {
    fn take(&mut self, byte: u8) -> Option<()> {
        self.text = self.text.strip_prefix(&[byte])?;
        Some(())
    }

    fn sum(&mut self) -> Option<Value> {
        let mut value = self.product()?;
        loop {
            if self.take(b'+').is_some() {
                value += self.product()?;
            } else if self.take(b'-').is_some() {
                value -= self.product()?;
            } else {
                return Some(value);
            }
        }
    }

    fn product(&mut self) -> Option<Value> {
        let mut value = self.factor()?;
        while self.take(b'*').is_some() {
            value *= self.factor()?;
        }
        Some(value)
    }

    fn factor(&mut self) -> Option<Value> {
        if self.take(b'(').is_some() {
            let value = self.sum()?;
            self.take(b')')?;
            return Some(value);
        }
        let end = self.text.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'_');
        let (word, rest) = self.text.split_at(end.unwrap_or(self.text.len()));
        self.text = rest;
        let word = std::str::from_utf8(word).ok()?;
        let index = self.loops.iter().rev().find(|index| index.0 == word);
        let constant = || self.constants.get(word.strip_prefix('_')?).copied();
        index.map(|index| index.1).or_else(constant).or_else(|| word.parse().ok())
    }
}

fn amount(amount: Expr) -> Result<Expr, String> {
    if amount.ty().signed {
        return Err("a shift amount or bit number may be negative".into());
    }
    Ok(amount)
}

fn binary(operator: &VerilogOp, a: Expr, b: Expr) -> Result<Expr, String> {
    Ok(match operator {
        VerilogOp::Add => build::ring(Ring::Add, a, b),
        VerilogOp::Sub => build::ring(Ring::Sub, a, b),
        VerilogOp::Mul => build::ring(Ring::Mul, a, b),
        VerilogOp::BitAnd => build::ring(Ring::And, a, b),
        VerilogOp::BitOr => build::ring(Ring::Or, a, b),
        VerilogOp::BitXor => build::ring(Ring::Xor, a, b),
        VerilogOp::LogicalAnd => build::test(Test::Both, a, b),
        VerilogOp::LogicalOr => build::test(Test::Either, a, b),
        VerilogOp::Shl => build::shl(a, amount(b)?),
        VerilogOp::Shr => build::shr(a, amount(b)?),
        VerilogOp::Eq => build::test(Test::Eq, a, b),
        VerilogOp::Ne => build::test(Test::Ne, a, b),
        VerilogOp::Lt => build::test(Test::Lt, a, b),
        VerilogOp::Le => build::test(Test::Le, a, b),
        VerilogOp::Gt => build::test(Test::Gt, a, b),
        VerilogOp::Ge => build::test(Test::Ge, a, b),
    })
}

/// `PackerState$Run` becomes `PACKER_STATE_RUN`.
pub(super) fn variant_name(key: &str) -> String {
    let mut name = String::new();
    let mut after_lower = false;
    for c in key.chars() {
        if c.is_ascii_uppercase() && after_lower {
            name.push('_');
        }
        after_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        name.push(if c == '$' { '_' } else { c.to_ascii_uppercase() });
    }
    name
}
