//! The tables of the post-processor and of the vector unit: two of 256 entries each.
//!
//! ```text
//!  line of W bytes ──┬── copy of lane 0 ── entry of lane 0's code
//!  (byte enables)    ├── copy of lane 1 ── entry of lane 1's code
//!                    └── ...
//! ```
//!
//! ```text
//! cycle      t      t+1
//! re, raddr  __/~~~~\___
//! rdata      ________<entry>   behind the choice among the line's entries
//! ```

use super::scratchpad::{LINE_ADDRESS_BITS, piece_bytes};
use crate::prelude::*;
use rust_hdl::prelude::*;

/// Entries of both tables together.
pub const TABLE_ENTRIES: usize = 512;

documented! {
    /// Two tables of 256 entries, for several lanes at once: each lane has a copy.
    ///
    /// They are written in lines; the second table follows the first.
    #[derive(LogicBlock)]
    pub struct Tables {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// bytes to write; none: no write
        pub we: Sig,
        /// line to write: byte address / bytes of a line
        pub waddr: Sig,
        /// bytes of the line
        pub wdata: Vec<Sig>,
        /// all lanes read
        pub re: Signal<In, Bit>,
        /// table * 256 + code, of each lane
        pub raddr: Vec<Sig>,
        /// entry of each lane, a cycle later
        pub rdata: Vec<Sig>,
        memory: Vec<Mem>,
        /// words of the line
        word: Vec<Sig>,
        /// place of the entry in its line
        place: Vec<Reg>,
        /// the word with the entry
        seen: Vec<Sig>,
        read_shift: Const,
        /// entries of a word less one
        within: Const,
        word_shift: Const,
        entry_shift: Const,
        bytes: Const,
        words: Const,
        _bytes: usize,
        _words: usize,
        _lanes: usize
    }
}

impl Tables {
    /// Tables of entries of `entry` bytes (1 or 2) for `lanes` lanes, written in lines of `line` bytes.
    #[must_use]
    pub fn new(entry: usize, line: usize, lanes: usize) -> Tables {
        let bytes = piece_bytes(line);
        let words = line / bytes;
        let line_entries = line / entry;
        let memory =
            |_| Mem::with_lanes(TABLE_ENTRIES / line_entries, u(8 * bytes), bytes).without_collisions();
        Tables {
            name: Named::of(format!("tables_e{entry}_line{line}_by{lanes}"), &Tables::DOCS),
            clock: Signal::default(),
            we: Sig::input(u(line)),
            waddr: Sig::input(u(LINE_ADDRESS_BITS)),
            wdata: Sig::inputs(u(8), line),
            re: Signal::default(),
            raddr: Sig::inputs(u(clog2(TABLE_ENTRIES)), lanes),
            rdata: Sig::outputs(u(8 * entry), lanes),
            memory: (0..lanes * words).map(memory).collect(),
            word: Sig::locals(u(8 * bytes), words),
            seen: Sig::locals(u(8 * bytes), lanes),
            place: Reg::many(u(clog2(line_entries)), lanes),
            read_shift: Const::new(clog2(line_entries)),
            within: Const::new(bytes / entry - 1),
            word_shift: Const::new(clog2(bytes / entry)),
            entry_shift: Const::new(clog2(8 * entry)),
            bytes: Const::new(bytes),
            words: Const::new(words),
            _bytes: bytes,
            _words: words,
            _lanes: lanes,
        }
    }
}

impl Logic for Tables {
    #[hdl_gen]
    fn update(&mut self) {
        for w in 0..self._words {
            self.word[w].next = 0.into();
            for k in 0..self._bytes {
                self.word[w].next = self.word[w].val() | (self.wdata[w * self._bytes + k].val() << (8 * k));
            }
        }
        for l in 0..self._lanes {
            self.place[l].clock.next = self.clock.val();
            self.place[l].d.next = self.place[l].q.val();
            if self.re.val() {
                self.place[l].d.next = self.raddr[l].val();
            }
            self.seen[l].next = 0.into();
            for w in 0..self._words {
                self.memory[l * self._words + w].clock.next = self.clock.val();
                self.memory[l * self._words + w].we.next = self.we.val() >> (self.bytes.val() * w);
                self.memory[l * self._words + w].waddr.next = self.waddr.val();
                self.memory[l * self._words + w].wdata.next = self.word[w].val();
                self.memory[l * self._words + w].re.next = self.re.val();
                self.memory[l * self._words + w].raddr.next = self.raddr[l].val() >> self.read_shift.val();
                if (self.place[l].q.val() >> self.word_shift.val()) == w {
                    self.seen[l].next = self.memory[l * self._words + w].rdata.val();
                }
            }
            self.rdata[l].next =
                self.seen[l].val() >> ((self.place[l].q.val() & self.within.val()) << self.entry_shift.val());
        }
    }
}
