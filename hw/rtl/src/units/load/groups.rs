//! `zvc`: lines decoded group by group.
//!
//! ```text
//! cycle     w       w+1 .. w+2   w+3        w+4                  w+6
//! begin     /~~~\_________________________________________________
//! window    ___________________<mask, codes>______________________   read at the position of w
//! consumed  _______________________________<bits>_________________   position moves on
//! group 2   _______________________________read, and so on
//! value     _____________________________________________<bytes>__   on the write port a cycle later
//! ```
//!
//! What a group consumes is known in the cycle of the next read, which is therefore made at `at`: the
//! position, moved on in the same cycle. The loop over both does not fit into one cycle of an FPGA.
//!
//! A line of n codes touches at most (n + 7) / 8 groups, rounded up; it takes `ZVC_LOAD_CYCLES` for each,
//! and `ZVC_LINE_CYCLES` until the next line may be taken. It is taken when all bits have come that it could
//! need, or all of the block.

use super::beats::{beat_counter_bits, position_bits};
use super::expand::GROUP;
use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

documented! {
    /// Decoder of zero-value compression: in a step of four cycles the codes of one group that lie in
    /// the line.
    #[derive(LogicBlock)]
    pub struct Groups {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a line is taken
        pub begin: Signal<In, Bit>,
        /// it is the first of its block
        pub first: Signal<In, Bit>,
        /// it is the last of its block
        pub last: Signal<In, Bit>,
        /// codes of the line
        pub count: Sig,
        /// bits of a code
        pub width: Sig,
        /// codes extend their sign
        pub signed: Signal<In, Bit>,
        /// the code that is left out
        pub zero: Sig,
        /// groups that a line may touch
        pub groups: Sig,
        /// bits that a line may take
        pub most: Sig,
        /// the block's entry of the length table
        pub entry: Sig,
        /// position of the next bit
        pub position: Sig,
        /// the same, once it has moved on
        pub at: Sig,
        /// beats that have come
        pub came: Sig,
        /// the next line's beats have come
        pub there: Signal<Out, Bit>,
        /// first byte of what stands at the position
        pub mask: Sig,
        /// the codes there, behind the mask if there is one
        pub code: Vec<Sig>,
        /// there is one
        pub skip: Signal<Out, Bit>,
        /// read what stands at the position
        pub read: Signal<Out, Bit>,
        /// the position moves on
        pub advance: Signal<Out, Bit>,
        /// by so many bits
        pub consumed: Sig,
        /// the line's last code is past
        pub finish: Signal<Out, Bit>,
        /// a line is being decoded
        pub active: Signal<Out, Bit>,
        /// in its last cycle
        pub over: Signal<Out, Bit>,
        /// the block took other beats than its entry says
        pub wrong: Signal<Out, Bit>,
        /// bytes of the line
        pub value: Vec<Sig>,
        /// those of them that are written
        pub enables: Sig,
        phase: Reg,
        step: Reg,
        running: State<Bit>,
        tail: Reg,
        place: Reg,
        column: Reg,
        held: Reg,
        span: Reg,
        live: Reg,
        to_group: Sig,
        to_line: Sig,
        living: Sig,
        decode: Signal<Local, Bit>,
        masked: Signal<Local, Bit>,
        marks: Sig,
        ones: Sig,
        addend: Vec<Sig>,
        header: Sig,
        taken: Reg,
        moves: State<Bit>,
        beats: Reg,
        beat_at: Sig,
        beat_after: Sig,
        known: Sig,
        rest: State<Bit>,
        judged: State<Bit>,
        judged_by: Reg,
        wanted: Sig,
        needed: Reg,
        enough: State<Bit>,
        spare: Sig,
        zero_code: Sig,
        marks_1: Reg,
        code_1: Vec<Reg>,
        from_1: Reg,
        span_1: Reg,
        place_1: Reg,
        rank: Vec<Sig>,
        unpacked: Vec<Sig>,
        value_2: Vec<Reg>,
        from_2: Reg,
        span_2: Reg,
        turn_2: Reg,
        keep: Vec<Const>,
        fill: Vec<Const>,
        bit: Vec<Const>,
        beat_shift: Const,
        round: Const,
        beat_mask: Const,
        sign_bit: Const,
        group: Const,
        _line: usize
    }
}

impl Groups {
    /// The decoder of a design.
    #[must_use]
    pub fn new(shape: &Shape) -> Groups {
        let Shape { line, bus, load_fifo_beats, .. } = *shape;
        let counter = beat_counter_bits(shape);
        Groups {
            name: Named::of(format!("load_groups_line{line}_bus{bus}_fifo{load_fifo_beats}"), &Groups::DOCS),
            clock: Signal::default(),
            begin: Signal::default(),
            first: Signal::default(),
            last: Signal::default(),
            count: Sig::input(u(7)),
            width: Sig::input(u(4)),
            signed: Signal::default(),
            zero: Sig::input(u(8)),
            groups: Sig::input(u(4)),
            most: Sig::input(u(10)),
            entry: Sig::input(u(16)),
            position: Sig::input(u(position_bits(shape))),
            at: Sig::input(u(position_bits(shape))),
            came: Sig::input(u(counter)),
            there: Signal::default(),
            mask: Sig::input(u(8)),
            code: Sig::inputs(u(8), GROUP),
            skip: Signal::default(),
            read: Signal::default(),
            advance: Signal::default(),
            consumed: Sig::output(u(7)),
            finish: Signal::default(),
            active: Signal::default(),
            over: Signal::default(),
            wrong: Signal::default(),
            value: Sig::outputs(u(8), line),
            enables: Sig::output(u(line)),
            phase: Reg::new(u(2)),
            step: Reg::new(u(4)),
            running: State::default(),
            tail: Reg::new(u(2)),
            place: Reg::new(u(3)),
            column: Reg::new(u(7)),
            held: Reg::new(u(8)),
            span: Reg::new(u(4)),
            live: Reg::new(u(8)),
            to_group: Sig::local(u(4)),
            to_line: Sig::local(u(7)),
            living: Sig::local(u(8)),
            decode: Signal::default(),
            masked: Signal::default(),
            marks: Sig::local(u(8)),
            ones: Sig::local(u(4)),
            addend: Sig::locals(u(7), 4),
            header: Sig::local(u(4)),
            taken: Reg::new(u(7)),
            moves: State::default(),
            beats: Reg::new(u(16)),
            beat_at: Sig::local(u(counter)),
            beat_after: Sig::local(u(counter)),
            known: Sig::local(u(15)),
            rest: State::default(),
            judged: State::default(),
            judged_by: Reg::new(u(15)),
            wanted: Sig::local(u(17)),
            needed: Reg::new(u(counter)),
            enough: State::default(),
            spare: Sig::local(u(counter)),
            zero_code: Sig::local(u(8)),
            marks_1: Reg::new(u(8)),
            code_1: Reg::many(u(8), GROUP),
            from_1: Reg::new(u(7)),
            span_1: Reg::new(u(4)),
            place_1: Reg::new(u(3)),
            rank: Sig::locals(u(3), GROUP),
            unpacked: Sig::locals(u(8), GROUP),
            value_2: Reg::many(u(8), GROUP),
            from_2: Reg::new(u(7)),
            span_2: Reg::new(u(4)),
            turn_2: Reg::new(u(3)),
            keep: (0..9).map(|width| Const::new((1 << width) - 1)).collect(),
            fill: (0..9).map(|width| Const::new(256 - (1 << width))).collect(),
            bit: (0..line.max(GROUP)).map(|byte| Const::new(1i128 << byte)).collect(),
            beat_shift: Const::new(clog2(8 * bus)),
            round: Const::new(8 * bus - 1),
            beat_mask: Const::new(8 * bus - 1),
            sign_bit: Const::new(counter - 1),
            group: Const::new(GROUP),
            _line: line,
        }
    }
}

impl Logic for Groups {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, phase, step, running, tail, place, column, held, span, live, beats, needed, enough
        );
        dff_setup!(self, clock, marks_1, from_1, span_1, place_1, from_2, span_2, turn_2);
        dff_setup!(self, clock, taken, moves, rest, judged, judged_by);

        // Steps of four cycles, then what the next line's beats take to be known.
        self.decode.next = self.running.q.val() & (self.phase.q.val() == 3);
        self.finish.next = self.tail.q.val() == 1;
        self.over.next = self.tail.q.val() == 3;
        self.active.next = self.running.q.val() | self.tail.q.val().any();
        self.read.next = self.running.q.val() & (self.phase.q.val() == 0);
        if self.running.q.val() {
            self.phase.d.next = self.phase.q.val() + 1;
            if self.phase.q.val() == 3 {
                self.step.d.next = self.step.q.val() + 1;
                if self.step.q.val() + 1 == self.groups.val() {
                    self.running.d.next = false;
                    self.tail.d.next = 1.into();
                }
            }
        }
        if self.tail.q.val().any() {
            self.tail.d.next = self.tail.q.val() + 1;
        }
        if self.begin.val() {
            self.running.d.next = true;
            self.phase.d.next = 1.into();
            self.step.d.next = 0.into();
        }

        // Codes of this step: up to the end of the group or of the line.
        self.to_group.next = self.group.val() - self.place.q.val();
        self.to_line.next = self.count.val() - self.column.q.val();
        self.span.d.next = self.to_group.val();
        if self.to_line.val() < self.to_group.val() {
            self.span.d.next = self.to_line.val();
        }
        self.living.next = 0.into();
        for i in 0..8 {
            if (self.place.q.val() <= i) & ((self.place.q.val() + self.span.q.val()) > i) {
                self.living.next = self.living.val() | self.bit[i].val();
            }
        }
        self.live.d.next = self.living.val();

        // What stands there.
        self.masked.next =
            (self.place.q.val() == 0) & self.span.q.val().any() & !self.entry.val().get_bit(15usize);
        self.skip.next = self.masked.val() & self.active.val();
        self.marks.next = self.held.q.val() & self.live.q.val();
        if self.masked.val() {
            self.marks.next = self.mask.val() & self.live.q.val();
        }
        if self.entry.val().get_bit(15usize) {
            self.marks.next = self.live.q.val();
        }
        self.ones.next = 0.into();
        for i in 0..8 {
            self.ones.next = self.ones.val() + self.marks.val().get_bit(i);
        }
        // The product by its addends: a multiplier of an FPGA takes longer.
        for i in 0..4 {
            self.addend[i].next = 0.into();
            if self.ones.val().get_bit(i) {
                self.addend[i].next = self.width.val() << i;
            }
        }
        self.header.next = 0.into();
        if self.masked.val() {
            self.header.next = 8.into();
        }
        self.taken.d.next = (self.addend[0].val() + self.addend[1].val())
            + (self.addend[2].val() + self.addend[3].val())
            + self.header.val();
        self.moves.d.next = self.decode.val();
        self.advance.next = self.moves.q.val();
        self.consumed.next = self.taken.q.val();
        if self.decode.val() {
            self.place.d.next = self.place.q.val() + self.span.q.val();
            self.column.d.next = self.column.q.val() + self.span.q.val();
            if self.masked.val() {
                self.held.d.next = self.mask.val();
            }
        }
        if self.begin.val() {
            self.column.d.next = 0.into();
            if self.first.val() {
                self.place.d.next = 0.into();
            }
        }

        // Beats of the block: those left behind, and those that the next line may need.
        self.beat_at.next = self.position.val() >> self.beat_shift.val();
        self.beat_after.next = self.at.val() >> self.beat_shift.val();
        self.known.next = self.entry.val();
        if self.moves.q.val() {
            self.beats.d.next = self.beats.q.val() + bits_w(self.beat_after.val() - self.beat_at.val(), 2);
        }
        // The last beats are counted a cycle after the block's end.
        self.judged.d.next = self.finish.val() & self.last.val();
        self.judged_by.d.next = self.known.val();
        self.rest.d.next = (self.at.val() & self.beat_mask.val()).any();
        self.wrong.next =
            self.judged.q.val() & ((self.beats.q.val() + self.rest.q.val()) != self.judged_by.q.val());
        if self.judged.q.val() {
            self.beats.d.next = 0.into();
        }
        self.wanted.next =
            ((self.position.val() & self.beat_mask.val()) + self.most.val() + self.round.val())
                >> self.beat_shift.val();
        self.needed.d.next = self.beat_at.val() + self.wanted.val();
        if (self.beats.q.val() + self.wanted.val()) > self.known.val() {
            self.needed.d.next = self.beat_at.val() + self.known.val() - self.beats.q.val();
        }
        // All beats of the block were taken, and what is left are codes without bits. (Without an entry
        // there is no block yet.)
        self.enough.d.next = (self.known.val() <= self.beats.q.val()) & self.known.val().any();
        if self.known.val() == 0 {
            self.needed.d.next = self.beat_at.val() + 1;
        }
        self.spare.next = self.came.val() - self.needed.q.val();
        self.there.next = self.enough.q.val() | !self.spare.val().get_bit(self.sign_bit.val());

        // Each code to its place: first among the eight of the group,
        self.zero_code.next = self.zero.val();
        for e in 2..8 {
            if self.width.val() == e {
                self.zero_code.next = self.zero.val() & self.keep[e].val();
                if self.signed.val() & self.zero.val().get_bit(e - 1) {
                    self.zero_code.next = self.zero.val() | self.fill[e].val();
                }
            }
        }
        self.marks_1.d.next = self.marks.val();
        self.from_1.d.next = self.column.q.val();
        self.place_1.d.next = self.place.q.val();
        self.span_1.d.next = 0.into();
        if self.decode.val() {
            self.span_1.d.next = self.span.q.val();
        }
        self.rank[0].next = 0.into();
        for i in 1..8 {
            self.rank[i].next = self.rank[i - 1].val() + self.marks_1.q.val().get_bit(i - 1);
        }
        for i in 0..8 {
            self.code_1[i].clock.next = self.clock.val();
            self.code_1[i].d.next = self.code[i].val();
            self.unpacked[i].next = self.zero_code.val();
            if self.marks_1.q.val().get_bit(i) {
                for k in 0..8 {
                    if self.rank[i].val() == k {
                        self.unpacked[i].next = self.code_1[k].q.val();
                    }
                }
            }
            self.value_2[i].clock.next = self.clock.val();
            self.value_2[i].d.next = self.unpacked[i].val();
        }
        // then in the line.
        self.from_2.d.next = self.from_1.q.val();
        self.span_2.d.next = self.span_1.q.val();
        self.turn_2.d.next = self.place_1.q.val() - self.from_1.q.val();
        self.enables.next = 0.into();
        for b in 0..self._line {
            self.value[b].next = self.value_2[0].q.val();
            for k in 1..8 {
                if ((self.turn_2.q.val() + b) & 7) == k {
                    self.value[b].next = self.value_2[k].q.val();
                }
            }
            if (self.from_2.q.val() <= b) & ((self.from_2.q.val() + self.span_2.q.val()) > b) {
                self.enables.next = self.enables.val() | self.bit[b].val();
            }
        }
    }
}
