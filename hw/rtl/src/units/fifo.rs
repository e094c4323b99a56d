//! A first-word-fall-through FIFO on block RAM.
//!
//! ```text
//!            +----------------+ rdata
//! data ---+->| Mem            |------>\
//!         |  | raddr = read+1 |        >-- head
//!         |  +----------------+   +-->/
//!         +-> recent -------------+   (while `fresh`)
//!
//! cycle    0    1    2    3    4
//! push     A    B    .    .    .
//! valid    .    1    1    1    .
//! head     .    A    A    B    .
//! pop      .    .    1    1    .
//! count    0    1    2    1    0
//! ```
//!
//! With a pop the memory reads the word behind the head: its address comes from a register alone, and a
//! late pop is but an enable. Where that word is just being written, or is none yet, the memory cannot
//! give it: a register beside it takes it when it comes and keeps it until it is popped.

use crate::prelude::*;
use rust_hdl::prelude::*;
use std::fmt::Write as _;

documented! {
    /// First-word-fall-through FIFO: the oldest word is at the head without being asked for.
    ///
    /// A word pushed in cycle t is seen from t + 1 on, also where it is the only one. One push and one
    /// pop in every cycle. A push without room or a pop without a word is not for the user to do.
    #[derive(LogicBlock)]
    pub struct Fifo {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// takes the word at `data` in this cycle
        pub push: Signal<In, Bit>,
        /// lanes of the word to keep
        pub data: Vec<Sig>,
        /// drops the head at the end of this cycle
        pub pop: Signal<In, Bit>,
        /// there is a word at the head
        pub valid: Signal<Out, Bit>,
        /// lanes of the oldest word
        pub head: Vec<Sig>,
        /// words held
        pub count: Sig,
        /// there is room for a word
        pub room: Signal<Out, Bit>,
        read: Reg,
        write: Reg,
        level: Reg,
        /// there are words; there is one
        some: State<Bit>,
        single: State<Bit>,
        /// the head is in `recent`, not in the memory's output
        fresh: State<Bit>,
        recent: Vec<Reg>,
        /// where the word behind the head is
        behind: Sig,
        /// what is pushed is the next cycle's head
        becomes_head: Signal<Local, Bit>,
        memory: Vec<Mem>,
        depth: Const,
        _lanes: usize
    }
}

impl Fifo {
    /// A FIFO of `depth` words, a power of two and at least two, with lanes of these types.
    #[must_use]
    pub fn new(lanes: &[Ty], depth: usize) -> Fifo {
        let depth = depth.next_power_of_two().max(2);
        let address = u(clog2(depth));
        let mut name = format!("fifo_{depth}");
        for run in lanes.chunk_by(|a, b| a == b) {
            let sign = if run[0].signed { "s" } else { "" };
            let _ = write!(name, "_{}x{}{sign}", run.len(), run[0].width);
        }
        Fifo {
            name: Named::of(name, &Fifo::DOCS),
            clock: Signal::default(),
            push: Signal::default(),
            data: lanes.iter().map(|ty| Sig::input(*ty)).collect(),
            pop: Signal::default(),
            valid: Signal::default(),
            head: lanes.iter().map(|ty| Sig::output(*ty)).collect(),
            count: Sig::output(u(address.width + 1)),
            room: Signal::default(),
            read: Reg::new(address),
            write: Reg::new(address),
            level: Reg::new(u(address.width + 1)),
            some: State::default(),
            single: State::default(),
            fresh: State::default(),
            recent: lanes.iter().map(|ty| Reg::new(*ty)).collect(),
            behind: Sig::local(address),
            becomes_head: Signal::default(),
            memory: lanes.iter().map(|ty| Mem::new(depth, *ty).without_collisions()).collect(),
            depth: Const::new(depth),
            _lanes: lanes.len(),
        }
    }
}

impl Logic for Fifo {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, read, write, level, some, single, fresh);
        self.behind.next = self.read.q.val() + 1;
        if self.pop.val() {
            self.read.d.next = self.behind.val();
        }
        // One gate behind the pop.
        self.becomes_head.next = self.push.val()
            & ((self.pop.val() & self.single.q.val()) | (!self.pop.val() & !self.some.q.val()));
        if self.push.val() {
            self.write.d.next = self.write.q.val() + 1;
        }
        if self.push.val() & !self.pop.val() {
            self.level.d.next = self.level.q.val() + 1;
            self.some.d.next = true;
            self.single.d.next = !self.some.q.val();
        }
        if self.pop.val() & !self.push.val() {
            self.level.d.next = self.level.q.val() - 1;
            self.some.d.next = !self.single.q.val();
            self.single.d.next = self.level.q.val() == 2;
        }
        self.count.next = self.level.q.val();
        self.valid.next = self.some.q.val();
        self.room.next = self.level.q.val() < self.depth.val();
        self.fresh.d.next = self.fresh.q.val() | (self.push.val() & !self.some.q.val());
        if self.pop.val() {
            self.fresh.d.next = self.push.val() & self.single.q.val();
        }
        for l in 0..self._lanes {
            self.recent[l].clock.next = self.clock.val();
            self.recent[l].d.next = self.recent[l].q.val();
            if self.becomes_head.val() {
                self.recent[l].d.next = self.data[l].val();
            }
            self.memory[l].clock.next = self.clock.val();
            self.memory[l].we.next = 0.into();
            if self.push.val() {
                self.memory[l].we.next = 1.into();
            }
            self.memory[l].waddr.next = self.write.q.val();
            self.memory[l].wdata.next = self.data[l].val();
            self.memory[l].re.next = self.pop.val();
            self.memory[l].raddr.next = self.behind.val();
            self.head[l].next = self.memory[l].rdata.val();
            if self.fresh.q.val() {
                self.head[l].next = self.recent[l].q.val();
            }
        }
    }
}
