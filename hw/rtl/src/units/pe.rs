//! The processing element.

use super::mac::fixed::FixedCore;
use super::mac::fusible::FusibleCore;
use super::mac::serial::SerialCore;
use super::mac::{MacShape, flag, mode};
use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Processing element of an output-stationary array.
    ///
    /// Activations move right and weights down, one register a hop. The core makes a term of the two registers, and
    /// the term, registered, is added to the accumulator; at the end of a fold the sum goes to the shadow
    /// accumulator, from where it is read while the next fold runs. The flags of a term come a cycle after its
    /// operands.
    ///
    /// ```text
    /// a, w, mode --> registers --> core --> term --> shift, sign --> + accumulator --> shadow
    /// flags -----------------> register ----------------^---------------^
    /// ```
    #[derive(LogicBlock, Clone)]
    pub struct Pe {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// activations
        pub a: Vec<Sig>,
        /// weights
        pub w: Vec<Sig>,
        /// bits that go with the operands
        pub mode: Sig,
        /// flags of the term that the operands of the cycle before make
        pub flags: Sig,
        /// activations for the neighbour on the right
        pub a_out: Vec<Sig>,
        /// weights for the neighbour below
        pub w_out: Vec<Sig>,
        /// `mode` for the neighbour on the right
        pub mode_out: Sig,
        /// `flags` for the neighbour on the right
        pub flags_out: Sig,
        /// shadow accumulator: the sum of the last complete fold
        pub sum: Sig,
        a_r: Vec<Reg>,
        w_r: Vec<Reg>,
        mode_r: Reg,
        flags_r: Reg,
        fixed: Vec<FixedCore>,
        fusible: Vec<FusibleCore>,
        serial: Vec<SerialCore>,
        term: Reg,
        accumulator: Reg,
        shadow: Reg,
        /// what the accumulator starts from in this cycle
        base: Sig,
        /// what is added
        addend: Sig,
        /// the accumulator's next value
        total: Sig,
        /// place of the term
        shift: Sig,
        valid: Const,
        first: Const,
        last: Const,
        negate: Const,
        shift_low: Const,
        load: Const,
        _words_a: usize,
        _words_w: usize,
        _fixed: usize,
        _fusible: usize,
        _shifted: usize,
        _serial: usize
    }
}

impl Pe {
    /// An element of this shape.
    #[must_use]
    pub fn new(shape: &MacShape) -> Pe {
        let ((words_a, activation), (words_w, weight)) = (shape.activation(), shape.weight());
        let (mode, flags, sum) = (u(shape.mode_bits()), u(shape.flag_bits()), s(shape.accumulator));
        let [serial, fusible] = [shape.serial(), shape.fusible()].map(usize::from);
        let fixed = 1 - serial - fusible;
        Pe {
            name: Named::of(format!("pe_{}", shape.name()), &Pe::DOCS),
            clock: Signal::default(),
            a: Sig::inputs(activation, words_a),
            w: Sig::inputs(weight, words_w),
            mode: Sig::input(mode),
            flags: Sig::input(flags),
            a_out: Sig::outputs(activation, words_a),
            w_out: Sig::outputs(weight, words_w),
            mode_out: Sig::output(mode),
            flags_out: Sig::output(flags),
            sum: Sig::output(sum),
            a_r: Reg::many(activation, words_a),
            w_r: Reg::many(weight, words_w),
            mode_r: Reg::new(mode),
            flags_r: Reg::new(flags),
            fixed: (0..fixed).map(|_| FixedCore::new(shape)).collect(),
            fusible: (0..fusible).map(|_| FusibleCore::new(shape)).collect(),
            serial: (0..serial).map(|_| SerialCore::new(shape)).collect(),
            term: Reg::new(shape.term()),
            accumulator: Reg::new(sum),
            shadow: Reg::new(sum),
            base: Sig::local(sum),
            addend: Sig::local(sum),
            total: Sig::local(sum),
            shift: Sig::local(u(shape.shift_bits().max(1))),
            valid: Const::new(flag::VALID),
            first: Const::new(flag::FIRST),
            last: Const::new(flag::LAST),
            negate: Const::new(flag::NEGATE),
            shift_low: Const::new(shape.shift_low()),
            load: Const::new(mode::LOAD),
            _words_a: words_a,
            _words_w: words_w,
            _fixed: fixed,
            _fusible: fusible,
            _shifted: usize::from(serial == 0 && shape.tag_shift > 0),
            _serial: serial,
        }
    }
}

impl Logic for Pe {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, mode_r, flags_r, term, accumulator, shadow);
        self.mode_r.d.next = self.mode.val();
        self.flags_r.d.next = self.flags.val();
        self.mode_out.next = self.mode_r.q.val();
        self.flags_out.next = self.flags_r.q.val();
        for i in 0..self._words_a {
            self.a_r[i].clock.next = self.clock.val();
            self.a_r[i].d.next = self.a[i].val();
            self.a_out[i].next = self.a_r[i].q.val();
        }
        for i in 0..self._words_w {
            self.w_r[i].clock.next = self.clock.val();
            self.w_r[i].d.next = self.w[i].val();
            self.w_out[i].next = self.w_r[i].q.val();
        }
        self.shift.next = 0.into();
        for k in 0..self._fixed {
            for i in 0..self._words_a {
                self.fixed[k].a[i].next = self.a_r[i].q.val();
                self.fixed[k].w[i].next = self.w_r[i].q.val();
            }
            self.fixed[k].mode.next = self.mode_r.q.val();
            self.term.d.next = self.fixed[k].term.val();
            self.addend.next = self.term.q.val();
        }
        for k in 0..self._fusible {
            self.fusible[k].a[0].next = self.a_r[0].q.val();
            self.fusible[k].w[0].next = self.w_r[0].q.val();
            self.fusible[k].mode.next = self.mode_r.q.val();
            self.term.d.next = self.fusible[k].term.val();
            self.addend.next = self.term.q.val();
        }
        for _k in 0..self._shifted {
            self.shift.next = self.flags_r.q.val() >> self.shift_low.val();
            self.addend.next = self.term.q.val() << self.shift.val();
        }
        for k in 0..self._serial {
            // A slice stays for all planes of the activations.
            for i in 0..self._words_w {
                if !self.mode.val().get_bit(self.load.val()) {
                    self.w_r[i].d.next = self.w_r[i].q.val();
                }
                self.serial[k].w[i].next = self.w_r[i].q.val();
            }
            self.serial[k].a[0].next = self.a_r[0].q.val();
            self.serial[k].mode.next = self.mode_r.q.val();
            self.term.d.next = self.serial[k].term.val();
            self.shift.next = self.flags_r.q.val() >> self.shift_low.val();
            self.addend.next = self.term.q.val() << self.shift.val();
        }

        self.base.next = self.accumulator.q.val();
        if self.flags_r.q.val().get_bit(self.first.val()) {
            self.base.next = 0.into();
        }
        self.total.next = self.base.val() + self.addend.val();
        for _k in 0..self._serial {
            if self.flags_r.q.val().get_bit(self.negate.val()) {
                self.total.next = self.base.val() - self.addend.val();
            }
        }
        if self.flags_r.q.val().get_bit(self.valid.val()) {
            self.accumulator.d.next = self.total.val();
            if self.flags_r.q.val().get_bit(self.last.val()) {
                self.shadow.d.next = self.total.val();
            }
        }
        self.sum.next = self.shadow.q.val();
    }
}
