//! `bitgauge calibrate-energy`: what a design's units take on a library of cells, as a table for `run` and `price`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use bitgauge_arch::energy::{Activity, EnergyTable, MeasuredUnit, Method};
use bitgauge_arch::mac::Operands;
use bitgauge_gates::calibrate::{self, Effort, Origin};
use bitgauge_gates::liberty::Library;
use bitgauge_gates::mapping::Mapper;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::synth::yosys;
use crate::{files, inputs, liberty};

/// Options of `calibrate-energy`.
#[derive(clap::Args)]
pub struct CalibrateEnergy {
    /// Accelerator description (TOML); the reference design if left out
    #[arg(value_name = "DESIGN")]
    design: Option<PathBuf>,
    /// Cell library in Liberty, with tables of delay and internal power [default: what BITGAUGE_LIBERTY names, or where Debian's qflow-tech-osu018 puts it]
    #[arg(long, value_name = "FILE")]
    liberty: Option<PathBuf>,
    /// Energy table to write; units of a table that is there stay, or are replaced where they are measured again
    #[arg(long, short, default_value = "energy-measured.toml", value_name = "TABLE")]
    output: PathBuf,
    /// Table whose entries price what is not measured [default: that of the table that is there, or of the design]
    #[arg(long, value_name = "TABLE")]
    base: Option<String>,
    /// Delay at which mapping aims, picoseconds; left out: the least
    #[arg(long, value_name = "PS", value_parser = clap::value_parser!(u32).range(1..))]
    period: Option<u32>,
    /// Cycles of work for each width, class and seed, at least
    #[arg(long, default_value_t = Effort::default().beats, value_name = "N", value_parser = clap::value_parser!(u64).range(16..=1_000_000))]
    beats: u64,
    /// Seeds, whose figures are averaged and whose distance is the spread
    #[arg(long, default_value_t = Effort::default().seeds, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
}

#[derive(Serialize)]
struct Answer<'a> {
    table: String,
    accelerator: String,
    liberty: String,
    units: &'a [MeasuredUnit],
}

impl CalibrateEnergy {
    pub(super) fn run(&self, format: Format) -> Result<ExitStatus> {
        let design = inputs::design(self.design.as_deref())?;
        let accelerator = &design.accelerator;
        // Whatever may be missing is looked for before any work is done.
        let mut table = self.table(&design)?;
        let path = liberty::find(self.liberty.as_deref())?;
        let text = files::read_text(&path)?;
        let refuse = |error: bitgauge_gates::GatesError| liberty::failure(error, &path);
        let library = Library::from_text(&text).map_err(|error| refuse(error.into()))?;
        let yosys = yosys::find()?;
        let mapper = Mapper { yosys: &yosys, liberty: &text, period: self.period };
        let origin = Origin { tools: yosys::version(&yosys), command: self.command(&design.place, &path) };
        let bar = output::spinner("mapping");
        let element = calibrate::element(accelerator, &library, &mapper).map_err(refuse)?;
        bar.finish_and_clear();
        let bar = output::spinner("simulating gates");
        let effort = Effort { beats: self.beats, seeds: self.seeds };
        let unit = calibrate::measure(accelerator, &library, &element, effort, &origin).map_err(refuse)?;
        let requantizer =
            calibrate::requantizer(accelerator, &library, &mapper, effort, &origin).map_err(refuse)?;
        let mut units = vec![unit, requantizer];
        units.extend(calibrate::others(accelerator, &library, &mapper, &units, &origin).map_err(refuse)?);
        bar.finish_and_clear();
        table.unit.retain(|old| units.iter().all(|new| new.module != old.module));
        table.unit.extend(units.iter().cloned());
        table.unit.sort_by(|a, b| a.module.cmp(&b.module));
        let text = table.to_toml().map_err(|error| Failure::new(error.to_string()))?;
        files::write(&self.output, text.as_bytes())?;
        let answer = Answer {
            table: self.output.display().to_string(),
            accelerator: design.place,
            liberty: path.display().to_string(),
            units: &units,
        };
        output::data(&match format {
            Format::Json => output::json("calibrate-energy", &answer)?,
            Format::Text => text_of(&answer),
        })?;
        Ok(ExitStatus::Success)
    }

    /// The table to add to.
    fn table(&self, design: &inputs::Design) -> Result<EnergyTable> {
        let there = self.output.exists().then(|| inputs::named_table(&self.output.display().to_string()));
        let there = there.transpose()?;
        let base = match (&self.base, &there) {
            (Some(name), _) => inputs::named_table(name)?,
            (None, Some(there)) => there.clone(),
            (None, None) => inputs::table_of(&design.accelerator, self.design.as_deref())?,
        };
        if there.is_some() && self.base.is_none() {
            return Ok(base);
        }
        let name = self
            .output
            .file_stem()
            .map_or_else(|| "measured".into(), |stem| stem.to_string_lossy().into_owned());
        let note = format!(
            "Processing elements: measured on gates, each unit names its library. All else: entries of {}, of another \
             technology perhaps. {}",
            base.name, base.note
        );
        Ok(EnergyTable {
            name,
            note,
            entry: base.entry,
            unit: there.map(|there| there.unit).unwrap_or_default(),
        })
    }

    /// The command, without folders of this machine.
    fn command(&self, design: &str, liberty: &Path) -> String {
        let file = |path: &Path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let mut command = String::from("bitgauge calibrate-energy");
        if self.design.is_some() {
            command += &format!(" {}", file(Path::new(design)));
        }
        command += &format!(" --liberty {}", file(liberty));
        let period = self.period.map(|period| format!(" --period {period}"));
        let default = Effort::default();
        let beats = (self.beats != default.beats).then(|| format!(" --beats {}", self.beats));
        let seeds = (self.seeds != default.seeds).then(|| format!(" --seeds {}", self.seeds));
        command + &[period, beats, seeds].into_iter().flatten().collect::<String>()
    }
}

/// Widths that the table on the screen shows.
const SHOWN: [[u32; 2]; 5] = [[8, 8], [8, 4], [5, 5], [4, 4], [2, 2]];

/// A row of widths; none where the unit was not measured in them.
fn line(unit: &MeasuredUnit, [activation_bits, weight_bits]: [u32; 2]) -> Option<Vec<String>> {
    let mut line = vec![format!("{activation_bits} x {weight_bits}")];
    let mut spread = 0.0f64;
    for activity in Activity::ALL {
        let row = unit.row(Operands::uniform(activation_bits, weight_bits), activity)?;
        line.push(format!("{:.3}", row.picojoules_per_product));
        spread = spread.max(row.spread);
    }
    line.push(format!("{:.1} %", 100.0 * spread));
    Some(line)
}

fn text_of(answer: &Answer<'_>) -> String {
    let mut text = String::new();
    let (simulated, counted): (Vec<_>, Vec<_>) =
        answer.units.iter().partition(|unit| unit.method == Method::Simulated);
    for unit in simulated {
        text += &format!(
            "{} on {} ({}): {:.0} um2, {} flip-flops, settles in {:.2} ns, leakage {:.1} nW, clock {:.3} pJ a cycle\n",
            unit.module,
            unit.library,
            unit.corner,
            unit.area_um2,
            unit.flip_flops,
            unit.settle_ns,
            unit.leakage_nanowatts,
            unit.clock_picojoules
        );
        // Units without widths stand under one pair.
        let what = if unit.rows.len() > Activity::ALL.len() { "pJ a product" } else { "pJ a code" };
        let rows: Vec<Vec<String>> = SHOWN.iter().filter_map(|&bits| line(unit, bits)).collect();
        text += &output::table(&[what, "zero", "half zero, unsigned", "dense, signed", "spread"], &rows);
    }
    let flip_flops: u64 = counted.iter().map(|unit| unit.flip_flops).sum();
    text += &format!(
        "{} other modules, {flip_flops} flip-flops in one of each: clock alone, not simulated\nall widths: {}\n",
        counted.len(),
        answer.table
    );
    text
}
