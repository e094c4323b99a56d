//! Random accelerators and commands for tests.

use bitgauge_arch::codec::Codec;
use bitgauge_arch::command::{Command, Compute, Operation, Vector};
use bitgauge_arch::footprint::fill_bank_masks;
use bitgauge_arch::validate::{Validated, validate};
use bitgauge_arch::{Accelerator, Program};
use bitgauge_testing::{Random, programs};

pub(crate) fn reference() -> Accelerator {
    Accelerator::from_toml(include_str!("../../designs/reference-16x16.toml")).unwrap()
}

pub(crate) fn accelerator(random: &mut Random) -> Accelerator {
    loop {
        let mut a = reference();
        a.array.rows = random.of(&[2, 3, 4, 8, 16]);
        a.array.cols = random.of(&[2, 4, 6, 8, 16, 64]);
        programs::kind(random, &mut a.array);
        a.post.lanes = random.of(&[1, 2, 4, 8, 16]);
        a.vector.lanes = random.of(&[1, 4, 8]);
        a.vector.channel_shifts = random.below(2) == 0;
        a.compression.lanes = random.of(&[1, 2]);
        a.memory.bus_bits = random.of(&[32, 64, 128]);
        a.memory.latency_cycles = random.of(&[1, 2, 7, 40]);
        a.memory.max_burst_beats = random.of(&[1, 2, 4, 16, 64]);
        a.controller.queue_words = random.of(&[4, 8, 64]);
        a.controller.prefetch_words = random.of(&[4, 16, 64]);
        a.scratchpad.activation_kib = 64;
        if random.below(2) == 0 {
            // Without it a store's FIFO is so small that it fills up.
            a.compression.codecs.retain(|codec| *codec != Codec::Zvc);
        }
        if a.check().is_ok() {
            return a;
        }
    }
}

/// Wraps commands into a program of two layers by turns, the words at `1 << 20`.
pub(crate) fn program(accelerator: Accelerator, commands: &[Command]) -> Program {
    let mut program =
        Program { memory_bytes: 1 << 21, ..programs::assemble(&accelerator, commands, Vec::new(), 1 << 20) };
    program.layers.push(program.layers[0].clone());
    program
        .commands
        .iter_mut()
        .zip([0, 1].into_iter().cycle())
        .for_each(|(symbol, layer)| symbol.layer = layer);
    program
}

/// A command as a program of its own, where it is valid.
pub(crate) fn alone(accelerator: Accelerator, operation: Operation) -> Option<Validated<Program>> {
    let mut command = Command { wait: 0, signal: 0, operation };
    fill_bank_masks(&accelerator, &mut command);
    validate(program(accelerator, &[command])).ok()
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
        residual_mantissa: 1 << 15,
        residual_shift: 15,
        residual_wide: random.small(2),
        residual_pixel_stride: random.small(40),
        parameter_per_row: random.small(2),
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
        run_bytes: random.small(10),
        row_bytes: 20,
        ..Vector::default()
    }
}
