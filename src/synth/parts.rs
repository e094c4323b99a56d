//! Do the parts of a small accelerator become what an FPGA has: multipliers DSP blocks, scratchpads block RAM, no
//! latch? Each is synthesized alone, in seconds; the whole is for `tests/synth`.

use bitgauge_arch::Accelerator;
use bitgauge_rtl::export;

use super::family::Family;
use super::yosys::{self, Job, Way};
use super::{stat, version};

/// The design of `tests/synth`.
const SMALL: &str = include_str!("../../tests/synth/small.toml");

/// DSP blocks and block RAMs by the start of a module's name. An element's product is one block, the main
/// requantizer's 33 x 16 bits take two; a block RAM holds 2 KiB.
const PARTS: [(&str, u64, u64); 4] = [
    ("pe_", 1, 0),
    ("requantizer", 2, 0),
    ("scratchpad_activation", 0, 16 / 2),
    ("scratchpad_weight", 0, 8 / 2),
];

#[test]
fn parts_become_what_an_fpga_has() {
    let Ok(yosys) = yosys::find() else {
        assert!(std::env::var_os("BITGAUGE_REQUIRE_TOOLS").is_none(), "yosys does not start");
        // Past the capture of the test's output, so that it is seen and counted.
        let what = "SKIPPED: synthesis of parts; `apt-get install yosys` brings what it needs";
        let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{what}\n"));
        return;
    };
    assert!(version(&yosys).is_some());
    let modules = export::modules(&Accelerator::from_toml(SMALL).unwrap()).unwrap();
    let files: Vec<String> = modules.iter().map(|module| module.file()).collect();
    for (start, dsp, bram) in PARTS {
        let named = || modules.iter().filter(|module| module.name.starts_with(start));
        assert_eq!(named().count(), 1, "{start}");
        let top = &named().next().unwrap().name;
        let folder = tempfile::tempdir().unwrap();
        for module in &modules {
            std::fs::write(folder.path().join(module.file()), &module.text).unwrap();
        }
        let job = Job { family: Family::Ecp5, top, pins: None, files: &files, dsp: true };
        let (cells, latches) = yosys::one(&yosys, folder.path(), &job, Way::Modules).unwrap();
        let rows = stat::rows(&cells, Family::Ecp5, top);
        let whole = rows.iter().find(|row| row.module == *top).unwrap().whole;
        assert_eq!((whole.dsp, whole.bram), (dsp, bram), "{top}");
        assert_eq!(latches, Vec::<String>::new(), "{top}");
    }
}
