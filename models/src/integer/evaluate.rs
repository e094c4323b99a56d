//! How well an integer graph stands for its float graph.
//!
//! Deterministic: images run in parallel, sums are taken in the images' order.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::code::{CodeError, ImageOrder, dequantize, quantize_input};
use super::graph::IntGraph;
use super::interpreter::{Prepared, RunError};
use crate::float::{self, FloatGraph, Tensor};

/// Why an evaluation failed.
#[derive(Debug, Error)]
pub enum EvaluateError {
    /// The integer graph.
    #[error(transparent)]
    Integer(#[from] RunError),
    /// The float graph.
    #[error(transparent)]
    Float(#[from] float::RunError),
    /// The image.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// The two graphs do not belong together.
    #[error("the integer and the float graph differ in inputs or outputs")]
    Mismatch,
}

/// Classification by both graphs on the same images.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// Images.
    pub images: usize,
    /// Images whose greatest integer logit is the label's.
    pub top1: usize,
    /// Images whose label is among the five greatest integer logits.
    pub top5: usize,
    /// As `top1`, float.
    pub float_top1: usize,
    /// As `top5`, float.
    pub float_top5: usize,
    /// Images of which both graphs say the same.
    pub agreement: usize,
    /// Mean Kullback-Leibler divergence of the integer from the float class distribution, in nats.
    pub divergence: f64,
}

impl Classification {
    /// A count as a percentage of the images.
    #[must_use]
    pub fn percent(&self, count: usize) -> f64 {
        100.0 * count as f64 / self.images.max(1) as f64
    }
}

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

/// Codes of all graph inputs for an image.
pub fn encode_inputs(graph: &IntGraph, image: &[Tensor]) -> Result<Vec<Vec<u8>>, EvaluateError> {
    if graph.inputs.len() != image.len() {
        return Err(EvaluateError::Mismatch);
    }
    let pairs = graph.inputs.iter().zip(image);
    pairs
        .map(|(&id, tensor)| {
            let order = match tensor.shape() {
                [1, _, _, _] => ImageOrder::ChannelMajor,
                _ => ImageOrder::Stored,
            };
            Ok(quantize_input(tensor.data(), order, graph.tensor(id))?)
        })
        .collect()
}

/// The first output's reals for an image.
pub fn logits(prepared: &Prepared<'_>, image: &[Tensor]) -> Result<Vec<f32>, EvaluateError> {
    let graph = prepared.graph();
    let outputs = prepared.run_outputs(&encode_inputs(graph, image)?)?;
    match (outputs.first(), graph.outputs.first()) {
        (Some(bytes), Some(&id)) => Ok(dequantize(bytes, graph.tensor(id))),
        _ => Err(EvaluateError::Mismatch),
    }
}

/// Classifies images `0..labels.len()`; `image(i)` gives the tensors of the graph's inputs.
pub fn classify(
    graph: &IntGraph,
    float: &FloatGraph,
    labels: &[i64],
    image: impl Fn(usize) -> Vec<Tensor> + Sync,
) -> Result<Classification, EvaluateError> {
    let prepared = Prepared::new(graph)?;
    let one = |(index, &label): (usize, &i64)| {
        let image = image(index);
        let integer = logits(&prepared, &image)?;
        let reference = float::run(float, &image)?;
        let reference = reference.first().ok_or(EvaluateError::Mismatch)?.data();
        if reference.len() != integer.len() {
            return Err(EvaluateError::Mismatch);
        }
        let (place, float_place) = (rank(&integer, label), rank(reference, label));
        let count = |yes: bool| usize::from(yes);
        Ok(Classification {
            images: 1,
            top1: count(place < 1),
            top5: count(place < 5),
            float_top1: count(float_place < 1),
            float_top5: count(float_place < 5),
            agreement: count(greatest(&integer) == greatest(reference)),
            divergence: divergence(reference, &integer),
        })
    };
    let each: Vec<Classification> = labels.par_iter().enumerate().map(one).collect::<Result<_, _>>()?;
    let mut sum = each.iter().fold(Classification::default(), |a, b| Classification {
        images: a.images + b.images,
        top1: a.top1 + b.top1,
        top5: a.top5 + b.top5,
        float_top1: a.float_top1 + b.float_top1,
        float_top5: a.float_top5 + b.float_top5,
        agreement: a.agreement + b.agreement,
        divergence: a.divergence + b.divergence,
    });
    sum.divergence /= sum.images.max(1) as f64;
    Ok(sum)
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
            let (name, view) = graph.tensor(id).float_source.as_ref()?;
            Some((id, *view, float.find(name)?))
        })
        .collect();
    let one = |index: usize| -> Result<Vec<[f64; 3]>, EvaluateError> {
        let image = image(index);
        let integer = prepared.run(&encode_inputs(graph, &image)?)?;
        let mut values = vec![None; float.values.len()];
        float::run_observed(float, &image, |id, tensor| values[id.0] = Some(tensor.clone()))?;
        tensors
            .iter()
            .map(|&(id, view, value)| {
                let tensor = graph.tensor(id);
                let (Some(bytes), Some(reals)) = (&integer[id.0], &values[value.0]) else {
                    return Err(EvaluateError::Mismatch);
                };
                if reals.len() != tensor.shape.elements() {
                    return Err(EvaluateError::Mismatch);
                }
                let (low, high) = tensor.code.range();
                let mut sums = [0.0f64; 3];
                for (element, position) in view.positions(tensor.shape).enumerate() {
                    let (code, real) = (tensor.code.read(bytes, element), f64::from(reals.data()[position]));
                    sums[0] += real * real;
                    sums[1] += (tensor.code.decode(code) - real).powi(2);
                    sums[2] += f64::from(u8::from(code == low || code == high));
                }
                Ok(sums)
            })
            .collect()
    };
    let each: Vec<Vec<[f64; 3]>> = (0..count).into_par_iter().map(one).collect::<Result<_, _>>()?;
    let noise = |(index, &(id, _, value)): (usize, &(super::TensorId, super::FloatView, float::ValueId))| {
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

/// How many classes are ahead of the label; a tie goes to the lower index.
fn rank(logits: &[f32], label: i64) -> usize {
    let Some(&own) = usize::try_from(label).ok().and_then(|label| logits.get(label)) else {
        return usize::MAX;
    };
    let ahead = |(index, &x): (usize, &f32)| x > own || (x == own && (index as i64) < label);
    logits.iter().enumerate().filter(|&pair| ahead(pair)).count()
}

fn greatest(logits: &[f32]) -> usize {
    let better = |best: usize, index: usize| if logits[index] > logits[best] { index } else { best };
    (0..logits.len()).fold(0, better)
}

/// `sum p ln(p / q)` of the softmax distributions.
fn divergence(reference: &[f32], other: &[f32]) -> f64 {
    let log_softmax = |x: &[f32]| -> Vec<f64> {
        let top = f64::from(x.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        let sum: f64 = x.iter().map(|&v| (f64::from(v) - top).exp()).sum();
        x.iter().map(|&v| f64::from(v) - top - sum.ln()).collect()
    };
    let (p, q) = (log_softmax(reference), log_softmax(other));
    p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_and_divergence() {
        assert_eq!(rank(&[1.0, 3.0, 2.0, 3.0], 3), 1);
        assert_eq!(rank(&[1.0, 3.0], 7), usize::MAX);
        assert_eq!(greatest(&[1.0, 3.0, 3.0]), 1);
        assert!(divergence(&[1.0, 2.0], &[2.0, 3.0]).abs() < 1e-12);
        assert!(divergence(&[1.0, 2.0], &[2.0, 1.0]) > 0.1);
    }
}
