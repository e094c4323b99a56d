//! What `Rows` does in a cycle.

use super::Rows;
use rust_hdl::prelude::*;

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
        for l in 0..self._shifted {
            self.select.channel_shift[l].next = self.parameter_rdata[l].val() >> 56;
        }
        self.select.last.next = self.tag[1].q.val().get_bit(4);
        self.select.parity.next = self.tag[1].q.val().get_bit(6);
        self.select.half.next = self.half_first.val();
        if self.tag[1].q.val().get_bit(2) {
            self.select.half.next = self.half_last.val();
        }

        self.statistics.softmax.next = self.sequence.softmax.val();
        self.statistics.output_bits.next = self.fields.output_bits.val();
        for k in 0..self._tags {
            self.statistics.tag_shift[k].next = self.fields.tag_shift.val();
            self.writer.tag_shift[k].next = self.fields.tag_shift.val();
        }
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
        // A byte is shifted before anything else, in both passes.
        for _k in 0..self._shifts {
            self.parameter_re_r.d.next = !self.sequence.softmax.val()
                & ((self.sequence.tag.val().get_bit(0) & (self.fields.source_wide.val() == 0))
                    | self.sequence.tag.val().get_bit(2));
            self.parameter_raddr_r.d.next = self.parameter_raddr_r.q.val();
            if self.sequence.tag.val().get_bit(3) {
                self.parameter_raddr_r.d.next = self.fields.parameter_base.val() >> self.lanes_log.val();
            } else if (self.sequence.tag.val().get_bit(0) | self.sequence.tag.val().get_bit(2))
                & !self.sequence.tag.val().get_bit(6)
            {
                self.parameter_raddr_r.d.next = self.parameter_raddr_r.q.val() + 1;
            }
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
