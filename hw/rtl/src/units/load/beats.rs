//! The FIFO of beats, read at any bit.
//!
//! ```text
//!  beat ──► word memories ──► rotate by words ──► register ──► shift by bits ──► register ──► window
//!           (one per word of     (log2 levels)                  (one level)
//!            two lines)
//!
//! cycle    w        w+1       w+2        w+3
//! at       __/~~~~\______________________________   position of the first bit, with `re`
//! window   ____________________________<bytes>___   what stands there
//! ```
//!
//! All memories are read at once, each at its next word from the position on, so that a beat of which a
//! line needs a part is simply read again by the next line.

use super::rotate::RotateStep;
use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

/// Words of the memories: two lines, and at least a group of `zvc` wherever it begins.
#[must_use]
pub fn window_banks(shape: &Shape) -> usize {
    (shape.line / 2).max(if shape.zvc { 4 } else { 2 })
}

/// Bytes that a read gives: a line, and at least a mask and eight codes in designs with `zvc`.
#[must_use]
pub fn window_bytes(shape: &Shape) -> usize {
    if shape.zvc { (shape.line).max(12) } else { shape.line }
}

/// Bits of a position: beats twice around the FIFO, and bits of a beat.
#[must_use]
pub fn position_bits(shape: &Shape) -> usize {
    beat_counter_bits(shape) + clog2(8 * shape.bus)
}

/// Bits of a counter of beats.
#[must_use]
pub fn beat_counter_bits(shape: &Shape) -> usize {
    clog2(shape.load_fifo_beats) + 1
}

documented! {
    /// FIFO of beats, read at any bit.
    ///
    /// Positions count bits modulo twice the FIFO. Whether the bits are there is the reader's affair.
    #[derive(LogicBlock)]
    pub struct BeatFifo {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a beat arrives
        pub push: Signal<In, Bit>,
        /// its words
        pub beat: Vec<Sig>,
        /// beats that have come
        pub came: Sig,
        /// read
        pub re: Signal<In, Bit>,
        /// position of the first bit
        pub at: Sig,
        /// bytes from there on, three cycles later
        pub window: Vec<Sig>,
        memory: Vec<Mem>,
        rotate: Vec<RotateStep>,
        count: Reg,
        /// beat of the memories' row that is written
        slot: Sig,
        row: Sig,
        /// word at the position, and its place in the row
        word: Sig,
        place: Sig,
        read_row: Sig,
        next_row: Sig,
        turn: Reg,
        bits_1: Reg,
        bits_2: Reg,
        turned: Vec<Reg>,
        aligned: Vec<Reg>,
        pair: Vec<Sig>,
        banks: Const,
        bus_words: Const,
        levels: Const,
        slot_bits: Const,
        _banks: usize,
        _bus_words: usize,
        _slots: usize,
        _levels: usize,
        _words: usize,
        _turned: usize
    }
}

impl BeatFifo {
    /// The FIFO of a design.
    #[must_use]
    pub fn new(shape: &Shape) -> BeatFifo {
        let banks = window_banks(shape);
        let words = window_bytes(shape) / 4;
        let bus_words = shape.bus / 4;
        let slots = banks / bus_words;
        let levels = clog2(banks);
        let depth = shape.load_fifo_beats / slots;
        let row = u(clog2(depth.max(2)));
        let name =
            format!("beat_fifo_{}x{}_window{}_banks{banks}", shape.load_fifo_beats, shape.bus, 4 * words);
        BeatFifo {
            name: Named::of(name, &BeatFifo::DOCS),
            clock: Signal::default(),
            push: Signal::default(),
            beat: Sig::inputs(u(32), bus_words),
            came: Sig::output(u(beat_counter_bits(shape))),
            re: Signal::default(),
            at: Sig::input(u(position_bits(shape))),
            window: Sig::outputs(u(8), 4 * words),
            memory: (0..banks).map(|_| Mem::new(depth, u(32)).without_collisions()).collect(),
            rotate: (0..levels).map(|level| RotateStep::new(banks, banks >> (level + 1))).collect(),
            count: Reg::new(u(beat_counter_bits(shape))),
            slot: Sig::local(u(clog2(slots.max(2)))),
            row: Sig::local(row),
            word: Sig::local(u(position_bits(shape) - 5)),
            place: Sig::local(u(levels)),
            read_row: Sig::local(row),
            next_row: Sig::local(row),
            turn: Reg::new(u(levels)),
            bits_1: Reg::new(u(5)),
            bits_2: Reg::new(u(5)),
            turned: Reg::many(u(32), words + 1),
            aligned: Reg::many(u(32), words),
            pair: Sig::locals(u(64), words),
            banks: Const::new(banks),
            bus_words: Const::new(bus_words),
            levels: Const::new(levels),
            slot_bits: Const::new(clog2(slots)),
            _banks: banks,
            _bus_words: bus_words,
            _slots: slots,
            _levels: levels,
            _words: words,
            _turned: words + 1,
        }
    }
}

impl Logic for BeatFifo {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, count, turn, bits_1, bits_2);
        self.came.next = self.count.q.val();
        if self.push.val() {
            self.count.d.next = self.count.q.val() + 1;
        }
        self.slot.next = self.count.q.val();
        self.row.next = self.count.q.val() >> self.slot_bits.val();
        self.word.next = self.at.val() >> 5usize;
        self.place.next = self.word.val();
        self.read_row.next = self.word.val() >> self.levels.val();
        self.next_row.next = self.read_row.val() + 1;
        for i in 0..self._slots {
            for w in 0..self._bus_words {
                self.memory[i * self._bus_words + w].clock.next = self.clock.val();
                self.memory[i * self._bus_words + w].we.next =
                    (self.push.val() & (self.slot.val() == i)).into();
                self.memory[i * self._bus_words + w].waddr.next = self.row.val();
                self.memory[i * self._bus_words + w].wdata.next = self.beat[w].val();
            }
        }
        for b in 0..self._banks {
            self.memory[b].re.next = self.re.val();
            self.memory[b].raddr.next = self.read_row.val();
            if self.place.val() > b {
                self.memory[b].raddr.next = self.next_row.val();
            }
            self.rotate[0].x[b].next = self.memory[b].rdata.val();
        }

        self.turn.d.next = self.place.val();
        self.bits_1.d.next = self.at.val();
        self.rotate[0].turn.next = self.turn.q.val().get_bit(self.levels.val() - 1);
        for l in 1..self._levels {
            self.rotate[l].turn.next = self.turn.q.val().get_bit(self.levels.val() - 1 - l);
            for b in 0..self._banks {
                self.rotate[l].x[b].next = self.rotate[l - 1].y[b].val();
            }
        }

        self.bits_2.d.next = self.bits_1.q.val();
        for i in 0..self._turned {
            self.turned[i].clock.next = self.clock.val();
            self.turned[i].d.next = self.rotate[self._levels - 1].y[i].val();
        }
        for i in 0..self._words {
            self.pair[i].next = self.turned[i].q.val() | (self.turned[i + 1].q.val() << 32usize);
        }
        for i in 0..self._words {
            self.aligned[i].clock.next = self.clock.val();
            self.aligned[i].d.next = self.pair[i].val() >> self.bits_2.q.val();
            for b in 0..4 {
                self.window[4 * i + b].next = self.aligned[i].q.val() >> (8 * b);
            }
        }
    }
}
