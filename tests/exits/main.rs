//! Does every command end with the exit code that it promises: 0 where all is well, 1 for a finding, 2 for bad input?
//!
//! What has to be a finding is put there: a design too small for the network, a program that does not end in time, and
//! every kind of difference between simulator and Verilog, by a bench that plays back a changed run.
#![cfg(unix)]
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

mod player;

use std::path::{Path, PathBuf};
use std::process::Command;

use bitgauge_arch::validate::Validated;
use bitgauge_arch::{Accelerator, Program};
use bitgauge_compiler::{Options, compile};
use bitgauge_models::integer::IntGraph;
use bitgauge_models::npy::{self, NpyData};

use player::{Player, Record};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What a call of the program gave.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs the program in a folder.
fn bitgauge(folder: &Path, arguments: &[&str], environment: &[(&str, PathBuf)]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitgauge"));
    command.args(arguments).current_dir(folder);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Holds a call to its exit code, and stderr to a text that says why.
fn ends(folder: &Path, arguments: &[&str], code: i32, why: &str) {
    let ended = bitgauge(folder, arguments, &[]);
    assert_eq!(ended.code, Some(code), "{arguments:?}: {}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains(why), "{arguments:?} does not say `{why}`: {}", ended.stderr);
    assert!(code == 0 || ended.stderr.contains("error: "), "{arguments:?}: {}", ended.stderr);
}

/// A folder with the shipped CNN, quantized, its data set, and a design.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["mnist.toml", "mnist_calibration_u8.npy", "mnist_test_u8.npy", "mnist_test_labels_i64.npy"] {
        std::fs::copy(repository("models/zoo").join(name), folder.path().join(name)).unwrap();
    }
    std::fs::copy(repository("models/zoo/cnn_mnist.onnx"), folder.path().join("cnn.onnx")).unwrap();
    std::fs::copy(repository("designs/reference-8x8.toml"), folder.path().join("design.toml")).unwrap();
    let quantize = ["quantize", "--model", "cnn.onnx", "--data", "mnist.toml", "--output", "cnn.bgq"];
    ends(folder.path(), &[&quantize[..], &["--calibration-images", "2"]].concat(), 0, "");
    folder
}

/// A shipped design with the least scratchpads: the CNN's 3 x 3 kernels over 64 channels do not fit.
fn least_design(folder: &Path) {
    let mut text = std::fs::read_to_string(repository("designs/reference-16x16.toml")).unwrap();
    for (key, least) in [("activation_kib", 4), ("weight_kib", 2)] {
        let line = text.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
        text = text.replace(&line, &format!("{key} = {least}"));
    }
    std::fs::write(folder.join("least.toml"), text).unwrap();
}

#[test]
fn a_network_that_does_not_fit_is_a_finding_of_every_command_that_compiles() {
    let folder = folder();
    let path = folder.path();
    least_design(path);
    let network = ["--quantized", "cnn.bgq", "--accelerator"];
    let with_data = ["--data", "mnist.toml", "--quantized", "cnn.bgq", "--accelerator"];
    ends(path, &["check", "design.toml", "--quantized", "cnn.bgq"], 0, "");
    ends(path, &[&["compile"], &network[..], &["design.toml"]].concat(), 0, "");
    ends(path, &[&["run", "--images", "1"], &with_data[..], &["design.toml"]].concat(), 0, "");
    // `check` says so among its data.
    let check = bitgauge(path, &["check", "least.toml", "--quantized", "cnn.bgq"], &[]);
    assert_eq!(check.code, Some(1), "{}{}", check.stdout, check.stderr);
    assert!(check.stdout.contains("fits                   no: "), "{}", check.stdout);
    let why = "does not fit";
    for arguments in [
        [&["compile"], &network[..], &["least.toml"]].concat(),
        [&["run", "--images", "1"], &with_data[..], &["least.toml"]].concat(),
        [&["cosim"], &with_data[..], &["least.toml"]].concat(),
        [&["export-verilog", "least.toml", "--output", "verilog"], &with_data[..4]].concat(),
    ] {
        ends(path, &arguments, 1, why);
    }
    // What is no network, no design or no data set is bad input to the same commands.
    std::fs::write(path.join("nonsense"), "rows = ").unwrap();
    for arguments in [
        [&["compile"], &network[..], &["nonsense"]].concat(),
        [&["run"], &with_data[..], &["nonsense"]].concat(),
        [&["cosim"], &with_data[..], &["nonsense"]].concat(),
        vec!["compile", "--quantized", "nonsense", "--accelerator", "design.toml"],
        vec!["run", "--quantized", "cnn.bgq", "--data", "nonsense"],
        vec!["run", "--model", "nonsense", "--data", "mnist.toml"],
        vec!["quantize", "--model", "nonsense", "--data", "mnist.toml", "--output", "x.bgq"],
        vec!["check", "nonsense"],
        vec!["export-verilog", "nonsense"],
        vec!["synth", "nonsense"],
        vec!["simulate", "nonsense", "--timing-only"],
        vec!["compare", "nonsense", "nonsense"],
    ] {
        ends(path, &arguments, 2, "");
    }
}

#[test]
fn a_run_that_takes_too_long_is_a_finding_and_a_program_that_is_none_bad_input() {
    let folder = folder();
    let path = folder.path();
    let compile = ["compile", "--quantized", "cnn.bgq", "--accelerator", "design.toml", "--output", "cnn"];
    ends(path, &compile, 0, "");
    let simulate = ["simulate", "cnn/program.bgp", "--timing-only"];
    ends(path, &simulate, 0, "");
    ends(path, &[&simulate[..], &["--cycle-limit", "1000"]].concat(), 1, "cannot simulate the program");
    ends(path, &["simulate", "cnn/program.bgp", "--input", "mnist_test_labels_i64.npy"], 2, "unsigned bytes");
    ends(path, &["simulate", "cnn/program.bgp", "--input", "none.npy"], 2, "none.npy");
    // A command that does not wait for what it reads.
    let text = std::fs::read_to_string(path.join("cnn/program.bgp")).unwrap();
    let line = text.lines().find(|line| line.starts_with("compute exec wait=vector ")).unwrap();
    let hasty = text.replacen(line, &line.replace("wait=vector ", ""), 1);
    std::fs::write(path.join("cnn/program.bgp"), hasty).unwrap();
    ends(path, &simulate, 2, "not a valid program");
}

/// The programs that `cosim` runs, and the codes of the first image.
fn cosimulated(folder: &Path) -> (Vec<Validated<Program>>, String, Vec<u8>) {
    let graph = IntGraph::from_bytes(&std::fs::read(folder.join("cnn.bgq")).unwrap()).unwrap();
    let accelerator =
        Accelerator::from_toml(&std::fs::read_to_string(folder.join("design.toml")).unwrap()).unwrap();
    let plan = |reuse_memory| {
        compile(&graph, &accelerator, &Options { reuse_memory, ..Options::default() }).unwrap()
    };
    let array = npy::read(&std::fs::read(folder.join("mnist_test_u8.npy")).unwrap()).unwrap();
    let NpyData::U8(pixels) = array.data else { panic!("no bytes") };
    // Codes are signed: the pixels less 128.
    let codes = pixels[..28 * 28].iter().map(|pixel| pixel ^ 0x80).collect();
    (vec![plan(true), plan(false)], graph.tensor(graph.inputs[0]).name.clone(), codes)
}

/// A change of what a bench shows, and what `cosim` then has to say.
type Seed = (&'static str, fn(&mut Record), &'static str);

/// Every kind of difference.
const SEEDS: [Seed; 13] = [
    ("a start", |run| run.commands[20].1 += 1, "_start rises in cycle"),
    ("an end", |run| run.commands[20].2 = run.commands[20].2.map(|end| end + 1), "_end rises in cycle"),
    ("no end", |run| run.commands.last_mut().unwrap().2 = None, "_end rises never"),
    ("no command", |run| run.commands.truncate(run.commands.len() - 1), "_start rises never"),
    ("one more", |run| run.commands.push((run.commands[0].0, 9, Some(99))), "expected in cycle"),
    ("the total", |run| run.cycles = run.cycles.map(|cycles| cycles - 1), "cycles, expected"),
    ("a counter", |run| run.counters[31] += 1, "counter store_idle is"),
    ("an access", |run| run.accesses[3] -= 1, "accesses of `weight_write_byte` at the ports are"),
    ("a counter of stalls", |run| run.counters[3] += 1, "counter load_memory is"),
    (
        "a byte",
        |run| run.memory.as_mut().unwrap()[77] ^= 1,
        "1 bytes of external memory differ, the first at 0x4d",
    ),
    ("a breach", |run| run.complaint = Some("a breach".to_owned()), "the bench: a breach"),
    ("no dump", |run| run.memory = None, "the bench failed"),
    ("no total", |run| run.cycles = None, "the bench failed"),
];

#[test]
fn every_difference_that_cosim_can_meet_is_a_finding() {
    let folder = folder();
    let path = folder.path();
    let (programs, input, codes) = cosimulated(path);
    let right: Vec<Record> =
        programs.iter().map(|program| Record::new(program, &[(&input, &codes)])).collect();
    assert_ne!(right[0].cycles, right[1].cycles, "the two programs cannot be told apart");
    let player = Player::new(path.join("player"));
    let cosim = |records: &[Record], more: &[&str]| {
        player.play(records);
        let words =
            ["cosim", "--quantized", "cnn.bgq", "--data", "mnist.toml", "--accelerator", "design.toml"];
        bitgauge(path, &[&words[..], &["--build", "built"], more].concat(), &player.environment())
    };
    let well = cosim(&right, &[]);
    assert_eq!(well.code, Some(0), "{}{}", well.stdout, well.stderr);
    assert!(well.stdout.contains("differences: 0"), "{}", well.stdout);
    for (record, run) in right.iter().enumerate() {
        let line = format!("image 0: simulator {0} cycles, Verilog {0}", run.cycles.unwrap());
        assert_eq!(well.stdout.matches(&line).count(), 1, "program {record}: {}", well.stdout);
    }
    for (index, (what, change, said)) in SEEDS.into_iter().enumerate() {
        let mut records = right.clone();
        change(&mut records[index % 2]);
        let ended = cosim(&records, &[]);
        assert_eq!(ended.code, Some(1), "{what}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(said), "{what} does not say `{said}`: {}", ended.stderr);
    }
    // Under stalls bits count, and cycles do not.
    let mut records = right.clone();
    records[0].cycles = Some(1);
    records[0].counters[0] = 0;
    assert_eq!(cosim(&records, &["--stall", "3"]).code, Some(0));
    records[1].memory.as_mut().unwrap()[5] ^= 0x80;
    assert_eq!(cosim(&records, &["--stall", "3"]).code, Some(1));
    // A Verilator that does not start is the user's to mend.
    let words = ["cosim", "--quantized", "cnn.bgq", "--data", "mnist.toml", "--build", "another"];
    let ended = bitgauge(path, &words, &[("BITGAUGE_VERILATOR", path.join("none"))]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
}
