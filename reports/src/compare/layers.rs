//! Layers of all runs, matched by name.

use serde::Serialize;

use super::{Comparison, Layer, Run};
use crate::{ReportError, tables};

/// A layer in all runs; values are in the order of the runs, none where a run does not have the layer.
#[derive(Clone, Debug, Serialize)]
pub struct LayerFigures {
    /// Name.
    pub name: String,
    /// Operator, as in the first run that has the layer.
    pub operator: String,
    /// Cycles by which the layer's end moves the end of the run.
    pub cycles: Vec<Option<u64>>,
    /// Picojoules.
    pub picojoules: Vec<Option<f64>>,
    /// Bytes on the bus.
    pub bytes: Vec<Option<u64>>,
    /// What bounds it.
    pub bottleneck: Vec<Option<String>>,
}

/// All layers, in the order of the first run that has them.
pub fn layers(runs: &[Run]) -> Vec<LayerFigures> {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for layer in runs.iter().flat_map(|run| &run.document.layers) {
        if !names.iter().any(|(name, _)| *name == layer.name) {
            names.push((&layer.name, &layer.operator));
        }
    }
    let all = |name: &str| -> Vec<Option<&Layer>> {
        runs.iter().map(|run| run.document.layers.iter().find(|layer| layer.name == name)).collect()
    };
    names
        .into_iter()
        .map(|(name, operator)| {
            let here = all(name);
            LayerFigures {
                name: name.to_owned(),
                operator: operator.to_owned(),
                cycles: here.iter().map(|layer| layer.map(|layer| layer.share_cycles)).collect(),
                picojoules: here.iter().map(|layer| layer.map(|layer| layer.picojoules)).collect(),
                bytes: here
                    .iter()
                    .map(|layer| layer.map(|layer| layer.read_bytes + layer.write_bytes))
                    .collect(),
                bottleneck: here.iter().map(|layer| layer.map(|layer| layer.bottleneck.clone())).collect(),
            }
        })
        .collect()
}

/// `layers.csv`: a row for each layer and run.
pub fn csv(comparison: &Comparison) -> Result<Vec<u8>, ReportError> {
    let header = ["layer", "operator", "run", "share_cycles", "picojoules", "bytes", "bottleneck"];
    let mut rows = Vec::new();
    for layer in &comparison.layers {
        for (index, run) in comparison.runs.iter().enumerate() {
            // What one of them has, all have.
            let Some(cycles) = layer.cycles[index] else { continue };
            rows.push([
                layer.name.clone(),
                layer.operator.clone(),
                run.clone(),
                cycles.to_string(),
                layer.picojoules[index].unwrap_or_default().to_string(),
                layer.bytes[index].unwrap_or_default().to_string(),
                layer.bottleneck[index].clone().unwrap_or_default(),
            ]);
        }
    }
    tables::csv(&header, rows)
}
