//! What the codes of a row share: maximum, sums, and the quotient by which all of them are scaled.

use super::divide::{DIVISOR_BITS, Divide};
use super::normalize::Normalize;
use super::root::{OPERAND_BITS, Root};
use super::tree::{MaxTree, SumTree};
use super::variance::{COUNT_BITS, EPSILON_BITS, SQUARES_BITS, SUM_BITS, Variance};
use crate::prelude::*;
use crate::units::requantize::SHIFT_BITS;
use rust_hdl::prelude::*;

/// Bits of a row's sum: 31 of exponentials, without sign, or a token's.
const TOTAL_BITS: usize = 32;

documented! {
    /// Maximum, sums and quotient of a row.
    ///
    /// Trees over the lanes end in accumulators that begin anew with a pass's first step.
    ///
    /// softmax, stages after the last step of the second pass:
    ///
    /// stage 10 sum of the lanes
    /// stage 11 sum of the row
    /// stage 12 half normalized
    /// stage 13 divider has it .. stage 29 quotient
    ///
    /// LayerNorm, stages after the last step of the first pass:
    ///
    /// stage 8  S, a stage later Q
    /// stage 16 variance
    /// stage 17 half normalized
    /// stage 18 root unit has it .. stage 48 root
    /// stage 49 divider has it .. stage 65 reciprocal
    #[derive(LogicBlock)]
    pub struct Statistics {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// the command is a softmax
        pub softmax: Signal<In, Bit>,
        /// softmax: bits of the output code
        pub output_bits: Sig,
        /// softmax, where codes can have two scales: how much coarser the second is
        pub tag_shift: Vec<Sig>,
        /// N
        pub channels: Sig,
        /// epsilon's low half
        pub epsilon_low: Sig,
        /// epsilon's high half
        pub epsilon_high: Sig,
        /// stage 4: byte of each lane, in unsigned order; zero without a code
        pub byte: Vec<Sig>,
        /// stage 4 of LayerNorm, stage 7 of softmax: what each lane adds
        pub addend: Vec<Sig>,
        /// stage 5: square of each lane
        pub square: Vec<Sig>,
        /// stage 7: a step of the first pass
        pub measures: Signal<In, Bit>,
        /// stage 7: the first one
        pub measures_first: Signal<In, Bit>,
        /// stage 7 of LayerNorm, stage 10 of softmax: the sums of the lanes belong to a step
        pub adds: Signal<In, Bit>,
        /// the first of its pass
        pub adds_first: Signal<In, Bit>,
        /// the last of its pass
        pub adds_last: Signal<In, Bit>,
        /// greatest byte of the row
        pub maximum: Sig,
        /// sum of the row's codes
        pub sum: Sig,
        /// quotient
        pub quotient: Sig,
        /// LayerNorm: right shift of the numerator times the quotient, less one
        pub less_one: Sig,
        /// softmax: right shift of the exponential times the quotient
        pub softmax_shift: Sig,
        max_tree: MaxTree,
        sum_tree: SumTree,
        square_tree: SumTree,
        sum_normal: Normalize,
        variance: Variance,
        variance_normal: Normalize,
        root: Root,
        divide: Divide,
        maximum_r: Reg,
        total: Reg,
        squares: Reg,
        less_one_r: Reg,
        shift_r: Reg,
        measures_8: State<Bit>,
        first_8: State<Bit>,
        complete: State<Bit>,
        sum_half: State<Bit>,
        variance_half: State<Bit>,
        /// the sum of before, or zero
        total_base: Sig,
        /// the sum of squares of before, or zero
        squares_base: Sig,
        /// 2^bits - 1, at the top of eight bits
        levels: Sig,
        /// bits of a code without its tag
        payload: Sig,
        /// zero bits below the levels
        missing: Sig,
        thirty: Const,
        most_shift: Const,
        ones: Const,
        eight: Const,
        full: Const,
        _lanes: usize,
        _tags: usize
    }
}

impl Statistics {
    /// For `lanes` lanes.
    #[must_use]
    pub fn new(lanes: usize, two_scales: bool) -> Statistics {
        let tags = usize::from(two_scales);
        let suffix = if two_scales { "_tags" } else { "" };
        Statistics {
            name: Named::of(format!("row_statistics_by{lanes}{suffix}"), &Statistics::DOCS),
            clock: Signal::default(),
            softmax: Signal::default(),
            output_bits: Sig::input(u(5)),
            tag_shift: Sig::inputs(u(4), tags),
            channels: Sig::input(u(COUNT_BITS)),
            epsilon_low: Sig::input(u(32)),
            epsilon_high: Sig::input(u(EPSILON_BITS - 32)),
            byte: Sig::inputs(u(8), lanes),
            addend: Sig::inputs(s(17), lanes),
            square: Sig::inputs(s(32), lanes),
            measures: Signal::default(),
            measures_first: Signal::default(),
            adds: Signal::default(),
            adds_first: Signal::default(),
            adds_last: Signal::default(),
            maximum: Sig::output(u(8)),
            sum: Sig::output(s(SUM_BITS)),
            quotient: Sig::output(u(16)),
            less_one: Sig::output(u(5)),
            softmax_shift: Sig::output(u(SHIFT_BITS)),
            max_tree: MaxTree::new(lanes),
            sum_tree: SumTree::new(lanes, 17),
            square_tree: SumTree::new(lanes, 32),
            sum_normal: Normalize::new(DIVISOR_BITS, 1),
            variance: Variance::default(),
            variance_normal: Normalize::new(OPERAND_BITS, 2),
            root: Root::default(),
            divide: Divide::default(),
            maximum_r: Reg::new(u(8)),
            total: Reg::new(s(TOTAL_BITS)),
            squares: Reg::new(u(SQUARES_BITS)),
            less_one_r: Reg::new(u(5)),
            shift_r: Reg::new(u(SHIFT_BITS)),
            measures_8: State::default(),
            first_8: State::default(),
            complete: State::default(),
            sum_half: State::default(),
            variance_half: State::default(),
            total_base: Sig::local(s(TOTAL_BITS)),
            squares_base: Sig::local(u(SQUARES_BITS)),
            levels: Sig::local(u(8)),
            payload: Sig::local(u(5)),
            missing: Sig::local(u(3)),
            thirty: Const::new(30),
            most_shift: Const::new(46),
            ones: Const::new(255),
            eight: Const::new(8),
            full: Const::new(1 << 30),
            _lanes: lanes,
            _tags: tags,
        }
    }
}

impl Logic for Statistics {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, maximum_r, total, squares, less_one_r, shift_r);
        dff_setup!(self, clock, measures_8, first_8, complete, sum_half, variance_half);
        self.max_tree.clock.next = self.clock.val();
        self.sum_tree.clock.next = self.clock.val();
        self.square_tree.clock.next = self.clock.val();
        self.sum_normal.clock.next = self.clock.val();
        self.variance.clock.next = self.clock.val();
        self.variance_normal.clock.next = self.clock.val();
        self.root.clock.next = self.clock.val();
        self.divide.clock.next = self.clock.val();
        for l in 0..self._lanes {
            self.max_tree.x[l].next = self.byte[l].val();
            self.sum_tree.x[l].next = self.addend[l].val();
            self.square_tree.x[l].next = self.square[l].val();
        }

        if self.measures.val()
            & (self.measures_first.val() | (self.max_tree.greatest.val() > self.maximum_r.q.val()))
        {
            self.maximum_r.d.next = self.max_tree.greatest.val();
        }
        self.total_base.next = self.total.q.val();
        if self.adds_first.val() {
            self.total_base.next = 0.into();
        }
        if self.adds.val() {
            self.total.d.next = self.total_base.val() + self.sum_tree.sum.val();
        }
        self.complete.d.next = self.adds.val() & self.adds_last.val();
        self.measures_8.d.next = self.measures.val();
        self.first_8.d.next = self.measures_first.val();
        self.squares_base.next = self.squares.q.val();
        if self.first_8.q.val() {
            self.squares_base.next = 0.into();
        }
        if self.measures_8.q.val() {
            self.squares.d.next = self.squares_base.val() + self.square_tree.sum.val();
        }

        self.variance.go.next = self.complete.q.val() & !self.softmax.val();
        self.variance.channels.next = self.channels.val();
        self.variance.sum.next = self.total.q.val();
        self.variance.squares.next = self.squares.q.val();
        self.variance.epsilon.next = (self.epsilon_high.val() << 32) + self.epsilon_low.val();
        self.variance_normal.value.next = self.variance.variance.val();
        self.variance_half.d.next = self.variance.done.val();
        self.root.go.next = self.variance_half.q.val();
        self.root.value.next = self.variance_normal.normal.val();
        // The contract's shift is 31 less the pairs of bits that the variance was shifted by.
        if self.variance_half.q.val() {
            self.less_one_r.d.next = self.thirty.val() - self.variance_normal.count.val();
        }

        // The sum is shifted to 2^30 .. 2^31, so the quotient is levels 2^(46 - bits) / sum, and the
        // divider's remainder, that over 2^16, is less than the sum.
        self.sum_normal.value.next = self.total.q.val();
        self.sum_half.d.next = self.complete.q.val() & self.softmax.val();
        if self.sum_half.q.val() {
            self.shift_r.d.next =
                self.most_shift.val() - self.output_bits.val() - self.sum_normal.count.val();
        }
        // With two scales the levels are those of the payload, shifted: the quotient is the payload's.
        self.payload.next = self.output_bits.val();
        for k in 0..self._tags {
            if self.tag_shift[k].val().any() {
                self.payload.next = self.output_bits.val() - 1;
            }
            if self.sum_half.q.val() {
                self.shift_r.d.next = self.most_shift.val()
                    - self.payload.val()
                    - self.tag_shift[k].val()
                    - self.sum_normal.count.val();
            }
        }
        self.missing.next = self.eight.val() - self.payload.val();
        self.levels.next = self.ones.val() << self.missing.val();

        // The root is in 2^29 .. 2^30: 2^45 / root = 2^46 / (2 root).
        self.divide.go.next = self.root.done.val() | self.sum_half.q.val();
        self.divide.remainder.next = self.full.val();
        self.divide.divisor.next = self.root.root.val() << 1;
        if self.softmax.val() {
            self.divide.remainder.next = self.levels.val() << 22;
            self.divide.divisor.next = self.sum_normal.normal.val();
        }
        self.maximum.next = self.maximum_r.q.val();
        self.sum.next = self.total.q.val();
        self.quotient.next = self.divide.quotient.val();
        self.less_one.next = self.less_one_r.q.val();
        self.softmax_shift.next = self.shift_r.q.val();
    }
}
