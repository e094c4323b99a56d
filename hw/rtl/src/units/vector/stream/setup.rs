//! What a command's fields mean for the loops: counts, steps, masks.

mod kernel;

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
