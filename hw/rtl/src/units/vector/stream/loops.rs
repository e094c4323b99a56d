//! The loops of a command: pixels, groups, kernel rows, slots.

use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Counts through a command: output rows, columns, groups of a pixel, kernel rows, slots of a row (its
    /// taps; for an add the operands and their lines; for a patch the lines of a run).
    ///
    /// A step is made in `begin` and in every cycle after it, until the last one. Steps go one cycle
    /// ahead of the read ports.
    ///
    /// ```text
    /// begin     x
    /// step      x  x  x  x
    /// read         x  x  x  x
    /// finished              x
    /// ```
    #[derive(LogicBlock)]
    pub struct Loops {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// counters take their first values
        pub load: Signal<In, Bit>,
        /// first step
        pub begin: Signal<In, Bit>,
        /// there are no pixels
        pub empty: Signal<In, Bit>,
        /// last output column
        pub last_x: Sig,
        /// last output row
        pub last_y: Sig,
        /// last group
        pub last_group: Sig,
        /// last kernel row
        pub last_row: Sig,
        /// last slot that reads
        pub last_read: Sig,
        /// last slot
        pub last_slot: Sig,
        /// a step is made
        pub step: Signal<Out, Bit>,
        /// slot of the kernel row
        pub slot: Sig,
        /// group of the pixel
        pub group: Sig,
        /// it is the last one
        pub group_is_last: Signal<Out, Bit>,
        /// the slot reads
        pub reads: Signal<Out, Bit>,
        /// first slot of a group
        pub first: Signal<Out, Bit>,
        /// last slot of a group that reads
        pub done: Signal<Out, Bit>,
        /// last slot of a kernel row
        pub next_row: Signal<Out, Bit>,
        /// last slot of a group
        pub next_group: Signal<Out, Bit>,
        /// last slot of a pixel
        pub next_pixel: Signal<Out, Bit>,
        /// last slot of an output row
        pub next_line: Signal<Out, Bit>,
        /// last cycle of the body
        pub finished: Signal<Out, Bit>,
        running: State<Bit>,
        ended: State<Bit>,
        x: Reg,
        y: Reg,
        group_r: Reg,
        row: Reg,
        slot_r: Reg
    }
}

impl Default for Loops {
    fn default() -> Loops {
        let count = u(16);
        Loops {
            name: Named::of("vector_loops", &Loops::DOCS),
            clock: Signal::default(),
            load: Signal::default(),
            begin: Signal::default(),
            empty: Signal::default(),
            last_x: Sig::input(count),
            last_y: Sig::input(count),
            last_group: Sig::input(count),
            last_row: Sig::input(u(8)),
            last_read: Sig::input(count),
            last_slot: Sig::input(count),
            step: Signal::default(),
            slot: Sig::output(count),
            group: Sig::output(count),
            group_is_last: Signal::default(),
            reads: Signal::default(),
            first: Signal::default(),
            done: Signal::default(),
            next_row: Signal::default(),
            next_group: Signal::default(),
            next_pixel: Signal::default(),
            next_line: Signal::default(),
            finished: Signal::default(),
            running: State::default(),
            ended: State::default(),
            x: Reg::new(count),
            y: Reg::new(count),
            group_r: Reg::new(count),
            row: Reg::new(u(8)),
            slot_r: Reg::new(count),
        }
    }
}

impl Logic for Loops {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, running, ended, x, y, group_r, row, slot_r);
        self.step.next = (self.begin.val() & !self.empty.val()) | self.running.q.val();
        self.slot.next = self.slot_r.q.val();
        self.group.next = self.group_r.q.val();
        self.group_is_last.next = self.group_r.q.val() == self.last_group.val();
        self.reads.next = self.slot_r.q.val() <= self.last_read.val();
        self.first.next = (self.slot_r.q.val() == 0) & (self.row.q.val() == 0);
        self.done.next =
            (self.slot_r.q.val() == self.last_read.val()) & (self.row.q.val() == self.last_row.val());
        self.next_row.next = self.slot_r.q.val() == self.last_slot.val();
        self.next_group.next = self.next_row.val() & (self.row.q.val() == self.last_row.val());
        self.next_pixel.next = self.next_group.val() & self.group_is_last.val();
        self.next_line.next = self.next_pixel.val() & (self.x.q.val() == self.last_x.val());

        self.ended.d.next = false;
        if self.step.val() {
            self.running.d.next = true;
            self.slot_r.d.next = self.slot_r.q.val() + 1;
            if self.next_row.val() {
                self.slot_r.d.next = 0.into();
                self.row.d.next = self.row.q.val() + 1;
            }
            if self.next_group.val() {
                self.row.d.next = 0.into();
                self.group_r.d.next = self.group_r.q.val() + 1;
            }
            if self.next_pixel.val() {
                self.group_r.d.next = 0.into();
                self.x.d.next = self.x.q.val() + 1;
            }
            if self.next_line.val() {
                self.x.d.next = 0.into();
                self.y.d.next = self.y.q.val() + 1;
                if self.y.q.val() == self.last_y.val() {
                    self.running.d.next = false;
                    self.ended.d.next = true;
                }
            }
        }
        if self.load.val() {
            self.x.d.next = 0.into();
            self.y.d.next = 0.into();
            self.group_r.d.next = 0.into();
            self.row.d.next = 0.into();
            self.slot_r.d.next = 0.into();
        }
        self.finished.next = self.ended.q.val() | (self.begin.val() & self.empty.val());
    }
}
