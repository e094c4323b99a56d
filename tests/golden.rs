//! Do command streams, cycles and counters stay what they were?
//!
//! The files in `tests/golden/` hold what the compiler and the simulator gave when simulator and Verilog
//! agreed on it (`tests/cosim.rs`). Two kinds, so that two kinds of change can be told apart:
//! `MODEL-DESIGN.txt` is compiled anew each time; `stored.program` is the compiler's output of one day, and
//! a difference of `stored.txt` can come from the simulator alone.
//!
//! A change that means to move them: `BITGAUGE_BLESS=1 cargo test -p bitgauge-tests --test golden`, then
//! read the diff and say in the changelog why. `BITGAUGE_BLESS=program` stores the program anew as well,
//! for when commands or the text form change.
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;
use std::hash::Hasher as _;
use std::path::PathBuf;

use bitgauge_arch::command::Unit;
use bitgauge_arch::mac::Operands;
use bitgauge_arch::program::{TensorRole, from_text, to_text};
use bitgauge_arch::{Accelerator, Program};

use bitgauge_arch::validate::{Validated, validate};
use bitgauge_models::float::FloatGraph;
use bitgauge_models::integer::evaluate::encode_inputs;
use bitgauge_models::integer::{IntGraph, IntOp, QuantizeOptions, calibrate, quantize};
use bitgauge_sim::Machine;
use bitgauge_sim::result::{LayerResult, RunResult, StallReason};
use bitgauge_testing::Random;
use fnv::FnvHasher;

use bitgauge_tests::networks::{Block, branches, convolutions, noise, transformer};
use bitgauge_tests::{DESIGNS, Images, MODELS, design, repository, shipped};

fn golden(name: &str) -> PathBuf {
    repository("tests/golden").join(name)
}

fn blessed() -> Option<String> {
    std::env::var("BITGAUGE_BLESS").ok()
}

/// FNV-1a.
fn hash(bytes: impl IntoIterator<Item = u8>) -> String {
    let mut hasher = FnvHasher::default();
    bytes.into_iter().for_each(|byte| hasher.write_u8(byte));
    format!("{:016x}", hasher.finish())
}

/// Busy, stalls by reason, idle.
fn counters(text: &mut String, result: &RunResult) {
    for unit in Unit::ALL {
        let cycles = &result.units[unit.index()];
        write!(text, "{} busy {}", unit.name(), cycles.busy).unwrap();
        for reason in StallReason::ALL {
            write!(text, " {} {}", reason.name(), cycles.stalled[reason as usize]).unwrap();
        }
        writeln!(text, " idle {}", cycles.idle).unwrap();
    }
}

fn layer(text: &mut String, name: &str, layer: &LayerResult) {
    writeln!(
        text,
        "layer {name}: start {} end {} busy {:?} waited {:?} feed {} span {} macs {} padded {} vector {} beats {}",
        layer.start,
        layer.end,
        layer.unit_busy,
        layer.unit_waited.map(|reasons| reasons.iter().sum::<u64>()),
        layer.feed_cycles,
        layer.array_span,
        layer.array_macs,
        layer.array_padded_macs,
        layer.vector_macs,
        layer.bus_beats
    )
    .unwrap();
}

/// Runs a program and puts into lines what has to stay.
fn replay(program: &Validated<Program>, inputs: &[(&str, &[u8])]) -> String {
    let mut machine = Machine::new(program);
    let result = machine.run(inputs, &bitgauge_sim::Options::default()).unwrap();
    let mut text = String::new();
    let words = program.words.iter().flat_map(|word| word.0.to_le_bytes());
    writeln!(text, "words {} fnv1a {}", program.words.len(), hash(words)).unwrap();
    let constants = program.segments.iter().flat_map(|segment| segment.bytes.iter().copied());
    writeln!(text, "constants fnv1a {}", hash(constants)).unwrap();
    writeln!(text, "memory {} fnv1a {}", program.memory_bytes, hash(machine.memory().iter().copied()))
        .unwrap();
    writeln!(text, "commands {} cycles {}", result.spans.len(), result.cycles).unwrap();
    writeln!(text, "bound {} beats {}", result.bound_cycles, result.bus_beats).unwrap();
    counters(&mut text, &result);
    for (symbol, of) in program.layers.iter().zip(&result.layers) {
        layer(&mut text, &symbol.name, of);
    }
    writeln!(text, "actions {}", serde_json::to_string(&result.actions).unwrap()).unwrap();
    text
}

/// Compares with a file, or writes it.
fn hold(name: &str, found: &str, blame: &str) {
    let path = golden(name);
    if blessed().is_some() {
        std::fs::write(&path, found).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if expected == found {
        return;
    }
    let unequal = expected.lines().zip(found.lines()).enumerate().filter(|(_, (a, b))| a != b);
    let first: Vec<String> =
        unequal.take(4).map(|(at, (a, b))| format!("line {}\n  was {a}\n  is  {b}", at + 1)).collect();
    panic!(
        "tests/golden/{name} differs ({} lines, now {}): {blame}\n{}\n\
         If it was meant: BITGAUGE_BLESS=1 cargo test -p bitgauge-tests --test golden, read the diff, and \
         say in the changelog why.",
        expected.lines().count(),
        found.lines().count(),
        first.join("\n")
    );
}

#[test]
fn shipped_models_on_shipped_designs() {
    for model in MODELS {
        let graph = shipped(model, QuantizeOptions::default());
        let codes = encode_inputs(&graph, &[Images::mnist("test").tensor(0)]).unwrap();
        let names = graph.inputs.iter().map(|&id| graph.tensor(id).name.as_str());
        let inputs: Vec<(&str, &[u8])> = names.zip(codes.iter().map(Vec::as_slice)).collect();
        for name in DESIGNS {
            let options = bitgauge_compiler::Options::default();
            let program = bitgauge_compiler::compile(&graph, &design(name), &options).unwrap();
            let blame = "where the hash of the words is another, the compiler or the quantizer changed; else \
                         the simulator";
            hold(&format!("{model}-{name}.txt"), &replay(&program, &inputs), blame);
        }
    }
}

/// Networks of other shapes than the shipped ones.
fn networks() -> Vec<(&'static str, FloatGraph, Vec<usize>)> {
    let tokens = |tokens, channels, heads| Block { tokens, channels, heads, hidden: 4 * channels };
    vec![
        ("convolutions 40 x 40", convolutions(40, 40, 1), vec![1, 3, 40, 40]),
        ("branches", branches(3), vec![1, 3, 15, 13]),
        ("transformer 197 x 96", transformer(tokens(197, 96, 3), 1, 1), vec![1, 197, 96]),
        ("transformer 49 x 192", transformer(tokens(49, 192, 6), 2, 1), vec![1, 49, 192]),
    ]
}

/// Cycles and bytes on the bus: a change that means to raise one has to say so (`BITGAUGE_BLESS=raise`).
#[test]
fn cycles_and_bytes_may_only_fall() {
    let mut graphs: Vec<(&str, IntGraph)> =
        MODELS.iter().map(|&model| (model, shipped(model, QuantizeOptions::default()))).collect();
    for (name, float, shape) in networks() {
        let image = noise(&mut Random(9), &shape, 0.0, 1.0);
        let calibration = calibrate(&float, 1, |_| vec![image.clone()]).unwrap();
        graphs.push((name, quantize(&float, &calibration, &QuantizeOptions::default()).unwrap()));
    }
    let path = golden("floor.txt");
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let mut text =
        "network on design | cycles | bytes on the bus | cycles that no program beats\n".to_owned();
    for (name, graph) in &graphs {
        for design_name in DESIGNS {
            let case = format!("{name} on {design_name}");
            let accelerator = design(design_name);
            let options = bitgauge_compiler::Options::default();
            let program = bitgauge_compiler::compile(graph, &accelerator, &options).unwrap();
            let options = bitgauge_sim::Options { data: false, trace: false, ..Default::default() };
            let result = Machine::new(&program).run(&[], &options).unwrap();
            let bytes = result.bus_beats * u64::from(accelerator.bus_bytes());
            let least = least(&accelerator, graph);
            assert!(least <= result.cycles && least > 0, "{case}: {} cycles, bound {least}", result.cycles);
            writeln!(text, "{case} | {} | {bytes} | {least}", result.cycles).unwrap();
        }
    }
    let raised = blessed().as_deref() == Some("raise");
    let rises = rises(&before, &text);
    assert!(raised || rises.is_empty(), "{}: BITGAUGE_BLESS=raise if it was meant", rises.join("; "));
    if blessed().is_some() {
        std::fs::write(&path, text).unwrap();
    } else {
        // A fall that is not kept would leave room for a rise.
        assert!(
            before == text,
            "cycles or bytes fell: BITGAUGE_BLESS=1 cargo test -p bitgauge-tests --test golden keeps it so"
        );
    }
}

/// What rose from one table of [`cycles_and_bytes_may_only_fall`] to the next, or is new in it.
fn rises(before: &str, now: &str) -> Vec<String> {
    let row = |line: &str| -> (String, [u64; 2]) {
        let cells: Vec<&str> = line.split(" | ").collect();
        (cells[0].to_owned(), [1, 2].map(|column| cells[column].parse().unwrap()))
    };
    let held: Vec<_> = before.lines().skip(1).map(row).collect();
    let mut rises = Vec::new();
    for (case, found) in now.lines().skip(1).map(row) {
        let Some((_, most)) = held.iter().find(|(known, _)| *known == case) else {
            rises.push(format!("{case} is not in tests/golden/floor.txt"));
            continue;
        };
        for (what, (found, most)) in ["cycles", "bytes"].iter().zip(found.iter().zip(most)) {
            if found > most {
                rises.push(format!("{case}: {found} {what}, were {most}"));
            }
        }
    }
    rises
}

#[test]
fn a_rise_of_cycles_or_bytes_is_seen() {
    let before = "network | cycles | bytes | least\na on b | 10 | 20 | 3\nc on d | 7 | 8 | 3\n";
    let now = |one: u64, two: u64| format!("network | cycles | bytes | least\na on b | {one} | {two} | 3\n");
    assert!(rises(before, &now(10, 20)).is_empty());
    assert!(rises(before, &now(9, 19)).is_empty());
    assert_eq!(rises(before, &now(11, 20)), ["a on b: 11 cycles, were 10"]);
    assert_eq!(rises(before, &now(10, 21)), ["a on b: 21 bytes, were 20"]);
    assert_eq!(rises("", &now(1, 1)), ["a on b is not in tests/golden/floor.txt"]);
}

/// The bound of the network alone, from its weights and outputs counted here.
fn least(accelerator: &Accelerator, graph: &IntGraph) -> u64 {
    let weights = graph.nodes.iter().map(|node| match &node.op {
        IntOp::Conv { weight, .. } | IntOp::Depthwise { weight, .. } | IntOp::Phased { weight, .. } => {
            weight.len()
        }
        _ => 0,
    });
    let outputs = graph.outputs.iter().map(|output| {
        let tensor = graph.tensor(output.tensor);
        tensor.shape.elements() * tensor.code.container().bytes()
    });
    let macs = graph.nodes.iter().map(|node| graph.macs(node)).sum();
    accelerator.network_bound_cycles(&[(Operands::BYTES, macs)], weights.chain(outputs).sum::<usize>() as u64)
}

#[test]
fn a_stored_program() {
    let paths = [golden("stored.program"), golden("stored.bin")];
    if blessed().as_deref() == Some("program") {
        let graph = shipped("cnn_mnist", QuantizeOptions::default());
        let options = bitgauge_compiler::Options::default();
        let program = bitgauge_compiler::compile(&graph, &design("reference-8x8"), &options).unwrap();
        let (text, image) = to_text(&program, "stored.bin");
        std::fs::write(&paths[0], text).unwrap();
        std::fs::write(&paths[1], image).unwrap();
    }
    let text = std::fs::read_to_string(&paths[0]).unwrap();
    let image = std::fs::read(&paths[1]).unwrap();
    let program = from_text(&text, &image).unwrap();
    assert_eq!(to_text(&program, "stored.bin"), (text, image), "the text form changed");
    // Input codes of no model: nothing but the simulator has a part in this.
    let tensors = program.tensors.iter().filter(|tensor| tensor.role == TensorRole::Input);
    let codes: Vec<(&str, Vec<u8>)> = tensors
        .map(|tensor| {
            let count = tensor.groups * tensor.rows * tensor.cols * tensor.channels;
            assert!(tensor.value_bits <= 8);
            let mask = (1u64 << tensor.value_bits) - 1;
            (tensor.name.as_str(), (0..count).map(|at| ((at * at / 7) & mask) as u8).collect())
        })
        .collect();
    let inputs: Vec<(&str, &[u8])> = codes.iter().map(|(name, codes)| (*name, codes.as_slice())).collect();
    let program = validate(program.clone()).unwrap_or_else(|problems| panic!("{}", problems[0]));
    hold("stored.txt", &replay(&program, &inputs), "the program is a stored one: the simulator changed");
}
