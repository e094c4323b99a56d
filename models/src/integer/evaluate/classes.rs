//! Accuracy of a classifier: by the integer graph, and beside it by the float graph.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{EvaluateError, logits};
use crate::float::heads::{self, HeadFunction, HeadStep};
use crate::float::ops::log_softmax::log_softmax;
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
    let head = graph.outputs.first().map_or(&[][..], |output| &output.head);
    // Both are ranked by what goes into a softmax at the end.
    let float = float.map(|float| heads::take_off(float).0);
    let one = |(index, &label): (usize, &i64)| -> Result<Classification, EvaluateError> {
        let image = image(index);
        let integer = heads::scores(head, &logits(&prepared, &image)?);
        let by_float = |float: &FloatGraph| {
            let reference = float::run(float, &image)?;
            let reference = reference.first().ok_or(EvaluateError::Mismatch)?;
            let reference = heads::scores(head, reference.data());
            if reference.len() != integer.len() {
                return Err(EvaluateError::Mismatch);
            }
            let [top1, top5] = tops(rank(&reference, label));
            Ok(FloatClassification {
                top1,
                top5,
                agreement: usize::from(same(greatest(&integer), greatest(&reference))),
                divergence: divergence(head, &reference, &integer),
            })
        };
        let [top1, top5] = tops(rank(&integer, label));
        Ok(Classification { images: 1, top1, top5, float: float.as_ref().map(by_float).transpose()? })
    };
    let each: Vec<Classification> = labels.par_iter().enumerate().map(one).collect::<Result<_, _>>()?;
    let sum = |of: fn(&Classification) -> usize| each.iter().map(of).sum::<usize>();
    let floats = || each.iter().filter_map(|one| one.float.as_ref());
    let sum_float = |of: fn(&FloatClassification) -> usize| floats().map(of).sum::<usize>();
    Ok(Classification {
        images: each.len(),
        top1: sum(|one| one.top1),
        top5: sum(|one| one.top5),
        float: float.as_ref().map(|_| FloatClassification {
            top1: sum_float(|one| one.top1),
            top5: sum_float(|one| one.top5),
            agreement: sum_float(|one| one.agreement),
            divergence: floats().map(|one| one.divergence).sum::<f64>() / each.len().max(1) as f64,
        }),
    })
}

pub(super) fn same(one: Option<usize>, other: Option<usize>) -> bool {
    one.is_some() && one == other
}

/// How many classes are ahead of the label; a tie goes to the lower index.
fn rank(scores: &[f64], label: i64) -> usize {
    let own = usize::try_from(label).ok().and_then(|label| scores.get(label));
    // What is not a number is no answer.
    let Some(&own) = own.filter(|own| !own.is_nan()) else { return usize::MAX };
    let ahead = |(index, &x): (usize, &f64)| x > own || (x == own && (index as i64) < label);
    scores.iter().enumerate().filter(|&pair| ahead(pair)).count()
}

/// One each where the label is the greatest, and where it is among the five greatest.
fn tops(ahead: usize) -> [usize; 2] {
    [1, 5].map(|places| usize::from(ahead < places))
}

/// The first of the greatest scores; `None` where all are no numbers.
pub(super) fn greatest(scores: &[f64]) -> Option<usize> {
    let numbers = scores.iter().enumerate().filter(|(_, score)| !score.is_nan());
    numbers.rev().max_by(|a, b| a.1.total_cmp(b.1)).map(|(index, _)| index)
}

/// `sum p ln(p / q)` of the class distributions that scores stand for: one for each row of a softmax at the end
/// (their mean), yes or no for each class of a sigmoid (their sum), and else the softmax of all scores.
pub(super) fn divergence(head: &[HeadStep], reference: &[f64], other: &[f64]) -> f64 {
    let sum = |p: &[f64], q: &[f64]| -> f64 {
        // What has no probability adds nothing, and would be 0 times infinity.
        p.iter().zip(q).filter(|(p, _)| p.exp() > 0.0).map(|(p, q)| p.exp() * (p - q)).sum()
    };
    let last = head.iter().rfind(|step| !matches!(step.function, HeadFunction::ArgMax { .. }));
    match last.map(|step| (step.function, step.outer * step.inner)) {
        Some((HeadFunction::Sigmoid, _)) => {
            // Logarithms of the probability and of its complement.
            let both = |x: &f64| [-libm::log1p((-x).exp()), -libm::log1p(x.exp())];
            let stable = |x: &f64| both(x).map(|log| if log.is_finite() { log } else { -x.abs() });
            reference.iter().zip(other).map(|(p, q)| sum(&stable(p), &stable(q))).sum()
        }
        // The scores are logarithms of probabilities already.
        Some((_, rows)) => sum(reference, other) / rows as f64,
        None => {
            let [mut p, mut q] = [reference.to_vec(), other.to_vec()];
            log_softmax(&mut p);
            log_softmax(&mut q);
            sum(&p, &q)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_and_divergence() {
        assert_eq!(rank(&[1.0, 3.0, 2.0, 3.0], 3), 1);
        assert_eq!(rank(&[1.0, 3.0], 7), usize::MAX);
        assert_eq!(greatest(&[1.0, 3.0, 3.0]), Some(1));
        let scores = [0.5, 3.0, 2.0, 1.0, 5.0, 4.0, 0.0];
        let wanted = [[0, 0], [0, 1], [0, 1], [0, 1], [1, 1], [0, 1], [0, 0]];
        assert_eq!([0, 1, 2, 3, 4, 5, 6].map(|label| tops(rank(&scores, label))), wanted);
        // What is not a number is neither right nor alike.
        assert_eq!(rank(&[f64::NAN, 3.0], 0), usize::MAX);
        assert_eq!(greatest(&[f64::NAN, -3.0]), Some(1));
        assert!(!same(greatest(&[f64::NAN]), greatest(&[f64::NAN])));
        assert!(divergence(&[], &[1.0, 2.0], &[2.0, 3.0]).abs() < 1e-12);
        assert!(divergence(&[], &[1.0, 2.0], &[2.0, 1.0]) > 0.1);
    }

    /// Two classes of which one has 3/4, and 1/2 instead: 3/4 ln(3/2) + 1/4 ln(1/2), however it is written.
    #[test]
    fn one_divergence_however_the_network_ends() {
        let wanted = 0.75 * 1.5f64.ln() + 0.25 * 0.5f64.ln();
        let step = |function, size| HeadStep { function, outer: 1, size, inner: 1 };
        let ln3 = 3f32.ln();
        for head in [vec![], vec![step(HeadFunction::Softmax, 2)], vec![step(HeadFunction::LogSoftmax, 2)]] {
            let [p, q] = [[ln3, 0.0], [1.0, 1.0]].map(|reals| heads::scores(&head, &reals));
            assert!((divergence(&head, &p, &q) - wanted).abs() < 1e-7, "{head:?}");
        }
        let head = [step(HeadFunction::Sigmoid, 1)];
        assert!((divergence(&head, &[f64::from(ln3)], &[0.0]) - wanted).abs() < 1e-7);
        assert!(divergence(&head, &[800.0], &[-800.0]) > 700.0, "far apart, and finite");
        // Two rows: their mean.
        let rows = [HeadStep { function: HeadFunction::Softmax, outer: 2, size: 2, inner: 1 }];
        let [p, q] = [[ln3, 0.0, 5.0, 5.0], [1.0; 4]].map(|reals| heads::scores(&rows, &reals));
        assert!((divergence(&rows, &p, &q) - wanted / 2.0).abs() < 1e-7);
    }
}
