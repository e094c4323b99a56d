//! Large pointwise convolutions and linear layers come close to their geometric bound.

// A test that meets a broken premise should stop there, and may say what it measured.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "../../tests/blocks.rs"]
mod blocks;
mod support;

use bitgauge_arch::Accelerator;
use bitgauge_compiler::{Options, compile};
use bitgauge_models::integer::{IntGraph, Window};
use bitgauge_sim::result::RunResult;
use support::{Builder, DESIGNS, SIGNED, UNSIGNED, shape, window};

fn cycles(graph: &IntGraph, accelerator: &Accelerator) -> (u64, String, u64) {
    let (result, mapping) = simulated(graph, accelerator);
    (result.cycles, mapping, result.bound_cycles)
}

fn simulated(graph: &IntGraph, accelerator: &Accelerator) -> (RunResult, String) {
    let program = compile(graph, accelerator, &Options::default()).unwrap();
    let inputs: Vec<(String, Vec<u8>)> = graph
        .inputs
        .iter()
        .map(|&id| (graph.tensor(id).name.clone(), vec![0; graph.tensor(id).shape.elements()]))
        .collect();
    let named: Vec<(&str, &[u8])> = inputs.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    let options = bitgauge_sim::Options { data: false, ..bitgauge_sim::Options::default() };
    let output = bitgauge_sim::run(&program, &named, &options).unwrap();
    (output.result, program.layers[0].mapping.clone())
}

/// Whole folds of the array, or all operands once over the bus, whichever is more.
fn geometric(accelerator: &Accelerator, [m, n, k]: [u64; 3]) -> u64 {
    let fold = |size: u64, by: u32| size.div_ceil(u64::from(by));
    let line = u64::from(accelerator.line_bytes());
    let array = fold(m, accelerator.array.rows) * fold(n, accelerator.array.cols) * k.next_multiple_of(line);
    let bus = (m * k + n * k + m * n + 8 * n) / u64::from(accelerator.bus_bytes());
    array.max(bus)
}

/// What one layer alone makes of the array.
struct Use {
    cycles: u64,
    array_bound: bool,
    /// What padding leaves of the array's peak, and what is used of it from the first feeder read to the last.
    padded: f64,
    utilization: f64,
    /// The bound in cycles over all cycles.
    share: f64,
}

/// Simulates one layer alone, a linear one as a map of one column: of its peak the array has to reach 95 % of
/// what padding leaves where the array binds, and the whole run `least` of the geometric bound.
fn uses_the_array([rows, cols]: [usize; 2], channels: usize, outputs: usize, least: f64) -> Use {
    let accelerator = Accelerator::from_toml(DESIGNS[1].1).unwrap();
    let name = format!("{rows}x{cols} {channels} to {outputs}");
    let mut b = Builder::new(1);
    let x = b.input(shape(1, rows, cols, channels), UNSIGNED);
    let y = b.conv(x, Window::POINT, 1, outputs, SIGNED);
    let graph = b.finish(&[y]);
    let (result, mapping) = simulated(&graph, &accelerator);
    let (cycles, layer) = (result.cycles, &result.layers[0]);
    let geometric = geometric(&accelerator, [(rows * cols) as u64, outputs as u64, channels as u64]);
    let share = geometric as f64 / cycles as f64;
    // From the first feeder read to the last, without the first load and the last store.
    let utilization = layer.array_macs as f64 / (256 * layer.array_span) as f64;
    let padded = layer.array_macs as f64 / layer.array_padded_macs as f64;
    let array_bound = layer.feed_cycles > layer.bus_beats;
    assert!(!array_bound || utilization >= 0.95 * padded, "{name}: {utilization}");
    assert!(!array_bound || padded < 0.9 || utilization >= 0.85, "{name}: {utilization} of the peak");
    assert!(share >= least, "{name}: {cycles} cycles, {geometric} at least, {mapping}");
    Use { cycles, array_bound, padded, utilization, share }
}

/// `1234567` as `1,234,567`.
fn thousands(count: u64) -> String {
    if count < 1000 { count.to_string() } else { format!("{},{:03}", thousands(count / 1000), count % 1000) }
}

/// A row of docs/status/figures.md.
fn row(lines: &mut String, name: &str, used: &Use) {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let by = if used.array_bound { "array" } else { "bus" };
    let shares = [used.padded, used.utilization, used.utilization / used.padded].map(percent).join(" | ");
    let (cycles, share) = (thousands(used.cycles), percent(used.share));
    lines.push_str(&format!("| {name} | {by} | {shares} | {cycles} | {share} |\n"));
}

fn head(first: &str) -> String {
    format!(
        "| {first} | bound by | geometric bound | utilization | utilization / bound | cycles simulated | bound / \
         cycles |\n| --- | --- | --- | --- | --- | --- | --- |\n"
    )
}

#[test]
fn linear_layers_of_a_vit_s_use_the_array() {
    let mut lines = head("layer");
    for (name, channels, outputs) in [
        ("Q, K or V, 384 to 384", 384, 384),
        ("Q, K and V in one, 384 to 1152", 384, 1152),
        ("first of the perceptron, 384 to 1536", 384, 1536),
        ("second, 1536 to 384", 1536, 384),
    ] {
        row(&mut lines, name, &uses_the_array([257, 1], channels, outputs, 0.95));
    }
    blocks::hold("docs/status/figures.md", "linear", &lines);
}

#[test]
fn large_pointwise_layers_use_the_array() {
    let mut lines = head("map, channels in to out");
    for (map, channels, outputs, least) in [
        (112usize, 16usize, 96usize, 0.95),
        (112, 32, 16, 0.95),
        (56, 96, 24, 0.95),
        (56, 24, 144, 0.95),
        (56, 144, 24, 0.95),
        (28, 240, 40, 0.95),
        (14, 480, 112, 0.95),
        (14, 112, 672, 0.95),
        (7, 672, 192, 0.93),
        (7, 192, 1152, 0.95),
        (7, 1152, 320, 0.95),
        (7, 320, 1280, 0.95),
        (1, 1280, 1000, 0.95),
    ] {
        let name = format!("{map}x{map}, {channels} to {outputs}");
        row(&mut lines, &name, &uses_the_array([map, map], channels, outputs, least));
    }
    blocks::hold("docs/status/figures.md", "pointwise", &lines);
}

#[test]
fn few_input_channels_are_gathered() {
    let accelerator = Accelerator::from_toml(DESIGNS[1].1).unwrap();
    for (size, window, outputs) in [
        (224, window([3, 3], [2, 2], [0, 0, 1, 1], [1, 1]), 32),
        (224, window([16, 16], [16, 16], [0; 4], [1, 1]), 192),
    ] {
        let mut b = Builder::new(1);
        let x = b.input(shape(1, size, size, 3), UNSIGNED);
        let y = b.conv(x, window, 1, outputs, SIGNED);
        let (cycles, mapping, bound) = cycles(&b.finish(&[y]), &accelerator);
        println!("{window:?}: {cycles} (sim bound {bound}): {mapping}");
        assert!(mapping.contains("gathers"));
    }
    for (size, channels, stride) in [(112, 32, 1), (112, 96, 2), (28, 240, 1), (7, 1152, 1)] {
        let mut b = Builder::new(1);
        let x = b.input(shape(1, size, size, channels), UNSIGNED);
        let y = b.depthwise(x, window([3, 3], [stride, stride], [1, 1, 1, 1], [1, 1]), SIGNED);
        let (cycles, mapping, bound) = cycles(&b.finish(&[y]), &accelerator);
        println!("depthwise {size} {channels} {stride}: {cycles} (sim bound {bound}): {mapping}");
    }
}
