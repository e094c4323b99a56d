//! `bitgauge check`: is this description sound, what did it resolve to, and does the model fit?

use std::path::PathBuf;

use anyhow::Result;
use bitgauge_arch::Accelerator;
use bitgauge_arch::mac::Operands;
use serde::Serialize;

use crate::compilation::Compilation;
use crate::exit::ExitStatus;
use crate::failure;
use crate::inputs::{self, Design};
use crate::network::Source;
use crate::output::{self, Format};
use crate::pipeline;

/// Options of `check`.
#[derive(clap::Args)]
pub struct Check {
    /// Accelerator description (TOML); the reference design if left out
    accelerator: Option<PathBuf>,
    /// Also compile the network for it (--model or --quantized imply this), and find the least scratchpads that do
    #[arg(long)]
    fit: bool,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    compilation: Compilation,
}

#[derive(Serialize)]
struct Answer<'a> {
    accelerator: &'a Accelerator,
    derived: Derived,
    /// What the description has that costs a figure its source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fit: Option<Fit>,
}

/// Whether the model fits.
#[derive(Serialize)]
struct Fit {
    fits: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The least activation scratchpad with the weight scratchpad as described, KiB; none if no size does.
    least_activation_kib: Option<u32>,
    /// The least weight scratchpad with the activation scratchpad as described, KiB; none if no size does.
    least_weight_kib: Option<u32>,
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
        let energy = inputs::energy_table(&design.accelerator, self.accelerator.as_deref(), None)?;
        let warnings = inputs::energy_warnings(&energy, &design.accelerator);
        let fit = (self.fit || self.source.named()).then(|| self.find_fit(&design)).transpose()?;
        let accelerator = &design.accelerator;
        let answer = Answer { accelerator, derived: derive(accelerator), warnings, fit };
        output::data(&match format {
            Format::Json => output::json("check", &answer)?,
            Format::Text => text(&design, &answer),
        })?;
        let fits = answer.fit.is_none_or(|fit| fit.fits);
        Ok(if fits { ExitStatus::Success } else { ExitStatus::Finding })
    }

    fn find_fit(&self, design: &Design) -> Result<Fit> {
        let graph = self.source.network()?.graph;
        let options = self.compilation.options();
        let fits = |change: &dyn Fn(&mut Accelerator)| {
            let mut accelerator = design.accelerator.clone();
            change(&mut accelerator);
            bitgauge_compiler::compile(&graph, &accelerator, &options).is_ok()
        };
        let refusal = match pipeline::compiled(&graph, &design.accelerator, &options) {
            Ok(_) => None,
            Err(error) if failure::status(&error) == ExitStatus::Finding => Some(error.to_string()),
            Err(error) => return Err(error),
        };
        // The sizes that a description may have. A larger scratchpad never fits less.
        let least = |low: u32, fits: &dyn Fn(u32) -> bool| {
            let sizes: Vec<u32> =
                (0..).map(|step| low << step).take_while(|kib| *kib <= LARGEST_KIB).collect();
            sizes.get(sizes.partition_point(|&kib| !fits(kib))).copied()
        };
        Ok(Fit {
            fits: refusal.is_none(),
            reason: refusal,
            least_activation_kib: least(4, &|kib| fits(&|design| design.scratchpad.activation_kib = kib)),
            least_weight_kib: least(2, &|kib| fits(&|design| design.scratchpad.weight_kib = kib)),
        })
    }
}

/// The largest scratchpad of a description.
const LARGEST_KIB: u32 = 65_536;

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

/// What codes of fewer bits make of the peak, where they change it.
fn narrower(accelerator: &Accelerator) -> String {
    let at = |bits: u32| {
        let operands = Operands::uniform(bits, bits);
        // A line takes at least as long as it takes to read one for every row or column.
        let container = accelerator.array.container(operands).unwrap_or_default();
        let codes = container.codes_of(u64::from(accelerator.line_bytes()));
        let cycles = accelerator.line_beats(operands, container, codes).max(1);
        u64::from(accelerator.array.rows) * u64::from(accelerator.array.cols) * codes / cycles
    };
    let peaks = [8, 6, 4, 2].map(at);
    if peaks.iter().all(|&peak| peak == peaks[0]) {
        return String::new();
    }
    format!("; on full lines {} at 8 bits, {} at 6, {} at 4, {} at 2", peaks[0], peaks[1], peaks[2], peaks[3])
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
                "{} MAC per cycle, {:.1} GOPS (1 MAC = 2 OPs){}",
                derived.peak_macs_per_cycle,
                derived.peak_giga_ops_per_second,
                narrower(&design.accelerator)
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
    let fit = answer.fit.as_ref().map_or_else(String::new, fit_text);
    format!("{}: sound\n\n{}\nderived\n{rows}{fit}", design.place, design.accelerator.to_toml())
}

fn fit_text(fit: &Fit) -> String {
    let size = |kib: Option<u32>| kib.map_or_else(|| "none does".to_owned(), |kib| format!("{kib} KiB"));
    let verdict = fit.reason.as_ref().map_or_else(|| "yes".to_owned(), |reason| format!("no: {reason}"));
    let rows = [
        ("fits", verdict),
        ("least activation", format!("{} (weight scratchpad as described)", size(fit.least_activation_kib))),
        ("least weight", format!("{} (activation scratchpad as described)", size(fit.least_weight_kib))),
    ];
    let rows: String = rows.iter().map(|(name, value)| format!("  {name:<22} {value}\n")).collect();
    format!("\nmodel\n{rows}")
}
