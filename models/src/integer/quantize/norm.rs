//! LayerNorm: gamma, beta and the output scale become one requantization per channel.

use bitgauge_arch::arith::ChannelParameter;
use bitgauge_arch::arith::layernorm::FRACTION_BITS;

use super::QuantizeError;
use super::lower::Lowering;
use super::reorder::Wanted;
use crate::float::Node;
use crate::float::ops::layer_norm::LayerNorm;
use crate::integer::graph::IntOp;

impl Lowering<'_> {
    pub fn layer_norm(&mut self, node: &Node, norm: &LayerNorm) -> Result<(), QuantizeError> {
        let place = self.place(node, node.inputs[0])?;
        if norm.axis + 1 != place.view.0.len() {
            return Err(self.unsupported(node, "only the last axis is supported"));
        }
        let place = self.arranged(node, node.inputs[0], &place, Wanted::Channels)?;
        let shape = self.shape_of(&place);
        let constant = |index: usize| node.inputs.get(index).map(|&v| self.float.constant(v));
        let (Some(Some(gamma)), beta @ (None | Some(Some(_)))) = (constant(1), constant(2)) else {
            return Err(self.unsupported(node, "scale and bias must be constant"));
        };
        let beta = beta.flatten();
        let code = self.code_for(node.outputs[0]);
        let one = f64::from(1u32 << FRACTION_BITS);
        let shifts = self.shifts_of(&place);
        let parameter = |channel: usize| {
            let gamma = f64::from(gamma.data()[channel]);
            let beta = beta.map_or(0.0, |beta| f64::from(beta.data()[channel]));
            // The bias is beta in units of gamma, below 2^30. A gamma next to nothing beside beta is
            // raised until it fits: at 2^-16 of beta its own term stays below 2^-16 sqrt(N) of the
            // result. Where both are zero any small factor will do.
            let size = gamma.abs().max(beta.abs() / f64::from(1 << 16)).max(code.scale / one);
            let signed = if gamma < 0.0 { -size } else { size };
            let requant = self.requant(node, size / (one * code.scale))?;
            let bias = (beta / signed * one).round() as i32;
            let channel_shift = shifts.as_ref().map_or(0, |shifts| shifts[channel] as i8);
            Ok(ChannelParameter { bias, requant, negate: gamma < 0.0, channel_shift })
        };
        let parameters = (0..shape.channels).map(parameter).collect::<Result<_, QuantizeError>>()?;
        // The variance comes in units of N^2 squared steps; a saturating cast.
        let steps = shape.channels as f64 / self.scale_of(&place);
        let epsilon = (f64::from(norm.epsilon) * steps * steps).round() as u64;
        let op = IntOp::LayerNorm { parameters, epsilon, post: Self::post(&code, None) };
        let output = self.tensor(node.outputs[0], shape, code, &place.view);
        self.trace_layer(node.outputs[0], &place, code);
        self.emit(&node.name, op, vec![place.tensor], output, (node.outputs[0], place.view));
        Ok(())
    }
}
