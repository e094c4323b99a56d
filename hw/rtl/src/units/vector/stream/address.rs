//! Where each slot reads, and what of the line it uses.

use crate::prelude::*;
use crate::units::shape::Shape;
use rust_hdl::prelude::*;

documented! {
    /// Addresses of the reads, without a multiplier: each loop adds its step to the line where its last
    /// turn began.
    ///
    /// ```text
    ///            +-------------------- + step of the loop that goes on ----+
    ///            v                                                         |
    /// lines of: output row, pixel, kernel row, tap --> base --> + group, half or line of a run --> raddr
    /// columns and rows of: pixel, tap ----------------> outside? how many bytes? -----> outside, limit
    /// ```
    ///
    /// A patch counts its columns in bytes: a tap is a line of the run there. Everything that leaves is
    /// registered: the step's read is in the cycle after the step.
    #[derive(LogicBlock)]
    pub struct Address {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// lines and columns take their first values
        pub load: Signal<In, Bit>,
        /// a step is made
        pub step: Signal<In, Bit>,
        /// the slot reads
        pub reads: Signal<In, Bit>,
        /// slot of the kernel row
        pub slot: Sig,
        /// group of the pixel
        pub group: Sig,
        /// it is the last one
        pub group_is_last: Signal<In, Bit>,
        /// last slot of a kernel row
        pub next_row: Signal<In, Bit>,
        /// last slot of a group
        pub next_group: Signal<In, Bit>,
        /// last slot of a pixel
        pub next_pixel: Signal<In, Bit>,
        /// last slot of an output row
        pub next_line: Signal<In, Bit>,
        /// add
        pub is_add: Signal<In, Bit>,
        /// depthwise
        pub is_depthwise: Signal<In, Bit>,
        /// patch
        pub is_patch: Signal<In, Bit>,
        /// copy or patch
        pub moves: Signal<In, Bit>,
        /// the source is a map
        pub mapped: Signal<In, Bit>,
        /// line of the first window
        pub base: Sig,
        /// lines from an output row to the next
        pub row_step: Sig,
        /// lines from a kernel row to the next
        pub tap_row_step: Sig,
        /// lines from a window to the next
        pub col_step: Sig,
        /// lines from a tap to the next
        pub tap_col_step: Sig,
        /// first line of second operand or weights
        pub second_line: Sig,
        /// lines from a pixel of the second operand to the next
        pub second_pixel_stride: Sig,
        /// lines of a pixel's weights
        pub words: Sig,
        /// first slot of the second operand
        pub second_at: Sig,
        /// the second line of the last group's wide codes exists
        pub second_half: Signal<In, Bit>,
        /// the first operand has 16 bits
        pub source_wide: Sig,
        /// the second operand has 16 bits
        pub second_wide: Sig,
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
        /// read of the activation scratchpad
        pub re: Signal<Out, Bit>,
        /// its line
        pub raddr: Sig,
        /// read of the weight scratchpad
        pub weight_re: Signal<Out, Bit>,
        /// its line
        pub weight_raddr: Sig,
        /// the position lies outside
        pub outside: Signal<Out, Bit>,
        /// the slot belongs to the second operand
        pub operand: Signal<Out, Bit>,
        /// its codes have 16 bits
        pub wide: Signal<Out, Bit>,
        /// it has codes of the lower lanes
        pub low: Signal<Out, Bit>,
        /// it has codes of the upper lanes
        pub high: Signal<Out, Bit>,
        /// which codes of the line
        pub pick: Sig,
        /// bytes of the line that exist
        pub limit: Sig,
        /// first byte that is used
        pub from: Sig,
        /// bytes that are used
        pub count: Sig,
        re_r: State<Bit>,
        raddr_r: Reg,
        weight_re_r: State<Bit>,
        weight_raddr_r: Reg,
        outside_r: State<Bit>,
        operand_r: State<Bit>,
        wide_r: State<Bit>,
        low_r: State<Bit>,
        high_r: State<Bit>,
        pick_r: Reg,
        limit_r: Reg,
        from_r: Reg,
        count_r: Reg,
        /// line of the output row, of the pixel, of the kernel row, of the tap
        line_row: Reg,
        line_pixel: Reg,
        line_tap_row: Reg,
        line_tap: Reg,
        /// line of the second operand or the weights
        line_second: Reg,
        /// rows and columns of the pixel and of the tap
        row_pixel: Reg,
        row_tap: Reg,
        col_pixel: Reg,
        col_tap: Reg,
        /// bytes of the run that are left
        left: Reg,
        /// where a loop goes on
        going: Sig,
        going_step: Sig,
        next_lines: Sig,
        is_second: Signal<Local, Bit>,
        is_wide: Signal<Local, Bit>,
        is_half: Signal<Local, Bit>,
        is_outside: Signal<Local, Bit>,
        /// the step uses nothing of a line
        idle: Signal<Local, Bit>,
        offset: Sig,
        weight_offset: Sig,
        aligned: Sig,
        /// columns from here to the end
        ahead: Sig,
        most: Sig,
        taken: Sig,
        skipped: Sig,
        group_bits: Const,
        line_bits: Const,
        line: Const,
        two_lines: Const,
        pick_mask: Const,
        wide_mask: Const
    }
}

/// Bits of a column: bytes of a patch may reach far beyond its map.
const COLUMN: usize = 34;
/// Bits of a row.
const ROW: usize = 26;

impl Address {
    /// For the lines and lanes of a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Address {
        let (line, lanes) = (shape.line, shape.vector_lanes);
        let (address, count, bytes) = (u(24), u(16), u(clog2(line) + 1));
        let pick = u(clog2((line / lanes).max(2)));
        let flag = || Sig::input(u(1));
        Address {
            name: Named::of(format!("vector_address_line{line}_by{lanes}"), &Address::DOCS),
            clock: Signal::default(),
            load: Signal::default(),
            step: Signal::default(),
            reads: Signal::default(),
            slot: Sig::input(count),
            group: Sig::input(count),
            group_is_last: Signal::default(),
            next_row: Signal::default(),
            next_group: Signal::default(),
            next_pixel: Signal::default(),
            next_line: Signal::default(),
            is_add: Signal::default(),
            is_depthwise: Signal::default(),
            is_patch: Signal::default(),
            moves: Signal::default(),
            mapped: Signal::default(),
            base: Sig::input(address),
            row_step: Sig::input(address),
            tap_row_step: Sig::input(address),
            col_step: Sig::input(address),
            tap_col_step: Sig::input(address),
            second_line: Sig::input(address),
            second_pixel_stride: Sig::input(count),
            words: Sig::input(count),
            second_at: Sig::input(u(2)),
            second_half: Signal::default(),
            source_wide: flag(),
            second_wide: flag(),
            in_rows: Sig::input(count),
            col_end: Sig::input(count),
            pad_top: Sig::input(u(8)),
            pad_left: Sig::input(u(8)),
            stride_rows: Sig::input(u(8)),
            stride_cols: Sig::input(count),
            dilation_rows: Sig::input(u(8)),
            dilation_cols: Sig::input(u(8)),
            run_bytes: Sig::input(count),
            re: Signal::default(),
            raddr: Sig::output(address),
            weight_re: Signal::default(),
            weight_raddr: Sig::output(address),
            outside: Signal::default(),
            operand: Signal::default(),
            wide: Signal::default(),
            low: Signal::default(),
            high: Signal::default(),
            pick: Sig::output(pick),
            limit: Sig::output(bytes),
            from: Sig::output(u(clog2(line))),
            count: Sig::output(bytes),
            re_r: State::default(),
            raddr_r: Reg::new(address),
            weight_re_r: State::default(),
            weight_raddr_r: Reg::new(address),
            outside_r: State::default(),
            operand_r: State::default(),
            wide_r: State::default(),
            low_r: State::default(),
            high_r: State::default(),
            pick_r: Reg::new(pick),
            limit_r: Reg::new(bytes),
            from_r: Reg::new(u(clog2(line))),
            count_r: Reg::new(bytes),
            line_row: Reg::new(address),
            line_pixel: Reg::new(address),
            line_tap_row: Reg::new(address),
            line_tap: Reg::new(address),
            line_second: Reg::new(address),
            row_pixel: Reg::new(s(ROW)),
            row_tap: Reg::new(s(ROW)),
            col_pixel: Reg::new(s(COLUMN)),
            col_tap: Reg::new(s(COLUMN)),
            left: Reg::new(count),
            going: Sig::local(address),
            going_step: Sig::local(address),
            next_lines: Sig::local(address),
            is_second: Signal::default(),
            is_wide: Signal::default(),
            is_half: Signal::default(),
            is_outside: Signal::default(),
            idle: Signal::default(),
            offset: Sig::local(address),
            weight_offset: Sig::local(count),
            aligned: Sig::local(s(COLUMN)),
            ahead: Sig::local(s(COLUMN + 1)),
            most: Sig::local(bytes),
            taken: Sig::local(bytes),
            skipped: Sig::local(u(clog2(line))),
            group_bits: Const::new(clog2(line / lanes)),
            line_bits: Const::new(clog2(line)),
            line: Const::new(line),
            two_lines: Const::new(usize::from(2 * lanes > line)),
            pick_mask: Const::new(line / lanes - 1),
            wide_mask: Const::new((line / lanes / 2).max(1) - 1),
        }
    }
}

impl Logic for Address {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            re_r,
            raddr_r,
            weight_re_r,
            weight_raddr_r,
            outside_r,
            operand_r,
            wide_r,
            low_r
        );
        dff_setup!(self, clock, high_r, pick_r, limit_r, from_r, count_r, line_row, line_pixel, line_tap_row);
        dff_setup!(self, clock, line_tap, line_second, row_pixel, row_tap, col_pixel, col_tap, left);

        // What this step reads.
        self.is_second.next = self.is_add.val() & (self.slot.val() >= self.second_at.val());
        self.is_wide.next = self.is_add.val() & (self.source_wide.val() != 0);
        self.is_half.next = (self.two_lines.val() != 0) & self.is_wide.val() & (self.slot.val() != 0);
        if self.is_second.val() {
            self.is_wide.next = self.second_wide.val() != 0;
            self.is_half.next = (self.two_lines.val() != 0)
                & (self.second_wide.val() != 0)
                & (self.slot.val() != self.second_at.val());
        }
        self.weight_offset.next = self.group.val() >> self.group_bits.val();
        self.offset.next = self.weight_offset.val();
        if self.is_wide.val() {
            self.offset.next = ((self.group.val() << 1) + self.is_half.val()) >> self.group_bits.val();
        }
        if self.moves.val() {
            self.offset.next = self.group.val();
        }
        if self.is_patch.val() {
            self.offset.next = self.col_tap.q.val() >> self.line_bits.val();
        }
        self.raddr_r.d.next = self.line_tap.q.val() + self.offset.val();
        if self.is_second.val() {
            self.raddr_r.d.next = self.line_second.q.val() + self.offset.val();
        }
        self.weight_raddr_r.d.next = self.line_second.q.val() + self.weight_offset.val();
        self.pick_r.d.next = self.group.val() & self.pick_mask.val();
        if self.is_wide.val() {
            self.pick_r.d.next = self.group.val() & self.wide_mask.val();
        }

        // What of it exists, and what of it a patch uses.
        self.aligned.next = self.col_tap.q.val();
        self.skipped.next = 0.into();
        if self.is_patch.val() {
            self.aligned.next = (self.col_tap.q.val() >> self.line_bits.val()) << self.line_bits.val();
            if self.slot.val() == 0 {
                self.skipped.next = self.col_tap.q.val();
            }
        }
        self.ahead.next = self.col_end.val() - self.aligned.val();
        self.is_outside.next = self.mapped.val()
            & ((self.row_tap.q.val() < 0)
                | (self.row_tap.q.val() >= self.in_rows.val())
                | (self.aligned.val() < 0)
                | (self.ahead.val() <= 0));
        self.most.next = self.line.val() - self.skipped.val();
        self.taken.next = self.most.val();
        if self.is_patch.val() & (self.left.q.val() < self.most.val()) {
            self.taken.next = self.left.q.val();
        }
        self.limit_r.d.next = self.line.val();
        if self.is_patch.val() {
            if self.is_outside.val() {
                self.limit_r.d.next = 0.into();
            } else if self.ahead.val() < self.line.val() {
                self.limit_r.d.next = self.ahead.val();
            }
        }
        self.from_r.d.next = self.skipped.val();
        self.count_r.d.next = self.taken.val();
        self.idle.next = !self.step.val()
            | !self.reads.val()
            | (self.is_half.val() & self.group_is_last.val() & !self.second_half.val())
            | (self.taken.val() == 0);
        self.re_r.d.next = !self.idle.val() & !self.is_outside.val();
        self.weight_re_r.d.next = !self.idle.val() & self.is_depthwise.val();
        self.outside_r.d.next = self.is_outside.val();
        self.operand_r.d.next = self.is_second.val();
        self.wide_r.d.next = self.is_wide.val();
        self.low_r.d.next = !self.is_half.val();
        self.high_r.d.next = self.is_half.val() | !self.is_wide.val() | (self.two_lines.val() == 0);

        // Where the next step is.
        self.going.next = self.line_tap.q.val();
        self.going_step.next = self.tap_col_step.val();
        if self.next_line.val() & self.mapped.val() {
            self.going.next = self.line_row.q.val();
            self.going_step.next = self.row_step.val();
        } else if self.next_pixel.val() {
            self.going.next = self.line_pixel.q.val();
            self.going_step.next = self.col_step.val();
        } else if self.next_group.val() {
            self.going.next = self.line_pixel.q.val();
            self.going_step.next = 0.into();
        } else if self.next_row.val() {
            self.going.next = self.line_tap_row.q.val();
            self.going_step.next = self.tap_row_step.val();
        }
        self.next_lines.next = self.going.val() + self.going_step.val();
        if self.step.val() {
            self.line_tap.d.next = self.next_lines.val();
            if self.next_row.val() {
                self.line_tap_row.d.next = self.next_lines.val();
                self.row_tap.d.next = self.row_tap.q.val() + self.dilation_rows.val();
                self.col_tap.d.next = self.col_pixel.q.val();
                self.left.d.next = self.run_bytes.val();
            } else {
                self.left.d.next = self.left.q.val() - self.taken.val();
                self.col_tap.d.next = self.col_tap.q.val() + self.dilation_cols.val();
                if self.is_patch.val() {
                    self.col_tap.d.next = self.col_tap.q.val() + self.line.val();
                }
            }
            if self.next_group.val() {
                self.row_tap.d.next = self.row_pixel.q.val();
            }
            if self.next_pixel.val() {
                self.line_pixel.d.next = self.next_lines.val();
                self.col_pixel.d.next = self.col_pixel.q.val() + self.stride_cols.val();
                self.col_tap.d.next = self.col_pixel.q.val() + self.stride_cols.val();
            }
            if self.next_line.val() {
                self.line_row.d.next = self.next_lines.val();
                self.row_pixel.d.next = self.row_pixel.q.val() + self.stride_rows.val();
                self.row_tap.d.next = self.row_pixel.q.val() + self.stride_rows.val();
                self.col_pixel.d.next = -self.pad_left.val();
                self.col_tap.d.next = -self.pad_left.val();
            }
            if self.is_add.val() {
                if self.next_pixel.val() {
                    self.line_second.d.next = self.line_second.q.val() + self.second_pixel_stride.val();
                }
            } else if self.next_group.val() {
                self.line_second.d.next = self.second_line.val();
            } else {
                self.line_second.d.next = self.line_second.q.val() + self.words.val();
            }
        }
        if self.load.val() {
            self.line_row.d.next = self.base.val();
            self.line_pixel.d.next = self.base.val();
            self.line_tap_row.d.next = self.base.val();
            self.line_tap.d.next = self.base.val();
            self.line_second.d.next = self.second_line.val();
            self.row_pixel.d.next = -self.pad_top.val();
            self.row_tap.d.next = -self.pad_top.val();
            self.col_pixel.d.next = -self.pad_left.val();
            self.col_tap.d.next = -self.pad_left.val();
            self.left.d.next = self.run_bytes.val();
        }
        self.re.next = self.re_r.q.val();
        self.raddr.next = self.raddr_r.q.val();
        self.weight_re.next = self.weight_re_r.q.val();
        self.weight_raddr.next = self.weight_raddr_r.q.val();
        self.outside.next = self.outside_r.q.val();
        self.operand.next = self.operand_r.q.val();
        self.wide.next = self.wide_r.q.val();
        self.low.next = self.low_r.q.val();
        self.high.next = self.high_r.q.val();
        self.pick.next = self.pick_r.q.val();
        self.limit.next = self.limit_r.q.val();
        self.from.next = self.from_r.q.val();
        self.count.next = self.count_r.q.val();
    }
}
