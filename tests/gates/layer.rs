//! Real layers through an element, beside what the rows of their widths predict.

use bitgauge_arch::Accelerator;
use bitgauge_arch::energy::Activity;
use bitgauge_arch::mac::Operands;
use bitgauge_gates::calibrate;
use bitgauge_gates::element::Element;
use bitgauge_gates::operands::{Codes, draw};
use bitgauge_models::integer::evaluate::encode_inputs;
use bitgauge_models::integer::{Assignment, IntGraph, IntOp, Prepared, QuantizeOptions};
use bitgauge_tests::{Images, design, shipped};

use crate::Tools;

/// A layer's folds, in the order in which an element in a corner of an array of `rows` rows and columns gets them.
struct Layer {
    name: String,
    operands: Operands,
    folds: Vec<Codes>,
}

/// Folds of a layer at most.
const FOLDS: usize = 24;

/// All layers of a graph whose products are of activations and constant weights.
fn layers(graph: &IntGraph, image: &bitgauge_models::float::Tensor, rows: usize) -> Vec<Layer> {
    let inputs = encode_inputs(graph, std::slice::from_ref(image)).unwrap();
    let tensors = Prepared::new(graph).unwrap().run(&inputs).unwrap();
    let mut layers = Vec::new();
    for node in &graph.nodes {
        let IntOp::Conv { window, parts: 1, weight, parameters, .. } = &node.op else { continue };
        let tensor = graph.tensor(node.inputs[0]);
        let bytes = tensors[node.inputs[0].0].as_ref().unwrap();
        let (shape, code) = (tensor.shape, tensor.code);
        if code.bits > 8 || shape.groups != 1 {
            continue;
        }
        let signed = code.range().0 < 0;
        let read = |at: usize| if signed { i64::from(bytes[at] as i8) } else { i64::from(bytes[at]) };
        let [out_rows, out_cols] = window.output(shape.rows, shape.cols).unwrap();
        let taps = window.kernel[0] * window.kernel[1] * shape.channels;
        let pixel = |pixel: usize| {
            let (y, x) = (pixel / out_cols, pixel % out_cols);
            let mut codes = Vec::new();
            for (ky, kx) in (0..window.kernel[0]).flat_map(|ky| (0..window.kernel[1]).map(move |kx| (ky, kx)))
            {
                let at = |out: usize, k: usize, axis: usize, size: usize| {
                    let place = out * window.stride[axis] + k * window.dilation[axis];
                    place.checked_sub(window.pad[axis]).filter(|place| *place < size)
                };
                let inside = at(y, ky, 0, shape.rows).zip(at(x, kx, 1, shape.cols));
                for channel in 0..shape.channels {
                    let code = inside.map_or(i64::from(code.zero_point), |(row, col)| {
                        read(shape.index(0, row, col, channel))
                    });
                    codes.push(code);
                }
            }
            codes
        };
        let mut folds = Vec::new();
        for output in (0..parameters.len()).step_by(rows) {
            for at in (0..out_rows * out_cols).step_by(rows) {
                let weights = weight[output * taps..][..taps].iter().map(|code| i64::from(*code)).collect();
                folds.push(Codes { activations: pixel(at), coarse: Vec::new(), weights, signed });
            }
        }
        // From the map's middle, where there is more to see than at its rim.
        let first = (folds.len().saturating_sub(FOLDS)) / 2;
        let folds: Vec<Codes> = folds.into_iter().skip(first).take(FOLDS).collect();
        let operands = Operands::uniform(code.bits.into(), weight.bits.into());
        if folds.len() >= 3 {
            layers.push(Layer { name: node.name.clone(), operands, folds });
        }
    }
    layers
}

/// Energy of a layer and what the rows of its widths predict, picojoules; and the share of activations that are not zero.
/// Places of lanes that a layer does not fill are priced as beats of zeros, as `run` prices them.
fn compare(accelerator: &Accelerator, element: &Element, layer: &Layer) -> [f64; 3] {
    let (operands, clock) = (layer.operands, element.clock());
    let price = |activity| {
        let drawn: Vec<Codes> = (0..9).map(|seed| draw(activity, operands, calibrate::FOLD, seed)).collect();
        calibrate::row(operands, activity, clock, &[element.run(operands, &drawn).unwrap()])
    };
    let (live, zero) = (price(Activity::of(layer.folds[0].signed)), price(Activity::Zero));
    let run = element.run(operands, &layer.folds).unwrap();
    let rate = accelerator.array.rate(operands);
    let taken = run.products as f64 * rate.cycles as f64 / rate.products as f64;
    let beats = run.beats as f64;
    let data = run.products as f64 * live.picojoules_per_product + (beats - taken) * zero.picojoules_per_beat;
    let codes = layer.folds.iter().flat_map(|fold| &fold.activations);
    let share = codes.clone().filter(|code| **code != 0).count() as f64 / codes.count() as f64;
    [run.energy.total(), data + clock * beats, share]
}

#[test]
#[ignore = "long tier: layers of both shipped models through elements of two kinds"]
fn rows_predict_the_energy_of_layers() {
    let Some(tools) = Tools::find() else { return };
    for name in ["reference-16x16", "serial-16x16"] {
        let accelerator = design(name);
        let (element, _) = tools.element(&accelerator);
        for (model, bits) in [("vit_mnist", 8), ("cnn_mnist", 8), ("vit_mnist", 4), ("cnn_mnist", 4)] {
            let assignment = Assignment::uniform(bits, bits);
            let graph = shipped(model, QuantizeOptions { bits: assignment, ..QuantizeOptions::default() });
            let image = Images::mnist("test").tensor(0);
            let (mut sums, mut worst) = ([0.0; 2], 0.0f64);
            for layer in layers(&graph, &image, 16) {
                let [found, predicted, live] = compare(&accelerator, &element, &layer);
                println!(
                    "{name}, {model} at {bits} bits, {}: {found:.0} pJ, predicted {:+.1} %, {:.0} % of activations are not zero, {}",
                    layer.name,
                    100.0 * (predicted / found - 1.0),
                    100.0 * live,
                    if layer.folds[0].signed { "signed" } else { "unsigned" }
                );
                sums = [sums[0] + found, sums[1] + predicted];
                worst = worst.max((predicted / found - 1.0).abs());
            }
            println!(
                "{name}, {model} at {bits} bits: all layers {:+.1} %, worst {:.1} %",
                100.0 * (sums[1] / sums[0] - 1.0),
                100.0 * worst
            );
            // A tenth is the aim for every layer; the CNN's single layers miss it, and may not get further off.
            let most = if model == "vit_mnist" { 0.1 } else { 0.22 };
            assert!((sums[1] / sums[0] - 1.0).abs() < 0.1, "{name}, {model}, {bits} bits: {sums:?}");
            assert!(worst < most, "{name}, {model}, {bits} bits: {worst}");
        }
    }
}
