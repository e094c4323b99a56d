//! One level of a rotator.

use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Rotates words by a fixed distance, or not: one level of a rotator.
    #[derive(LogicBlock)]
    pub struct RotateStep {
        name: Named,
        /// words
        pub x: Vec<Sig>,
        /// rotate
        pub turn: Signal<In, Bit>,
        /// word i is word i + distance of the input, around the end
        pub y: Vec<Sig>,
        words: Const,
        distance: Const,
        split: Const,
        _words: usize,
        _distance: usize,
        _split: usize
    }
}

impl RotateStep {
    /// A level for `words` words of 32 bits, by `distance` below that.
    #[must_use]
    pub fn new(words: usize, distance: usize) -> RotateStep {
        RotateStep {
            name: Named::of(format!("rotate_{words}x32_by{distance}"), &RotateStep::DOCS),
            x: Sig::inputs(u(32), words),
            turn: Signal::default(),
            y: Sig::outputs(u(32), words),
            words: Const::new(words),
            distance: Const::new(distance),
            split: Const::new(words - distance),
            _words: words,
            _distance: distance,
            _split: words - distance,
        }
    }
}

impl Logic for RotateStep {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..self._split {
            self.y[i].next = self.x[i].val();
            if self.turn.val() {
                self.y[i].next = self.x[i + self._distance].val();
            }
        }
        for i in 0..self._distance {
            self.y[self._split + i].next = self.x[self._split + i].val();
            if self.turn.val() {
                self.y[self._split + i].next = self.x[i].val();
            }
        }
    }
}
