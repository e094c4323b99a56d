//! What is known of each unit of an address space, where it is set and changed all the time, rows at a time.
//!
//! A space is a chain of parts. Of a part the same is known everywhere, or the same of each of its rows: rows of a
//! tile lie in external memory, and in the scratchpads, at equal distances, and one change serves them all. A
//! table of pages leads to the part in which a page begins, so finding one takes no walk through a tree, and
//! cutting one moves no others.

mod columns;
#[cfg(test)]
mod tests;

use bitgauge_arch::footprint::Run;

use columns::Columns;

/// The end of the last part: no address reaches it.
const ENDLESS: u64 = u64::MAX;

/// A part and what is known of it.
#[derive(Clone, Debug, Default)]
struct Part<T> {
    start: u64,
    end: u64,
    /// The part behind it.
    next: u32,
    /// Units of a row, where rows are known; 0 otherwise.
    stride: u64,
    /// What is known of it, where there are no rows.
    value: T,
    /// What is known of each row, where there are several.
    columns: Columns<T>,
}

/// What is known of one space.
#[derive(Debug)]
pub(crate) struct Ranges<T> {
    page_bits: u32,
    /// The part in which each page begins. Behind the last of these pages there is only the last part.
    pages: Vec<u32>,
    parts: Vec<Part<T>>,
    /// The last part, and those that are not used.
    tail: u32,
    unused: Vec<u32>,
}

impl<T: Clone + Default> Ranges<T> {
    /// The default everywhere; `1 << page_bits` units are a page, which should be about as many as an access has.
    pub fn new(page_bits: u32) -> Ranges<T> {
        let parts = vec![Part { end: ENDLESS, ..Part::default() }];
        Ranges { page_bits, pages: Vec::new(), parts, tail: 0, unused: Vec::new() }
    }

    /// Changes what is known of the run's units. Where `one`, the same is known of all of them then.
    #[inline]
    pub fn change(&mut self, run: &Run, one: bool, mut change: impl FnMut(&mut T)) {
        let (mut start, mut left) = (run.start, run.count);
        while left > 0 {
            let rows = if left > 1 { self.rows(start, left, run) } else { None };
            let done = match rows {
                Some((part, rows, column)) => {
                    let columns = &mut self.parts[part as usize].columns;
                    columns.change(column, column + run.length, one, &mut change);
                    rows
                }
                None => {
                    self.range(start, start + run.length, one, &mut change);
                    1
                }
            };
            start += done * run.stride;
            left -= done;
        }
    }

    /// A part of rows of their own for the run's next ranges, `left` from `start` on, as many as can be had at once:
    /// how many these are, and their column.
    #[inline]
    fn rows(&mut self, start: u64, left: u64, run: &Run) -> Option<(u32, u64, u64)> {
        let Run { stride, length, .. } = *run;
        let mut at = self.find(start);
        let part = &self.parts[at as usize];
        let since = start - part.start;
        let column = since % stride;
        let fits = column + length <= stride;
        // Rows begin where the part does, if it can have some.
        let origin = match part.stride {
            0 if part.end != ENDLESS && (part.end - part.start).is_multiple_of(stride) && fits => {
                start - column
            }
            0 => start,
            of if of == stride && fits => start - column,
            _ => return None,
        };
        let rows = ((part.end - origin) / stride).min(left);
        if rows < 2 {
            return None;
        }
        if origin > part.start {
            let before = at;
            at = self.cut(before, origin);
            self.settle(before);
        }
        let end = origin + rows * stride;
        let part = &mut self.parts[at as usize];
        if end < part.end {
            let behind = self.cut(at, end);
            self.settle(behind);
        }
        let part = &mut self.parts[at as usize];
        if part.stride == 0 {
            part.stride = stride;
            part.columns.fill(stride, &part.value);
        }
        Some((at, rows, start - origin))
    }

    /// Changes what is known of `start..end`.
    #[inline]
    fn range(&mut self, start: u64, end: u64, one: bool, change: &mut impl FnMut(&mut T)) {
        let mut at = self.find(start);
        if self.parts[at as usize].start < start {
            at = self.split(at, start);
        }
        let first = at;
        loop {
            if self.parts[at as usize].end > end {
                self.split(at, end);
            }
            let part = &mut self.parts[at as usize];
            if part.stride == 0 {
                change(&mut part.value);
            } else {
                part.columns.change_all(&mut *change);
            }
            if part.end == end {
                break;
            }
            at = part.next;
        }
        if one {
            self.join(first, at);
        }
    }

    /// Makes one of the parts from `first` to `last`, of which the same is known.
    #[inline]
    fn join(&mut self, first: u32, last: u32) {
        let part = &mut self.parts[first as usize];
        if part.stride > 0 {
            part.stride = 0;
            part.value = part.columns.take_first();
        }
        if first == last {
            return;
        }
        let from = part.end;
        let mut at = part.next;
        let Part { end, next, .. } = self.parts[last as usize];
        let part = &mut self.parts[first as usize];
        (part.end, part.next) = (end, next);
        while at != next {
            self.unused.push(at);
            at = self.parts[at as usize].next;
        }
        self.lead(from, end, first);
    }

    /// The part that has a unit.
    #[inline]
    fn find(&mut self, unit: u64) -> u32 {
        let page = (unit >> self.page_bits) as usize;
        if page >= self.pages.len() {
            self.pages.resize(page + 1, self.tail);
        }
        let mut at = self.pages[page];
        while self.parts[at as usize].end <= unit {
            at = self.parts[at as usize].next;
        }
        at
    }

    /// The pages that begin in `start..end` lead to a part.
    #[inline]
    fn lead(&mut self, start: u64, end: u64, part: u32) {
        let page =
            |unit: u64| (((unit - 1) >> self.page_bits) as usize).saturating_add(1).min(self.pages.len());
        let pages = page(start)..page(end);
        self.pages[pages].fill(part);
    }

    /// Cuts a part at a unit within it, which begins one of its rows where it has rows. Returns the part from there.
    #[inline]
    fn cut(&mut self, part: u32, unit: u64) -> u32 {
        let behind = self.unused.pop().unwrap_or_else(|| {
            self.parts.push(Part::default());
            self.parts.len() as u32 - 1
        });
        let mut columns = std::mem::take(&mut self.parts[behind as usize].columns);
        let before = &mut self.parts[part as usize];
        let Part { end, next, stride, .. } = *before;
        if stride > 0 {
            columns.clone_from(&before.columns);
        }
        let value = before.value.clone();
        (before.end, before.next) = (unit, behind);
        self.parts[behind as usize] = Part { start: unit, end, next, stride, value, columns };
        if part == self.tail {
            // Pages that are not there yet lead to the tail.
            let page = (unit >> self.page_bits) as usize;
            if page >= self.pages.len() {
                self.pages.resize(page + 1, part);
            }
            self.tail = behind;
        }
        self.lead(unit, end, behind);
        behind
    }

    /// Cuts a part at a unit within it. Returns the part from there.
    fn split(&mut self, mut part: u32, unit: u64) -> u32 {
        let Part { start, end, stride, .. } = self.parts[part as usize];
        if stride == 0 {
            return self.cut(part, unit);
        }
        // The row that the unit lies in becomes a part of its own, if the unit does not begin it.
        let row = unit - (unit - start) % stride;
        if row > start {
            let behind = self.cut(part, row);
            self.settle(part);
            part = behind;
        }
        if row < unit && row + stride < end {
            let behind = self.cut(part, row + stride);
            self.settle(behind);
        }
        self.settle(part);
        while self.parts[part as usize].end <= unit {
            part = self.parts[part as usize].next;
        }
        if self.parts[part as usize].start < unit { self.cut(part, unit) } else { part }
    }

    /// A part of one row becomes a part for each column.
    #[inline]
    fn settle(&mut self, part: u32) {
        let Part { start, end, stride, .. } = self.parts[part as usize];
        if stride == 0 || end - start > stride {
            return;
        }
        let mut columns = std::mem::take(&mut self.parts[part as usize].columns);
        self.parts[part as usize].stride = 0;
        let mut at = part;
        for (column_end, value) in columns.iter() {
            self.parts[at as usize].value = value.clone();
            if start + column_end < end {
                at = self.cut(at, start + column_end);
            }
        }
        columns.clear();
        self.parts[part as usize].columns = columns;
    }
}
