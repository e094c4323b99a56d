//! `synth.json`, read again for a report.

use std::path::Path;

use anyhow::Result;
use bitgauge_arch::Accelerator;
use bitgauge_reports::Synthesis;
use bitgauge_rtl::export::configuration_hash;
use serde::Deserialize;

use crate::failure::Failure;
use crate::files;

#[derive(Deserialize)]
struct Summary {
    accelerator: String,
    configuration: String,
    family: String,
    yosys: String,
    total: Area,
    device: Option<Device>,
    place: Option<Place>,
}

#[derive(Deserialize)]
struct Area {
    lut: u64,
    ff: u64,
    dsp: u64,
    bram: u64,
}

#[derive(Deserialize)]
struct Device {
    name: String,
}

#[derive(Deserialize)]
struct Place {
    nextpnr: String,
    speed_grade: Option<u8>,
    fmax_mhz: f64,
}

/// What `bitgauge synth` wrote, for the accelerator that it was written for.
///
/// # Errors
/// A file that is none of `synth`, or that speaks of another accelerator.
pub fn read(path: &Path, accelerator: &Accelerator) -> Result<Synthesis> {
    let refuse = |message: String| Failure::new(message).at(path.display());
    let summary: Summary = serde_json::from_str(&files::read_text(path)?).map_err(|error| {
        refuse(format!("not a result of synthesis: {error}")).hint("`bitgauge synth` writes synth.json")
    })?;
    let configuration = format!("{:016x}", configuration_hash(accelerator));
    if summary.configuration != configuration {
        let fault = refuse(format!(
            "the result is of another accelerator, {} with configuration {}; this one is {configuration}",
            summary.accelerator, summary.configuration
        ));
        return Err(fault.hint("run `bitgauge synth` for this accelerator").into());
    }
    let grade = summary.place.as_ref().and_then(|place| place.speed_grade);
    let grade = grade.map_or(String::new(), |grade| format!(", speed grade {grade}"));
    let device = summary.device.map_or(String::new(), |device| format!(" {}{grade}", device.name));
    let mut tools = vec![summary.yosys];
    tools.extend(summary.place.as_ref().map(|place| place.nextpnr.clone()));
    let Area { lut, ff, dsp, bram } = summary.total;
    Ok(Synthesis {
        device: summary.family + &device,
        tools,
        lut,
        ff,
        dsp,
        bram,
        fmax_mhz: summary.place.map(|place| place.fmax_mhz),
    })
}
