//! `result.json`: all that a program needs, with a version.

use bitgauge_arch::Accelerator;
use bitgauge_arch::command::Unit;
use bitgauge_sim::result::{StallReason, UnitCycles};
use serde::Serialize;

use crate::page::NOT_MODELLED;
use crate::{
    Accuracy, ActivationSize, Measured, ModelInfo, Provenance, ReportError, ReportInput, Synthesis,
    TensorSqnr,
};

/// Version of the file's shape: raised when a field changes its meaning or goes.
pub const FORMAT_VERSION: u32 = 2;

#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    model: &'a ModelInfo,
    accelerator: &'a Accelerator,
    #[serde(flatten)]
    measured: &'a Measured,
    units: Vec<UnitEntry<'a>>,
    stall_reasons: Vec<&'static str>,
    synthesis: &'a Option<Synthesis>,
    accuracy: &'a Option<Accuracy>,
    sqnr: &'a [TensorSqnr],
    activation_sizes: &'a [ActivationSize],
    assumptions: &'a [String],
    not_modelled: &'a [&'static str],
    provenance: &'a Provenance,
}

#[derive(Serialize)]
struct UnitEntry<'a> {
    unit: Unit,
    #[serde(flatten)]
    cycles: &'a UnitCycles,
}

pub fn json(input: &ReportInput<'_>, measured: &Measured) -> Result<Vec<u8>, ReportError> {
    let document = Document {
        format_version: FORMAT_VERSION,
        model: &input.model,
        accelerator: &input.program.accelerator,
        measured,
        units: Unit::ALL
            .into_iter()
            .zip(&input.run.units)
            .map(|(unit, cycles)| UnitEntry { unit, cycles })
            .collect(),
        stall_reasons: StallReason::ALL.iter().map(|reason| reason.name()).collect(),
        synthesis: &input.synthesis,
        accuracy: &input.accuracy,
        sqnr: &input.sqnr,
        activation_sizes: &input.activation_sizes,
        assumptions: &input.assumptions,
        not_modelled: NOT_MODELLED,
        provenance: &input.provenance,
    };
    let mut bytes = serde_json::to_vec_pretty(&document)?;
    bytes.push(b'\n');
    Ok(bytes)
}
