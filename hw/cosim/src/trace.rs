//! The bench's trace: start and end of every command.

use bitgauge_arch::command::Unit;

/// One command on the RTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Who ran it.
    pub unit: Unit,
    /// Cycle in which its unit took it.
    pub start: u64,
    /// One past its last cycle; `u64::MAX` where it never ended.
    pub end: u64,
}

/// Puts the events of a trace (`s unit cycle`, `e unit cycle`) together; per unit in the order of starts.
pub(crate) fn spans(text: &str) -> Option<[Vec<Span>; 4]> {
    let mut spans: [Vec<Span>; 4] = Default::default();
    let mut ended = [0; 4];
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let kind = words.next()?;
        let index: usize = words.next()?.parse().ok()?;
        let cycle: u64 = words.next()?.parse().ok()?;
        let unit = *Unit::ALL.get(index)?;
        if kind == "s" {
            spans[index].push(Span { unit, start: cycle, end: u64::MAX });
        } else {
            spans[index].get_mut(ended[index])?.end = cycle;
            ended[index] += 1;
        }
    }
    Some(spans)
}
