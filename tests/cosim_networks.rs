//! Do networks of real size come out of the Verilog as out of the simulator, cycle for cycle?
// Helpers outside of #[test] functions fail the test by panicking, and say what they measured or skip.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use bitgauge_arch::Accelerator;
use bitgauge_models::float::{FloatGraph, Tensor};
use bitgauge_models::integer::evaluate::encode_inputs;
use bitgauge_models::integer::{Calibration, InputCode, IntGraph, QuantizeOptions, calibrate, quantize};
use bitgauge_testing::Random;
use bitgauge_tests::networks::{Block, block_ends, cut, decoder, noise, transformer_block, value_of};
use bitgauge_tests::verilog::{assert_same, build, verilator};
use bitgauge_tests::widths::{Draw, drawn, seen};
use bitgauge_tests::{KINDS, assert_equal, design, efficientnet, float_model, quantized, resnet20};

/// One bench for all networks: building it takes longer than most of them.
const MEMORY_BYTES: u64 = 16 << 20;

/// Interpreter, simulator and Verilog on the reference design. Every tensor keeps its place, so that the
/// comparison of memories compares all of them. Gives the memory that the Verilog left.
fn agrees(case: &str, graph: &IntGraph, input: &Tensor) -> Vec<u8> {
    agrees_on(&design("reference-16x16"), case, graph, input)
}

/// The same on any design.
fn agrees_on(accelerator: &Accelerator, case: &str, graph: &IntGraph, input: &Tensor) -> Vec<u8> {
    let options = bitgauge_compiler::Options { reuse_memory: false, ..bitgauge_compiler::Options::default() };
    let (_, bytes) = assert_equal(case, graph, accelerator, &options, std::slice::from_ref(input));
    let program = bitgauge_compiler::compile(graph, accelerator, &options).unwrap();
    let build = build(accelerator, program.memory_bytes.max(MEMORY_BYTES));
    let inputs = encode_inputs(graph, std::slice::from_ref(input)).unwrap();
    let name = graph.tensor(graph.inputs[0]).name.as_str();
    let (result, rtl) = assert_same(case, &build, &program, &[(name, &inputs[0])]);
    eprintln!(
        "{case} on {}: {} commands, {} cycles, {bytes} bytes of tensors, 0 differences; Verilog in {:.0} s, \
         {:.0} cycles per second",
        accelerator.name,
        program.commands.len(),
        result.cycles,
        rtl.elapsed.as_secs_f64(),
        rtl.cycles as f64 / rtl.elapsed.as_secs_f64()
    );
    rtl.memory
}

/// The same with another width for each layer and tensor, and two scales for some of what softmax and tables make, on
/// every kind of processing element.
fn agrees_at_all_widths(
    case: &str,
    float: &FloatGraph,
    calibration: &Calibration,
    input: InputCode,
    image: &Tensor,
) {
    for name in KINDS {
        let mut accelerator = design(name);
        accelerator.array.tag_shift = 5;
        accelerator.vector.channel_shifts = true;
        let draw = Draw { seed: 7, most: 8, tag_shift: 5, channel_shift: 3 };
        let graph = drawn(float, calibration, input, draw).0.graph;
        let scaled = graph.tensors.iter().filter(|tensor| tensor.code.tag_shift > 0).count();
        let shifted = graph.tensors.iter().filter(|tensor| tensor.channel_shifts.is_some()).count();
        agrees_on(
            &accelerator,
            &format!(
                "{case}, mixed widths, {scaled} tensors of two scales, {shifted} with steps of their channels"
            ),
            &graph,
            image,
        );
    }
}

/// Quantizes a part of a network by what it was given.
fn part(float: &FloatGraph, inputs: &[Tensor]) -> IntGraph {
    let seen = calibrate(float, inputs.len(), |index| vec![inputs[index].clone()]).unwrap();
    quantize(float, &seen, &QuantizeOptions { input: InputCode::Calibrated, ..QuantizeOptions::default() })
        .unwrap()
}

/// A block of ViT-S, 257 tokens, and two inputs.
fn vit_s_block() -> (FloatGraph, [Tensor; 2]) {
    let block = Block { tokens: 257, channels: 384, heads: 6, hidden: 1536 };
    let mut random = Random(2);
    let inputs = [(); 2].map(|()| noise(&mut random, &[1, block.tokens, block.channels], 0.0, 1.0));
    (transformer_block(block, 1), inputs)
}

#[test]
#[ignore = "long tier: minutes of Verilator"]
fn transformer_block_of_vit_s() {
    if !verilator() {
        return;
    }
    let (float, inputs) = vit_s_block();
    agrees("ViT-S block", &part(&float, &inputs), &inputs[0]);
}

#[test]
#[ignore = "long tier: minutes of Verilator on each kind of processing element"]
fn transformer_block_of_vit_s_at_mixed_widths() {
    if !verilator() {
        return;
    }
    let (float, inputs) = vit_s_block();
    let calibration = seen(&float, 2, |index| vec![inputs[index].clone()]);
    agrees_at_all_widths("ViT-S block", &float, &calibration, InputCode::Calibrated, &inputs[0]);
}

#[test]
#[ignore = "long tier: minutes of Verilator on each kind of processing element"]
fn resnet20_at_mixed_widths() {
    if !verilator() {
        return;
    }
    let Some((model, images)) = resnet20() else { return };
    let float = float_model(&model);
    let calibration = seen(&float, 16, |index| vec![images.tensor(index)]);
    agrees_at_all_widths("ResNet-20", &float, &calibration, images.input_code(), &images.tensor(200));
}

#[test]
#[ignore = "long tier: minutes of Verilator"]
fn decoder_of_a_transformer() {
    if !verilator() {
        return;
    }
    let float = decoder(3);
    let mut random = Random(4);
    let inputs = [(); 2].map(|()| noise(&mut random, &[1, 65, 48], 0.0, 1.0));
    agrees("decoder", &part(&float, &inputs), &inputs[0]);
}

#[test]
#[ignore = "long tier: minutes of Verilator"]
fn first_blocks_of_efficientnet() {
    if !verilator() {
        return;
    }
    let Some((model, images)) = efficientnet() else { return };
    let whole = float_model(&model);
    let ends = block_ends(&whole);
    assert_eq!(ends.len(), 16);
    let first = cut(&whole, whole.inputs[0], ends[2]);
    let graph = quantized(&first, &images, 4, QuantizeOptions::default());
    agrees("EfficientNet-Lite0, stem and blocks 1 to 3", &graph, &images.tensor(5));
}

#[test]
#[ignore = "long tier: minutes of Verilator"]
fn last_block_of_efficientnet() {
    if !verilator() {
        return;
    }
    let Some((model, images)) = efficientnet() else { return };
    let whole = float_model(&model);
    let ends = block_ends(&whole);
    let last = cut(&whole, ends[14], ends[15]);
    let inputs = [0, 1, 2, 3].map(|index| value_of(&whole, ends[14], &images.tensor(index)));
    agrees("EfficientNet-Lite0, block 16", &part(&last, &inputs), &inputs[0]);
}

#[test]
#[ignore = "long tier: minutes of Verilator"]
fn resnet20_for_cifar10() {
    if !verilator() {
        return;
    }
    let Some((model, images)) = resnet20() else { return };
    let graph = quantized(&float_model(&model), &images, 16, QuantizeOptions::default());
    let [one, other] =
        [200, 201].map(|index| agrees(&format!("ResNet-20, image {index}"), &graph, &images.tensor(index)));
    // What is compared is the network's work and not what lay in memory before.
    let differing = one.iter().zip(&other).filter(|(a, b)| a != b).count();
    assert!(differing > 100_000, "{differing} bytes differ between two images");
}
