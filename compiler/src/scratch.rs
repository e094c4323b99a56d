//! On-chip memory: slots of equal size that a layer fills in turn.
//!
//! Hazards make any choice of lines correct; rotation makes loads run ahead of reads. A load writes and the
//! array reads through different ports of a bank, so slots of one kind may share banks; kinds that are
//! written by different units (inputs, outputs) get banks of their own.

use bitgauge_arch::Accelerator;

/// Slots of a layer, filled in rotation, each remembering what it holds.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    base: u64,
    size: u64,
    keys: Vec<Option<u64>>,
    next: usize,
}

impl Slots {
    /// `count` slots of `size` lines in `start .. start + lines`, beginning where `cursor` points to, so that
    /// the first slots are those that the layer before used longest ago.
    pub fn new(start: u64, lines: u64, size: u64, count: u64, cursor: u64) -> Slots {
        let size = size.max(1);
        let count = count.clamp(1, (lines / size).max(1));
        let fits = cursor >= start && cursor + count * size <= start + lines;
        let base = if fits { cursor } else { start };
        let next = if fits { 0 } else { (cursor.saturating_sub(start).div_ceil(size) % count) as usize };
        Slots { base, size, keys: vec![None; count as usize], next }
    }

    /// The slot that holds `key`, and whether it has yet to be filled.
    pub fn get(&mut self, key: u64) -> (u64, bool) {
        if let Some(found) = self.keys.iter().position(|held| *held == Some(key)) {
            return (self.base + found as u64 * self.size, false);
        }
        let slot = self.next;
        self.keys[slot] = Some(key);
        self.next = (slot + 1) % self.keys.len();
        (self.base + slot as u64 * self.size, true)
    }

    /// One past the slot filled last: the cursor for the next layer.
    pub fn cursor(&self) -> u64 {
        let last = (self.next + self.keys.len() - 1) % self.keys.len();
        self.base + (last as u64 + 1) * self.size
    }
}

/// Activation scratchpad of a layer, cut at bank boundaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Regions {
    /// First line and lines of each region.
    pub regions: [(u64, u64); 4],
}

impl Regions {
    /// Regions that hold `lines` each, in whole banks; `None` where they do not fit. Banks left over go to the
    /// region that has the least room for its need.
    pub fn new(lines: [u64; 4], bank_lines: u64, banks: u64) -> Option<Regions> {
        cut_banks(lines, bank_lines, banks).map(|regions| Regions { regions })
    }
}

/// First line and lines of regions in whole banks, as [`Regions::new`] makes them.
pub(crate) fn cut_banks<const N: usize>(
    lines: [u64; N],
    bank_lines: u64,
    banks: u64,
) -> Option<[(u64, u64); N]> {
    let mut counts = lines.map(|lines| lines.div_ceil(bank_lines));
    let mut left = banks.checked_sub(counts.iter().sum())?;
    while left > 0 {
        let spare = |index: usize| counts[index] * bank_lines * 100 / lines[index].max(1);
        let Some(index) = (0..N).filter(|&index| lines[index] > 0).min_by_key(|&index| spare(index)) else {
            break;
        };
        counts[index] += 1;
        left -= 1;
    }
    let mut start = 0;
    Some(counts.map(|count| {
        let region = (start, count * bank_lines);
        start += count * bank_lines;
        region
    }))
}

/// Where a layer may put things on chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    /// Its regions of the activation scratchpad; without them it cuts the whole as it likes.
    pub regions: Option<[(u64, u64); 4]>,
    /// First line and lines of the weight scratchpad.
    pub weights: (u64, u64),
}

impl Area {
    /// Everything.
    pub fn whole(accelerator: &Accelerator) -> Area {
        Area { regions: None, weights: (0, u64::from(accelerator.weight_lines())) }
    }

    /// Whether other layers run beside it.
    pub fn shared(&self) -> bool {
        self.regions.is_some()
    }

    /// Regions for these needs, where they fit.
    pub fn regions(&self, lines: [u64; 4], bank_lines: u64, banks: u64) -> Option<Regions> {
        match self.regions {
            None => Regions::new(lines, bank_lines, banks),
            Some(regions) => {
                let fits = lines.iter().zip(&regions).all(|(&lines, &(_, most))| lines <= most);
                fits.then_some(Regions { regions })
            }
        }
    }
}

/// Entries of a parameter memory, handed out round and round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ring {
    cursor: u64,
}

impl Ring {
    /// `count` of `size` entries in a row, the first a multiple of `align`.
    pub fn take(&mut self, count: u64, size: u64, align: u64) -> u64 {
        let mut start = self.cursor.next_multiple_of(align);
        if start + count > size {
            start = 0;
        }
        self.cursor = start + count;
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_rotate_and_remember() {
        let mut slots = Slots::new(100, 50, 20, 4, 0);
        assert_eq!(slots.get(7), (100, true));
        assert_eq!(slots.get(8), (120, true));
        assert_eq!(slots.get(7), (100, false));
        assert_eq!(slots.get(9), (100, true));
        assert_eq!(slots.get(7), (120, true));
        assert_eq!(slots.cursor(), 140);
        assert_eq!(Slots::new(100, 80, 20, 2, 140).get(0), (140, true));
    }

    #[test]
    fn regions_take_whole_banks_and_share_the_rest() {
        let regions = Regions::new([150, 90, 0, 0], 100, 8).unwrap();
        assert_eq!(regions.regions[0].1 % 100, 0);
        assert_eq!(regions.regions[0].1 + regions.regions[1].1, 800);
        assert_eq!(regions.regions[1].0, regions.regions[0].1);
        assert!(Regions::new([150, 90, 101, 0], 100, 4).is_none());
    }

    #[test]
    fn a_ring_wraps_before_it_would_split() {
        let mut ring = Ring::default();
        assert_eq!(
            [(5, 1), (4, 1), (3, 2), (1, 4)].map(|(count, align)| ring.take(count, 8, align)),
            [0, 0, 4, 0]
        );
    }
}
