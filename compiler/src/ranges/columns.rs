//! What is known of each unit of a row.

/// A part of a row, up to `end`, and what is known of it; small, as many of them are looked through.
#[derive(Clone, Debug)]
struct Column<T> {
    end: u64,
    value: T,
}

/// The parts of a row, in order.
#[derive(Debug)]
pub(super) struct Columns<T>(Vec<Column<T>>);

impl<T> Default for Columns<T> {
    fn default() -> Columns<T> {
        Columns(Vec::new())
    }
}

impl<T: Clone> Clone for Columns<T> {
    fn clone(&self) -> Columns<T> {
        Columns(self.0.clone())
    }

    fn clone_from(&mut self, other: &Columns<T>) {
        self.0.clone_from(&other.0);
    }
}

impl<T: Clone + Default> Columns<T> {
    /// The same is known of all units of a row of `stride`.
    pub fn fill(&mut self, stride: u64, value: &T) {
        self.0.clear();
        self.0.push(Column { end: stride, value: value.clone() });
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What is known of the first part, when nothing else is needed any more.
    pub fn take_first(&mut self) -> T {
        self.0.drain(..).next().map(|column| column.value).unwrap_or_default()
    }

    /// The end of each part, and what is known of it.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.0.iter().map(|column| (column.end, &column.value))
    }

    /// Changes what is known of all.
    #[inline]
    pub fn change_all(&mut self, mut change: impl FnMut(&mut T)) {
        self.0.iter_mut().for_each(|column| change(&mut column.value));
    }

    /// Changes what is known of `start..end`. Where `one`, the same is known of all of it then.
    #[inline]
    pub fn change(&mut self, start: u64, end: u64, one: bool, change: &mut impl FnMut(&mut T)) {
        let list = &mut self.0;
        let mut from = list.partition_point(|column| column.end <= start);
        let begin = from.checked_sub(1).map_or(0, |before| list[before].end);
        if begin < start {
            list.insert(from, Column { end: start, ..list[from].clone() });
            from += 1;
        }
        let mut at = from;
        while let Some(column) = list.get_mut(at) {
            if column.end > end {
                let column = Column { end, value: column.value.clone() };
                list.insert(at, column);
            }
            let column = &mut list[at];
            change(&mut column.value);
            if column.end == end {
                break;
            }
            at += 1;
        }
        if one && at > from {
            list.drain(from..at);
        }
    }
}
