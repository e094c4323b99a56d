//! The core of `serial`: a plane of the activations times a slice of the weights.

use super::{MacShape, mode};
use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Sum over the lanes of one bit of the activation times a slice of the weight. Gates only.
    ///
    /// With slices of one bit this is a count of the ones that both have. Wider slices are unsigned but for the
    /// highest. A tree of adders, each as wide as its sum.
    #[derive(LogicBlock, Clone)]
    pub struct SerialCore {
        name: Named,
        /// a bit of each activation
        pub a: Vec<Sig>,
        /// a slice of each weight
        pub w: Vec<Sig>,
        /// bits that travel with the operands
        pub mode: Sig,
        /// the sum
        pub term: Sig,
        /// slices, read as signed
        reread: Vec<Sig>,
        /// slices, extended by one bit
        extended: Vec<Sig>,
        /// nodes of the tree: first the lanes, then sums of two by two of all nodes in their order
        node: Vec<Sig>,
        top: Const,
        lanes: Const,
        root: Const,
        _lanes: usize,
        _pairs: usize,
        _root: usize,
        _ones: usize,
        _slices: usize
    }
}

impl SerialCore {
    /// A core of this shape.
    #[must_use]
    pub fn new(shape: &MacShape) -> SerialCore {
        let (lanes, slice) = (shape.lanes.max(1), shape.slice);
        let ((words_a, activation), (words_w, weight)) = (shape.activation(), shape.weight());
        let wide = if slice == 1 { 0 } else { lanes };
        let mut levels = vec![0; lanes];
        for pair in 0..lanes - 1 {
            levels.push(1 + levels[2 * pair]);
        }
        let node = |level: usize| Sig::local(if slice == 1 { u(1 + level) } else { s(slice + 1 + level) });
        SerialCore {
            name: Named::of(format!("core_serial_v{lanes}_s{slice}"), &SerialCore::DOCS),
            a: Sig::inputs(activation, words_a),
            w: Sig::inputs(weight, words_w),
            mode: Sig::input(u(shape.mode_bits())),
            term: Sig::output(shape.term()),
            reread: Sig::locals(s(slice), wide),
            extended: Sig::locals(s(slice + 1), wide),
            node: levels.into_iter().map(node).collect(),
            top: Const::new(mode::TOP),
            lanes: Const::new(lanes),
            root: Const::new(2 * lanes - 2),
            _lanes: lanes,
            _pairs: lanes - 1,
            _root: 2 * lanes - 2,
            _ones: if slice == 1 { lanes } else { 0 },
            _slices: wide,
        }
    }
}

impl Logic for SerialCore {
    #[hdl_gen]
    fn update(&mut self) {
        for v in 0..self._ones {
            self.node[v].next = (self.a[0].val() & self.w[0].val()) >> v;
        }
        for v in 0..self._slices {
            self.reread[v].next = self.w[v].val();
            self.extended[v].next = self.w[v].val();
            if self.mode.val().get_bit(self.top.val()) {
                self.extended[v].next = self.reread[v].val();
            }
            self.node[v].next = 0.into();
            if self.a[0].val().get_bit(v) {
                self.node[v].next = self.extended[v].val();
            }
        }
        for p in 0..self._pairs {
            self.node[self._lanes + p].next = self.node[2 * p].val() + self.node[2 * p + 1].val();
        }
        self.term.next = self.node[self._root].val();
    }
}
