//! The register fields that softmax and LayerNorm read.

use crate::prelude::*;
use crate::units::fields::field;
use bitgauge_arch::command::Vector;
use rust_hdl::prelude::*;

documented! {
    /// The fields of a vector command that softmax and LayerNorm read: wires only.
    #[derive(LogicBlock)]
    pub struct RowFields {
        name: Named,
        /// register file of the command
        pub registers: Vec<Sig>,
        /// first line of the operand
        pub source_line: Sig,
        /// first line of the output
        pub output_line: Sig,
        /// function
        pub function: Sig,
        /// output rows
        pub out_rows: Sig,
        /// output columns
        pub out_cols: Sig,
        /// codes of a pixel
        pub channels: Sig,
        /// first entry of the parameters
        pub parameter_base: Sig,
        /// lines from an operand's pixel to the next
        pub pixel_stride: Sig,
        /// lines from an output pixel to the next
        pub output_pixel_stride: Sig,
        /// bytes of the operand are signed
        pub source_signed: Sig,
        /// the operand has 16 bits
        pub source_wide: Sig,
        /// the output has 16 bits
        pub output_wide: Sig,
        /// which of the two tables
        pub table_select: Sig,
        /// bits of softmax's output code
        pub output_bits: Sig,
        /// softmax: how much coarser the second scale is; 0 where there is one
        pub tag_shift: Sig,
        /// zero point of the output
        pub zero_point: Sig,
        /// least output code
        pub clamp_low: Sig,
        /// greatest output code
        pub clamp_high: Sig,
        /// low half of LayerNorm's epsilon
        pub epsilon_low: Sig,
        /// high half of LayerNorm's epsilon
        pub epsilon_high: Sig,
        source_line_register: Const,
        source_line_low: Const,
        _source_line_register: usize,
        output_line_register: Const,
        output_line_low: Const,
        _output_line_register: usize,
        function_register: Const,
        function_low: Const,
        _function_register: usize,
        out_rows_register: Const,
        out_rows_low: Const,
        _out_rows_register: usize,
        out_cols_register: Const,
        out_cols_low: Const,
        _out_cols_register: usize,
        channels_register: Const,
        channels_low: Const,
        _channels_register: usize,
        parameter_base_register: Const,
        parameter_base_low: Const,
        _parameter_base_register: usize,
        pixel_stride_register: Const,
        pixel_stride_low: Const,
        _pixel_stride_register: usize,
        output_pixel_stride_register: Const,
        output_pixel_stride_low: Const,
        _output_pixel_stride_register: usize,
        source_signed_register: Const,
        source_signed_low: Const,
        _source_signed_register: usize,
        source_wide_register: Const,
        source_wide_low: Const,
        _source_wide_register: usize,
        output_wide_register: Const,
        output_wide_low: Const,
        _output_wide_register: usize,
        table_select_register: Const,
        table_select_low: Const,
        _table_select_register: usize,
        output_bits_register: Const,
        output_bits_low: Const,
        _output_bits_register: usize,
        tag_shift_register: Const,
        tag_shift_low: Const,
        _tag_shift_register: usize,
        zero_point_register: Const,
        zero_point_low: Const,
        _zero_point_register: usize,
        clamp_low_register: Const,
        clamp_low_low: Const,
        _clamp_low_register: usize,
        clamp_high_register: Const,
        clamp_high_low: Const,
        _clamp_high_register: usize,
        epsilon_low_register: Const,
        epsilon_low_low: Const,
        _epsilon_low_register: usize,
        epsilon_high_register: Const,
        epsilon_high_low: Const,
        _epsilon_high_register: usize
    }
}

impl Default for RowFields {
    fn default() -> RowFields {
        let at = field::<Vector>;
        let output = |name: &str| Sig::output(at(name).ty());
        let register = |name: &str| at(name).register_const();
        let low = |name: &str| at(name).low_const();
        let number = |name: &str| at(name).register;
        RowFields {
            name: Named::of("row_fields", &RowFields::DOCS),
            registers: Sig::inputs(u(32), 24),
            source_line: output("source_line"),
            output_line: output("output_line"),
            function: output("function"),
            out_rows: output("out_rows"),
            out_cols: output("out_cols"),
            channels: output("channels"),
            parameter_base: output("parameter_base"),
            pixel_stride: output("pixel_stride"),
            output_pixel_stride: output("output_pixel_stride"),
            source_signed: output("source_signed"),
            source_wide: output("source_wide"),
            output_wide: output("output_wide"),
            table_select: output("table_select"),
            output_bits: output("output_bits"),
            tag_shift: output("tag_shift"),
            zero_point: output("zero_point"),
            clamp_low: output("clamp_low"),
            clamp_high: output("clamp_high"),
            epsilon_low: output("epsilon_low"),
            epsilon_high: output("epsilon_high"),
            source_line_register: register("source_line"),
            source_line_low: low("source_line"),
            _source_line_register: number("source_line"),
            output_line_register: register("output_line"),
            output_line_low: low("output_line"),
            _output_line_register: number("output_line"),
            function_register: register("function"),
            function_low: low("function"),
            _function_register: number("function"),
            out_rows_register: register("out_rows"),
            out_rows_low: low("out_rows"),
            _out_rows_register: number("out_rows"),
            out_cols_register: register("out_cols"),
            out_cols_low: low("out_cols"),
            _out_cols_register: number("out_cols"),
            channels_register: register("channels"),
            channels_low: low("channels"),
            _channels_register: number("channels"),
            parameter_base_register: register("parameter_base"),
            parameter_base_low: low("parameter_base"),
            _parameter_base_register: number("parameter_base"),
            pixel_stride_register: register("pixel_stride"),
            pixel_stride_low: low("pixel_stride"),
            _pixel_stride_register: number("pixel_stride"),
            output_pixel_stride_register: register("output_pixel_stride"),
            output_pixel_stride_low: low("output_pixel_stride"),
            _output_pixel_stride_register: number("output_pixel_stride"),
            source_signed_register: register("source_signed"),
            source_signed_low: low("source_signed"),
            _source_signed_register: number("source_signed"),
            source_wide_register: register("source_wide"),
            source_wide_low: low("source_wide"),
            _source_wide_register: number("source_wide"),
            output_wide_register: register("output_wide"),
            output_wide_low: low("output_wide"),
            _output_wide_register: number("output_wide"),
            table_select_register: register("table_select"),
            table_select_low: low("table_select"),
            _table_select_register: number("table_select"),
            output_bits_register: register("output_bits"),
            output_bits_low: low("output_bits"),
            _output_bits_register: number("output_bits"),
            tag_shift_register: register("tag_shift"),
            tag_shift_low: low("tag_shift"),
            _tag_shift_register: number("tag_shift"),
            zero_point_register: register("zero_point"),
            zero_point_low: low("zero_point"),
            _zero_point_register: number("zero_point"),
            clamp_low_register: register("clamp_low"),
            clamp_low_low: low("clamp_low"),
            _clamp_low_register: number("clamp_low"),
            clamp_high_register: register("clamp_high"),
            clamp_high_low: low("clamp_high"),
            _clamp_high_register: number("clamp_high"),
            epsilon_low_register: register("epsilon_low"),
            epsilon_low_low: low("epsilon_low"),
            _epsilon_low_register: number("epsilon_low"),
            epsilon_high_register: register("epsilon_high"),
            epsilon_high_low: low("epsilon_high"),
            _epsilon_high_register: number("epsilon_high"),
        }
    }
}

impl Logic for RowFields {
    #[hdl_gen]
    fn update(&mut self) {
        self.source_line.next =
            self.registers[self._source_line_register].val() >> self.source_line_low.val();
        self.output_line.next =
            self.registers[self._output_line_register].val() >> self.output_line_low.val();
        self.function.next = self.registers[self._function_register].val() >> self.function_low.val();
        self.out_rows.next = self.registers[self._out_rows_register].val() >> self.out_rows_low.val();
        self.out_cols.next = self.registers[self._out_cols_register].val() >> self.out_cols_low.val();
        self.channels.next = self.registers[self._channels_register].val() >> self.channels_low.val();
        self.parameter_base.next =
            self.registers[self._parameter_base_register].val() >> self.parameter_base_low.val();
        self.pixel_stride.next =
            self.registers[self._pixel_stride_register].val() >> self.pixel_stride_low.val();
        self.output_pixel_stride.next =
            self.registers[self._output_pixel_stride_register].val() >> self.output_pixel_stride_low.val();
        self.source_signed.next =
            self.registers[self._source_signed_register].val() >> self.source_signed_low.val();
        self.source_wide.next =
            self.registers[self._source_wide_register].val() >> self.source_wide_low.val();
        self.output_wide.next =
            self.registers[self._output_wide_register].val() >> self.output_wide_low.val();
        self.table_select.next =
            self.registers[self._table_select_register].val() >> self.table_select_low.val();
        self.output_bits.next =
            self.registers[self._output_bits_register].val() >> self.output_bits_low.val();
        self.tag_shift.next = self.registers[self._tag_shift_register].val() >> self.tag_shift_low.val();
        self.zero_point.next = self.registers[self._zero_point_register].val() >> self.zero_point_low.val();
        self.clamp_low.next = self.registers[self._clamp_low_register].val() >> self.clamp_low_low.val();
        self.clamp_high.next = self.registers[self._clamp_high_register].val() >> self.clamp_high_low.val();
        self.epsilon_low.next =
            self.registers[self._epsilon_low_register].val() >> self.epsilon_low_low.val();
        self.epsilon_high.next =
            self.registers[self._epsilon_high_register].val() >> self.epsilon_high_low.val();
    }
}
