//! Random accelerators and programs for tests.

use bitgauge_arch::codec::{Format, encode, length_entry};
use bitgauge_arch::command::{Codec, Command, Compute, Encoder, Load, Operation, Store, Unit, Vector};
use bitgauge_arch::description::CodecKind;
use bitgauge_arch::program::{CommandSymbol, LayerSymbol, Operand, Segment};
use bitgauge_arch::{Accelerator, Program};

/// A small generator; the same numbers on every host.
pub(crate) struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }

    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    pub fn small(&mut self, bound: u32) -> u32 {
        self.below(u64::from(bound)) as u32
    }
}

pub(crate) fn reference() -> Accelerator {
    Accelerator::from_toml(include_str!("../../designs/reference-16x16.toml")).unwrap()
}

pub(crate) fn accelerator(random: &mut Random) -> Accelerator {
    loop {
        let mut a = reference();
        a.array.rows = random.of(&[2, 3, 4, 8, 16]);
        a.array.cols = random.of(&[2, 4, 6, 8, 16, 64]);
        a.post.lanes = random.of(&[1, 2, 4, 8, 16]);
        a.vector.lanes = random.of(&[1, 4, 8]);
        a.compression.lanes = random.of(&[1, 2]);
        a.memory.bus_bits = random.of(&[32, 64, 128]);
        a.memory.latency_cycles = random.of(&[1, 2, 7, 40]);
        a.memory.max_burst_beats = random.of(&[1, 2, 4, 16, 64]);
        a.controller.queue_words = random.of(&[4, 8, 64]);
        a.controller.prefetch_words = random.of(&[4, 16, 64]);
        a.scratchpad.activation_kib = 64;
        if random.below(2) == 0 {
            // Without it a store's FIFO is so small that it fills up.
            a.compression.codecs.retain(|codec| *codec != CodecKind::Zvc);
        }
        if a.check().is_ok() {
            return a;
        }
    }
}

/// Wraps commands into a program of `memory_bytes`, the words at `1 << 20`.
pub(crate) fn program(accelerator: Accelerator, commands: &[Command], segments: Vec<Segment>) -> Program {
    let mut encoder = Encoder::default();
    for command in commands {
        encoder.push(command).unwrap();
    }
    let layer = |name: &str| LayerSymbol {
        name: name.to_owned(),
        operator: "test".to_owned(),
        macs: 0,
        product: None,
        mapping: String::new(),
        bound_cycles: 0,
    };
    Program {
        accelerator,
        words: encoder.finish(),
        command_address: 1 << 20,
        memory_bytes: 1 << 21,
        segments,
        tensors: Vec::new(),
        outputs: Vec::new(),
        layers: vec![layer("a"), layer("b")],
        commands: (0..commands.len())
            .map(|index| CommandSymbol { layer: index as u32 % 2, operand: Operand::Input })
            .collect(),
    }
}

/// A random program that cannot deadlock: in program order no wait finds its counter empty.
pub(crate) fn random_program(random: &mut Random) -> Program {
    let accelerator = accelerator(random);
    let mut segments = Vec::new();
    let mut tokens = [[0u32; 4]; 4];
    let mut commands = Vec::new();
    for index in 0..1 + random.below(40) {
        let unit = random.of(&Unit::ALL);
        let operation = match unit {
            Unit::Load => Operation::Load(load(random, &accelerator, index, &mut segments)),
            Unit::Compute => Operation::Compute(compute(random)),
            Unit::Vector => Operation::Vector(vector(random)),
            Unit::Store => Operation::Store(store(random, &accelerator, index)),
        };
        let me = unit.index();
        let mut command = Command { wait: 0, signal: 0, operation };
        for other in (0..4).filter(|&other| other != me) {
            if tokens[other][me] > 0 && random.below(2) == 0 {
                tokens[other][me] -= 1;
                command.wait |= 1 << other;
            }
            if random.below(3) == 0 {
                tokens[me][other] += 1;
                command.signal |= 1 << other;
            }
        }
        command.wait |= u8::from(random.below(4) == 0) << me;
        commands.push(command);
    }
    let bus = u64::from(accelerator.bus_bytes());
    let mut program = program(accelerator, &commands, segments);
    if random.below(2) == 0 {
        // Anywhere in a page, so that bursts of words are cut.
        program.command_address += bus * random.below(4096 / bus);
    }
    program
}

fn banks(random: &mut Random) -> u32 {
    if random.below(2) == 0 { 0 } else { 1 << random.below(4) }
}

fn load(random: &mut Random, accelerator: &Accelerator, index: u64, segments: &mut Vec<Segment>) -> Load {
    let codecs = [Codec::None, Codec::Pack, Codec::Zvc];
    let codec = random.of(&codecs[..if has_zvc(accelerator) { 3 } else { 2 }]);
    let mut load = Load {
        target: random.small(2),
        blocks: random.small(4),
        pixels: random.small(9),
        channels: random.small(50),
        pixel_stride: random.small(30),
        block_stride: random.small(100),
        line: random.small(20),
        codec: codec.code(),
        value_bits: random.of(&[2, 3, 4, 8]),
        zero_code: 1,
        activation_write: banks(random),
        weight_write: banks(random),
        external_address: (index * 16384 + 64 * random.below(64)) as u32,
        external_block_stride: 3072,
        length_table: (index * 16384 + 16000) as u32,
        ..Load::default()
    };
    if random.below(5) == 0 {
        (load.target, load.codec, load.channels) = (2, 0, 8 * random.small(9));
        return load;
    }
    if codec == Codec::Zvc {
        let format = Format { codec, value_bits: load.value_bits, zero_code: 1, signed: false };
        let mut table = Vec::new();
        for block in 0..load.blocks {
            let dense = 1 + random.below(6);
            let mask = (1u64 << load.value_bits) - 1;
            let codes: Vec<u8> = (0..load.pixels * load.channels)
                .map(|_| if random.below(dense) == 0 { (random.below(256) & mask) as u8 } else { 1 })
                .collect();
            let coded = encode(format, &codes, accelerator.bus_bytes() as usize);
            table.extend(length_entry(&coded, accelerator.bus_bytes() as usize).to_le_bytes());
            let address = u64::from(load.external_address + block * load.external_block_stride);
            segments.push(Segment { address, bytes: coded.bytes.into() });
        }
        segments.push(Segment { address: u64::from(load.length_table), bytes: table.into() });
    }
    load
}

fn store(random: &mut Random, accelerator: &Accelerator, index: u64) -> Store {
    let zvc = has_zvc(accelerator);
    let mut store = Store {
        line: random.small(20),
        blocks: random.small(4),
        pixels: random.small(9),
        channels: random.small(50),
        pixel_stride: random.small(30),
        block_stride: random.small(100),
        codec: random.small(if zvc { 3 } else { 2 }),
        value_bits: random.of(&[2, 3, 4, 8]),
        zero_code: 0,
        activation_read: banks(random),
        external_address: (index * 16384 + 12288 - 64 * random.below(16)) as u32,
        external_block_stride: 1024,
        length_table: (index * 16384 + 16128) as u32,
        ..Store::default()
    };
    if !zvc && random.below(2) == 0 {
        // Many blocks, some of them across 4 KiB.
        store.blocks = 2 + random.small(22);
        store.block_stride = random.small(20);
        store.external_address = (index * 16384 + 64 * random.below(16)) as u32;
        store.external_block_stride = 512 - 64 * random.small(2);
    }
    store
}

fn has_zvc(accelerator: &Accelerator) -> bool {
    accelerator.compression.codecs.contains(&CodecKind::Zvc)
}

pub(crate) fn compute(random: &mut Random) -> Compute {
    let mut c = Compute {
        out_rows: random.small(5),
        out_cols: 1 + random.small(7),
        in_rows: 1 + random.small(5),
        in_cols: 1 + random.small(7),
        kernel_rows: 1 + random.small(3),
        kernel_cols: 1 + random.small(2),
        stride_rows: 1,
        stride_cols: 1 + random.small(2),
        dilation_rows: 1,
        dilation_cols: 1,
        pad_top: random.small(2),
        pad_left: random.small(2),
        channels: 1 + random.small(40),
        segments: 1 + random.small(2),
        segment_stride: random.small(4),
        row_stride: random.small(30),
        pixel_stride: random.small(5),
        outputs: random.small(40),
        weight_stride: random.small(20),
        output_line: random.small(20),
        output_pixel_stride: 40,
        output_wide: random.small(2),
        residual_enable: random.small(2),
        residual_wide: random.small(2),
        residual_pixel_stride: random.small(40),
        parameter_per_row: random.small(2),
        activation_read: banks(random),
        residual_read: banks(random),
        activation_write: banks(random),
        weight_read: banks(random),
        ..Compute::default()
    };
    if random.below(3) == 0 {
        // Short sums, so that the drain sets the pace.
        (c.kernel_rows, c.kernel_cols, c.segments) = (1, 1, 1);
    }
    c
}

pub(crate) fn vector(random: &mut Random) -> Vector {
    Vector {
        function: random.small(9),
        out_rows: random.small(4),
        out_cols: random.small(4),
        in_rows: 3,
        in_cols: 3,
        kernel_rows: random.small(4),
        kernel_cols: random.small(4),
        stride_rows: 1,
        stride_cols: 1,
        pad_top: random.small(2),
        channels: random.small(30),
        row_stride: 8,
        pixel_stride: 2,
        output_pixel_stride: 70,
        source_wide: random.small(2),
        second_enable: random.small(2),
        output_wide: random.small(2),
        output_bits: 8,
        activation_read: banks(random),
        activation_write: banks(random),
        weight_read: banks(random),
        run_bytes: random.small(10),
        row_bytes: 20,
        ..Vector::default()
    }
}
