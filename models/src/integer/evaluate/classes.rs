//! Accuracy of a classifier: by the integer graph, and beside it by the float graph.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{EvaluateError, logits};
use crate::float::{self, FloatGraph, Tensor};
use crate::integer::graph::IntGraph;
use crate::integer::interpreter::Prepared;

/// Classification of the same images.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// Images.
    pub images: usize,
    /// Images whose greatest integer logit is the label's.
    pub top1: usize,
    /// Images whose label is among the five greatest integer logits.
    pub top5: usize,
    /// The same by the float graph, where there is one.
    pub float: Option<FloatClassification>,
}

/// Classification by the float graph, and how far the integer graph is from it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FloatClassification {
    /// Images whose greatest float logit is the label's.
    pub top1: usize,
    /// Images whose label is among the five greatest float logits.
    pub top5: usize,
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

/// Classifies images `0..labels.len()`; `image(i)` gives the tensors of the graph's inputs. A label is a position
/// in the first output, in the order of ONNX.
///
/// # Errors
/// The graphs do not belong together, or one cannot be run.
pub fn classify(
    graph: &IntGraph,
    float: Option<&FloatGraph>,
    labels: &[i64],
    image: impl Fn(usize) -> Vec<Tensor> + Sync,
) -> Result<Classification, EvaluateError> {
    let prepared = Prepared::new(graph)?;
    let count = |yes: bool| usize::from(yes);
    let one = |(index, &label): (usize, &i64)| -> Result<Classification, EvaluateError> {
        let image = image(index);
        let integer = logits(&prepared, &image)?;
        let by_float = |float: &FloatGraph| {
            let reference = float::run(float, &image)?;
            let reference = reference.first().ok_or(EvaluateError::Mismatch)?.data();
            if reference.len() != integer.len() {
                return Err(EvaluateError::Mismatch);
            }
            let place = rank(reference, label);
            Ok(FloatClassification {
                top1: count(place < 1),
                top5: count(place < 5),
                agreement: count(greatest(&integer) == greatest(reference)),
                divergence: divergence(reference, &integer),
            })
        };
        let place = rank(&integer, label);
        Ok(Classification {
            images: 1,
            top1: count(place < 1),
            top5: count(place < 5),
            float: float.map(by_float).transpose()?,
        })
    };
    let each: Vec<Classification> = labels.par_iter().enumerate().map(one).collect::<Result<_, _>>()?;
    let sum = |of: fn(&Classification) -> usize| each.iter().map(of).sum::<usize>();
    let floats = || each.iter().filter_map(|one| one.float.as_ref());
    let sum_float = |of: fn(&FloatClassification) -> usize| floats().map(of).sum::<usize>();
    Ok(Classification {
        images: each.len(),
        top1: sum(|one| one.top1),
        top5: sum(|one| one.top5),
        float: float.map(|_| FloatClassification {
            top1: sum_float(|one| one.top1),
            top5: sum_float(|one| one.top5),
            agreement: sum_float(|one| one.agreement),
            divergence: floats().map(|one| one.divergence).sum::<f64>() / each.len().max(1) as f64,
        }),
    })
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
