//! The drain: sums out of the array, through the post-processor, into the activation scratchpad.

use super::context::Contexts;
use super::ending::Ending;
use super::fill::Fill;
use super::place::Place;
use super::post::Lane;
use super::turns::Turns;
use crate::prelude::*;
use crate::units::Shape;
use bitgauge_arch::Accelerator;
use bitgauge_arch::command::Compute;
use bitgauge_arch::timing;
use rust_hdl::prelude::*;

documented! {
    /// Drain and post-processor of the compute unit.
    ///
    /// ```text
    /// push, registers -> contexts -> fields for every stage below
    /// fold_end -> turns -> drain_row, drain_group -> (array) -> sum -> lanes -> place -> we, waddr, wdata
    ///          -> fill  -> parameters --------------------------^       ^
    ///             turns -> residual read -> (scratchpad) -> place ------+
    /// ```
    ///
    /// ```text
    /// F            fold_end; parameter reads begin
    /// F+offset     first drain read: d of the first turn
    /// d            drain_row, drain_group, residual_re
    /// d+1          sum, residual line
    /// d+7          table_re
    /// d+8          we, waddr, wdata; done, if it was the command's last
    /// ```
    ///
    /// The offset is that of `bitgauge_arch::timing::compute`; it does not depend on the command, as rows
    /// take two steps only where the lanes are as many as the columns.
    #[derive(LogicBlock)]
    pub struct Drain {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a command comes; its registers are there
        pub push: Signal<In, Bit>,
        /// it has no folds
        pub push_empty: Signal<In, Bit>,
        /// register file of the command
        pub registers: Vec<Sig>,
        /// a fold ends at the array's first element
        pub fold_end: Signal<In, Bit>,
        /// its first pixel
        pub fold_pixel: Sig,
        /// its first output
        pub fold_column: Sig,
        /// it is the last of its command
        pub fold_last: Signal<In, Bit>,
        /// row to drain
        pub drain_row: Sig,
        /// group of columns to drain
        pub drain_group: Sig,
        /// sums of the row and group of the cycle before
        pub sum: Vec<Sig>,
        /// read the residual
        pub residual_re: Signal<Out, Bit>,
        /// line of the residual
        pub residual_raddr: Sig,
        /// residual, a cycle later
        pub residual_rdata: Vec<Sig>,
        /// read a parameter entry
        pub parameter_re: Signal<Out, Bit>,
        /// which
        pub parameter_raddr: Sig,
        /// parameter entry, a cycle later
        pub parameter_rdata: Sig,
        /// read the tables
        pub table_re: Signal<Out, Bit>,
        /// table and code of each lane
        pub table_raddr: Vec<Sig>,
        /// byte of each lane, a cycle later
        pub table_rdata: Vec<Sig>,
        /// bytes to write
        pub we: Sig,
        /// line to write
        pub waddr: Sig,
        /// bytes of the line
        pub wdata: Vec<Sig>,
        /// a command ends with this cycle
        pub done: Signal<Out, Bit>,
        /// there are commands
        pub draining: Signal<Out, Bit>,
        contexts: Contexts,
        turns: Turns,
        fill: Fill,
        place: Place,
        ending: Ending,
        lane: Vec<Lane>,
        fold_slot: Reg,
        rows_left: Sig,
        cols_left: Sig,
        fold_rows: Sig,
        fold_cols: Sig,
        entry_place: Sig,
        raddr: Sig,
        slot_1: Reg,
        slot_2: Reg,
        slot_3: Reg,
        slot_4: Reg,
        slot_5: Reg,
        place_1: Reg,
        residual_wide_1: State<Bit>,
        residual_on: Reg,
        writing: Reg,
        ends: Reg,
        /// what stage d+7 needs of d, on its way
        delay: Mem,
        delay_at: Reg,
        delay_to: Sig,
        delay_word: Sig,
        table_on_7: State<Bit>,
        table_on_8: State<Bit>,
        select_7: State<Bit>,
        code: Vec<Sig>,
        address_8: Reg,
        rows: Const,
        cols: Const,
        bank: Const,
        table: Const,
        _lanes: usize,
        _line: usize
    }
}

impl Drain {
    /// The drain of an accelerator.
    #[must_use]
    pub fn new(accelerator: &Accelerator) -> Drain {
        let shape = Shape::of(accelerator);
        let offset = timing::compute(accelerator, &Compute::default()).drain_offset as usize;
        let (rows, cols, lanes, line) = (shape.rows, shape.cols, shape.post_lanes, shape.line);
        let groups = cols / lanes.max(1);
        let entries = rows.max(groups).next_power_of_two();
        let turns = Turns::new(&shape, offset);
        let (row, group, place) = (turns.row.ty(), turns.group.ty(), turns.place.ty());
        let address = u(clog2(2 * entries));
        Drain {
            name: Named::of(format!("drain_{rows}x{cols}_by{lanes}_line{line}"), &Drain::DOCS),
            clock: Signal::default(),
            push: Signal::default(),
            push_empty: Signal::default(),
            registers: Sig::inputs(u(32), 24),
            fold_end: Signal::default(),
            fold_pixel: Sig::input(u(21)),
            fold_column: Sig::input(u(17)),
            fold_last: Signal::default(),
            drain_row: Sig::output(row),
            drain_group: Sig::output(group),
            sum: Sig::inputs(s(shape.accumulator_bits), lanes),
            residual_re: Signal::default(),
            residual_raddr: Sig::output(u(24)),
            residual_rdata: Sig::inputs(u(8), line),
            parameter_re: Signal::default(),
            parameter_raddr: Sig::output(u(16)),
            parameter_rdata: Sig::input(u(64)),
            table_re: Signal::default(),
            table_raddr: Sig::outputs(u(9), lanes),
            table_rdata: Sig::inputs(u(8), lanes),
            we: Sig::output(u(line)),
            waddr: Sig::output(u(24)),
            wdata: Sig::outputs(u(8), line),
            done: Signal::default(),
            draining: Signal::default(),
            contexts: Contexts::new(&shape),
            turns,
            fill: Fill::new(lanes, entries),
            place: Place::new(&shape),
            ending: Ending::new(),
            lane: (0..lanes).map(|_| Lane::new(2 * entries, shape.accumulator_bits)).collect(),
            fold_slot: Reg::new(u(3)),
            rows_left: Sig::local(u(21)),
            cols_left: Sig::local(u(17)),
            fold_rows: Sig::local(u(7)),
            fold_cols: Sig::local(u(7)),
            entry_place: Sig::local(address),
            raddr: Sig::local(address),
            slot_1: Reg::new(u(3)),
            slot_2: Reg::new(u(3)),
            slot_3: Reg::new(u(3)),
            slot_4: Reg::new(u(3)),
            slot_5: Reg::new(u(3)),
            place_1: Reg::new(place),
            residual_wide_1: State::default(),
            residual_on: Reg::new(u(5)),
            writing: Reg::new(u(7)),
            ends: Reg::new(u(8)),
            delay: Mem::new(8, u(40)),
            delay_at: Reg::new(u(3)),
            delay_to: Sig::local(u(3)),
            delay_word: Sig::local(u(40)),
            table_on_7: State::default(),
            table_on_8: State::default(),
            select_7: State::default(),
            code: Sig::locals(u(8), lanes),
            address_8: Reg::new(u(24)),
            rows: Const::new(rows),
            cols: Const::new(cols),
            bank: Const::new(entries),
            table: Const::new(256usize),
            _lanes: lanes,
            _line: line,
        }
    }
}

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
        self.writing.d.next = (self.writing.q.val() << 1) | self.turns.exists.val();
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
