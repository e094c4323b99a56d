//! What `Drain` does in a cycle.

use super::Drain;
use rust_hdl::prelude::*;

impl Logic for Drain {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, fold_slot, slot_1, slot_2, slot_3, slot_4, slot_5, place_1, residual_wide_1);
        dff_setup!(self, clock, residual_on, writing, ends, delay_at, table_on_7, table_on_8, select_7);
        dff_setup!(self, clock, address_8);
        self.contexts.clock.next = self.clock.val();
        self.turns.clock.next = self.clock.val();
        self.fill.clock.next = self.clock.val();
        self.place.clock.next = self.clock.val();
        self.ending.clock.next = self.clock.val();
        self.delay.clock.next = self.clock.val();

        // Commands.
        self.contexts.push.next = self.push.val() && !self.push_empty.val();
        for i in 0..24 {
            self.contexts.registers[i].next = self.registers[i].val();
        }
        self.contexts.fold_slot.next = self.fold_slot.q.val();
        self.contexts.turn_slot.next = self.turns.turn_slot.val();
        self.slot_1.d.next = self.turns.slot.val();
        self.slot_2.d.next = self.slot_1.q.val();
        self.slot_3.d.next = self.slot_2.q.val();
        self.slot_4.d.next = self.slot_3.q.val();
        self.slot_5.d.next = self.slot_4.q.val();
        self.contexts.residual_slot.next = self.slot_1.q.val();
        self.contexts.post_slot.next = self.slot_5.q.val();
        self.ending.push.next = self.push.val();
        self.ending.push_empty.next = self.push_empty.val();
        self.ends.d.next = (self.ends.q.val() << 1) | self.turns.last.val();
        self.ending.written.next = self.ends.q.val().get_bit(7);
        self.done.next = self.ending.done.val();
        self.draining.next = self.ending.draining.val();

        // A fold's end.
        if self.fold_end.val() && self.fold_last.val() {
            self.fold_slot.d.next = self.fold_slot.q.val() + 1;
        }
        self.rows_left.next = self.contexts.pixels.val() - self.fold_pixel.val();
        self.fold_rows.next = self.rows_left.val();
        if self.rows_left.val() > self.rows.val() {
            self.fold_rows.next = self.rows.val();
        }
        self.cols_left.next = self.contexts.outputs.val() - self.fold_column.val();
        self.fold_cols.next = self.cols_left.val();
        if self.cols_left.val() > self.cols.val() {
            self.fold_cols.next = self.cols.val();
        }
        self.fill.fold_end.next = self.fold_end.val();
        self.fill.per_row.next = self.contexts.per_row.val();
        self.fill.first.next = self.contexts.parameter_base.val() + self.fold_column.val();
        self.fill.count.next = self.fold_cols.val();
        if self.contexts.per_row.val() {
            self.fill.first.next = self.contexts.parameter_base.val() + self.fold_pixel.val();
            self.fill.count.next = self.fold_rows.val();
        }
        self.parameter_re.next = self.fill.parameter_re.val();
        self.parameter_raddr.next = self.fill.parameter_raddr.val();
        self.fill.parameter_rdata.next = self.parameter_rdata.val();
        self.turns.fold_end.next = self.fold_end.val();
        self.turns.fold_restart.next = self.fold_pixel.val() == 0;
        self.turns.fold_column.next = self.fold_column.val();
        self.turns.fold_last.next = self.fold_last.val();
        self.turns.fold_slot.next = self.fold_slot.q.val();
        self.turns.fold_rows.next = self.fold_rows.val();
        self.turns.fold_cols.next = self.fold_cols.val();
        self.turns.output_line.next = self.contexts.output_line.val();
        self.turns.residual_line.next = self.contexts.residual_line.val();
        self.turns.output_step.next = self.contexts.output_step.val();
        self.turns.residual_step.next = self.contexts.residual_step.val();
        self.turns.fold_output_wide.next = self.contexts.output_wide.val();
        self.turns.fold_residual_wide.next = self.contexts.residual_wide.val();
        self.turns.output_stride.next = self.contexts.output_stride.val();
        self.turns.residual_stride.next = self.contexts.residual_stride.val();
        self.turns.two_steps.next = self.contexts.two_steps.val();
        self.turns.output_wide.next = self.contexts.turn_output_wide.val();
        self.turns.residual_wide.next = self.contexts.turn_residual_wide.val();

        // d: the read.
        self.drain_row.next = self.turns.row.val();
        self.drain_group.next = self.turns.group.val();
        self.residual_re.next = self.turns.exists.val() && self.contexts.turn_residual.val();
        self.residual_raddr.next = self.turns.residual_address.val();
        self.residual_on.d.next = (self.residual_on.q.val() << 1) | self.contexts.turn_residual.val();
        self.writing.d.next =
            (self.writing.q.val() << 1) | (self.turns.exists.val() && !self.contexts.turn_kept.val());
        self.place_1.d.next = self.turns.place.val();
        self.residual_wide_1.d.next = self.contexts.turn_residual_wide.val();
        self.entry_place.next = self.turns.group.val();
        if self.contexts.turn_per_row.val() {
            self.entry_place.next = self.turns.row.val();
        }
        self.raddr.next = self.entry_place.val();
        if self.turns.parity.val() {
            self.raddr.next = self.entry_place.val() + self.bank.val();
        }
        // Written in d, named in d+6, there in d+7.
        self.delay_at.d.next = self.delay_at.q.val() + 1;
        self.delay_to.next = self.delay_at.q.val() - 6;
        self.delay.we.next = 1.into();
        self.delay.waddr.next = self.delay_at.q.val();
        self.delay_word.next = self.turns.output_address.val()
            | (self.turns.place.val() << 24)
            | (self.turns.lanes_left.val() << 30);
        if self.turns.step.val() {
            self.delay_word.next = self.delay_word.val() | (1 << 37);
        }
        if self.contexts.two_steps.val() {
            self.delay_word.next = self.delay_word.val() | (1 << 38);
        }
        if self.contexts.turn_output_wide.val() {
            self.delay_word.next = self.delay_word.val() | (1 << 39);
        }
        self.delay.wdata.next = self.delay_word.val();
        self.delay.re.next = true;
        self.delay.raddr.next = self.delay_to.val();

        // d+1: residual codes. Lanes from d to d+8.
        for b in 0..self._line {
            self.place.line[b].next = self.residual_rdata[b].val();
        }
        self.place.residual_place.next = self.place_1.q.val();
        self.place.residual_wide.next = self.residual_wide_1.q.val();
        self.table_on_7.d.next = self.contexts.table_enable.val();
        self.select_7.d.next = self.contexts.table_select.val();
        self.table_on_8.d.next = self.table_on_7.q.val();
        self.table_re.next = self.writing.q.val().get_bit(6) && self.table_on_7.q.val();
        for l in 0..self._lanes {
            self.lane[l].clock.next = self.clock.val();
            self.lane[l].we.next = self.fill.we[l].val();
            self.lane[l].waddr.next = self.fill.waddr.val();
            self.lane[l].entry.next = self.fill.entry.val();
            self.lane[l].recent.next = self.fill.recent.val();
            self.lane[l].raddr.next = self.raddr.val();
            self.lane[l].sum.next = self.sum[l].val();
            self.lane[l].residual.next = self.place.residual[l].val();
            self.lane[l].residual_zero.next = self.contexts.residual_zero.val();
            self.lane[l].residual_mantissa.next = self.contexts.residual_mantissa.val();
            self.lane[l].residual_shift.next = self.contexts.residual_shift.val();
            self.lane[l].residual_on.next = self.residual_on.q.val().get_bit(4);
            self.lane[l].zero_point.next = self.contexts.zero_point.val();
            self.lane[l].low.next = self.contexts.low.val();
            self.lane[l].high.next = self.contexts.high.val();
            self.lane[l].low_bound.next = self.contexts.low_bound.val();
            self.lane[l].high_bound.next = self.contexts.high_bound.val();
            self.code[l].next = self.lane[l].code.val();
            self.table_raddr[l].next = self.code[l].val();
            if self.select_7.q.val() {
                self.table_raddr[l].next = self.code[l].val() + self.table.val();
            }
            self.place.passed[l].next = self.lane[l].passed.val();
            self.place.table[l].next = self.table_rdata[l].val();
        }

        // d+7 and d+8: the write.
        self.place.valid.next = self.writing.q.val().get_bit(6);
        self.place.output_place.next = self.delay.rdata.val() >> 24;
        self.place.lanes_left.next = self.delay.rdata.val() >> 30;
        self.place.step.next = self.delay.rdata.val().get_bit(37);
        self.place.two_steps.next = self.delay.rdata.val().get_bit(38);
        self.place.output_wide.next = self.delay.rdata.val().get_bit(39);
        self.place.table_enable.next = self.table_on_8.q.val();
        self.address_8.d.next = self.delay.rdata.val();
        self.we.next = self.place.we.val();
        self.waddr.next = self.address_8.q.val();
        for b in 0..self._line {
            self.wdata[b].next = self.place.wdata[b].val();
        }
    }
}
