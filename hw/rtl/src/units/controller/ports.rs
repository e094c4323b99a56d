//! Bank ports: which of the four heads start in this cycle.
//!
//! ```text
//! taken[u] ----------------------------------+--> bank[u]
//! overlap[u, v] & start[v], v before u ------+
//! asks[u], free[u] --------------------------+--> start[u]
//!
//! cycle         t    t+1
//! asks[load]    1    .
//! asks[store]   1    1     same port as load
//! start[load]   1    .
//! start[store]  .    .
//! bank[store]   1    1
//! ```
//!
//! One gate a unit is left of the tie's chain load, compute, vector, store. Source: cycle contract, "Unit front".

use crate::prelude::*;
use rust_hdl::prelude::*;

/// Bits that name the bank ports: eight each for activation read, activation write, weight read and
/// weight write.
pub const PORT_BITS: usize = 32;
/// Pairs of units: 1 and 0, 2 and 0, 2 and 1, 3 and 0, and so on.
pub const PAIRS: usize = 6;

documented! {
    /// Bank ports: lets heads start that name no port of another unit; load goes first, then compute,
    /// vector and store.
    #[derive(LogicBlock)]
    pub struct Ports {
        name: Named,
        /// the unit's head may start, bank ports and the unit itself aside
        pub asks: Vec<Signal<In, Bit>>,
        /// the unit may take a command
        pub free: Vec<Signal<In, Bit>>,
        /// another unit's command in flight is in the way
        pub taken: Vec<Signal<In, Bit>>,
        /// two heads name a port, pair by pair
        pub overlap: Vec<Signal<In, Bit>>,
        /// the head starts in this cycle
        pub start: Vec<Signal<Out, Bit>>,
        /// the head waits for a port
        pub bank: Vec<Signal<Out, Bit>>,
        /// another unit's command is in the way
        blocked: Vec<Signal<Local, Bit>>,
        starts: Vec<Signal<Local, Bit>>
    }
}

impl Default for Ports {
    fn default() -> Ports {
        Ports {
            name: Named::of("bank_ports", &Ports::DOCS),
            asks: vec![Signal::default(); 4],
            free: vec![Signal::default(); 4],
            taken: vec![Signal::default(); 4],
            overlap: vec![Signal::default(); PAIRS],
            start: vec![Signal::default(); 4],
            bank: vec![Signal::default(); 4],
            blocked: vec![Signal::default(); 4],
            starts: vec![Signal::default(); 4],
        }
    }
}

impl Logic for Ports {
    #[hdl_gen]
    fn update(&mut self) {
        self.blocked[0].next = self.taken[0].val();
        self.starts[0].next = self.asks[0].val() & self.free[0].val() & !self.blocked[0].val();
        self.blocked[1].next = self.taken[1].val() | (self.starts[0].val() & self.overlap[0].val());
        self.starts[1].next = self.asks[1].val() & self.free[1].val() & !self.blocked[1].val();
        self.blocked[2].next = self.taken[2].val()
            | (self.starts[0].val() & self.overlap[1].val())
            | (self.starts[1].val() & self.overlap[2].val());
        self.starts[2].next = self.asks[2].val() & self.free[2].val() & !self.blocked[2].val();
        self.blocked[3].next = self.taken[3].val()
            | (self.starts[0].val() & self.overlap[3].val())
            | (self.starts[1].val() & self.overlap[4].val())
            | (self.starts[2].val() & self.overlap[5].val());
        self.starts[3].next = self.asks[3].val() & self.free[3].val() & !self.blocked[3].val();
        for i in 0..4 {
            self.start[i].next = self.starts[i].val();
            self.bank[i].next = self.asks[i].val() & self.blocked[i].val();
        }
    }
}
