//! Does every valid description give Verilog that three tools read without a word?
//!
//! Oracle: Verilator's lint with every warning on and no waiver, Yosys (hierarchy, processes, `check
//! -assert`, no latch) and Icarus with `-Wall`. Any line that one of them writes is a failure.
// Helpers outside of #[test] functions fail the test by panicking, and say what they measured or skip.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bitgauge_arch::Accelerator;
use bitgauge_rtl::export::{File, export, top_name};
use bitgauge_testing::{Random, programs};
use bitgauge_tests::descriptions;
use bitgauge_tests::verilog::tool;

/// Longer than any of the tools may take for one description.
const PATIENCE: Duration = Duration::from_secs(1200);

/// A tool at work, with what it says in a file.
struct Work {
    name: &'static str,
    child: Child,
    said: std::path::PathBuf,
    started: Instant,
}

impl Work {
    fn start(folder: &Path, name: &'static str, arguments: &[String]) -> Work {
        let said = folder.join(format!("{name}.log"));
        let log = std::fs::File::create(&said).unwrap();
        let mut command = Command::new(name);
        command.args(arguments).current_dir(folder).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        Work { name, child: command.spawn().unwrap(), said, started: Instant::now() }
    }

    /// Waits; fails at a bad end, at any word, and after [`PATIENCE`]. Gives the seconds.
    fn finish(mut self, accelerator: &Accelerator) -> f64 {
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if self.started.elapsed() > PATIENCE {
                let _ = self.child.kill();
                panic!("{} takes over {PATIENCE:?} on\n{}", self.name, accelerator.to_toml());
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let said = std::fs::read_to_string(&self.said).unwrap();
        assert!(
            status.success() && said.trim().is_empty(),
            "{} ({status}) on\n{}\n{said}",
            self.name,
            accelerator.to_toml()
        );
        self.started.elapsed().as_secs_f64()
    }
}

fn write(folder: &Path, files: &[File]) {
    for file in files {
        let path = folder.join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &file.text).unwrap();
    }
}

/// Exports twice and lets the tools read it, one after the other.
fn check(accelerator: &Accelerator) {
    let started = Instant::now();
    let files = export(accelerator, None).unwrap();
    let exported = started.elapsed().as_secs_f64();
    assert!(files == export(accelerator, None).unwrap(), "two exports differ:\n{}", accelerator.to_toml());
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &files);
    let top = top_name(accelerator);
    let sources: Vec<String> = files
        .iter()
        .map(|file| file.path.clone())
        .filter(|path| path.starts_with("rtl/") && path.ends_with(".v"))
        .collect();
    assert!(!sources.is_empty());
    let words = |words: &[&str]| -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).chain(sources.iter().cloned()).collect()
    };
    let script = format!(
        "read_verilog {}; hierarchy -check -top {top}; proc; check -assert; \
         select -assert-none t:$dlatch t:$adlatch t:$dlatchsr",
        sources.join(" ")
    );
    let mut seconds = Vec::new();
    for (name, arguments) in [
        ("verilator", words(&["--lint-only", "-Wall", "--top-module", &top])),
        ("iverilog", words(&["-g2005", "-Wall", "-t", "null", "-s", &top])),
        ("yosys", ["-q", "-p", &script].map(str::to_owned).to_vec()),
    ] {
        if tool(name) {
            let seconds_of_tool = Work::start(folder.path(), name, &arguments).finish(accelerator);
            seconds.push(format!("{name} {seconds_of_tool:.1}"));
        }
    }
    eprintln!("{top}: export {exported:.1}, {} seconds", seconds.join(", "));
}

/// Many descriptions, as many at a time as there are cores.
fn check_all(accelerators: &[Accelerator]) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(accelerator) = accelerators.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(accelerator);
                }
            });
        }
    });
}

#[test]
fn small_designs_are_clean() {
    let mut random = Random(23);
    let accelerators: Vec<Accelerator> = (0..3).map(|_| programs::accelerator(&mut random, 6)).collect();
    check_all(&accelerators);
}

#[test]
#[ignore = "long tier: three tools on sixty designs of up to 64x64"]
fn designs_over_the_whole_range_are_clean() {
    let mut random = Random(29);
    let accelerators: Vec<Accelerator> = (0..60).map(|_| descriptions::whole(&mut random)).collect();
    // What is drawn has to reach the ends of the range.
    for side in [2, 64] {
        assert!(
            accelerators.iter().any(|a| a.array.rows == side && a.array.cols == side),
            "no {side}x{side}"
        );
    }
    check_all(&accelerators);
}

#[test]
fn the_whole_range_is_drawn() {
    let mut random = Random(29);
    let drawn: Vec<Accelerator> = (0..400).map(|_| descriptions::whole(&mut random)).collect();
    let values =
        |of: fn(&Accelerator) -> u32| -> std::collections::BTreeSet<u32> { drawn.iter().map(of).collect() };
    assert!(values(|a| a.array.rows).len() > 40 && values(|a| a.array.cols).len() > 40);
    assert_eq!(values(|a| a.memory.bus_bits).len(), 3);
    assert_eq!(values(|a| a.compression.lanes).len(), 4);
    assert_eq!(values(|a| a.post.lanes).len(), 7);
    assert_eq!(values(|a| a.vector.lanes).len(), 7);
    assert_eq!(values(|a| a.controller.queue_words).len(), 6);
    assert_eq!(values(|a| a.scratchpad.weight_banks * 16 + a.scratchpad.banks).len(), 6);
    assert_eq!(values(|a| a.compression.codecs.len() as u32).len(), 3);
}

#[test]
fn an_export_repeats_itself() {
    let design = bitgauge_tests::design("reference-16x16");
    let started = Instant::now();
    let first = export(&design, None).unwrap();
    let seconds = started.elapsed().as_secs_f64();
    assert!(first == export(&design, None).unwrap());
    // No limit here: a busy host is no fault of the export.
    eprintln!("export of reference-16x16: {seconds:.2} s");
}
