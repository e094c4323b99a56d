//! Top-1, top-5, agreement, divergence, and decibels of each tensor: by both interpreters on the images.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::thread;

use bitgauge_arch::program::ElementOrder;
use bitgauge_models::float;
use bitgauge_models::integer::evaluate::encode_inputs;
use bitgauge_models::integer::{IntTensor, Prepared};
use serde_json::Value;

use crate::cases::{Case, cases, labels};
use crate::headline::hold_object;
use crate::table::{Cell, hold};

/// Images that decibels are measured on.
const NOISE_IMAGES: usize = 16;

/// Places in storage of a tensor's elements, in the order of ONNX: the last loop is the innermost.
fn places(order: &ElementOrder) -> Vec<usize> {
    let elements: u64 = order.dims.iter().product();
    let place = |element: u64| {
        let mut rest = element;
        let digits = order.loops.iter().rev().map(|&[count, step]| {
            let digit = rest % count;
            rest /= count;
            digit * step
        });
        digits.sum::<u64>() as usize
    };
    (0..elements).map(place).collect()
}

/// Reals that containers stand for: step times the distance from the zero point.
fn reals(tensor: &IntTensor, bytes: &[u8], order: &ElementOrder) -> Vec<f64> {
    let code = |at: usize| match tensor.code.container().bytes() {
        1 if tensor.code.range().0 < 0 => i32::from(bytes[at] as i8),
        1 => i32::from(bytes[at]),
        _ => i32::from(i16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]])),
    };
    let places = places(order).into_iter();
    places.map(|at| tensor.code.scale * f64::from(code(at) - tensor.code.zero_point)).collect()
}

/// Classes from the greatest score on; equals in their order.
fn ranked(scores: &[f64]) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..scores.len()).collect();
    classes.sort_by(|&a, &b| scores[b].partial_cmp(&scores[a]).unwrap());
    classes
}

fn probabilities(scores: &[f64]) -> Vec<f64> {
    let powers: Vec<f64> = scores.iter().map(|score| score.exp()).collect();
    powers.iter().map(|power| power / powers.iter().sum::<f64>()).collect()
}

/// What the images of a share of all gave: counts of float top-1 and top-5, integer top-1 and top-5, agreement; and the
/// sum of divergences.
fn classify(case: &Case, images: impl Iterator<Item = usize>) -> ([f64; 5], f64) {
    let (prepared, labels) = (Prepared::new(&case.graph).unwrap(), labels());
    let output = &case.graph.outputs[0];
    assert!(output.head.is_empty(), "the shipped models end in scores");
    let (mut counts, mut divergence) = ([0.0; 5], 0.0);
    for index in images {
        let (image, label) = (case.images.tensor(index), labels[index] as usize);
        let by_float: Vec<f64> = float::run(&case.float, std::slice::from_ref(&image)).unwrap()[0]
            .data()
            .iter()
            .map(|&x| f64::from(x))
            .collect();
        let tensors = prepared.run(&encode_inputs(&case.graph, &[image]).unwrap()).unwrap();
        let tensor = case.graph.tensor(output.tensor);
        let by_codes = reals(tensor, tensors[output.tensor.0].as_ref().unwrap(), &output.order);
        let (first, second) = (ranked(&by_float), ranked(&by_codes));
        let yes = [
            first[0] == label,
            first[..5].contains(&label),
            second[0] == label,
            second[..5].contains(&label),
            first[0] == second[0],
        ];
        counts.iter_mut().zip(yes).for_each(|(count, yes)| *count += f64::from(u8::from(yes)));
        let (p, q) = (probabilities(&by_float), probabilities(&by_codes));
        divergence += p.iter().zip(&q).map(|(p, q)| p * (p / q).ln()).sum::<f64>();
    }
    (counts, divergence)
}

/// Shares of all images, and the mean divergence.
pub struct Shares {
    pub float_top1: f64,
    pub float_top5: f64,
    pub integer_top1: f64,
    pub integer_top5: f64,
    pub agreement: f64,
    pub divergence: f64,
}

/// Of each case; made once.
pub fn shares() -> &'static [Shares] {
    static ALL: OnceLock<Vec<Shares>> = OnceLock::new();
    ALL.get_or_init(|| cases().iter().map(of_case).collect())
}

fn of_case(case: &Case) -> Shares {
    let count = case.images.count();
    let halves = [0..count / 2, count / 2..count];
    let [one, two] = thread::scope(|scope| {
        let both = halves.map(|half| scope.spawn(move || classify(case, half)));
        both.map(|half| half.join().unwrap())
    });
    let share = |at: usize| (one.0[at] + two.0[at]) / count as f64;
    Shares {
        float_top1: share(0),
        float_top5: share(1),
        integer_top1: share(2),
        integer_top5: share(3),
        agreement: share(4),
        divergence: (one.1 + two.1) / count as f64,
    }
}

#[test]
fn shares_of_images() {
    for (case, shares) in cases().iter().zip(shares()) {
        let mut wanted = vec![
            ("images", case.images.count() as f64),
            ("integer_top1", shares.integer_top1),
            ("integer_top5", shares.integer_top5),
            ("float_top1", shares.float_top1),
            ("float_top5", shares.float_top5),
            ("agreement", shares.agreement),
        ];
        let mut of_report = case.result["accuracy"].clone();
        for name in ["dataset", "evaluated_by"] {
            assert!(of_report.as_object_mut().unwrap().remove(name).is_some_and(|text| text.is_string()));
        }
        hold_object(&format!("{}: result.json", case.name), &of_report, &wanted);
        // The program adds up in another order, in single precision.
        let mut printed = case.answer["accuracy"].clone();
        let divergence = printed["divergence_nats"].as_f64().unwrap();
        let off = (divergence - shares.divergence).abs();
        assert!(
            off <= 1e-5 * shares.divergence + 1e-9,
            "{}: {divergence}, not {}",
            case.name,
            shares.divergence
        );
        printed["divergence_nats"] = Value::from(0.0);
        wanted.push(("divergence_nats", 0.0));
        hold_object(&format!("{}: printed", case.name), &printed, &wanted);
    }
    // One answer cannot stand for the other.
    assert!(shares().iter().any(|shares| shares.integer_top1 < shares.float_top1));
    assert!(shares().iter().any(|shares| shares.integer_top5 > shares.integer_top1));
}

/// Decibels of each tensor: ten times the logarithm of squares over squared errors.
#[test]
fn decibels_of_tensors() {
    for case in cases() {
        let prepared = Prepared::new(&case.graph).unwrap();
        let computed =
            case.graph.inputs.iter().copied().chain(case.graph.nodes.iter().map(|node| node.output));
        let ids: Vec<_> = computed.filter(|&id| case.graph.tensor(id).float_source.is_some()).collect();
        let mut sums = vec![[0.0; 2]; ids.len()];
        for index in 0..NOISE_IMAGES {
            let image = case.images.tensor(index);
            let values = float::run_all(&case.float, std::slice::from_ref(&image)).unwrap();
            let named = values.iter().map(|(id, tensor)| (case.float.value(*id).name.as_str(), tensor));
            let named: BTreeMap<&str, _> = named.collect();
            let tensors = prepared.run(&encode_inputs(&case.graph, &[image]).unwrap()).unwrap();
            for (&id, sums) in ids.iter().zip(&mut sums) {
                let tensor = case.graph.tensor(id);
                let source = tensor.float_source.as_ref().unwrap();
                let codes = reals(tensor, tensors[id.0].as_ref().unwrap(), &source.order);
                for (&real, code) in named[source.value.as_str()].data().iter().zip(codes) {
                    sums[0] += f64::from(real).powi(2);
                    sums[1] += (code - f64::from(real)).powi(2);
                }
            }
        }
        let rows: Vec<Vec<Cell>> = ids
            .iter()
            .zip(sums)
            .map(|(&id, [signal, error])| {
                let node = case.graph.nodes.iter().find(|node| node.output == id);
                let layer = node.map_or("input", |node| node.name.as_str());
                let decibels = 10.0 * (signal / error).ln() / 10f64.ln();
                vec![layer.into(), case.graph.tensor(id).name.as_str().into(), decibels.into()]
            })
            .collect();
        hold(case, "data/sqnr.csv", &["layer", "tensor", "sqnr_db"], &rows);
        let listed = case.result["sqnr"].as_array().unwrap();
        assert_eq!(listed.len(), rows.len(), "{}", case.name);
        for (found, row) in listed.iter().zip(&rows) {
            let number = found["sqnr_db"].to_string();
            let texts = [&found["layer"], &found["tensor"]].map(|text| text.as_str().unwrap());
            assert!(
                row[0].is(texts[0]) && row[1].is(texts[1]) && row[2].is(&number),
                "{}: {found}",
                case.name
            );
        }
    }
}
