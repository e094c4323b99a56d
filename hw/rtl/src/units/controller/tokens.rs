//! The token counters.
//!
//! ```text
//! signal[from] & ended[from] --> +1 \
//!                                    counter from -> to  --> zero? & wait[to] --> missing[to]
//! wait[to] & start[to] --------> -1 /
//!
//! cycle        t     t+1
//! ended[from]  1     .
//! counter      0     1
//! missing[to]  1     0
//! start[to]    .     1
//! ```
//!
//! One counter of 8 bits for each ordered pair of different units. Source: `bitgauge_arch::command`,
//! "Tokens".

use crate::prelude::*;
use bitgauge_arch::command::TOKEN_MAX;
use rust_hdl::prelude::*;

/// Bits of a counter.
const TOKEN_BITS: usize = (u32::BITS - TOKEN_MAX.leading_zeros()) as usize;

documented! {
    /// Token counters of all pairs of units.
    ///
    /// A command that ends gives tokens, one that starts takes them; a token given in the last cycle of
    /// its command is there in the next.
    #[derive(LogicBlock)]
    pub struct Tokens {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a program starts: all counters to zero
        pub clear: Signal<In, Bit>,
        /// units for whose tokens the unit's next command waits; never itself
        pub wait: Vec<Sig>,
        /// the unit's next command starts
        pub start: Vec<Signal<In, Bit>>,
        /// units to which the unit's oldest command gives tokens; never itself
        pub signal: Vec<Sig>,
        /// the oldest command is in its last cycle
        pub done: Vec<Signal<In, Bit>>,
        /// the unit's next command lacks a token
        pub missing: Vec<Signal<Out, Bit>>,
        some: Vec<Reg>,
        given: Vec<Signal<Local, Bit>>,
        taken: Vec<Signal<Local, Bit>>,
        counter: Vec<Reg>
    }
}

impl Default for Tokens {
    fn default() -> Tokens {
        Tokens {
            name: Named::of("tokens", &Tokens::DOCS),
            clock: Signal::default(),
            clear: Signal::default(),
            wait: Sig::inputs(u(4), 4),
            start: vec![Signal::default(); 4],
            signal: Sig::inputs(u(4), 4),
            done: vec![Signal::default(); 4],
            missing: vec![Signal::default(); 4],
            counter: Reg::many(u(TOKEN_BITS), 16),
            some: Reg::many(u(1), 16),
            given: vec![Signal::default(); 16],
            taken: vec![Signal::default(); 16],
        }
    }
}

impl Logic for Tokens {
    #[hdl_gen]
    fn update(&mut self) {
        for to in 0..4 {
            self.missing[to].next = false;
            // A unit neither signals itself nor waits for itself here: those four counters stay at zero,
            // and synthesis drops them.
            for from in 0..4 {
                self.counter[from * 4 + to].clock.next = self.clock.val();
                self.given[from * 4 + to].next = self.done[from].val() & self.signal[from].val().get_bit(to);
                self.taken[from * 4 + to].next = self.start[to].val() & self.wait[to].val().get_bit(from);
                self.counter[from * 4 + to].d.next = self.counter[from * 4 + to].q.val();
                // Whether there are any, in a register: the comparison is too slow before the start.
                self.some[from * 4 + to].clock.next = self.clock.val();
                self.some[from * 4 + to].d.next = self.some[from * 4 + to].q.val();
                if self.given[from * 4 + to].val() & !self.taken[from * 4 + to].val() {
                    self.some[from * 4 + to].d.next = 1.into();
                    self.counter[from * 4 + to].d.next = self.counter[from * 4 + to].q.val() + 1;
                }
                if self.taken[from * 4 + to].val() & !self.given[from * 4 + to].val() {
                    self.counter[from * 4 + to].d.next = self.counter[from * 4 + to].q.val() - 1;
                    self.some[from * 4 + to].d.next = (self.counter[from * 4 + to].q.val() != 1).into();
                }
                if self.clear.val() {
                    self.counter[from * 4 + to].d.next = 0.into();
                    self.some[from * 4 + to].d.next = 0.into();
                }
                if self.wait[to].val().get_bit(from) & !self.some[from * 4 + to].q.val().any() {
                    self.missing[to].next = true;
                }
            }
        }
    }
}
