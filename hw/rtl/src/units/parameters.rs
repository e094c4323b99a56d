//! The parameter memories of the post-processor and of the vector unit.
//!
//! ```text
//!  line of W bytes ── words of 8 bytes ──┬─ memory 0 ─┐
//!  (byte enables)                        ├─ memory 1  ├─ multiplexer ── `lanes` entries
//!                                        └─ ...       ┘
//! ```
//!
//! Word x of the whole is in memory x mod N at x / N, where N is what a line or a read takes, whichever
//! is more. So a line is written and a group of entries read in one cycle each.
//!
//! ```text
//! cycle      t      t+1
//! re, raddr  __/~~~~\___
//! rdata      ________<entries>
//! ```

use super::scratchpad::{LINE_ADDRESS_BITS, piece_bytes};
use super::shape::Shape;
use crate::prelude::*;
use bitgauge_arch::arith::PARAMETER_BYTES;
use rust_hdl::prelude::*;

/// Bits of the number of an entry, or of a group of entries.
pub const ENTRY_BITS: usize = 16;

documented! {
    /// Parameter memory: written in lines, read in groups of entries of 8 bytes.
    #[derive(LogicBlock)]
    pub struct Parameters {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// bytes to write; none: no write
        pub we: Sig,
        /// line to write: byte address / bytes of a line
        pub waddr: Sig,
        /// bytes of the line
        pub wdata: Vec<Sig>,
        /// reads
        pub re: Signal<In, Bit>,
        /// group to read: first entry / entries of a group
        pub raddr: Sig,
        /// entries of the group, a cycle later
        pub rdata: Vec<Sig>,
        memory: Vec<Mem>,
        /// which of the memories' parts a line goes to
        write_part: Sig,
        /// which of the memories' parts a group comes from
        read_part: Sig,
        seen_part: Reg,
        /// words of the line
        word: Vec<Sig>,
        /// their enables
        enables: Vec<Sig>,
        /// words of the group
        seen: Vec<Sig>,
        write_shift: Const,
        read_shift: Const,
        bytes: Const,
        bits: Const,
        line_words: Const,
        group_words: Const,
        entry_words: Const,
        write_mask: Const,
        read_mask: Const,
        _bytes: usize,
        _line_words: usize,
        _group_words: usize,
        _entry_words: usize,
        _lanes: usize,
        _write_parts: usize,
        _read_parts: usize
    }
}

impl Parameters {
    /// The memory of the post-processor, which reads single entries.
    #[must_use]
    pub fn post(shape: &Shape) -> Parameters {
        Parameters::new(shape.parameter_entries, shape.line, 1)
    }

    /// The memory of the vector unit, which reads an entry for each lane.
    #[must_use]
    pub fn vector(shape: &Shape) -> Parameters {
        Parameters::new(shape.parameter_entries, shape.line, shape.vector_lanes)
    }

    /// `entries` entries, written in lines of `line` bytes, read in groups of `lanes`; powers of two.
    #[must_use]
    pub fn new(entries: usize, line: usize, lanes: usize) -> Parameters {
        let bytes = piece_bytes(line);
        let (line_words, entry_words) = (line / bytes, PARAMETER_BYTES / bytes);
        let group_words = lanes * entry_words;
        let words = line_words.max(group_words);
        let (write_parts, read_parts) = (words / line_words, words / group_words);
        let depth = (entries * entry_words / words).max(2);
        let (word, part) = (u(8 * bytes), |parts: usize| u(clog2(parts.max(2))));
        Parameters {
            name: Named::of(format!("parameters_{entries}_line{line}_by{lanes}"), &Parameters::DOCS),
            clock: Signal::default(),
            we: Sig::input(u(line)),
            waddr: Sig::input(u(LINE_ADDRESS_BITS)),
            wdata: Sig::inputs(u(8), line),
            re: Signal::default(),
            raddr: Sig::input(u(ENTRY_BITS)),
            rdata: Sig::outputs(u(8 * PARAMETER_BYTES), lanes),
            memory: (0..words).map(|_| Mem::with_lanes(depth, word, bytes).without_collisions()).collect(),
            write_part: Sig::local(part(write_parts)),
            read_part: Sig::local(part(read_parts)),
            seen_part: Reg::new(part(read_parts)),
            word: Sig::locals(word, line_words),
            enables: Sig::locals(u(bytes), line_words),
            seen: Sig::locals(word, group_words),
            write_shift: Const::new(clog2(write_parts)),
            read_shift: Const::new(clog2(read_parts)),
            bytes: Const::new(bytes),
            bits: Const::new(8 * bytes),
            line_words: Const::new(line_words),
            group_words: Const::new(group_words),
            entry_words: Const::new(entry_words),
            write_mask: Const::new(write_parts - 1),
            read_mask: Const::new(read_parts - 1),
            _bytes: bytes,
            _line_words: line_words,
            _group_words: group_words,
            _entry_words: entry_words,
            _lanes: lanes,
            _write_parts: write_parts,
            _read_parts: read_parts,
        }
    }
}

impl Logic for Parameters {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, seen_part);
        for i in 0..self._line_words {
            self.enables[i].next = self.we.val() >> (self.bytes.val() * i);
            self.word[i].next = 0.into();
            for k in 0..self._bytes {
                self.word[i].next = self.word[i].val() | (self.wdata[i * self._bytes + k].val() << (8 * k));
            }
        }
        self.write_part.next = self.waddr.val() & self.write_mask.val();
        for p in 0..self._write_parts {
            for i in 0..self._line_words {
                self.memory[p * self._line_words + i].clock.next = self.clock.val();
                self.memory[p * self._line_words + i].waddr.next = self.waddr.val() >> self.write_shift.val();
                self.memory[p * self._line_words + i].wdata.next = self.word[i].val();
                self.memory[p * self._line_words + i].we.next = 0.into();
                if self.write_part.val() == p {
                    self.memory[p * self._line_words + i].we.next = self.enables[i].val();
                }
            }
        }
        self.read_part.next = self.raddr.val() & self.read_mask.val();
        if self.re.val() {
            self.seen_part.d.next = self.read_part.val();
        }
        for i in 0..self._group_words {
            self.seen[i].next = self.memory[i].rdata.val();
            for p in 0..self._read_parts {
                self.memory[p * self._group_words + i].re.next = self.re.val();
                self.memory[p * self._group_words + i].raddr.next = self.raddr.val() >> self.read_shift.val();
                if self.seen_part.q.val() == p {
                    self.seen[i].next = self.memory[p * self._group_words + i].rdata.val();
                }
            }
        }
        for l in 0..self._lanes {
            self.rdata[l].next = 0.into();
            for i in 0..self._entry_words {
                self.rdata[l].next = self.rdata[l].val()
                    | (self.seen[l * self._entry_words + i].val() << (self.bits.val() * i));
            }
        }
    }
}
