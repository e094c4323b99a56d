//! A byte rotator.

use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// One step of a rotator: up by a fixed distance, or not at all.
    #[derive(LogicBlock)]
    pub struct RotateStep {
        name: Named,
        /// bytes
        pub x: Vec<Sig>,
        /// whether to rotate
        pub turn: Signal<In, Bit>,
        /// byte b goes to place b + distance
        pub y: Vec<Sig>,
        rest: Const,
        distance: Const,
        _bytes: usize,
        _rest: usize,
        _distance: usize
    }
}

impl RotateStep {
    fn new(bytes: usize, distance: usize) -> RotateStep {
        RotateStep {
            name: Named::of(format!("rotate_step_{bytes}_by{distance}"), &RotateStep::DOCS),
            x: Sig::inputs(u(8), bytes),
            turn: Signal::default(),
            y: Sig::outputs(u(8), bytes),
            rest: Const::new(bytes - distance),
            distance: Const::new(distance),
            _bytes: bytes,
            _rest: bytes - distance,
            _distance: distance,
        }
    }
}

impl Logic for RotateStep {
    #[hdl_gen]
    fn update(&mut self) {
        for b in 0..self._bytes {
            self.y[b].next = self.x[b].val();
        }
        if self.turn.val() {
            for b in 0..self._distance {
                self.y[b].next = self.x[b + self._rest].val();
            }
            for b in 0..self._rest {
                self.y[b + self._distance].next = self.x[b].val();
            }
        }
    }
}

documented! {
    /// Rotates a line of bytes: byte b goes to place b + distance, modulo the line. No registers.
    #[derive(LogicBlock)]
    pub struct Rotate {
        name: Named,
        /// bytes
        pub x: Vec<Sig>,
        /// how far
        pub distance: Sig,
        /// rotated bytes
        pub y: Vec<Sig>,
        step: Vec<RotateStep>,
        _bytes: usize,
        _steps: usize,
        _last: usize,
        last: Const
    }
}

impl Rotate {
    /// A rotator of this many bytes, a power of two and at least two.
    #[must_use]
    pub fn new(bytes: usize) -> Rotate {
        let steps = clog2(bytes);
        Rotate {
            name: Named::of(format!("rotate_{bytes}"), &Rotate::DOCS),
            x: Sig::inputs(u(8), bytes),
            distance: Sig::input(u(steps)),
            y: Sig::outputs(u(8), bytes),
            step: (0..steps).map(|step| RotateStep::new(bytes, 1 << step)).collect(),
            _bytes: bytes,
            _steps: steps,
            _last: steps - 1,
            last: Const::new(steps - 1),
        }
    }
}

impl Logic for Rotate {
    #[hdl_gen]
    fn update(&mut self) {
        for b in 0..self._bytes {
            self.step[0].x[b].next = self.x[b].val();
            for k in 1..self._steps {
                self.step[k].x[b].next = self.step[k - 1].y[b].val();
            }
            self.y[b].next = self.step[self._last].y[b].val();
        }
        for k in 0..self._steps {
            self.step[k].turn.next = self.distance.val().get_bit(k);
        }
    }
}
