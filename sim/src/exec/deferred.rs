//! Loads that are not carried out until somebody needs the bytes in the scratchpad itself: a product or a depthwise
//! sum reads them where they lie in external memory as well, and most are overwritten before anybody else looks.
//!
//! At the end of a run, and before anything that could tell the difference, they are carried out in their order.

/// Loads kept waiting at a time.
const MOST: usize = 32;

/// One block that a load would have brought.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// First byte in the scratchpad.
    to: usize,
    /// First byte in external memory.
    from: usize,
    bytes: usize,
}

/// Where bytes of a scratchpad are at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the scratchpad.
    Here,
    /// In external memory, from this byte on.
    Outside(usize),
    /// In part here and in part there.
    Mixed,
}

/// Loads into one scratchpad that wait, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Deferred {
    blocks: Vec<Block>,
}

impl Deferred {
    /// Where the bytes `start..end` of the scratchpad are.
    pub fn place(&self, start: usize, end: usize) -> Place {
        // The last one that touches them counts.
        match self.blocks.iter().rev().find(|block| block.to < end && start < block.to + block.bytes) {
            None => Place::Here,
            Some(block) if block.to <= start && end <= block.to + block.bytes => {
                Place::Outside(block.from + start - block.to)
            }
            Some(_) => Place::Mixed,
        }
    }

    /// Lets a block wait.
    pub fn push(&mut self, to: usize, from: usize, bytes: usize, space: &mut [u8], memory: &[u8]) {
        self.forget(to, to + bytes);
        if self.blocks.len() == MOST {
            self.settle(space, memory);
        }
        self.blocks.push(Block { to, from, bytes });
    }

    /// All bytes of `start..end` are about to be written: loads that lie inside come to nothing.
    pub fn forget(&mut self, start: usize, end: usize) {
        self.blocks.retain(|block| block.to < start || end < block.to + block.bytes);
    }

    /// Carries out all that wait.
    pub fn settle(&mut self, space: &mut [u8], memory: &[u8]) {
        for block in self.blocks.drain(..) {
            space[block.to..][..block.bytes].copy_from_slice(&memory[block.from..][..block.bytes]);
        }
    }

    /// Carries out all that wait if one of them goes to `start..end`, which is about to be read or written here.
    pub fn settle_at(&mut self, start: usize, end: usize, space: &mut [u8], memory: &[u8]) {
        if self.place(start, end) != Place::Here {
            self.settle(space, memory);
        }
    }

    /// Carries out all that wait if one of them comes from `start..end` of external memory, which is about to be
    /// written.
    pub fn settle_from(&mut self, start: usize, end: usize, space: &mut [u8], memory: &[u8]) {
        if self.blocks.iter().any(|block| block.from < end && start < block.from + block.bytes) {
            self.settle(space, memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_load_counts() {
        let memory: Vec<u8> = (0..100).collect();
        let mut space = vec![200; 40];
        let mut deferred = Deferred::default();
        deferred.push(0, 50, 20, &mut space, &memory);
        deferred.push(10, 80, 5, &mut space, &memory);
        assert_eq!(deferred.place(0, 10), Place::Outside(50));
        assert_eq!(deferred.place(11, 14), Place::Outside(81));
        assert_eq!(deferred.place(9, 11), Place::Mixed);
        assert_eq!(deferred.place(0, 20), Place::Mixed);
        assert_eq!(deferred.place(20, 40), Place::Here);
        deferred.settle_at(20, 40, &mut space, &memory);
        deferred.settle_from(70, 80, &mut space, &memory);
        assert_eq!(space, [200; 40]);
        deferred.settle_from(60, 61, &mut space, &memory);
        assert_eq!(
            space[..20],
            [50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 80, 81, 82, 83, 84, 65, 66, 67, 68, 69]
        );
        assert_eq!((space[20], deferred.place(0, 40)), (200, Place::Here));
        deferred.push(0, 50, 20, &mut space, &memory);
        deferred.push(10, 80, 5, &mut space, &memory);
        deferred.forget(10, 15);
        assert_eq!(deferred.place(10, 15), Place::Outside(60));
        deferred.push(0, 0, 40, &mut space, &memory);
        assert_eq!((deferred.blocks.len(), deferred.place(0, 40)), (1, Place::Outside(0)));
    }
}
