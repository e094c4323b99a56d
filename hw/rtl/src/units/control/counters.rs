//! Where the cycles of a run went.
//!
//! Each unit's cycle is counted as the first of busy, token, bank, memory, operand, codec, drain, idle
//! that applies, so the eight counters of a unit add up to the cycles.
//!
//! ```text
//! cycle      t        t+1       t+2
//! active     ~~~~~~~~~~~~~
//! busy       __/~~~~~~\_______
//! event      __________/~~~~~~~\_
//! count      n         n         n+1
//! ```

use super::map::{COUNTERS, UNITS};
use crate::prelude::*;
use rust_hdl::prelude::*;

/// Bits of a counter.
pub const COUNTER_BITS: usize = 40;

documented! {
    /// Counters of a run: its cycles, and for each unit what it did in each of them.
    ///
    /// A cycle is added in the cycle after it.
    #[derive(LogicBlock)]
    pub struct Counters {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// all counters begin anew; this cycle may be the first to count
        pub clear: Signal<In, Bit>,
        /// this cycle counts
        pub active: Signal<In, Bit>,
        /// the unit works: load, compute, vector, store
        pub busy: Vec<Signal<In, Bit>>,
        /// the unit's next command waits for a token
        pub token: Vec<Signal<In, Bit>>,
        /// the unit's next command waits for a bank
        pub bank: Vec<Signal<In, Bit>>,
        /// a load is running
        pub load_running: Signal<In, Bit>,
        /// a store is running
        pub store_running: Signal<In, Bit>,
        /// the load waits for external memory
        pub load_waits_memory: Signal<In, Bit>,
        /// the store waits for external memory
        pub store_waits_memory: Signal<In, Bit>,
        /// the first stage of the array waits for the drain
        pub compute_waits_drain: Signal<In, Bit>,
        /// cycles of the run
        pub cycles: Sig,
        /// cycles of each unit, eight counters a unit
        pub count: Vec<Sig>,
        total: Reg,
        counted: State<Bit>,
        counter: Vec<Reg>,
        /// what the last cycle was counted as
        event: Vec<State<Bit>>,
        memory: Vec<Signal<Local, Bit>>,
        operand: Vec<Signal<Local, Bit>>,
        codec: Vec<Signal<Local, Bit>>,
        drain: Vec<Signal<Local, Bit>>
    }
}

fn flags<D: Direction>() -> Vec<Signal<D, Bit>> {
    UNITS.iter().map(|_| Signal::default()).collect()
}

impl Default for Counters {
    fn default() -> Counters {
        let (ty, count) = (u(COUNTER_BITS), UNITS.len() * COUNTERS.len());
        Counters {
            name: Named::of("counters", &Counters::DOCS),
            clock: Signal::default(),
            clear: Signal::default(),
            active: Signal::default(),
            busy: flags(),
            token: flags(),
            bank: flags(),
            load_running: Signal::default(),
            store_running: Signal::default(),
            load_waits_memory: Signal::default(),
            store_waits_memory: Signal::default(),
            compute_waits_drain: Signal::default(),
            cycles: Sig::output(ty),
            count: Sig::outputs(ty, count),
            total: Reg::new(ty),
            counted: State::default(),
            counter: Reg::many(ty, count),
            event: (0..count).map(|_| State::default()).collect(),
            memory: flags(),
            operand: flags(),
            codec: flags(),
            drain: flags(),
        }
    }
}

impl Logic for Counters {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, total, counted);
        for unit in 0..4 {
            self.memory[unit].next = false;
            self.operand[unit].next = false;
            self.codec[unit].next = false;
            self.drain[unit].next = false;
        }
        self.memory[0].next = self.load_waits_memory.val();
        self.codec[0].next = self.load_running.val();
        self.drain[1].next = self.compute_waits_drain.val();
        self.memory[3].next = self.store_waits_memory.val();
        self.operand[3].next = self.store_running.val();
        for unit in 0..4 {
            for kind in 0..8 {
                self.event[unit * 8 + kind].clock.next = self.clock.val();
                self.event[unit * 8 + kind].d.next = false;
            }
            if self.active.val() {
                if self.busy[unit].val() {
                    self.event[unit * 8].d.next = true;
                } else if self.token[unit].val() {
                    self.event[unit * 8 + 1].d.next = true;
                } else if self.bank[unit].val() {
                    self.event[unit * 8 + 2].d.next = true;
                } else if self.memory[unit].val() {
                    self.event[unit * 8 + 3].d.next = true;
                } else if self.operand[unit].val() {
                    self.event[unit * 8 + 4].d.next = true;
                } else if self.codec[unit].val() {
                    self.event[unit * 8 + 5].d.next = true;
                } else if self.drain[unit].val() {
                    self.event[unit * 8 + 6].d.next = true;
                } else {
                    self.event[unit * 8 + 7].d.next = true;
                }
            }
        }
        self.counted.d.next = self.active.val();
        self.total.d.next = self.total.q.val() + self.counted.q.val();
        for i in 0..32 {
            self.counter[i].clock.next = self.clock.val();
            self.counter[i].d.next = self.counter[i].q.val() + self.event[i].q.val();
            self.count[i].next = self.counter[i].q.val();
        }
        if self.clear.val() {
            self.total.d.next = 0.into();
            for i in 0..32 {
                self.counter[i].d.next = 0.into();
            }
        }
        self.cycles.next = self.total.q.val();
    }
}
