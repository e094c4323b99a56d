//! What `Stream` does in a cycle.

use super::Stream;
use rust_hdl::prelude::*;

impl Logic for Stream {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid_0, first_0, done_0, last_0, limit_0, from_0, count_0, we_r);
        dff_setup!(self, clock, weight_we_r, waddr_r);
        self.setup.clock.next = self.clock.val();
        self.loops.clock.next = self.clock.val();
        self.position.clock.next = self.clock.val();
        self.address.clock.next = self.clock.val();
        self.lanes.clock.next = self.clock.val();
        self.place.clock.next = self.clock.val();
        self.assemble.clock.next = self.clock.val();
        for r in 0..24 {
            self.fields.registers[r].next = self.registers[r].val();
            self.setup.registers[r].next = self.registers[r].val();
            self.lanes.registers[r].next = self.registers[r].val();
        }
        self.setup.prepare.next = self.prepare.val();
        self.active.next = self.setup.moves.val()
            | self.setup.mapped.val()
            | self.setup.is_add.val()
            | self.setup.is_table.val();

        self.loops.load.next = self.setup.load.val();
        self.loops.begin.next = self.begin.val();
        self.loops.empty.next = self.setup.empty.val();
        self.loops.last_x.next = self.setup.last_x.val();
        self.loops.last_y.next = self.setup.last_y.val();
        self.loops.last_group.next = self.setup.last_group.val();
        self.loops.last_row.next = self.setup.last_row.val();
        self.loops.last_read.next = self.setup.last_read.val();
        self.loops.last_slot.next = self.setup.last_slot.val();
        self.finished.next = self.loops.finished.val();

        self.position.load.next = self.setup.load.val();
        self.position.step.next = self.loops.step.val();
        self.position.starts.next = self.loops.slot.val() == 0;
        self.position.next_row.next = self.loops.next_row.val();
        self.position.next_group.next = self.loops.next_group.val();
        self.position.next_pixel.next = self.loops.next_pixel.val();
        self.position.next_line.next = self.loops.next_line.val();
        self.position.is_patch.next = self.setup.is_patch.val();
        self.position.mapped.next = self.setup.mapped.val();
        self.position.in_rows.next = self.fields.in_rows.val();
        self.position.col_end.next = self.fields.in_cols.val();
        self.position.pad_top.next = self.fields.pad_top.val();
        self.position.pad_left.next = self.fields.pad_left.val();
        self.position.stride_rows.next = self.fields.stride_rows.val();
        self.position.stride_cols.next = self.fields.stride_cols.val();
        if self.setup.is_patch.val() {
            self.position.col_end.next = self.fields.row_bytes.val();
            self.position.stride_cols.next = self.fields.run_step_bytes.val();
        }
        self.position.dilation_rows.next = self.fields.dilation_rows.val();
        self.position.dilation_cols.next = self.fields.dilation_cols.val();
        self.position.run_bytes.next = self.fields.run_bytes.val();

        self.address.outside_now.next = self.position.outside.val();
        self.address.spare.next = self.position.count.val() == 0;
        self.address.run_line.next = self.position.run_line.val();
        self.address.load.next = self.setup.load.val();
        self.address.step.next = self.loops.step.val();
        self.address.reads.next = self.loops.reads.val();
        self.address.slot.next = self.loops.slot.val();
        self.address.group.next = self.loops.group.val();
        self.address.group_is_last.next = self.loops.group_is_last.val();
        self.address.next_row.next = self.loops.next_row.val();
        self.address.next_group.next = self.loops.next_group.val();
        self.address.next_pixel.next = self.loops.next_pixel.val();
        self.address.next_line.next = self.loops.next_line.val();
        self.address.is_add.next = self.setup.is_add.val();
        self.address.is_depthwise.next = self.setup.is_depthwise.val();
        self.address.is_patch.next = self.setup.is_patch.val();
        self.address.moves.next = self.setup.moves.val();
        self.address.mapped.next = self.setup.mapped.val();
        self.address.base.next = self.setup.base.val();
        self.address.row_step.next = self.setup.row_step.val();
        self.address.tap_row_step.next = self.setup.tap_row_step.val();
        self.address.col_step.next = self.setup.col_step.val();
        self.address.tap_col_step.next = self.setup.tap_col_step.val();
        self.address.second_line.next = self.fields.second_line.val();
        self.address.second_pixel_stride.next = self.fields.second_pixel_stride.val();
        self.address.words.next = self.setup.words.val();
        self.address.second_at.next = self.setup.second_at.val();
        self.address.second_half.next = self.setup.second_half.val();
        self.address.source_wide.next = self.fields.source_wide.val();
        self.address.second_wide.next = self.fields.second_wide.val();
        self.re.next = self.address.re.val();
        self.raddr.next = self.address.raddr.val();
        self.weight_re.next = self.address.weight_re.val();
        self.weight_raddr.next = self.address.weight_raddr.val();

        // Tags go with the read.
        self.limit_0.d.next = self.position.limit.val();
        self.from_0.d.next = self.position.from.val();
        self.count_0.d.next = self.position.count.val();
        self.valid_0.d.next = self.loops.step.val() & self.loops.reads.val();
        self.first_0.d.next = self.loops.first.val();
        self.done_0.d.next = self.loops.step.val() & self.loops.done.val();
        self.last_0.d.next = self.loops.group_is_last.val();
        self.tag_0.next = 0.into();
        if self.valid_0.q.val() {
            self.tag_0.next = self.tag_0.val() + 1;
        }
        if self.first_0.q.val() {
            self.tag_0.next = self.tag_0.val() + 2;
        }
        if self.done_0.q.val() {
            self.tag_0.next = self.tag_0.val() + 4;
        }
        if self.last_0.q.val() {
            self.tag_0.next = self.tag_0.val() + 8;
        }
        if self.address.operand.val() {
            self.tag_0.next = self.tag_0.val() + 16;
        }
        if self.address.low.val() {
            self.tag_0.next = self.tag_0.val() + 32;
        }
        if self.address.high.val() {
            self.tag_0.next = self.tag_0.val() + 64;
        }
        // The lanes, from the line on.
        self.lanes.load.next = self.setup.load.val();
        self.lanes.is_add.next = self.setup.is_add.val();
        self.lanes.is_table.next = self.setup.is_table.val();
        self.lanes.is_max.next = self.setup.is_max.val();
        self.lanes.is_depthwise.next = self.setup.is_depthwise.val();
        self.lanes.outside_code.next = self.setup.outside_code.val();
        self.lanes.source_shift.next = self.setup.source_shift.val();
        self.lanes.second_shift.next = self.setup.second_shift.val();
        self.lanes.tag_0.next = self.tag_0.val();
        self.lanes.pick.next = self.address.pick.val();
        self.lanes.wide.next = self.address.wide.val();
        self.lanes.outside.next = self.address.outside.val();
        for b in 0..self._line {
            self.line[b].clock.next = self.clock.val();
            self.line[b].d.next = self.rdata[b].val();
            self.lanes.line[b].next = self.line[b].q.val();
            self.lanes.weight_rdata[b].next = self.weight_rdata[b].val();
            self.assemble.line[b].next = self.line[b].q.val();
        }
        self.parameter_re.next = self.lanes.parameter_re.val();
        self.parameter_raddr.next = self.lanes.parameter_raddr.val();
        self.table_re.next = self.lanes.table_re.val();
        for l in 0..self._lanes {
            self.lanes.parameter_rdata[l].next = self.parameter_rdata[l].val();
            self.lanes.table_rdata[l].next = self.table_rdata[l].val();
            self.lanes.scaled[l].next = self.scaled[l].val();
            self.table_raddr[l].next = self.lanes.table_raddr[l].val();
            self.scale_value[l].next = self.lanes.scale_value[l].val();
            self.scale_mantissa[l].next = self.lanes.scale_mantissa[l].val();
            self.scale_shift[l].next = self.lanes.scale_shift[l].val();
            self.place.code[l].next = self.lanes.code[l].val();
        }

        // The write port.
        self.place.load.next = self.setup.load.val();
        self.place.valid.next = !self.setup.moves.val() & self.lanes.valid.val();
        self.place.last.next = self.lanes.last.val();
        self.place.wide.next = self.fields.output_wide.val();
        self.place.mask.next = self.setup.mask.val();
        self.place.mask_second.next = self.setup.mask_second.val();
        self.place.output_line.next = self.fields.output_line.val();
        self.place.stride.next = self.fields.output_pixel_stride.val();

        self.assemble.load.next = self.setup.load.val();
        self.assemble.valid.next = self.setup.moves.val() & self.valid_0.q.val();
        self.assemble.last.next = self.done_0.q.val() & self.last_0.q.val();
        self.assemble.limit.next = self.limit_0.q.val();
        self.assemble.from.next = self.from_0.q.val();
        self.assemble.count.next = self.count_0.q.val();
        self.assemble.pad_code.next = self.fields.pad_code.val();
        self.assemble.output_line.next = self.fields.output_line.val();
        self.assemble.stride.next = self.fields.output_pixel_stride.val();

        self.enables.next = self.place.enables.val();
        self.waddr_r.d.next = self.place.waddr.val();
        if self.setup.moves.val() {
            self.enables.next = self.assemble.enables.val();
            self.waddr_r.d.next = self.assemble.waddr.val();
        }
        self.to_weight.next =
            self.setup.moves.val() & !self.setup.is_patch.val() & (self.fields.to_weight.val() != 0);
        self.we_r.d.next = self.enables.val();
        self.weight_we_r.d.next = 0.into();
        if self.to_weight.val() {
            self.we_r.d.next = 0.into();
            self.weight_we_r.d.next = self.enables.val();
        }
        self.we.next = self.we_r.q.val();
        self.weight_we.next = self.weight_we_r.q.val();
        self.waddr.next = self.waddr_r.q.val();
        self.weight_waddr.next = self.waddr_r.q.val();
        for b in 0..self._line {
            self.wdata_r[b].clock.next = self.clock.val();
            self.wdata_r[b].d.next = self.place.wdata[b].val();
            if self.setup.moves.val() {
                self.wdata_r[b].d.next = self.assemble.wdata[b].val();
            }
            self.wdata[b].next = self.wdata_r[b].q.val();
            self.weight_wdata[b].next = self.wdata_r[b].q.val();
        }
    }
}
