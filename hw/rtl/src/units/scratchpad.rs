//! The scratchpads: banks of lines with byte enables.
//!
//! ```text
//!  writer 0 ─┐  bank = high        ┌─ bank 0: pieces of 8 bytes ─┐
//!  writer 1 ─┼─ address bits ──────┼─ bank 1                     ├─ multiplexer ─┬─ reader 0
//!  writer 2 ─┘  of each port       └─ ...                        ┘  of each      └─ reader 1
//!                                                                   reader
//! ```
//!
//! ```text
//! cycle      t      t+1    t+2
//! re, raddr  __/~~~~\_________
//! rdata      ________<line>___   behind the multiplexer, not registered again
//! we, waddr  __/~~~~\_________   a read with `re` in t sees the old bytes or none of use, one in t+1 the new
//! ```
//!
//! That at most one reader and one writer use a bank in a cycle is the affair of the bank ports that
//! commands hold; where it is broken, the higher number wins.

use crate::prelude::*;
use rust_hdl::prelude::*;

/// Bits of a line's address.
pub const LINE_ADDRESS_BITS: usize = 24;

/// Bytes of the memory pieces that a line consists of.
#[must_use]
pub fn piece_bytes(line: usize) -> usize {
    line.min(8)
}

documented! {
    /// Scratchpad: banks of lines, by high address bits; each bank one read and one write port.
    ///
    /// A line is read a cycle after its address. A write has an enable for each byte.
    #[derive(LogicBlock)]
    pub struct Scratchpad {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// reads of each reader
        pub re: Vec<Signal<In, Bit>>,
        /// line that each reader wants
        pub raddr: Vec<Sig>,
        /// bytes of the lines, reader after reader, a cycle later
        pub rdata: Vec<Sig>,
        /// bytes that each writer writes; none: no write
        pub we: Vec<Sig>,
        /// line of each writer
        pub waddr: Vec<Sig>,
        /// bytes of the lines, writer after writer
        pub wdata: Vec<Sig>,
        /// pieces of all lines, bank after bank
        bank: Vec<Mem>,
        read_bank: Vec<Sig>,
        write_bank: Vec<Sig>,
        /// the bank whose line a reader sees
        seen_bank: Vec<Reg>,
        /// for each reader and piece the multiplexer's tree: node n chooses between 2n and 2n + 1, the
        /// lowest nodes between two banks, node 0 is what the reader sees
        tree: Vec<Sig>,
        /// pieces that the writers write
        piece: Vec<Sig>,
        /// their enables
        enables: Vec<Sig>,
        /// where a bank is read
        bank_read: Vec<Sig>,
        bank_re: Vec<Signal<Local, Bit>>,
        /// where a bank is written
        bank_write: Vec<Sig>,
        bank_shift: Const,
        bytes: Const,
        line: Const,
        pieces: Const,
        banks: Const,
        half: Const,
        quarter: Const,
        _banks: usize,
        _readers: usize,
        _writers: usize,
        _pieces: usize,
        _bytes: usize,
        _line: usize,
        _half: usize,
        _quarter: usize,
        /// nodes with bit 1, with bit 2 of the bank
        _middle: usize,
        _upper: usize
    }
}

impl Scratchpad {
    /// A scratchpad of `banks` banks of `bank_lines` lines of `line` bytes; all powers of two, two to eight
    /// banks.
    #[must_use]
    pub fn new(
        kind: &str,
        banks: usize,
        bank_lines: usize,
        line: usize,
        readers: usize,
        writers: usize,
    ) -> Scratchpad {
        let bytes = piece_bytes(line);
        let pieces = line / bytes;
        let (half, quarter) = (banks / 2, (banks / 4).max(1));
        let address = u(LINE_ADDRESS_BITS);
        let (bank, within, word) = (u(clog2(banks)), u(clog2(bank_lines.max(2))), u(8 * bytes));
        let name = format!("scratchpad_{kind}_{banks}x{bank_lines}_line{line}_r{readers}_w{writers}");
        Scratchpad {
            name: Named::of(name, &Scratchpad::DOCS),
            clock: Signal::default(),
            re: vec![Signal::default(); readers],
            raddr: Sig::inputs(address, readers),
            rdata: Sig::outputs(u(8), readers * line),
            we: Sig::inputs(u(line), writers),
            waddr: Sig::inputs(address, writers),
            wdata: Sig::inputs(u(8), writers * line),
            bank: (0..banks * pieces)
                .map(|_| Mem::with_lanes(bank_lines, word, bytes).without_collisions())
                .collect(),
            read_bank: Sig::locals(bank, readers),
            write_bank: Sig::locals(bank, writers),
            seen_bank: Reg::many(bank, readers),
            tree: Sig::locals(word, readers * pieces * banks),
            piece: Sig::locals(word, writers * pieces),
            enables: Sig::locals(u(bytes), writers * pieces),
            bank_read: Sig::locals(within, banks),
            bank_re: vec![Signal::default(); banks],
            bank_write: Sig::locals(within, banks),
            bank_shift: Const::new(clog2(bank_lines)),
            bytes: Const::new(bytes),
            line: Const::new(line),
            pieces: Const::new(pieces),
            banks: Const::new(banks),
            half: Const::new(half),
            quarter: Const::new(quarter),
            _banks: banks,
            _readers: readers,
            _writers: writers,
            _pieces: pieces,
            _bytes: bytes,
            _line: line,
            _half: half,
            _quarter: quarter,
            _middle: half - quarter,
            _upper: quarter - (banks / 8).max(1),
        }
    }
}

impl Logic for Scratchpad {
    #[hdl_gen]
    fn update(&mut self) {
        for r in 0..self._readers {
            self.seen_bank[r].clock.next = self.clock.val();
            self.seen_bank[r].d.next = self.seen_bank[r].q.val();
            self.read_bank[r].next = self.raddr[r].val() >> self.bank_shift.val();
            if self.re[r].val() {
                self.seen_bank[r].d.next = self.read_bank[r].val();
            }
        }
        for w in 0..self._writers {
            self.write_bank[w].next = self.waddr[w].val() >> self.bank_shift.val();
            for p in 0..self._pieces {
                self.enables[w * self._pieces + p].next = self.we[w].val() >> (self.bytes.val() * p);
                self.piece[w * self._pieces + p].next = 0.into();
                for k in 0..self._bytes {
                    self.piece[w * self._pieces + p].next = self.piece[w * self._pieces + p].val()
                        | (self.wdata[w * self._line + p * self._bytes + k].val() << (8 * k));
                }
            }
        }
        for b in 0..self._banks {
            self.bank_re[b].next = false;
            self.bank_read[b].next = self.raddr[0].val();
            for r in 0..self._readers {
                if self.re[r].val() & (self.read_bank[r].val() == b) {
                    self.bank_re[b].next = true;
                    self.bank_read[b].next = self.raddr[r].val();
                }
            }
            self.bank_write[b].next = self.waddr[0].val();
            for p in 0..self._pieces {
                self.bank[b * self._pieces + p].clock.next = self.clock.val();
                self.bank[b * self._pieces + p].re.next = self.bank_re[b].val();
                self.bank[b * self._pieces + p].raddr.next = self.bank_read[b].val();
                self.bank[b * self._pieces + p].we.next = 0.into();
                self.bank[b * self._pieces + p].wdata.next = self.piece[p].val();
            }
            for w in 0..self._writers {
                if self.we[w].val().any() & (self.write_bank[w].val() == b) {
                    self.bank_write[b].next = self.waddr[w].val();
                    for p in 0..self._pieces {
                        self.bank[b * self._pieces + p].we.next = self.enables[w * self._pieces + p].val();
                        self.bank[b * self._pieces + p].wdata.next = self.piece[w * self._pieces + p].val();
                    }
                }
            }
            for p in 0..self._pieces {
                self.bank[b * self._pieces + p].waddr.next = self.bank_write[b].val();
            }
        }
        for r in 0..self._readers {
            for p in 0..self._pieces {
                // The lowest nodes go first: bit 0 of the bank, then bit 1, then bit 2.
                for i in 0..self._half {
                    self.tree[(r * self._pieces + p) * self._banks + self._half + i].next =
                        self.bank[2 * i * self._pieces + p].rdata.val();
                    if self.seen_bank[r].q.val().get_bit(0usize) {
                        self.tree[(r * self._pieces + p) * self._banks + self._half + i].next =
                            self.bank[(2 * i + 1) * self._pieces + p].rdata.val();
                    }
                }
                for i in 0..self._middle {
                    self.tree[(r * self._pieces + p) * self._banks + self._quarter + i].next =
                        self.tree[(r * self._pieces + p) * self._banks + 2 * (self._quarter + i)].val();
                    if self.seen_bank[r].q.val().get_bit(1usize) {
                        self.tree[(r * self._pieces + p) * self._banks + self._quarter + i].next = self.tree
                            [(r * self._pieces + p) * self._banks + 2 * (self._quarter + i) + 1]
                            .val();
                    }
                }
                for i in 0..self._upper {
                    self.tree[(r * self._pieces + p) * self._banks + 1 + i].next =
                        self.tree[(r * self._pieces + p) * self._banks + 2].val();
                    if self.seen_bank[r].q.val().get_bit(2usize) {
                        self.tree[(r * self._pieces + p) * self._banks + 1 + i].next =
                            self.tree[(r * self._pieces + p) * self._banks + 3].val();
                    }
                }
                self.tree[(r * self._pieces + p) * self._banks].next =
                    self.tree[(r * self._pieces + p) * self._banks + 1].val();
                for k in 0..self._bytes {
                    self.rdata[r * self._line + p * self._bytes + k].next =
                        self.tree[(r * self._pieces + p) * self._banks].val() >> (8 * k);
                }
            }
        }
    }
}
