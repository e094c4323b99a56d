//! Accuracy of a classifier over labelled images.

use bitgauge_models::float::FloatGraph;
use bitgauge_models::integer::IntGraph;
use bitgauge_models::integer::evaluate::{Classification, classify};
use serde::Serialize;

use crate::error::FlowError;
use crate::images::Images;
use crate::progress::{Progress, Stage};

/// Accuracy over a data set; shares are from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AccuracyFigures {
    /// Images evaluated.
    pub images: usize,
    /// Images whose greatest output of the integer network is the label's.
    pub integer_top1: f64,
    /// Images whose label is among its five greatest.
    pub integer_top5: f64,
    /// Beside the float network, where it is at hand.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub float: Option<FloatFigures>,
}

/// Accuracy of the float network, and how far the integer network is from it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FloatFigures {
    /// As of the integer network.
    pub float_top1: f64,
    /// As of the integer network.
    pub float_top5: f64,
    /// Images of which both say the same.
    pub agreement: f64,
    /// Kullback-Leibler divergence of the integer from the float class distribution, nats, mean.
    #[serde(serialize_with = "bitgauge_reports::number_or_word")]
    pub divergence_nats: f64,
}

impl From<Classification> for AccuracyFigures {
    fn from(counts: Classification) -> AccuracyFigures {
        let share = |count: usize| count as f64 / counts.images.max(1) as f64;
        AccuracyFigures {
            images: counts.images,
            integer_top1: share(counts.top1),
            integer_top5: share(counts.top5),
            float: counts.float.map(|float| FloatFigures {
                float_top1: share(float.top1),
                float_top5: share(float.top5),
                agreement: share(float.agreement),
                divergence_nats: float.divergence,
            }),
        }
    }
}

/// Accuracy over one image for each label, by the integer interpreter and, where there is a float network, by the
/// float one.
///
/// # Errors
/// The graphs do not belong together, or the images are not theirs.
pub fn accuracy(
    float: Option<&FloatGraph>,
    graph: &IntGraph,
    images: &Images,
    labels: &[i64],
    progress: &dyn Progress,
) -> Result<AccuracyFigures, FlowError> {
    let running = progress.begin(Stage::Accuracy, Some(labels.len()));
    let counts = classify(graph, float, labels, |index| {
        running.step();
        vec![images.tensor(index)]
    })?;
    Ok(counts.into())
}
