//! When a store command ends.

use crate::prelude::*;
use rust_hdl::prelude::*;

/// Bursts asked for whose responses are not yet there, at most.
const OUTSTANDING: usize = 64;

documented! {
    /// Counts the responses of the store unit's bursts and ends its commands in order, one a cycle.
    ///
    /// A command ends with the response of its last burst. One that stores nothing ends
    /// STORE_READ_LATENCY cycles after its start, and not before the command before it.
    #[derive(LogicBlock)]
    pub struct StoreEnds {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a command starts
        pub start: Signal<In, Bit>,
        /// it stores nothing (a cycle later)
        pub empty: Signal<In, Bit>,
        /// a burst is asked for
        pub ask: Signal<In, Bit>,
        /// it is the last of its command
        pub ask_last: Signal<In, Bit>,
        /// the oldest burst's response
        pub response: Signal<In, Bit>,
        /// a command ends with the next cycle
        pub done: Signal<Out, Bit>,
        /// a burst is asked for or its response is not yet there
        pub waits: Signal<Out, Bit>,
        /// another burst may be asked for
        pub open: Signal<Out, Bit>,
        flags: Mem,
        write: Reg,
        read: Reg,
        read_next: Sig,
        outstanding: Reg,
        fresh: State<Bit>,
        later: State<Bit>,
        later_empty: State<Bit>,
        /// whether each command in flight stores nothing, the oldest first
        kinds: Reg,
        commands: Reg,
        commands_left: Sig,
        finished: Reg,
        complete: Signal<Local, Bit>,
        ends: Signal<Local, Bit>,
        ends_full: Signal<Local, Bit>,
        most: Const,
        one: Const
    }
}

impl Default for StoreEnds {
    fn default() -> StoreEnds {
        StoreEnds {
            name: Named::of("store_ends", &StoreEnds::DOCS),
            clock: Signal::default(),
            start: Signal::default(),
            empty: Signal::default(),
            ask: Signal::default(),
            ask_last: Signal::default(),
            response: Signal::default(),
            done: Signal::default(),
            waits: Signal::default(),
            open: Signal::default(),
            flags: Mem::new(OUTSTANDING, u(1)),
            write: Reg::new(u(clog2(OUTSTANDING))),
            read: Reg::new(u(clog2(OUTSTANDING))),
            read_next: Sig::local(u(clog2(OUTSTANDING))),
            outstanding: Reg::new(u(clog2(OUTSTANDING) + 1)),
            fresh: State::default(),
            later: State::default(),
            later_empty: State::default(),
            kinds: Reg::new(u(8)),
            commands: Reg::new(u(4)),
            commands_left: Sig::local(u(4)),
            finished: Reg::new(u(4)),
            complete: Signal::default(),
            ends: Signal::default(),
            ends_full: Signal::default(),
            most: Const::new(OUTSTANDING),
            one: Const::new(1),
        }
    }
}

impl Logic for StoreEnds {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            write,
            read,
            outstanding,
            fresh,
            later,
            later_empty,
            kinds,
            commands,
            finished
        );
        self.flags.clock.next = self.clock.val();
        self.flags.we.next = self.ask.val().into();
        self.flags.waddr.next = self.write.q.val();
        self.flags.wdata.next = self.ask_last.val().into();
        self.write.d.next = self.write.q.val() + self.ask.val();
        self.read_next.next = self.read.q.val() + self.response.val();
        self.read.d.next = self.read_next.val();
        self.flags.re.next = true;
        self.flags.raddr.next = self.read_next.val();
        self.outstanding.d.next = self.outstanding.q.val() + self.ask.val() - self.response.val();
        self.waits.next = self.ask.val() || (self.outstanding.q.val() != 0);
        self.open.next = self.outstanding.q.val() != self.most.val();

        // A command joins the queue so that one that stores nothing is seen two cycles after its first.
        self.fresh.d.next = self.start.val();
        self.later.d.next = self.fresh.q.val();
        self.later_empty.d.next = self.empty.val();
        self.complete.next = self.response.val() && (self.flags.rdata.val() != 0);
        self.ends_full.next = (self.commands.q.val() != 0)
            && !self.kinds.q.val().get_bit(0)
            && ((self.finished.q.val() != 0) || self.complete.val());
        self.ends.next =
            self.ends_full.val() || ((self.commands.q.val() != 0) && self.kinds.q.val().get_bit(0));
        self.done.next = self.ends.val();
        self.finished.d.next = self.finished.q.val() + self.complete.val() - self.ends_full.val();
        self.commands_left.next = self.commands.q.val() - self.ends.val();
        self.commands.d.next = self.commands_left.val() + self.later.q.val();
        self.kinds.d.next = self.kinds.q.val();
        if self.ends.val() {
            self.kinds.d.next = self.kinds.q.val() >> 1;
        }
        if self.later.q.val() && self.later_empty.q.val() {
            if self.ends.val() {
                self.kinds.d.next = (self.kinds.q.val() >> 1) | (self.one.val() << self.commands_left.val());
            } else {
                self.kinds.d.next = self.kinds.q.val() | (self.one.val() << self.commands_left.val());
            }
        }
    }
}
