//! Runs the open tools on printed designs.
// Not every test file needs every tool.
#![allow(clippy::unwrap_used, clippy::print_stdout, dead_code)]

use bitgauge_rtl::bench::{Bench, VECTOR_FILE};
use bitgauge_rtl::verilog::Design;
use std::path::Path;
use std::process::Command;

/// A temporary folder with the files of a design.
pub fn folder(design: &Design) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for module in &design.modules {
        std::fs::write(folder.path().join(module.file()), &module.text).unwrap();
    }
    folder
}

/// One loud line per missing tool, past the harness, which swallows what passing tests print with macros.
fn skipped(program: &str) {
    use std::io::Write;
    static SAID: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
    let Ok(mut said) = SAID.lock() else { return };
    if !said.iter().any(|tool| tool == program) {
        said.push(program.to_owned());
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: checks of the Verilog with {program}; `apt-get install yosys verilator iverilog` brings it"
        );
    }
}

/// Runs a tool in a folder; returns whether it succeeded and all it said. `None` where the tool is not
/// installed, which is an error if `BITGAUGE_REQUIRE_TOOLS` is set.
pub fn tool(folder: &Path, program: &str, arguments: &[&str]) -> Option<(bool, String)> {
    match Command::new(program).args(arguments).current_dir(folder).output() {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
        }
        Err(error) => {
            assert!(std::env::var_os("BITGAUGE_REQUIRE_TOOLS").is_none(), "{program}: {error}");
            skipped(program);
            None
        }
    }
}

pub fn files(design: &Design) -> Vec<String> {
    design.modules.iter().map(|module| module.file()).collect()
}

fn clean(program: &str, folder: &Path, arguments: &[&str], what: &str) -> bool {
    let Some((success, said)) = tool(folder, program, arguments) else { return false };
    assert!(success && said.trim().is_empty(), "{program} on {what}:\n{said}");
    true
}

/// Verilator with every warning on: it must say nothing. Whether it ran.
pub fn verilator(design: &Design) -> bool {
    let (folder, files) = (folder(design), files(design));
    let mut arguments = vec!["--lint-only", "-Wall", "--top-module", &design.top];
    arguments.extend(files.iter().map(String::as_str));
    clean("verilator", folder.path(), &arguments, &design.text())
}

/// Yosys: no warning, no latch, nothing undriven, no loop. Whether it ran.
pub fn yosys(design: &Design) -> bool {
    let (folder, files) = (folder(design), files(design));
    let script = format!(
        "read_verilog {}; hierarchy -check -top {}; proc; select -assert-none t:$dlatch; check -assert",
        files.join(" "),
        design.top
    );
    clean("yosys", folder.path(), &["-q", "-p", &script], &design.text())
}

/// Icarus plays a bench: every row must agree. Whether it ran.
pub fn icarus(design: &Design, bench: &Bench) -> bool {
    let folder = folder(design);
    let output = bench.files();
    std::fs::write(folder.path().join("bench.sv"), output.text).unwrap();
    std::fs::write(folder.path().join(VECTOR_FILE), output.vectors).unwrap();
    let files = files(design);
    let mut arguments = vec!["-g2005", "-Wall", "-Wno-timescale", "-s", "bench", "-o", "run.vvp", "bench.sv"];
    arguments.extend(files.iter().map(String::as_str));
    if !clean("iverilog", folder.path(), &arguments, &design.text()) {
        return false;
    }
    let Some((_, said)) = tool(folder.path(), "vvp", &["-N", "run.vvp"]) else { return false };
    let wanted = format!("PASS {} rows", bench.len());
    assert!(said.contains(&wanted), "{}\n{said}", design.text());
    true
}

/// The design after logic synthesis by Yosys, as one netlist. `None` where Yosys is not installed.
pub fn synthesized(design: &Design) -> Option<Design> {
    let folder = folder(design);
    let script = format!(
        "read_verilog {}; synth -flatten -top {}; write_verilog -noattr netlist.v",
        files(design).join(" "),
        design.top
    );
    let (success, said) = tool(folder.path(), "yosys", &["-q", "-p", &script])?;
    assert!(success, "{said}");
    let mut netlist = design.clone();
    netlist.modules.retain(|module| module.name == design.top);
    netlist.modules[0].text = std::fs::read_to_string(folder.path().join("netlist.v")).unwrap();
    Some(netlist)
}
