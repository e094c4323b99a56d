//! Softmax and LayerNorm: the vector unit's engine for functions over whole rows.

pub mod divide;
pub mod fields;
pub mod lane;
pub mod normalize;
pub mod present;
pub mod root;
pub mod select;
pub mod sequence;
pub mod statistics;
pub mod tree;
pub mod variance;
pub mod writer;

use crate::prelude::*;
use crate::units::requantize::{INPUT_BITS, MANTISSA_BITS, OUTPUT_BITS, SHIFT_BITS};
use crate::units::shape::Shape;
use bitgauge_arch::timing::{LAYERNORM_ROW_CYCLES, SOFTMAX_ROW_CYCLES, VECTOR_LATENCY};
use fields::RowFields;
use lane::RowLane;
use present::Present;
use rust_hdl::prelude::*;
use select::RowSelect;
use sequence::{Sequence, TAG_BITS};
use statistics::Statistics;
use writer::RowWriter;

/// Cycles between softmax's passes of maximum and sum: the maximum of a step is there in stage 8, and a
/// step wants it in stage 4.
pub const GAP_MAXIMUM: usize = 3;
/// Cycles between softmax's passes of sum and emission: the quotient is there in stage 29 of the last
/// step and wanted in stage 7.
pub const GAP_SUM: usize = 21;
/// Cycles between LayerNorm's passes: the reciprocal is there in stage 65 of the last step and wanted in
/// stage 6.
pub const GAP_LAYER_NORM: usize = 58;
/// Stage in which LayerNorm writes; softmax writes two stages earlier.
const WRITE_STAGE: usize = 15;
/// Stages of the tag chain.
const STAGES: usize = WRITE_STAGE - 1;

const _: () = assert!(SOFTMAX_ROW_CYCLES as usize == GAP_MAXIMUM + GAP_SUM);
const _: () = assert!(LAYERNORM_ROW_CYCLES as usize == GAP_LAYER_NORM);
// A step is issued a cycle before the one it has in the closed form.
const _: () = assert!(VECTOR_LATENCY as usize >= WRITE_STAGE - 1);

documented! {
    /// Softmax and LayerNorm over the channels of each pixel.
    ///
    /// lines -> codes -+-> maximum tree ----------------> difference -> table -> exponential -+
    ///                 +-> squares, codes -> sum trees -> N Q - S^2 -> root -+                |
    ///                 |      exponentials -> sum tree -> divide <-----------+                |
    ///                 |                                    | quotient, reciprocal            |
    ///                 +-> N code - S -> times reciprocal <-+-> scale <-----------------------+
    ///                                   + bias, +- ---------> scale -> zero point, clamp -> lines
    ///
    /// Stages of a step, in cycles after its issue; the first step is issued in the cycle of `begin`, the last
    /// one a cycle before `finished`:
    ///
    /// stage     | 1  | 2     | 3    | 4    | 5     | 6     | 7   | 8   | 9 | 10  | 11  | 12   | 13  | 14   | 15
    /// all       | re | rdata | line | code |       |       |     |     |   |     |     |      |     |      |
    /// softmax   |    |       |      |      | raddr | entry | exp | scale 3 cycles  | +z   | zero| we   |
    /// LayerNorm |    |       |      |      | N q   | - S   | x r | >>  | + | scale 3 cycles   | y   | zero | we
    ///
    /// What the row shares is in [`Statistics`], the order of steps in
    /// [`Sequence`]. Cycles: `timing::vector_cycles`; arithmetic: `arith::softmax`,
    /// `arith::layernorm`.
    #[derive(LogicBlock)]
    pub struct Rows {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// first cycle of the setup
        pub prepare: Signal<In, Bit>,
        /// last cycle of the setup
        pub begin: Signal<In, Bit>,
        /// register file of the command
        pub registers: Vec<Sig>,
        /// line read, the cycle after `re`
        pub rdata: Vec<Sig>,
        /// parameter entries read, the cycle after `parameter_re`
        pub parameter_rdata: Vec<Sig>,
        /// table entries read, the cycle after `table_re`
        pub table_rdata: Vec<Sig>,
        /// results of the lanes' requantizers, three cycles after their inputs
        pub scaled: Vec<Sig>,
        /// the command is for this engine, from the second cycle of its setup on
        pub active: Signal<Out, Bit>,
        /// reads a line of the activation scratchpad
        pub re: Signal<Out, Bit>,
        /// the line
        pub raddr: Sig,
        /// byte enables of the activation scratchpad
        pub we: Sig,
        /// line to write
        pub waddr: Sig,
        /// bytes to write
        pub wdata: Vec<Sig>,
        /// reads a group of parameter entries
        pub parameter_re: Signal<Out, Bit>,
        /// the group
        pub parameter_raddr: Sig,
        /// reads table entries
        pub table_re: Signal<Out, Bit>,
        /// entry of each lane
        pub table_raddr: Vec<Sig>,
        /// value of each lane to scale
        pub scale_value: Vec<Sig>,
        /// its factor's mantissa
        pub scale_mantissa: Vec<Sig>,
        /// its factor's shift, 1 to 47
        pub scale_shift: Vec<Sig>,
        /// last cycle of the body
        pub finished: Signal<Out, Bit>,
        fields: RowFields,
        sequence: Sequence,
        select: RowSelect,
        statistics: Statistics,
        present_6: Present,
        present_out: Present,
        writer: RowWriter,
        lane: Vec<RowLane>,
        tag: Vec<Reg>,
        rest: Reg,
        table_raddr_r: Vec<Reg>,
        table_re_r: State<Bit>,
        parameter_re_r: State<Bit>,
        parameter_raddr_r: Reg,
        /// distance from the maximum
        difference: Vec<Sig>,
        /// steps of the first pass are half groups
        half_first: Signal<Local, Bit>,
        /// steps of the last pass are half groups
        half_last: Signal<Local, Bit>,
        /// the tag of the step that the writer sees
        late: Sig,
        halves: Const,
        lanes_log: Const,
        lanes_less_one: Const,
        _lanes: usize,
        _line: usize,
        _stages: usize
    }
}

impl Rows {
    /// For this shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Rows {
        let (line, lanes) = (shape.line.max(1), shape.vector_lanes.max(1));
        Rows {
            name: Named::of(format!("rows_by{lanes}_line{line}"), &Rows::DOCS),
            clock: Signal::default(),
            prepare: Signal::default(),
            begin: Signal::default(),
            registers: Sig::inputs(u(32), 24),
            rdata: Sig::inputs(u(8), line),
            parameter_rdata: Sig::inputs(u(64), lanes),
            table_rdata: Sig::inputs(u(16), lanes),
            scaled: Sig::inputs(s(OUTPUT_BITS), lanes),
            active: Signal::default(),
            re: Signal::default(),
            raddr: Sig::output(u(24)),
            we: Sig::output(u(line)),
            waddr: Sig::output(u(24)),
            wdata: Sig::outputs(u(8), line),
            parameter_re: Signal::default(),
            parameter_raddr: Sig::output(u(16)),
            table_re: Signal::default(),
            table_raddr: Sig::outputs(u(9), lanes),
            scale_value: Sig::outputs(s(INPUT_BITS), lanes),
            scale_mantissa: Sig::outputs(u(MANTISSA_BITS), lanes),
            scale_shift: Sig::outputs(u(SHIFT_BITS), lanes),
            finished: Signal::default(),
            fields: RowFields::default(),
            sequence: Sequence::new(shape),
            select: RowSelect::new(shape),
            statistics: Statistics::new(lanes),
            present_6: Present::new(lanes),
            present_out: Present::new(lanes),
            writer: RowWriter::new(shape),
            lane: vec![RowLane::default(); lanes],
            // Number i is of stage i + 2; the sequence has stage 1's.
            tag: Reg::many(u(TAG_BITS), STAGES - 1),
            rest: Reg::new(u(clog2(lanes.max(2)))),
            table_raddr_r: Reg::many(u(9), lanes),
            table_re_r: State::default(),
            parameter_re_r: State::default(),
            parameter_raddr_r: Reg::new(u(16)),
            difference: Sig::locals(u(8), lanes),
            half_first: Signal::default(),
            half_last: Signal::default(),
            late: Sig::local(u(TAG_BITS)),
            halves: Const::new(2 * lanes > line),
            lanes_log: Const::new(clog2(lanes)),
            lanes_less_one: Const::new(lanes - 1),
            _lanes: lanes,
            _line: line,
            _stages: STAGES - 1,
        }
    }
}

impl Logic for Rows {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, rest, table_re_r, parameter_re_r, parameter_raddr_r);
        self.sequence.clock.next = self.clock.val();
        self.select.clock.next = self.clock.val();
        self.statistics.clock.next = self.clock.val();
        self.writer.clock.next = self.clock.val();
        for i in 0..24 {
            self.fields.registers[i].next = self.registers[i].val();
        }

        self.sequence.prepare.next = self.prepare.val();
        self.sequence.begin.next = self.begin.val();
        self.sequence.function.next = self.fields.function.val();
        self.sequence.out_rows.next = self.fields.out_rows.val();
        self.sequence.out_cols.next = self.fields.out_cols.val();
        self.sequence.channels.next = self.fields.channels.val();
        self.sequence.source_line.next = self.fields.source_line.val();
        self.sequence.pixel_stride.next = self.fields.pixel_stride.val();
        self.sequence.source_wide.next = self.fields.source_wide.val();
        self.sequence.output_wide.next = self.fields.output_wide.val();
        self.active.next = self.sequence.active.val();
        self.finished.next = self.sequence.finished.val();
        self.re.next = self.sequence.re.val();
        self.raddr.next = self.sequence.raddr.val();
        if self.prepare.val() {
            self.rest.d.next = (self.fields.channels.val() - 1) & self.lanes_less_one.val();
        }
        self.half_first.next =
            (self.halves.val() == 1) & !self.sequence.softmax.val() & (self.fields.source_wide.val() == 1);
        self.half_last.next = (self.halves.val() == 1)
            & !self.sequence.softmax.val()
            & ((self.fields.source_wide.val() == 1) | (self.fields.output_wide.val() == 1));

        self.tag[0].clock.next = self.clock.val();
        self.tag[0].d.next = self.sequence.tag.val();
        for i in 1..self._stages {
            self.tag[i].clock.next = self.clock.val();
            self.tag[i].d.next = self.tag[i - 1].q.val();
        }

        self.select.softmax.next = self.sequence.softmax.val();
        self.select.source_signed.next = self.fields.source_signed.val();
        self.select.source_wide.next = self.fields.source_wide.val();
        self.select.rest.next = self.rest.q.val();
        self.select.place.next = self.sequence.place.val();
        for b in 0..self._line {
            self.select.rdata[b].next = self.rdata[b].val();
        }
        self.select.last.next = self.tag[1].q.val().get_bit(4);
        self.select.parity.next = self.tag[1].q.val().get_bit(6);
        self.select.half.next = self.half_first.val();
        if self.tag[1].q.val().get_bit(2) {
            self.select.half.next = self.half_last.val();
        }

        self.statistics.softmax.next = self.sequence.softmax.val();
        self.statistics.output_bits.next = self.fields.output_bits.val();
        self.statistics.channels.next = self.fields.channels.val();
        self.statistics.epsilon_low.next = self.fields.epsilon_low.val();
        self.statistics.epsilon_high.next = self.fields.epsilon_high.val();
        self.statistics.measures.next = self.tag[5].q.val().get_bit(0);
        self.statistics.measures_first.next = self.tag[5].q.val().get_bit(3);
        self.statistics.adds.next = self.tag[5].q.val().get_bit(0);
        self.statistics.adds_first.next = self.tag[5].q.val().get_bit(3);
        self.statistics.adds_last.next = self.tag[5].q.val().get_bit(5);
        self.late.next = self.tag[12].q.val();
        if self.sequence.softmax.val() {
            self.statistics.adds.next = self.tag[8].q.val().get_bit(1);
            self.statistics.adds_first.next = self.tag[8].q.val().get_bit(3);
            self.statistics.adds_last.next = self.tag[8].q.val().get_bit(5);
            self.late.next = self.tag[10].q.val();
        }

        // Softmax is never in halves, LayerNorm has no table.
        self.present_6.rest.next = self.rest.q.val();
        self.present_6.last.next = self.tag[4].q.val().get_bit(4);
        self.present_6.half.next = false;
        self.present_6.parity.next = false;
        self.present_out.rest.next = self.rest.q.val();
        self.present_out.last.next = self.late.val().get_bit(4);
        self.present_out.half.next = self.half_last.val();
        self.present_out.parity.next = self.late.val().get_bit(6);

        self.table_re_r.d.next =
            self.sequence.softmax.val() & (self.tag[2].q.val().get_bit(1) | self.tag[2].q.val().get_bit(2));
        self.table_re.next = self.table_re_r.q.val();
        self.parameter_re_r.d.next = !self.sequence.softmax.val() & self.tag[3].q.val().get_bit(2);
        if self.tag[3].q.val().get_bit(3) {
            self.parameter_raddr_r.d.next = self.fields.parameter_base.val() >> self.lanes_log.val();
        } else if self.tag[3].q.val().get_bit(2) & !self.tag[3].q.val().get_bit(6) {
            self.parameter_raddr_r.d.next = self.parameter_raddr_r.q.val() + 1;
        }
        self.parameter_re.next = self.parameter_re_r.q.val();
        self.parameter_raddr.next = self.parameter_raddr_r.q.val();

        for l in 0..self._lanes {
            self.statistics.byte[l].next = self.select.code[l].val();
            self.statistics.square[l].next = self.lane[l].product.val();
            self.statistics.addend[l].next = self.select.code[l].val();
            if self.sequence.softmax.val() {
                self.statistics.addend[l].next = self.lane[l].exponential.val();
            }
            self.difference[l].next = self.statistics.maximum.val() - self.select.code[l].val();
            self.table_raddr_r[l].clock.next = self.clock.val();
            self.table_raddr_r[l].d.next = (self.fields.table_select.val() << 8) + self.difference[l].val();
            self.table_raddr[l].next = self.table_raddr_r[l].q.val();

            self.lane[l].clock.next = self.clock.val();
            self.lane[l].softmax.next = self.sequence.softmax.val();
            self.lane[l].code.next = self.select.code[l].val();
            self.lane[l].square.next = self.tag[2].q.val().get_bit(0);
            self.lane[l].channels.next = self.fields.channels.val();
            self.lane[l].sum.next = self.statistics.sum.val();
            self.lane[l].quotient.next = self.statistics.quotient.val();
            self.lane[l].less_one.next = self.statistics.less_one.val();
            self.lane[l].softmax_shift.next = self.statistics.softmax_shift.val();
            self.lane[l].entry.next = self.table_rdata[l].val();
            self.lane[l].present.next = self.present_6.present[l].val();
            self.lane[l].parameter.next = self.parameter_rdata[l].val();
            self.scale_value[l].next = self.lane[l].value.val();
            self.scale_mantissa[l].next = self.lane[l].mantissa.val();
            self.scale_shift[l].next = self.lane[l].shift.val();
            self.writer.scaled[l].next = self.scaled[l].val();
            self.writer.present[l].next = self.present_out.present[l].val();
        }

        self.writer.prepare.next = self.prepare.val();
        self.writer.softmax.next = self.sequence.softmax.val();
        self.writer.output_line.next = self.fields.output_line.val();
        self.writer.output_pixel_stride.next = self.fields.output_pixel_stride.val();
        self.writer.source_wide.next = self.fields.source_wide.val();
        self.writer.output_wide.next = self.fields.output_wide.val();
        self.writer.output_bits.next = self.fields.output_bits.val();
        self.writer.zero_point.next = self.fields.zero_point.val();
        self.writer.clamp_low.next = self.fields.clamp_low.val();
        self.writer.clamp_high.next = self.fields.clamp_high.val();
        self.writer.emits.next = self.late.val().get_bit(2);
        self.writer.closes.next = self.late.val().get_bit(5);
        self.writer.parity.next = self.late.val().get_bit(6);
        self.we.next = self.writer.we.val();
        self.waddr.next = self.writer.waddr.val();
        for b in 0..self._line {
            self.wdata[b].next = self.writer.wdata[b].val();
        }
    }
}
