//! What `Turns` does in a cycle.

use super::Turns;
use rust_hdl::prelude::*;

impl Logic for Turns {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, waits, wait_left, kept_column, kept_last, kept_slot, kept_rows, kept_cols);
        dff_setup!(self, clock, kept_output_wide, kept_residual_wide, output_base, residual_base, drains);
        dff_setup!(self, clock, at_step, at_row, at_group, at_slot, at_last, at_parity, rows_here);
        dff_setup!(self, clock, cols_left, at_place, output_group, residual_group, output_at, residual_at);

        // A fold's end: what the drain needs when the fold's turn comes.
        self.output_start.next = self.output_base.q.val() + self.output_step.val();
        self.residual_start.next = self.residual_base.q.val() + self.residual_step.val();
        if self.fold_restart.val() {
            self.output_start.next = self.output_line.val();
            self.residual_start.next = self.residual_line.val();
        }
        if self.waits.q.val() && (self.wait_left.q.val() != 0) {
            self.wait_left.d.next = self.wait_left.q.val() - 1;
        } else {
            self.waits.d.next = false;
        }
        if self.fold_end.val() {
            self.waits.d.next = true;
            self.wait_left.d.next = self.wait_start.val();
            self.kept_column.d.next = self.fold_column.val();
            self.kept_last.d.next = self.fold_last.val();
            self.kept_slot.d.next = self.fold_slot.val();
            self.kept_rows.d.next = self.fold_rows.val();
            self.kept_cols.d.next = self.fold_cols.val();
            self.kept_output_wide.d.next = self.fold_output_wide.val();
            self.kept_residual_wide.d.next = self.fold_residual_wide.val();
            self.output_base.d.next = self.output_start.val();
            self.residual_base.d.next = self.residual_start.val();
        }

        // The launch; with an offset of one it is the fold's end itself.
        self.launch.next = self.waits.q.val() && (self.wait_left.q.val() == 0);
        self.new_column.next = self.kept_column.q.val();
        self.new_last.next = self.kept_last.q.val();
        self.new_slot.next = self.kept_slot.q.val();
        self.new_rows.next = self.kept_rows.q.val();
        self.new_cols.next = self.kept_cols.q.val();
        self.new_output_wide.next = self.kept_output_wide.q.val();
        self.new_residual_wide.next = self.kept_residual_wide.q.val();
        self.new_output.next = self.output_base.q.val();
        self.new_residual.next = self.residual_base.q.val();
        if self.direct.val() == 1 {
            self.launch.next = self.fold_end.val();
            self.new_column.next = self.fold_column.val();
            self.new_last.next = self.fold_last.val();
            self.new_slot.next = self.fold_slot.val();
            self.new_rows.next = self.fold_rows.val();
            self.new_cols.next = self.fold_cols.val();
            self.new_output_wide.next = self.fold_output_wide.val();
            self.new_residual_wide.next = self.fold_residual_wide.val();
            self.new_output.next = self.output_start.val();
            self.new_residual.next = self.residual_start.val();
        }
        self.output_lines.next = self.new_column.val() >> self.line_shift.val();
        if self.new_output_wide.val() {
            self.output_lines.next = self.new_column.val() >> self.wide_shift.val();
        }
        self.residual_lines.next = self.new_column.val() >> self.line_shift.val();
        if self.new_residual_wide.val() {
            self.residual_lines.next = self.new_column.val() >> self.wide_shift.val();
        }

        // The turn after this one.
        self.row_over.next = self.at_row.q.val() == self.last_row.val();
        self.group_over.next = self.at_group.q.val() == self.last_group.val();
        self.narrow_carry.next = (self.at_place.q.val() & self.place_mask.val()) == self.place_mask.val();
        self.wide_carry.next = (self.at_place.q.val() & self.wide_mask.val()) == self.wide_mask.val();
        self.output_next.next = self.output_group.q.val() + self.narrow_carry.val();
        if self.output_wide.val() {
            self.output_next.next = self.output_group.q.val() + self.wide_carry.val();
        }
        self.residual_next.next = self.residual_group.q.val() + self.narrow_carry.val();
        if self.residual_wide.val() {
            self.residual_next.next = self.residual_group.q.val() + self.wide_carry.val();
        }
        self.turn_slot.next = self.at_slot.q.val();
        if self.launch.val() {
            self.turn_slot.next = self.new_slot.val();
            self.drains.d.next = true;
            self.at_step.d.next = false;
            self.at_row.d.next = 0.into();
            self.at_group.d.next = 0.into();
            self.at_slot.d.next = self.new_slot.val();
            self.at_last.d.next = self.new_last.val();
            self.at_parity.d.next = !self.at_parity.q.val();
            self.rows_here.d.next = self.new_rows.val();
            self.cols_left.d.next = self.new_cols.val();
            self.at_place.d.next = (self.new_column.val() >> self.lane_shift.val()) & self.place_mask.val();
            self.output_group.d.next = self.new_output.val() + self.output_lines.val();
            self.residual_group.d.next = self.new_residual.val() + self.residual_lines.val();
            self.output_at.d.next = self.new_output.val() + self.output_lines.val();
            self.residual_at.d.next = self.new_residual.val() + self.residual_lines.val();
        } else if self.drains.q.val() {
            if self.two_steps.val() && !self.at_step.q.val() {
                self.at_step.d.next = true;
            } else {
                self.at_step.d.next = false;
                if !self.row_over.val() {
                    self.at_row.d.next = self.at_row.q.val() + 1;
                    self.output_at.d.next = self.output_at.q.val() + self.output_stride.val();
                    self.residual_at.d.next = self.residual_at.q.val() + self.residual_stride.val();
                } else {
                    self.at_row.d.next = 0.into();
                    self.at_group.d.next = self.at_group.q.val() + 1;
                    self.at_place.d.next = self.at_place.q.val() + 1;
                    self.output_group.d.next = self.output_next.val();
                    self.residual_group.d.next = self.residual_next.val();
                    self.output_at.d.next = self.output_next.val();
                    self.residual_at.d.next = self.residual_next.val();
                    self.cols_left.d.next = 0.into();
                    if self.cols_left.q.val() > self.lanes.val() {
                        self.cols_left.d.next = self.cols_left.q.val() - self.lanes.val();
                    }
                    if self.group_over.val() {
                        self.drains.d.next = false;
                    }
                }
            }
        }

        // This turn.
        self.slot.next = self.at_slot.q.val();
        self.row.next = self.at_row.q.val();
        self.group.next = self.at_group.q.val();
        self.step.next = self.at_step.q.val();
        self.parity.next = !self.at_parity.q.val();
        self.lanes_left.next = self.cols_left.q.val();
        self.place.next = self.at_place.q.val();
        self.exists.next = self.drains.q.val()
            && (self.at_row.q.val() < self.rows_here.q.val())
            && (self.cols_left.q.val() != 0);
        self.output_address.next = self.output_at.q.val();
        self.residual_address.next = self.residual_at.q.val();
        self.last.next = false;
        if self.two_steps.val() && !self.at_step.q.val() {
            self.last.next = false;
        } else {
            self.last.next =
                self.drains.q.val() && self.at_last.q.val() && self.row_over.val() && self.group_over.val();
        }
        if self.at_step.q.val() {
            // The second half of the lanes, in the next line where it is as wide as one.
            if self.cols_left.q.val() <= self.half.val() {
                self.exists.next = false;
            }
            if self.output_wide.val() {
                self.output_address.next = self.output_at.q.val() + 1;
            }
            if self.residual_wide.val() {
                self.residual_address.next = self.residual_at.q.val() + 1;
            }
        }
    }
}
