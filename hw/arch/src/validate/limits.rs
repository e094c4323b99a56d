//! Each rule of the validator at its limit: what is just allowed passes, what is just beyond is refused with the
//! rule's own message.

use std::fmt::Debug;

use super::problems;
use crate::Program;
use crate::codec::Codec;
use crate::command::{Command, Compute, Encoder, Load, Operation, Store, Vector, VectorFunction};
use crate::footprint::fill_bank_masks;
use crate::program::{CommandSymbol, LayerSymbol, Operand, Segment, TensorRole, TensorSymbol};

fn program(operation: Operation) -> Program {
    let accelerator = crate::description::tests_support::reference();
    let mut command = Command { wait: 0, signal: 0, operation };
    fill_bank_masks(&accelerator, &mut command);
    let mut encoder = Encoder::default();
    encoder.push(&command).unwrap();
    let layer = LayerSymbol {
        name: "limit".into(),
        operator: "test".into(),
        macs: 0,
        product: None,
        mapping: String::new(),
        bound_cycles: 0,
    };
    Program {
        accelerator,
        words: encoder.finish(),
        command_address: 0,
        memory_bytes: 1 << 16,
        segments: Vec::new(),
        tensors: Vec::new(),
        outputs: Vec::new(),
        layers: vec![layer],
        commands: vec![CommandSymbol { layer: 0, operand: Operand::Input }],
    }
}

/// Holds a program to be refused for one reason.
fn refused(program: &Program, said: &str, case: &impl Debug) {
    let found = problems(program);
    assert!(!found.is_empty(), "{case:?} passes, not refused: {said}");
    assert!(found[0].to_string().contains(said), "{case:?}: {} and not `{said}`", found[0]);
}

/// What is allowed, what is not, and why.
type Rule<T> = (fn(&mut T), fn(&mut T), &'static str);

fn check<T: Clone + Debug>(base: &T, of: fn(T) -> Operation, rules: &[Rule<T>]) {
    assert_eq!(problems(&program(of(base.clone()))), [], "{base:?}");
    for (allowed, beyond, said) in rules {
        let mut twin = base.clone();
        allowed(&mut twin);
        assert_eq!(problems(&program(of(twin.clone()))), [], "{twin:?}");
        let mut broken = base.clone();
        beyond(&mut broken);
        refused(&program(of(broken.clone())), said, &broken);
    }
}

#[test]
fn loads_and_stores() {
    let load = Load {
        external_address: 4096,
        blocks: 1,
        pixels: 4,
        channels: 16,
        pixel_stride: 1,
        value_bits: 8,
        ..Load::default()
    };
    check(
        &load,
        Operation::Load,
        &[
            (
                |load| load.external_address = 4096 + 64,
                |load| load.external_address = 4096 + 1,
                "multiples of",
            ),
            (|load| load.target = 1, |load| load.target = 6, "does not exist"),
            (|load| load.value_bits = 16, |load| load.value_bits = 15, "does not exist"),
            (|_| (), |load| load.container = 1, "do not read operands in containers of 4"),
            (|_| (), |load| load.container = 3, "container 3 does not exist"),
            (|_| (), |load| load.group_width = 1, "reserved"),
            (
                |load| load.external_address = 65_536 - 64,
                |load| load.external_address = 65_536 - 32,
                "which has",
            ),
            (
                |load| (load.target, load.channels) = (2, 8),
                |load| (load.target, load.channels) = (2, 7),
                "whole entries",
            ),
            (
                |load| (load.target, load.pixels, load.channels) = (4, 1, 256),
                |load| (load.target, load.pixels, load.channels) = (4, 1, 255),
                "whole entries",
            ),
        ],
    );
    let store = Store {
        external_address: 8192,
        blocks: 1,
        pixels: 4,
        channels: 16,
        pixel_stride: 1,
        value_bits: 8,
        ..Store::default()
    };
    check(
        &store,
        Operation::Store,
        &[
            (|store| store.external_address = 64, |store| store.external_address = 0, "over the commands"),
            (|store| store.value_bits = 2, |store| store.value_bits = 1, "does not exist"),
            (|_| (), |store| store.group_width = 1, "reserved"),
            (
                |store| store.external_address = 65_536 - 64,
                |store| store.external_address = 65_536 - 32,
                "which has",
            ),
        ],
    );
}

#[test]
fn products() {
    // A 1 x 1 kernel over a row of two pixels, with a residual.
    let compute = Compute {
        out_rows: 1,
        out_cols: 2,
        in_rows: 1,
        in_cols: 2,
        kernel_rows: 1,
        kernel_cols: 1,
        stride_rows: 1,
        stride_cols: 1,
        dilation_rows: 1,
        dilation_cols: 1,
        channels: 1,
        segments: 1,
        pixel_stride: 1,
        row_stride: 2,
        outputs: 1,
        output_pixel_stride: 1,
        residual_enable: 1,
        residual_mantissa: 1 << 15,
        residual_shift: 15,
        residual_pixel_stride: 1,
        output_line: 3 * BANK,
        residual_line: 2 * BANK,
        ..Compute::default()
    };
    assert_eq!(crate::description::tests_support::reference().activation_bank_lines(), BANK);
    check(
        &compute,
        Operation::Compute,
        &[
            (|c| c.residual_mantissa = 65_535, |c| c.residual_mantissa = 32_767, "out of range"),
            (|c| c.residual_shift = 47, |c| c.residual_shift = 48, "out of range"),
            (|c| c.residual_shift = 1, |c| c.residual_shift = 0, "out of range"),
            (|c| c.output_pixel_stride = 1, |c| c.output_pixel_stride = 0, "lines apart"),
            (|c| (c.out_cols, c.output_pixel_stride) = (1, 0), |c| c.kernel_rows = 0, "must not be zero"),
            (|c| c.dilation_rows = 0, |c| c.stride_cols = 0, "must not be zero"),
            (|c| c.table_enable = 1, |c| (c.table_enable, c.output_wide) = (1, 1), "tables emit bytes"),
            (|_| (), |c| c.tag_shift = 1, "the array shifts by up to 0"),
            (|_| (), |c| c.container = 1, "do not read operands in containers of 4"),
            (|_| (), |c| c.container = 3, "container 3 does not exist"),
            (|c| c.activation_bits = 8, |c| c.activation_bits = 9, "codes of 2 to 8"),
            (|c| c.weight_bits = 2, |c| c.weight_bits = 1, "codes of 2 to 8"),
            (|c| c.residual_line = BANK, |c| c.residual_line = 8, "bank that the feeder reads"),
            (|_| (), |c| c.accumulate = 1, "without residual"),
            (|c| c.output_line = 2, |c| c.output_line = 1, "reads activation scratchpad"),
        ],
    );
}

/// Lines of a bank of the reference.
const BANK: u32 = 2048;

#[test]
fn vector_functions() {
    let add = Vector {
        function: VectorFunction::Add.code(),
        out_rows: 1,
        out_cols: 2,
        channels: 1,
        pixel_stride: 1,
        output_pixel_stride: 1,
        output_line: 64,
        source_mantissa: 1 << 15,
        source_shift: 15,
        ..Vector::default()
    };
    check(
        &add,
        Operation::Vector,
        &[
            (|v| v.source_shift = 47, |v| v.source_shift = 48, "out of range"),
            (|v| v.source_mantissa = 65_535, |v| v.source_mantissa = 32_767, "out of range"),
            (|v| (v.out_cols, v.output_pixel_stride) = (1, 0), |v| v.output_pixel_stride = 0, "lines apart"),
            (|v| v.channels = 2, |v| v.channels = 0, "must not be zero"),
            (|v| v.function = VectorFunction::Table.code(), |v| v.function = 15, "does not exist"),
            (|_| (), |v| v.tag_shift = 1, "softmax alone"),
            (|v| v.output_line = 2, |v| v.output_line = 1, "reads activation scratchpad"),
        ],
    );
    let softmax = Vector { function: VectorFunction::Softmax.code(), output_bits: 8, ..add.clone() };
    check(
        &softmax,
        Operation::Vector,
        &[
            (|v| v.output_bits = 2, |v| v.output_bits = 1, "2 to 8 bits"),
            (|_| (), |v| v.output_bits = 9, "2 to 8 bits"),
            (|_| (), |v| v.output_wide = 1, "over bytes"),
            (|_| (), |v| v.tag_shift = 1, "the array shifts by up to 0"),
        ],
    );
}

#[test]
fn the_container() {
    let base = || {
        let mut program = program(Operation::Load(Load { value_bits: 8, ..Load::default() }));
        let segment = |address| Segment { address, bytes: vec![1; 64].into() };
        program.segments = vec![segment(4096), segment(4160)];
        // Two groups of two rows of 30 codes, each row in 32 bytes.
        program.tensors = vec![TensorSymbol {
            name: "x".to_owned(),
            role: TensorRole::Internal,
            address: 8192,
            groups: 2,
            rows: 2,
            cols: 5,
            channels: 6,
            value_bits: 8,
            signed: true,
            codec: Codec::None,
            zero_code: 0,
            row_stride: 32,
            group_stride: 64,
            length_table: 0,
            graph_tensor: 0,
        }];
        program
    };
    assert_eq!(problems(&base()), []);
    let broken = |change: fn(&mut Program), said| {
        let mut program = base();
        change(&mut program);
        refused(&program, said, &said);
    };
    broken(|program| program.segments[1].address = 4159, "over another");
    broken(|program| program.segments.swap(0, 1), "over another");
    broken(|program| program.segments[1].address = (1 << 16) - 63, "outside memory");
    broken(|program| program.segments[0].address = 0, "commands lie over a segment");
    broken(|program| program.command_address = 1, "not on a multiple");
    broken(|program| program.command_address = 1 << 16, "outside memory");
    broken(|program| program.memory_bytes = (1 << 32) + 1, "32 bits");
    broken(|program| program.words.truncate(program.words.len() - 1), "must be `end`");
    broken(|program| program.commands.clear(), "command symbols");
    broken(|program| program.tensors[0].row_stride = 16, "overlap");
    broken(|program| program.tensors[0].group_stride = 48, "overlap");
    broken(|program| program.tensors[0].channels = 0, "is empty");
    broken(|program| program.tensors[0].groups = 0, "is empty");
    broken(|program| program.tensors[0].address = (1 << 16) - 64, "outside memory");
}

#[test]
fn operand_lines() {
    // An array that reads all containers.
    let serial = |operation: Operation| {
        let mut program = program(operation);
        let array = &mut program.accelerator.array;
        (array.mac, array.lanes, array.port_bits) = (crate::description::MacKind::Serial, 16, 8);
        program
    };
    let load = Load {
        external_address: 4096,
        blocks: 1,
        pixels: 4,
        channels: 16,
        pixel_stride: 1,
        value_bits: 4,
        codec: Codec::Pack.code(),
        container: 1,
        ..Load::default()
    };
    let loaded = |change: fn(&mut Load)| {
        let mut load = load.clone();
        change(&mut load);
        serial(Operation::Load(load))
    };
    assert_eq!(problems(&loaded(|_| ())), []);
    assert_eq!(problems(&loaded(|load| (load.value_bits, load.container) = (2, 2))), []);
    for (change, case) in [
        ((|load| load.value_bits = 5) as fn(&mut Load), "wider codes"),
        (|load| load.codec = 0, "bytes"),
        (|load| load.target = 2, "parameters"),
    ] {
        refused(&loaded(change), "made of packed codes that fit", &case);
    }
    let compute = Compute {
        out_rows: 1,
        out_cols: 1,
        in_rows: 1,
        in_cols: 1,
        kernel_rows: 1,
        kernel_cols: 1,
        stride_rows: 1,
        stride_cols: 1,
        channels: 33,
        segments: 1,
        outputs: 1,
        output_line: 64,
        activation_bits: 4,
        weight_bits: 3,
        container: 1,
        ..Compute::default()
    };
    let with = |change: fn(&mut Compute)| {
        let mut compute = compute.clone();
        change(&mut compute);
        serial(Operation::Compute(compute))
    };
    assert_eq!(problems(&with(|_| ())), []);
    let scaled = |bits, shift| {
        let mut program = with(|_| ());
        program.accelerator.array.tag_shift = 4;
        let mut compute = compute.clone();
        (compute.activation_bits, compute.tag_shift) = (bits, shift);
        let mut command = Command { wait: 0, signal: 0, operation: Operation::Compute(compute) };
        fill_bank_masks(&program.accelerator, &mut command);
        let mut encoder = Encoder::default();
        encoder.push(&command).unwrap();
        program.words = encoder.finish();
        program
    };
    assert_eq!(problems(&scaled(3, 4)), []);
    refused(&scaled(3, 5), "activations of two scales, shifted by 5; the array shifts by up to 4", &"shift");
    refused(&scaled(2, 4), "activations of two scales and 2 bits; they have 3 and more", &"bits");
    refused(&with(|c| c.activation_bits = 5), "operands of 5 and 3 bits in containers of 4", &"activations");
    refused(&with(|c| c.weight_bits = 0), "operands of 4 and 8 bits in containers of 4", &"weights");
    // 33 codes are two lines in halves of bytes, and three in bytes.
    refused(&with(|c| c.output_line = 1), "reads activation scratchpad 0..2", &"lines");
}
