//! How long does one EfficientNet-Lite0 image take, simulated exact to bit and cycle on one core, measured in
//! ONNX Runtime's float inferences on one core?
//!
//! Both are timed in turn in one run, so that the load of the machine weighs on both alike; medians are
//! compared. Bar: three. Linux also tells the peak memory.

// Helpers outside of #[test] functions fail the test by panicking, and say what they measured.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use bitgauge_models::float::Tensor;
use bitgauge_models::integer::QuantizeOptions;
use bitgauge_models::integer::evaluate::encode_inputs;
use bitgauge_models::npy::{self, Npy, NpyData};
use bitgauge_sim::{Machine, Options};
use bitgauge_tests::{assert_equal, design, efficientnet, float_model, quantized};

const TIMES: usize = 21;
const MOST: f64 = 3.0;

/// ONNX Runtime in a process of its own.
struct OnnxRuntime {
    process: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    version: String,
}

impl OnnxRuntime {
    fn start(model: &Path, image: &Tensor) -> Option<OnnxRuntime> {
        let python = std::env::var("BITGAUGE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let probe = Command::new(&python).args(["-c", "import onnxruntime, numpy"]).output();
        if !probe.is_ok_and(|output| output.status.success()) {
            return None;
        }
        let array = Path::new(env!("CARGO_TARGET_TMPDIR")).join("speed.npy");
        let pixels = Npy { shape: image.shape().to_vec(), data: NpyData::F32(image.data().to_vec()) };
        std::fs::write(&array, npy::write(&pixels)).unwrap();
        let mut process = Command::new(python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("onnxruntime_time.py"))
            .args([model, &array])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let ask = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let mut runtime = OnnxRuntime { process, ask, answers, version: String::new() };
        runtime.version = runtime.line().strip_prefix("ready ").unwrap().to_owned();
        Some(runtime)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn time(&mut self) -> Duration {
        writeln!(self.ask).unwrap();
        Duration::from_nanos(self.line().parse().unwrap())
    }

    fn end(self) {
        let OnnxRuntime { mut process, ask, .. } = self;
        drop(ask);
        process.wait().unwrap();
    }
}

/// The most memory that this process ever had resident, MiB, by Linux.
fn peak_mebibytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    1000.0 * times[times.len() / 2].as_secs_f64()
}

#[test]
#[ignore = "long tier: a timing, EfficientNet-Lite0 against ONNX Runtime"]
fn one_image_on_one_core() {
    let Some((model, images)) = efficientnet() else { return };
    let image = images.tensor(5);
    let Some(mut float) = OnnxRuntime::start(&model, &image) else {
        bitgauge_tests::skipped(
            "the speed against ONNX Runtime: set BITGAUGE_PYTHON to a Python that has it",
        );
        return;
    };
    let graph = quantized(&float_model(&model), &images, 4, QuantizeOptions::default());
    let (accelerator, mapping) = (design("reference-16x16"), bitgauge_compiler::Options::default());
    // What is timed is exact.
    assert_equal("speed", &graph, &accelerator, &mapping, std::slice::from_ref(&image));
    let program = bitgauge_compiler::compile(&graph, &accelerator, &mapping).unwrap();
    let inputs = encode_inputs(&graph, std::slice::from_ref(&image)).unwrap();
    let input = [(graph.tensor(graph.inputs[0]).name.as_str(), inputs[0].as_slice())];

    let mut machine = Machine::new(&program).unwrap();
    let options = Options { trace: false, ..Options::default() };
    machine.run(&input, &options).unwrap();
    let (mut ours, mut theirs, mut cycles) = (Vec::new(), Vec::new(), 0);
    for _ in 0..TIMES {
        theirs.push(float.time());
        let start = Instant::now();
        cycles = machine.run(&input, &options).unwrap().cycles;
        ours.push(start.elapsed());
    }
    let version = float.version.clone();
    float.end();
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    let ratio = ours / theirs;
    let memory = peak_mebibytes().map_or_else(String::new, |peak| {
        format!("; peak memory {peak:.0} MiB, quantizing and compiling included")
    });
    eprintln!(
        "EfficientNet-Lite0 on reference-16x16, medians of {TIMES}, one thread each: simulated ({cycles} cycles, \
         bits and cycles exact) {ours:.1} ms, ONNX Runtime {version} float {theirs:.1} ms, ratio {ratio:.2}{memory}"
    );
    assert!(ratio <= MOST, "one simulated image takes {ratio:.2} float inferences");
}
