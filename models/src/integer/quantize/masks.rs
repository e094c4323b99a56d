//! A constant added before a softmax: where it masks, it is raised to where the exponential vanishes.
//!
//! The softmax's table holds `round(exp(-d) * 65535)` of the distance `d` to the row's greatest logit, so what lies
//! far enough below it counts for nothing, however far. The sum's codes end there and saturate.

use bitgauge_arch::arith::softmax::TABLE_ONE;
use bitgauge_arch::code::Container;

use super::lower::{Lowering, scalar_factor};
use crate::float::{Node, Op, ValueId, ops::binary::Binary};
use crate::integer::graph::CodeType;
use crate::integer::ranges::CodeKind;

/// Whether no network adds such a number to a value that is not masked by it: infinity, or what stands for it.
pub fn is_unbounded(x: f32) -> bool {
    x.abs() >= 1e30
}

/// Codes of a masked sum and of the constant that masks.
#[derive(Clone, Copy, Debug)]
pub struct Masked {
    pub sum: CodeType,
    pub constant: CodeType,
}

/// Least and greatest of what is not masked.
type Range = (f64, f64);

impl Lowering<'_> {
    /// The codes, where `node` adds the constant `mask` to `x` on the way to a softmax and masks with it.
    pub fn masked(&mut self, node: &Node, x: ValueId, mask: ValueId) -> Option<Masked> {
        let sum = *node.outputs.first()?;
        let (low, high) = self.open(x);
        let gap = self.vanishing(sum)?;
        let (least, greatest) = self.unmasked(mask, gap + high - low)?;
        let constant = self.float.constant(mask)?;
        let masks = f64::from(constant.data().iter().copied().fold(0.0, f32::min)) < least;
        if !masks && !self.open.contains_key(&self.shown(x)) {
            return None;
        }
        let (open_low, open_high) = (low + least, high + greatest);
        self.open.insert(sum, (open_low, open_high));
        let end = open_low - gap;
        let bits = self.bits(sum);
        // A stream's codes stay wide.
        let wide = self.code_for(sum).container() == Container::Word;
        let kind = if wide { CodeKind::Symmetric { bits: 16 } } else { CodeKind::Affine { bits } };
        // From here on the greatest operand still leaves the sum at the end of its codes.
        let floor = if masks { end - high } else { least };
        let plain = least == greatest && !wide;
        let of_constant = CodeKind::Symmetric { bits: if plain { bits } else { 16 } };
        Some(Masked {
            sum: kind.code((end.min(0.0), open_high.max(0.0))),
            constant: of_constant.code((floor.min(0.0), greatest.max(0.0))),
        })
    }

    /// How far below the least unmasked element one of `value` must lie to vanish in the softmax that reads it;
    /// `None` where anything else reads it.
    fn vanishing(&self, value: ValueId) -> Option<f64> {
        let readers = self.links.consumers(value);
        if readers.is_empty() || self.links.is_output(value) {
            return None;
        }
        let shape = self.float.shape(value);
        readers.iter().try_fold(0.0, |most, &id| {
            let node = self.float.node(id);
            let after = *node.outputs.first()?;
            let same_rows = self.float.shape(after).last() == shape.last();
            let gap = match &node.op {
                // A quarter for the rounding of the codes.
                Op::Softmax(softmax) if softmax.axis + 1 == shape.len() => {
                    (2.0 * f64::from(TABLE_ONE)).ln() + 0.25
                }
                Op::Transpose(transpose) if transpose.perm.last() == Some(&(shape.len() - 1)) => {
                    self.vanishing(after)?
                }
                Op::Reshape(_) | Op::Identity(_) if same_rows => self.vanishing(after)?,
                Op::Binary(Binary::Add) => {
                    let other = node.inputs.iter().copied().find(|&other| other != value)?;
                    let gap = self.vanishing(after)?;
                    let (low, high) = match self.float.constant(other) {
                        Some(_) => self.unmasked(other, gap)?,
                        None => self.open(other),
                    };
                    gap + high - low
                }
                Op::Binary(_) => self.vanishing(after)? / scalar_factor(self.float, node)?.0,
                _ => return None,
            };
            Some(gap.max(most))
        })
    }

    /// The value that views show.
    fn shown(&self, value: ValueId) -> ValueId {
        let maker = self.links.producer(value).map(|id| self.float.node(id));
        match maker {
            Some(node) if matches!(node.op, Op::Reshape(_) | Op::Transpose(_) | Op::Identity(_)) => {
                node.inputs.first().map_or(value, |&inner| self.shown(inner))
            }
            _ => value,
        }
    }

    /// The range of a computed value without what is masked.
    fn open(&self, value: ValueId) -> Range {
        let shown = self.shown(value);
        let seen = self.calibration.of(shown).filter(|seen| seen.min <= seen.max);
        let seen = seen.map_or((0.0, 0.0), |seen| (f64::from(seen.min), f64::from(seen.max)));
        if let Some(&range) = self.open.get(&shown) {
            return range;
        }
        match self.links.producer(shown).map(|id| self.float.node(id)) {
            Some(node) => match scalar_factor(self.float, node) {
                Some((factor, operand)) if self.open.contains_key(&self.shown(operand)) => {
                    let (low, high) = self.open(operand);
                    (low * factor, high * factor)
                }
                _ => seen,
            },
            None => seen,
        }
    }

    /// The range of a constant without what lies `far` below the greatest element of its row; `None` where all of a
    /// row is as far below the others.
    fn unmasked(&self, constant: ValueId, far: f64) -> Option<Range> {
        let tensor = self.float.constant(constant)?;
        let row = tensor.shape().last().copied().unwrap_or(1).max(1);
        let all = tensor.data().iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut range: Option<Range> = None;
        for row in tensor.data().chunks_exact(row) {
            let top = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            // A row of which nothing is left: its numbers are lost in the float sum, too.
            if top < -1e7 && top < f64::from(all) {
                continue;
            }
            for x in row.iter().map(|&x| f64::from(x)).filter(|&x| x > top - far) {
                let (low, high) = range.unwrap_or((x, x));
                range = Some((low.min(x), high.max(x)));
            }
        }
        range
    }
}
