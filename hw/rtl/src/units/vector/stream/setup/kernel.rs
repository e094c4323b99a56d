//! What `Setup` does in a cycle.

use super::Setup;
use rust_hdl::prelude::*;

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
