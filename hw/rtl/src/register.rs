//! Registers. The printer writes them inside their parent as one `always @(posedge clock)`.

use crate::signal::{Sig, Ty};
use crate::value::{Value, Word};
use rust_hdl::prelude::*;

/// The mark by which the printer knows a register, followed by its reset value.
pub(crate) const REGISTER_MARK: &str = "bitgauge register ";

/// A register with a run-time width: `q` takes `d` at the rising edge of `clock`.
///
/// It starts at its reset value; which reset the Verilog has is an option of the whole design.
#[derive(LogicBlock, Clone)]
pub struct Reg {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// The next value.
    pub d: Sig,
    /// The value.
    pub q: Sig,
    _reset: Value,
}

impl Reg {
    /// A register that resets to zero.
    #[must_use]
    pub fn new(ty: Ty) -> Reg {
        Reg::reset_to(ty, 0)
    }

    /// A register that resets to `value`.
    #[must_use]
    pub fn reset_to(ty: Ty, value: impl Into<Word>) -> Reg {
        let value = ty.cut(value.into().value());
        Reg { clock: Signal::default(), d: Sig::input(ty), q: Sig::output_at(ty, value), _reset: value }
    }

    /// `count` registers that reset to zero.
    #[must_use]
    pub fn many(ty: Ty, count: usize) -> Vec<Reg> {
        (0..count).map(|_| Reg::new(ty)).collect()
    }
}

impl Logic for Reg {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.q.next = self.d.val();
        }
    }
    fn connect(&mut self) {
        self.q.connect();
    }
    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!("{REGISTER_MARK}{}", self._reset))
    }
}

/// A register for a flag (`State<bool>`) or for an enum with `#[derive(LogicState)]`; it resets to the
/// default.
#[derive(LogicBlock, Clone)]
pub struct State<T: Synth> {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// The next value.
    pub d: Signal<In, T>,
    /// The value.
    pub q: Signal<Out, T>,
}

impl<T: Synth> Default for State<T> {
    fn default() -> State<T> {
        State { clock: Signal::default(), d: Signal::default(), q: Signal::default() }
    }
}

impl<T: Synth> Logic for State<T> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.q.next = self.d.val();
        }
    }
    fn connect(&mut self) {
        self.q.connect();
    }
    fn hdl(&self) -> Verilog {
        // The first variant of an enum is number zero.
        Verilog::Custom(format!("{REGISTER_MARK}0"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::s;

    #[test]
    fn a_register_takes_its_input_at_the_rising_edge_only() {
        let mut register = Reg::reset_to(s(4), -3);
        assert_eq!(register.q.val().value(), -3);
        register.d.next = 7.into();
        for (level, expected) in [(false, -3), (true, 7), (false, 7)] {
            register.clock.next.clk = level;
            assert!(simulate(&mut register, 10));
            assert_eq!(register.q.val().value(), expected);
        }
    }
}
