//! `bitgauge check`: is this description sound, what did it resolve to, and does the model fit?

use std::path::PathBuf;

use anyhow::Result;
use bitgauge_arch::Accelerator;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::inputs::{self, Design};
use crate::output::{self, Format};

/// Options of `check`.
#[derive(clap::Args)]
pub struct Check {
    /// Accelerator description (TOML); the reference design if left out
    accelerator: Option<PathBuf>,
}

#[derive(Serialize)]
struct Answer<'a> {
    accelerator: &'a Accelerator,
    derived: Derived,
}

/// What follows from the description.
#[derive(Serialize)]
struct Derived {
    scratchpad_line_bytes: u32,
    activation_lines: u32,
    weight_lines: u32,
    peak_macs_per_cycle: u64,
    peak_giga_ops_per_second: f64,
    memory_bytes_per_cycle: u32,
    memory_megabytes_per_second: f64,
}

impl Check {
    pub(super) fn run(&self, format: Format) -> Result<ExitStatus> {
        let design = inputs::design(self.accelerator.as_deref())?;
        inputs::energy_table(&design.accelerator, self.accelerator.as_deref())?;
        let answer = Answer { accelerator: &design.accelerator, derived: derive(&design.accelerator) };
        output::data(&match format {
            Format::Json => output::json("check", &answer)?,
            Format::Text => text(&design, &answer),
        })?;
        Ok(ExitStatus::Success)
    }
}

fn derive(accelerator: &Accelerator) -> Derived {
    let mhz = f64::from(accelerator.clock.mhz);
    Derived {
        scratchpad_line_bytes: accelerator.line_bytes(),
        activation_lines: accelerator.activation_lines(),
        weight_lines: accelerator.weight_lines(),
        peak_macs_per_cycle: accelerator.peak_macs_per_cycle(),
        peak_giga_ops_per_second: 2.0 * accelerator.peak_macs_per_cycle() as f64 * mhz / 1000.0,
        memory_bytes_per_cycle: accelerator.bus_bytes(),
        memory_megabytes_per_second: f64::from(accelerator.bus_bytes()) * mhz,
    }
}

fn text(design: &Design, answer: &Answer<'_>) -> String {
    let derived = &answer.derived;
    let rows = [
        ("scratchpad line", format!("{} bytes", derived.scratchpad_line_bytes)),
        ("activation scratchpad", format!("{} lines", derived.activation_lines)),
        ("weight scratchpad", format!("{} lines", derived.weight_lines)),
        (
            "peak",
            format!(
                "{} MAC per cycle, {:.1} GOPS (1 MAC = 2 OPs)",
                derived.peak_macs_per_cycle, derived.peak_giga_ops_per_second
            ),
        ),
        (
            "memory",
            format!(
                "{} bytes per cycle, {:.0} MB/s",
                derived.memory_bytes_per_cycle, derived.memory_megabytes_per_second
            ),
        ),
    ];
    let rows: String = rows.iter().map(|(name, value)| format!("  {name:<22} {value}\n")).collect();
    format!("{}: sound\n\n{}\nderived\n{rows}", design.place, design.accelerator.to_toml())
}
