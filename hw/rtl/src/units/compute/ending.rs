//! In which order commands end.

use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Ends of the compute unit's commands, in order, one a cycle at most.
    ///
    /// A command with folds ends when its last code is written; one without folds when it is the oldest,
    /// two cycles after its push at the earliest. At most eight commands are in flight.
    ///
    /// ```text
    /// push      p    done of an empty command   p+2 at the earliest
    /// written   d+8  done of a command          d+8, where d is its last drain read
    /// ```
    #[derive(LogicBlock)]
    pub struct Ending {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a command comes
        pub push: Signal<In, Bit>,
        /// it has no folds
        pub push_empty: Signal<In, Bit>,
        /// the last code of the oldest command is written
        pub written: Signal<In, Bit>,
        /// the oldest command ends with this cycle
        pub done: Signal<Out, Bit>,
        /// there are commands
        pub draining: Signal<Out, Bit>,
        pushed: State<Bit>,
        pushed_empty: State<Bit>,
        count: Reg,
        empty: Reg,
        count_left: Sig,
        empty_left: Sig,
        over: Signal<Local, Bit>,
        one: Const
    }
}

impl Default for Ending {
    fn default() -> Ending {
        Ending {
            name: Named::of("drain_ending", &Ending::DOCS),
            clock: Signal::default(),
            push: Signal::default(),
            push_empty: Signal::default(),
            written: Signal::default(),
            done: Signal::default(),
            draining: Signal::default(),
            pushed: State::default(),
            pushed_empty: State::default(),
            count: Reg::new(u(4)),
            empty: Reg::new(u(8)),
            count_left: Sig::local(u(4)),
            empty_left: Sig::local(u(8)),
            over: Signal::default(),
            one: Const::new(1usize),
        }
    }
}

impl Logic for Ending {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, pushed, pushed_empty, count, empty);
        self.pushed.d.next = self.push.val();
        self.pushed_empty.d.next = self.push_empty.val();
        self.over.next = self.written.val() || self.empty.q.val().get_bit(0);
        self.count_left.next = self.count.q.val();
        self.empty_left.next = self.empty.q.val();
        if self.over.val() {
            self.count_left.next = self.count.q.val() - 1;
            self.empty_left.next = self.empty.q.val() >> 1;
        }
        self.count.d.next = self.count_left.val();
        self.empty.d.next = self.empty_left.val();
        if self.pushed.q.val() {
            self.count.d.next = self.count_left.val() + 1;
            if self.pushed_empty.q.val() {
                self.empty.d.next = self.empty_left.val() | (self.one.val() << self.count_left.val());
            }
        }
        self.done.next = self.over.val();
        self.draining.next = self.pushed.q.val() || (self.count.q.val() != 0);
    }
}
