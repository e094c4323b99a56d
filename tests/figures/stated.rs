//! The README states the figures of the shipped models, and no others.

use std::fmt::Write as _;

use crate::accuracy::shares;
use crate::cases::cases;
use crate::headline::Headline;

#[path = "../blocks.rs"]
mod blocks;

/// `1234567` as `1,234,567`.
fn thousands(count: u64) -> String {
    if count < 1000 { count.to_string() } else { format!("{},{:03}", thousands(count / 1000), count % 1000) }
}

#[test]
fn the_readme_states_what_is_computed() {
    let mut lines = "| figure | value | command |\n| --- | --- | --- |\n".to_owned();
    for (case, shares) in cases().iter().zip(shares()).filter(|(case, _)| !case.lopsided) {
        let (name, model) = match case.model {
            "vit_mnist" => ("ViT", ""),
            _ => ("CNN", " --model models/zoo/cnn_mnist.onnx"),
        };
        let head = Headline::new(case);
        writeln!(
            lines,
            "| {name}, MNIST, one inference on reference-16x16: cycles (exact), time at {} MHz, energy (priced; \
             least to most by source of the prices), use of the array | {}; {:.3} ms; {:.1} uJ ({:.1} to {:.1}); \
             {:.1} % | `bitgauge run{model}` |",
            case.hardware.get("clock", "mhz"),
            thousands(head.cycles),
            head.milliseconds,
            head.picojoules * 1e-6,
            head.low_picojoules * 1e-6,
            head.high_picojoules * 1e-6,
            100.0 * head.mac_utilization
        )
        .unwrap();
        writeln!(
            lines,
            "| {name}, MNIST, top-1 over {} images, float / 8 bits | {:.2} % / {:.2} % | `bitgauge quantize{model}` |",
            case.images.count(),
            100.0 * shares.float_top1,
            100.0 * shares.integer_top1
        )
        .unwrap();
    }
    blocks::hold("README.md", "shipped", &lines);
}
