//! What the float network gives, kept: many integer networks are held against it.

use rayon::prelude::*;

use super::classes::{divergence, greatest, same};
use super::{EvaluateError, encode_inputs};
use crate::float::{self, FloatGraph, Tensor, heads};
use crate::integer::graph::IntGraph;
use crate::integer::interpreter::Prepared;

/// Outputs of the float network for some images, before their heads.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// By image, by output.
    images: Vec<Vec<Vec<f32>>>,
}

/// How far an integer network is from its float network.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Distance {
    /// Mean Kullback-Leibler divergence of the first output's class distribution from the float one, nats.
    pub divergence: f64,
    /// Squared error over squares, the mean over outputs.
    pub error: f64,
    /// Share of the images of which both name the same class, 0 to 1.
    pub agreement: f64,
}

impl Reference {
    /// Runs the float network over `count` images; `image(i)` gives the tensors of its inputs.
    ///
    /// # Errors
    /// The graph cannot be run.
    pub fn new(
        float: &FloatGraph,
        count: usize,
        image: impl Fn(usize) -> Vec<Tensor> + Sync,
    ) -> Result<Reference, EvaluateError> {
        let bare = heads::take_off(float).0;
        let one = |index| -> Result<Vec<Vec<f32>>, EvaluateError> {
            let outputs = float::run(&bare, &image(index))?;
            Ok(outputs.into_iter().map(|output| output.data().to_vec()).collect())
        };
        let images = (0..count).into_par_iter().map(one).collect::<Result<_, _>>()?;
        Ok(Reference { images })
    }

    /// How far a network is over the same images.
    ///
    /// # Errors
    /// The network is not one of the same float network, or cannot be run.
    pub fn distance(
        &self,
        graph: &IntGraph,
        image: impl Fn(usize) -> Vec<Tensor> + Sync,
    ) -> Result<Distance, EvaluateError> {
        let prepared = Prepared::new(graph)?;
        let head = graph.outputs.first().map_or(&[][..], |output| &output.head);
        let one = |(index, wanted): (usize, &Vec<Vec<f32>>)| -> Result<Seen, EvaluateError> {
            let containers = prepared.run_outputs(&encode_inputs(graph, &image(index))?)?;
            let outputs = graph.outputs.iter().zip(&containers);
            let found: Vec<Vec<f32>> = outputs.map(|(output, bytes)| output.reals(graph, bytes)).collect();
            if found.len() != wanted.len() || found.iter().zip(wanted).any(|(a, b)| a.len() != b.len()) {
                return Err(EvaluateError::Mismatch);
            }
            let (Some(reference), Some(integer)) = (wanted.first(), found.first()) else {
                return Err(EvaluateError::Mismatch);
            };
            let scores = [reference, integer].map(|reals| heads::scores(head, reals));
            Ok(Seen {
                divergence: divergence(head, &scores[0], &scores[1]),
                agrees: same(greatest(&scores[0]), greatest(&scores[1])),
                errors: wanted.iter().zip(&found).map(|(wanted, found)| squares(wanted, found)).collect(),
            })
        };
        let each: Vec<Seen> = self.images.par_iter().enumerate().map(one).collect::<Result<_, _>>()?;
        let count = each.len().max(1) as f64;
        let outputs = graph.outputs.len();
        let relative = |output: usize| {
            let sum = |of: usize| each.iter().map(|seen| seen.errors[output][of]).sum::<f64>();
            // An output that is zero for all images has no error only where it is met exactly.
            sum(0) / sum(1).max(f64::MIN_POSITIVE)
        };
        Ok(Distance {
            divergence: each.iter().map(|seen| seen.divergence).sum::<f64>() / count,
            error: (0..outputs).map(relative).sum::<f64>() / outputs.max(1) as f64,
            agreement: each.iter().filter(|seen| seen.agrees).count() as f64 / count,
        })
    }
}

/// One image.
struct Seen {
    divergence: f64,
    agrees: bool,
    /// Of each output, squared errors and squares.
    errors: Vec<[f64; 2]>,
}

fn squares(wanted: &[f32], found: &[f32]) -> [f64; 2] {
    let mut sums = [0.0; 2];
    for (&a, &b) in wanted.iter().zip(found) {
        let (a, b) = (f64::from(a), f64::from(b));
        sums[0] += (a - b) * (a - b);
        sums[1] += a * a;
    }
    sums
}
