//! Calibration: what every float value of a network takes over a set of images.
//!
//! Two passes, ends first and histograms second, so that the result does not depend on the order of
//! the images or on the number of threads.

mod finite;

use rayon::prelude::*;

pub use finite::NotFinite;

use self::finite::Watch;
use super::ranges::Observation;
use crate::float::{FloatGraph, RunError, Tensor, ValueId, run_observed};

/// What was seen, by [`ValueId`].
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Calibration {
    observations: Vec<Observation>,
    not_finite: Option<NotFinite>,
}

impl Calibration {
    /// What was seen of a value.
    #[must_use]
    pub fn of(&self, id: ValueId) -> Option<&Observation> {
        self.observations.get(id.0)
    }

    /// Where the float network gives what is not finite, if it does; masks that are infinite on purpose are not meant.
    #[must_use]
    pub fn not_finite(&self) -> Option<&NotFinite> {
        self.not_finite.as_ref()
    }
}

/// Runs the graph over `count` images; `image(i)` gives the tensors of the graph's inputs.
pub fn calibrate(
    graph: &FloatGraph,
    count: usize,
    image: impl Fn(usize) -> Vec<Tensor> + Sync,
) -> Result<Calibration, RunError> {
    let empty = vec![Observation::new(); graph.values.len()];
    let watch = Watch::new(graph);
    let ends = pass(graph, count, &image, &empty, Some(&watch), Observation::widen)?;
    let observations = pass(graph, count, &image, &ends, None, Observation::count)?;
    Ok(Calibration { observations, not_finite: watch.into_found() })
}

fn pass(
    graph: &FloatGraph,
    count: usize,
    image: &(impl Fn(usize) -> Vec<Tensor> + Sync),
    start: &[Observation],
    watch: Option<&Watch>,
    step: impl Fn(&mut Observation, &[f32]) + Sync,
) -> Result<Vec<Observation>, RunError> {
    (0..count)
        .into_par_iter()
        .try_fold(
            || start.to_vec(),
            |mut seen, index| {
                let mut watched = watch.map(|watch| watch.image(index));
                run_observed(graph, &image(index), |id, tensor| {
                    if let Some(watched) = &mut watched {
                        watched.look(id, tensor.data());
                    }
                    step(&mut seen[id.0], tensor.data());
                })?;
                if let Some(watched) = watched {
                    watched.end();
                }
                Ok(seen)
            },
        )
        .try_reduce(|| start.to_vec(), |a, b| Ok(a.into_iter().zip(&b).map(|(x, y)| x.merge(y)).collect()))
}
