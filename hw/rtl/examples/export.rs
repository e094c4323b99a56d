//! Writes the Verilog of a description to a folder: `export accelerator.toml folder`.

use bitgauge_arch::Accelerator;
use bitgauge_rtl::units::top;
use bitgauge_rtl::verilog::{Options, Reset};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [description, folder] = arguments.as_slice() else {
        return Err("usage: export accelerator.toml folder".into());
    };
    let accelerator = Accelerator::from_toml(&std::fs::read_to_string(description)?)?;
    let start = Instant::now();
    let options = Options {
        reset: Reset::Synchronous,
        header: format!("Bitgauge: {}", accelerator.name),
        ..Options::default()
    };
    let design = top::design(&accelerator, &options)?;
    let folder = Path::new(folder);
    std::fs::create_dir_all(folder)?;
    for module in &design.modules {
        std::fs::write(folder.join(module.file()), &module.text)?;
    }
    std::fs::write(folder.join("files.f"), design.file_list())?;
    let lines: usize = design.modules.iter().map(|module| module.text.lines().count()).sum();
    let (modules, seconds) = (design.modules.len(), start.elapsed().as_secs_f64());
    writeln!(std::io::stderr(), "{}: {modules} modules, {lines} lines, {seconds:.1} s", design.top)?;
    Ok(())
}
