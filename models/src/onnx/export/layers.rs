//! Nodes with trained parameters: weights and biases as codes, LayerNorm with what its requantizers stand for.
//!
//! A requantizer's factor is `step of the input * step of the weights / step of the output`, rounded to 16
//! bits. The steps of the weights are taken from it, so that a runtime computes with what the accelerator has.

use bitgauge_arch::arith::ChannelParameter;
use bitgauge_arch::arith::layernorm::FRACTION_BITS;

use super::codes::{per_channel, single};
use super::file::{float, int, ints};
use super::{Export, ExportError, Written, refuse};
use crate::float::ops::conv::Conv;
use crate::float::ops::conv_transpose::ConvTranspose;
use crate::float::ops::layer_norm::LayerNorm;
use crate::float::{Node, Tensor};
use crate::integer::{IntOp, Layer};
use crate::onnx::generated::tensor_proto::DataType;

/// A layer's weights `[n][channel][tap]`, and its biases, as ONNX means them.
struct Stored {
    weight: Vec<i32>,
    /// Bits of a weight.
    bits: u8,
    scales: Vec<f32>,
    bias: Vec<i32>,
    bias_scales: Vec<f32>,
}

/// A step as ONNX stores it.
fn step(code: f64) -> f64 {
    f64::from(single(code))
}

impl Export<'_> {
    fn layer(&self, node: &Node) -> Written<(Layer, &IntOp)> {
        let layer = node.outputs.first().and_then(|output| self.trace.layers.get(output));
        let found = layer.and_then(|layer| Some((*layer, self.quantized.operator(layer)?)));
        found.ok_or_else(|| ExportError::Foreign(node.name.clone()))
    }

    fn parameters(&self, node: &Node) -> Written<Stored> {
        let (layer, op) = self.layer(node)?;
        let (weight, parameters, depthwise, taps) = match op {
            IntOp::Conv { weight, parameters, window, .. } => {
                (weight, parameters, false, window.kernel[0] * window.kernel[1])
            }
            IntOp::Depthwise { weight, parameters, window, .. } => {
                (weight, parameters, true, window.kernel[0] * window.kernel[1])
            }
            _ => return Err(ExportError::Foreign(node.name.clone())),
        };
        let (n, k) = (parameters.len(), weight.len() / parameters.len().max(1));
        let (taps, channels) = (taps.max(1), k / taps.max(1));
        let at = |index: usize| {
            let (row, rest) = (index / k.max(1), index % k.max(1));
            let (channel, tap) = (rest / taps, rest % taps);
            let place = if depthwise { tap * n + row } else { row * k + tap * channels + channel };
            i32::from(weight[place])
        };
        let bits = weight.bits;
        let weight: Vec<i32> = (0..weight.len()).map(at).collect();
        let from = step(layer.from.scale) * layer.factor;
        let scales: Vec<f32> =
            parameters.iter().map(|p| (p.requant.to_real() * step(layer.to.scale) / from) as f32).collect();
        let bias = |(row, parameter): (usize, &ChannelParameter)| {
            // The accelerator sums codes, ONNX their distances from the zero point.
            let sum: i64 = weight[row * k..][..k].iter().map(|&w| i64::from(w)).sum();
            let whole = i64::from(parameter.bias) + i64::from(layer.from.zero_point) * sum;
            match i32::try_from(whole) {
                Ok(bias) if !parameter.negate => Ok(bias),
                Ok(_) => Err(refuse(node, format!("output channel {row} is negated"))),
                Err(_) => Err(refuse(node, format!("the bias of output channel {row} passes 32 bits"))),
            }
        };
        let bias = parameters.iter().enumerate().map(bias).collect::<Written<Vec<i32>>>()?;
        let bias_scales = scales.iter().map(|&scale| (f64::from(scale) * from) as f32).collect();
        Ok(Stored { weight, bits, scales, bias, bias_scales })
    }

    fn weights(&mut self, node: &Node, stored: &Stored, shape: &[usize], axis: usize) -> String {
        let element = if stored.bits <= 4 { DataType::Int4 } else { DataType::Int8 };
        let name = node.inputs.get(1).map_or(&node.name, |&v| &self.float.value(v).name);
        if axis == 0 {
            return per_channel(&mut self.file, name, (element, shape, &stored.weight), &stored.scales, 0);
        }
        // `[k, n]`, as MatMul reads it.
        let (k, n) = (shape[0], shape[1]);
        let weight: Vec<i32> = (0..k * n).map(|i| stored.weight[(i % n) * k + i / n]).collect();
        per_channel(&mut self.file, name, (element, shape, &weight), &stored.scales, axis)
    }

    /// The biases, in the last of `rank` dimensions.
    fn bias(&mut self, node: &Node, stored: &Stored, rank: usize) -> String {
        let name = match node.inputs.get(2) {
            Some(&v) => self.float.value(v).name.clone(),
            None => format!("{}_bias", node.name),
        };
        let mut shape = vec![1; rank];
        shape[rank - 1] = stored.bias.len();
        let codes = (DataType::Int32, &shape[..], &stored.bias[..]);
        per_channel(&mut self.file, &name, codes, &stored.bias_scales, rank - 1)
    }

    pub fn conv(&mut self, node: &Node, conv: &Conv, raw: &str) -> Written<()> {
        let (output, x, w) = (node.outputs[0], node.inputs[0], node.inputs[1]);
        let stored = self.parameters(node)?;
        let shape = self.float.shape(w).to_vec();
        if shape.iter().product::<usize>() != stored.weight.len() {
            return Err(ExportError::Foreign(node.name.clone()));
        }
        let x = self.operand(output, x)?;
        let inputs = vec![x, self.weights(node, &stored, &shape, 0), self.bias(node, &stored, 1)];
        let window = &conv.window;
        let attributes = vec![
            ints("dilations", &window.dilations),
            int("group", conv.groups as i64),
            ints("kernel_shape", &window.kernel),
            ints("pads", &window.pads),
            ints("strides", &window.strides),
        ];
        self.file.node("Conv", &node.name, inputs, raw, attributes);
        Ok(())
    }

    /// Weights are stored as the floats that their codes stand for: DequantizeLinear has one step per channel, the
    /// accelerator one for each phase of the stride as well.
    pub fn conv_transpose(&mut self, node: &Node, conv: &ConvTranspose, raw: &str) -> Written<()> {
        let (output, x, w) = (node.outputs[0], node.inputs[0], node.inputs[1]);
        let foreign = || ExportError::Foreign(node.name.clone());
        let kernel = self.trace.kernels.get(&output).ok_or_else(foreign)?;
        let kernel = Tensor::new(self.float.shape(w).to_vec(), kernel.clone()).map_err(|_| foreign())?;
        let mut inputs = vec![self.operand(output, x)?, self.file.floats(&self.float.value(w).name, &kernel)];
        if let Some(&bias) = node.inputs.get(2) {
            let tensor = self.float.constant(bias).ok_or_else(foreign)?;
            inputs.push(self.file.floats(&self.float.value(bias).name, tensor));
        }
        let window = &conv.window;
        let attributes = vec![
            ints("dilations", &window.dilations),
            int("group", conv.groups as i64),
            ints("kernel_shape", &window.kernel),
            ints("output_padding", &conv.output_padding),
            ints("pads", &window.pads),
            ints("strides", &window.strides),
        ];
        self.file.node("ConvTranspose", &node.name, inputs, raw, attributes);
        Ok(())
    }

    pub fn linear(&mut self, node: &Node, raw: &str) -> Written<()> {
        let (output, x) = (node.outputs[0], node.inputs[0]);
        let (rank, &[n, k]) = (self.float.shape(x).len(), self.float.shape(node.inputs[1])) else {
            return Err(ExportError::Foreign(node.name.clone()));
        };
        let mut stored = self.parameters(node)?;
        if stored.weight.len() != n * k || stored.bias.len() != n {
            return Err(ExportError::Foreign(node.name.clone()));
        }
        let x = self.operand(output, x)?;
        if rank == 2 {
            let bias = self.bias(node, &stored, 1);
            let inputs = vec![x, self.weights(node, &stored, &[n, k], 0), bias];
            self.file.node("Gemm", &node.name, inputs, raw, vec![int("transB", 1)]);
            return Ok(());
        }
        let inputs = vec![x, self.weights(node, &stored, &[k, n], 1)];
        let product = self.file.unique(&format!("{raw}_product"));
        self.file.node("MatMul", &node.name, inputs, &product, vec![]);
        // Of the output's rank: ONNX Runtime makes MatMul and a flat bias a Gemm, and of the Reshapes around it
        // pairs that it refuses itself where opset 21 is in use (its issue 25526).
        // A row by itself has no such rank, and its bias is subtracted.
        let op = if rank > 1 { "Add" } else { "Sub" };
        if rank <= 1 {
            stored.bias.iter_mut().for_each(|bias| *bias = bias.saturating_neg());
        }
        let bias = self.bias(node, &stored, rank.max(1));
        let label = self.file.unique(&format!("{}_bias_add", node.name));
        self.file.node(op, &label, vec![product, bias], raw, vec![]);
        Ok(())
    }

    pub fn layer_norm(&mut self, node: &Node, norm: &LayerNorm, raw: &str) -> Written<()> {
        let (layer, IntOp::LayerNorm { parameters, .. }) = self.layer(node)? else {
            return Err(ExportError::Foreign(node.name.clone()));
        };
        let one = f64::from(1u32 << FRACTION_BITS);
        let gamma = |p: &ChannelParameter| {
            let size = p.requant.to_real() * step(layer.to.scale) * one;
            if p.negate { -size } else { size }
        };
        let beta = |p: &ChannelParameter| (f64::from(p.bias) / one * gamma(p)) as f32;
        let [gamma, beta] = [
            parameters.iter().map(|p| gamma(p) as f32).collect::<Vec<_>>(),
            parameters.iter().map(beta).collect(),
        ];
        let tensor =
            |data: Vec<f32>| Tensor::new(vec![data.len()], data).map_err(|e| refuse(node, e.to_string()));
        let (gamma, beta) = (tensor(gamma)?, tensor(beta)?);
        let x = self.operand(node.outputs[0], node.inputs[0])?;
        let gamma = self.file.floats(&format!("{}_scale", node.name), &gamma);
        let beta = self.file.floats(&format!("{}_bias", node.name), &beta);
        let attributes = vec![int("axis", norm.axis as i64), float("epsilon", norm.epsilon)];
        self.file.node("LayerNormalization", &node.name, vec![x, gamma, beta], raw, attributes);
        Ok(())
    }
}
