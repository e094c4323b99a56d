//! Calibration: what every float value of a network takes over a set of images.
//!
//! Two passes, ends first and histograms second, so that the result does not depend on the order of
//! the images or on the number of threads. One image needs one pass: its ends are known when it is counted.

mod finite;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

pub use finite::NotFinite;

use self::finite::Watch;
use super::ranges::Observation;
use crate::float::{FloatGraph, RunError, Tensor, ValueId, run_observed};

/// What was seen, by [`ValueId`].
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Calibration {
    observations: Vec<Observation>,
    /// Greatest magnitude of each channel, of those values for which it was asked.
    channels: BTreeMap<ValueId, Vec<f32>>,
    not_finite: Option<NotFinite>,
}

impl Calibration {
    /// What was seen of a value.
    #[must_use]
    pub fn of(&self, id: ValueId) -> Option<&Observation> {
        self.observations.get(id.0)
    }

    /// Greatest magnitude of each channel of a value, where it was asked for.
    #[must_use]
    pub fn channels(&self, id: ValueId) -> Option<&[f32]> {
        self.channels.get(&id).map(Vec::as_slice)
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
    calibrate_channels(graph, count, image, &[])
}

/// As [`calibrate`], and keeps the greatest magnitude of each channel of some values, whose channels lie along the
/// dimension that is given.
pub fn calibrate_channels(
    graph: &FloatGraph,
    count: usize,
    image: impl Fn(usize) -> Vec<Tensor> + Sync,
    channels: &[(ValueId, usize)],
) -> Result<Calibration, RunError> {
    let reach = Reach::new(graph, channels);
    let empty = vec![Observation::new(); graph.values.len()];
    let watch = Watch::new(graph);
    if count == 1 {
        let both = |seen: &mut Observation, data: &[f32]| {
            seen.widen(data);
            seen.count(data);
        };
        let observations = pass(graph, count, &image, &empty, Some((&watch, &reach)), both)?;
        return Ok(Calibration {
            observations,
            channels: reach.into_found(),
            not_finite: watch.into_found(),
        });
    }
    let ends = pass(graph, count, &image, &empty, Some((&watch, &reach)), Observation::widen)?;
    let observations = pass(graph, count, &image, &ends, None, Observation::count)?;
    Ok(Calibration { observations, channels: reach.into_found(), not_finite: watch.into_found() })
}

/// Greatest magnitudes of channels, by all threads.
struct Reach {
    axes: BTreeMap<ValueId, usize>,
    found: Mutex<BTreeMap<ValueId, Vec<f32>>>,
}

impl Reach {
    fn new(graph: &FloatGraph, channels: &[(ValueId, usize)]) -> Reach {
        let axes: BTreeMap<ValueId, usize> = channels.iter().copied().collect();
        let empty = axes.iter().map(|(&id, &axis)| (id, vec![0.0; graph.shape(id)[axis]])).collect();
        Reach { axes, found: Mutex::new(empty) }
    }

    fn look(&self, id: ValueId, tensor: &Tensor) {
        let Some(&axis) = self.axes.get(&id) else { return };
        let count = tensor.shape()[axis];
        let inner: usize = tensor.shape()[axis + 1..].iter().product();
        let mut most = vec![0f32; count];
        for (at, run) in tensor.data().chunks(inner.max(1)).enumerate() {
            let most = &mut most[at % count];
            *most = run.iter().fold(*most, |most, x| most.max(x.abs()));
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(all) = found.get_mut(&id) {
            all.iter_mut().zip(most).for_each(|(all, most)| *all = all.max(most));
        }
    }

    fn into_found(self) -> BTreeMap<ValueId, Vec<f32>> {
        self.found.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pass(
    graph: &FloatGraph,
    count: usize,
    image: &(impl Fn(usize) -> Vec<Tensor> + Sync),
    start: &[Observation],
    watch: Option<(&Watch, &Reach)>,
    step: impl Fn(&mut Observation, &[f32]) + Sync,
) -> Result<Vec<Observation>, RunError> {
    (0..count)
        .into_par_iter()
        .try_fold(
            || start.to_vec(),
            |mut seen, index| {
                let mut watched = watch.map(|(watch, _)| watch.image(index));
                run_observed(graph, &image(index), |id, tensor| {
                    if let Some(watched) = &mut watched {
                        watched.look(id, tensor.data());
                    }
                    if let Some((_, reach)) = watch {
                        reach.look(id, tensor);
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

/// How many images [`calibrate`] runs for so many that are given.
#[must_use]
pub fn calibration_runs(count: usize) -> usize {
    if count == 1 { 1 } else { 2 * count }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::unary::Unary;
    use crate::float::{Node, Op};

    #[test]
    fn one_image_in_one_pass_is_one_image_twice_in_two() {
        let mut graph = FloatGraph::default();
        let x = graph.add_value("x", vec![1, 5]);
        let y = graph.add_value("y", vec![1, 5]);
        (graph.inputs, graph.outputs) = (vec![x], vec![y]);
        let op = Op::Unary(Unary::Sigmoid);
        graph.nodes.push(Node { name: "n".to_owned(), op, inputs: vec![x], outputs: vec![y] });
        let image = |_| vec![Tensor::new(vec![1, 5], vec![-2.0, 0.5, 0.25, 3.0, 1.0]).unwrap()];
        let [once, twice] = [1, 2].map(|count| calibrate(&graph, count, image).unwrap());
        for value in [x, y] {
            let (once, twice) = (once.of(value).unwrap(), twice.of(value).unwrap());
            assert_eq!((once.min, once.max), (twice.min, twice.max));
            assert_eq!(once.histogram.iter().map(|n| 2 * n).collect::<Vec<_>>(), twice.histogram);
        }
    }
}
