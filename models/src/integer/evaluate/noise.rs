//! Signal to quantization noise, tensor by tensor.

use bitgauge_arch::program::ElementOrder;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{EvaluateError, encode_inputs};
use crate::float::{self, FloatGraph, Tensor};
use crate::integer::graph::{IntGraph, TensorId};
use crate::integer::interpreter::Prepared;

/// Signal to quantization noise of one tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorNoise {
    /// Name of the integer tensor.
    pub tensor: String,
    /// Name of the float value.
    pub value: String,
    /// `10 log10(sum of squares / sum of squared errors)`; infinite where there is no error.
    pub decibels: f64,
    /// Share of the codes at the ends of the range.
    pub at_ends: f64,
}

/// Noise of every computed tensor that stands for a float value, over `count` images, in node order.
pub fn noise(
    graph: &IntGraph,
    float: &FloatGraph,
    count: usize,
    image: impl Fn(usize) -> Vec<Tensor> + Sync,
) -> Result<Vec<TensorNoise>, EvaluateError> {
    let prepared = Prepared::new(graph)?;
    let computed = graph.inputs.iter().copied().chain(graph.nodes.iter().map(|n| n.output));
    let tensors: Vec<_> = computed
        .filter_map(|id| {
            let source = graph.tensor(id).float_source.as_ref()?;
            Some((id, &source.order, float.find(&source.value)?))
        })
        .collect();
    let one = |index: usize| -> Result<Vec<[f64; 3]>, EvaluateError> {
        let image = image(index);
        let integer = prepared.run(&encode_inputs(graph, &image)?)?;
        let mut values = vec![None; float.values.len()];
        float::run_observed(float, &image, |id, tensor| values[id.0] = Some(tensor.clone()))?;
        tensors
            .iter()
            .map(|&(id, order, value)| {
                let tensor = graph.tensor(id);
                let (Some(bytes), Some(reals)) = (&integer[id.0], &values[value.0]) else {
                    return Err(EvaluateError::Mismatch);
                };
                if reals.len() != tensor.shape.elements() {
                    return Err(EvaluateError::Mismatch);
                }
                let (low, high) = tensor.code.range();
                let mut sums = [0.0f64; 3];
                let codes = order.take(bytes, tensor.code.container_bytes());
                for (element, &real) in reals.data().iter().enumerate() {
                    let (code, real) = (tensor.code.read(&codes, element), f64::from(real));
                    sums[0] += real * real;
                    sums[1] += (tensor.code.decode(code) - real).powi(2);
                    sums[2] += f64::from(u8::from(code == low || code == high));
                }
                Ok(sums)
            })
            .collect()
    };
    let each: Vec<Vec<[f64; 3]>> = (0..count).into_par_iter().map(one).collect::<Result<_, _>>()?;
    let noise = |(index, &(id, _, value)): (usize, &(TensorId, &ElementOrder, float::ValueId))| {
        let [signal, error, ends] =
            each.iter().fold([0.0; 3], |a, sums| std::array::from_fn(|i| a[i] + sums[index][i]));
        let elements = graph.tensor(id).shape.elements() * count.max(1);
        TensorNoise {
            tensor: graph.tensor(id).name.clone(),
            value: float.value(value).name.clone(),
            decibels: 10.0 * (signal / error).log10(),
            at_ends: ends / elements as f64,
        }
    };
    Ok(tensors.iter().enumerate().map(noise).collect())
}
