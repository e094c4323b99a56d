//! Command fetch and the prefetch buffer.
//!
//! ```text
//! go, address, words --> next, left --+--> request, address, beats --> memory port
//!                                     |         grant <---------------
//!                 room (beats) -------+
//!                   ^ taken                   beat --> parts of a word --> decode, prefetch FIFO --> word, kind
//!                   +------------------------------------------------------ take
//!
//! cycle     0     1     2     3    ...   g    g+1   g+2
//! go        1
//! decides         x                             x
//! request               1     1    1     1          1
//! grant                                  1
//! ```
//!
//! The program is asked for in pieces of `FETCH_BURST_BYTES`, or of the description's longest burst where that
//! is shorter, counted from its first word; the last ends with its last word. A piece is one burst, or two
//! where it crosses a boundary of 4 KiB: it ends with a whole word, so there is always room for the next.
//! Source: `sim/src/engine/fetch.rs` and the cycle contract, "Controller".

use super::decode::{Decode, KIND_BITS};
use crate::prelude::*;
use crate::units::fifo::Fifo;
use crate::units::shape::Shape;
use bitgauge_arch::command::Word as CommandWord;
use bitgauge_arch::timing::FETCH_BURST_BYTES;
use rust_hdl::prelude::*;

/// No burst crosses a boundary of so many bytes.
const PAGE: usize = 4096;

documented! {
    /// Fetch: reads a program's command words in bursts into the prefetch buffer.
    ///
    /// It asks for a burst when the buffer has room for all of it beside the words held and the beats
    /// still on their way; the first request is decided in the cycle after `go`, the next one in the
    /// cycle after a grant. A word is at the head from the cycle after the beat that completes it.
    #[derive(LogicBlock)]
    pub struct Fetch {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// the program starts: cycle 0
        pub go: Signal<In, Bit>,
        /// byte address of the first word, a multiple of the bus' bytes
        pub command_address: Sig,
        /// words of the program
        pub command_words: Sig,
        /// asks for a burst, until its grant
        pub request: Signal<Out, Bit>,
        /// byte address of the burst
        pub address: Sig,
        /// beats of the burst
        pub beats: Sig,
        /// the burst is granted in this cycle
        pub grant: Signal<In, Bit>,
        /// this cycle's beat belongs to fetch
        pub fetch_beat: Signal<In, Bit>,
        /// data of the beat, lowest bytes first
        pub beat: Vec<Sig>,
        /// there is a word
        pub valid: Signal<Out, Bit>,
        /// the oldest word's four parts, lowest bytes first
        pub word: Vec<Sig>,
        /// its kind
        pub kind: Sig,
        /// the word is dispatched in this cycle
        pub take: Signal<In, Bit>,
        /// all words of the program are dispatched
        pub exhausted: Signal<Out, Bit>,
        /// byte address of the next burst
        next: Reg,
        /// beats of the program not yet granted
        left: Reg,
        /// beats of the piece that are granted
        piece: Reg,
        asking: State<Bit>,
        size: Reg,
        /// beats for which the buffer has room
        free: Reg,
        /// beats of an incomplete word
        part: Reg,
        held: Vec<Reg>,
        decode: Decode,
        buffer: Fifo,
        /// beats to the next boundary of 4 KiB
        page: Sig,
        /// beats left of the piece
        rest: Sig,
        /// beats that the next burst has
        wanted: Sig,
        /// beats that a grant takes from the room
        spent: Sig,
        /// beats that a word gives back to the room
        freed: Sig,
        most: Const,
        page_beats: Const,
        page_mask: Const,
        piece_mask: Const,
        room: Const,
        bus_bits: Const,
        word_bits: Const,
        per_word: Const,
        last_part: Const,
        bus_words: Const,
        _last_part: usize,
        _bus_words: usize
    }
}

impl Fetch {
    /// The fetcher of this shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Fetch {
        let bus = shape.bus.clamp(4, CommandWord::BYTES);
        let per_word = CommandWord::BYTES / bus;
        let most = (FETCH_BURST_BYTES as usize).min(shape.burst_beats * bus) / bus;
        let room = shape.prefetch_words * per_word;
        let parts = Sig::inputs(u(32), bus / 4);
        let name = format!("fetch_bus{bus}_words{}_burst{most}", shape.prefetch_words);
        Fetch {
            name: Named::of(name, &Fetch::DOCS),
            clock: Signal::default(),
            go: Signal::default(),
            command_address: Sig::input(u(32)),
            command_words: Sig::input(u(32)),
            request: Signal::default(),
            address: Sig::output(u(32)),
            beats: Sig::output(u(9)),
            grant: Signal::default(),
            fetch_beat: Signal::default(),
            beat: parts,
            valid: Signal::default(),
            word: Sig::outputs(u(32), 4),
            kind: Sig::output(u(KIND_BITS)),
            take: Signal::default(),
            exhausted: Signal::default(),
            next: Reg::new(u(32)),
            left: Reg::new(u(32 + clog2(per_word))),
            piece: Reg::new(u(clog2(most.max(2)))),
            asking: State::default(),
            size: Reg::new(u(9)),
            free: Reg::reset_to(u(clog2(room + 1)), room),
            part: Reg::new(u(2)),
            held: Reg::many(u(32), 4 - bus / 4),
            decode: Decode::default(),
            buffer: Fifo::new(&[u(32), u(32), u(32), u(32), u(KIND_BITS)], shape.prefetch_words),
            page: Sig::local(u(clog2(PAGE / bus) + 1)),
            rest: Sig::local(u(9)),
            wanted: Sig::local(u(9)),
            spent: Sig::local(u(9)),
            freed: Sig::local(u(3)),
            most: Const::new(most),
            page_beats: Const::new(PAGE / bus),
            page_mask: Const::new(PAGE / bus - 1),
            piece_mask: Const::new(most - 1),
            room: Const::new(room),
            bus_bits: Const::new(clog2(bus)),
            word_bits: Const::new(clog2(per_word)),
            per_word: Const::new(per_word),
            last_part: Const::new(per_word - 1),
            bus_words: Const::new(bus / 4),
            _last_part: per_word - 1,
            _bus_words: bus / 4,
        }
    }
}

impl Logic for Fetch {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, next, left, piece, asking, size, free, part);
        // Requests.
        self.page.next =
            self.page_beats.val() - ((self.next.q.val() >> self.bus_bits.val()) & self.page_mask.val());
        self.rest.next = self.most.val() - self.piece.q.val();
        self.wanted.next = self.rest.val();
        if self.page.val() < self.rest.val() {
            self.wanted.next = self.page.val();
        }
        if (self.left.q.val() <= self.rest.val()) & (self.left.q.val() <= self.page.val()) {
            self.wanted.next = self.left.q.val();
        }
        if !self.asking.q.val() & (self.left.q.val() != 0) & (self.wanted.val() <= self.free.q.val()) {
            self.asking.d.next = true;
            self.size.d.next = self.wanted.val();
        }
        self.spent.next = 0.into();
        if self.grant.val() {
            self.asking.d.next = false;
            self.spent.next = self.size.q.val();
            self.piece.d.next = (self.piece.q.val() + self.size.q.val()) & self.piece_mask.val();
            self.next.d.next = self.next.q.val() + (self.size.q.val() << self.bus_bits.val());
        }
        self.left.d.next = self.left.q.val() - self.spent.val();
        self.freed.next = 0.into();
        if self.take.val() {
            self.freed.next = self.per_word.val();
        }
        self.free.d.next = self.free.q.val() + self.freed.val() - self.spent.val();
        if self.go.val() {
            self.piece.d.next = 0.into();
            self.next.d.next = self.command_address.val();
            self.left.d.next = self.command_words.val() << self.word_bits.val();
        }
        // Nothing is left to ask for, and the buffer has all its room back.
        self.exhausted.next = (self.left.q.val() == 0) & (self.free.q.val() == self.room.val());
        self.request.next = self.asking.q.val();
        self.address.next = self.next.q.val();
        self.beats.next = self.size.q.val();

        // Words.
        self.buffer.clock.next = self.clock.val();
        self.buffer.push.next = self.fetch_beat.val() & (self.part.q.val() == self.last_part.val());
        self.buffer.pop.next = self.take.val();
        if self.fetch_beat.val() {
            self.part.d.next = self.part.q.val() + 1;
            if self.part.q.val() == self.last_part.val() {
                self.part.d.next = 0.into();
            }
        }
        for p in 0..self._last_part {
            for w in 0..self._bus_words {
                self.held[p * self._bus_words + w].clock.next = self.clock.val();
                self.held[p * self._bus_words + w].d.next = self.held[p * self._bus_words + w].q.val();
                if self.fetch_beat.val() & (self.part.q.val() == p) {
                    self.held[p * self._bus_words + w].d.next = self.beat[w].val();
                }
                self.decode.word[p * self._bus_words + w].next = self.held[p * self._bus_words + w].q.val();
            }
        }
        for w in 0..self._bus_words {
            self.decode.word[self._last_part * self._bus_words + w].next = self.beat[w].val();
        }
        self.valid.next = self.buffer.valid.val();
        self.buffer.data[4].next = self.decode.kind.val();
        self.kind.next = self.buffer.head[4].val();
        for l in 0..4 {
            self.buffer.data[l].next = self.decode.word[l].val();
            self.word[l].next = self.buffer.head[l].val();
        }
    }
}
