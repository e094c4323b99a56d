//! The commands of one unit between start and end.
//!
//! ```text
//! start, ports, signal --> slot[tail] --+--> OR of all slots --> held
//!                done  --> slot[head] --+--> oldest signal mask
//!
//! cycle     t    t+1  ...  e-1   e
//! start     1
//! held           x    x    x
//! running        1    1    1
//! done                     1
//! ```
//!
//! A slot without a command has no ports, so the ports held are simply all slots together.

use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Commands in flight of one unit: the bank ports they hold and the tokens they will give.
    #[derive(LogicBlock)]
    pub struct Flights {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a command starts
        pub start: Signal<In, Bit>,
        /// the ports that it holds to its end
        pub ports: Sig,
        /// units to which it will give tokens
        pub signal: Sig,
        /// the oldest command is in its last cycle
        pub done: Signal<In, Bit>,
        /// there are commands in flight
        pub running: Signal<Out, Bit>,
        /// another one may start
        pub room: Signal<Out, Bit>,
        /// ports held by all of them from the next cycle on
        pub held: Sig,
        /// units to which the oldest gives tokens
        pub oldest: Sig,
        head: Reg,
        tail: Reg,
        level: Reg,
        /// ports held from the next cycle on, but for a command that starts now
        remaining: Sig,
        slot_ports: Vec<Reg>,
        slot_signal: Vec<Reg>,
        depth: Const,
        _depth: usize
    }
}

impl Flights {
    /// Room for `depth` commands, a power of two and at least two, with this many port bits each.
    #[must_use]
    pub fn new(depth: usize, ports: usize) -> Flights {
        let depth = depth.next_power_of_two().max(2);
        let (pointer, ports_ty) = (u(clog2(depth)), u(ports));
        Flights {
            name: Named::of(format!("flights_{depth}_ports{ports}"), &Flights::DOCS),
            clock: Signal::default(),
            start: Signal::default(),
            ports: Sig::input(ports_ty),
            signal: Sig::input(u(4)),
            done: Signal::default(),
            running: Signal::default(),
            room: Signal::default(),
            held: Sig::output(ports_ty),
            oldest: Sig::output(u(4)),
            head: Reg::new(pointer),
            tail: Reg::new(pointer),
            level: Reg::new(u(pointer.width + 1)),
            remaining: Sig::local(ports_ty),
            slot_ports: Reg::many(ports_ty, depth),
            slot_signal: Reg::many(u(4), depth),
            depth: Const::new(depth),
            _depth: depth,
        }
    }
}

impl Logic for Flights {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, head, tail, level);
        if self.start.val() {
            self.tail.d.next = self.tail.q.val() + 1;
        }
        if self.done.val() {
            self.head.d.next = self.head.q.val() + 1;
        }
        if self.start.val() & !self.done.val() {
            self.level.d.next = self.level.q.val() + 1;
        }
        if self.done.val() & !self.start.val() {
            self.level.d.next = self.level.q.val() - 1;
        }
        self.running.next = self.level.q.val() != 0;
        self.room.next = self.level.q.val() < self.depth.val();
        self.remaining.next = 0.into();
        self.oldest.next = 0.into();
        for i in 0..self._depth {
            self.slot_ports[i].clock.next = self.clock.val();
            self.slot_signal[i].clock.next = self.clock.val();
            self.slot_ports[i].d.next = self.slot_ports[i].q.val();
            self.slot_signal[i].d.next = self.slot_signal[i].q.val();
            if self.done.val() & (self.head.q.val() == i) {
                self.slot_ports[i].d.next = 0.into();
            }
            if self.start.val() & (self.tail.q.val() == i) {
                self.slot_ports[i].d.next = self.ports.val();
                self.slot_signal[i].d.next = self.signal.val();
            }
            if !(self.done.val() & (self.head.q.val() == i)) {
                self.remaining.next = self.remaining.val() | self.slot_ports[i].q.val();
            }
            if self.head.q.val() == i {
                self.oldest.next = self.slot_signal[i].q.val();
            }
        }
        self.held.next = self.remaining.val();
        if self.start.val() {
            self.held.next = self.remaining.val() | self.ports.val();
        }
    }
}
