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

mod kernel;

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
