//! What the model says itself: codes of values and weights that came with QuantizeLinear and DequantizeLinear.
//!
//! Codes without sign are taken as signed ones, their zero point moved with them: the reals are the same. What
//! the accelerator cannot hold is calibrated like what the model says nothing of, and noted.

use std::collections::BTreeSet;

use bitgauge_arch::arith::Signedness;
use bitgauge_arch::code::Container;

use super::lower::Lowering;
use super::scale::factors;
use super::weights::{QuantizedWeights, sum};
use crate::float::ops::binary::Binary;
use crate::float::ops::pool::PoolKind;
use crate::float::{Grid, Node, Op, ValueId};
use crate::integer::graph::{CodeType, Weights};

/// How far a bias' own step may lie from the product of the steps of input and weights.
const STEP_TOLERANCE: f64 = 1e-4;

/// Values that are named, of those that do not have the model's codes.
const MAX_NOTES: usize = 8;

/// The codes that a grid stands for; `None` where no tensor can have them.
fn code(grid: &Grid) -> Option<CodeType> {
    let (&[scale], &[zero], (low, high)) = (&grid.scheme.scale[..], &grid.scheme.zero_point[..], grid.range?)
    else {
        return None;
    };
    let bits = match high - low {
        15 => 4,
        255 => 8,
        65_535 => 16,
        _ => return None,
    };
    let zero_point = zero - low - (1 << (bits - 1));
    let (sign, scale) = (Signedness::Signed, f64::from(scale));
    (scale > 0.0 && (low..=high).contains(&zero)).then_some(CodeType {
        bits,
        sign,
        scale,
        zero_point,
        tag_shift: 0,
    })
}

/// Whether both have the same reals.
fn same(a: &CodeType, b: &CodeType) -> bool {
    let first = |code: &CodeType| code.range().0 - code.zero_point;
    a.bits == b.bits && (a.scale / b.scale - 1.0).abs() < 1e-6 && first(a) == first(b)
}

impl Lowering<'_> {
    /// The codes that the model gives a value, where the value's readers can take them.
    pub fn given(&self, value: ValueId) -> Option<CodeType> {
        let code = code(self.float.grid(value)?)?;
        self.readable(value, &code).then_some(code)
    }

    /// Whether all that read a value can read these codes: products of activations take bytes around zero, sums,
    /// means and LayerNorm any codes, copies what their readers take, and all others bytes.
    fn readable(&self, value: ValueId, code: &CodeType) -> bool {
        let bytes = code.container() == Container::Byte;
        self.readers(value).iter().all(|&(id, _)| {
            let node = self.float.node(id);
            match &node.op {
                Op::MatMul(_) => bytes && code.zero_point == 0,
                _ if factors(self.float, node).is_some() => bytes && code.zero_point == 0,
                Op::Binary(Binary::Add) | Op::LayerNorm(_) | Op::GlobalAveragePool(_) | Op::ReduceMean(_) => {
                    true
                }
                Op::Pool(pool) if pool.kind != PoolKind::Max => true,
                Op::Pool(_) | Op::Slice(_) | Op::Gather(_) | Op::Concat(_) => {
                    node.outputs.iter().all(|&output| self.readable(output, code))
                }
                _ => bytes,
            }
        })
    }

    /// Notes which codes of the model the network does not have.
    pub fn compare_given(&mut self) {
        let mut notes = Vec::new();
        // What only shows a tensor in another order has no codes of its own.
        let mut noted = BTreeSet::new();
        for (id, value) in self.float.values.iter().enumerate() {
            let (Some(grid), Some(has)) = (&value.grid, self.trace.codes.get(&ValueId(id))) else { continue };
            let tensor = self.places[id].as_ref().map(|place| place.tensor);
            let first = tensor.is_none_or(|tensor| noted.insert(tensor));
            if first && !code(grid).is_some_and(|wanted| same(&wanted, has)) {
                let note = format!(
                    "`{}` cannot have the model's codes: it has {} bits, step {:.6e}, zero point {}",
                    value.name, has.bits, has.scale, has.zero_point
                );
                notes.push(note);
            }
        }
        let more = notes.len().saturating_sub(MAX_NOTES);
        if more > 0 {
            notes.truncate(MAX_NOTES);
            notes.push(format!("and so {more} more values: their codes are not the model's"));
        }
        self.trace.notes.extend(notes);
    }

    /// The model's own step of each of `n` outputs along an axis of the weights.
    pub fn steps(&self, node: &Node, axis: usize, n: usize) -> Option<Vec<f64>> {
        self.float.grid(*node.inputs.get(1)?)?.scales(axis, n)
    }

    /// The weights of `n` rows by the model's own steps, one of `steps` for each; `None` where they are no codes
    /// of 8 bits, or where a step is below what the row's bias allows.
    pub fn given_weights(
        &mut self,
        node: &Node,
        weights: &[f32],
        steps: Option<&[f64]>,
        least: impl Fn(usize) -> f64,
    ) -> Option<QuantizedWeights> {
        let steps = steps?;
        let k = weights.len() / steps.len().max(1);
        let mut codes = Vec::with_capacity(weights.len());
        for (row, &step) in weights.chunks_exact(k.max(1)).zip(steps) {
            codes.extend(row.iter().map(|&w| (f64::from(w) / step).round()));
        }
        let fits = steps.iter().enumerate().all(|(n, &step)| step > 0.0 && 2.0 * step >= least(n));
        if !fits || codes.len() != weights.len() || codes.iter().any(|code| !(-128.0..128.0).contains(code)) {
            let note = format!(
                "the weights of `{}` are quantized anew: the model's are no signed codes of 8 bits around zero",
                node.name
            );
            self.trace.notes.push(note);
            return None;
        }
        let codes: Vec<i8> = codes.into_iter().map(|code| code as i8).collect();
        // The file says no more of a constant's width than its codes do.
        let bits = (2..8).find(|&bits| Weights::new(codes.as_slice(), bits).fit()).unwrap_or(8);
        let sums = codes.chunks_exact(k.max(1)).map(sum).collect();
        Some(QuantizedWeights { codes: codes.into(), bits, scales: steps.to_vec(), sums })
    }

    /// The codes of a constant operand of an addition by the model's own step.
    pub fn given_constant(&self, value: ValueId, bits: u8) -> Option<CodeType> {
        let grid = self.float.grid(value)?;
        let &[scale] = &grid.scheme.scale[..] else { return None };
        let code =
            CodeType { bits, sign: Signedness::Signed, scale: f64::from(scale), zero_point: 0, tag_shift: 0 };
        let greatest = f64::from(self.float.constant(value)?.max_abs());
        (scale > 0.0 && (greatest / code.scale).round() <= f64::from(code.range().1)).then_some(code)
    }

    /// The code of an output's bias, if the model stores it at this step. The outputs of a transposed
    /// convolution's phase share the channels' biases.
    pub fn given_bias(&self, node: &Node, output: usize, step: f64) -> Option<i32> {
        let grid = self.float.grid(*node.inputs.get(2)?)?;
        let codes = grid.codes.as_deref()?;
        let channel = output % codes.len().max(1);
        let scales = &grid.scheme.scale;
        let own = f64::from(*if scales.len() == 1 { scales.first() } else { scales.get(channel) }?);
        let plain =
            grid.scheme.zero_point.iter().all(|&z| z == 0) && (own / step - 1.0).abs() < STEP_TOLERANCE;
        codes.get(channel).copied().filter(|_| plain)
    }
}
