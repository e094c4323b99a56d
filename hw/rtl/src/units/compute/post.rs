//! One lane of the post-processor.

use crate::prelude::*;
use crate::units::requantize::{INPUT_BITS, Requantizer};
use rust_hdl::prelude::*;

/// Bits of a prepared parameter entry: bias with the sign applied 33, negate 1, mantissa 16, shift 6.
const ENTRY_BITS: usize = 56;

/// Bits of a channel shift.
const SHIFT_BITS: usize = 4;

/// Bits of a prepared parameter entry, with the channel's shift where there is one.
#[must_use]
pub const fn entry_bits(channel_shifts: bool) -> usize {
    if channel_shifts { ENTRY_BITS + SHIFT_BITS } else { ENTRY_BITS }
}

documented! {
    /// Lane of the post-processor: one sum to one code.
    ///
    /// With d the cycle in which the drain names row, group and entry:
    ///
    /// ```text
    /// d    entry read                       d+5  two requantized values
    /// d+1  bias + sum, or -bias - sum       d+6  their sum; zero point and clamp follow
    /// d+2  34-bit value; residual's code    d+7  code
    /// d+3  products  d+4  shifted           d+8  code, a cycle later, beside the table's byte
    /// ```
    ///
    /// An entry written in the very cycle in which it is read comes from `recent` instead of the memory.
    /// Arithmetic: `bitgauge_arch::arith::post`.
    #[derive(LogicBlock, Clone)]
    pub struct Lane {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// write the entry
        pub we: Signal<In, Bit>,
        /// where the entry goes
        pub waddr: Sig,
        /// prepared entry
        pub entry: Sig,
        /// entry of the cycle before
        pub recent: Sig,
        /// entry to use
        pub raddr: Sig,
        /// sum from the array, a cycle later
        pub sum: Sig,
        /// code of the residual, a cycle later
        pub residual: Sig,
        /// zero point of the residual, two cycles later
        pub residual_zero: Sig,
        /// mantissa of the residual, two cycles later
        pub residual_mantissa: Sig,
        /// shift of the residual, two cycles later
        pub residual_shift: Sig,
        /// add the residual, five cycles later
        pub residual_on: Signal<In, Bit>,
        /// zero point, six cycles later
        pub zero_point: Sig,
        /// what codes below the least become
        pub low: Sig,
        /// what codes above the greatest become
        pub high: Sig,
        /// least code less the zero point
        pub low_bound: Sig,
        /// greatest code less the zero point
        pub high_bound: Sig,
        /// code, seven cycles later
        pub code: Sig,
        /// code, eight cycles later
        pub passed: Sig,
        entries: Mem,
        hit: State<Bit>,
        used: Sig,
        flipped: Sig,
        bias: Sig,
        value: Reg,
        mantissa: Reg,
        shift: Reg,
        residual_code: Reg,
        total: Reg,
        result: Reg,
        kept: Reg,
        main: Requantizer,
        second: Requantizer,
        /// where channels have shifts: that of the residual's channel
        channel_shift: Vec<Reg>,
        /// the residual's shift, moved by the channel's
        moved: Vec<Sig>,
        ones: Const,
        _shifts: usize
    }
}

impl Lane {
    /// A lane with this many entries, for sums of `accumulator` bits.
    #[must_use]
    pub fn new(entries: usize, accumulator: usize, channel_shifts: bool) -> Lane {
        let address = u(clog2(entries.max(2)));
        let (entry, shifts) = (u(entry_bits(channel_shifts)), usize::from(channel_shifts));
        let suffix = if channel_shifts { "_shifts" } else { "" };
        Lane {
            name: Named::of(format!("post_lane_{entries}_acc{accumulator}{suffix}"), &Lane::DOCS),
            clock: Signal::default(),
            we: Signal::default(),
            waddr: Sig::input(address),
            entry: Sig::input(entry),
            recent: Sig::input(entry),
            raddr: Sig::input(address),
            sum: Sig::input(s(accumulator)),
            residual: Sig::input(s(16)),
            residual_zero: Sig::input(s(16)),
            residual_mantissa: Sig::input(u(16)),
            residual_shift: Sig::input(u(6)),
            residual_on: Signal::default(),
            zero_point: Sig::input(s(16)),
            low: Sig::input(s(16)),
            high: Sig::input(s(16)),
            low_bound: Sig::input(s(17)),
            high_bound: Sig::input(s(17)),
            code: Sig::output(s(16)),
            passed: Sig::output(s(16)),
            entries: Mem::new(entries, entry).without_collisions(),
            hit: State::default(),
            used: Sig::local(entry),
            flipped: Sig::local(s(accumulator)),
            bias: Sig::local(s(33)),
            value: Reg::new(s(INPUT_BITS)),
            mantissa: Reg::new(u(16)),
            shift: Reg::new(u(6)),
            residual_code: Reg::new(s(16)),
            total: Reg::new(s(19)),
            result: Reg::new(s(16)),
            kept: Reg::new(s(16)),
            main: Requantizer::default(),
            second: Requantizer::default(),
            channel_shift: Reg::many(s(SHIFT_BITS), shifts),
            moved: Sig::locals(s(8), shifts),
            ones: Const::new(-1),
            _shifts: shifts,
        }
    }
}

impl Logic for Lane {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, hit, value, mantissa, shift, residual_code, total, result, kept);
        self.entries.clock.next = self.clock.val();
        self.main.clock.next = self.clock.val();
        self.second.clock.next = self.clock.val();
        self.entries.we.next = self.we.val().into();
        self.entries.waddr.next = self.waddr.val();
        self.entries.wdata.next = self.entry.val();
        self.entries.re.next = true;
        self.entries.raddr.next = self.raddr.val();
        self.hit.d.next = self.we.val() & (self.waddr.val() == self.raddr.val());

        self.used.next = self.entries.rdata.val();
        if self.hit.q.val() {
            self.used.next = self.recent.val();
        }
        // The bias comes with its sign: -(sum + bias) = -bias + (all ones ^ sum) + 1.
        self.flipped.next = self.sum.val();
        if self.used.val().get_bit(33) {
            self.flipped.next = self.sum.val() ^ self.ones.val();
        }
        self.bias.next = self.used.val();
        self.value.d.next = self.bias.val() + self.flipped.val() + bits_w(self.used.val() >> 33, 1);
        self.mantissa.d.next = self.used.val() >> 34;
        self.shift.d.next = self.used.val() >> 50;
        self.residual_code.d.next = self.residual.val();

        self.main.x.next = self.value.q.val();
        self.main.mantissa.next = self.mantissa.q.val();
        self.main.shift.next = self.shift.q.val();
        self.main.valid.next = true;
        self.second.x.next = self.residual_code.q.val() - self.residual_zero.val();
        self.second.mantissa.next = self.residual_mantissa.val();
        self.second.shift.next = self.residual_shift.val();
        self.second.valid.next = true;
        for k in 0..self._shifts {
            self.channel_shift[k].clock.next = self.clock.val();
            self.channel_shift[k].d.next = self.used.val() >> 56;
            self.moved[k].next = self.residual_shift.val() + self.channel_shift[k].q.val();
            self.second.shift.next = self.moved[k].val();
            if self.moved[k].val() < 1 {
                self.second.shift.next = 1.into();
            } else if self.moved[k].val() > 47 {
                self.second.shift.next = 47.into();
            }
        }

        self.total.d.next = self.main.y.val();
        if self.residual_on.val() {
            self.total.d.next = self.main.y.val() + self.second.y.val();
        }
        self.result.d.next = self.total.q.val() + self.zero_point.val();
        if self.total.q.val() > self.high_bound.val() {
            self.result.d.next = self.high.val();
        } else if self.total.q.val() < self.low_bound.val() {
            self.result.d.next = self.low.val();
        }
        self.code.next = self.result.q.val();
        self.kept.d.next = self.result.q.val();
        self.passed.next = self.kept.q.val();
    }
}
