//! Data: each unit against its registers' documentation, value by value.

use bitgauge_arch::arith::layernorm::TokenStatistics;
use bitgauge_arch::arith::{ChannelParameter, Post, Requant, Residual, Signedness};
use bitgauge_arch::code::Container;
use bitgauge_arch::codec::Codec;
use bitgauge_arch::command::{Command, Compute, Load, Operation, Store, Vector, VectorFunction};
use bitgauge_arch::footprint::{Space, fill_bank_masks};
use bitgauge_arch::mac::Operands;
use bitgauge_arch::validate::validate;
use bitgauge_arch::{Accelerator, Program};
use bitgauge_testing::Random;

use crate::random::{self, program};
use crate::{Machine, Options};

fn parameters(random: &mut Random, count: usize) -> Vec<u8> {
    let entry = |random: &mut Random| {
        ChannelParameter {
            bias: random.below(1 << 12) as i32 - (1 << 11),
            requant: Requant {
                mantissa: 0x8000 | random.below(1 << 15) as u16,
                shift: 18 + random.below(8) as u8,
            },
            negate: random.below(4) == 0,
            channel_shift: random.below(16) as i8 - 8,
        }
        .to_bytes()
    };
    (0..count).flat_map(|_| entry(random)).collect()
}

/// Contents of memories: space, first byte, bytes.
type Preload = Vec<(Space, u64, Vec<u8>)>;

/// Runs one command on noise; returns the memories before, and the machine after.
fn run_one(random: &mut Random, operation: Operation) -> Option<(Program, Preload, Machine)> {
    let accelerator = random::accelerator(random);
    let program = random::alone(accelerator, operation)?;
    let mut machine = Machine::new(&program);
    let mut preload = Vec::new();
    for space in [Space::Activation, Space::Weight, Space::PostTable, Space::VectorTable] {
        let bytes = random.bytes(machine.space(space).len());
        preload.push((space, 0, bytes));
    }
    for space in [Space::PostParameter, Space::VectorParameter] {
        preload.push((space, 0, parameters(random, 2048)));
    }
    let options = Options { preload: preload.clone(), ..Options::default() };
    machine.run(&[], &options).unwrap();
    Some((program.into_inner(), preload, machine))
}

fn requant(mantissa: u32, shift: u32) -> Requant {
    Requant { mantissa: mantissa as u16, shift: shift as u8 }
}

/// What the low bits of a code say.
fn low_bits(code: i32, bits: u32, sign: Signedness) -> i32 {
    let low = code.rem_euclid(1 << bits);
    if sign == Signedness::Signed && low >= 1 << (bits - 1) { low - (1 << bits) } else { low }
}

/// The command as its registers are documented. Sources are read from the memory before.
fn naive_compute(accelerator: &Accelerator, c: &Compute, before: &Preload, after: &mut [u8]) {
    let (activation, weight, table, entries) = (&before[0].2, &before[1].2, &before[2].2, &before[4].2);
    let sign = if c.activation_signed == 1 { Signedness::Signed } else { Signedness::Unsigned };
    let (line, cols) = (accelerator.line_bytes() as usize, accelerator.array.cols as usize);
    let reads = accelerator.array.reads(c.operands());
    // Narrow codes lie two or four to a byte, the first in its lowest bits.
    let bits = [8, 4, 2][c.container as usize];
    let segment_bytes = (c.channels as usize * bits).div_ceil(8);
    let words = segment_bytes.div_ceil(line);
    let code_of = |bytes: &[u8], at: usize, sign: Signedness| {
        let raw = i32::from(bytes[at * bits / 8] >> (at * bits % 8)) & ((1 << bits) - 1);
        low_bits(raw, bits as u32, sign)
    };
    for i in 0..c.out_rows * c.out_cols {
        for n in 0..c.outputs as usize {
            let mut sum = 0i32;
            let group = if c.grouped == 1 { n / cols * cols / (line * 8 / bits) } else { 0 };
            let mut weight_line = c.weight_line as usize + n * c.weight_stride as usize;
            for r in 0..c.kernel_rows {
                for s in 0..c.kernel_cols {
                    for g in 0..c.segments {
                        let iy = (i / c.out_cols * c.stride_rows + r * c.dilation_rows) as i64
                            - i64::from(c.pad_top);
                        let ix = (i % c.out_cols * c.stride_cols + s * c.dilation_cols) as i64
                            - i64::from(c.pad_left);
                        let outside =
                            iy < 0 || ix < 0 || iy >= i64::from(c.in_rows) || ix >= i64::from(c.in_cols);
                        for k in 0..segment_bytes * 8 / bits {
                            let code = if outside {
                                code_of(&[c.pad_code as u8], k % (8 / bits), sign)
                            } else {
                                let at = c.activation_line as usize
                                    + iy as usize * c.row_stride as usize
                                    + ix as usize * c.pixel_stride as usize
                                    + (g * c.segment_stride) as usize
                                    + group;
                                code_of(&activation[at * line..], k, sign)
                            };
                            let w = code_of(&weight[weight_line * line..], k, Signedness::Signed);
                            let code = if c.tag_shift > 0 {
                                // Below the tag the payload, at the place that the tag says.
                                let tag = if c.activation_bits == 0 { 7 } else { c.activation_bits - 1 };
                                low_bits(code, tag, sign) << (c.tag_shift * (code >> tag & 1) as u32)
                            } else {
                                low_bits(code, reads.activation_bits, sign)
                            };
                            let w = low_bits(w, reads.weight_bits, Signedness::Signed);
                            sum = sum.wrapping_add(code * w);
                        }
                        weight_line += words;
                    }
                }
            }
            let entry = c.parameter_base as usize + if c.parameter_per_row == 1 { i as usize } else { n };
            let parameter = ChannelParameter::from_bytes(entries[8 * entry..][..8].try_into().unwrap());
            let mut value = parameter.requantize(sum);
            if c.residual_enable == 1 {
                let at = (c.residual_line as usize + (i * c.residual_pixel_stride) as usize) * line;
                let code = Container::of_flag(c.residual_wide).read(&activation[at..], n, Signedness::Signed);
                let requant = requant(c.residual_mantissa, c.residual_shift);
                let shift = if accelerator.vector.channel_shifts { parameter.channel_shift } else { 0 };
                let requant = Requant {
                    shift: (requant.shift as i32 + i32::from(shift)).clamp(1, 47) as u8,
                    ..requant
                };
                value += Residual { zero_point: c.residual_zero_point, requant }.rescale(code);
            }
            value = Post { zero_point: c.zero_point, clamp_low: c.clamp_low, clamp_high: c.clamp_high }
                .finish(value);
            if c.table_enable == 1 {
                value = i32::from(table[256 * c.table_select as usize + (value & 255) as usize]);
            }
            let at = (c.output_line as usize + (i * c.output_pixel_stride) as usize) * line;
            Container::of_flag(c.output_wide).write(&mut after[at..], n, value);
        }
    }
}

#[test]
fn compute_follows_its_registers() {
    let mut random = Random(3);
    let (mut checked, mut grouped, mut narrow, mut containers, mut scaled, mut moved) =
        (0, 0, 0, [0; 3], 0, 0);
    while checked < 800 {
        let mut c = random::compute(&mut random);
        c.activation_signed = random.small(2);
        c.grouped = random.small(2);
        // Noise has codes of 8 bits: what the array reads of them shows.
        c.container = random.of(&[0, 1, 1, 1, 2, 2, 2]);
        let most = 8 >> c.container;
        (c.activation_bits, c.weight_bits) = (2 + random.small(most - 1), 2 + random.small(most - 1));
        c.tag_shift = random.of(&[0, 1, 1, 2, 4, 8]);
        // Operands end before the output begins.
        c.residual_pixel_stride %= 10;
        c.pad_code = random.small(256);
        c.table_enable = random.small(2);
        c.table_select = random.small(2);
        c.zero_point = random.small(20) as i32 - 10;
        c.clamp_low = -(random.small(300) as i32);
        c.clamp_high = random.small(300) as i32;
        (c.residual_mantissa, c.residual_shift) = (0x8000 | random.small(1 << 15), 10 + random.small(10));
        (c.activation_line, c.weight_line, c.output_line) = (random.small(9), random.small(9), 400);
        if random.below(3) == 0 {
            // Pointwise over a dense map: read in place.
            (c.kernel_rows, c.kernel_cols, c.segments, c.pad_top, c.pad_left) = (1, 1, 1, 0, 0);
            c.row_stride = c.in_cols * c.pixel_stride;
        }
        let Some((program, before, machine)) = run_one(&mut random, Operation::Compute(c.clone())) else {
            continue;
        };
        let mut expected = before[0].2.clone();
        let accelerator = &program.accelerator;
        naive_compute(accelerator, &c, &before, &mut expected);
        assert!(machine.space(Space::Activation) == expected, "{c:?}");
        checked += 1;
        grouped += c.grouped;
        containers[c.container as usize] += 1;
        scaled += u32::from(c.tag_shift > 0);
        moved += u32::from(c.residual_enable == 1 && accelerator.vector.channel_shifts);
        narrow += u32::from(accelerator.array.reads(c.operands()) != Operands::BYTES);
    }
    assert!(grouped > 100 && narrow > 50 && scaled > 100, "{grouped} {narrow} {scaled}");
    assert!(moved > 40, "{moved}");
    assert!(containers.iter().all(|&count| count > 50), "{containers:?}");
}

fn naive_vector(accelerator: &Accelerator, v: &Vector, before: &Preload, after: &mut [u8]) {
    use VectorFunction as F;
    let line = accelerator.line_bytes() as usize;
    let (activation, weight, table, entries) = (&before[0].2, &before[1].2, &before[3].2, &before[5].2);
    let sign = if v.source_signed == 1 { Signedness::Signed } else { Signedness::Unsigned };
    let post = Post { zero_point: v.zero_point, clamp_low: v.clamp_low, clamp_high: v.clamp_high };
    let words = (v.channels as usize).div_ceil(line);
    let first = requant(v.source_mantissa, v.source_shift);
    for i in 0..v.out_rows * v.out_cols {
        let to = (v.output_line + i * v.output_pixel_stride) as usize * line;
        let from = (v.source_line + i * v.pixel_stride) as usize * line;
        for channel in 0..v.channels as usize {
            let source = || Container::of_flag(v.source_wide).read(&activation[from..], channel, sign);
            let mut taps = Vec::new();
            for tap in 0..v.kernel_rows * v.kernel_cols {
                let (r, s) = (tap / v.kernel_cols, tap % v.kernel_cols);
                let iy = (i / v.out_cols * v.stride_rows + r) as i64 - i64::from(v.pad_top);
                let ix = (i % v.out_cols * v.stride_cols + s) as i64 - i64::from(v.pad_left);
                let inside = iy >= 0 && ix >= 0 && iy < i64::from(v.in_rows) && ix < i64::from(v.in_cols);
                let at = v.source_line as i64 + iy * i64::from(v.row_stride) + ix * i64::from(v.pixel_stride);
                let code = if inside {
                    Container::Byte.read(activation, at as usize * line + channel, sign)
                } else {
                    Container::Byte.read(&[v.pad_code as u8], 0, sign)
                };
                let w = weight[(v.second_line as usize + tap as usize * words) * line + channel] as i8;
                taps.push((inside, code, i32::from(w)));
            }
            let value = match v.function().unwrap() {
                F::Add => {
                    let mut value =
                        Residual { zero_point: v.source_zero_point, requant: first }.rescale(source());
                    if v.second_enable == 1 {
                        let at = (v.second_line + i * v.second_pixel_stride) as usize * line;
                        let code = Container::of_flag(v.second_wide).read(&activation[at..], channel, sign);
                        let requant = requant(v.second_mantissa, v.second_shift);
                        value += Residual { zero_point: v.second_zero_point, requant }.rescale(code);
                    }
                    post.finish(value)
                }
                F::Table => i32::from(table[512 * v.table_select as usize + 2 * (source() & 255) as usize]),
                F::MaxPool => match taps.iter().filter(|tap| tap.0).map(|tap| tap.1).max() {
                    Some(greatest) => greatest,
                    None => {
                        if v.source_signed == 1 {
                            -128
                        } else {
                            0
                        }
                    }
                },
                F::AveragePool => {
                    let sum: i64 = taps.iter().map(|tap| i64::from(tap.1 - v.source_zero_point)).sum();
                    post.finish(first.apply(sum))
                }
                F::Depthwise => {
                    let sum: i32 = taps.iter().map(|tap| tap.1 * tap.2).sum();
                    let entry = 8 * (v.parameter_base as usize + channel);
                    post.finish(
                        ChannelParameter::from_bytes(entries[entry..][..8].try_into().unwrap())
                            .requantize(sum),
                    )
                }
                F::LayerNorm => {
                    let entry = |c: usize| {
                        let at = 8 * (v.parameter_base as usize + c);
                        ChannelParameter::from_bytes(entries[at..][..8].try_into().unwrap())
                    };
                    let shifts = accelerator.vector.channel_shifts && v.source_wide == 0;
                    let codes: Vec<i32> = (0..v.channels as usize)
                        .map(|c| {
                            let code = Container::of_flag(v.source_wide).read(&activation[from..], c, sign);
                            code * if shifts { 1 << entry(c).channel_shift.max(0) } else { 1 }
                        })
                        .collect();
                    let (sum, squares) = codes.iter().fold((0, 0), |(sum, squares), &code| {
                        (sum + i64::from(code), squares + i64::from(code).pow(2) as u64)
                    });
                    let token = TokenStatistics::new(codes.len(), sum, squares, v.epsilon());
                    post.finish(entry(channel).requantize(token.normalize(codes.len(), codes[channel])))
                }
                _ => unreachable!(),
            };
            Container::of_flag(v.output_wide).write(&mut after[to..], channel, value);
        }
    }
}

#[test]
fn vector_functions_follow_their_registers() {
    use VectorFunction as F;
    let mut random = Random(4);
    let mut checked = 0;
    while checked < 800 {
        let mut v = random::vector(&mut random);
        v.function =
            random.of(&[F::Add, F::Table, F::MaxPool, F::AveragePool, F::Depthwise, F::LayerNorm]).code();
        (v.dilation_rows, v.dilation_cols) = (1, 1);
        (v.source_signed, v.second_wide, v.table_select) =
            (random.small(2), random.small(2), random.small(2));
        (v.second_line, v.second_pixel_stride, v.parameter_base) = (random.small(30), 3, random.small(9));
        (v.source_mantissa, v.source_shift) = (0x8000 | random.small(1 << 15), 13 + random.small(8));
        (v.second_mantissa, v.second_shift) = (0x8000 | random.small(1 << 15), 13 + random.small(8));
        (v.source_zero_point, v.second_zero_point, v.zero_point) = (3, -7, random.small(9) as i32);
        (v.clamp_low, v.clamp_high) = (-(random.small(200) as i32), random.small(200) as i32);
        (v.pad_code, v.pad_left, v.output_line) = (random.small(256), random.small(2), 300);
        let Some((program, before, machine)) = run_one(&mut random, Operation::Vector(v.clone())) else {
            continue;
        };
        let mut expected = before[0].2.clone();
        naive_vector(&program.accelerator, &v, &before, &mut expected);
        assert!(machine.space(Space::Activation) == expected, "{v:?}");
        checked += 1;
    }
}

#[test]
fn what_is_stored_in_any_format_is_loaded_again() {
    let mut random = Random(8);
    let (mut checked, mut narrow_lines, mut filled) = (0, 0, 0);
    while checked < 300 || filled < 30 || narrow_lines < 12 {
        let codec = random.of(&[Codec::None, Codec::Pack, Codec::Zvc]);
        let wide = codec != Codec::Zvc && random.below(4) == 0;
        let bits = if wide { 16 } else { random.of(&[2, 3, 4, 5, 6, 7, 8]) };
        let store = Store {
            blocks: 1 + random.small(4),
            pixels: 1 + random.small(6),
            channels: 1 + random.small(40),
            pixel_stride: 20,
            block_stride: 130,
            external_block_stride: 1024,
            length_table: 8192,
            codec: codec.code(),
            value_bits: bits,
            zero_code: 1,
            ..Store::default()
        };
        let load = Load {
            line: 1000,
            blocks: store.blocks,
            pixels: store.pixels,
            channels: store.channels,
            pixel_stride: store.pixel_stride,
            block_stride: store.block_stride,
            external_block_stride: store.external_block_stride,
            length_table: store.length_table,
            codec: store.codec,
            value_bits: bits,
            zero_code: 1,
            signed: random.small(2),
            container: if codec == Codec::Pack { random.small(3) } else { 0 },
            ..Load::default()
        };
        let mut commands = [
            Command { wait: 0, signal: 1, operation: Operation::Store(store.clone()) },
            Command { wait: 8, signal: 0, operation: Operation::Load(load.clone()) },
        ];
        let accelerator = random::accelerator(&mut random);
        let line = accelerator.line_bytes() as usize;
        commands.iter_mut().for_each(|command| fill_bank_masks(&accelerator, command));
        let Ok(program) = validate(program(accelerator, &commands)) else { continue };
        let mut machine = Machine::new(&program);
        let dense = 1 + random.below(5);
        let codes: Vec<u8> = (0..1000 * line)
            .map(|_| if random.below(dense) == 0 { random.below(256) as u8 } else { 1 })
            .collect();
        let options = Options { preload: vec![(Space::Activation, 0, codes.clone())], ..Options::default() };
        machine.run(&[], &options).unwrap();
        let container = Container::of_flag(u32::from(wide));
        for pixel in 0..store.blocks * store.pixels {
            let at = (pixel / store.pixels * 130 + pixel % store.pixels * 20) as usize;
            for channel in 0..store.channels as usize {
                let read = |bytes: &[u8], line_number: usize| {
                    container.read(&bytes[line_number * line..], channel, Signedness::Unsigned)
                };
                let was = read(&codes, at);
                let loaded = machine.space(Space::Activation);
                let place = (channel * 8) >> load.container;
                let narrow = 0xff >> (8 - (8 >> load.container));
                let is = match load.container {
                    0 => read(loaded, 1000 + at),
                    _ => i32::from(loaded[(1000 + at) * line + place / 8]) >> (place % 8) & narrow,
                };
                let expected = if wide || bits == 8 || codec == Codec::None {
                    was
                } else {
                    let low = was & ((1 << bits) - 1);
                    if load.signed == 1 && low >> (bits - 1) == 1 { low | (0xff << bits & 0xff) } else { low }
                };
                let expected = if load.container == 0 { expected } else { expected & narrow };
                assert_eq!(is, expected, "{store:?}");
            }
        }
        // What the last byte has room for beyond the last code is 0.
        let codes_of_byte = 1 << load.container;
        if !store.channels.is_multiple_of(codes_of_byte) {
            for pixel in 0..store.blocks * store.pixels {
                let at = (1000 + pixel / store.pixels * 130 + pixel % store.pixels * 20) as usize * line;
                let byte = machine.space(Space::Activation)[at + (store.channels / codes_of_byte) as usize];
                assert_eq!(byte >> (store.channels % codes_of_byte * (8 >> load.container)), 0, "{load:?}");
                filled += 1;
            }
        }
        narrow_lines += u32::from(load.container > 0);
        checked += 1;
    }
}
