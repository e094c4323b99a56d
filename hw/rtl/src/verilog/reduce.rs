//! Drops assignments without effect and settles what is constant.

use super::build;
use super::expr::Expr;
use super::flow::{Group, targets};
use super::statement::Statement;
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a statement does to a signal, as far as dead assignments are concerned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Event {
    /// Assigns it without reading it.
    Overwrite,
    /// Assigns it from itself.
    Update,
    /// Anything else.
    Other,
}

/// Removes assignments whose value is overwritten before anybody reads it: a default that every path
/// replaces.
pub(super) fn overwritten(statements: Vec<Statement>) -> Vec<Statement> {
    let mut events: BTreeMap<&str, Vec<(usize, Event)>> = BTreeMap::new();
    for (position, statement) in statements.iter().enumerate() {
        let mut here: BTreeMap<&str, Event> = BTreeMap::new();
        statement.reads(&mut |name| {
            here.insert(name, Event::Other);
        });
        let plain = matches!(statement, Statement::Set { .. });
        statement.targets(&mut |name| {
            let event = match (plain, here.get(name)) {
                (false, _) => Event::Other,
                (true, Some(_)) => Event::Update,
                (true, None) => Event::Overwrite,
            };
            here.insert(name, event);
        });
        for (name, event) in here {
            events.entry(name).or_default().push((position, event));
        }
    }
    let mut dead = BTreeSet::new();
    for list in events.values() {
        for pair in list.windows(2) {
            if pair[0].1 != Event::Other && pair[1].1 == Event::Overwrite {
                dead.insert(pair[0].0);
            }
        }
    }
    let kept = statements.into_iter().enumerate().filter(|(position, _)| !dead.contains(position));
    kept.map(|(_, statement)| statement).collect()
}

/// Replaces each group that depends on nothing by plain constants: an `always @*` without anything to
/// wait for would never run.
pub(super) fn constants(groups: Vec<Group>) -> Vec<Group> {
    let mut out = vec![];
    for group in groups {
        let own = targets(&group);
        let mut outside = false;
        for statement in &group {
            statement.reads(&mut |name| outside |= !own.contains(name));
        }
        if outside || group.len() == 1 {
            out.push(group);
            continue;
        }
        let mut values = BTreeMap::new();
        let mut last = BTreeMap::new();
        for statement in group {
            run(&statement, &mut values, &mut last);
        }
        out.extend(last.into_values().map(|statement| vec![statement]));
    }
    out
}

/// Executes a statement that reads known values only.
fn run(statement: &Statement, values: &mut BTreeMap<String, Value>, last: &mut BTreeMap<String, Statement>) {
    match statement {
        Statement::Set { target, ty, value } => {
            if let Expr::Literal(value) = substitute(value, values) {
                values.insert(target.clone(), ty.cut(value));
                let value = Expr::Literal(ty.cut(value));
                last.insert(target.clone(), Statement::Set { target: target.clone(), ty: *ty, value });
            }
        }
        Statement::If(condition, then, otherwise) => {
            let holds = substitute(condition, values) != Expr::Literal(0);
            let branch = if holds { then } else { otherwise };
            branch.iter().for_each(|inner| run(inner, values, last));
        }
        // The subject of a case is a port or a state, which a kernel does not assign.
        Statement::Case(..) => {}
    }
}

/// The expression with known signals replaced.
fn substitute(expr: &Expr, values: &BTreeMap<String, Value>) -> Expr {
    let go = |inner: &Expr| substitute(inner, values);
    match expr {
        Expr::Part { name, whole, low, ty } => match values.get(name) {
            Some(value) => build::cut(Expr::Literal(value >> low), *ty),
            None => Expr::Part { name: name.clone(), whole: *whole, low: *low, ty: *ty },
        },
        Expr::Variant { value, .. } => Expr::Literal(*value),
        Expr::Literal(value) => Expr::Literal(*value),
        Expr::Ring(operator, a, b) => build::ring(*operator, go(a), go(b)),
        Expr::Negate(a) => build::negate(go(a)),
        Expr::Shl(a, b) => build::shl(go(a), go(b)),
        Expr::Shr(a, b) => build::shr(go(a), go(b)),
        Expr::Test(test, a, b) => build::test(*test, go(a), go(b)),
        Expr::Invert(a) => build::invert(go(a)),
        Expr::Any(a) => build::any(go(a)),
        Expr::Cut(a, ty) => build::cut(go(a), *ty),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{s, u};

    fn set(target: &str, value: Expr) -> Statement {
        Statement::Set { target: target.into(), ty: u(4), value }
    }

    fn name(name: &str) -> Expr {
        Expr::signal(name, u(4))
    }

    #[test]
    fn defaults_that_are_overwritten_go() {
        let kernel = vec![set("d", name("q")), set("e", name("q")), set("d", name("a")), set("f", name("e"))];
        assert_eq!(overwritten(kernel.clone()), kernel[1..]);
        let used = vec![set("d", name("q")), set("e", name("d")), set("d", name("a"))];
        assert_eq!(overwritten(used.clone()), used);
        let condition =
            vec![set("d", name("q")), Statement::If(name("c"), vec![set("d", name("a"))], vec![])];
        assert_eq!(overwritten(condition.clone()), condition);
    }

    #[test]
    fn constant_groups_are_settled() {
        let group = vec![
            set("x", Expr::Literal(18)),
            set("y", build::negate(name("x"))),
            set("x", build::ring(crate::verilog::expr::Ring::Add, name("x"), Expr::Literal(1))),
        ];
        let settled = constants(vec![group]);
        assert_eq!(settled, [[set("x", Expr::Literal(3))], [set("y", Expr::Literal(14))]]);
        let part = Expr::Part { name: "x".into(), whole: u(4), low: 1, ty: s(2) };
        assert_eq!(substitute(&part, &BTreeMap::from([("x".into(), 5)])), Expr::Literal(-2));
    }
}
