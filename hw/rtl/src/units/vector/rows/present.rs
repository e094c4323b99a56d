//! Which lanes of a step have a code.

use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Which lanes of a step have a code: all, but for the row's last group and for half groups.
    #[derive(LogicBlock, Clone)]
    pub struct Present {
        name: Named,
        /// codes of the last group, less one
        pub rest: Sig,
        /// the group is the row's last
        pub last: Signal<In, Bit>,
        /// the step is half a group
        pub half: Signal<In, Bit>,
        /// the step is the second half
        pub parity: Signal<In, Bit>,
        /// the lane has a code
        pub present: Vec<Signal<Out, Bit>>,
        middle: Const,
        _lanes: usize
    }
}

impl Present {
    /// For `lanes` lanes.
    #[must_use]
    pub fn new(lanes: usize) -> Present {
        Present {
            name: Named::of(format!("row_present_by{lanes}"), &Present::DOCS),
            rest: Sig::input(u(clog2(lanes.max(2)))),
            last: Signal::default(),
            half: Signal::default(),
            parity: Signal::default(),
            present: vec![Signal::default(); lanes],
            middle: Const::new(lanes / 2),
            _lanes: lanes,
        }
    }
}

impl Logic for Present {
    #[hdl_gen]
    fn update(&mut self) {
        for l in 0..self._lanes {
            self.present[l].next = (!self.last.val() | (self.rest.val() >= l))
                & (!self.half.val() | (self.parity.val() == (self.middle.val() <= l)));
        }
    }
}
