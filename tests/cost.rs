//! What does quantizing cost: time of one core, memory, and how both grow? Beside ONNX Runtime in the same run.
//!
//! The large networks are those of `models/zoo/seeded_networks.py`, written anew where they are not there. Times are
//! the processor's, of all threads of a process that has one worker: other work on the host does not count.

// Helpers outside of #[test] functions fail the test by panicking, and say what they measured.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod onnxruntime;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bitgauge_models::float::{Tensor, passes, run};
use bitgauge_models::onnx;
use onnxruntime::{OnnxRuntime, least, python, python_has, timed};

/// Turns of which the least time counts.
const TURNS: usize = 5;

/// Inferences of milliseconds have more turns: as many as fit in so many.
const MILLISECONDS: f64 = 1500.0;

/// Clock ticks a second in Linux' `/proc`.
const TICKS: f64 = 100.0;

/// A folder with the seeded networks, or a line that says why not.
fn networks(names: &[&str]) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("seeded");
    let there = |name: &&str| folder.join(format!("{name}.onnx")).exists();
    if names.iter().all(there) && folder.join("images.toml").exists() {
        return Some(folder);
    }
    if !python_has("numpy, onnx") {
        skipped("the cost of quantizing: set BITGAUGE_PYTHON to a Python with onnx and numpy");
        return None;
    }
    let script = root().join("models/zoo/seeded_networks.py");
    assert!(Command::new(python()).arg(script).arg(&folder).args(names).status().unwrap().success());
    Some(folder)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn skipped(what: &str) {
    eprintln!("SKIPPED: {what}");
}

/// What a run of the program took.
struct Cost {
    seconds: f64,
    peak_mib: f64,
}

/// Quantizes with one calibration image and one worker; `None` where the host does not tell what it took.
fn quantized(folder: &Path, name: &str) -> Option<Cost> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bitgauge"))
        .args(["quantize", "--calibration-images", "1", "--data"])
        .arg(folder.join("images.toml"))
        .arg("--model")
        .arg(folder.join(format!("{name}.onnx")))
        .arg("--output")
        .arg(folder.join(format!("{name}.bgq")))
        .env("RAYON_NUM_THREADS", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let process = PathBuf::from(format!("/proc/{}", child.id()));
    let mut peak_mib = 0.0;
    // A process that has ended keeps its times, not its memory, until it is waited for.
    let seconds = loop {
        let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        peak_mib = peak.map_or(peak_mib, |kib| kib / 1024.0);
        let Ok(stat) = std::fs::read_to_string(process.join("stat")) else { break None };
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        if fields[0] == "Z" {
            let ticks: f64 = fields[11..13].iter().map(|field| field.parse::<f64>().unwrap()).sum();
            break Some(ticks / TICKS);
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(child.wait().unwrap().success(), "quantizing {name}");
    if seconds.is_none() {
        skipped("the cost of quantizing: this host does not tell a process' time and memory");
    }
    Some(Cost { seconds: seconds?, peak_mib })
}

fn image(shape: &[usize]) -> Tensor {
    let elements = shape.iter().product();
    let data = (0..elements).map(|i: usize| ((i * 37 + 11) % 23) as f32 / 7.0 - 1.5).collect();
    Tensor::new(shape.to_vec(), data).unwrap()
}

#[test]
#[ignore = "long tier: time and memory of quantizing VGG16 and ViT-B"]
fn large_networks_in_seconds() {
    let Some(folder) = networks(&["vgg16", "vit_b"]) else { return };
    for (name, most_seconds) in [("vgg16", 4.0), ("vit_b", 3.0)] {
        let costs: Option<Vec<Cost>> = (0..3).map(|_| quantized(&folder, name)).collect();
        let Some(costs) = costs else { return };
        let seconds = costs.iter().map(|cost| cost.seconds).fold(f64::INFINITY, f64::min);
        let peak = costs.iter().map(|cost| cost.peak_mib).fold(0.0, f64::max);
        let file = std::fs::metadata(folder.join(format!("{name}.onnx"))).unwrap().len();
        // The file is the weights and a few bytes a node.
        let weights = file as f64 / f64::from(1 << 20);
        let most = 1.5 * weights + 128.0;
        eprintln!(
            "{name}: quantized with one image on one core in {seconds:.2} s (at most {most_seconds}), {peak:.0} \
             MiB resident at most (allowed {most:.0}; the float weights have {weights:.0})"
        );
        assert!(seconds <= most_seconds && peak <= most, "{name}: {seconds} s, {peak} MiB");
    }
}

#[test]
#[ignore = "long tier: a timing, float inferences against ONNX Runtime"]
fn a_float_inference_takes_little_more_than_onnx_runtimes() {
    let Some(folder) = networks(&["vgg16", "vit_b"]) else { return };
    let found = |paths: [&str; 2]| paths.iter().map(|path| root().join(path)).find(|path| path.exists());
    let efficientnet =
        ["models/zoo/data/efficientnet_lite0.onnx", "../shared/data/models/efficientnet_lite0.onnx"];
    let models = [
        Some(folder.join("vgg16.onnx")),
        Some(folder.join("vit_b.onnx")),
        found(efficientnet),
        found(["models/zoo/data/vit_s_focus.onnx"; 2]),
    ];
    let mut slow = Vec::new();
    for model in models {
        let Some(model) = model else {
            skipped("EfficientNet-Lite0 or ViT-S: `cargo xtask fetch` brings them");
            continue;
        };
        let mut graph = onnx::import(&std::fs::read(&model).unwrap()).unwrap();
        passes::simplify(&mut graph).unwrap();
        let image = image(graph.shape(graph.inputs[0]));
        let Some(mut theirs) = OnnxRuntime::start(&root().join("tests"), &model, &image) else {
            return skipped("float inferences: set BITGAUGE_PYTHON to a Python with ONNX Runtime");
        };
        let (mut ours, mut runtime) = (Vec::new(), Vec::new());
        let began = Instant::now();
        while ours.len() < TURNS || began.elapsed().as_secs_f64() * 1e3 < MILLISECONDS {
            runtime.push(theirs.time());
            ours.push(timed(|| drop(run(&graph, std::slice::from_ref(&image)).unwrap())));
        }
        let ([_, own], [_, other]) = (least(&ours), least(&runtime));
        let name = model.file_stem().unwrap().to_string_lossy();
        let ratio = own / other;
        eprintln!(
            "{name}: {own:.1} ms, ONNX Runtime {} {other:.1} ms, ratio {ratio:.2} (one core)",
            theirs.version
        );
        theirs.end();
        if ratio > 1.5 {
            slow.push(format!("{name}: {ratio:.2}"));
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
}

#[test]
#[ignore = "long tier: a timing, networks of 1,500 and 3,000 layers"]
fn twice_the_layers_take_twice_the_time() {
    let Some(folder) = networks(&["deep_1500", "deep_3000"]) else { return };
    let least = |name| {
        let costs: Option<Vec<Cost>> = (0..TURNS).map(|_| quantized(&folder, name)).collect();
        Some(costs?.iter().map(|cost| cost.seconds).fold(f64::INFINITY, f64::min))
    };
    let (Some(half), Some(whole)) = (least("deep_1500"), least("deep_3000")) else { return };
    eprintln!("1,500 layers: {half:.2} s, 3,000 layers: {whole:.2} s (at most 5)");
    // The square would be four times.
    assert!(whole <= 5.0 && whole <= 2.6 * half, "{half} s, {whole} s");
}
