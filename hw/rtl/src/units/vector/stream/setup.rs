//! What a command's fields mean for the loops: counts, steps, masks.

use super::products::Products;
use crate::prelude::*;
use crate::units::shape::Shape;
use crate::units::vector::fields::VectorFields;
use bitgauge_arch::command::{RegisterFile, Vector, VectorFunction};
use rust_hdl::prelude::*;

documented! {
    /// Derives counts, steps and masks of a command.
    ///
    /// Steps come from [`Products`] in [`super::products::PRODUCT_CYCLES`] cycles; everything else is there
    /// two cycles after `prepare`.
    #[derive(LogicBlock)]
    pub struct Setup {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// the registers are new
        pub prepare: Signal<In, Bit>,
        /// registers of the command
        pub registers: Vec<Sig>,
        /// counters take their first values at the end of this cycle
        pub load: Signal<Out, Bit>,
        /// no pixels
        pub empty: Signal<Out, Bit>,
        /// add
        pub is_add: Signal<Out, Bit>,
        /// table
        pub is_table: Signal<Out, Bit>,
        /// max pool
        pub is_max: Signal<Out, Bit>,
        /// depthwise
        pub is_depthwise: Signal<Out, Bit>,
        /// patch
        pub is_patch: Signal<Out, Bit>,
        /// copy or patch: bytes move, nothing is computed
        pub moves: Signal<Out, Bit>,
        /// the source is a map with positions outside
        pub mapped: Signal<Out, Bit>,
        /// last output column
        pub last_x: Sig,
        /// last output row
        pub last_y: Sig,
        /// last group of a pixel
        pub last_group: Sig,
        /// last kernel row
        pub last_row: Sig,
        /// last slot of a kernel row that reads
        pub last_read: Sig,
        /// last slot of a kernel row
        pub last_slot: Sig,
        /// add: first slot of the second operand
        pub second_at: Sig,
        /// line of the window of output 0, 0
        pub base: Sig,
        /// lines from the windows of an output row to those of the next
        pub row_step: Sig,
        /// lines from a kernel row to the next
        pub tap_row_step: Sig,
        /// lines from a window to the next
        pub col_step: Sig,
        /// lines from a tap to the next
        pub tap_col_step: Sig,
        /// lines of a pixel's weights
        pub words: Sig,
        /// the second line of the last group's wide codes exists
        pub second_half: Signal<Out, Bit>,
        /// bytes of the last group in its line
        pub mask: Sig,
        /// bytes of the last group in its second line
        pub mask_second: Sig,
        /// code of a position outside
        pub outside_code: Sig,
        /// shift of the source, 1 to 47
        pub source_shift: Sig,
        /// shift of the second operand, 1 to 47
        pub second_shift: Sig,
        fields: VectorFields,
        products: Products,
        last_x_r: Reg,
        last_y_r: Reg,
        last_group_r: Reg,
        last_row_r: Reg,
        last_read_r: Reg,
        last_slot_r: Reg,
        second_at_r: Reg,
        words_r: Reg,
        mask_r: Reg,
        mask_second_r: Reg,
        outside_r: Reg,
        source_shift_r: Reg,
        second_shift_r: Reg,
        empty_r: State<Bit>,
        second_half_r: State<Bit>,
        /// copy
        is_copy: Signal<Local, Bit>,
        /// a pool or depthwise
        windowed: Signal<Local, Bit>,
        is_add_now: Signal<Local, Bit>,
        is_add_r: State<Bit>,
        is_table_now: Signal<Local, Bit>,
        is_table_r: State<Bit>,
        is_max_now: Signal<Local, Bit>,
        is_max_r: State<Bit>,
        is_depthwise_now: Signal<Local, Bit>,
        is_depthwise_r: State<Bit>,
        is_patch_now: Signal<Local, Bit>,
        is_patch_r: State<Bit>,
        moves_now: Signal<Local, Bit>,
        moves_r: State<Bit>,
        mapped_now: Signal<Local, Bit>,
        mapped_r: State<Bit>,
        /// last code of a pixel
        last_channel: Sig,
        /// its byte in a copy
        last_byte: Sig,
        /// its lane
        last_lane: Sig,
        /// bytes of the last group
        tail: Sig,
        /// two slots are needed to write
        stretched: Signal<Local, Bit>,
        /// the code outside, signed
        pad_signed: Sig,
        code_copy: Const,
        code_add: Const,
        code_table: Const,
        code_max: Const,
        code_average: Const,
        code_depthwise: Const,
        code_patch: Const,
        lane_bits: Const,
        line_bits: Const,
        line_less_two: Const,
        lane_mask: Const,
        half_lanes: Const,
        two_lines: Const,
        two: Const,
        most_shift: Const,
        _line: usize,
        line: Const
    }
}

impl Setup {
    /// For the lines and lanes of a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Setup {
        let (line, lanes) = (shape.line, shape.vector_lanes);
        let code = |function: VectorFunction| Const::new(function.code() as usize);
        let (address, count) = (u(24), u(16));
        Setup {
            name: Named::of(format!("vector_setup_line{line}_by{lanes}"), &Setup::DOCS),
            clock: Signal::default(),
            prepare: Signal::default(),
            registers: Sig::inputs(u(32), 3 * Vector::GROUPS),
            load: Signal::default(),
            empty: Signal::default(),
            is_add: Signal::default(),
            is_table: Signal::default(),
            is_max: Signal::default(),
            is_depthwise: Signal::default(),
            is_patch: Signal::default(),
            moves: Signal::default(),
            mapped: Signal::default(),
            last_x: Sig::output(count),
            last_y: Sig::output(count),
            last_group: Sig::output(count),
            last_row: Sig::output(u(8)),
            last_read: Sig::output(count),
            last_slot: Sig::output(count),
            second_at: Sig::output(u(2)),
            base: Sig::output(address),
            row_step: Sig::output(address),
            tap_row_step: Sig::output(address),
            col_step: Sig::output(address),
            tap_col_step: Sig::output(address),
            words: Sig::output(count),
            second_half: Signal::default(),
            mask: Sig::output(u(line)),
            mask_second: Sig::output(u(line)),
            outside_code: Sig::output(s(9)),
            source_shift: Sig::output(u(6)),
            second_shift: Sig::output(u(6)),
            fields: VectorFields::default(),
            products: Products::default(),
            last_x_r: Reg::new(count),
            last_y_r: Reg::new(count),
            last_group_r: Reg::new(count),
            last_row_r: Reg::new(u(8)),
            last_read_r: Reg::new(count),
            last_slot_r: Reg::new(count),
            second_at_r: Reg::new(u(2)),
            words_r: Reg::new(count),
            mask_r: Reg::new(u(line)),
            mask_second_r: Reg::new(u(line)),
            outside_r: Reg::new(s(9)),
            source_shift_r: Reg::new(u(6)),
            second_shift_r: Reg::new(u(6)),
            empty_r: State::default(),
            second_half_r: State::default(),
            is_copy: Signal::default(),
            windowed: Signal::default(),
            is_add_now: Signal::default(),
            is_add_r: State::default(),
            is_table_now: Signal::default(),
            is_table_r: State::default(),
            is_max_now: Signal::default(),
            is_max_r: State::default(),
            is_depthwise_now: Signal::default(),
            is_depthwise_r: State::default(),
            is_patch_now: Signal::default(),
            is_patch_r: State::default(),
            moves_now: Signal::default(),
            moves_r: State::default(),
            mapped_now: Signal::default(),
            mapped_r: State::default(),
            last_channel: Sig::local(count),
            last_byte: Sig::local(u(17)),
            last_lane: Sig::local(u(clog2(lanes.max(2)))),
            tail: Sig::local(u(clog2(2 * line) + 1)),
            stretched: Signal::default(),
            pad_signed: Sig::local(s(8)),
            code_copy: code(VectorFunction::Copy),
            code_add: code(VectorFunction::Add),
            code_table: code(VectorFunction::Table),
            code_max: code(VectorFunction::MaxPool),
            code_average: code(VectorFunction::AveragePool),
            code_depthwise: code(VectorFunction::Depthwise),
            code_patch: code(VectorFunction::Patch),
            lane_bits: Const::new(clog2(lanes)),
            line_bits: Const::new(clog2(line)),
            line_less_two: Const::new(line - 2),
            lane_mask: Const::new(lanes - 1),
            half_lanes: Const::new(lanes / 2),
            two_lines: Const::new(usize::from(2 * lanes > line)),
            two: Const::new(2),
            most_shift: Const::new(usize::from(bitgauge_arch::arith::requantize::MAX_SHIFT)),
            _line: line,
            line: Const::new(line),
        }
    }
}

impl Logic for Setup {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, last_x_r, last_y_r, last_group_r, last_row_r, last_read_r);
        dff_setup!(self, clock, last_slot_r, second_at_r, words_r, mask_r, mask_second_r);
        dff_setup!(self, clock, outside_r, source_shift_r, second_shift_r, empty_r);
        dff_setup!(self, clock, second_half_r);
        dff_setup!(
            self,
            clock,
            is_add_r,
            is_table_r,
            is_max_r,
            is_depthwise_r,
            is_patch_r,
            moves_r,
            mapped_r
        );
        for r in 0..24 {
            self.fields.registers[r].next = self.registers[r].val();
        }
        self.is_copy.next = self.fields.function.val() == self.code_copy.val();
        self.is_add_now.next = self.fields.function.val() == self.code_add.val();
        self.is_table_now.next = self.fields.function.val() == self.code_table.val();
        self.is_max_now.next = self.fields.function.val() == self.code_max.val();
        self.is_depthwise_now.next = self.fields.function.val() == self.code_depthwise.val();
        self.is_patch_now.next = self.fields.function.val() == self.code_patch.val();
        self.windowed.next = (self.fields.function.val() == self.code_max.val())
            | (self.fields.function.val() == self.code_average.val())
            | (self.fields.function.val() == self.code_depthwise.val());
        self.moves_now.next = self.is_copy.val() | self.is_patch_now.val();
        self.mapped_now.next = self.windowed.val() | self.is_patch_now.val();

        // Decoded once a command; the rest of the unit sees it a cycle later.
        self.is_add_r.d.next = self.is_add_now.val();
        self.is_add.next = self.is_add_r.q.val();
        self.is_table_r.d.next = self.is_table_now.val();
        self.is_table.next = self.is_table_r.q.val();
        self.is_max_r.d.next = self.is_max_now.val();
        self.is_max.next = self.is_max_r.q.val();
        self.is_depthwise_r.d.next = self.is_depthwise_now.val();
        self.is_depthwise.next = self.is_depthwise_r.q.val();
        self.is_patch_r.d.next = self.is_patch_now.val();
        self.is_patch.next = self.is_patch_r.q.val();
        self.moves_r.d.next = self.moves_now.val();
        self.moves.next = self.moves_r.q.val();
        self.mapped_r.d.next = self.mapped_now.val();
        self.mapped.next = self.mapped_r.q.val();

        for r in 0..24 {
            self.products.registers[r].next = self.registers[r].val();
        }
        self.products.clock.next = self.clock.val();
        self.products.prepare.next = self.prepare.val();
        self.products.windowed.next = self.windowed.val();
        self.products.is_patch.next = self.is_patch_now.val();
        self.load.next = self.products.load.val();
        self.base.next = self.products.base.val();
        self.row_step.next = self.products.row_step.val();
        self.tap_row_step.next = self.products.tap_row_step.val();
        self.col_step.next = self.products.col_step.val();
        self.tap_col_step.next = self.products.tap_col_step.val();

        // The counts.
        self.last_channel.next = self.fields.channels.val() - 1;
        self.last_byte.next = self.fields.channels.val() - 1;
        if self.fields.source_wide.val() != 0 {
            self.last_byte.next = (self.fields.channels.val() << 1) - 1;
        }
        self.last_lane.next = self.last_channel.val() & self.lane_mask.val();
        self.second_half_r.d.next = self.last_lane.val() >= self.half_lanes.val();
        self.second_half.next = self.second_half_r.q.val();
        self.empty_r.d.next = (self.fields.out_rows.val() == 0) | (self.fields.out_cols.val() == 0);
        self.empty.next = self.empty_r.q.val();
        self.last_x_r.d.next = self.fields.out_cols.val() - 1;
        self.last_y_r.d.next = self.fields.out_rows.val() - 1;
        self.last_group_r.d.next = self.last_channel.val() >> self.lane_bits.val();
        if self.is_copy.val() {
            self.last_group_r.d.next = self.last_byte.val() >> self.line_bits.val();
        } else if self.is_patch_now.val() {
            self.last_group_r.d.next = 0.into();
        }
        self.words_r.d.next = (self.last_channel.val() >> self.line_bits.val()) + 1;
        self.last_row_r.d.next = 0.into();
        if self.mapped_now.val() {
            self.last_row_r.d.next = self.fields.kernel_rows.val() - 1;
        }
        self.second_at_r.d.next = (self.fields.source_wide.val() & self.two_lines.val()) + 1;
        self.last_read_r.d.next = 0.into();
        if self.windowed.val() {
            self.last_read_r.d.next = self.fields.kernel_cols.val() - 1;
        } else if self.is_patch_now.val() {
            self.last_read_r.d.next =
                (self.fields.run_bytes.val() + self.line_less_two.val()) >> self.line_bits.val();
        } else if self.is_add_now.val() {
            self.last_read_r.d.next = self.fields.source_wide.val() & self.two_lines.val();
            if self.fields.second_enable.val() != 0 {
                self.last_read_r.d.next = (self.fields.source_wide.val() & self.two_lines.val())
                    + (self.fields.second_wide.val() & self.two_lines.val())
                    + 1;
            }
        }
        // A cycle after `last_read`: one read is too few for two writes.
        self.stretched.next = (self.windowed.val() | self.is_add_now.val())
            & ((self.fields.output_wide.val() & self.two_lines.val()) != 0)
            & (self.last_row_r.q.val() == 0)
            & (self.last_read_r.q.val() == 0);
        self.last_slot_r.d.next = self.last_read_r.q.val();
        if self.stretched.val() {
            self.last_slot_r.d.next = 1.into();
        }
        self.last_x.next = self.last_x_r.q.val();
        self.last_y.next = self.last_y_r.q.val();
        self.last_group.next = self.last_group_r.q.val();
        self.last_row.next = self.last_row_r.q.val();
        self.last_read.next = self.last_read_r.q.val();
        self.last_slot.next = self.last_slot_r.q.val();
        self.second_at.next = self.second_at_r.q.val();
        self.words.next = self.words_r.q.val();

        // The bytes of the last group.
        self.tail.next = self.last_lane.val() + 1;
        if self.fields.output_wide.val() != 0 {
            self.tail.next = (self.last_lane.val() + 1) << 1;
        }
        self.mask_r.d.next = 0.into();
        self.mask_second_r.d.next = 0.into();
        for b in 0..self._line {
            if self.tail.val() > b {
                self.mask_r.d.next = (self.two.val() << b) - 1;
            }
            if self.tail.val() > self.line.val() + b {
                self.mask_second_r.d.next = (self.two.val() << b) - 1;
            }
        }
        self.mask.next = self.mask_r.q.val();
        self.mask_second.next = self.mask_second_r.q.val();

        // A maximum skips what lies outside: the least code does the same.
        self.pad_signed.next = self.fields.pad_code.val();
        self.outside_r.d.next = self.fields.pad_code.val();
        if self.fields.source_signed.val() != 0 {
            self.outside_r.d.next = self.pad_signed.val();
        }
        if self.is_max_now.val() {
            self.outside_r.d.next = 0.into();
            if self.fields.source_signed.val() != 0 {
                self.outside_r.d.next = (-128).into();
            }
        }
        self.outside_code.next = self.outside_r.q.val();
        self.source_shift_r.d.next = self.fields.source_shift.val();
        if self.fields.source_shift.val() == 0 {
            self.source_shift_r.d.next = 1.into();
        } else if self.fields.source_shift.val() > self.most_shift.val() {
            self.source_shift_r.d.next = self.most_shift.val();
        }
        self.second_shift_r.d.next = self.fields.second_shift.val();
        if self.fields.second_shift.val() == 0 {
            self.second_shift_r.d.next = 1.into();
        } else if self.fields.second_shift.val() > self.most_shift.val() {
            self.second_shift_r.d.next = self.most_shift.val();
        }
        self.source_shift.next = self.source_shift_r.q.val();
        self.second_shift.next = self.second_shift_r.q.val();
    }
}
