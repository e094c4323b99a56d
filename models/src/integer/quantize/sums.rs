//! The step of an addition: it holds the operands, not only the sum.
//!
//! Each operand is rounded to the sum's step before the addition, and what passes the requantizer's range
//! saturates. Operands that cancel each other are far greater than their sum, so the step that fits the sum may
//! not fit them.

use super::lower::{Lowering, Place};
use crate::float::{Node, Op, ValueId, ops::binary::Binary};
use crate::integer::graph::CodeType;
use crate::integer::ranges::CodeKind;

/// Steps that an operand may have on either side of zero. The requantizer has 18 bits; an exported network rounds
/// operands to codes of 16, and is to be the same network.
const OPERAND_STEPS: f64 = 32_767.0;

/// Steps that an operand may have where the model brings the sum's step: all that the requantizer has. The step is the
/// network's own, and another one would make another network.
const GIVEN_STEPS: f64 = 131_071.0;

/// Codes of a byte: an operand that saturates this far from the end leaves every sum outside of them.
const BYTE_STEPS: f64 = 256.0;

/// As many steps of an operand as the sum's range should have: below this, four bits of it are left.
const LEAST_LEVELS: f64 = 16.0;

/// An operand of an addition.
pub struct Operand<'a> {
    pub value: ValueId,
    /// `None` for what a convolution adds on without storing it.
    pub place: Option<&'a Place>,
}

impl Lowering<'_> {
    /// The codes of a sum with a step that holds its operands; a note where little of the sum is left.
    pub fn holding(&mut self, node: &Node, sum: ValueId, code: CodeType, operands: &[Operand]) -> CodeType {
        let mut reach: Vec<f64> = operands.iter().map(|operand| self.reach(operand)).collect();
        reach.sort_by(|a, b| b.total_cmp(a));
        let (Some(&greatest), second) = (reach.first(), reach.get(1).copied().unwrap_or(0.0)) else {
            return code;
        };
        let steps = if self.given(sum).is_some() { GIVEN_STEPS } else { OPERAND_STEPS };
        // Where one operand alone is large the sum is as large: it lies outside of bytes wherever the
        // operand saturates, so that the other one tells how far an operand must be held.
        let least = match code.container().bytes() {
            1 => (greatest / steps).min(second / (steps - BYTE_STEPS)),
            _ => greatest / steps,
        };
        let held = CodeType { scale: code.scale.max(least), ..code };
        self.note_cancelling(node, sum, greatest, operands);
        held
    }

    /// The greatest magnitude of an operand: what its codes can stand for, or twice what calibration saw.
    fn reach(&self, operand: &Operand) -> f64 {
        let seen = 2.0 * self.greatest_seen(operand.value);
        operand.place.map_or(seen, |place| {
            let code = self.code_of(place);
            let (low, high) = code.range();
            let most = (low - code.zero_point).abs().max((high - code.zero_point).abs());
            seen.min(self.scale_of(place) * f64::from(most))
        })
    }

    /// The greatest magnitude that calibration saw of a value, or that of a constant.
    fn greatest_seen(&self, value: ValueId) -> f64 {
        match (self.float.constant(value), self.calibration.of(value)) {
            (Some(tensor), _) => f64::from(tensor.max_abs()),
            (None, Some(seen)) if seen.min <= seen.max => f64::from(seen.max.max(-seen.min)),
            _ => 0.0,
        }
    }

    /// Says so where the operands' own steps are about as large as what is left when they cancel.
    fn note_cancelling(&mut self, node: &Node, sum: ValueId, greatest: f64, operands: &[Operand]) {
        let Some(seen) = self.calibration.of(sum).filter(|seen| seen.min < seen.max) else { return };
        let span = f64::from(seen.max) - f64::from(seen.min);
        let varies = |operand: &&Operand| {
            self.float.constant(operand.value).is_none() && self.greatest_seen(operand.value) > 0.0
        };
        let steps = operands.iter().filter(varies).filter_map(|operand| operand.place);
        let step = steps.map(|place| self.scale_of(place)).fold(0.0, f64::max);
        if span < LEAST_LEVELS * step {
            self.trace.notes.push(format!(
                "the operands of `{}` ({}) cancel each other: they reach {:.4}, their sum spans {span:.4}, and a \
                 step of their codes is {step:.4}; take what they have in common out of both (out of the biases \
                 before them, say)",
                node.name,
                node.op.kind(),
                greatest / 2.0,
            ));
        }
    }

    /// The codes of a value that calibration saw to be always zero: those of the sum that it is part of.
    pub fn of_zero(&self, value: ValueId, kind: CodeKind) -> Option<CodeType> {
        let sums = self.readers(value).into_iter().map(|(id, _)| self.float.node(id));
        let mut sums = sums.filter(|node| matches!(node.op, Op::Binary(Binary::Add)));
        sums.find_map(|node| {
            let sum = *node.outputs.first()?;
            match self.greatest_seen(sum) > 0.0 {
                true => Some(self.by_calibration(sum, kind)),
                false => self.of_zero(sum, kind),
            }
        })
    }
}
