//! Does the search take what loses least for what it saves, ask no network twice, and end where it should?

use std::sync::atomic::{AtomicUsize, Ordering};

use bitgauge_models::integer::evaluate::Reference;
use bitgauge_models::integer::{Assignment, QuantizeOptions, quantize_traced};

use super::*;
use crate::error::FlowError;
use crate::progress::Silent;
use crate::quantize::{calibrated, usual_input};
use crate::shipped;

/// Layers and tensors whose losses add up: each loses `weight * 4^(8 - bits)`, and has so many numbers.
struct Made {
    places: Vec<(Place, f64, u64)>,
    asked: AtomicUsize,
}

impl Made {
    fn new() -> Made {
        let weights = |name: &str| Place::Weights(name.to_owned());
        let tensor = |name: &str| Place::Tensor(name.to_owned());
        let mut places = vec![
            (weights("a"), 1.0, 100),
            (weights("b"), 30.0, 400),
            (weights("c"), 0.2, 50),
            (tensor("x"), 5.0, 200),
            (tensor("y"), 0.01, 30),
            (tensor("z"), 400.0, 900),
        ];
        let more =
            |at: u64| (weights(&format!("layer {at}")), 0.05 * 1.3f64.powi(at as i32), 60 + at * 37 % 400);
        places.extend((0..24).map(more));
        Made { places, asked: AtomicUsize::new(0) }
    }

    fn start(&self) -> Assignment {
        let mut bits = Assignment::default();
        for (place, ..) in &self.places {
            match place {
                Place::Weights(name) => bits.weights.layers.insert(name.clone(), 8),
                Place::Tensor(name) => bits.activations.tensors.insert(name.clone(), 8),
            };
        }
        // One that follows another: it has no bits of its own.
        bits.activations.tensors.insert("copy of x".to_owned(), 8);
        bits
    }
}

impl Judge for Made {
    fn judge(&self, bits: &Assignment) -> Result<Judged, FlowError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut found = Bits::default();
        let mut loss = 0.0;
        for (place, weight, count) in &self.places {
            let of = u64::from(place.bits(bits));
            loss += weight * 4f64.powi(8 - of as i32);
            let share = match place {
                Place::Weights(_) => &mut found.weights,
                Place::Tensor(_) => &mut found.activations,
            };
            share.bits += of * count;
            share.count += count;
        }
        Ok(Judged { loss, cost: found.total() as f64, bits: found })
    }
}

fn settings(goal: Goal, lazy: bool) -> Settings {
    Settings { goal, least: 2, lazy }
}

fn run(judge: &Made, settings: &Settings, journal: &dyn Journal) -> Outcome {
    search(judge, &judge.start(), settings, journal, |_| {}).unwrap()
}

/// Where losses add up and grow, the greedy path is that of the best ratio at each step, found here by hand.
#[test]
fn each_step_is_the_best_of_all() {
    for lazy in [false, true] {
        let made = Made::new();
        let outcome = run(&made, &settings(Goal::Pooled(5.0), lazy), &Memory::default());
        assert!(outcome.is_met);
        let mut bits = made.start();
        for step in &outcome.steps[1..] {
            let before = made.judge(&bits).unwrap();
            let ratio = |place: &Place| {
                let after = made.judge(&place.lowered(&bits, 2)?).unwrap();
                Some((after.loss - before.loss) / (before.cost - after.cost))
            };
            let best =
                made.places.iter().filter_map(|(place, ..)| ratio(place)).fold(f64::INFINITY, f64::min);
            let taken = step.place.clone().unwrap();
            assert_eq!(ratio(&taken), Some(best), "{taken:?}");
            bits = taken.lowered(&bits, 2).unwrap();
            assert_eq!((step.left, step.judged), (taken.bits(&bits), made.judge(&bits).unwrap()));
        }
        assert_eq!(bits, outcome.bits);
        // One bit less and it was not reached.
        let last = &outcome.steps[outcome.steps.len() - 2];
        assert!(last.judged.bits.pooled() > 5.0);
    }
}

#[test]
fn a_lazy_search_asks_less_and_ends_alike() {
    let [plain, lazy] = [false, true].map(|lazy| {
        let made = Made::new();
        let outcome = run(&made, &settings(Goal::Pooled(4.0), lazy), &Memory::default());
        (outcome, made.asked.into_inner())
    });
    assert_eq!(plain.0.bits, lazy.0.bits);
    assert!(2 * lazy.1 < plain.1, "{} and {}", lazy.1, plain.1);
}

#[test]
fn what_was_judged_is_not_judged_again() {
    let (made, journal) = (Made::new(), Memory::default());
    let settings = settings(Goal::Pooled(5.0), true);
    // Stopped on the way: what it took so far is known.
    run(&made, &Settings { goal: Goal::Pooled(6.5), ..settings }, &journal);
    let before = made.asked.load(Ordering::Relaxed);
    let outcome = run(&made, &settings, &journal);
    let all = made.asked.load(Ordering::Relaxed);
    let anew = Made::new();
    assert_eq!(run(&anew, &settings, &Memory::default()), outcome);
    assert_eq!(anew.asked.into_inner(), all, "{before} before it was stopped");
    assert_eq!(run(&made, &settings, &journal), outcome);
    assert_eq!(made.asked.into_inner(), all);
}

#[test]
fn goals_end_a_search_and_the_least_bits_too() {
    let separate = Goal::Separate { weights: 6.0, activations: 8.0 };
    let outcome = run(&Made::new(), &settings(separate, true), &Memory::default());
    assert!(outcome.is_met);
    assert!(outcome.steps[1..].iter().all(|step| matches!(step.place, Some(Place::Weights(_)))));
    let cost = Goal::Cost(0.75);
    let outcome = run(&Made::new(), &settings(cost, true), &Memory::default());
    let [first, .., last] = &outcome.steps[..] else { panic!("steps") };
    assert!(last.judged.cost <= 0.75 * first.judged.cost);
    // Nothing is left to take before one bit is reached.
    let outcome = run(&Made::new(), &settings(Goal::Pooled(1.0), true), &Memory::default());
    assert!(!outcome.is_met);
    assert!(Made::new().places.iter().all(|(place, ..)| place.bits(&outcome.bits) == 2));
    // What only follows another is never taken: nothing would be saved.
    assert_eq!(outcome.bits.of_tensor("copy of x"), 8);
}

#[test]
fn two_scales_keep_three_bits() {
    let mut bits = Made::new().start();
    bits.activations.two_scales.insert("x".to_owned(), 2);
    bits.activations.tensors.insert("x".to_owned(), 3);
    assert_eq!(Place::Tensor("x".to_owned()).lowered(&bits, 2), None);
    bits.activations.two_scales.clear();
    assert!(Place::Tensor("x".to_owned()).lowered(&bits, 2).is_some());
}

/// The shipped transformer: the bits that are found are the network's, and it beats one width for all.
#[test]
fn a_network_of_mixed_bits_beats_a_uniform_one() {
    let (network, images, accelerator) = (shipped::network(), shipped::images(), shipped::accelerator());
    let options = QuantizeOptions { input: usual_input(&images), ..QuantizeOptions::default() };
    let (calibration, _) = calibrated(&network, &images, 8, &options.bits, &Silent).unwrap();
    let image = |index| vec![images.tensor(index)];
    let reference = Reference::new(&network, 6, image).unwrap();
    let table = bitgauge_arch::energy::EnergyTable::shipped("horowitz-45nm").unwrap();
    let compilation = bitgauge_compiler::Options::default();
    let judge = |cost| Network {
        float: &network,
        calibration: &calibration,
        options: &options,
        images: &images,
        reference: &reference,
        loss: LossKind::Error,
        cost,
        accelerator: (&accelerator, &compilation),
        energy: &table,
    };
    let quantized = quantize_traced(&network, &calibration, &options).unwrap();
    let start = Assignment::of(&network, &quantized, &options.bits);
    let settings = settings(Goal::Pooled(7.0), true);
    let outcome = search(&judge(CostKind::Bits), &start, &settings, &Memory::default(), |_| {}).unwrap();
    assert!(outcome.is_met);
    let uniform = judge(CostKind::Bits).judge(&Assignment::uniform(7, 7)).unwrap();
    let found = outcome.steps.last().unwrap().judged;
    assert!(found.bits.pooled() <= 7.0 && uniform.bits.pooled() >= 6.9, "{uniform:?}");
    assert!(found.loss < uniform.loss, "{found:?} {uniform:?}");
    // What is written and read again is the same network.
    let again = Assignment::from_toml(&outcome.bits.to_toml()).unwrap();
    assert_eq!(judge(CostKind::Bits).judge(&again).unwrap(), found);
    // The accelerator's costs are those of a run of the same program.
    let graph =
        quantize_traced(&network, &calibration, &QuantizeOptions { bits: again.clone(), ..options.clone() });
    let program = bitgauge_compiler::compile(&graph.unwrap().graph, &accelerator, &compilation).unwrap();
    let inputs = bitgauge_sim::Options { data: false, ..bitgauge_sim::Options::default() };
    let run = bitgauge_sim::Machine::new(&program).run(&[], &inputs).unwrap();
    let cost = |kind| judge(kind).judge(&again).unwrap().cost;
    assert_eq!(cost(CostKind::Cycles), run.cycles as f64);
    let bytes: u64 = run.bursts.iter().map(|burst| u64::from(burst.beats)).sum();
    assert_eq!(cost(CostKind::Traffic), (bytes * u64::from(accelerator.bus_bytes())) as f64);
    let joules: f64 = run
        .actions
        .iter()
        .map(|(action, count)| count as f64 * table.price(&accelerator, action).picojoules)
        .sum();
    assert!((cost(CostKind::Energy) / joules - 1.0).abs() < 1e-12);
}
