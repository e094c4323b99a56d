//! What `Load` does in a cycle.

use super::Load;
use rust_hdl::prelude::*;

impl Logic for Load {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, enables, target, line, ended, wrong);
        self.setup.clock.next = self.clock.val();
        self.ask.clock.next = self.clock.val();
        self.walk.clock.next = self.clock.val();
        self.fifo.clock.next = self.clock.val();

        self.setup.start.next = self.start.val();
        for r in 0..12 {
            self.setup.registers[r].next = self.registers[r].val();
        }

        self.ask.start.next = self.start.val();
        self.ask.sized.next = self.setup.sized.val();
        self.ask.set.next = self.setup.ready.val();
        self.ask.empty.next = self.setup.empty.val();
        self.ask.block_beats.next = self.setup.beats.val();
        self.ask.base.next = self.setup.address.val();
        self.ask.stride.next = self.setup.stride.val();
        self.ask.blocks.next = self.setup.blocks.val();
        self.ask.left_fifo.next = self.walk.left.val();
        self.ask.zvc.next = self.setup.zvc.val();
        self.ask.table.next = self.setup.table.val();
        self.ask.alone.next = self.walk.alone.val();
        self.ask.table_came.next = 0.into();
        self.ask.entry.next = 0.into();
        self.ask.grant.next = self.grant.val();
        self.ready.next = self.ask.ready.val();
        self.request.next = self.ask.request.val();
        self.address.next = self.ask.address.val();
        self.beats.next = self.ask.beats.val();
        self.load_table.next = self.ask.load_table.val();
        self.error.next = self.wrong.q.val();
        if self.start.val() {
            self.wrong.d.next = false;
        }

        self.walk.start.next = self.start.val();
        self.walk.push.next = self.setup.ready.val();
        for m in 0..self._members {
            self.walk.context[m].next = self.setup.context[m].val();
        }
        for m in 0..self._operand_members {
            self.walk.operand_context[m].next = self.setup.operand_context[m].val();
        }
        self.walk.came.next = self.fifo.came.val();
        self.busy.next = self.walk.busy.val();
        self.waits_memory.next = self.walk.waits_memory.val();

        self.fifo.push.next = self.load_beat.val();
        for w in 0..self._bus_words {
            self.fifo.beat[w].next = self.beat[w].val();
        }
        self.fifo.re.next = self.walk.take.val();
        self.walk.there.next = false;
        self.walk.active.next = false;
        self.walk.advance.next = false;
        self.walk.consumed.next = 0.into();
        self.walk.finish.next = false;
        self.walk.over.next = false;
        self.fifo.at.next = self.walk.at.val();

        // From aligned bits to bytes.
        for b in 0..self._line {
            self.code[b].next = self.fifo.window[b].val();
        }
        for x in 0..self._expand {
            self.expand[x].width.next = self.walk.width.val();
            self.expand[x].signed.next = self.walk.signed.val();
            for b in 0..self._window {
                self.expand[x].packed[b].next = self.fifo.window[b].val();
            }
            for b in 0..self._padding {
                self.expand[x].packed[self._window + b].next = 0.into();
            }
            for b in 0..self._line {
                self.code[b].next = self.expand[x].code[b].val();
            }
        }

        // To operand lines.
        for n in 0..self._narrow {
            self.expand[n].signed.next = self.walk.signed.val() & !self.walk.halves[n].val().any();
            self.split[n].halves.next = self.walk.halves[n].val();
            self.split[n].width.next = self.walk.width.val();
            self.split[n].signed.next = self.walk.signed.val();
            self.split[n].spare.next = self.walk.unused[n].val();
            self.split[n].bytes.next = self.walk.bytes.val();
            for b in 0..self._line {
                self.split[n].byte[b].next = self.expand[n].code[b].val();
                self.code[b].next = self.split[n].line[b].val();
            }
        }

        // Group by group.
        for z in 0..self._zvc {
            for b in 0..8 {
                if self.groups[z].skip.val() {
                    self.expand[z].packed[b].next = self.fifo.window[b + 1].val();
                }
                self.groups[z].code[b].next = self.expand[z].code[b].val();
            }
            if self.groups[z].active.val() {
                self.expand[z].width.next = self.walk.command[0].val();
                self.expand[z].signed.next = self.walk.command_signed.val();
            }
            if self.groups[z].read.val() {
                self.fifo.re.next = true;
            }
            self.table[z].clock.next = self.clock.val();
            self.table[z].clear.next = self.setup.sized.val();
            self.table[z].push.next = self.table_beat.val();
            for w in 0..self._bus_words {
                self.table[z].beat[w].next = self.beat[w].val();
            }
            self.table[z].number[0].next = self.ask.number.val();
            self.table[z].number[1].next = self.walk.number.val();
            self.ask.table_came.next = self.table[z].came.val();
            self.ask.entry.next = self.table[z].entry[0].val();
            self.groups[z].clock.next = self.clock.val();
            self.groups[z].begin.next = self.walk.begin.val();
            self.groups[z].first.next = self.walk.first.val();
            self.groups[z].last.next = self.walk.last_of_block.val();
            self.groups[z].count.next = self.walk.count.val();
            self.groups[z].width.next = self.walk.command[0].val();
            self.groups[z].zero.next = self.walk.command[1].val();
            self.groups[z].groups.next = self.walk.command[2].val();
            self.groups[z].most.next = self.walk.command[3].val();
            self.groups[z].signed.next = self.walk.command_signed.val();
            self.groups[z].entry.next = self.table[z].entry[1].val();
            self.groups[z].position.next = self.walk.position.val();
            self.groups[z].at.next = self.walk.at.val();
            self.groups[z].came.next = self.fifo.came.val();
            self.groups[z].mask.next = self.fifo.window[z].val();
            self.walk.there.next = self.groups[z].there.val();
            self.walk.active.next = self.groups[z].active.val();
            self.walk.advance.next = self.groups[z].advance.val();
            self.walk.consumed.next = self.groups[z].consumed.val();
            self.walk.finish.next = self.groups[z].finish.val();
            self.walk.over.next = self.groups[z].over.val();
            if self.groups[z].wrong.val() {
                self.wrong.d.next = true;
            }
        }

        // The write port.
        self.mask.next = 0.into();
        if self.walk.valid.val() {
            for b in 0..self._line {
                if self.walk.bytes.val() > b {
                    self.mask.next = self.mask.val() | self.bit[b].val();
                }
            }
        }
        self.enables.d.next = self.mask.val();
        self.target.d.next = self.walk.target.val();
        self.line.d.next = self.walk.line.val();
        for z in 0..self._zvc {
            if self.groups[z].enables.val().any() {
                self.enables.d.next = self.groups[z].enables.val();
                self.target.d.next = self.walk.held_target.val();
                self.line.d.next = self.walk.held_line.val();
            }
        }
        self.ended.d.next = self.walk.last.val();
        self.done.next = self.ended.q.val();
        self.write_line.next = self.line.q.val();
        for b in 0..self._line {
            self.data[b].clock.next = self.clock.val();
            self.data[b].d.next = self.code[b].val();
            for z in 0..self._zvc {
                if self.groups[z].enables.val().any() {
                    self.data[b].d.next = self.groups[z].value[b].val();
                }
            }
            self.write_data[b].next = self.data[b].q.val();
        }
        self.activation_we.next = 0.into();
        self.weight_we.next = 0.into();
        self.post_parameter_we.next = 0.into();
        self.vector_parameter_we.next = 0.into();
        self.post_table_we.next = 0.into();
        self.vector_table_we.next = 0.into();
        if self.target.q.val() == 0 {
            self.activation_we.next = self.enables.q.val();
        }
        if self.target.q.val() == 1 {
            self.weight_we.next = self.enables.q.val();
        }
        if self.target.q.val() == 2 {
            self.post_parameter_we.next = self.enables.q.val();
        }
        if self.target.q.val() == 3 {
            self.vector_parameter_we.next = self.enables.q.val();
        }
        if self.target.q.val() == 4 {
            self.post_table_we.next = self.enables.q.val();
        }
        if self.target.q.val() == 5 {
            self.vector_table_we.next = self.enables.q.val();
        }
    }
}
