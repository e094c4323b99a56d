//! What goes beside the Verilog, and whether two exports can live in one project.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use bitgauge_arch::Accelerator;
use bitgauge_rtl::export::{File, Vectors, export, export_with, top_name, vectors};
use bitgauge_rtl::verilog::Error;
use bitgauge_testing::{Random, programs};

fn small() -> Accelerator {
    let mut a = Accelerator::from_toml(include_str!("../../../designs/reference-8x8.toml")).unwrap();
    (a.array.rows, a.array.cols) = (2, 2);
    (a.scratchpad.activation_kib, a.scratchpad.weight_kib) = (16, 8);
    (a.scratchpad.banks, a.scratchpad.weight_banks) = (4, 2);
    (a.post.lanes, a.post.parameter_entries, a.vector.lanes) = (1, 64, 1);
    a
}

/// Each of them differs from the first in one thing.
fn designs() -> Vec<Accelerator> {
    let mut all = vec![small(); 9];
    all[1].memory.latency_cycles += 1;
    all[2].memory.max_burst_beats = 4;
    all[3].controller.queue_words *= 2;
    all[4].controller.prefetch_words *= 2;
    all[5].scratchpad.activation_kib *= 2;
    all[6].post.lanes = 2;
    all[7].compression.codecs.clear();
    all[8].synthesis.reset = bitgauge_arch::description::Reset::Async;
    for accelerator in &all {
        assert!(accelerator.check().is_ok());
    }
    all
}

/// Modules by name, without the comments that say of which description they are.
fn modules(files: &[File]) -> BTreeMap<String, String> {
    let of = |file: &&File| file.path.starts_with("rtl/") && file.path.ends_with(".v");
    let text = |file: &File| -> String {
        file.text.lines().filter(|line| !line.starts_with("//")).collect::<Vec<_>>().join("\n")
    };
    let modules: BTreeMap<String, String> =
        files.iter().filter(of).map(|file| (file.path.clone(), text(file))).collect();
    for (path, text) in &modules {
        let name = path.trim_start_matches("rtl/").trim_end_matches(".v");
        assert!(text.contains(&format!("module {name} (")), "{path}");
    }
    modules
}

#[test]
fn modules_of_two_exports_with_one_name_are_one() {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut shared = 0;
    for accelerator in designs() {
        let own = modules(&export(&accelerator, None).unwrap());
        let top = format!("rtl/{}.v", top_name(&accelerator));
        assert!(own.contains_key(&top) && !seen.contains_key(&top), "{top}");
        for (name, text) in own {
            if let Some(other) = seen.insert(name.clone(), text.clone()) {
                assert_eq!(other, text, "{name}");
                shared += 1;
            }
        }
    }
    // Most of a design does not change with one number.
    assert!(shared > 200, "{shared}");
}

#[test]
fn a_prefix_begins_every_name() {
    let accelerator = small();
    let own = modules(&export_with(&accelerator, Some("npu0"), None).unwrap());
    assert!(own.keys().all(|path| path.starts_with("rtl/npu0_") || path == "rtl/npu0.v"));
    assert!(own.contains_key("rtl/npu0.v") && own.len() > 50);
    for bad in ["Npu", "0npu", "npu-0", "module", ""] {
        let error = export_with(&accelerator, Some(bad), None).unwrap_err();
        assert_eq!(error, Error::Name { name: bad.to_owned() });
    }
}

#[test]
fn only_what_can_be_tested_has_a_target() {
    let accelerator = small();
    let text =
        |files: &[File], end: &str| files.iter().find(|file| file.path.ends_with(end)).unwrap().text.clone();
    let bare = export(&accelerator, None).unwrap();
    let program = programs::program(&mut Random(1), &accelerator, 1);
    let run = vectors::Run { start: vectors::Start::new(&program), cycles: 0, counters: vec![0; 32] };
    let full = export(&accelerator, Some(&Vectors { memory: &[1; 64], expected: &[2; 64], run })).unwrap();
    for target in ["verilator:", "icarus:", "recovery:"] {
        assert!(text(&full, "Makefile").contains(&format!("\n{target}")));
        assert!(!text(&bare, "Makefile").contains(&format!("\n{target}")));
    }
    assert!(text(&full, ".core").contains("\n  sim:") && !text(&bare, ".core").contains("sim:"));
    for file in full.iter().filter(|file| file.path.starts_with("vectors/")) {
        assert!(text(&full, ".core").contains(&format!("- {}: {{", file.path)), "{}", file.path);
    }
    assert!(!bare.iter().any(|file| file.path.starts_with("vectors/")));
}

#[test]
fn constraints_ask_for_a_clock_that_is_reached() {
    let mut accelerator = small();
    for (mhz, asked) in [(500, 50), (50, 50), (12, 12)] {
        accelerator.clock.mhz = mhz;
        let files = export(&accelerator, None).unwrap();
        let text = |end: &str| &files.iter().find(|file| file.path.ends_with(end)).unwrap().text;
        assert!(text("ecp5.lpf").contains(&format!("\"clock\" {asked} MHZ")));
        assert!(text("xilinx7.xdc").contains(&format!("-period {:.3} ", 1000.0 / f64::from(asked))));
    }
}
