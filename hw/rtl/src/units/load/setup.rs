//! What the rest of the load unit needs of a command, computed in four cycles.

use super::fields::{LoadFields, REGISTERS};
use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

/// What the write side needs of a command, in the order of [`Setup::context`], with the bits of each.
pub const CONTEXT: [(Context, usize); 17] = [
    (Context::Target, 3),
    (Context::Line, 24),
    (Context::PixelStride, 16),
    (Context::BlockStride, 24),
    (Context::LastLine, 18),
    (Context::LastPixel, 16),
    (Context::LastBlock, 16),
    (Context::LastBytes, 7),
    (Context::LastBits, 10),
    (Context::Width, 4),
    (Context::Signed, 1),
    (Context::Empty, 1),
    (Context::Single, 1),
    (Context::Zvc, 1),
    (Context::ZeroCode, 8),
    (Context::Groups, 4),
    (Context::MostBits, 10),
];

/// What it needs besides where narrow codes become operand lines, in the order of [`Setup::operand_context`].
pub const OPERAND_CONTEXT: [(OperandContext, usize); 2] =
    [(OperandContext::Halves, 1), (OperandContext::Spare, 2)];

/// Members of the operand context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperandContext {
    /// What becomes a byte is two codes, which are extended to half a byte each.
    Halves,
    /// Quarters of a pixel's last byte that are no codes.
    Spare,
}

/// Members of the operand context that a design needs.
#[must_use]
pub fn operand_members(shape: &Shape) -> usize {
    if shape.narrow { OPERAND_CONTEXT.len() } else { 0 }
}

/// Members of the context that a design needs: the last four are for `zvc`.
#[must_use]
pub fn members(shape: &Shape) -> usize {
    CONTEXT.len() - if shape.zvc { 0 } else { 4 }
}

/// Members of the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// Memory to write.
    Target,
    /// First line.
    Line,
    /// Lines from a pixel to the next.
    PixelStride,
    /// Lines from a block to the next.
    BlockStride,
    /// Lines of a pixel, less one.
    LastLine,
    /// Pixels of a block, less one.
    LastPixel,
    /// Blocks, less one.
    LastBlock,
    /// Bytes of a pixel's last line.
    LastBytes,
    /// Bits that they take.
    LastBits,
    /// Bits that become a byte.
    Width,
    /// They extend their sign.
    Signed,
    /// The command has no lines.
    Empty,
    /// A pixel has one line.
    Single,
    /// The codec is `zvc`.
    Zvc,
    /// The code that it leaves out.
    ZeroCode,
    /// Groups that a line touches at most.
    Groups,
    /// Bits that a line takes at most under `zvc`.
    MostBits,
}

documented! {
    /// Setup of a load: beats of a block, and what the write side needs.
    ///
    /// One multiplication a cycle: bits of a pixel, bits of a block, then lines of a pixel and bits of its
    /// last line. A code of 16 bits counts as two bytes.
    #[derive(LogicBlock)]
    pub struct Setup {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a command starts; its registers are there in the next cycle
        pub start: Signal<In, Bit>,
        /// the command's registers
        pub registers: Vec<Sig>,
        /// `beats` and the addresses are there: two cycles after the registers
        pub sized: Signal<Out, Bit>,
        /// `context` is there: the cycle after
        pub ready: Signal<Out, Bit>,
        /// the command has no lines
        pub empty: Signal<Out, Bit>,
        /// the codec is `zvc`
        pub zvc: Signal<Out, Bit>,
        /// beats of a block before `zvc`
        pub beats: Sig,
        /// byte address of block 0
        pub address: Sig,
        /// bytes from a block to the next
        pub stride: Sig,
        /// blocks
        pub blocks: Sig,
        /// byte address of the length table
        pub table: Sig,
        /// what the write side needs
        pub context: Vec<Sig>,
        /// what it needs for operand lines
        pub operand_context: Vec<Sig>,
        fields: LoadFields,
        cycle_1: State<Bit>,
        cycle_2: State<Bit>,
        cycle_3: State<Bit>,
        cycle_4: State<Bit>,
        plain: Signal<Local, Bit>,
        wide: Signal<Local, Bit>,
        /// the target is not a scratchpad
        run: Signal<Local, Bit>,
        width: Sig,
        width_r: Reg,
        /// channels times the bits of a packed code
        packed_bits: Reg,
        /// a code takes a byte; two bytes
        byte_codes: State<Bit>,
        wide_codes: State<Bit>,
        channel_bits: Sig,
        pixel_bytes: Reg,
        block_bits: Reg,
        last_byte: Reg,
        first_line: Sig,
        last_bytes: Sig,
        most_codes: Sig,
        most_bits: Sig,
        groups: Sig,
        nothing: State<Bit>,
        round: Const,
        beat_shift: Const,
        line_shift: Const,
        within: Const,
        line_bytes: Const,
        /// codes that are missing in a pixel's last byte, and their bits
        spare: Vec<Sig>,
        spare_sum: Vec<Sig>,
        spare_bits: Vec<Reg>,
        _narrow: usize,
        _zvc: usize
    }
}

impl Setup {
    /// The setup of a design.
    #[must_use]
    pub fn new(shape: &Shape) -> Setup {
        let beat_bits = 8 * shape.bus;
        Setup {
            name: Named::of(
                format!(
                    "load_setup_line{}_bus{}{}",
                    shape.line,
                    shape.bus,
                    [(shape.zvc, "_zvc"), (shape.narrow, "_operands")]
                        .map(|(has, name)| if has { name } else { "" })
                        .concat()
                ),
                &Setup::DOCS,
            ),
            clock: Signal::default(),
            start: Signal::default(),
            registers: Sig::inputs(u(32), REGISTERS),
            sized: Signal::default(),
            ready: Signal::default(),
            empty: Signal::default(),
            zvc: Signal::default(),
            beats: Sig::output(u(32)),
            address: Sig::output(u(32)),
            stride: Sig::output(u(32)),
            blocks: Sig::output(u(16)),
            table: Sig::output(u(32)),
            context: CONTEXT[..members(shape)].iter().map(|member| Sig::output(u(member.1))).collect(),
            operand_context: OPERAND_CONTEXT[..operand_members(shape)]
                .iter()
                .map(|member| Sig::output(u(member.1)))
                .collect(),
            spare: Sig::locals(u(2), usize::from(shape.narrow)),
            spare_sum: Sig::locals(u(4), usize::from(shape.narrow)),
            spare_bits: Reg::many(u(4), usize::from(shape.narrow)),
            _narrow: usize::from(shape.narrow),
            fields: LoadFields::default(),
            cycle_1: State::default(),
            cycle_2: State::default(),
            cycle_3: State::default(),
            cycle_4: State::default(),
            plain: Signal::default(),
            wide: Signal::default(),
            run: Signal::default(),
            width: Sig::local(u(4)),
            width_r: Reg::new(u(4)),
            packed_bits: Reg::new(u(20)),
            byte_codes: State::default(),
            wide_codes: State::default(),
            channel_bits: Sig::local(u(20)),
            pixel_bytes: Reg::new(u(17)),
            block_bits: Reg::new(u(37)),
            last_byte: Reg::new(u(24)),
            first_line: Sig::local(u(24)),
            last_bytes: Sig::local(u(7)),
            most_codes: Sig::local(u(7)),
            most_bits: Sig::local(u(10)),
            groups: Sig::local(u(4)),
            line_bytes: Const::new(shape.line),
            _zvc: usize::from(shape.zvc),
            nothing: State::default(),
            round: Const::new(beat_bits - 1),
            beat_shift: Const::new(clog2(beat_bits)),
            line_shift: Const::new(clog2(shape.line)),
            within: Const::new(shape.line - 1),
        }
    }
}

impl Logic for Setup {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, cycle_1, cycle_2, cycle_3, cycle_4, nothing);
        dff_setup!(
            self,
            clock,
            width_r,
            packed_bits,
            byte_codes,
            wide_codes,
            pixel_bytes,
            block_bits,
            last_byte
        );
        for r in 0..12 {
            self.fields.registers[r].next = self.registers[r].val();
        }
        self.cycle_1.d.next = self.start.val();
        self.cycle_2.d.next = self.cycle_1.q.val();
        self.cycle_3.d.next = self.cycle_2.q.val();
        self.cycle_4.d.next = self.cycle_3.q.val();
        self.sized.next = self.cycle_3.q.val();
        self.ready.next = self.cycle_4.q.val();
        self.address.next = self.fields.external_address.val();
        self.stride.next = self.fields.external_block_stride.val();
        self.blocks.next = self.fields.blocks.val();
        self.table.next = self.fields.length_table.val();

        // Cycle 1: bits of a pixel.
        self.zvc.next = self.fields.codec.val() == 2;
        self.plain.next = (self.fields.codec.val() != 1) & (self.fields.codec.val() != 2);
        self.wide.next = self.fields.value_bits.val() > 8;
        self.run.next = self.fields.target.val() > 1;
        self.width.next = 8.into();
        if !self.plain.val() & !self.wide.val() {
            self.width.next = self.fields.value_bits.val();
        }
        self.pixel_bytes.d.next = self.fields.channels.val();
        for n in 0..self._narrow {
            // A byte of an operand line is two or four codes.
            self.spare_bits[n].clock.next = self.clock.val();
            self.spare[n].next = 0.into();
            if self.fields.container.val() == 1 {
                self.width.next = self.fields.value_bits.val() << 1usize;
                self.pixel_bytes.d.next = (self.fields.channels.val() + 1) >> 1usize;
                self.spare[n].next = self.fields.channels.val() & 1;
            }
            if self.fields.container.val() == 2 {
                self.width.next = self.fields.value_bits.val() << 2usize;
                self.pixel_bytes.d.next = (self.fields.channels.val() + 3) >> 2usize;
                self.spare[n].next = -self.fields.channels.val();
            }
            self.spare_sum[n].next = 0.into();
            if self.spare[n].val().get_bit(0) {
                self.spare_sum[n].next = self.fields.value_bits.val();
            }
            if self.spare[n].val().get_bit(1) {
                self.spare_sum[n].next = self.spare_sum[n].val() + (self.fields.value_bits.val() << 1usize);
            }
            self.spare_bits[n].d.next = self.spare_sum[n].val();
            self.operand_context[2 * n].next =
                ((self.fields.container.val() == 1) & (self.fields.value_bits.val() != 4)).into();
            self.operand_context[2 * n + 1].next = self.spare[n].val();
            if self.fields.container.val() == 1 {
                self.operand_context[2 * n + 1].next = self.spare[n].val() << 1usize;
            }
        }
        self.width_r.d.next = self.width.val();
        if self.wide.val() {
            self.pixel_bytes.d.next = self.fields.channels.val() << 1usize;
        }
        // The choice among the products waits for the next cycle.
        self.packed_bits.d.next = self.fields.channels.val() * bits_w(self.fields.value_bits.val(), 4);
        self.byte_codes.d.next = self.plain.val() & !self.wide.val();
        self.wide_codes.d.next = self.wide.val();
        self.nothing.d.next = (self.fields.blocks.val() == 0)
            | (self.fields.pixels.val() == 0)
            | (self.fields.channels.val() == 0);
        self.empty.next = self.nothing.q.val();

        // Cycle 2: bits of a block. Cycle 3: its beats; the bytes of a pixel, or of the whole run.
        self.channel_bits.next = self.packed_bits.q.val();
        if self.wide_codes.q.val() {
            self.channel_bits.next = self.fields.channels.val() << 4usize;
        } else if self.byte_codes.q.val() {
            self.channel_bits.next = self.fields.channels.val() << 3usize;
        }
        self.block_bits.d.next = self.channel_bits.val() * self.fields.pixels.val();
        self.beats.next = (self.block_bits.q.val() + self.round.val()) >> self.beat_shift.val();
        self.last_byte.d.next = self.pixel_bytes.q.val() - 1;
        if self.run.val() {
            self.last_byte.d.next = (self.block_bits.q.val() >> 3usize) - 1;
        }

        // Cycle 4: its lines.
        self.first_line.next = self.fields.line.val();
        if (self.fields.target.val() == 2) | (self.fields.target.val() == 3) {
            self.first_line.next = (self.fields.line.val() << 3usize) >> self.line_shift.val();
        }
        if self.fields.target.val() == 4 {
            self.first_line.next = (self.fields.line.val() << 8usize) >> self.line_shift.val();
        }
        if self.fields.target.val() == 5 {
            self.first_line.next = (self.fields.line.val() << 9usize) >> self.line_shift.val();
        }
        self.last_bytes.next = (self.last_byte.q.val() & self.within.val()) + 1;
        self.context[0].next = self.fields.target.val();
        self.context[1].next = self.first_line.val();
        self.context[2].next = self.fields.pixel_stride.val();
        self.context[3].next = self.fields.block_stride.val();
        self.context[4].next = self.last_byte.q.val() >> self.line_shift.val();
        self.context[5].next = self.fields.pixels.val() - 1;
        if self.run.val() {
            self.context[5].next = 0.into();
        }
        self.context[6].next = self.fields.blocks.val() - 1;
        self.context[7].next = self.last_bytes.val();
        self.context[8].next = self.last_bytes.val() * self.width_r.q.val();
        for n in 0..self._narrow {
            self.context[8].next = self.last_bytes.val() * self.width_r.q.val() - self.spare_bits[n].q.val();
        }
        self.context[9].next = self.width_r.q.val();
        self.context[10].next = self.fields.signed.val();
        self.context[11].next = self.nothing.q.val().into();
        self.context[12].next = ((self.last_byte.q.val() >> self.line_shift.val()) == 0).into();
        self.most_codes.next = self.line_bytes.val();
        self.most_bits.next = self.width_r.q.val() << self.line_shift.val();
        if (self.last_byte.q.val() >> self.line_shift.val()) == 0 {
            self.most_codes.next = self.last_bytes.val();
            self.most_bits.next = self.last_bytes.val() * self.width_r.q.val();
        }
        self.groups.next = (self.most_codes.val() + 14) >> 3usize;
        for z in 0..self._zvc {
            self.context[13 + z].next = self.zvc.val().into();
            self.context[14 + z].next = self.fields.zero_code.val();
            self.context[15 + z].next = self.groups.val();
            self.context[16 + z].next = self.most_bits.val() + (self.groups.val() << 3usize);
        }
    }
}
