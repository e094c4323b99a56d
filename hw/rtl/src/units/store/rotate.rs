//! A stage of a rotator of bytes.

use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Turns a ring of bytes by a fixed number of places, or not.
    #[derive(LogicBlock)]
    pub struct Rotate {
        name: Named,
        /// bytes
        pub x: Vec<Sig>,
        /// whether to turn
        pub turn: Signal<In, Bit>,
        /// the bytes; with `turn` each comes out that many places further up
        pub y: Vec<Sig>,
        count: Const,
        step: Const,
        _count: usize,
        _step: usize
    }
}

impl Rotate {
    /// Turns `count` bytes by `step` places.
    #[must_use]
    pub fn new(count: usize, step: usize) -> Rotate {
        Rotate {
            name: Named::of(format!("rotate_{count}by{step}"), &Rotate::DOCS),
            x: Sig::inputs(u(8), count),
            turn: Signal::default(),
            y: Sig::outputs(u(8), count),
            count: Const::new(count),
            step: Const::new(step),
            _count: count,
            _step: step,
        }
    }
}

impl Logic for Rotate {
    #[hdl_gen]
    fn update(&mut self) {
        for k in 0..self._count {
            self.y[k].next = self.x[k].val();
        }
        if self.turn.val() {
            for k in 0..self._step {
                self.y[k].next = self.x[k + self._count - self._step].val();
            }
            for k in self._step..self._count {
                self.y[k].next = self.x[k - self._step].val();
            }
        }
    }
}
