//! The turns of the drain.

mod kernel;

use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

documented! {
    /// Sequencer of the drain: which row and group of columns is read in which cycle, and where its codes go.
    ///
    /// One fold may wait for its offset while another is drained. Addresses only ever add: the stride from
    /// row to row, at most one line from group to group, `rows` strides from fold to fold.
    ///
    /// ```text
    /// F              a fold ends: what exists of it and its first lines are kept
    /// T = F+offset-1 launch: the slot of the fold's command is named, the first addresses computed
    /// T+1 ...        reads: for each group, for each row, for each step
    /// ```
    #[derive(LogicBlock)]
    pub struct Turns {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a fold ends
        pub fold_end: Signal<In, Bit>,
        /// it is the first of its columns
        pub fold_restart: Signal<In, Bit>,
        /// its first column
        pub fold_column: Sig,
        /// it is the last of its command
        pub fold_last: Signal<In, Bit>,
        /// its command's slot
        pub fold_slot: Sig,
        /// its rows that exist
        pub fold_rows: Sig,
        /// its columns that exist
        pub fold_cols: Sig,
        /// its command's first output line
        pub output_line: Sig,
        /// its command's first residual line
        pub residual_line: Sig,
        /// output lines from its rows to those of the next fold
        pub output_step: Sig,
        /// residual lines from its rows to those of the next fold
        pub residual_step: Sig,
        /// its outputs have 16 bits
        pub fold_output_wide: Signal<In, Bit>,
        /// its residuals have 16 bits
        pub fold_residual_wide: Signal<In, Bit>,
        /// output lines from row to row of the fold that is drained
        pub output_stride: Sig,
        /// residual lines from row to row of the fold that is drained
        pub residual_stride: Sig,
        /// a row takes two steps
        pub two_steps: Signal<In, Bit>,
        /// 16-bit outputs
        pub output_wide: Signal<In, Bit>,
        /// 16-bit residuals
        pub residual_wide: Signal<In, Bit>,
        /// slot of the turns' command: to be read in this cycle for the next
        pub turn_slot: Sig,
        /// slot of the turn's command
        pub slot: Sig,
        /// row
        pub row: Sig,
        /// group of columns
        pub group: Sig,
        /// step of the row
        pub step: Signal<Out, Bit>,
        /// bank of the parameters
        pub parity: Signal<Out, Bit>,
        /// codes of this turn exist
        pub exists: Signal<Out, Bit>,
        /// lanes whose columns exist
        pub lanes_left: Sig,
        /// place of the group's lanes in a line of bytes
        pub place: Sig,
        /// line of the output
        pub output_address: Sig,
        /// line of the residual
        pub residual_address: Sig,
        /// last turn of a command
        pub last: Signal<Out, Bit>,
        waits: State<Bit>,
        wait_left: Reg,
        kept_column: Reg,
        kept_last: State<Bit>,
        kept_slot: Reg,
        kept_rows: Reg,
        kept_cols: Reg,
        kept_output_wide: State<Bit>,
        kept_residual_wide: State<Bit>,
        output_base: Reg,
        residual_base: Reg,
        output_start: Sig,
        residual_start: Sig,
        launch: Signal<Local, Bit>,
        new_column: Sig,
        new_last: Signal<Local, Bit>,
        new_slot: Sig,
        new_rows: Sig,
        new_cols: Sig,
        new_output_wide: Signal<Local, Bit>,
        new_residual_wide: Signal<Local, Bit>,
        new_output: Sig,
        new_residual: Sig,
        output_lines: Sig,
        residual_lines: Sig,
        drains: State<Bit>,
        at_step: State<Bit>,
        at_row: Reg,
        at_group: Reg,
        at_slot: Reg,
        at_last: State<Bit>,
        at_parity: State<Bit>,
        rows_here: Reg,
        cols_left: Reg,
        at_place: Reg,
        output_group: Reg,
        residual_group: Reg,
        output_at: Reg,
        residual_at: Reg,
        row_over: Signal<Local, Bit>,
        group_over: Signal<Local, Bit>,
        narrow_carry: Signal<Local, Bit>,
        wide_carry: Signal<Local, Bit>,
        output_next: Sig,
        residual_next: Sig,
        direct: Const,
        wait_start: Const,
        last_row: Const,
        last_group: Const,
        lanes: Const,
        half: Const,
        lane_shift: Const,
        line_shift: Const,
        wide_shift: Const,
        place_mask: Const,
        wide_mask: Const
    }
}

impl Turns {
    /// For a shape and the offset from a fold's end to its first read.
    #[must_use]
    pub fn new(shape: &Shape, offset: usize) -> Turns {
        let (lanes, line) = (shape.post_lanes, shape.line);
        let groups = shape.cols / lanes.max(1);
        let places = line / lanes.max(1);
        let row = u(clog2(shape.rows.max(2)));
        let group = u(clog2(groups.max(2)));
        let place = u(clog2(places.max(2)));
        let flag = State::default;
        let address = || Reg::new(u(24));
        let shift = |value: usize| Const::new(value.trailing_zeros() as usize);
        Turns {
            name: Named::of(
                format!("drain_turns_{}x{}_by{lanes}_line{line}", shape.rows, shape.cols),
                &Turns::DOCS,
            ),
            clock: Signal::default(),
            fold_end: Signal::default(),
            fold_restart: Signal::default(),
            fold_column: Sig::input(u(17)),
            fold_last: Signal::default(),
            fold_slot: Sig::input(u(3)),
            fold_rows: Sig::input(u(7)),
            fold_cols: Sig::input(u(7)),
            output_line: Sig::input(u(24)),
            residual_line: Sig::input(u(24)),
            output_step: Sig::input(u(23)),
            residual_step: Sig::input(u(23)),
            fold_output_wide: Signal::default(),
            fold_residual_wide: Signal::default(),
            output_stride: Sig::input(u(16)),
            residual_stride: Sig::input(u(16)),
            two_steps: Signal::default(),
            output_wide: Signal::default(),
            residual_wide: Signal::default(),
            turn_slot: Sig::output(u(3)),
            slot: Sig::output(u(3)),
            row: Sig::output(row),
            group: Sig::output(group),
            step: Signal::default(),
            parity: Signal::default(),
            exists: Signal::default(),
            lanes_left: Sig::output(u(7)),
            place: Sig::output(place),
            output_address: Sig::output(u(24)),
            residual_address: Sig::output(u(24)),
            last: Signal::default(),
            waits: flag(),
            wait_left: Reg::new(u(clog2(offset.max(2)))),
            kept_column: Reg::new(u(17)),
            kept_last: flag(),
            kept_slot: Reg::new(u(3)),
            kept_rows: Reg::new(u(7)),
            kept_cols: Reg::new(u(7)),
            kept_output_wide: flag(),
            kept_residual_wide: flag(),
            output_base: address(),
            residual_base: address(),
            output_start: Sig::local(u(24)),
            residual_start: Sig::local(u(24)),
            launch: Signal::default(),
            new_column: Sig::local(u(17)),
            new_last: Signal::default(),
            new_slot: Sig::local(u(3)),
            new_rows: Sig::local(u(7)),
            new_cols: Sig::local(u(7)),
            new_output_wide: Signal::default(),
            new_residual_wide: Signal::default(),
            new_output: Sig::local(u(24)),
            new_residual: Sig::local(u(24)),
            output_lines: Sig::local(u(17)),
            residual_lines: Sig::local(u(17)),
            drains: flag(),
            at_step: flag(),
            at_row: Reg::new(row),
            at_group: Reg::new(group),
            at_slot: Reg::new(u(3)),
            at_last: flag(),
            at_parity: flag(),
            rows_here: Reg::new(u(7)),
            cols_left: Reg::new(u(7)),
            at_place: Reg::new(place),
            output_group: address(),
            residual_group: address(),
            output_at: address(),
            residual_at: address(),
            row_over: Signal::default(),
            group_over: Signal::default(),
            narrow_carry: Signal::default(),
            wide_carry: Signal::default(),
            output_next: Sig::local(u(24)),
            residual_next: Sig::local(u(24)),
            direct: Const::new(offset <= 1),
            wait_start: Const::new(offset.max(2) - 2),
            last_row: Const::new(shape.rows - 1),
            last_group: Const::new(groups - 1),
            lanes: Const::new(lanes),
            half: Const::new(lanes / 2),
            lane_shift: shift(lanes),
            line_shift: shift(line),
            wide_shift: shift(line / 2),
            place_mask: Const::new(places - 1),
            wide_mask: Const::new((places / 2).max(1) - 1),
        }
    }
}
