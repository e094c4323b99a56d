//! Addresses of the activations.

use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

documented! {
    /// Activation addresses: from output pixels and kernel positions to lines.
    ///
    /// While a fold's first line is issued, one pixel a cycle, the walker steps from pixel to pixel and
    /// keeps each row's first line and map position; later lines add the offset of the line and of the
    /// kernel position. Rows without a pixel and positions outside the map are not read.
    ///
    /// Map positions from 65536 on are outside whatever is added to them, so they stop there.
    ///
    /// ```text
    ///            walker --(first line)--+
    ///              | write              select --> + offset ----> raddr, re
    ///            memory -> register ----+    \---> + down, right: inside?
    ///
    /// cycle     | i: issue of row r | i + 1         | i + 2
    /// memory    | row r + 2 asked   |               | register holds row r + 2
    /// raddr, re |                   | row r         |
    /// ```
    #[derive(LogicBlock)]
    pub struct Walk {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// second cycle after the start
        pub settle: Signal<In, Bit>,
        /// a position is issued
        pub issue: Signal<In, Bit>,
        /// the position
        pub position: Sig,
        /// the last position of a line
        pub line_last: Sig,
        /// it belongs to a fold's first line
        pub first_line: Signal<In, Bit>,
        /// it is a fold's last
        pub fold_done: Signal<In, Bit>,
        /// lines from a pixel's first line to the current one
        pub offset: Sig,
        /// map rows from the window's first to the current one
        pub down: Sig,
        /// map columns likewise
        pub right: Sig,
        /// lines by which the next column fold's activations lie further on
        pub group: Sig,
        /// field
        pub out_rows: Sig,
        /// field
        pub out_cols: Sig,
        /// field
        pub in_rows: Sig,
        /// field
        pub in_cols: Sig,
        /// field
        pub stride_rows: Sig,
        /// field
        pub stride_cols: Sig,
        /// field
        pub pad_top: Sig,
        /// field
        pub pad_left: Sig,
        /// line of the first pixel's window
        pub corner: Sig,
        /// lines from an output row to the next
        pub step_down: Sig,
        /// lines from an output pixel to the next
        pub step_right: Sig,
        /// there is a pixel after those of this fold
        pub more: Signal<Out, Bit>,
        /// read enable, a cycle after the issue
        pub re: Signal<Out, Bit>,
        /// line to read
        pub raddr: Sig,
        /// the row exists; a cycle after the issue
        pub live: Signal<Out, Bit>,
        /// its position is outside the map
        pub outside: Signal<Out, Bit>,
        base: Reg,
        origin: Reg,
        at: Reg,
        row_at: Reg,
        y: Reg,
        x: Reg,
        columns_left: Reg,
        rows_left: Reg,
        held: Reg,
        re_r: State<Bit>,
        raddr_r: Reg,
        live_r: State<Bit>,
        outside_r: State<Bit>,
        memory: Mem,
        stepping: Signal<Local, Bit>,
        next_at: Sig,
        next_row_at: Sig,
        next_y: Sig,
        next_x: Sig,
        next_columns: Sig,
        next_rows: Sig,
        from_at: Sig,
        from_y: Sig,
        from_x: Sig,
        from_exists: Signal<Local, Bit>,
        map_y: Sig,
        map_x: Sig,
        in_row: Signal<Local, Bit>,
        exists: Signal<Local, Bit>,
        inside: Signal<Local, Bit>,
        mask: Const,
        y_low: Const,
        x_low: Const,
        exists_low: Const,
        exists_bit: Const,
        rows: Const,
        beyond: Const
    }
}

/// Bits of a line address.
const LINE: usize = 24;
/// Bits of a map position: from -255 to less than 2^17.
const PLACE: usize = 18;

impl Walk {
    /// The walker of a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Walk {
        let (lines, place) = (u(LINE), s(PLACE));
        let word = u(LINE + 2 * PLACE + 1);
        Walk {
            name: Named::of(
                format!("feed_walk_rows{}_line{}_most{}", shape.rows, shape.line, shape.line_beats[1]),
                &Walk::DOCS,
            ),
            clock: Signal::default(),
            settle: Signal::default(),
            issue: Signal::default(),
            position: Sig::input(u(clog2(shape.line_beats[1]))),
            line_last: Sig::input(u(clog2(shape.line_beats[1]))),
            first_line: Signal::default(),
            fold_done: Signal::default(),
            offset: Sig::input(lines),
            down: Sig::input(u(16)),
            right: Sig::input(u(16)),
            group: Sig::input(u(17)),
            out_rows: Sig::input(u(16)),
            out_cols: Sig::input(u(16)),
            in_rows: Sig::input(u(16)),
            in_cols: Sig::input(u(16)),
            stride_rows: Sig::input(u(8)),
            stride_cols: Sig::input(u(8)),
            pad_top: Sig::input(u(8)),
            pad_left: Sig::input(u(8)),
            corner: Sig::input(lines),
            step_down: Sig::input(lines),
            step_right: Sig::input(lines),
            more: Signal::default(),
            re: Signal::default(),
            raddr: Sig::output(lines),
            live: Signal::default(),
            outside: Signal::default(),
            base: Reg::new(lines),
            origin: Reg::new(lines),
            at: Reg::new(lines),
            row_at: Reg::new(lines),
            y: Reg::new(place),
            x: Reg::new(place),
            columns_left: Reg::new(u(16)),
            rows_left: Reg::new(u(16)),
            held: Reg::new(word),
            re_r: State::default(),
            raddr_r: Reg::new(lines),
            live_r: State::default(),
            outside_r: State::default(),
            memory: Mem::new(shape.rows.next_power_of_two(), word),
            stepping: Signal::default(),
            next_at: Sig::local(lines),
            next_row_at: Sig::local(lines),
            next_y: Sig::local(place),
            next_x: Sig::local(place),
            next_columns: Sig::local(u(16)),
            next_rows: Sig::local(u(16)),
            from_at: Sig::local(lines),
            from_y: Sig::local(place),
            from_x: Sig::local(place),
            from_exists: Signal::default(),
            map_y: Sig::local(u(PLACE)),
            map_x: Sig::local(u(PLACE)),
            in_row: Signal::default(),
            exists: Signal::default(),
            inside: Signal::default(),
            mask: Const::new((1i64 << PLACE) - 1),
            y_low: Const::new(LINE),
            x_low: Const::new(LINE + PLACE),
            exists_low: Const::new(LINE + 2 * PLACE),
            exists_bit: Const::new(1i64 << (LINE + 2 * PLACE)),
            rows: Const::new(shape.rows),
            beyond: Const::new(1i64 << 16),
        }
    }
}

impl Logic for Walk {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            base,
            origin,
            at,
            row_at,
            y,
            x,
            columns_left,
            rows_left,
            held,
            re_r,
            raddr_r,
            live_r,
            outside_r
        );
        self.origin.d.next = self.base.q.val() + self.group.val();

        // The pixel after this one.
        self.in_row.next = self.position.val() < self.rows.val();
        self.stepping.next = self.issue.val() & self.first_line.val() & self.in_row.val();
        self.next_at.next = self.at.q.val();
        self.next_row_at.next = self.row_at.q.val();
        self.next_y.next = self.y.q.val();
        self.next_x.next = self.x.q.val();
        self.next_columns.next = self.columns_left.q.val();
        self.next_rows.next = self.rows_left.q.val();
        if self.stepping.val() {
            if self.columns_left.q.val() == 1 {
                self.next_at.next = self.row_at.q.val() + self.step_down.val();
                self.next_row_at.next = self.row_at.q.val() + self.step_down.val();
                self.next_x.next = -self.pad_left.val();
                self.next_columns.next = self.out_cols.val();
                if self.rows_left.q.val() > 0 {
                    self.next_rows.next = self.rows_left.q.val() - 1;
                }
                if self.y.q.val() < self.beyond.val() {
                    self.next_y.next = self.y.q.val() + self.stride_rows.val();
                }
            } else {
                self.next_at.next = self.at.q.val() + self.step_right.val();
                self.next_columns.next = self.columns_left.q.val() - 1;
                if self.x.q.val() < self.beyond.val() {
                    self.next_x.next = self.x.q.val() + self.stride_cols.val();
                }
            }
        }
        // As after this pixel, if it is taken; nobody asks where it is not.
        self.more.next = self.rows_left.q.val() > 0;
        if self.first_line.val() & self.in_row.val() & (self.columns_left.q.val() == 1) {
            self.more.next = self.rows_left.q.val() > 1;
        }
        self.at.d.next = self.next_at.val();
        self.row_at.d.next = self.next_row_at.val();
        self.y.d.next = self.next_y.val();
        self.x.d.next = self.next_x.val();
        self.columns_left.d.next = self.next_columns.val();
        self.rows_left.d.next = self.next_rows.val();
        if self.settle.val() | (self.fold_done.val() & !self.more.val()) {
            self.at.d.next = self.origin.q.val();
            self.row_at.d.next = self.origin.q.val();
            self.y.d.next = -self.pad_top.val();
            self.x.d.next = -self.pad_left.val();
            self.columns_left.d.next = self.out_cols.val();
            self.rows_left.d.next = self.out_rows.val();
        }
        if self.settle.val() {
            self.base.d.next = self.corner.val();
            self.at.d.next = self.corner.val();
            self.row_at.d.next = self.corner.val();
        }

        // Rows for the later lines of the fold.
        self.memory.clock.next = self.clock.val();
        self.memory.we.next = 0.into();
        if self.stepping.val() {
            self.memory.we.next = 1.into();
        }
        self.exists.next = self.rows_left.q.val() > 0;
        self.memory.waddr.next = self.position.val();
        self.memory.wdata.next = self.at.q.val()
            | ((self.y.q.val() & self.mask.val()) << self.y_low.val())
            | ((self.x.q.val() & self.mask.val()) << self.x_low.val());
        if self.exists.val() {
            self.memory.wdata.next = self.at.q.val()
                | ((self.y.q.val() & self.mask.val()) << self.y_low.val())
                | ((self.x.q.val() & self.mask.val()) << self.x_low.val())
                | self.exists_bit.val();
        }
        self.memory.re.next = self.issue.val();
        // The row after the next: at a line's end, one of the next line.
        self.memory.raddr.next = self.position.val() + 2;
        if self.position.val() == self.line_last.val() {
            self.memory.raddr.next = 1.into();
        }
        if (self.position.val() + 1) == self.line_last.val() {
            self.memory.raddr.next = 0.into();
        }
        self.held.d.next = self.memory.rdata.val();

        // The address of this row in this line.
        self.from_at.next = self.held.q.val();
        self.from_y.next = self.held.q.val() >> self.y_low.val();
        self.from_x.next = self.held.q.val() >> self.x_low.val();
        self.from_exists.next = self.held.q.val().get_bit(self.exists_low.val());
        if self.first_line.val() {
            self.from_at.next = self.at.q.val();
            self.from_y.next = self.y.q.val();
            self.from_x.next = self.x.q.val();
            self.from_exists.next = self.exists.val();
        }
        // A position above or left of the map is a large number here.
        self.map_y.next = self.from_y.val() + self.down.val();
        self.map_x.next = self.from_x.val() + self.right.val();
        self.inside.next = (self.map_y.val() < self.in_rows.val()) & (self.map_x.val() < self.in_cols.val());
        self.live_r.d.next = self.issue.val() & self.in_row.val() & self.from_exists.val();
        self.outside_r.d.next = !self.inside.val();
        self.re_r.d.next = self.issue.val() & self.in_row.val() & self.from_exists.val() & self.inside.val();
        if self.issue.val() & self.in_row.val() & self.from_exists.val() & self.inside.val() {
            self.raddr_r.d.next = self.from_at.val() + self.offset.val();
        }
        self.live.next = self.live_r.q.val();
        self.outside.next = self.outside_r.q.val();
        self.re.next = self.re_r.q.val();
        self.raddr.next = self.raddr_r.q.val();
    }
}
