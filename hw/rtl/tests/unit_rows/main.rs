//! Softmax and LayerNorm against the contract's arithmetic, cycle by cycle.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod parts;
mod play;
mod random;

use bitgauge_arch::arith::softmax::exponential_table;
use bitgauge_arch::command::{Vector, VectorFunction};
use play::Player;
use random::Random;

fn softmax(random: &mut Random, channels: u32, pixels: (u32, u32)) -> Vector {
    Vector {
        function: VectorFunction::Softmax.code(),
        source_line: 3,
        pixel_stride: 100,
        output_line: 2000,
        output_pixel_stride: 200,
        out_rows: pixels.0,
        out_cols: pixels.1,
        channels,
        source_signed: random.below(2) as u32,
        table_select: random.below(2) as u32,
        output_bits: 2 + random.below(7) as u32,
        zero_point: 77,
        clamp_low: 50,
        clamp_high: 60,
        ..Vector::default()
    }
}

fn layer_norm(random: &mut Random, channels: u32, wide: (u32, u32), pixels: (u32, u32)) -> Vector {
    Vector {
        function: VectorFunction::LayerNorm.code(),
        source_line: 5,
        pixel_stride: 200,
        output_line: 2000,
        output_pixel_stride: 200,
        out_rows: pixels.0,
        out_cols: pixels.1,
        channels,
        parameter_base: 16 * random.below(3) as u32,
        source_signed: random.below(2) as u32,
        source_wide: wide.0,
        output_wide: wide.1,
        zero_point: random.below(200) as i32 - 100,
        clamp_low: if wide.1 == 1 { -30_000 } else { -128 },
        clamp_high: if wide.1 == 1 { 30_000 } else { 127 },
        epsilon_low: if random.below(2) == 0 { 0 } else { random.below(1 << 20) as u32 },
        ..Vector::default()
    }
}

fn lengths(lanes: usize) -> Vec<u32> {
    let lanes = lanes as u32;
    let mut lengths = vec![1, lanes.max(2) - 1, lanes, lanes + 1, 50];
    if lanes > 1 {
        lengths.push(257);
    }
    lengths
}

/// Commands of every kind and length; then the printed design.
fn shape(lanes: usize, line: usize, print: bool) {
    let mut random = Random(0x51 + (lanes * 100 + line) as u64);
    let mut player = Player::new(lanes, line);
    for channels in lengths(lanes) {
        player.fill(&mut random);
        let pixels = if channels < 20 { (2, 2) } else { (1, 1) };
        let command = softmax(&mut random, channels, pixels);
        player.run(&command);
        let wides = if channels > 100 { vec![(0, 1)] } else { vec![(0, 0), (1, 0), (0, 1), (1, 1)] };
        for wide in wides {
            let command = layer_norm(&mut random, channels, wide, pixels);
            player.run(&command);
        }
    }
    if print {
        player.print();
    }
}

#[test]
fn one_lane() {
    shape(1, 4, false);
}

/// Entries with a shift for each channel, which bytes follow and wide codes do not.
#[test]
fn channels_with_shifts() {
    for (lanes, line, print) in [(1, 4, false), (4, 4, true), (8, 16, false)] {
        let mut random = Random(0x0f + lanes as u64);
        let mut player = Player::with(lanes, line, |a| a.vector.channel_shifts = true);
        for channels in lengths(lanes) {
            player.fill(&mut random);
            let pixels = if channels < 20 { (2, 2) } else { (1, 1) };
            player.run(&softmax(&mut random, channels, pixels));
            for wide in [(0, 0), (0, 1), (1, 0)] {
                player.run(&layer_norm(&mut random, channels, wide, pixels));
            }
        }
        if print {
            player.print();
        }
    }
}

#[test]
fn four_lanes_of_a_line_of_four() {
    shape(4, 4, true);
}

#[test]
fn four_lanes_of_a_line_of_sixteen() {
    shape(4, 16, true);
}

#[test]
fn eight_lanes_of_a_line_of_eight() {
    shape(8, 8, false);
}

#[test]
fn eight_lanes_of_a_line_of_sixteen() {
    shape(8, 16, false);
}

#[test]
fn other_shapes_print() {
    for (lanes, line) in [(1, 4), (2, 8), (16, 16)] {
        Player::new(lanes, line).lint();
    }
}

#[test]
fn extreme_codes() {
    let mut random = Random(99);
    let mut player = Player::new(8, 8);
    player.fill(&mut random);
    // Constant tokens: the least code, the greatest, zero; then two extremes side by side.
    for (even, odd) in [(0x8000u16, 0x8000u16), (0x7fff, 0x7fff), (0, 0), (0x8000, 0x7fff), (0, 1)] {
        for epsilon in [0u64, (1 << 58) - 1] {
            player.codes(|index| if index % 2 == 0 { even } else { odd });
            for signed in [0, 1] {
                let mut command = layer_norm(&mut random, 20, (1, 1), (1, 1));
                command.epsilon_low = epsilon as u32;
                command.epsilon_high = (epsilon >> 32) as u32;
                command.source_signed = signed;
                player.run(&command);
                command.source_wide = 0;
                player.run(&command);
            }
        }
    }
    // One code far from all others.
    player.codes(|index| if index == 20 { 0x7fff } else { 0x8000 });
    player.run(&layer_norm(&mut random, 500, (1, 1), (1, 1)));
    // Softmax: all codes equal, with the largest entries, and with a table of zeros.
    for (entry, channels) in [(65_535, 500), (0, 20), (1, 3)] {
        player.tables(|_| entry);
        for bits in [2, 8] {
            let mut command = softmax(&mut random, channels, (1, 1));
            command.output_bits = bits;
            player.run(&command);
        }
    }
    let table = exponential_table(0.05);
    player.tables(|index| table[index]);
    player.codes(|index| (index as u16).wrapping_mul(0x3b1d));
    player.run(&softmax(&mut random, 300, (1, 2)));
}

#[test]
fn softmax_of_two_scales() {
    for (lanes, line) in [(1, 4), (4, 4), (8, 16)] {
        let mut random = Random(0x77 + (lanes * 100 + line) as u64);
        let mut player = Player::with(lanes, line, |a| a.array.tag_shift = 8);
        for channels in lengths(lanes) {
            player.fill(&mut random);
            for tag_shift in [0, 1, 3, 8] {
                let mut command = softmax(&mut random, channels, (1, 2));
                command.tag_shift = tag_shift;
                command.output_bits = command.output_bits.max(3);
                player.run(&command);
            }
            player.run(&layer_norm(&mut random, channels, (0, 1), (1, 1)));
        }
        // Values at both ends: one code has everything, and all have the same.
        for (step, entry) in [(1.0, 65_535), (0.0, 65_535), (0.0, 0)] {
            player.tables(|index| if step > 0.0 && index > 0 { 0 } else { entry });
            player.codes(|index| (index as u16).wrapping_mul(0x3b1d));
            for (bits, tag_shift) in [(3, 8), (8, 8), (8, 1), (5, 4)] {
                let mut command = softmax(&mut random, 37, (1, 1));
                (command.output_bits, command.tag_shift) = (bits, tag_shift);
                player.run(&command);
            }
        }
        player.lint();
    }
}

#[test]
fn the_longest_rows() {
    let mut random = Random(7);
    let mut player = Player::new(16, 16);
    player.fill(&mut random);
    player.codes(|index| if index % 4096 < 2048 { 0x8000 } else { 0x7fff });
    player.run(&layer_norm(&mut random, 4096, (1, 1), (1, 1)));
    player.tables(|_| 65_535);
    player.run(&softmax(&mut random, 32_768, (1, 1)));
}

#[test]
fn no_pixels_and_other_functions() {
    let mut random = Random(3);
    let mut player = Player::new(4, 8);
    player.fill(&mut random);
    player.run(&softmax(&mut random, 9, (0, 5)));
    player.run(&layer_norm(&mut random, 9, (0, 0), (3, 0)));
    player.ignores(&Vector {
        function: VectorFunction::Add.code(),
        out_rows: 1,
        out_cols: 1,
        ..Vector::default()
    });
    player.run(&softmax(&mut random, 9, (1, 2)));
}
