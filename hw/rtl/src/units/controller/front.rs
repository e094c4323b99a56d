//! The front of one unit: queue, register file, commands in flight.
//!
//! ```text
//! push, word --> queue --> head --+-- set --> pending registers (groups 1 and up)
//!                                 |                |          |
//!                                 +-- exec --------+--> registers (at start)
//!                                 |  masks         +--> named ports
//!                                 +--> asks --> (tokens, ports) --> start --> flights --> held
//!
//! cycle       t      t+1    t+2    t+3
//! head        set    exec   set    exec   (of the next command)
//! asks        .      1      .      1
//! start       .      1      .      .      (the unit is not ready)
//! registers   old    old    new    new
//! ```
//!
//! The registers stand twice, as the unit needs them until its next start while `set`s of the next
//! command pass. Group 0 comes with the `exec` and needs no second place. Source: cycle contract, "Unit
//! front"; `sim/src/engine/front.rs`; ports as in `sim/src/plan.rs`.

use super::flights::Flights;
use super::ports::PORT_BITS;
use crate::prelude::*;
use crate::units::fields::{FieldAt, field};
use crate::units::fifo::Fifo;
use bitgauge_arch::command::{Compute, Load, RegisterFile, Store, Unit, Vector};
use bitgauge_arch::timing::IN_FLIGHT;
use rust_hdl::prelude::*;

/// Places of the four kinds of ports among [`PORT_BITS`].
const ACTIVATION_READ: usize = 0;
const ACTIVATION_WRITE: usize = 8;
pub(super) const WEIGHT_READ: usize = 16;
const WEIGHT_WRITE: usize = 24;

/// What differs from unit to unit.
struct Kind {
    groups: usize,
    /// Commands that may be in flight; a vector command never meets another.
    in_flight: usize,
    /// Bank masks and the places of their ports; those held to the end come first.
    masks: Vec<(FieldAt, usize)>,
    /// How many are held to the end.
    late: usize,
}

impl Kind {
    fn new<R: RegisterFile>(in_flight: usize, late: &[(&str, usize)], early: &[(&str, usize)]) -> Kind {
        let masks = late.iter().chain(early).map(|(name, place)| (field::<R>(name), *place)).collect();
        Kind { groups: R::GROUPS, in_flight, masks, late: late.len() }
    }

    fn of(unit: Unit) -> Kind {
        let (read, write) = (("activation_read", ACTIVATION_READ), ("activation_write", ACTIVATION_WRITE));
        let (weight_read, weight_write) = (("weight_read", WEIGHT_READ), ("weight_write", WEIGHT_WRITE));
        match unit {
            Unit::Load => Kind::new::<Load>(IN_FLIGHT, &[write, weight_write], &[]),
            Unit::Compute => Kind::new::<Compute>(
                IN_FLIGHT,
                &[("residual_read", ACTIVATION_READ), write],
                &[read, weight_read],
            ),
            Unit::Vector => Kind::new::<Vector>(1, &[read, write, weight_read, weight_write], &[]),
            Unit::Store => Kind::new::<Store>(IN_FLIGHT, &[read], &[]),
        }
    }
}

documented! {
    /// Front of a unit: takes the words of its queue, one per cycle.
    ///
    /// `set` writes registers; `exec` waits for tokens, bank ports and the unit, then starts it with the
    /// registers as they stand.
    #[derive(LogicBlock)]
    pub struct Front {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a program starts: all registers to zero
        pub clear: Signal<In, Bit>,
        /// a word for the queue
        pub push: Signal<In, Bit>,
        /// its three registers
        pub word: Vec<Sig>,
        /// bit 8 `exec`, below it group or token masks
        pub header: Sig,
        /// the queue has room
        pub room: Signal<Out, Bit>,
        /// the queue is empty and nothing is in flight
        pub idle: Signal<Out, Bit>,
        /// other units whose tokens the head awaits
        pub wait: Sig,
        /// the head lacks a token of another unit
        pub missing: Signal<In, Bit>,
        /// an `exec` waits for a token, or for the commands before it
        pub token: Signal<Out, Bit>,
        /// an `exec` has its tokens
        pub asks: Signal<Out, Bit>,
        /// the ports that the next command names
        pub named: Sig,
        /// the ports that commands in flight hold to their ends, from the next cycle on
        pub held: Sig,
        /// ports that the head names and gives back before its end
        pub soon_free: Sig,
        /// the unit's first stage is free
        pub ready: Signal<In, Bit>,
        /// the unit may take a command
        pub free: Signal<Out, Bit>,
        /// the head starts in this cycle
        pub start: Signal<In, Bit>,
        /// the oldest command is in its last cycle
        pub done: Signal<In, Bit>,
        /// commands are in flight, the one that starts in this cycle aside
        pub running: Signal<Out, Bit>,
        /// other units to which the oldest command gives tokens
        pub signal: Sig,
        /// registers of the command that started last
        pub registers: Vec<Sig>,
        queue: Fifo,
        flights: Flights,
        pending: Vec<Reg>,
        current: Vec<Reg>,
        /// the head is a `set`
        set: Signal<Local, Bit>,
        /// the head is an `exec`
        exec: Signal<Local, Bit>,
        /// the head meets its barrier
        barred: Signal<Local, Bit>,
        /// the head is an `exec` without that
        clear_way: Signal<Local, Bit>,
        byte: Sig,
        /// ports held to the end, packed
        late: Sig,
        mask: Vec<Sig>,
        kept: Vec<Sig>,
        low: Vec<Const>,
        soon_mask: Vec<Sig>,
        soon_low: Vec<Const>,
        soon_place: Vec<Const>,
        place: Vec<Const>,
        own: Const,
        others: Const,
        bank: Const,
        _bank: usize,
        _groups: usize,
        _masks: usize,
        _late: usize,
        _early: usize
    }
}

impl Front {
    /// The front of `unit` with a queue of so many words.
    #[must_use]
    pub fn new(unit: Unit, queue_words: usize) -> Front {
        let Kind { groups, in_flight, masks, late } = Kind::of(unit);
        let register = u(32);
        let count = masks.len();
        // All masks of a unit stand in one register, and not in group 0.
        let bank = masks.first().map_or(0, |mask| mask.0.register.saturating_sub(3));
        Front {
            name: Named::of(format!("front_{}_queue{queue_words}", unit.name()), &Front::DOCS),
            clock: Signal::default(),
            clear: Signal::default(),
            push: Signal::default(),
            word: Sig::inputs(register, 3),
            header: Sig::input(u(9)),
            room: Signal::default(),
            idle: Signal::default(),
            wait: Sig::output(u(4)),
            missing: Signal::default(),
            token: Signal::default(),
            asks: Signal::default(),
            named: Sig::output(u(PORT_BITS)),
            held: Sig::output(u(PORT_BITS)),
            soon_free: Sig::output(u(PORT_BITS)),
            ready: Signal::default(),
            free: Signal::default(),
            start: Signal::default(),
            done: Signal::default(),
            running: Signal::default(),
            signal: Sig::output(u(4)),
            registers: Sig::outputs(register, 3 * groups),
            queue: Fifo::new(&[register, register, register, u(9)], queue_words),
            flights: Flights::new(in_flight, 8 * late),
            pending: Reg::many(register, 3 * (groups - 1)),
            current: Reg::many(register, 3 * groups),
            set: Signal::default(),
            exec: Signal::default(),
            barred: Signal::default(),
            clear_way: Signal::default(),
            byte: Sig::local(u(8)),
            late: Sig::local(u(8 * late)),
            mask: Sig::locals(u(8), count),
            kept: Sig::locals(u(8), late),
            soon_mask: Sig::locals(u(8), count - late),
            soon_low: masks[late..].iter().map(|mask| mask.0.low_const()).collect(),
            soon_place: masks[late..].iter().map(|mask| Const::new(mask.1)).collect(),
            low: masks.iter().map(|mask| mask.0.low_const()).collect(),
            place: masks.iter().map(|mask| Const::new(mask.1)).collect(),
            own: Const::new(4 + unit.index()),
            others: Const::new(15 & !(1usize << unit.index())),
            bank: Const::new(bank),
            _bank: bank,
            _groups: groups,
            _masks: count,
            _late: late,
            _early: count - late,
        }
    }
}

impl Logic for Front {
    #[hdl_gen]
    fn update(&mut self) {
        self.queue.clock.next = self.clock.val();
        self.flights.clock.next = self.clock.val();
        // The queue and its head.
        self.queue.push.next = self.push.val();
        for k in 0..3 {
            self.queue.data[k].next = self.word[k].val();
        }
        self.queue.data[3].next = self.header.val();
        self.room.next = self.queue.room.val();
        self.exec.next = self.queue.valid.val() & self.queue.head[3].val().get_bit(8);
        self.set.next = self.queue.valid.val() & !self.queue.head[3].val().get_bit(8);
        self.byte.next = self.queue.head[3].val();
        self.queue.pop.next = self.set.val() | self.start.val();
        self.wait.next = (self.byte.val() >> 4) & self.others.val();
        // The own bit of the wait mask is a barrier: nothing of this unit may be in flight.
        self.barred.next = self.byte.val().get_bit(self.own.val()) & self.flights.running.val();
        self.clear_way.next = self.exec.val() & !self.barred.val();
        self.token.next = self.exec.val() & (self.missing.val() | self.barred.val());
        // What is missing comes late.
        self.asks.next = self.clear_way.val() & !self.missing.val();

        // Registers.
        for g in 1..self._groups {
            for k in 0..3 {
                self.pending[(g - 1) * 3 + k].clock.next = self.clock.val();
                self.pending[(g - 1) * 3 + k].d.next = self.pending[(g - 1) * 3 + k].q.val();
                if self.set.val() & (self.byte.val() == g) {
                    self.pending[(g - 1) * 3 + k].d.next = self.queue.head[k].val();
                }
                if self.clear.val() {
                    self.pending[(g - 1) * 3 + k].d.next = 0.into();
                }
                self.current[g * 3 + k].clock.next = self.clock.val();
                self.current[g * 3 + k].d.next = self.current[g * 3 + k].q.val();
                if self.start.val() {
                    self.current[g * 3 + k].d.next = self.pending[(g - 1) * 3 + k].q.val();
                }
                self.registers[g * 3 + k].next = self.current[g * 3 + k].q.val();
            }
        }
        for k in 0..3 {
            self.current[k].clock.next = self.clock.val();
            self.current[k].d.next = self.current[k].q.val();
            if self.start.val() {
                self.current[k].d.next = self.queue.head[k].val();
            }
            self.registers[k].next = self.current[k].q.val();
        }

        // Commands in flight and their ports.
        self.flights.start.next = self.start.val();
        self.flights.done.next = self.done.val();
        self.flights.signal.next = self.byte.val() & self.others.val();
        self.late.next = 0.into();
        self.named.next = 0.into();
        self.soon_free.next = 0.into();
        self.held.next = 0.into();
        for f in 0..self._masks {
            self.mask[f].next = self.pending[self._bank].q.val() >> self.low[f].val();
            self.named.next = self.named.val() | (self.mask[f].val() << self.place[f].val());
        }
        for f in 0..self._early {
            self.soon_mask[f].next = self.pending[self._bank].q.val() >> self.soon_low[f].val();
            self.soon_free.next =
                self.soon_free.val() | (self.soon_mask[f].val() << self.soon_place[f].val());
        }
        for f in 0..self._late {
            self.late.next = self.late.val() | (self.mask[f].val() << (f * 8));
            self.kept[f].next = self.flights.held.val() >> (f * 8);
            self.held.next = self.held.val() | (self.kept[f].val() << self.place[f].val());
        }
        self.flights.ports.next = self.late.val();
        self.free.next = self.ready.val() & self.flights.room.val();
        self.running.next = self.flights.running.val();
        self.signal.next = self.flights.oldest.val();
        self.idle.next = !self.queue.valid.val() & !self.flights.running.val();
    }
}
