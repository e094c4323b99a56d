//! Bank ports: which of the four heads start in this cycle.
//!
//! ```text
//! named[u] --+--& held[v]  --> in the way      \
//!            +--& named[v] --> overlap & start[v], v before u --> bank[u]
//! asks[u], free[u] ------------------------------------------> start[u]
//!
//! cycle         t    t+1
//! asks[load]    1    .
//! asks[store]   1    1     same port as load
//! start[load]   1    .
//! start[store]  .    .
//! bank[store]   1    1
//! ```
//!
//! The overlaps come from registers; only one gate a unit is left of the tie's chain load, compute,
//! vector, store. Source: cycle contract, "Unit front".

use crate::prelude::*;
use rust_hdl::prelude::*;

/// Bits that name the bank ports: eight each for activation read, activation write, weight read and
/// weight write.
pub const PORT_BITS: usize = 32;

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
        /// ports that the head names
        pub named: Vec<Sig>,
        /// ports that the unit's commands in flight hold
        pub held: Vec<Sig>,
        /// the head starts in this cycle
        pub start: Vec<Signal<Out, Bit>>,
        /// the head waits for a port
        pub bank: Vec<Signal<Out, Bit>>,
        /// another unit's command in flight is in the way
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
            named: Sig::inputs(u(PORT_BITS), 4),
            held: Sig::inputs(u(PORT_BITS), 4),
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
        for i in 0..4 {
            self.blocked[i].next = false;
            for j in 0..4 {
                if i != j && (self.named[i].val() & self.held[j].val()) != 0 {
                    self.blocked[i].next = true;
                }
                if j < i && self.starts[j].val() && (self.named[i].val() & self.named[j].val()) != 0 {
                    self.blocked[i].next = true;
                }
            }
            self.starts[i].next = self.asks[i].val() & self.free[i].val() & !self.blocked[i].val();
            self.start[i].next = self.starts[i].val();
            self.bank[i].next = self.asks[i].val() & self.blocked[i].val();
        }
    }
}
