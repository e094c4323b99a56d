//! Counts leading zeros and shifts them out, in two stages.

use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Shifts a value left until its top `unit` bits are not all zero, by a multiple of `unit`.
    ///
    /// Five levels of 16, 8 | 4, 2 and 1 units; the bar is a register, so that result and count are there
    /// a cycle after the value, to be registered at once.
    #[derive(LogicBlock)]
    pub struct Normalize {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// value
        pub value: Sig,
        /// the value, shifted, a cycle later
        pub normal: Sig,
        /// units it was shifted by
        pub count: Sig,
        half_way: Reg,
        half_count: Reg,
        /// the value before each of the first levels, and after them
        coarse: Vec<Sig>,
        /// the value before each of the last levels, and after them
        fine: Vec<Sig>,
        /// the level shifts
        zero: Vec<Sig>,
        keep: Vec<Const>,
        by: Vec<Const>
    }
}

impl Normalize {
    /// For values of `width` bits, more than 16 units.
    #[must_use]
    pub fn new(width: usize, unit: usize) -> Normalize {
        let by: Vec<usize> = [16, 8, 4, 2, 1].iter().map(|units| units * unit).collect();
        Normalize {
            name: Named::of(format!("normalize_{width}_by{unit}"), &Normalize::DOCS),
            clock: Signal::default(),
            value: Sig::input(u(width)),
            normal: Sig::output(u(width)),
            count: Sig::output(u(5)),
            half_way: Reg::new(u(width)),
            half_count: Reg::new(u(2)),
            coarse: Sig::locals(u(width), 3),
            fine: Sig::locals(u(width), 4),
            zero: Sig::locals(u(1), 5),
            keep: by.iter().map(|by| Const::new(width.saturating_sub(*by))).collect(),
            by: by.into_iter().map(Const::new).collect(),
        }
    }
}

impl Logic for Normalize {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, half_way, half_count);
        self.coarse[0].next = self.value.val();
        for k in 0..2 {
            self.zero[k].next = ((self.coarse[k].val() >> self.keep[k].val()) == 0).into();
            self.coarse[k + 1].next = self.coarse[k].val();
            if self.zero[k].val() == 1 {
                self.coarse[k + 1].next = self.coarse[k].val() << self.by[k].val();
            }
        }
        self.half_way.d.next = self.coarse[2].val();
        self.half_count.d.next = (self.zero[0].val() << 1) + self.zero[1].val();
        self.fine[0].next = self.half_way.q.val();
        for k in 0..3 {
            self.zero[k + 2].next = ((self.fine[k].val() >> self.keep[k + 2].val()) == 0).into();
            self.fine[k + 1].next = self.fine[k].val();
            if self.zero[k + 2].val() == 1 {
                self.fine[k + 1].next = self.fine[k].val() << self.by[k + 2].val();
            }
        }
        self.normal.next = self.fine[3].val();
        self.count.next = (self.half_count.q.val() << 3)
            + (self.zero[2].val() << 2)
            + (self.zero[3].val() << 1)
            + self.zero[4].val();
    }
}
