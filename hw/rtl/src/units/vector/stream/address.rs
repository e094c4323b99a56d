//! Where each slot reads.

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
    /// lines of: output row, pixel, kernel row, tap --> base ---> + group, half or line of a run --> raddr
    /// ```
    ///
    /// Everything that leaves is registered: the step's read is in the cycle after the step.
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
        /// the position lies outside
        pub outside_now: Signal<In, Bit>,
        /// nothing of the line is used
        pub spare: Signal<In, Bit>,
        /// line of a patch in its row
        pub run_line: Sig,
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
        /// line of the output row, of the pixel, of the kernel row, of the tap
        line_row: Reg,
        line_pixel: Reg,
        line_tap_row: Reg,
        line_tap: Reg,
        /// line of the second operand or the weights
        line_second: Reg,
        /// where a loop goes on
        going: Sig,
        going_step: Sig,
        next_lines: Sig,
        is_second: Signal<Local, Bit>,
        is_wide: Signal<Local, Bit>,
        is_half: Signal<Local, Bit>,
        /// the step uses nothing of a line
        idle: Signal<Local, Bit>,
        offset: Sig,
        weight_offset: Sig,
        group_bits: Const,
        two_lines: Const,
        pick_mask: Const,
        wide_mask: Const
    }
}

impl Address {
    /// For the lines and lanes of a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Address {
        let (line, lanes) = (shape.line, shape.vector_lanes);
        let (address, count) = (u(24), u(16));
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
            outside_now: Signal::default(),
            spare: Signal::default(),
            run_line: Sig::input(address),
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
            line_row: Reg::new(address),
            line_pixel: Reg::new(address),
            line_tap_row: Reg::new(address),
            line_tap: Reg::new(address),
            line_second: Reg::new(address),
            going: Sig::local(address),
            going_step: Sig::local(address),
            next_lines: Sig::local(address),
            is_second: Signal::default(),
            is_wide: Signal::default(),
            is_half: Signal::default(),
            idle: Signal::default(),
            offset: Sig::local(address),
            weight_offset: Sig::local(count),
            group_bits: Const::new(clog2(line / lanes)),
            two_lines: Const::new(usize::from(2 * lanes > line)),
            pick_mask: Const::new(line / lanes - 1),
            wide_mask: Const::new((line / lanes / 2).max(1) - 1),
        }
    }
}

impl Logic for Address {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, re_r, raddr_r, weight_re_r, weight_raddr_r, outside_r);
        dff_setup!(self, clock, operand_r, wide_r, low_r, high_r, pick_r, line_row, line_pixel);
        dff_setup!(self, clock, line_tap_row, line_tap, line_second);

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
            self.offset.next = self.run_line.val();
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

        self.idle.next = !self.step.val()
            | !self.reads.val()
            | (self.is_half.val() & self.group_is_last.val() & !self.second_half.val())
            | self.spare.val();
        self.re_r.d.next = !self.idle.val() & !self.outside_now.val();
        self.weight_re_r.d.next = !self.idle.val() & self.is_depthwise.val();
        self.outside_r.d.next = self.outside_now.val();
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
            }
            if self.next_pixel.val() {
                self.line_pixel.d.next = self.next_lines.val();
            }
            if self.next_line.val() {
                self.line_row.d.next = self.next_lines.val();
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
    }
}
