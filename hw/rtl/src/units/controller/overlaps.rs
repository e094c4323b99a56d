//! Which bank ports the four heads want that others have or want.
//!
//! ```text
//! named[u] --+--& held[u], by others   --> taken[u]
//!            +--& named[v], v before u --> overlap[u, v]
//! ```
//!
//! All comes from registers early in the cycle; apart from the decision, which does not. Source: cycle
//! contract, "Unit front".

use super::ports::{PAIRS, PORT_BITS};
use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Overlaps of bank ports.
    #[derive(LogicBlock)]
    pub struct Overlaps {
        name: Named,
        /// ports that the head names
        pub named: Vec<Sig>,
        /// ports that other units' commands in flight hold
        pub held: Vec<Sig>,
        /// another unit's command in flight holds a port that the head names
        pub taken: Vec<Signal<Out, Bit>>,
        /// two heads name a port: compute and load; vector and load, compute; store and load, compute, vector
        pub overlap: Vec<Signal<Out, Bit>>
    }
}

impl Default for Overlaps {
    fn default() -> Overlaps {
        Overlaps {
            name: Named::of("bank_overlaps", &Overlaps::DOCS),
            named: Sig::inputs(u(PORT_BITS), 4),
            held: Sig::inputs(u(PORT_BITS), 4),
            taken: vec![Signal::default(); 4],
            overlap: vec![Signal::default(); PAIRS],
        }
    }
}

impl Logic for Overlaps {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..4 {
            self.taken[i].next = (self.named[i].val() & self.held[i].val()).any();
        }
        self.overlap[0].next = (self.named[1].val() & self.named[0].val()).any();
        self.overlap[1].next = (self.named[2].val() & self.named[0].val()).any();
        self.overlap[2].next = (self.named[2].val() & self.named[1].val()).any();
        self.overlap[3].next = (self.named[3].val() & self.named[0].val()).any();
        self.overlap[4].next = (self.named[3].val() & self.named[1].val()).any();
        self.overlap[5].next = (self.named[3].val() & self.named[2].val()).any();
    }
}
