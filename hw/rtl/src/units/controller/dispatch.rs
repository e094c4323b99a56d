//! Dispatch: from the prefetch buffer to the four queues.
//!
//! ```text
//!                      +--> push[0]  load      room[0], idle[0]
//! kind, valid ----------+--> push[1]  compute   ...
//!         take <--+    +--> push[2]  vector
//!                      +--> push[3]  store
//!
//! cycle      t      t+1    t+2
//! kind       load   store  end
//! room       1      0      .      the queue of its unit
//! take       1      0      .
//! push       1      0      .
//! ```
//!
//! Combinational, but for the error flag. Source: `bitgauge_arch::command` (the word), cycle contract
//! "Controller".

use super::decode::KIND_BITS;
use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Dispatch: moves one word per cycle from the prefetch buffer to the queue of its unit, if that has
    /// room.
    ///
    /// `end` is taken when all units are idle. A word that no encoder makes is dropped and noted.
    #[derive(LogicBlock)]
    pub struct Dispatch {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a program starts: forgets the error
        pub clear: Signal<In, Bit>,
        /// there is a word
        pub valid: Signal<In, Bit>,
        /// its kind
        pub kind: Sig,
        /// its highest part
        pub top: Sig,
        /// the word leaves the prefetch buffer
        pub take: Signal<Out, Bit>,
        /// the unit's queue has room
        pub room: Vec<Signal<In, Bit>>,
        /// the unit's queue is empty and nothing is in flight
        pub idle: Vec<Signal<In, Bit>>,
        /// the word goes to the unit's queue
        pub push: Vec<Signal<Out, Bit>>,
        /// what a queue needs of the header: bit 8 `exec`, below it group or token masks
        pub header: Sig,
        /// `end` is taken in this cycle
        pub finished: Signal<Out, Bit>,
        /// there was a word that is no command word
        pub error: Signal<Out, Bit>,
        failed: State<Bit>,
        ending: Signal<Local, Bit>,
        all_idle: Signal<Local, Bit>
    }
}

impl Default for Dispatch {
    fn default() -> Dispatch {
        Dispatch {
            name: Named::of("dispatch", &Dispatch::DOCS),
            clock: Signal::default(),
            clear: Signal::default(),
            valid: Signal::default(),
            kind: Sig::input(u(KIND_BITS)),
            top: Sig::input(u(32)),
            take: Signal::default(),
            room: vec![Signal::default(); 4],
            idle: vec![Signal::default(); 4],
            push: vec![Signal::default(); 4],
            header: Sig::output(u(9)),
            finished: Signal::default(),
            error: Signal::default(),
            failed: State::default(),
            ending: Signal::default(),
            all_idle: Signal::default(),
        }
    }
}

impl Logic for Dispatch {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, failed);
        self.header.next = self.top.val() >> 16;
        self.all_idle.next = true;
        self.take.next = false;
        for i in 0..4 {
            self.push[i].next = self.valid.val() & self.kind.val().get_bit(i) & self.room[i].val();
            if self.kind.val().get_bit(i) & self.room[i].val() {
                self.take.next = self.valid.val();
            }
            if !self.idle[i].val() {
                self.all_idle.next = false;
            }
        }
        self.ending.next = self.kind.val().get_bit(4usize);
        self.finished.next = self.valid.val() & self.ending.val() & self.all_idle.val();
        if self.finished.val() {
            self.take.next = true;
        }
        if self.valid.val() & !self.kind.val().any() {
            self.take.next = true;
            self.failed.d.next = true;
        }
        if self.clear.val() {
            self.failed.d.next = false;
        }
        self.error.next = self.failed.q.val();
    }
}
