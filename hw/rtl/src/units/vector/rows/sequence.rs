//! Rows, passes and steps: what is read when.

use super::{GAP_LAYER_NORM, GAP_MAXIMUM, GAP_SUM};
use crate::prelude::*;
use crate::units::shape::Shape;
use rust_hdl::prelude::*;

/// Bits of a step's tag: first pass, exponentials are added up, codes are emitted, first step of its
/// pass, its group is the last of the row, last step of its pass, second half of its group.
pub const TAG_BITS: usize = 7;

documented! {
    /// Rows, passes and steps of softmax and LayerNorm.
    ///
    /// A step handles a group of codes; where two bytes a code do not fit a line, half a group. A softmax row is
    /// three passes over its groups, a LayerNorm token two, with fixed pauses for what the rows share:
    ///
    /// softmax:   g steps | 3 | g steps | 21 | g steps     = 3 g + 24
    /// LayerNorm: a steps | 58 | b steps                   = a + b + 58
    ///
    /// A step issued in cycle t reads its line in t + 1; the first step of a command is issued in the cycle of
    /// `begin`. The row's last step is its last cycle: successive rows follow each other without more.
    #[derive(LogicBlock)]
    pub struct Sequence {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// first cycle of a command's setup
        pub prepare: Signal<In, Bit>,
        /// last cycle of a command's setup
        pub begin: Signal<In, Bit>,
        /// function of the command
        pub function: Sig,
        /// output rows
        pub out_rows: Sig,
        /// output columns
        pub out_cols: Sig,
        /// codes of a row
        pub channels: Sig,
        /// first line of the first row
        pub source_line: Sig,
        /// lines from a row to the next
        pub pixel_stride: Sig,
        /// the operand has 16 bits
        pub source_wide: Sig,
        /// the output has 16 bits
        pub output_wide: Sig,
        /// the command is for this engine
        pub active: Signal<Out, Bit>,
        /// the command is a softmax
        pub softmax: Signal<Out, Bit>,
        /// reads a line
        pub re: Signal<Out, Bit>,
        /// the line
        pub raddr: Sig,
        /// place of the group in its line
        pub place: Sig,
        /// tag of the step: see [`TAG_BITS`]
        pub tag: Sig,
        /// last cycle of the body
        pub finished: Signal<Out, Bit>,
        active_r: State<Bit>,
        softmax_r: State<Bit>,
        running: State<Bit>,
        ended: State<Bit>,
        re_r: State<Bit>,
        parity: State<Bit>,
        rows: Reg,
        last_group: Reg,
        /// the second line of the last group's wide codes exists
        second_half: State<Bit>,
        line: Reg,
        phase: Reg,
        pause: Reg,
        group: Reg,
        raddr_r: Reg,
        place_r: Reg,
        tag_r: Reg,
        /// a command runs
        busy: Signal<Local, Bit>,
        /// a step is issued
        issue: Signal<Local, Bit>,
        /// the steps emit codes
        emits: Signal<Local, Bit>,
        /// steps are half groups
        half: Signal<Local, Bit>,
        /// the group is the row's last
        last: Signal<Local, Bit>,
        /// the step is its pass's last
        closes: Signal<Local, Bit>,
        /// bits of the tag
        flags: Vec<Sig>,
        /// line within the row
        offset: Sig,
        /// pause after this pass
        gap: Sig,
        function_softmax: Const,
        function_layer_norm: Const,
        gap_maximum: Const,
        gap_sum: Const,
        gap_layer_norm: Const,
        half_lanes: Const,
        halves: Const,
        lanes_log: Const,
        narrow_log: Const,
        wide_log: Const,
        places_less_one: Const
    }
}

impl Sequence {
    /// For this shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Sequence {
        use bitgauge_arch::command::VectorFunction;
        let (line, lanes) = (shape.line.max(1), shape.vector_lanes.max(1));
        let places = (line / lanes).max(1);
        let place = u(clog2(places.max(2)));
        Sequence {
            name: Named::of(format!("row_sequence_by{lanes}_line{line}"), &Sequence::DOCS),
            clock: Signal::default(),
            prepare: Signal::default(),
            begin: Signal::default(),
            function: Sig::input(u(8)),
            out_rows: Sig::input(u(16)),
            out_cols: Sig::input(u(16)),
            channels: Sig::input(u(16)),
            source_line: Sig::input(u(24)),
            pixel_stride: Sig::input(u(16)),
            source_wide: Sig::input(u(1)),
            output_wide: Sig::input(u(1)),
            active: Signal::default(),
            softmax: Signal::default(),
            re: Signal::default(),
            raddr: Sig::output(u(24)),
            place: Sig::output(place),
            tag: Sig::output(u(TAG_BITS)),
            finished: Signal::default(),
            active_r: State::default(),
            softmax_r: State::default(),
            running: State::default(),
            ended: State::default(),
            re_r: State::default(),
            parity: State::default(),
            // The validator allows 2^20 pixels.
            rows: Reg::new(u(21)),
            last_group: Reg::new(u(16)),
            second_half: State::default(),
            line: Reg::new(u(24)),
            phase: Reg::new(u(2)),
            pause: Reg::new(u(6)),
            group: Reg::new(u(16)),
            raddr_r: Reg::new(u(24)),
            place_r: Reg::new(place),
            tag_r: Reg::new(u(TAG_BITS)),
            busy: Signal::default(),
            issue: Signal::default(),
            emits: Signal::default(),
            half: Signal::default(),
            last: Signal::default(),
            closes: Signal::default(),
            flags: Sig::locals(u(1), TAG_BITS),
            offset: Sig::local(u(17)),
            gap: Sig::local(u(6)),
            function_softmax: Const::new(VectorFunction::Softmax as usize),
            function_layer_norm: Const::new(VectorFunction::LayerNorm as usize),
            gap_maximum: Const::new(GAP_MAXIMUM),
            gap_sum: Const::new(GAP_SUM),
            gap_layer_norm: Const::new(GAP_LAYER_NORM),
            half_lanes: Const::new(shape.vector_lanes / 2),
            halves: Const::new(2 * lanes > line),
            lanes_log: Const::new(clog2(lanes)),
            narrow_log: Const::new(clog2(places)),
            wide_log: Const::new(clog2(places).saturating_sub(1)),
            places_less_one: Const::new(places - 1),
        }
    }
}

impl Logic for Sequence {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, active_r, softmax_r, running, ended, re_r, parity, rows, last_group);
        dff_setup!(self, clock, second_half, line, phase, pause, group, raddr_r, place_r, tag_r);
        self.busy.next =
            self.running.q.val() | (self.begin.val() & self.active_r.q.val() & (self.rows.q.val() != 0));
        self.issue.next = self.busy.val() & (self.pause.q.val() == 0);
        self.emits.next = (self.phase.q.val() == 2) | ((self.phase.q.val() == 1) & !self.softmax_r.q.val());
        self.half.next = (self.halves.val() == 1)
            & !self.softmax_r.q.val()
            & ((self.source_wide.val() == 1) | (self.emits.val() & (self.output_wide.val() == 1)));
        self.last.next = self.group.q.val() == self.last_group.q.val();
        self.closes.next = self.last.val() & (self.parity.q.val() | !self.half.val());

        self.offset.next = self.group.q.val() >> self.narrow_log.val();
        if self.source_wide.val() == 1 {
            self.offset.next = self.group.q.val() >> self.wide_log.val();
            if self.halves.val() == 1 {
                self.offset.next = (self.group.q.val() << 1) + self.parity.q.val();
            }
        }
        self.raddr_r.d.next = self.line.q.val() + self.offset.val();
        self.place_r.d.next = self.group.q.val() & self.places_less_one.val();
        // A line beyond the row may lie in a bank of another unit.
        self.re_r.d.next = self.issue.val()
            & (!self.last.val()
                | !self.parity.q.val()
                | (self.source_wide.val() == 0)
                | self.second_half.q.val());
        self.flags[0].next = (self.phase.q.val() == 0).into();
        self.flags[1].next = ((self.phase.q.val() == 1) & self.softmax_r.q.val()).into();
        self.flags[2].next = self.emits.val().into();
        self.flags[3].next = ((self.group.q.val() == 0) & !self.parity.q.val()).into();
        self.flags[4].next = self.last.val().into();
        self.flags[5].next = self.closes.val().into();
        self.flags[6].next = self.parity.q.val().into();
        self.tag_r.d.next = 0.into();
        if self.issue.val() {
            self.tag_r.d.next = self.flags[0].val()
                + (self.flags[1].val() << 1)
                + (self.flags[2].val() << 2)
                + (self.flags[3].val() << 3)
                + (self.flags[4].val() << 4)
                + (self.flags[5].val() << 5)
                + (self.flags[6].val() << 6);
        }

        self.gap.next = self.gap_layer_norm.val();
        if self.softmax_r.q.val() {
            self.gap.next = self.gap_maximum.val();
            if self.phase.q.val() == 1 {
                self.gap.next = self.gap_sum.val();
            }
        }
        self.ended.d.next = false;
        self.running.d.next = self.busy.val();
        if self.issue.val() {
            if self.half.val() & !self.parity.q.val() {
                self.parity.d.next = true;
            } else {
                self.parity.d.next = false;
                self.group.d.next = self.group.q.val() + 1;
            }
            if self.closes.val() {
                self.group.d.next = 0.into();
                self.pause.d.next = self.gap.val();
                self.phase.d.next = self.phase.q.val() + 1;
                if self.emits.val() {
                    self.pause.d.next = 0.into();
                    self.phase.d.next = 0.into();
                    self.line.d.next = self.line.q.val() + self.pixel_stride.val();
                    self.rows.d.next = self.rows.q.val() - 1;
                    if self.rows.q.val() == 1 {
                        self.running.d.next = false;
                        self.ended.d.next = true;
                    }
                }
            }
        } else if self.busy.val() {
            self.pause.d.next = self.pause.q.val() - 1;
        }

        if self.prepare.val() {
            self.softmax_r.d.next = self.function.val() == self.function_softmax.val();
            self.active_r.d.next = (self.function.val() == self.function_softmax.val())
                | (self.function.val() == self.function_layer_norm.val());
            self.rows.d.next = self.out_rows.val() * self.out_cols.val();
            self.last_group.d.next = (self.channels.val() - 1) >> self.lanes_log.val();
            self.line.d.next = self.source_line.val();
            self.second_half.d.next = ((self.channels.val() - 1) & self.half_lanes.val()) != 0;
        }
        self.active.next = self.active_r.q.val();
        self.softmax.next = self.softmax_r.q.val();
        self.re.next = self.re_r.q.val();
        self.raddr.next = self.raddr_r.q.val();
        self.place.next = self.place_r.q.val();
        self.tag.next = self.tag_r.q.val();
        self.finished.next =
            self.ended.q.val() | (self.begin.val() & self.active_r.q.val() & (self.rows.q.val() == 0));
    }
}
