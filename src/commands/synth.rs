//! `bitgauge synth`: what the accelerator takes of an FPGA, and how fast it is there.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use bitgauge_arch::description::DspPolicy;
use bitgauge_rtl::export::{self, Part, PartDesign};
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::inputs::{self, Design};
use crate::output::{self, Format};
use crate::synth::family::{Area, Device, Family};
use crate::synth::{nextpnr, stat, yosys};

/// Options of `synth`.
#[derive(clap::Args)]
pub struct Synth {
    /// Accelerator descriptions (TOML), of which several are compared; the reference design if left out
    accelerator: Vec<PathBuf>,
    /// FPGA family
    #[arg(long, value_enum)]
    family: Family,
    /// What of the accelerator
    #[arg(long, value_enum, default_value_t)]
    part: PartArgument,
    /// Device that it has to fit: ecp5 25k, 45k, 85k; ice40 hx8k, up5k; xilinx7 35t, 100t, 200t, 7z020
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Place and route, and report the highest clock
    #[arg(long)]
    place: bool,
    /// Clock that place and route aims at, MHz
    #[arg(long, default_value_t = 100, value_name = "MHZ")]
    clock: u32,
    /// Speed grade of the ECP5 to place on: 6, 7, or 8, the fastest
    #[arg(long, default_value_t = 6, value_name = "GRADE", value_parser = clap::value_parser!(u8).range(6..=8))]
    speed_grade: u8,
    /// Where the placer begins: another seed, another placement
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u32,
    /// Folder for Verilog, logs, netlist and synth.json; of several descriptions, a folder in it for each
    #[arg(long, short, default_value = "synth", value_name = "DIR")]
    output: PathBuf,
}

/// What is synthesized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
enum PartArgument {
    /// The whole accelerator
    #[default]
    Whole,
    /// The processing elements alone
    Array,
    /// What reads operands and deals them to the array's edges
    Feed,
}

#[derive(Serialize)]
struct Answer {
    accelerator: String,
    part: PartArgument,
    configuration: String,
    family: Family,
    top: String,
    yosys: String,
    dsp_blocks: bool,
    /// As one, without the borders of modules; the rows of `modules` are with them, and larger together.
    total: Area,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<Fit>,
    latches: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Place>,
    seconds: f64,
    modules: Vec<stat::Row>,
}

#[derive(Serialize)]
struct Fit {
    name: &'static str,
    holds: Area,
    fits: bool,
}

#[derive(Serialize)]
struct Place {
    nextpnr: String,
    device: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed_grade: Option<u8>,
    seed: u32,
    target_mhz: u32,
    fmax_mhz: f64,
    used: std::collections::BTreeMap<String, u64>,
    /// Cell and delay in ns, from register to register.
    critical_path: Vec<(String, f64)>,
}

/// Several accelerators.
#[derive(Serialize)]
struct Compared {
    designs: Vec<Answer>,
}

/// The programs that are called.
struct Tools {
    yosys: PathBuf,
    placer: Option<PathBuf>,
}

impl Synth {
    pub(super) fn run(&self, format: Format) -> Result<ExitStatus> {
        let device = self.device()?;
        let named = self.accelerator.iter().map(|path| inputs::design(Some(path)));
        let mut designs = named.collect::<Result<Vec<_>>>()?;
        let folders = self.folders()?;
        if designs.is_empty() {
            designs.push(inputs::design(None)?);
        }
        // Tools are looked for before any work is done.
        let placer = if self.place { Some(nextpnr::find(self.family)?) } else { None };
        let tools = Tools { yosys: yosys::find()?, placer };
        let mut answers = Vec::new();
        let mut fault = None;
        for (design, folder) in designs.iter().zip(&folders) {
            let (answer, found) = self.one(design, folder, device, &tools)?;
            answers.push(answer);
            fault = fault.or(found);
        }
        output::data(&match (format, &answers[..]) {
            (Format::Json, [one]) => output::json("synth", one)?,
            (Format::Json, _) => output::json("synth", &Compared { designs: answers })?,
            (Format::Text, [one]) => text(one),
            (Format::Text, _) => side_by_side(&answers),
        })?;
        fault.map_or(Ok(ExitStatus::Success), Err)
    }

    /// A folder for each description, named as its file.
    fn folders(&self) -> Result<Vec<PathBuf>> {
        let [_, _, ..] = self.accelerator[..] else { return Ok(vec![self.output.clone()]) };
        let mut folders: Vec<PathBuf> = Vec::new();
        for path in &self.accelerator {
            let folder = self.output.join(path.file_stem().unwrap_or(path.as_os_str()));
            if folders.contains(&folder) {
                let fault = Failure::new("two descriptions have files of one name").at(path.display());
                return Err(fault
                    .hint("their results go to folders of their files' names; rename one")
                    .into());
            }
            folders.push(folder);
        }
        Ok(folders)
    }

    /// One accelerator, and why the answer is bad news, if it is.
    fn one(
        &self,
        design: &Design,
        folder: &Path,
        device: Option<&'static Device>,
        Tools { yosys, placer }: &Tools,
    ) -> Result<(Answer, Option<anyhow::Error>)> {
        let start = Instant::now();
        let accelerator = &design.accelerator;
        let part = match self.part {
            PartArgument::Whole => Part::Whole,
            PartArgument::Array => Part::Array,
            PartArgument::Feed => Part::Feed,
        };
        let PartDesign { modules, pins, top } = export::part(accelerator, part).map_err(|error| {
            Failure::new(format!("cannot export the accelerator: {error}")).at(&design.place)
        })?;
        std::fs::create_dir_all(folder.join("rtl"))
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let mut files = vec![];
        for module in modules.iter().chain(self.place.then_some(&pins)) {
            files.push(format!("rtl/{}", module.file()));
            let path = folder.join("rtl").join(module.file());
            std::fs::write(&path, &module.text)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        let dsp = match accelerator.synthesis.dsp {
            DspPolicy::Auto => accelerator.array.operand_bits >= 5,
            DspPolicy::Never => false,
            DspPolicy::Always => true,
        };
        // A device without multipliers gets them as logic.
        let dsp = dsp && device.is_none_or(|device| device.holds.dsp > 0);
        let bar = output::spinner("yosys");
        let job = yosys::Job {
            family: self.family,
            top: &top,
            pins: self.place.then_some(pins.name.as_str()),
            files: &files,
            dsp,
        };
        let synthesis = yosys::run(yosys, folder, &job)?;
        bar.finish_and_clear();
        let rows = stat::rows(&synthesis.modules, self.family, &top);
        let total = stat::rows(&synthesis.flat, self.family, &top).into_iter().next().map(|row| row.whole);
        let total = total.context("Yosys did not count the outermost module")?;
        let mut answer = Answer {
            accelerator: design.place.clone(),
            part: self.part,
            configuration: format!("{:016x}", export::configuration_hash(accelerator)),
            family: self.family,
            top,
            yosys: yosys::version(yosys),
            dsp_blocks: dsp,
            total,
            device: device.map(|device| Fit {
                name: device.name,
                holds: device.holds,
                fits: total.beyond(device.holds).is_empty(),
            }),
            latches: synthesis.latches,
            place: None,
            seconds: 0.0,
            modules: rows,
        };
        let mut fault = self.fault(&answer);
        if let Some(placer) = placer.as_deref().filter(|_| fault.is_none()) {
            match self.placed(placer, folder, device) {
                Ok(place) => answer.place = Some(place),
                Err(error) => fault = Some(error),
            }
        }
        answer.seconds = start.elapsed().as_secs_f64();
        crate::files::write(&folder.join("synth.json"), output::json("synth", &answer)?.as_bytes())?;
        Ok((answer, fault))
    }

    /// The device that the user names, or the largest if one is needed.
    fn device(&self) -> Result<Option<&'static Device>> {
        let devices = self.family.devices();
        let Some(name) = &self.device else {
            return Ok(if self.place { devices.iter().max_by_key(|device| device.holds.lut) } else { None });
        };
        let name = name.to_lowercase();
        let found = devices.iter().find(|device| device.name == name);
        let choices: Vec<_> = devices.iter().map(|device| device.name).collect();
        found.map(Some).ok_or_else(|| {
            Failure::new(format!("{} has no device `{name}`", self.family.name()))
                .hint(format!("choices: {}", choices.join(", ")))
                .into()
        })
    }

    /// Why the answer is bad news.
    fn fault(&self, answer: &Answer) -> Option<anyhow::Error> {
        if let Some(latch) = answer.latches.first() {
            let count = answer.latches.len();
            let fault = Failure::new(format!("{count} signals are latches, {latch} first"));
            return Some(
                fault.hint("this is a fault of Bitgauge; please report it with the description").into(),
            );
        }
        let device = answer.device.as_ref()?;
        let beyond: Vec<_> = answer.total.beyond(device.holds);
        let texts: Vec<_> =
            beyond.iter().map(|(what, here, there)| format!("{here} {what} of {there}")).collect();
        (!texts.is_empty()).then(|| {
            let message =
                format!("does not fit {} {}: {}", self.family.name(), device.name, texts.join(", "));
            Failure::finding(message)
                .hint("choose a larger --device, smaller scratchpads, or fewer rows, columns or lanes")
                .into()
        })
    }

    fn placed(&self, placer: &Path, folder: &Path, device: Option<&'static Device>) -> Result<Place> {
        let device = device.context("place and route needs a device")?;
        let bar = output::spinner("nextpnr");
        let job = nextpnr::Job {
            family: self.family,
            device: device.name,
            speed_grade: self.speed_grade,
            mhz: self.clock,
            seed: self.seed,
        };
        let placed = nextpnr::run(placer, folder, &job)?;
        bar.finish_and_clear();
        Ok(Place {
            nextpnr: crate::synth::version(placer).unwrap_or_default(),
            device: device.name,
            speed_grade: (self.family == Family::Ecp5).then_some(self.speed_grade),
            seed: self.seed,
            target_mhz: self.clock,
            fmax_mhz: placed.mhz,
            used: placed.used,
            critical_path: placed.path,
        })
    }
}

/// A line for each accelerator.
fn side_by_side(answers: &[Answer]) -> String {
    let row = |answer: &Answer| {
        let Area { lut, ff, dsp, bram } = answer.total;
        let clock = answer.place.as_ref().map_or_else(String::new, |place| format!("{:.1}", place.fmax_mhz));
        let name = Path::new(&answer.accelerator).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let counts = [lut, ff, dsp, bram].map(|count| count.to_string());
        [vec![name.unwrap_or_default()], counts.to_vec(), vec![clock]].concat()
    };
    let header = ["accelerator", "LUT", "FF", "DSP", "BRAM", "MHz"];
    output::table(&header, &answers.iter().map(row).collect::<Vec<_>>())
}

/// Modules that the table shows.
const SHOWN: usize = 24;

fn text(answer: &Answer) -> String {
    let cells = |area: &Area| [area.lut, area.ff, area.dsp, area.bram].map(|count| count.to_string());
    let mut rows = vec![];
    for row in answer.modules.iter().take(SHOWN) {
        let mut line = vec![row.module.clone(), row.instances.to_string()];
        line.extend(cells(&row.whole));
        line.extend(cells(&row.own));
        rows.push(line);
    }
    let header = ["module", "instances", "LUT", "FF", "DSP", "BRAM", "own LUT", "FF", "DSP", "BRAM"];
    let mut text = output::table(&header, &rows);
    if answer.modules.len() > SHOWN {
        text += &format!("... and {} smaller modules, in synth.json\n", answer.modules.len() - SHOWN);
    }
    let Area { lut, ff, dsp, bram } = answer.total;
    text += &format!(
        "{} as one, flat, on {} ({}): {lut} LUT, {ff} FF, {dsp} DSP, {bram} BRAM; latches: {}\n",
        answer.top,
        answer.family.name(),
        answer.yosys,
        answer.latches.len()
    );
    if let Some(device) = &answer.device {
        let share = |here: u64, there: u64| 100.0 * here as f64 / there.max(1) as f64;
        let holds = &device.holds;
        text += &format!(
            "of {}: {:.0} % LUT, {:.0} % FF, {:.0} % DSP, {:.0} % BRAM\n",
            device.name,
            share(lut, holds.lut),
            share(ff, holds.ff),
            share(dsp, holds.dsp),
            share(bram, holds.bram)
        );
    }
    if let Some(place) = &answer.place {
        let grade = place.speed_grade.map_or(String::new(), |grade| format!(", speed grade {grade}"));
        text += &format!("placed and routed ({}{grade}): {:.1} MHz\n", place.nextpnr, place.fmax_mhz);
    }
    text
}
