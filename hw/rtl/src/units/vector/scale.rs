//! The lanes' requantizers.

use crate::prelude::*;
use crate::units::requantize::{INPUT_BITS, MANTISSA_BITS, OUTPUT_BITS, Requantizer, SHIFT_BITS};
use crate::units::shape::Shape;
use rust_hdl::prelude::*;

documented! {
    /// One requantizer for each lane of the vector unit, shared by its engines.
    ///
    /// A new value may come in every cycle; what comes out belongs to the input of three cycles before
    /// (`requantize::LATENCY`). Arithmetic: `arith::Requant`.
    ///
    /// ```text
    /// value, mantissa, shift  A   B   C
    /// scaled                              A   B   C
    /// ```
    #[derive(LogicBlock)]
    pub struct Scale {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// value of each lane
        pub value: Vec<Sig>,
        /// factor's mantissa of each lane
        pub mantissa: Vec<Sig>,
        /// factor's shift of each lane, 1 to 47
        pub shift: Vec<Sig>,
        /// result of each lane, three cycles later
        pub scaled: Vec<Sig>,
        lane: Vec<Requantizer>,
        _lanes: usize
    }
}

impl Scale {
    /// The requantizers of a shape's vector lanes.
    #[must_use]
    pub fn new(shape: &Shape) -> Scale {
        let lanes = shape.vector_lanes;
        Scale {
            name: Named::of(format!("scale_by{lanes}"), &Scale::DOCS),
            clock: Signal::default(),
            value: Sig::inputs(s(INPUT_BITS), lanes),
            mantissa: Sig::inputs(u(MANTISSA_BITS), lanes),
            shift: Sig::inputs(u(SHIFT_BITS), lanes),
            scaled: Sig::outputs(s(OUTPUT_BITS), lanes),
            lane: vec![Requantizer::default(); lanes],
            _lanes: lanes,
        }
    }
}

impl Logic for Scale {
    #[hdl_gen]
    fn update(&mut self) {
        for l in 0..self._lanes {
            self.lane[l].clock.next = self.clock.val();
            self.lane[l].x.next = self.value[l].val();
            self.lane[l].mantissa.next = self.mantissa[l].val();
            self.lane[l].shift.next = self.shift[l].val();
            self.lane[l].valid.next = true;
            self.scaled[l].next = self.lane[l].y.val();
        }
    }
}
