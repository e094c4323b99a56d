//! The length table of a `zvc` store.

use crate::prelude::*;
use crate::units::Shape;
use bitgauge_arch::timing::LENGTH_TABLE_BYTES;
use rust_hdl::prelude::*;

documented! {
    /// Buffer of the length table: written an entry at a time, read a beat at a time.
    #[derive(LogicBlock)]
    pub struct StoreTable {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// writes an entry
        pub we: Signal<In, Bit>,
        /// which one
        pub entry: Sig,
        /// beats of the block
        pub beats: Sig,
        /// the block is packed
        pub escaped: Signal<In, Bit>,
        /// beat to read
        pub raddr: Sig,
        /// its bytes, a cycle later
        pub rdata: Vec<Sig>,
        value: Sig,
        row: Sig,
        word: Sig,
        ram: Vec<Mem>,
        one: Const,
        row_log2: Const,
        _words: usize
    }
}

impl StoreTable {
    /// The buffer for beats of this shape.
    #[must_use]
    pub fn new(shape: &Shape, length: Ty) -> StoreTable {
        let words = shape.bus / 4;
        let depth = LENGTH_TABLE_BYTES as usize / shape.bus;
        StoreTable {
            name: Named::of(
                format!("store_table_bus{}_length{}", shape.bus, length.width),
                &StoreTable::DOCS,
            ),
            clock: Signal::default(),
            we: Signal::default(),
            entry: Sig::input(u(7)),
            beats: Sig::input(length),
            escaped: Signal::default(),
            raddr: Sig::input(u(6)),
            rdata: Sig::outputs(u(8), shape.bus),
            value: Sig::local(u(16)),
            row: Sig::local(u(6)),
            word: Sig::local(u(7)),
            ram: (0..words).map(|_| Mem::with_lanes(depth, u(32), 2)).collect(),
            one: Const::new(1),
            row_log2: Const::new(clog2(shape.bus / 2)),
            _words: words,
        }
    }
}

impl Logic for StoreTable {
    #[hdl_gen]
    fn update(&mut self) {
        self.value.next = self.beats.val();
        if self.escaped.val() {
            self.value.next = self.beats.val() | (self.one.val() << 15);
        }
        self.row.next = self.entry.val() >> self.row_log2.val();
        self.word.next =
            self.entry.val() - ((self.entry.val() >> self.row_log2.val()) << self.row_log2.val());
        for w in 0..self._words {
            self.ram[w].clock.next = self.clock.val();
            self.ram[w].we.next = 0.into();
            if self.we.val() & ((self.word.val() >> 1) == w) {
                self.ram[w].we.next = 1.into();
                if self.word.val().get_bit(0) {
                    self.ram[w].we.next = 2.into();
                }
            }
            self.ram[w].waddr.next = self.row.val();
            self.ram[w].wdata.next = (self.value.val() << 16) | self.value.val();
            self.ram[w].re.next = true;
            self.ram[w].raddr.next = self.raddr.val();
            for k in 0..4 {
                self.rdata[4 * w + k].next = self.ram[w].rdata.val() >> (8 * k);
            }
        }
    }
}
