//! What kind of word a command word is.
//!
//! ```text
//! word --> whose, end --> beside the word in the prefetch buffer --> dispatch
//! ```
//!
//! Combinational, and before the buffer: behind it, dispatch has no time for so many bits. Source:
//! `bitgauge_arch::command` (the word).

use crate::prelude::*;
use bitgauge_arch::command::{Compute, Load, RegisterFile, Store, Vector};
use rust_hdl::prelude::*;

/// Bits of a word's kind: one for each unit, then `end`; none of them for a word that no encoder makes.
pub const KIND_BITS: usize = 5;

documented! {
    /// Decoder of command words.
    #[derive(LogicBlock)]
    pub struct Decode {
        name: Named,
        /// the word's four parts
        pub word: Vec<Sig>,
        /// its kind
        pub kind: Sig,
        unit: Sig,
        operation: Sig,
        byte: Sig,
        reserved: Sig,
        chosen: Vec<Signal<Local, Bit>>,
        ending: Signal<Local, Bit>,
        groups: Vec<Const>,
        bit: Vec<Const>
    }
}

impl Default for Decode {
    fn default() -> Decode {
        let groups = [Load::GROUPS, Compute::GROUPS, Vector::GROUPS, Store::GROUPS];
        Decode {
            name: Named::of("decode", &Decode::DOCS),
            word: Sig::inputs(u(32), 4),
            kind: Sig::output(u(KIND_BITS)),
            unit: Sig::local(u(4)),
            operation: Sig::local(u(4)),
            byte: Sig::local(u(8)),
            reserved: Sig::local(u(16)),
            chosen: vec![Signal::default(); 4],
            ending: Signal::default(),
            groups: groups.map(Const::new).to_vec(),
            bit: (0..KIND_BITS).map(|bit| Const::new(1i128 << bit)).collect(),
        }
    }
}

impl Logic for Decode {
    #[hdl_gen]
    fn update(&mut self) {
        self.unit.next = self.word[3].val() >> 28;
        self.operation.next = self.word[3].val() >> 24;
        self.byte.next = self.word[3].val() >> 16;
        self.reserved.next = self.word[3].val();
        self.kind.next = 0.into();
        for i in 0..4 {
            self.chosen[i].next = (self.unit.val() == i + 1)
                & (self.reserved.val() == 0)
                & ((self.operation.val() == 1)
                    | ((self.operation.val() == 0)
                        & (self.byte.val() != 0)
                        & (self.byte.val() < self.groups[i].val())));
            if self.chosen[i].val() {
                self.kind.next = self.bit[i].val();
            }
        }
        self.ending.next = (self.unit.val() == 0)
            & (self.operation.val() == 2)
            & (self.byte.val() == 0)
            & (self.reserved.val() == 0)
            & (self.word[0].val() == 0)
            & (self.word[1].val() == 0)
            & (self.word[2].val() == 0);
        if self.ending.val() {
            self.kind.next = self.bit[4].val();
        }
    }
}
