//! Sum and maximum over the lanes, in three pipeline stages of four inputs a node.

use crate::prelude::*;
use rust_hdl::prelude::*;

/// Cycles from the inputs to the result, whatever the number of lanes; up to 64 lanes.
pub const LATENCY: usize = 3;

documented! {
    /// Sum over the lanes, three cycles later. Nodes add four inputs; missing ones are zero.
    #[derive(LogicBlock)]
    pub struct SumTree {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// value of each lane
        pub x: Vec<Sig>,
        /// sum of the values three cycles before
        pub sum: Sig,
        /// values of the lanes, filled up
        leaves: Vec<Sig>,
        first: Vec<Reg>,
        /// sums of the first stage, filled up
        inner: Vec<Sig>,
        second: Vec<Reg>,
        /// sums of the second stage, filled up
        outer: Vec<Sig>,
        third: Reg,
        _lanes: usize,
        _first: usize,
        _second: usize,
        _leaves: usize,
        _inner: usize
    }
}

impl SumTree {
    /// A tree over `lanes` signed values of `bits` bits.
    #[must_use]
    pub fn new(lanes: usize, bits: usize) -> SumTree {
        let (first, second) = (lanes.div_ceil(4), lanes.div_ceil(16));
        let stage = |stage: usize| s(bits + 2 * stage);
        SumTree {
            name: Named::of(format!("sum_tree_{lanes}x{bits}"), &SumTree::DOCS),
            clock: Signal::default(),
            x: Sig::inputs(stage(0), lanes),
            sum: Sig::output(stage(3)),
            leaves: Sig::locals(stage(0), 4 * first),
            first: Reg::many(stage(1), first),
            inner: Sig::locals(stage(1), 4 * second),
            second: Reg::many(stage(2), second),
            outer: Sig::locals(stage(2), 4),
            third: Reg::new(stage(3)),
            _lanes: lanes,
            _first: first,
            _second: second,
            _leaves: 4 * first,
            _inner: 4 * second,
        }
    }
}

impl Logic for SumTree {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, third);
        for i in 0..self._leaves {
            self.leaves[i].next = 0.into();
        }
        for i in 0..self._lanes {
            self.leaves[i].next = self.x[i].val();
        }
        for i in 0..self._inner {
            self.inner[i].next = 0.into();
        }
        for i in 0..4 {
            self.outer[i].next = 0.into();
        }
        for i in 0..self._first {
            self.first[i].clock.next = self.clock.val();
            self.first[i].d.next = (self.leaves[i * 4].val() + self.leaves[i * 4 + 1].val())
                + (self.leaves[i * 4 + 2].val() + self.leaves[i * 4 + 3].val());
            self.inner[i].next = self.first[i].q.val();
        }
        for i in 0..self._second {
            self.second[i].clock.next = self.clock.val();
            self.second[i].d.next = (self.inner[i * 4].val() + self.inner[i * 4 + 1].val())
                + (self.inner[i * 4 + 2].val() + self.inner[i * 4 + 3].val());
            self.outer[i].next = self.second[i].q.val();
        }
        self.third.d.next =
            (self.outer[0].val() + self.outer[1].val()) + (self.outer[2].val() + self.outer[3].val());
        self.sum.next = self.third.q.val();
    }
}

documented! {
    /// Greatest of four bytes, a cycle later.
    #[derive(LogicBlock, Clone)]
    pub struct Greatest {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// four bytes
        pub x: Vec<Sig>,
        /// the greatest of the cycle before
        pub greatest: Sig,
        /// the greater of the first two
        low: Sig,
        /// the greater of the last two
        high: Sig,
        result: Reg
    }
}

impl Default for Greatest {
    fn default() -> Greatest {
        Greatest {
            name: Named::of("row_greatest", &Greatest::DOCS),
            clock: Signal::default(),
            x: Sig::inputs(u(8), 4),
            greatest: Sig::output(u(8)),
            low: Sig::local(u(8)),
            high: Sig::local(u(8)),
            result: Reg::new(u(8)),
        }
    }
}

impl Logic for Greatest {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, result);
        self.low.next = self.x[0].val();
        if self.x[1].val() > self.x[0].val() {
            self.low.next = self.x[1].val();
        }
        self.high.next = self.x[2].val();
        if self.x[3].val() > self.x[2].val() {
            self.high.next = self.x[3].val();
        }
        self.result.d.next = self.low.val();
        if self.high.val() > self.low.val() {
            self.result.d.next = self.high.val();
        }
        self.greatest.next = self.result.q.val();
    }
}

documented! {
    /// Greatest byte of the lanes, three cycles later.
    #[derive(LogicBlock)]
    pub struct MaxTree {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// byte of each lane
        pub x: Vec<Sig>,
        /// the greatest of three cycles before
        pub greatest: Sig,
        /// bytes of the lanes, filled up
        leaves: Vec<Sig>,
        /// results of the first stage, filled up
        inner: Vec<Sig>,
        /// results of the second stage, filled up
        outer: Vec<Sig>,
        first: Vec<Greatest>,
        second: Vec<Greatest>,
        third: Greatest,
        _lanes: usize,
        _first: usize,
        _second: usize,
        _leaves: usize,
        _inner: usize
    }
}

impl MaxTree {
    /// A tree over `lanes` bytes.
    #[must_use]
    pub fn new(lanes: usize) -> MaxTree {
        let (first, second) = (lanes.div_ceil(4), lanes.div_ceil(16));
        MaxTree {
            name: Named::of(format!("max_tree_{lanes}"), &MaxTree::DOCS),
            clock: Signal::default(),
            x: Sig::inputs(u(8), lanes),
            greatest: Sig::output(u(8)),
            leaves: Sig::locals(u(8), 4 * first),
            inner: Sig::locals(u(8), 4 * second),
            outer: Sig::locals(u(8), 4),
            first: vec![Greatest::default(); first],
            second: vec![Greatest::default(); second],
            third: Greatest::default(),
            _lanes: lanes,
            _first: first,
            _second: second,
            _leaves: 4 * first,
            _inner: 4 * second,
        }
    }
}

impl Logic for MaxTree {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..self._leaves {
            self.leaves[i].next = 0.into();
        }
        for i in 0..self._lanes {
            self.leaves[i].next = self.x[i].val();
        }
        for i in 0..self._inner {
            self.inner[i].next = 0.into();
        }
        for i in 0..4 {
            self.outer[i].next = 0.into();
        }
        for i in 0..self._first {
            self.first[i].clock.next = self.clock.val();
            for k in 0..4 {
                self.first[i].x[k].next = self.leaves[i * 4 + k].val();
            }
            self.inner[i].next = self.first[i].greatest.val();
        }
        for i in 0..self._second {
            self.second[i].clock.next = self.clock.val();
            for k in 0..4 {
                self.second[i].x[k].next = self.inner[i * 4 + k].val();
            }
            self.outer[i].next = self.second[i].greatest.val();
        }
        self.third.clock.next = self.clock.val();
        for k in 0..4 {
            self.third.x[k].next = self.outer[k].val();
        }
        self.greatest.next = self.third.greatest.val();
    }
}
