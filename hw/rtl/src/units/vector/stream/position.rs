//! Rows and columns of taps: what lies outside, what a patch uses of a line.

use crate::prelude::*;
use crate::units::shape::Shape;
use rust_hdl::prelude::*;

/// Bits of a column: bytes of a patch may reach far beyond its map.
const COLUMN: usize = 34;
/// Bits of a row.
const ROW: usize = 26;

documented! {
    /// Follows the row and the column of each tap, in the cycle of its step.
    ///
    /// A patch counts its columns in bytes: a tap is a line of the run there.
    ///
    /// ```text
    /// row, column of: pixel, tap --> end of the map - column --> outside, limit
    ///                    bytes of the run that are left -------> from, count
    /// ```
    #[derive(LogicBlock)]
    pub struct Position {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// rows and columns take their first values
        pub load: Signal<In, Bit>,
        /// a step is made
        pub step: Signal<In, Bit>,
        /// first slot of a kernel row
        pub starts: Signal<In, Bit>,
        /// last slot of a kernel row
        pub next_row: Signal<In, Bit>,
        /// last slot of a group
        pub next_group: Signal<In, Bit>,
        /// last slot of a pixel
        pub next_pixel: Signal<In, Bit>,
        /// last slot of an output row
        pub next_line: Signal<In, Bit>,
        /// patch
        pub is_patch: Signal<In, Bit>,
        /// the source is a map
        pub mapped: Signal<In, Bit>,
        /// rows of the map
        pub in_rows: Sig,
        /// columns of the map, bytes of a row for a patch
        pub col_end: Sig,
        /// rows of padding
        pub pad_top: Sig,
        /// columns of padding
        pub pad_left: Sig,
        /// rows from a window to the next
        pub stride_rows: Sig,
        /// columns from a window to the next
        pub stride_cols: Sig,
        /// rows from a tap to the next
        pub dilation_rows: Sig,
        /// columns from a tap to the next
        pub dilation_cols: Sig,
        /// bytes of a run
        pub run_bytes: Sig,
        /// the position lies outside
        pub outside: Signal<Out, Bit>,
        /// line of a patch in its row
        pub run_line: Sig,
        /// bytes of the line that exist
        pub limit: Sig,
        /// first byte that is used
        pub from: Sig,
        /// bytes that are used
        pub count: Sig,
        /// of the pixel and of the tap
        row_pixel: Reg,
        row_tap: Reg,
        col_pixel: Reg,
        col_tap: Reg,
        /// bytes of the run that are left
        left: Reg,
        is_outside: Signal<Local, Bit>,
        aligned: Sig,
        /// columns from here to the end
        ahead: Sig,
        most: Sig,
        less: Sig,
        rest: Sig,
        after: Sig,
        taken: Sig,
        skipped: Sig,
        line_bits: Const,
        line: Const
    }
}

impl Position {
    /// For the lines of a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Position {
        let line = shape.line;
        let (count, bytes, place) = (u(16), u(clog2(line) + 1), u(clog2(line)));
        Position {
            name: Named::of(format!("vector_position_line{line}"), &Position::DOCS),
            clock: Signal::default(),
            load: Signal::default(),
            step: Signal::default(),
            starts: Signal::default(),
            next_row: Signal::default(),
            next_group: Signal::default(),
            next_pixel: Signal::default(),
            next_line: Signal::default(),
            is_patch: Signal::default(),
            mapped: Signal::default(),
            in_rows: Sig::input(count),
            col_end: Sig::input(count),
            pad_top: Sig::input(u(8)),
            pad_left: Sig::input(u(8)),
            stride_rows: Sig::input(u(8)),
            stride_cols: Sig::input(count),
            dilation_rows: Sig::input(u(8)),
            dilation_cols: Sig::input(u(8)),
            run_bytes: Sig::input(count),
            outside: Signal::default(),
            run_line: Sig::output(u(24)),
            limit: Sig::output(bytes),
            from: Sig::output(place),
            count: Sig::output(bytes),
            row_pixel: Reg::new(s(ROW)),
            row_tap: Reg::new(s(ROW)),
            col_pixel: Reg::new(s(COLUMN)),
            col_tap: Reg::new(s(COLUMN)),
            left: Reg::new(count),
            is_outside: Signal::default(),
            aligned: Sig::local(s(COLUMN)),
            ahead: Sig::local(s(COLUMN + 1)),
            most: Sig::local(bytes),
            less: Sig::local(s(count.width + 2)),
            rest: Sig::local(s(count.width + 2)),
            after: Sig::local(count),
            taken: Sig::local(bytes),
            skipped: Sig::local(place),
            line_bits: Const::new(clog2(line)),
            line: Const::new(line),
        }
    }
}

impl Logic for Position {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, row_pixel, row_tap, col_pixel, col_tap, left);
        self.aligned.next = self.col_tap.q.val();
        self.skipped.next = 0.into();
        if self.is_patch.val() {
            self.aligned.next = (self.col_tap.q.val() >> self.line_bits.val()) << self.line_bits.val();
            if self.starts.val() {
                self.skipped.next = self.col_tap.q.val();
            }
        }
        self.run_line.next = self.col_tap.q.val() >> self.line_bits.val();
        self.ahead.next = self.col_end.val() - self.aligned.val();
        self.is_outside.next = self.mapped.val()
            & ((self.row_tap.q.val() < 0)
                | (self.row_tap.q.val() >= self.in_rows.val())
                | (self.aligned.val() < 0)
                | (self.ahead.val() <= 0));
        self.outside.next = self.is_outside.val();
        self.most.next = self.line.val() - self.skipped.val();
        // Beside the choice: what is left after a whole line, less what is skipped of it.
        self.less.next = self.left.q.val() - self.line.val();
        self.rest.next = self.less.val() + self.skipped.val();
        self.after.next = self.rest.val();
        if self.is_patch.val() & (self.rest.val() < 0) {
            self.after.next = 0.into();
        }
        self.taken.next = self.most.val();
        if self.is_patch.val() & (self.left.q.val() < self.most.val()) {
            self.taken.next = self.left.q.val();
        }
        self.limit.next = self.line.val();
        if self.is_patch.val() {
            if self.is_outside.val() {
                self.limit.next = 0.into();
            } else if self.ahead.val() < self.line.val() {
                self.limit.next = self.ahead.val();
            }
        }
        self.from.next = self.skipped.val();
        self.count.next = self.taken.val();
        if self.step.val() {
            if self.next_row.val() {
                self.row_tap.d.next = self.row_tap.q.val() + self.dilation_rows.val();
                self.col_tap.d.next = self.col_pixel.q.val();
                self.left.d.next = self.run_bytes.val();
            } else {
                self.left.d.next = self.after.val();
                self.col_tap.d.next = self.col_tap.q.val() + self.dilation_cols.val();
                if self.is_patch.val() {
                    self.col_tap.d.next = self.col_tap.q.val() + self.line.val();
                }
            }
            if self.next_group.val() {
                self.row_tap.d.next = self.row_pixel.q.val();
            }
            if self.next_pixel.val() {
                self.col_pixel.d.next = self.col_pixel.q.val() + self.stride_cols.val();
                self.col_tap.d.next = self.col_pixel.q.val() + self.stride_cols.val();
            }
            if self.next_line.val() {
                self.row_pixel.d.next = self.row_pixel.q.val() + self.stride_rows.val();
                self.row_tap.d.next = self.row_pixel.q.val() + self.stride_rows.val();
                self.col_pixel.d.next = -self.pad_left.val();
                self.col_tap.d.next = -self.pad_left.val();
            }
        }
        if self.load.val() {
            self.row_pixel.d.next = -self.pad_top.val();
            self.row_tap.d.next = -self.pad_top.val();
            self.col_pixel.d.next = -self.pad_left.val();
            self.col_tap.d.next = -self.pad_left.val();
            self.left.d.next = self.run_bytes.val();
        }
    }
}
