//! Dispatch: from the prefetch buffer to the four queues.
//!
//! ```text
//!                      +--> push[0]  load      room[0], idle[0]
//! word, valid --> decode--> push[1]  compute   ...
//!         take <--+    +--> push[2]  vector
//!                      +--> push[3]  store
//!
//! cycle      t      t+1    t+2
//! word       set    exec   end
//! room       1      0      .      the queue of its unit
//! take       1      0      .
//! push       1      0      .
//! ```
//!
//! Combinational, but for the error flag. Source: `bitgauge_arch::command` (the word), cycle contract
//! "Controller".

use crate::prelude::*;
use bitgauge_arch::command::{Compute, Load, RegisterFile, Store, Vector};
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
        /// its four parts
        pub word: Vec<Sig>,
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
        unit: Sig,
        kind: Sig,
        byte: Sig,
        reserved: Sig,
        /// the word is one of the unit's
        chosen: Vec<Signal<Local, Bit>>,
        /// the word is one of some unit's
        known: Signal<Local, Bit>,
        /// the word is `end`
        ending: Signal<Local, Bit>,
        all_idle: Signal<Local, Bit>,
        groups: Vec<Const>
    }
}

impl Default for Dispatch {
    fn default() -> Dispatch {
        let groups = [Load::GROUPS, Compute::GROUPS, Vector::GROUPS, Store::GROUPS];
        Dispatch {
            name: Named::of("dispatch", &Dispatch::DOCS),
            clock: Signal::default(),
            clear: Signal::default(),
            valid: Signal::default(),
            word: Sig::inputs(u(32), 4),
            take: Signal::default(),
            room: vec![Signal::default(); 4],
            idle: vec![Signal::default(); 4],
            push: vec![Signal::default(); 4],
            header: Sig::output(u(9)),
            finished: Signal::default(),
            error: Signal::default(),
            failed: State::default(),
            unit: Sig::local(u(4)),
            kind: Sig::local(u(4)),
            byte: Sig::local(u(8)),
            reserved: Sig::local(u(16)),
            chosen: vec![Signal::default(); 4],
            known: Signal::default(),
            ending: Signal::default(),
            all_idle: Signal::default(),
            groups: groups.map(Const::new).to_vec(),
        }
    }
}

impl Logic for Dispatch {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, failed);
        self.unit.next = self.word[3].val() >> 28;
        self.kind.next = self.word[3].val() >> 24;
        self.byte.next = self.word[3].val() >> 16;
        self.reserved.next = self.word[3].val();
        self.header.next = self.word[3].val() >> 16;
        self.known.next = false;
        self.all_idle.next = true;
        self.take.next = false;
        for i in 0..4 {
            self.chosen[i].next = (self.unit.val() == i + 1)
                & (self.reserved.val() == 0)
                & ((self.kind.val() == 1)
                    | ((self.kind.val() == 0)
                        & (self.byte.val() != 0)
                        & (self.byte.val() < self.groups[i].val())));
            self.push[i].next = self.valid.val() & self.chosen[i].val() & self.room[i].val();
            if self.chosen[i].val() {
                self.known.next = true;
                if self.room[i].val() {
                    self.take.next = self.valid.val();
                }
            }
            if !self.idle[i].val() {
                self.all_idle.next = false;
            }
        }
        self.ending.next = (self.unit.val() == 0)
            & (self.kind.val() == 2)
            & (self.byte.val() == 0)
            & (self.reserved.val() == 0)
            & (self.word[0].val() == 0)
            & (self.word[1].val() == 0)
            & (self.word[2].val() == 0);
        self.finished.next = self.valid.val() & self.ending.val() & self.all_idle.val();
        if self.valid.val() {
            if self.ending.val() {
                self.take.next = self.all_idle.val();
            } else if !self.known.val() {
                self.take.next = true;
                self.failed.d.next = true;
            }
        }
        if self.clear.val() {
            self.failed.d.next = false;
        }
        self.error.next = self.failed.q.val();
    }
}
