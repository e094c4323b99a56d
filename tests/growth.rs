//! How does the simulator's time grow: with the array, with the image, and where no data is computed?
//!
//! Times are the processor's for this thread where the host tells (Linux), so that other work does not count; but
//! DeiT-B's are the clock's, as compiling it and making it ready take several cores. In each comparison both sides
//! take turns, and what each took at the least is compared: other work only adds.

// Helpers outside of #[test] functions fail the test by panicking, and say what they measured.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::time::{Duration, Instant};

use bitgauge_arch::Program;
use bitgauge_arch::validate::Validated;
use bitgauge_compiler::compile;
use bitgauge_models::float::{FloatGraph, Tensor};
use bitgauge_models::integer::evaluate::encode_inputs;
use bitgauge_models::integer::{IntGraph, QuantizeOptions, calibrate, quantize};
use bitgauge_sim::{Machine, Options};
use bitgauge_testing::Random;
use bitgauge_tests::networks::{Block, convolutions, noise, transformer};
use bitgauge_tests::{design, efficientnet, float_model, quantized};

const TIMES: usize = 25;
/// What is no slower may seem slower by this much: a twentieth.
const NOISE: f64 = 1.05;

fn timed(work: impl FnOnce()) -> Duration {
    let now = |start: Instant| {
        // Linux brings the number up to date where the thread gives way, and else only now and then.
        std::thread::yield_now();
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let nanos = text.split(' ').next().and_then(|field| field.parse().ok());
        nanos.map_or_else(|| start.elapsed(), Duration::from_nanos)
    };
    let start = Instant::now();
    let before = now(start);
    work();
    now(start).saturating_sub(before)
}

/// By the clock on the wall.
fn passed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn least(times: &[Duration]) -> f64 {
    1000.0 * times.iter().min().unwrap().as_secs_f64()
}

/// A program, its input and a machine for it.
struct Case {
    machine: Machine,
    name: String,
    codes: Vec<u8>,
    times: [Vec<Duration>; 2],
    cycles: u64,
}

impl Case {
    fn new(graph: &IntGraph, image: &Tensor, name: &str) -> Case {
        let program = program(graph, name);
        let codes = encode_inputs(graph, std::slice::from_ref(image)).unwrap().remove(0);
        let name = graph.tensor(graph.inputs[0]).name.clone();
        Case { machine: Machine::new(&program), name, codes, times: Default::default(), cycles: 0 }
    }

    /// An image whose times are found anew, and one whose times are known.
    fn turn(&mut self) {
        let input = [(self.name.as_str(), self.codes.as_slice())];
        for (anew, times) in [true, false].into_iter().zip(&mut self.times) {
            let options = Options { trace: false, anew, ..Options::default() };
            times.push(timed(|| self.cycles = self.machine.run(&input, &options).unwrap().cycles));
        }
    }
}

fn program(graph: &IntGraph, name: &str) -> Validated<Program> {
    compile(graph, &design(name), &bitgauge_compiler::Options::default()).unwrap()
}

/// Times of first and further images of the cases, after one turn that does not count.
fn race(cases: &mut [Case]) -> Vec<[f64; 2]> {
    for turn in 0..=TIMES {
        for case in &mut *cases {
            case.turn();
            if turn == 0 {
                case.times = Default::default();
            }
        }
    }
    cases.iter_mut().map(|case| std::mem::take(&mut case.times).map(|times| least(&times))).collect()
}

fn seeded(float: &FloatGraph, image: &Tensor) -> IntGraph {
    let calibration = calibrate(float, 1, |_| vec![image.clone()]).unwrap();
    quantize(float, &calibration, &QuantizeOptions::default()).unwrap()
}

#[test]
#[ignore = "long tier: a timing, arrays of four times the size"]
fn a_larger_array_is_no_slower_to_simulate() {
    let Some((model, images)) = efficientnet() else { return };
    let graph = quantized(&float_model(&model), &images, 4, QuantizeOptions::default());
    let names = ["reference-8x8", "reference-16x16", "reference-32x32"];
    let mut cases = names.map(|name| Case::new(&graph, &images.tensor(5), name));
    let times = race(&mut cases);
    for ((name, case), [first, further]) in names.iter().zip(&cases).zip(&times) {
        eprintln!(
            "EfficientNet-Lite0 on {name}: {} cycles, first image {first:.1} ms, further {further:.1} ms",
            case.cycles
        );
    }
    for pair in times.windows(2) {
        for (small, large) in pair[0].iter().zip(&pair[1]) {
            assert!(*large <= NOISE * small, "{large:.1} ms after {small:.1} ms");
        }
    }
}

#[test]
#[ignore = "long tier: a timing, images of twice the area"]
fn twice_the_area_takes_twice_the_time() {
    let mut random = Random(3);
    let mut cases = [[56, 56], [56, 112], [112, 112]].map(|[rows, cols]| {
        let image = noise(&mut random, &[1, 3, rows, cols], 0.0, 1.0);
        Case::new(&seeded(&convolutions(rows, cols, 7), &image), &image, "reference-16x16")
    });
    let times = race(&mut cases);
    for (case, [first, further]) in cases.iter().zip(&times) {
        eprintln!("{} cycles: first image {first:.2} ms, further {further:.2} ms", case.cycles);
    }
    for pair in times.windows(2) {
        for (small, large) in pair[0].iter().zip(&pair[1]) {
            assert!(*large <= 2.2 * small, "{large:.2} ms after {small:.2} ms");
        }
    }
}

/// A network of the shape of DeiT-B, without its patch embedding and its head: 12 blocks, 86 million weights. Its
/// times are recorded; what is held is that they grow with the commands: that those of 12 blocks take no longer
/// each than those of 3.
#[test]
#[ignore = "long tier: a timing, DeiT-B without data"]
fn cycles_alone_of_a_large_transformer() {
    let block = Block { tokens: 197, channels: 768, heads: 12, hidden: 3072 };
    let graphs = [3, 12].map(|blocks| {
        let mut float = transformer(block, blocks, 7);
        bitgauge_models::float::passes::simplify(&mut float).unwrap();
        seeded(&float, &noise(&mut Random(2), &[1, 197, 768], 0.0, 1.0))
    });
    let options = Options { trace: false, data: false, ..Options::default() };
    let mut times = graphs.each_ref().map(|_| [(); 4].map(|()| Vec::new()));
    let mut sizes = [(0, 0); 2];
    for _ in 0..TIMES {
        for ((graph, times), (commands, cycles)) in graphs.iter().zip(&mut times).zip(&mut sizes) {
            let (mut code, mut machine) = (None, None);
            let compiled = passed(|| code = Some(program(graph, "reference-32x32")));
            let code = code.unwrap();
            *commands = code.commands.len();
            let made = passed(|| machine = Some(Machine::new(&code)));
            let mut machine = machine.unwrap();
            let ran = passed(|| *cycles = machine.run(&[], &options).unwrap().cycles);
            let all = [compiled, made, ran, compiled + made + ran];
            times.iter_mut().zip(all).for_each(|(list, time)| list.push(time));
        }
    }
    let times = times.map(|times| times.map(|times| least(&times)));
    for ([compiled, made, ran, all], (commands, cycles)) in times.iter().zip(sizes) {
        eprintln!(
            "DeiT-B's blocks on reference-32x32: {commands} commands, {cycles} cycles; compiled in {compiled:.0} \
             ms, made ready in {made:.0} ms, cycles found in {ran:.0} ms, together {all:.0} ms: {:.0} million \
             cycles per second",
            cycles as f64 / ran / 1000.0
        );
    }
    let [few, many] = [0, 1].map(|index| times[index][3] / sizes[index].0 as f64);
    // A quarter for caches that more commands do not fit in.
    assert!(many <= 1.25 * few, "{:.0} ns a command after {:.0}", 1e6 * many, 1e6 * few);
}
