//! Calibration: what every float value of a network takes over a set of images.
//!
//! Two passes, ends first and histograms second, so that the result does not depend on the order of
//! the images or on the number of threads.

use rayon::prelude::*;

use super::ranges::Observation;
use crate::float::{FloatGraph, RunError, Tensor, ValueId, run_observed};

/// What was seen, by [`ValueId`].
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Calibration {
    observations: Vec<Observation>,
}

impl Calibration {
    /// What was seen of a value.
    #[must_use]
    pub fn of(&self, id: ValueId) -> Option<&Observation> {
        self.observations.get(id.0)
    }
}

/// Runs the graph over `count` images; `image(i)` gives the tensors of the graph's inputs.
pub fn calibrate(
    graph: &FloatGraph,
    count: usize,
    image: impl Fn(usize) -> Vec<Tensor> + Sync,
) -> Result<Calibration, RunError> {
    let empty = vec![Observation::new(); graph.values.len()];
    let ends = pass(graph, count, &image, &empty, Observation::widen)?;
    let observations = pass(graph, count, &image, &ends, Observation::count)?;
    Ok(Calibration { observations })
}

fn pass(
    graph: &FloatGraph,
    count: usize,
    image: &(impl Fn(usize) -> Vec<Tensor> + Sync),
    start: &[Observation],
    step: impl Fn(&mut Observation, &[f32]) + Sync,
) -> Result<Vec<Observation>, RunError> {
    (0..count)
        .into_par_iter()
        .try_fold(
            || start.to_vec(),
            |mut seen, index| {
                run_observed(graph, &image(index), |ValueId(id), tensor| step(&mut seen[id], tensor.data()))?;
                Ok(seen)
            },
        )
        .try_reduce(|| start.to_vec(), |a, b| Ok(a.into_iter().zip(&b).map(|(x, y)| x.merge(y)).collect()))
}
