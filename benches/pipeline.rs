//! How fast is each step of the way? `cargo bench`, or `cargo bench -- simulate` for one step.
//!
//! Compile and simulate are in commands per second (elements), the same unit for every network; calibration in
//! images per second. "Data, anew" finds the cycles with the data, as a first image does.

// A benchmark without its inputs cannot go on.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use bitgauge_arch::Accelerator;
use bitgauge_compiler::compile;
use bitgauge_models::float::{FloatGraph, Tensor, passes};
use bitgauge_models::integer::evaluate::encode_inputs;
use bitgauge_models::integer::{Calibration, QuantizeOptions, calibrate, quantize};
use bitgauge_models::onnx;
use bitgauge_sim::{Machine, Options};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

struct Subject {
    name: &'static str,
    bytes: Vec<u8>,
}

/// The shipped networks, and EfficientNet-Lite0 where `cargo xtask fetch` has brought it.
fn subjects() -> Vec<Subject> {
    let zoo = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/zoo");
    let paths: [(&str, PathBuf); 3] = [
        ("vit_mnist", zoo.join("vit_mnist.onnx")),
        ("cnn_mnist", zoo.join("cnn_mnist.onnx")),
        ("efficientnet_lite0", zoo.join("data/efficientnet_lite0.onnx")),
    ];
    let read =
        |(name, path): (&'static str, PathBuf)| Some(Subject { name, bytes: std::fs::read(path).ok()? });
    paths.into_iter().filter_map(read).collect()
}

fn import(bytes: &[u8]) -> FloatGraph {
    let mut graph = onnx::import(bytes).unwrap();
    passes::simplify(&mut graph).unwrap();
    graph
}

/// A smooth pattern: enough to calibrate for speed, not for accuracy.
fn image(graph: &FloatGraph, seed: usize) -> Tensor {
    let shape = graph.shape(graph.inputs[0]).to_vec();
    let reals = (0..shape.iter().product()).map(|index: usize| ((index * 7 + seed) as f32 * 0.01).sin());
    Tensor::new(shape, reals.collect()).unwrap()
}

fn calibration(graph: &FloatGraph) -> Calibration {
    calibrate(graph, 2, |index| vec![image(graph, index)]).unwrap()
}

fn steps(criterion: &mut Criterion) {
    let design = include_str!("../designs/reference-16x16.toml");
    let accelerator = Accelerator::from_toml(design).unwrap();
    for Subject { name, bytes } in subjects() {
        let float = import(&bytes);
        let seen = calibration(&float);
        let graph = quantize(&float, &seen, &QuantizeOptions::default()).unwrap();
        let program = compile(&graph, &accelerator, &bitgauge_compiler::Options::default()).unwrap();
        let commands = Throughput::Elements(program.commands.len() as u64);

        let mut group = criterion.benchmark_group("import");
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(name, |bench| bench.iter(|| import(&bytes)));
        group.finish();

        let mut group = criterion.benchmark_group("calibrate");
        // Two images.
        group.throughput(Throughput::Elements(2));
        group.bench_function(name, |bench| bench.iter(|| calibration(&float)));
        group.finish();

        let mut group = criterion.benchmark_group("quantize");
        group.bench_function(name, |bench| {
            bench.iter(|| quantize(&float, &seen, &QuantizeOptions::default()).unwrap());
        });
        group.finish();

        let mut group = criterion.benchmark_group("compile");
        group.throughput(commands.clone());
        let options = bitgauge_compiler::Options::default();
        group.bench_function(name, |bench| {
            bench.iter(|| compile(&graph, &accelerator, &options).unwrap());
        });
        group.finish();

        let inputs = encode_inputs(&graph, &[image(&float, 0)]).unwrap();
        let input = [(graph.tensor(graph.inputs[0]).name.as_str(), inputs[0].as_slice())];
        let mut machine = Machine::new(&program);
        let mut group = criterion.benchmark_group("simulate");
        group.throughput(commands);
        let options = Options { trace: false, ..Options::default() };
        group.bench_function(format!("{name}, data"), |bench| {
            bench.iter(|| machine.run(&input, &options).unwrap());
        });
        let anew = Options { anew: true, ..options.clone() };
        group.bench_function(format!("{name}, data, anew"), |bench| {
            bench.iter(|| machine.run(&input, &anew).unwrap());
        });
        let options = Options { data: false, ..options };
        group.bench_function(format!("{name}, timing only"), |bench| {
            bench.iter(|| machine.run(&[], &options).unwrap());
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = steps
}
criterion_main!(benches);
