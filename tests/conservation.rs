//! Does everything that is counted add up?

use bitgauge_arch::actions::{Action, ActionCounts};
use bitgauge_arch::command::Unit;
use bitgauge_compiler::{Options, compile};
use bitgauge_models::integer::QuantizeOptions;
use bitgauge_tests::{DESIGNS, Images, MODELS, assert_equal, design, shipped};

#[test]
fn cycles_macs_bytes_and_actions() {
    let image = Images::mnist("test").tensor(0);
    for model in MODELS {
        let graph = shipped(model, QuantizeOptions::default());
        for name in DESIGNS {
            let case = format!("{model} on {name}");
            let accelerator = design(name);
            let options = Options::default();
            let program = compile(&graph, &accelerator, &options).unwrap();
            let (runs, _) = assert_equal(&case, &graph, &accelerator, &options, std::slice::from_ref(&image));
            let run = &runs[0];

            // Closed form: nothing moves more than a beat, feeds more than a step, per cycle.
            assert!(run.cycles >= run.bound_cycles, "{case}: {} cycles < {}", run.cycles, run.bound_cycles);
            for (unit, cycles) in Unit::ALL.iter().zip(&run.units) {
                let total = cycles.busy + cycles.stalled_total() + cycles.idle;
                assert_eq!(total, run.cycles, "{case}: {}", unit.name());
            }

            // MACs: by the integer graph, by the compiler, by the simulator's layers, by its actions.
            let wanted: u64 = graph.nodes.iter().map(|node| graph.macs(node)).sum();
            let symbols: u64 = program.layers.iter().map(|layer| layer.macs).sum();
            let counted: u64 = run.layers.iter().map(|layer| layer.array_macs + layer.vector_macs).sum();
            let array: u64 = run.layers.iter().map(|layer| layer.array_macs).sum();
            assert_eq!((symbols, counted), (wanted, wanted), "{case}: MACs");
            assert_eq!(run.actions.get(Action::ArrayMac), array, "{case}: array MACs");
            let capacity = run.cycles * accelerator.peak_macs_per_cycle();
            let padded: u64 = run.layers.iter().map(|layer| layer.array_padded_macs).sum();
            assert!(array <= padded && padded <= capacity, "{case}: {array} <= {padded} <= {capacity}");

            // The bus: one burst at a time, beats by trace and by counter, bytes by trace and by action.
            let beats: u64 = run.bursts.iter().map(|burst| u64::from(burst.beats)).sum();
            assert_eq!(beats, run.bus_beats, "{case}: beats");
            for pair in run.bursts.windows(2) {
                let end = pair[0].cycle + u64::from(pair[0].beats);
                assert!(end <= pair[1].cycle, "{case}: {:?} overlaps {:?}", pair[0], pair[1]);
            }
            for burst in &run.bursts {
                assert!(burst.bytes <= burst.beats * accelerator.bus_bytes(), "{case}: {burst:?}");
                assert!(burst.beats <= accelerator.memory.max_burst_beats, "{case}: {burst:?}");
            }
            for (action, write) in [(Action::ExternalReadByte, false), (Action::ExternalWriteByte, true)] {
                let moved = run.bursts.iter().filter(|burst| burst.write == write);
                let bytes: u64 =
                    moved.map(|burst| u64::from(burst.beats) * u64::from(accelerator.bus_bytes())).sum();
                assert_eq!(run.actions.get(action), bytes, "{case}: {}", action.name());
            }

            // Layers and command fetch together are the run.
            let mut sum = ActionCounts::default();
            for layer in &run.layers {
                sum.merge(&layer.actions);
            }
            let fetched: u64 = run
                .bursts
                .iter()
                .filter(|burst| burst.layer == u32::MAX)
                .map(|burst| u64::from(burst.beats) * u64::from(accelerator.bus_bytes()))
                .sum();
            sum.add(Action::ExternalReadByte, fetched);
            assert_eq!(sum, run.actions, "{case}: actions of the layers");

            // Every command ran once; a unit starts its commands in order.
            assert_eq!(run.spans.len(), program.commands.len(), "{case}: commands");
            for unit in Unit::ALL {
                let mut last = None;
                for span in run.spans.iter().filter(|span| span.unit == unit) {
                    assert!(last.is_none_or(|last| last < span.command), "{case}: {span:?}");
                    assert!(span.end <= run.cycles && span.start <= span.end, "{case}: {span:?}");
                    last = Some(span.command);
                }
            }
        }
    }
}

#[test]
fn cycles_do_not_depend_on_data() {
    let images = Images::mnist("test");
    let images: Vec<_> = (0..3).map(|index| images.tensor(index)).collect();
    for model in MODELS {
        let graph = shipped(model, QuantizeOptions::default());
        let accelerator = design("reference-16x16");
        let (runs, _) = assert_equal(model, &graph, &accelerator, &Options::default(), &images);
        for run in &runs[1..] {
            assert_eq!((run.cycles, &run.units), (runs[0].cycles, &runs[0].units), "{model}");
        }
        let program = compile(&graph, &accelerator, &Options::default()).unwrap();
        let timing_only = bitgauge_sim::Options { data: false, ..bitgauge_sim::Options::default() };
        let timed = bitgauge_sim::run(&program, &[], &timing_only).unwrap().result;
        assert_eq!((timed.cycles, &timed.units), (runs[0].cycles, &runs[0].units), "{model}: without data");
    }
}
