//! The buffer of the length table.

use crate::prelude::*;
use crate::units::Shape;
use bitgauge_arch::timing::LENGTH_TABLE_BYTES;
use rust_hdl::prelude::*;

documented! {
    /// Buffer of a length table: beats in, entries of 16 bits out, for request side and write side.
    ///
    /// An entry is there in the cycle after its number.
    #[derive(LogicBlock)]
    pub struct LengthTable {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a new table comes
        pub clear: Signal<In, Bit>,
        /// a beat of it
        pub push: Signal<In, Bit>,
        /// its words
        pub beat: Vec<Sig>,
        /// beats that have come
        pub came: Sig,
        /// entry wanted by each reader
        pub number: Vec<Sig>,
        /// the entry, a cycle later
        pub entry: Vec<Sig>,
        memory: Vec<Mem>,
        count: Reg,
        seen: Vec<Reg>,
        word: Vec<Sig>,
        words: Const,
        row_shift: Const,
        word_mask: Const,
        _words: usize
    }
}

impl LengthTable {
    /// The buffer of a design.
    #[must_use]
    pub fn new(shape: &Shape) -> LengthTable {
        let (bus, words) = (shape.bus, shape.bus / 4);
        let depth = LENGTH_TABLE_BYTES as usize / bus;
        LengthTable {
            name: Named::of(format!("length_table_bus{bus}"), &LengthTable::DOCS),
            clock: Signal::default(),
            clear: Signal::default(),
            push: Signal::default(),
            beat: Sig::inputs(u(32), words),
            came: Sig::output(u(7)),
            number: Sig::inputs(u(7), 2),
            entry: Sig::outputs(u(16), 2),
            memory: (0..2 * words).map(|_| Mem::new(depth, u(32))).collect(),
            count: Reg::new(u(7)),
            seen: Reg::many(u(7), 2),
            word: Sig::locals(u(32), 2),
            words: Const::new(words),
            row_shift: Const::new(clog2(bus / 2)),
            word_mask: Const::new(words - 1),
            _words: words,
        }
    }
}

impl Logic for LengthTable {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, count);
        self.came.next = self.count.q.val();
        if self.push.val() {
            self.count.d.next = self.count.q.val() + 1;
        }
        if self.clear.val() {
            self.count.d.next = 0.into();
        }
        for r in 0..2 {
            self.seen[r].clock.next = self.clock.val();
            self.seen[r].d.next = self.number[r].val();
            self.word[r].next = self.memory[r * self._words].rdata.val();
            for w in 0..self._words {
                self.memory[r * self._words + w].clock.next = self.clock.val();
                self.memory[r * self._words + w].we.next = self.push.val().into();
                self.memory[r * self._words + w].waddr.next = self.count.q.val();
                self.memory[r * self._words + w].wdata.next = self.beat[w].val();
                self.memory[r * self._words + w].re.next = true;
                self.memory[r * self._words + w].raddr.next = self.number[r].val() >> self.row_shift.val();
                if ((self.seen[r].q.val() >> 1usize) & self.word_mask.val()) == w {
                    self.word[r].next = self.memory[r * self._words + w].rdata.val();
                }
            }
            self.entry[r].next = self.word[r].val();
            if self.seen[r].q.val().get_bit(0usize) {
                self.entry[r].next = self.word[r].val() >> 16usize;
            }
        }
    }
}
