//! Has Yosys map a unit onto a library.

use std::path::Path;
use std::process::Command;

use crate::GatesError;

/// What Yosys needs.
#[derive(Clone, Copy, Debug)]
pub struct Mapper<'a> {
    /// The program.
    pub yosys: &'a Path,
    /// Text of the library.
    pub liberty: &'a str,
    /// Delay at which mapping aims, picoseconds; none: the least.
    pub period: Option<u32>,
}

/// Name of the library's file in the working folder: Yosys as WebAssembly sees no other folder, and names need no quotes.
const LIBRARY: &str = "cells.lib";

/// The commands for a module.
#[must_use]
pub fn script(top: &str, period: Option<u32>) -> String {
    let aim = period.map_or(String::new(), |period| format!(" -D {period}"));
    format!(
        "read_verilog unit.v\nhierarchy -check -top {top}\nsynth -flatten -top {top}\n\
         dfflibmap -liberty {LIBRARY}\nabc -liberty {LIBRARY}{aim}\nsetundef -zero\nopt_clean -purge\n\
         delete t:$scopeinfo\nwrite_json mapped.json\n"
    )
}

impl Mapper<'_> {
    /// Maps the module `top` of a text; gives the netlist as JSON.
    ///
    /// # Errors
    /// Yosys does not start, or refuses; files cannot be written or read.
    pub fn map(&self, verilog: &str, top: &str) -> Result<String, GatesError> {
        let folder = tempfile::tempdir()
            .map_err(|error| GatesError::File { path: "a temporary folder".into(), error })?;
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).map_err(|error| GatesError::File { path, error })
        };
        put("unit.v", verilog)?;
        put(LIBRARY, self.liberty)?;
        put("map.ys", &script(top, self.period))?;
        let mut command = Command::new(self.yosys);
        let output = command.current_dir(folder.path()).args(["-q", "-s", "map.ys"]).output();
        let output = output.map_err(|error| GatesError::Start { path: self.yosys.to_owned(), error })?;
        if !output.status.success() {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said).into_owned();
            let lines: Vec<&str> = said.lines().collect();
            let log = lines[lines.len().saturating_sub(8)..].join("\n");
            return Err(GatesError::Yosys { unit: top.to_owned(), log });
        }
        let path = folder.path().join("mapped.json");
        std::fs::read_to_string(&path).map_err(|error| GatesError::File { path, error })
    }
}
