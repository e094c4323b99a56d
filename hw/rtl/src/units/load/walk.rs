//! The write side: which line is written when, and from which bits.

mod kernel;

use super::beats::{beat_counter_bits, position_bits};
use super::setup::{CONTEXT, OPERAND_CONTEXT, members, operand_members};
use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

/// Commands in flight.
const IN_FLIGHT: usize = 8;
/// Cycles from a line's decision to its bytes being aligned.
const STAGES: usize = 3;

documented! {
    /// Write side of a load: walks blocks, pixels and lines of up to eight commands, in order.
    ///
    /// A line is taken as soon as its last beat has come. `at` is the position of its first bit; what it
    /// needs on its way to the memories goes along and comes out when its bytes do.
    #[derive(LogicBlock)]
    pub struct Walk {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a command starts
        pub start: Signal<In, Bit>,
        /// its context is there
        pub push: Signal<In, Bit>,
        /// the context
        pub context: Vec<Sig>,
        /// and what operand lines need
        pub operand_context: Vec<Sig>,
        /// beats that have come
        pub came: Sig,
        /// position of the first bit that the decoder has not taken
        pub position: Sig,
        /// where to read: the position, moved on by what the decoder takes
        pub at: Sig,
        /// what is before has left the FIFO
        pub left: Sig,
        /// no other command is in flight, and the codec is free
        pub alone: Signal<Out, Bit>,
        /// a line is taken
        pub take: Signal<Out, Bit>,
        /// the codec is taken by a line
        pub busy: Signal<Out, Bit>,
        /// lines are missing that commands in flight will write
        pub waits_memory: Signal<Out, Bit>,
        /// a line's bytes are there
        pub valid: Signal<Out, Bit>,
        /// it is the last of its command
        pub last: Signal<Out, Bit>,
        /// its target
        pub target: Sig,
        /// its address
        pub line: Sig,
        /// its bytes
        pub bytes: Sig,
        /// bits that become a byte
        pub width: Sig,
        /// they extend their sign
        pub signed: Signal<Out, Bit>,
        /// they are two codes
        pub halves: Vec<Sig>,
        /// quarters of the line's last byte that are no codes
        pub unused: Vec<Sig>,
        /// the line is the decoder's affair
        pub begin: Signal<Out, Bit>,
        /// it is the first of its block
        pub first: Signal<Out, Bit>,
        /// it is the last of its block
        pub last_of_block: Signal<Out, Bit>,
        /// its bytes
        pub count: Sig,
        /// its block
        pub number: Sig,
        /// width, zero code, groups, bits at most: of the command
        pub command: Vec<Sig>,
        /// the command's codes extend their sign
        pub command_signed: Signal<Out, Bit>,
        /// target and address of the line in the decoder
        pub held_target: Sig,
        /// see there
        pub held_line: Sig,
        /// the decoder's beats have come
        pub there: Signal<In, Bit>,
        /// the decoder works
        pub active: Signal<In, Bit>,
        /// the position moves on
        pub advance: Signal<In, Bit>,
        /// by so many bits
        pub consumed: Sig,
        /// the decoder is through with the line's bits
        pub finish: Signal<In, Bit>,
        /// and with the line
        pub over: Signal<In, Bit>,
        memory: Vec<Mem>,
        operand_memory: Vec<Mem>,
        head: Reg,
        tail: Reg,
        /// the memories show the context of the command being written
        open: State<Bit>,
        /// its first line was not taken yet
        fresh: State<Bit>,
        pending: Reg,
        bit: Reg,
        line_of_pixel: Reg,
        pixel: Reg,
        block: Reg,
        line_at: Reg,
        pixel_at: Reg,
        block_at: Reg,
        here: Sig,
        pixel_here: Sig,
        block_here: Sig,
        next_pixel: Sig,
        next_block: Sig,
        pixel_ends: State<Bit>,
        nearly: Signal<Local, Bit>,
        ends_pixel: Signal<Local, Bit>,
        ends_block: Signal<Local, Bit>,
        ends: Signal<Local, Bit>,
        may: Signal<Local, Bit>,
        plain: Signal<Local, Bit>,
        fire: Signal<Local, Bit>,
        coded: Signal<Local, Bit>,
        /// the walk goes on
        go: Signal<Local, Bit>,
        follows: State<Bit>,
        left_held: Reg,
        last_held: State<Bit>,
        /// cycles that the decoder has known its command, up to three
        settled: Reg,
        target_held: Reg,
        line_held: Reg,
        waiting: Signal<Local, Bit>,
        empty: Signal<Local, Bit>,
        bits: Sig,
        end: Sig,
        needed: Sig,
        round_up: Sig,
        /// the position of the next cycle
        onward: Sig,
        ahead: Sig,
        spare: Sig,
        valid_at: Vec<State<Bit>>,
        last_at: Vec<State<Bit>>,
        signed_at: Vec<State<Bit>>,
        target_at: Vec<Reg>,
        address_at: Vec<Reg>,
        bytes_at: Vec<Reg>,
        width_at: Vec<Reg>,
        halves_at: Vec<Reg>,
        spare_at: Vec<Reg>,
        line_bytes: Const,
        line_shift: Const,
        beat_shift: Const,
        round: Const,
        sign_bit: Const,
        _members: usize,
        _operand_members: usize,
        _narrow: usize,
        _zvc: usize
    }
}

impl Walk {
    /// The write side of a design.
    #[must_use]
    pub fn new(shape: &Shape) -> Walk {
        let Shape { line, bus, load_fifo_beats, .. } = *shape;
        let position = u(position_bits(shape));
        let counter = beat_counter_bits(shape);
        let address = u(24);
        let flags = || vec![State::default(); STAGES];
        Walk {
            name: Named::of(
                format!(
                    "load_walk_line{line}_bus{bus}_fifo{load_fifo_beats}{}",
                    [(shape.zvc, "_zvc"), (shape.narrow, "_operands")]
                        .map(|(has, name)| if has { name } else { "" })
                        .concat()
                ),
                &Walk::DOCS,
            ),
            clock: Signal::default(),
            start: Signal::default(),
            push: Signal::default(),
            context: CONTEXT[..members(shape)].iter().map(|member| Sig::input(u(member.1))).collect(),
            operand_context: OPERAND_CONTEXT[..operand_members(shape)]
                .iter()
                .map(|member| Sig::input(u(member.1)))
                .collect(),
            came: Sig::input(u(counter)),
            position: Sig::output(position),
            at: Sig::output(position),
            left: Sig::output(u(counter)),
            alone: Signal::default(),
            take: Signal::default(),
            busy: Signal::default(),
            waits_memory: Signal::default(),
            valid: Signal::default(),
            last: Signal::default(),
            target: Sig::output(u(3)),
            line: Sig::output(address),
            bytes: Sig::output(u(7)),
            width: Sig::output(u(4)),
            signed: Signal::default(),
            halves: Sig::outputs(u(1), usize::from(shape.narrow)),
            unused: Sig::outputs(u(2), usize::from(shape.narrow)),
            operand_memory: OPERAND_CONTEXT[..operand_members(shape)]
                .iter()
                .map(|member| Mem::new(IN_FLIGHT, u(member.1)))
                .collect(),
            memory: CONTEXT[..members(shape)].iter().map(|member| Mem::new(IN_FLIGHT, u(member.1))).collect(),
            begin: Signal::default(),
            first: Signal::default(),
            last_of_block: Signal::default(),
            number: Sig::output(u(7)),
            command: [4, 8, 4, 10].iter().map(|&bits| Sig::output(u(bits))).collect(),
            command_signed: Signal::default(),
            held_target: Sig::output(u(3)),
            held_line: Sig::output(address),
            there: Signal::default(),
            active: Signal::default(),
            advance: Signal::default(),
            consumed: Sig::input(u(7)),
            finish: Signal::default(),
            over: Signal::default(),
            coded: Signal::default(),
            go: Signal::default(),
            follows: State::default(),
            left_held: Reg::new(u(counter)),
            last_held: State::default(),
            settled: Reg::new(u(2)),
            target_held: Reg::new(u(3)),
            line_held: Reg::new(address),
            head: Reg::new(u(4)),
            tail: Reg::new(u(4)),
            open: State::default(),
            fresh: State::default(),
            pending: Reg::new(u(4)),
            bit: Reg::new(position),
            line_of_pixel: Reg::new(u(18)),
            pixel: Reg::new(u(16)),
            block: Reg::new(u(16)),
            line_at: Reg::new(address),
            pixel_at: Reg::new(address),
            block_at: Reg::new(address),
            here: Sig::local(address),
            pixel_here: Sig::local(address),
            block_here: Sig::local(address),
            next_pixel: Sig::local(address),
            next_block: Sig::local(address),
            pixel_ends: State::default(),
            nearly: Signal::default(),
            ends_pixel: Signal::default(),
            ends_block: Signal::default(),
            ends: Signal::default(),
            may: Signal::default(),
            plain: Signal::default(),
            fire: Signal::default(),
            waiting: Signal::default(),
            empty: Signal::default(),
            bits: Sig::local(u(10)),
            end: Sig::local(position),
            needed: Sig::local(u(counter)),
            round_up: Sig::local(u(counter)),
            onward: Sig::local(position),
            ahead: Sig::local(position),
            spare: Sig::local(position),
            count: Sig::output(u(7)),
            valid_at: flags(),
            last_at: flags(),
            signed_at: flags(),
            target_at: Reg::many(u(3), STAGES),
            address_at: Reg::many(address, STAGES),
            bytes_at: Reg::many(u(7), STAGES),
            width_at: Reg::many(u(4), STAGES),
            halves_at: Reg::many(u(1), if shape.narrow { STAGES } else { 0 }),
            spare_at: Reg::many(u(2), if shape.narrow { STAGES } else { 0 }),
            line_bytes: Const::new(line),
            line_shift: Const::new(clog2(line)),
            beat_shift: Const::new(clog2(8 * bus)),
            round: Const::new(8 * bus - 1),
            sign_bit: Const::new(position_bits(shape) - 1),
            _members: members(shape),
            _operand_members: operand_members(shape),
            _narrow: usize::from(shape.narrow),
            _zvc: usize::from(shape.zvc),
        }
    }
}
