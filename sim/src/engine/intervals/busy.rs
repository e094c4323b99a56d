//! What a unit works: cycles in ascending order, at equal distances as one entry.

/// Cycles at equal distances: `count` times `length` cycles, each `period` after the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comb {
    start: u64,
    length: u64,
    period: u64,
    count: u64,
}

impl Comb {
    fn end(&self) -> u64 {
        self.start + (self.count - 1) * self.period + self.length
    }

    /// The last cycle up to `cycle` at which it can be cut between its parts.
    fn seam(&self, cycle: u64) -> u64 {
        if cycle <= self.start || cycle >= self.end() {
            cycle
        } else if self.count == 1 {
            self.start
        } else {
            let at = self.start + (cycle - self.start) / self.period * self.period;
            if cycle - at >= self.length { cycle } else { at }
        }
    }

    /// Its parts from a seam on; it ends behind the seam.
    fn behind(self, seam: u64) -> Comb {
        if self.start >= seam {
            return self;
        }
        let parts = (seam - self.start).div_ceil(self.period);
        Comb { start: self.start + parts * self.period, count: self.count - parts, ..self }
    }

    /// Its cycles before `cycle`.
    fn before(&self, cycle: u64) -> u64 {
        if cycle <= self.start {
            return 0;
        }
        // Mostly all of them: no division.
        if cycle >= self.end() {
            return self.count * self.length;
        }
        let since = cycle - self.start;
        if self.count == 1 {
            return since;
        }
        let teeth = since / self.period;
        teeth * self.length + (since % self.period).min(self.length)
    }
}

/// A set of cycles whose parts are disjoint and come in ascending order: what a unit works. Cycles at equal
/// distances take one entry, however many they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Busy {
    pub(super) list: Vec<Comb>,
    /// Cycles of all of them.
    total: u64,
}

impl Busy {
    /// Adds `start..end`, not before the end of what was added before.
    #[inline]
    pub fn push(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        self.total += end - start;
        if let Some(last) = self.list.last_mut() {
            if last.count == 1 && last.start + last.length == start {
                last.length = end - last.start;
                return;
            }
            if last.count > 1 && last.length == end - start && last.start + last.count * last.period == start
            {
                last.count += 1;
                return;
            }
        }
        self.list.push(Comb { start, length: end - start, period: 0, count: 1 });
    }

    /// Adds `count` times `length` cycles, the first ones from `start` on, each `period` (more than `length`)
    /// after the ones before.
    #[inline]
    pub fn push_comb(&mut self, start: u64, length: u64, period: u64, count: u64) {
        if length == 0 || count == 0 {
            return;
        }
        if period <= length || count == 1 {
            return self.push(start, start + (count - 1) * period + length);
        }
        self.total += count * length;
        if let Some(last) = self.list.last_mut()
            && last.length == length
        {
            // A single part takes any distance.
            if last.count == 1 && last.start + period == start {
                last.period = period;
            }
            if last.period == period && last.start + last.count * period == start {
                last.count += count;
                return;
            }
        }
        self.list.push(Comb { start, length, period, count });
    }

    /// Number of cycles before `until`.
    pub(super) fn measure(&self, until: u64) -> u64 {
        // Nearly all lie before it.
        let behind = self.list.iter().rev().take_while(|comb| comb.end() > until);
        behind.fold(self.total, |total, comb| total - (comb.count * comb.length - comb.before(until)))
    }

    /// The last cycle up to `until` where it can be cut.
    pub(super) fn seam(&self, until: u64) -> u64 {
        let whole = self.list.partition_point(|comb| comb.end() <= until);
        self.list.get(whole).map_or(until, |comb| comb.seam(until))
    }

    /// Takes away what lies before a seam.
    pub(super) fn discard(&mut self, seam: u64) {
        self.total -= self.measure(seam);
        let whole = self.list.partition_point(|comb| comb.end() <= seam);
        self.list.drain(..whole);
        if let Some(first) = self.list.first_mut() {
            *first = first.behind(seam);
        }
    }

    /// Counts how many of its cycles lie in ranges that ascend.
    pub(super) fn within(&self) -> Within<'_> {
        Within { combs: &self.list }
    }
}

/// The combs that end behind the last range.
pub(super) struct Within<'a> {
    combs: &'a [Comb],
}

impl Within<'_> {
    /// The cycles in `from..to`.
    #[inline]
    pub(super) fn count(&mut self, from: u64, to: u64) -> u64 {
        let mut combs = self.combs;
        if combs.first().is_some_and(|comb| comb.end() <= from) {
            // The next one is often not far.
            let near = combs.len().min(8);
            let near = if combs[near - 1].end() <= from { combs.len() } else { near };
            combs = &combs[combs[..near].partition_point(|comb| comb.end() <= from)..];
        }
        let mut count = 0;
        while let Some((comb, rest)) = combs.split_first().filter(|(comb, _)| comb.start < to) {
            count += comb.before(to) - comb.before(from);
            // The next range may lie in this comb as well.
            if comb.end() > to {
                break;
            }
            combs = rest;
        }
        self.combs = combs;
        count
    }
}
