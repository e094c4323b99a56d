//! Signal to quantization noise of every tensor, and what it tells.

use bitgauge_models::float::FloatGraph;
use bitgauge_models::integer::IntGraph;
use bitgauge_models::integer::evaluate::{LoudChannel, TensorNoise, noise};

use crate::error::FlowError;
use crate::images::Images;
use crate::progress::{Progress, Stage};

/// Images that noise is measured on.
const IMAGES: usize = 16;

/// Noise of every tensor over the first images, and notes on it.
///
/// # Errors
/// The graphs do not belong together, or the images are not theirs.
pub fn tensor_noise(
    float: &FloatGraph,
    graph: &IntGraph,
    images: &Images,
    progress: &dyn Progress,
) -> Result<(Vec<TensorNoise>, Vec<String>), FlowError> {
    let count = images.len().min(IMAGES);
    let running = progress.begin(Stage::Noise, Some(count));
    let noise = noise(graph, float, count, |index| {
        running.step();
        vec![images.tensor(index)]
    })?;
    let notes = notes(&noise);
    Ok((noise, notes))
}

fn notes(noise: &[TensorNoise]) -> Vec<String> {
    let not_finite = noise.iter().find_map(|noise| {
        let image = noise.not_finite?;
        Some(format!(
            "`{}`: the float network gives what is not finite for image {image}; there is no signal-to-noise ratio",
            noise.value
        ))
    });
    let loud = noise.iter().filter_map(|noise| {
        let LoudChannel { channel, greatest, others } = noise.loud?;
        Some(format!(
            "`{}`: channel {channel} reaches {greatest:.3}, the others about {others:.3}; one step for all leaves these \
             few of their bits: scale the channel down in the model, or keep less of the range (--range percentile)",
            noise.tensor
        ))
    });
    not_finite.into_iter().chain(loud).collect()
}
