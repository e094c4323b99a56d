//! Codes of a line in the order in which `serial` takes their bits.

use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

/// Bits of the container of operands.
pub const CONTAINER: usize = 2;

documented! {
    /// A line by planes: slot `c g + p` has bit p of each code of group g, c being the bits of a container.
    ///
    /// Groups have as many codes as an element takes at once. Wires, and a choice among three containers.
    #[derive(LogicBlock, Clone)]
    pub struct Slots {
        name: Named,
        /// the line
        pub byte: Vec<Sig>,
        /// what codes lie in: 0, 1, 2 for 8, 4, 2 bits
        pub container: Sig,
        /// a bit of each code of a group
        pub slot: Vec<Sig>,
        of_8: Vec<Sig>,
        of_4: Vec<Sig>,
        of_2: Vec<Sig>,
        one: Const,
        lanes: Const,
        half: Const,
        quarter: Const,
        _lanes: usize,
        _half: usize,
        _quarter: usize,
        _groups_8: usize,
        _groups_4: usize,
        _groups_2: usize,
        _slots: usize
    }
}

/// Slots of a line.
#[must_use]
pub fn slots(shape: &Shape) -> usize {
    8 * shape.line / shape.mac.lanes
}

impl Slots {
    /// For a shape's lines and elements.
    #[must_use]
    pub fn new(shape: &Shape) -> Slots {
        let (line, lanes) = (shape.line, shape.mac.lanes.max(4));
        let (slots, ty) = (slots(shape), u(lanes));
        Slots {
            name: Named::of(format!("feed_slots{line}_v{lanes}"), &Slots::DOCS),
            byte: Sig::inputs(u(8), line),
            container: Sig::input(u(CONTAINER)),
            slot: Sig::outputs(ty, slots),
            of_8: Sig::locals(ty, slots),
            of_4: Sig::locals(ty, slots),
            of_2: Sig::locals(ty, slots),
            one: Const::new(1),
            lanes: Const::new(lanes),
            half: Const::new(lanes / 2),
            quarter: Const::new(lanes / 4),
            _lanes: lanes,
            _half: lanes / 2,
            _quarter: lanes / 4,
            _groups_8: line / lanes,
            _groups_4: 2 * line / lanes,
            _groups_2: 4 * line / lanes,
            _slots: slots,
        }
    }
}

impl Logic for Slots {
    #[hdl_gen]
    fn update(&mut self) {
        for g in 0..self._groups_8 {
            for p in 0..8 {
                self.of_8[8 * g + p].next = 0.into();
                for v in 0..self._lanes {
                    self.of_8[8 * g + p].next = self.of_8[8 * g + p].val()
                        | (((self.byte[g * self._lanes + v].val() >> p) & self.one.val()) << v);
                }
            }
        }
        for g in 0..self._groups_4 {
            for p in 0..4 {
                self.of_4[4 * g + p].next = 0.into();
                for h in 0..self._half {
                    for q in 0..2 {
                        self.of_4[4 * g + p].next = self.of_4[4 * g + p].val()
                            | (((self.byte[g * self._half + h].val() >> (4 * q + p)) & self.one.val())
                                << (2 * h + q));
                    }
                }
            }
        }
        for g in 0..self._groups_2 {
            for p in 0..2 {
                self.of_2[2 * g + p].next = 0.into();
                for h in 0..self._quarter {
                    for q in 0..4 {
                        self.of_2[2 * g + p].next = self.of_2[2 * g + p].val()
                            | (((self.byte[g * self._quarter + h].val() >> (2 * q + p)) & self.one.val())
                                << (4 * h + q));
                    }
                }
            }
        }
        for j in 0..self._slots {
            self.slot[j].next = self.of_8[j].val();
            if self.container.val() == 1 {
                self.slot[j].next = self.of_4[j].val();
            }
            if self.container.val() == 2 {
                self.slot[j].next = self.of_2[j].val();
            }
        }
    }
}
