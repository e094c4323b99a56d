//! Checks that no signal latches, and splits a kernel into groups that print as `assign` or `always @*`.

use super::statement::{Statement, reads};
use std::collections::{BTreeMap, BTreeSet};

/// Statements that belong together, in order.
pub(super) type Group = Vec<Statement>;

/// Splits statements into groups: those that assign a common signal, or of which one reads a value of a
/// signal that the other goes on to change, stay together.
pub(super) fn groups(statements: Vec<Statement>) -> Result<Vec<Group>, String> {
    let mut writes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (position, statement) in statements.iter().enumerate() {
        statement.targets(&mut |target| writes.entry(target).or_default().push(position));
    }
    let mut parent: Vec<usize> = (0..statements.len()).collect();
    for positions in writes.values() {
        for pair in positions.windows(2) {
            unite(&mut parent, pair[0], pair[1]);
        }
    }
    let mut early = None;
    for (position, statement) in statements.iter().enumerate() {
        statement.reads(&mut |read| match writes.get(read).map(Vec::as_slice) {
            Some([first, ..]) if *first > position => early = early.or(Some(read)),
            Some([first, .., last]) if *last > position => unite(&mut parent, position, *first),
            _ => {}
        });
    }
    if let Some(name) = early {
        return Err(format!("`{name}` is read before it is assigned"));
    }
    close_loops(&statements, &mut parent);
    let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
    for (position, statement) in statements.into_iter().enumerate() {
        groups.entry(root(&mut parent, position)).or_default().push(statement);
    }
    let groups: Vec<Group> = groups.into_values().collect();
    groups.iter().try_for_each(check)?;
    Ok(groups)
}

/// Takes into a group what lies on a path from the group back to itself: as two blocks they would look
/// like a loop to the tools.
fn close_loops(statements: &[Statement], parent: &mut [usize]) {
    loop {
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for position in 0..statements.len() {
            members.entry(root(parent, position)).or_default().push(position);
        }
        let mut changed = false;
        for (group, positions) in members.iter().filter(|group| group.1.len() > 1) {
            let (first, last) = (positions[0], positions[positions.len() - 1]);
            // What depends on the group, with the statement outside that assigns it.
            let mut tainted: BTreeMap<&str, Option<usize>> = BTreeMap::new();
            for (position, statement) in statements.iter().enumerate().take(last + 1).skip(first) {
                let inside = positions.binary_search(&position).is_ok();
                let mut depends = inside;
                let mut back = vec![];
                statement.reads(&mut |name| {
                    if let Some(writer) = tainted.get(name) {
                        depends = true;
                        back.extend(writer.filter(|_| inside));
                    }
                });
                if depends {
                    statement.targets(&mut |name| {
                        tainted.insert(name, (!inside).then_some(position));
                    });
                }
                for writer in back {
                    unite(parent, *group, writer);
                    changed = true;
                }
            }
        }
        if !changed {
            return;
        }
    }
}

fn root(parent: &mut [usize], mut position: usize) -> usize {
    while parent[position] != position {
        parent[position] = parent[parent[position]];
        position = parent[position];
    }
    position
}

/// The root is the first statement of the group, so that groups keep the order of the kernel.
fn unite(parent: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(parent, a), root(parent, b));
    parent[a.max(b)] = a.min(b);
}

/// The signals that a group assigns.
pub(super) fn targets(group: &[Statement]) -> BTreeSet<String> {
    let mut targets = BTreeSet::new();
    for statement in group {
        statement.targets(&mut |target| {
            targets.insert(target.to_string());
        });
    }
    targets
}

/// Checks that each signal is assigned before it is read, and on every path.
fn check(group: &Group) -> Result<(), String> {
    let targets = targets(group);
    let mut assigned = BTreeSet::new();
    walk(group, &targets, &mut assigned)?;
    match targets.difference(&assigned).next() {
        Some(latch) => {
            Err(format!("`{latch}` is not assigned on every path and would latch: give it a default first"))
        }
        None => Ok(()),
    }
}

fn walk<'a>(
    block: &'a [Statement],
    targets: &BTreeSet<String>,
    assigned: &mut BTreeSet<String>,
) -> Result<(), String> {
    for statement in block {
        let mut early = None;
        let mut read = |name: &'a str| {
            if targets.contains(name) && !assigned.contains(name) {
                early = early.or(Some(name));
            }
        };
        match statement {
            Statement::Set { value, .. } => reads(value, &mut read),
            Statement::If(condition, ..) => reads(condition, &mut read),
            Statement::Case(subject, _) => reads(subject, &mut read),
        }
        if let Some(name) = early {
            return Err(format!("`{name}` is read before it is assigned on every path"));
        }
        let branches: Vec<&[Statement]> = match statement {
            Statement::Set { target, .. } => {
                assigned.insert(target.clone());
                continue;
            }
            Statement::If(_, then, otherwise) => vec![then, otherwise],
            Statement::Case(_, arms) => arms.iter().map(|arm| arm.1.as_slice()).collect(),
        };
        let mut common: Option<BTreeSet<String>> = None;
        for branch in branches {
            let mut here = assigned.clone();
            walk(branch, targets, &mut here)?;
            common = Some(match common {
                Some(common) => common.intersection(&here).cloned().collect(),
                None => here,
            });
        }
        *assigned = common.unwrap_or_default();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::u;
    use crate::verilog::expr::Expr;

    fn set(target: &str, value: &str) -> Statement {
        Statement::Set { target: target.into(), ty: u(1), value: Expr::signal(value, u(1)) }
    }

    fn when(condition: &str, then: Vec<Statement>, otherwise: Vec<Statement>) -> Statement {
        Statement::If(Expr::signal(condition, u(1)), then, otherwise)
    }

    #[test]
    fn independent_assignments_stand_alone() {
        let found = groups(vec![set("x", "a"), set("y", "x"), when("c", vec![], vec![])]).unwrap();
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn a_value_that_changes_later_keeps_its_reader() {
        let kernel =
            vec![set("x", "a"), set("y", "x"), when("c", vec![set("x", "b")], vec![]), set("z", "x")];
        let found = groups(kernel).unwrap();
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [3, 1]);
    }

    #[test]
    fn a_detour_through_another_signal_stays_inside() {
        // x -> s -> y, where x and y are assigned together.
        let both = when("c", vec![set("x", "a"), set("y", "a")], vec![]);
        let kernel = vec![set("x", "b"), set("y", "b"), both, set("s", "x"), set("t", "a"), set("y", "s")];
        let found = groups(kernel).unwrap();
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [5, 1]);
    }

    #[test]
    fn latches_are_refused() {
        let error = groups(vec![when("c", vec![set("x", "a")], vec![])]).unwrap_err();
        assert!(error.contains("`x`") && error.contains("latch"), "{error}");
        assert!(groups(vec![when("c", vec![set("x", "a")], vec![set("x", "b")])]).is_ok());
        assert!(groups(vec![set("x", "b"), when("c", vec![set("x", "a")], vec![])]).is_ok());
    }

    #[test]
    fn reads_before_assignment_are_refused() {
        assert!(groups(vec![set("x", "x")]).is_err());
        assert!(groups(vec![set("x", "y"), set("y", "a")]).is_err());
        assert!(groups(vec![when("c", vec![set("x", "a")], vec![]), set("x", "x")]).is_err());
    }
}
