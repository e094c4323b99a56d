//! Statements after loops are unrolled and names resolved.

use super::expr::Expr;
use crate::signal::Ty;

/// A statement of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Statement {
    /// An assignment, which cuts to `ty`.
    Set { target: String, ty: Ty, value: Expr },
    /// A condition of one bit with its two branches.
    If(Expr, Vec<Statement>, Vec<Statement>),
    /// A choice by the variant of an enum. The last arm takes everything else.
    Case(Expr, Vec<(String, Vec<Statement>)>),
}

impl Statement {
    /// Calls `visit` with each target, as often as it is assigned.
    pub fn targets<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        match self {
            Statement::Set { target, .. } => visit(target),
            Statement::If(_, then, otherwise) => {
                then.iter().chain(otherwise).for_each(|inner| inner.targets(visit));
            }
            Statement::Case(_, arms) => {
                arms.iter().flat_map(|arm| &arm.1).for_each(|inner| inner.targets(visit));
            }
        }
    }

    /// Calls `visit` with each signal that is read.
    pub fn reads<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        match self {
            Statement::Set { value, .. } => reads(value, visit),
            Statement::If(condition, then, otherwise) => {
                reads(condition, visit);
                then.iter().chain(otherwise).for_each(|inner| inner.reads(visit));
            }
            Statement::Case(subject, arms) => {
                reads(subject, visit);
                arms.iter().flat_map(|arm| &arm.1).for_each(|inner| inner.reads(visit));
            }
        }
    }
}

/// Calls `visit` with each signal that an expression reads.
pub(super) fn reads<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a str)) {
    match expr {
        Expr::Part { name, .. } => visit(name),
        Expr::Variant { .. } | Expr::Literal(_) => {}
        Expr::Ring(_, a, b) | Expr::Shl(a, b) | Expr::Shr(a, b) | Expr::Test(_, a, b) => {
            reads(a, visit);
            reads(b, visit);
        }
        Expr::Negate(a) | Expr::Invert(a) | Expr::Any(a) | Expr::Cut(a, _) => reads(a, visit),
    }
}
