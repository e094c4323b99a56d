//! The drain: sums out of the array, through the post-processor, into the activation scratchpad.

mod kernel;

use super::context::Contexts;
use super::ending::Ending;
use super::fill::Fill;
use super::place::Place;
use super::post::Lane;
use super::turns::Turns;
use crate::prelude::*;
use crate::units::Shape;
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
    /// The turns of a command that keeps its sums pass without a write.
    ///
    /// The offset is that of `bitgauge_arch::timing::drain`; it does not depend on the command, as rows
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
    /// The drain of this shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Drain {
        let (rows, cols, lanes, line) = (shape.rows, shape.cols, shape.post_lanes, shape.line);
        let groups = cols / lanes.max(1);
        let entries = rows.max(groups).next_power_of_two();
        let drain = timing::drain(rows as u64, cols as u64, lanes as u64, 1);
        let turns = Turns::new(shape, drain.offset as usize);
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
            sum: Sig::inputs(s(shape.mac.accumulator), lanes),
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
            contexts: Contexts::new(shape),
            turns,
            fill: Fill::new(lanes, entries, shape.channel_shifts),
            place: Place::new(shape),
            ending: Ending::default(),
            lane: (0..lanes)
                .map(|_| Lane::new(2 * entries, shape.mac.accumulator, shape.channel_shifts))
                .collect(),
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
