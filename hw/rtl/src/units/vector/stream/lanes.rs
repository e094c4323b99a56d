//! The lanes, with what each stage needs to know of its slot.

use super::lane::Lane;
use super::pick::Pick;
use crate::prelude::*;
use crate::units::requantize::{INPUT_BITS, MANTISSA_BITS, OUTPUT_BITS, SHIFT_BITS};
use crate::units::shape::Shape;
use crate::units::vector::fields::VectorFields;
use bitgauge_arch::command::{RegisterFile, Vector};
use rust_hdl::prelude::*;

/// Stages that carry tags.
const STAGES: usize = 11;

documented! {
    /// From the codes of a line to the codes of a group: lanes, tags, parameters, tables.
    ///
    /// ```text
    /// stage   2                  3       4        5          6     9         10      11
    ///         pick, parameters   tables  first,   scale,     early second    summed  late
    ///         re                 re      valid    done       codes operand           codes
    /// ```
    #[derive(LogicBlock)]
    pub struct Lanes {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// groups of parameters take their first value
        pub load: Signal<In, Bit>,
        /// registers of the command
        pub registers: Vec<Sig>,
        /// add
        pub is_add: Signal<In, Bit>,
        /// table
        pub is_table: Signal<In, Bit>,
        /// max pool
        pub is_max: Signal<In, Bit>,
        /// depthwise
        pub is_depthwise: Signal<In, Bit>,
        /// code of a position outside
        pub outside_code: Sig,
        /// shift of the source, 1 to 47
        pub source_shift: Sig,
        /// shift of the second operand, 1 to 47
        pub second_shift: Sig,
        /// valid, first, done, last of the pixel, second operand, lower lanes, upper lanes: of stage 0
        pub tag_0: Sig,
        /// which codes of the line, stage 0
        pub pick: Sig,
        /// they have 16 bits, stage 0
        pub wide: Signal<In, Bit>,
        /// the position lies outside, stage 0
        pub outside: Signal<In, Bit>,
        /// bytes of the line, stage 2
        pub line: Vec<Sig>,
        /// line of the weight scratchpad, stage 1
        pub weight_rdata: Vec<Sig>,
        /// read of the parameter memory
        pub parameter_re: Signal<Out, Bit>,
        /// group of lanes
        pub parameter_raddr: Sig,
        /// parameters of the group
        pub parameter_rdata: Vec<Sig>,
        /// read of the tables
        pub table_re: Signal<Out, Bit>,
        /// entry for each lane
        pub table_raddr: Vec<Sig>,
        /// table entry of each lane
        pub table_rdata: Vec<Sig>,
        /// value for each requantizer
        pub scale_value: Vec<Sig>,
        /// mantissa for each requantizer
        pub scale_mantissa: Vec<Sig>,
        /// shift for each requantizer
        pub scale_shift: Vec<Sig>,
        /// what the requantizers give
        pub scaled: Vec<Sig>,
        /// a group's codes are there
        pub valid: Signal<Out, Bit>,
        /// it is the last group of its pixel
        pub last: Signal<Out, Bit>,
        /// code of each lane
        pub code: Vec<Sig>,
        fields: VectorFields,
        picker: Pick,
        lane: Vec<Lane>,
        /// tags of stage 1 and following
        tag: Vec<Reg>,
        pick_1: Reg,
        pick_2: Reg,
        wide_1: State<Bit>,
        wide_2: State<Bit>,
        outside_1: State<Bit>,
        outside_2: State<Bit>,
        weights: Vec<Reg>,
        parameter_group: Reg,
        lane_bits: Const,
        _lanes: usize,
        _half: usize,
        _line: usize
    }
}

impl Lanes {
    /// For the lines and lanes of a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Lanes {
        let (line, lanes) = (shape.line, shape.vector_lanes);
        let (byte, shift) = (u(8), u(SHIFT_BITS));
        let pick = u(clog2((line / lanes).max(2)));
        Lanes {
            name: Named::of(format!("vector_lanes_line{line}_by{lanes}"), &Lanes::DOCS),
            clock: Signal::default(),
            load: Signal::default(),
            registers: Sig::inputs(u(32), 3 * Vector::GROUPS),
            is_add: Signal::default(),
            is_table: Signal::default(),
            is_max: Signal::default(),
            is_depthwise: Signal::default(),
            outside_code: Sig::input(s(9)),
            source_shift: Sig::input(shift),
            second_shift: Sig::input(shift),
            tag_0: Sig::input(u(7)),
            pick: Sig::input(pick),
            wide: Signal::default(),
            outside: Signal::default(),
            line: Sig::inputs(byte, line),
            weight_rdata: Sig::inputs(byte, line),
            parameter_re: Signal::default(),
            parameter_raddr: Sig::output(u(16)),
            parameter_rdata: Sig::inputs(u(64), lanes),
            table_re: Signal::default(),
            table_raddr: Sig::outputs(u(9), lanes),
            table_rdata: Sig::inputs(u(16), lanes),
            scale_value: Sig::outputs(s(INPUT_BITS), lanes),
            scale_mantissa: Sig::outputs(u(MANTISSA_BITS), lanes),
            scale_shift: Sig::outputs(shift, lanes),
            scaled: Sig::inputs(s(OUTPUT_BITS), lanes),
            valid: Signal::default(),
            last: Signal::default(),
            code: Sig::outputs(s(16), lanes),
            fields: VectorFields::default(),
            picker: Pick::new(shape),
            lane: vec![Lane::default(); lanes],
            tag: Reg::many(u(7), STAGES),
            pick_1: Reg::new(pick),
            pick_2: Reg::new(pick),
            wide_1: State::default(),
            wide_2: State::default(),
            outside_1: State::default(),
            outside_2: State::default(),
            weights: Reg::many(s(8), line),
            parameter_group: Reg::new(u(16)),
            lane_bits: Const::new(clog2(lanes)),
            _lanes: lanes,
            // Lanes from here on are the upper ones.
            _half: lanes.min(line / 2),
            _line: line,
        }
    }
}

impl Logic for Lanes {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, pick_1, pick_2, wide_1, wide_2, outside_1, outside_2);
        dff_setup!(self, clock, parameter_group);
        for r in 0..24 {
            self.fields.registers[r].next = self.registers[r].val();
        }
        self.tag[0].clock.next = self.clock.val();
        self.tag[0].d.next = self.tag_0.val();
        for n in 1..11 {
            self.tag[n].clock.next = self.clock.val();
            self.tag[n].d.next = self.tag[n - 1].q.val();
        }
        self.pick_1.d.next = self.pick.val();
        self.pick_2.d.next = self.pick_1.q.val();
        self.wide_1.d.next = self.wide.val();
        self.wide_2.d.next = self.wide_1.q.val();
        self.outside_1.d.next = self.outside.val();
        self.outside_2.d.next = self.outside_1.q.val();

        // Stage 2: codes out of the line.
        for b in 0..self._line {
            self.weights[b].clock.next = self.clock.val();
            self.weights[b].d.next = self.weight_rdata[b].val();
            self.picker.line[b].next = self.line[b].val();
            self.picker.weights[b].next = self.weights[b].q.val();
        }
        self.picker.pick.next = self.pick_2.q.val();
        self.picker.wide.next = self.wide_2.q.val();
        self.picker.is_signed.next = self.fields.source_signed.val() != 0;
        self.picker.outside.next = self.outside_2.q.val();
        self.picker.outside_code.next = self.outside_code.val();
        self.parameter_re.next = self.is_depthwise.val() & self.tag[1].q.val().get_bit(2);
        self.parameter_raddr.next = self.parameter_group.q.val();
        if self.load.val() {
            self.parameter_group.d.next = self.fields.parameter_base.val() >> self.lane_bits.val();
        } else if self.tag[1].q.val().get_bit(2) {
            self.parameter_group.d.next = self.parameter_group.q.val() + 1;
            if self.tag[1].q.val().get_bit(3) {
                self.parameter_group.d.next = self.fields.parameter_base.val() >> self.lane_bits.val();
            }
        }

        // Stages 3 to 11: the lanes.
        self.table_re.next = self.is_table.val() & self.tag[2].q.val().get_bit(0);
        for l in 0..self._lanes {
            self.lane[l].clock.next = self.clock.val();
            self.lane[l].is_depthwise.next = self.is_depthwise.val();
            self.lane[l].is_max.next = self.is_max.val();
            self.lane[l].is_table.next = self.is_table.val();
            self.lane[l].code.next = self.picker.code[l].val();
            self.lane[l].weight.next = self.picker.weight[l].val();
            self.lane[l].zero_point.next = self.fields.source_zero_point.val();
            if self.is_max.val() {
                self.lane[l].zero_point.next = 0.into();
            } else if self.tag[2].q.val().get_bit(4) {
                self.lane[l].zero_point.next = self.fields.second_zero_point.val();
            }
            self.lane[l].first.next = self.is_add.val() | self.tag[3].q.val().get_bit(1);
            self.lane[l].valid.next = self.tag[3].q.val().get_bit(0);
            self.lane[l].done.next = self.tag[4].q.val().get_bit(2);
            self.lane[l].mantissa.next = self.fields.source_mantissa.val();
            self.lane[l].shift.next = self.source_shift.val();
            if self.tag[4].q.val().get_bit(4) {
                self.lane[l].mantissa.next = self.fields.second_mantissa.val();
                self.lane[l].shift.next = self.second_shift.val();
            }
            self.lane[l].parameter.next = self.parameter_rdata[l].val();
            self.lane[l].table_code.next = self.table_rdata[l].val();
            self.table_raddr[l].next = (self.fields.table_select.val() << 8) + self.lane[l].table_index.val();
            self.scale_value[l].next = self.lane[l].scale_value.val();
            self.scale_mantissa[l].next = self.lane[l].scale_mantissa.val();
            self.scale_shift[l].next = self.lane[l].scale_shift.val();
            self.lane[l].scaled.next = self.scaled[l].val();
            self.lane[l].second.next = self.tag[8].q.val().get_bit(4);
            self.lane[l].summed.next = self.tag[9].q.val().get_bit(2);
            self.lane[l].output_zero_point.next = self.fields.zero_point.val();
            self.lane[l].clamp_low.next = self.fields.clamp_low.val();
            self.lane[l].clamp_high.next = self.fields.clamp_high.val();
            self.code[l].next = self.lane[l].result.val();
        }
        for l in 0..self._half {
            self.lane[l].adds.next = self.tag[8].q.val().get_bit(0) & self.tag[8].q.val().get_bit(5);
        }
        for l in self._half..self._lanes {
            self.lane[l].adds.next = self.tag[8].q.val().get_bit(0) & self.tag[8].q.val().get_bit(6);
        }

        // Maxima and tables are there earlier.
        self.valid.next = self.tag[10].q.val().get_bit(2);
        self.last.next = self.tag[10].q.val().get_bit(3);
        if self.is_max.val() | self.is_table.val() {
            self.valid.next = self.tag[5].q.val().get_bit(2);
            self.last.next = self.tag[5].q.val().get_bit(3);
        }
    }
}
