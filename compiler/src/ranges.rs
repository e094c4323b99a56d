//! What is known of each range of an address space, where ranges are set and changed all the time.
//!
//! Ranges are kept in pages, each a short sorted list, so that finding one takes no walk through a tree, and
//! changing one moves few others. Ranges are cut at the ends of pages, which nobody can tell from outside.

/// A range in a page and what is known of it; small, as many of them are looked through.
#[derive(Clone, Debug)]
struct Piece<T> {
    start: u16,
    end: u16,
    value: T,
}

/// Disjoint ranges of one space.
#[derive(Debug)]
pub(crate) struct Ranges<T> {
    page_bits: u32,
    pages: Vec<Vec<Piece<T>>>,
    /// Where in its page the last range was found: rows of a tile lie in many pages alike.
    hint: usize,
    /// Memory for a change under way.
    changed: Vec<Piece<T>>,
}

/// The place of the first range that ends behind `start`.
#[inline]
fn find<T>(list: &[Piece<T>], start: u16, hint: &mut usize) -> usize {
    if list.get(*hint).is_none_or(|piece| piece.start != start) {
        *hint = list.partition_point(|piece| piece.end <= start);
    }
    *hint
}

impl<T: Clone + Default> Ranges<T> {
    /// None yet; `1 << page_bits` units are a page, and 15 bits the most.
    pub fn new(page_bits: u32) -> Ranges<T> {
        let page_bits = page_bits.min(15);
        Ranges { page_bits, pages: Vec::new(), hint: 0, changed: Vec::new() }
    }

    /// Changes all that is known of `start..end`; what nothing is known of begins with the default.
    #[inline]
    pub fn change(&mut self, start: u64, end: u64, mut change: impl FnMut(&mut T)) {
        self.each_page(start, end, |list, changed, hint, start, end| {
            let from = find(list, start, hint);
            match list.get_mut(from) {
                Some(piece) if piece.start == start && piece.end == end => return change(&mut piece.value),
                Some(piece) if piece.start < end => {}
                _ => {
                    let mut value = T::default();
                    change(&mut value);
                    return list.insert(from, Piece { start, end, value });
                }
            }
            // Mostly whole ranges side by side.
            let mut until = from;
            let mut at = start;
            while let Some(piece) = list.get_mut(until).filter(|piece| piece.start == at && piece.end <= end)
            {
                change(&mut piece.value);
                at = piece.end;
                until += 1;
            }
            if at == end {
                return;
            }
            let (from, start) = (until, at);
            until += list[from..].partition_point(|piece| piece.start < end);
            at = start;
            let mut fill = |changed: &mut Vec<Piece<T>>, start, end, mut value: T| {
                if start < end {
                    change(&mut value);
                    changed.push(Piece { start, end, value });
                }
            };
            for piece in &list[from..until] {
                if piece.start < start {
                    changed.push(Piece { end: start, ..piece.clone() });
                }
                fill(changed, at, piece.start, T::default());
                at = piece.end.min(end);
                fill(changed, piece.start.max(start), at, piece.value.clone());
                if piece.end > end {
                    changed.push(Piece { start: end, ..piece.clone() });
                }
            }
            fill(changed, at, end, T::default());
            list.splice(from..until, changed.drain(..));
        });
    }

    /// Sets what is known of `start..end`, and shows what was known of any of it.
    #[inline]
    pub fn set(&mut self, start: u64, end: u64, value: &T, mut old: impl FnMut(&T)) {
        self.each_page(start, end, |list, changed, hint, start, end| {
            let from = find(list, start, hint);
            match list.get_mut(from) {
                Some(piece) if piece.start == start && piece.end == end => {
                    old(&piece.value);
                    piece.value.clone_from(value);
                    return;
                }
                Some(piece) if piece.start < end => {}
                _ => return list.insert(from, Piece { start, end, value: value.clone() }),
            }
            let until = from + list[from..].partition_point(|piece| piece.start < end);
            list[from..until].iter().for_each(|piece| old(&piece.value));
            if list[from].start < start {
                changed.push(Piece { end: start, ..list[from].clone() });
            }
            changed.push(Piece { start, end, value: value.clone() });
            if list[until - 1].end > end {
                changed.push(Piece { start: end, ..list[until - 1].clone() });
            }
            list.splice(from..until, changed.drain(..));
        });
    }

    /// Calls `work` for the part of `start..end` in each page.
    #[inline]
    fn each_page(
        &mut self,
        start: u64,
        end: u64,
        mut work: impl FnMut(&mut Vec<Piece<T>>, &mut Vec<Piece<T>>, &mut usize, u16, u16),
    ) {
        let mut at = start;
        while at < end {
            let page = (at >> self.page_bits) as usize;
            let until = end.min((page as u64 + 1) << self.page_bits);
            if page >= self.pages.len() {
                self.pages.resize_with(page + 1, Vec::new);
            }
            let base = (page as u64) << self.page_bits;
            work(
                &mut self.pages[page],
                &mut self.changed,
                &mut self.hint,
                (at - base) as u16,
                (until - base) as u16,
            );
            at = until;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: an array with a value for each unit.
    #[test]
    fn ranges_are_as_their_units() {
        let mut state = 3u64;
        let mut below = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        let mut ranges = Ranges::new(4);
        let mut units = [0u64; 200];
        for number in 1..3000 {
            let start = below(190);
            let end = start + 1 + below(200 - start).min(below(50));
            let part = &mut units[start as usize..end as usize];
            let mut seen = std::collections::BTreeSet::new();
            let mut expected: std::collections::BTreeSet<u64> = part.iter().copied().collect();
            if below(2) == 0 {
                ranges.change(start, end, |value| {
                    seen.insert(*value);
                    *value += number;
                });
                part.iter_mut().for_each(|value| *value += number);
                assert_eq!(seen, expected);
            } else {
                ranges.set(start, end, &number, |value| {
                    assert!(seen.insert(*value) || expected.contains(value))
                });
                part.fill(number);
                // Where nothing is known nothing is shown.
                seen.insert(0);
                expected.insert(0);
                assert_eq!(seen, expected);
            }
        }
    }
}
