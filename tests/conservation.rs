//! Does everything that is counted add up?

use bitgauge_arch::actions::{Action, ActionCounts};
use bitgauge_arch::codec::Codec;
use bitgauge_arch::command::{Operation, Target, Unit};
use bitgauge_arch::energy::ElementUse;
use bitgauge_arch::program::Operand;
use bitgauge_arch::{Accelerator, timing};
use bitgauge_compiler::{Options, compile};
use bitgauge_models::integer::{Assignment, IntOp, QuantizeOptions};
use bitgauge_sim::Machine;
use bitgauge_testing::{Random, programs};
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
            assert_eq!(run.actions.get(Action::ArrayBitProduct), 0, "{case}: a product of bits on `fixed`");
            // What prices elements follows from the commands alone; it has to be what the simulator counted.
            for (uses, layer) in ElementUse::of_layers(&program).iter().zip(&run.layers) {
                let sum = |of: fn(&ElementUse) -> u64| uses.iter().map(of).sum::<u64>();
                let bits = accelerator.array.pe_register_bits();
                let of_beats = sum(|one| one.beats) * bits;
                assert_eq!(sum(|one| one.products), layer.array_macs, "{case}: products of elements");
                assert_eq!(of_beats, layer.actions.get(Action::PeRegisterBit), "{case}: beats of elements");
            }
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

/// Bytes of weights on the bus are their bits, those that each tile's last byte is filled up with aside; in bytes they
/// are the codes themselves.
#[test]
fn weights_take_their_bits_on_the_bus() {
    let images = [Images::mnist("test").tensor(4)];
    let accelerator = design("reference-16x16");
    for (model, bits) in MODELS.into_iter().flat_map(|model| [2, 3, 4, 5, 6, 7].map(|bits| (model, bits))) {
        let graph = shipped(
            model,
            QuantizeOptions { bits: Assignment::uniform(bits, 8), ..QuantizeOptions::default() },
        );
        let moved = [Codec::None, Codec::Pack].map(|codec| {
            let options = Options { codec, ..Options::default() };
            let (runs, _) = assert_equal(model, &graph, &accelerator, &options, &images);
            let bursts = runs[0].bursts.iter().filter(|burst| burst.operand == Operand::Weight);
            bursts.map(|burst| u64::from(burst.bytes)).sum::<u64>()
        });
        let codes: u64 = graph.nodes.iter().map(|node| weights(&node.op)).sum();
        assert!(moved[0] >= codes, "{model}: {moved:?}, {codes} codes");
        let exact = moved[0] * u64::from(bits);
        assert!((exact..exact + exact / 100).contains(&(8 * moved[1])), "{model}, {bits} bits: {moved:?}");
    }
}

fn weights(op: &IntOp) -> u64 {
    match op {
        IntOp::Conv { weight, .. } | IntOp::Depthwise { weight, .. } | IntOp::Phased { weight, .. } => {
            weight.len() as u64
        }
        _ => 0,
    }
}

/// Beats of a plain load or store, from its counts alone: blocks, and beats of each.
fn plain_beats(accelerator: &Accelerator, operation: &Operation) -> Option<(u64, u64)> {
    let of = |blocks: u32, pixels: u32, channels: u32, bits: u32| {
        let bytes = u64::from(pixels) * u64::from(channels) * if bits > 8 { 2 } else { 1 };
        Some((u64::from(blocks), bytes.div_ceil(u64::from(accelerator.bus_bytes()))))
    };
    match operation {
        Operation::Load(load) if load.codec == Codec::None.code() => {
            // Entries and tables are bytes.
            let scratchpad = matches!(load.target(), Some(Target::Activation | Target::Weight));
            of(load.blocks, load.pixels, load.channels, if scratchpad { load.value_bits } else { 8 })
        }
        Operation::Store(store) if store.codec == Codec::None.code() => {
            of(store.blocks, store.pixels, store.channels, store.value_bits)
        }
        _ => None,
    }
}

/// A layer's bound is the most that its commands hold of one resource: the array, the vector unit, beats of the bus, a
/// fourth of the bursts' time (four are outstanding at most), and the store's FIFO for a latency a beat.
#[test]
fn a_layer_is_bound_by_what_its_commands_hold() {
    for (model, name) in MODELS.into_iter().flat_map(|model| DESIGNS.map(|name| (model, name))) {
        // A slow memory, so that each of the resources bounds some layer.
        for latency in [1, 40, 400] {
            let mut accelerator = design(name);
            accelerator.memory.latency_cycles = latency;
            let program =
                compile(&shipped(model, QuantizeOptions::default()), &accelerator, &Options::default())
                    .unwrap();
            let mut held = vec![[0u64; 5]; program.layers.len()];
            for ((_, command), symbol) in program.resolved().zip(&program.commands) {
                let [array, vector, bus, places, entries] = &mut held[symbol.layer as usize];
                match &command.operation {
                    Operation::Compute(compute) => {
                        *array += 4 + timing::compute(&accelerator, compute).feed_cycles();
                    }
                    Operation::Vector(command) => *vector += timing::vector_cycles(&accelerator, command),
                    moved => {
                        let (blocks, beats) = plain_beats(&accelerator, moved).unwrap();
                        let bursts = beats.div_ceil(u64::from(accelerator.memory.max_burst_beats));
                        *bus += blocks * beats;
                        *places += blocks * (beats + bursts * u64::from(latency));
                        if matches!(moved, Operation::Store(_)) {
                            *entries += blocks * beats * u64::from(latency);
                        }
                    }
                }
            }
            for (layer, [array, vector, bus, places, entries]) in program.layers.iter().zip(held) {
                let fifo = timing::store_fifo_beats(&accelerator);
                let wanted = array.max(vector).max(bus).max(places / 4).max(entries / fifo);
                assert_eq!(
                    layer.bound_cycles, wanted,
                    "{model} on {name}, latency {latency}: {}",
                    layer.name
                );
            }
        }
    }
}

/// Two bytes a block of `zvc`: so many beats of the trace are of length tables, and no others.
#[test]
fn length_tables_are_told_from_data() {
    let mut seen = [0u64; 2];
    for seed in 0..30 {
        let mut random = Random(seed);
        let mut accelerator = programs::accelerator(&mut random, 8);
        accelerator.compression.codecs = design(DESIGNS[0]).compression.codecs;
        let program = programs::program(&mut random, &accelerator, 30);
        let mut wanted = [0u64; 2];
        for (_, command) in program.resolved() {
            let (blocks, codes, codec, write) = match &command.operation {
                Operation::Load(load) => (load.blocks, load.pixels * load.channels, load.codec, 0),
                Operation::Store(store) => (store.blocks, store.pixels * store.channels, store.codec, 1),
                _ => continue,
            };
            if codec == Codec::Zvc.code() && codes > 0 {
                wanted[write] += (2 * u64::from(blocks)).div_ceil(u64::from(accelerator.bus_bytes()));
            }
        }
        let mut machine = Machine::new(&program);
        let run = machine.run(&[], &bitgauge_sim::Options::default()).unwrap();
        let mut found = [0u64; 2];
        for burst in run.bursts.iter().filter(|burst| burst.operand == Operand::LengthTable) {
            found[usize::from(burst.write)] += u64::from(burst.beats);
        }
        assert_eq!(found, wanted, "seed {seed}");
        seen = [seen[0] + found[0], seen[1] + found[1]];
    }
    assert!(seen.iter().all(|&beats| beats > 20), "{seen:?}");
}
