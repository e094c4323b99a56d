//! The write side: which line is written when, and from which bits.

use super::beats::{beat_counter_bits, position_bits};
use super::setup::{CONTEXT, members};
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
        line_bytes: Const,
        line_shift: Const,
        beat_shift: Const,
        round: Const,
        sign_bit: Const,
        _members: usize,
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
                    if shape.zvc { "_zvc" } else { "" }
                ),
                &Walk::DOCS,
            ),
            clock: Signal::default(),
            start: Signal::default(),
            push: Signal::default(),
            context: CONTEXT[..members(shape)].iter().map(|member| Sig::input(u(member.1))).collect(),
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
            line_bytes: Const::new(line),
            line_shift: Const::new(clog2(line)),
            beat_shift: Const::new(clog2(8 * bus)),
            round: Const::new(8 * bus - 1),
            sign_bit: Const::new(position_bits(shape) - 1),
            _members: members(shape),
            _zvc: usize::from(shape.zvc),
        }
    }
}

impl Logic for Walk {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, head, tail, open, fresh, pending, bit);
        dff_setup!(self, clock, follows, pixel_ends, left_held, last_held, settled, target_held, line_held);
        dff_setup!(self, clock, line_of_pixel, pixel, block, line_at, pixel_at, block_at);
        self.position.next = self.bit.q.val();
        self.at.next = self.bit.q.val();
        if self.advance.val() {
            self.at.next = self.bit.q.val() + self.consumed.val();
        }

        // Is the next line there? The memories show, in the order of `CONTEXT`: 0 target, 1 line,
        // 2 pixel stride, 3 block stride, 4 last line, 5 last pixel, 6 last block, 7 last bytes,
        // 8 last bits, 9 width, 10 signed, 11 empty, 12 single, 13 zvc, 14 zero code. Whether a line is its
        // pixel's last is known when the line before it goes: the comparison takes too long beside the rest.
        self.ends_pixel.next = self.pixel_ends.q.val();
        if self.fresh.q.val() {
            self.ends_pixel.next = self.memory[12].rdata.val().any();
        }
        self.nearly.next = (self.line_of_pixel.q.val() + 1) == self.memory[4].rdata.val();
        self.ends_block.next = self.ends_pixel.val() & (self.pixel.q.val() == self.memory[5].rdata.val());
        self.empty.next = self.memory[11].rdata.val().any();
        self.ends.next =
            self.empty.val() | (self.ends_block.val() & (self.block.q.val() == self.memory[6].rdata.val()));
        self.bits.next = self.memory[9].rdata.val() << self.line_shift.val();
        self.count.next = self.line_bytes.val();
        if self.ends_pixel.val() {
            self.bits.next = self.memory[8].rdata.val();
            self.count.next = self.memory[7].rdata.val();
        }
        self.end.next = self.bit.q.val() + self.bits.val();
        self.needed.next = (self.bit.q.val() + self.bits.val() + self.round.val()) >> self.beat_shift.val();
        self.round_up.next = (self.at.val() + self.round.val()) >> self.beat_shift.val();
        // Bits that have come beyond the position, less those of the line: the subtrahend comes late.
        self.ahead.next = (self.came.val() << self.beat_shift.val()) - self.bit.q.val();
        self.spare.next = self.ahead.val() - self.bits.val();
        self.coded.next = false;
        self.begin.next = false;
        self.may.next = self.open.q.val();
        for z in 0..self._zvc {
            self.coded.next = self.memory[13 + z].rdata.val().any() & !self.empty.val();
            self.begin.next =
                self.coded.val() & self.there.val() & (self.settled.q.val() == 3) & !self.active.val();
            self.may.next = self.open.q.val() & !self.coded.val() & !self.active.val();
        }
        self.plain.next =
            self.may.val() & (self.empty.val() | !self.spare.val().get_bit(self.sign_bit.val()));
        self.fire.next = self.plain.val() | self.begin.val();
        // The decoder needs some cycles to know what a command's first line takes.
        self.settled.d.next = 0.into();
        if self.open.q.val() & self.coded.val() {
            self.settled.d.next = self.settled.q.val() + (self.settled.q.val() < 3);
        }
        self.go.next = self.plain.val() | self.finish.val();

        // Where the line goes.
        self.here.next = self.line_at.q.val();
        self.pixel_here.next = self.pixel_at.q.val();
        self.block_here.next = self.block_at.q.val();
        if self.fresh.q.val() {
            self.here.next = self.memory[1].rdata.val();
            self.pixel_here.next = self.memory[1].rdata.val();
            self.block_here.next = self.memory[1].rdata.val();
        }
        self.next_pixel.next = self.pixel_here.val() + self.memory[2].rdata.val();
        self.next_block.next = self.block_here.val() + self.memory[3].rdata.val();

        self.waiting.next = self.head.q.val() != self.tail.q.val();
        self.onward.next = self.at.val();
        if self.go.val() {
            self.fresh.d.next = false;
            self.line_at.d.next = self.here.val() + 1;
            self.pixel_at.d.next = self.pixel_here.val();
            self.block_at.d.next = self.block_here.val();
            self.line_of_pixel.d.next = self.line_of_pixel.q.val() + 1;
            self.pixel_ends.d.next = self.nearly.val();
            if !self.empty.val() & !self.coded.val() {
                self.onward.next = self.end.val();
            }
            if self.ends_pixel.val() {
                self.pixel_ends.d.next = self.memory[12].rdata.val().any();
                self.line_of_pixel.d.next = 0.into();
                self.pixel.d.next = self.pixel.q.val() + 1;
                self.line_at.d.next = self.next_pixel.val();
                self.pixel_at.d.next = self.next_pixel.val();
            }
            if self.ends_block.val() {
                self.pixel.d.next = 0.into();
                self.block.d.next = self.block.q.val() + 1;
                self.line_at.d.next = self.next_block.val();
                self.pixel_at.d.next = self.next_block.val();
                self.block_at.d.next = self.next_block.val();
                if self.coded.val() {
                    self.onward.next = self.round_up.val() << self.beat_shift.val();
                } else if !self.empty.val() {
                    self.onward.next = self.needed.val() << self.beat_shift.val();
                }
            }
            if self.ends.val() {
                self.line_of_pixel.d.next = 0.into();
                self.pixel.d.next = 0.into();
                self.block.d.next = 0.into();
            }
        }

        self.bit.d.next = self.onward.val();
        // Beats leave with a plain line, or in the last cycle of one that is decoded.
        self.follows.d.next = !self.active.val() | self.over.val();
        self.left.next = self.left_held.q.val();
        if self.follows.q.val() {
            self.left.next = self.bit.q.val() >> self.beat_shift.val();
        }
        self.left_held.d.next = self.left.val();

        // The next command.
        if self.push.val() {
            self.tail.d.next = self.tail.q.val() + 1;
        }
        for m in 0..self._members {
            self.memory[m].clock.next = self.clock.val();
            self.memory[m].we.next = self.push.val().into();
            self.memory[m].waddr.next = self.tail.q.val();
            self.memory[m].wdata.next = self.context[m].val();
            self.memory[m].re.next = false;
            self.memory[m].raddr.next = self.head.q.val();
        }
        if !self.open.q.val() | (self.go.val() & self.ends.val()) {
            self.open.d.next = self.waiting.val();
            if self.waiting.val() {
                self.head.d.next = self.head.q.val() + 1;
                self.fresh.d.next = true;
                for m in 0..self._members {
                    self.memory[m].re.next = true;
                }
            }
        }

        // Counters.
        self.take.next = self.fire.val();
        self.busy.next = self.fire.val() | self.active.val();
        self.waits_memory.next = self.start.val() | self.pending.q.val().any();
        self.pending.d.next = self.pending.q.val() + self.start.val() - (self.go.val() & self.ends.val());
        self.alone.next = (self.pending.q.val() == 1) & !self.active.val();

        // What the decoder is told.
        self.first.next = (self.line_of_pixel.q.val() == 0) & (self.pixel.q.val() == 0);
        self.last_of_block.next = self.ends_block.val();
        self.number.next = self.block.q.val();
        self.command[0].next = self.memory[9].rdata.val();
        self.command[1].next = 0.into();
        self.command[2].next = 0.into();
        self.command[3].next = 0.into();
        for z in 0..self._zvc {
            self.command[1].next = self.memory[14 + z].rdata.val();
            self.command[2].next = self.memory[15 + z].rdata.val();
            self.command[3].next = self.memory[16 + z].rdata.val();
        }
        self.command_signed.next = self.memory[10].rdata.val().any();
        if self.fire.val() {
            self.target_held.d.next = self.memory[0].rdata.val();
            self.line_held.d.next = self.here.val();
        }
        if self.go.val() {
            self.last_held.d.next = self.ends.val();
        }
        self.held_target.next = self.target_held.q.val();
        self.held_line.next = self.line_held.q.val();

        // What goes along with the bytes.
        for i in 0..3 {
            self.valid_at[i].clock.next = self.clock.val();
            self.last_at[i].clock.next = self.clock.val();
            self.signed_at[i].clock.next = self.clock.val();
            self.target_at[i].clock.next = self.clock.val();
            self.address_at[i].clock.next = self.clock.val();
            self.bytes_at[i].clock.next = self.clock.val();
            self.width_at[i].clock.next = self.clock.val();
        }
        self.valid_at[0].d.next = self.plain.val() & !self.empty.val();
        self.last_at[0].d.next =
            (self.plain.val() & self.ends.val()) | (self.over.val() & self.last_held.q.val());
        self.signed_at[0].d.next = self.memory[10].rdata.val().any();
        self.target_at[0].d.next = self.memory[0].rdata.val();
        self.address_at[0].d.next = self.here.val();
        self.bytes_at[0].d.next = self.count.val();
        self.width_at[0].d.next = self.memory[9].rdata.val();
        for i in 1..3 {
            self.valid_at[i].d.next = self.valid_at[i - 1].q.val();
            self.last_at[i].d.next = self.last_at[i - 1].q.val();
            self.signed_at[i].d.next = self.signed_at[i - 1].q.val();
            self.target_at[i].d.next = self.target_at[i - 1].q.val();
            self.address_at[i].d.next = self.address_at[i - 1].q.val();
            self.bytes_at[i].d.next = self.bytes_at[i - 1].q.val();
            self.width_at[i].d.next = self.width_at[i - 1].q.val();
        }
        self.valid.next = self.valid_at[2].q.val();
        self.last.next = self.last_at[2].q.val();
        self.signed.next = self.signed_at[2].q.val();
        self.target.next = self.target_at[2].q.val();
        self.line.next = self.address_at[2].q.val();
        self.bytes.next = self.bytes_at[2].q.val();
        self.width.next = self.width_at[2].q.val();
    }
}
