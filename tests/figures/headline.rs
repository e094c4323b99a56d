//! The figures at the top, as `run` prints them and as `result.json` holds them.

use bitgauge_models::integer::IntOp;
use serde_json::Value;

use crate::cases::{Case, SIMULATED, cases};
use crate::energy::{assumed, each, least, most, total};
use crate::forms::{forms, vector_cycles};
use crate::table::close;

/// The headline, each figure from its definition.
pub struct Headline {
    pub cycles: u64,
    pub bound_cycles: u64,
    pub network_bound_cycles: u64,
    pub milliseconds: f64,
    pub inferences_per_second: f64,
    pub picojoules: f64,
    pub low_picojoules: f64,
    pub high_picojoules: f64,
    pub assumed_energy_share: f64,
    pub milliwatts: f64,
    pub mac_utilization: f64,
    pub array_macs: u64,
    pub bus_bytes: u64,
    pub bus_occupancy: f64,
}

/// Bytes of weights: the bits of a code, and each layer in whole bytes.
pub fn weight_bytes(case: &Case) -> u64 {
    let of = |op: &IntOp| match op {
        IntOp::Conv { weight, .. } | IntOp::Depthwise { weight, .. } => {
            assert_eq!(weight.bits, if case.lopsided { 3 } else { 8 });
            weight.len() as u64
        }
        IntOp::Phased { .. } => panic!("no shipped model has a transposed convolution"),
        _ => 0,
    };
    let counted: u64 = case.graph.nodes.iter().map(|node| of(&node.op)).sum();
    if case.model == "vit_mnist" {
        // The embedding, four blocks (four matrices of 64 x 64, two of 64 x 128), and the classes.
        assert_eq!(counted, 16 * 64 + 4 * (4 * 64 * 64 + 2 * 64 * 128) + 64 * 10);
    }
    let bits = if case.lopsided { 3 } else { 8 };
    case.graph.nodes.iter().map(|node| (of(&node.op) * bits).div_ceil(8)).sum()
}

/// Bytes of an image's outputs: ten classes, a byte each, two where codes are wider.
fn output_bytes(case: &Case) -> u64 {
    let tensor = case.graph.tensor(case.graph.outputs[0].tensor);
    10 * (1 + u64::from(tensor.code.bits > 8))
}

impl Headline {
    pub fn new(case: &Case) -> Headline {
        let (hardware, forms) = (&case.hardware, forms(case));
        let cycles = case.run.cycles;
        let hertz = hardware.get("clock", "mhz") as f64 * 1e6;
        let peak = hardware.rows() * hardware.cols();
        let beats: u64 = case.run.bursts.iter().map(|burst| u64::from(burst.beats)).sum();
        let array: u64 = forms.iter().map(|forms| forms.array).sum();
        let vector: u64 = (0..forms.len()).map(|layer| vector_cycles(case, layer)).sum();
        let macs = forms.iter().map(|forms| forms.macs).sum::<u64>();
        let on_vector: u64 = case.run.layers.iter().map(|layer| layer.vector_macs).sum();
        let products = (macs + on_vector).div_ceil(peak + hardware.get("vector", "lanes"));
        let compulsory = (weight_bytes(case) + output_bytes(case)).div_ceil(hardware.bus());
        let picojoules = total(case, each);
        Headline {
            cycles,
            bound_cycles: beats.max(array).max(vector),
            network_bound_cycles: products.max(compulsory),
            milliseconds: 1e3 * cycles as f64 / hertz,
            inferences_per_second: hertz / cycles as f64,
            picojoules,
            low_picojoules: total(case, least),
            high_picojoules: total(case, most),
            assumed_energy_share: assumed(case) / picojoules,
            // A picojoule in a cycle is a microwatt at a megahertz.
            milliwatts: picojoules / cycles as f64 * hardware.get("clock", "mhz") as f64 * 1e-3,
            mac_utilization: macs as f64 / (peak * cycles) as f64,
            array_macs: macs,
            bus_bytes: beats * hardware.bus(),
            bus_occupancy: beats as f64 / cycles as f64,
        }
    }

    fn figures(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("cycles", self.cycles as f64),
            ("bound_cycles", self.bound_cycles as f64),
            ("network_bound_cycles", self.network_bound_cycles as f64),
            ("milliseconds", self.milliseconds),
            ("inferences_per_second", self.inferences_per_second),
            ("picojoules", self.picojoules),
            ("low_picojoules", self.low_picojoules),
            ("high_picojoules", self.high_picojoules),
            ("assumed_energy_share", self.assumed_energy_share),
            ("milliwatts", self.milliwatts),
            ("mac_utilization", self.mac_utilization),
            ("array_macs", self.array_macs as f64),
            ("bus_bytes", self.bus_bytes as f64),
            ("bus_occupancy", self.bus_occupancy),
        ]
    }
}

/// Holds an object to figures; one that nobody wants is a fault too.
pub fn hold_object(place: &str, found: &Value, wanted: &[(&str, f64)]) {
    let found = found.as_object().unwrap();
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    let mut known: Vec<&str> = wanted.iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, known, "{place}");
    for (name, wanted) in wanted {
        let found = found[*name].as_f64().unwrap();
        assert!(close(found, *wanted), "{place}, {name}: {found}, not {wanted}");
    }
}

#[test]
fn headline() {
    for case in cases() {
        let wanted = Headline::new(case).figures();
        hold_object(&format!("{}: printed", case.name), &case.answer["headline"], &wanted);
        hold_object(&format!("{}: result.json", case.name), &case.result["headline"], &wanted);
        // Cycles do not depend on data.
        for name in ["fewest_cycles", "most_cycles"] {
            assert_eq!(case.answer[name], case.run.cycles, "{}", case.name);
        }
        assert_eq!(case.answer["simulated_images"], SIMULATED, "{}", case.name);
        assert_eq!(case.answer["compared_bytes"], SIMULATED as u64 * output_bytes(case), "{}", case.name);
        assert_eq!(case.answer["checks_failed"].as_array().unwrap().len(), 0, "{}", case.name);
    }
}

#[test]
fn the_network() {
    for case in cases() {
        let model = &case.result["model"];
        assert_eq!(model["weight_bytes"], weight_bytes(case), "{}", case.name);
        assert_eq!(model["input_shape"], "1 x 1 x 28 x 28", "{}", case.name);
        assert_eq!(model["parameters"], parameters(case.model), "{}", case.name);
    }
}

/// Trained values by the networks' shapes.
fn parameters(model: &str) -> u64 {
    match model {
        "vit_mnist" => {
            let embedding = 16 * 64 + 64 + 64 + 50 * 64;
            let linear = |from: u64, to: u64| from * to + to;
            let block = 4 * linear(64, 64) + linear(64, 128) + linear(128, 64) + 2 * 2 * 64;
            embedding + 4 * block + 2 * 64 + linear(64, 10)
        }
        // Convolutions with a bias each: their batch norms are folded.
        _ => {
            let conv = |taps: u64, to: u64| taps * to + to;
            let first = conv(9, 16) + 2 * conv(144, 16);
            let down = conv(16, 48) + conv(9, 48) + conv(48, 32);
            let inverted = conv(32, 96) + conv(9, 96) + conv(96, 32);
            first + down + inverted + 2 * conv(288, 32) + conv(32, 10)
        }
    }
}
