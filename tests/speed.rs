//! How long does one image of EfficientNet-Lite0 or ViT-S take, simulated exact to bit and cycle on one core,
//! measured in ONNX Runtime's float inferences on one core? And how much memory?
//!
//! Both are timed in turn in one run, and the processor's least times are compared: on a host that does other
//! work as well, the clock on the wall counts that too, and other work only adds. `BITGAUGE_KERNEL=avx2` forces the kernels for hosts
//! without AVX-512 VNNI.

// Helpers outside of #[test] functions fail the test by panicking, and say what they measured.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod onnxruntime;

use std::path::Path;
use std::process::Command;

use bitgauge_arch::arith::gemm::Kernel;
use bitgauge_arch::program::{from_text, to_text};
use bitgauge_models::integer::QuantizeOptions;
use bitgauge_models::integer::evaluate::encode_inputs;
use bitgauge_sim::{Machine, Options};
use onnxruntime::{OnnxRuntime, least, timed};

use bitgauge_tests::{Images, assert_equal, design, efficientnet, float_model, quantized, saliency};

/// A network, and the most float inferences that an image may take: the first one of a program, whose times have
/// to be found, and those after it. With VNNI, and without.
struct Subject {
    name: &'static str,
    times: usize,
    most: [[f64; 2]; 2],
}

const EFFICIENTNET: Subject =
    Subject { name: "EfficientNet-Lite0", times: 21, most: [[1.5, 0.85], [2.0, 1.3]] };
const VIT_S: Subject = Subject { name: "ViT-S", times: 7, most: [[0.95, 0.62], [1.3, 1.0]] };
/// Names the program that the process of its own simulates.
const PROGRAM: &str = "BITGAUGE_SPEED_PROGRAM";

/// The host's instructions that matter here.
fn flags() -> String {
    let found = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = found.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    let known = ["avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni"];
    known.into_iter().filter(|flag| line.split(' ').any(|word| word == *flag)).collect::<Vec<_>>().join(" ")
}

#[test]
#[ignore = "long tier: a timing, EfficientNet-Lite0 against ONNX Runtime"]
fn one_image_on_one_core() {
    if let Some((model, images)) = efficientnet() {
        one_image(&EFFICIENTNET, &model, &images);
    }
}

#[test]
#[ignore = "long tier: a timing, ViT-S against ONNX Runtime"]
fn one_image_of_a_transformer_on_one_core() {
    if let Some((model, images, _)) = saliency() {
        one_image(&VIT_S, &model, &images);
    }
}

fn one_image(subject: &Subject, model: &Path, images: &Images) {
    let image = images.tensor(5);
    let Some(mut float) = OnnxRuntime::start(Path::new(env!("CARGO_MANIFEST_DIR")), model, &image) else {
        bitgauge_tests::skipped(
            "the speed against ONNX Runtime: set BITGAUGE_PYTHON to a Python that has it",
        );
        return;
    };
    let graph = quantized(&float_model(model), images, 4, QuantizeOptions::default());
    let (accelerator, mapping) = (design("reference-16x16"), bitgauge_compiler::Options::default());
    // What is timed is exact.
    assert_equal("speed", &graph, &accelerator, &mapping, std::slice::from_ref(&image));
    let program = bitgauge_compiler::compile(&graph, &accelerator, &mapping).unwrap();
    let inputs = encode_inputs(&graph, std::slice::from_ref(&image)).unwrap();
    let input = [(graph.tensor(graph.inputs[0]).name.as_str(), inputs[0].as_slice())];

    let mut machine = Machine::new(&program);
    let further = Options { trace: false, ..Options::default() };
    let first = Options { anew: true, ..further.clone() };
    let expected = machine.run(&input, &further).unwrap();
    let (mut ours, mut theirs) = ([Vec::new(), Vec::new()], Vec::new());
    for _ in 0..subject.times {
        theirs.push(float.time());
        for (times, options) in ours.iter_mut().zip([&first, &further]) {
            let mut result = None;
            times.push(timed(|| result = Some(machine.run(&input, options).unwrap())));
            assert_eq!(result.unwrap(), expected);
        }
    }
    let version = float.version.clone();
    float.end();
    let kernel = Kernel::detect();
    let [their_wall, their_time] = least(&theirs);
    eprintln!(
        "{} on reference-16x16 ({} cycles, bits and cycles exact), least of {}, one thread each, milliseconds \
         of the processor (on the wall); kernel {kernel:?}, host has {}",
        subject.name,
        expected.cycles,
        subject.times,
        flags()
    );
    eprintln!("ONNX Runtime {version} float: {their_time:.1} ({their_wall:.1})");
    let most = subject.most[usize::from(kernel != Kernel::Vnni)];
    for ((times, most), name) in ours.iter().zip(most).zip(["first image", "further images"]) {
        let [wall, time] = least(times);
        let ratio = time / their_time;
        eprintln!("simulated, {name}: {time:.1} ({wall:.1}), ratio {ratio:.2}");
        if kernel != Kernel::Portable {
            assert!(ratio <= most, "{name}: one simulated image takes {ratio:.2} float inferences");
        }
    }
}

/// The most memory that this process ever had resident, MiB, by Linux.
fn peak_mebibytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}

/// Formula: 64 MiB and three times the float weights, for a process that reads the program and runs it.
#[test]
#[ignore = "long tier: peak memory of EfficientNet-Lite0"]
fn one_image_in_little_memory() {
    let Some((model, images)) = efficientnet() else { return };
    let float = float_model(&model);
    let weights = 4 * float.parameter_count();
    let graph = quantized(&float, &images, 4, QuantizeOptions::default());
    let options = bitgauge_compiler::Options::default();
    let program = bitgauge_compiler::compile(&graph, &design("reference-16x16"), &options).unwrap();
    let (text, image) = to_text(&program, "image");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("speed.program");
    std::fs::write(&path, text).unwrap();
    std::fs::write(path.with_extension("image"), image).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "a_process_of_its_own", "--nocapture"])
        .env(PROGRAM, &path)
        .output()
        .unwrap();
    let answer = String::from_utf8_lossy(&output.stderr).into_owned();
    let Some(peak) = answer.lines().find_map(|line| line.strip_prefix("peak MiB ")) else {
        return bitgauge_tests::skipped("peak memory: this host does not tell it");
    };
    let (peak, most) = (peak.parse::<f64>().unwrap(), 64.0 + 3.0 * weights as f64 / f64::from(1 << 20));
    eprintln!("EfficientNet-Lite0 read and simulated in {peak:.0} MiB, at most {most:.0} allowed");
    assert!(peak <= most, "{peak} MiB");
}

/// Not a test of its own: what [`one_image_in_little_memory`] starts.
#[test]
#[ignore = "long tier: a part of one_image_in_little_memory"]
fn a_process_of_its_own() {
    let Some(path) = std::env::var_os(PROGRAM) else { return };
    let text = std::fs::read_to_string(&path).unwrap();
    let image = std::fs::read(Path::new(&path).with_extension("image")).unwrap();
    let program = from_text(&text, &image).unwrap();
    let options = Options { trace: false, ..Options::default() };
    Machine::new(&bitgauge_arch::validate::validate(program).unwrap()).run(&[], &options).unwrap();
    if let Some(peak) = peak_mebibytes() {
        eprintln!("peak MiB {peak}");
    }
}
