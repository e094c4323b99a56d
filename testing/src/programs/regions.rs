//! Where earlier commands left something, so that later ones read results and not always noise.

use bitgauge_arch::Accelerator;
use bitgauge_arch::codec::Codec;
use bitgauge_arch::command::{Command, Load, Operation, Target, VectorFunction};
use bitgauge_arch::footprint::Space;

use super::{Draft, data};

/// Pixels that a command has written to a scratchpad.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    space: Space,
    pub(super) line: u32,
    pub(super) pixels: u32,
    pub(super) pixel_stride: u32,
    /// Bytes of a pixel.
    pub(super) bytes: u32,
    /// The code that most of it is, where there is one.
    pub(super) common: Option<u32>,
}

/// The latest of them.
#[derive(Default)]
pub(super) struct Regions(Vec<Region>);

/// How many regions are remembered: older ones tend to be written over.
const REMEMBERED: usize = 8;

impl Regions {
    /// Remembers what the last of the commands writes.
    pub(super) fn see(&mut self, accelerator: &Accelerator, commands: &[Command]) {
        let written = commands.last().and_then(|command| written(accelerator, &command.operation));
        if let Some(region) = written.filter(|region| region.pixels * region.bytes > 0) {
            if self.0.len() == REMEMBERED {
                self.0.remove(0);
            }
            self.0.push(region);
        }
    }
}

fn written(accelerator: &Accelerator, operation: &Operation) -> Option<Region> {
    let region = match operation {
        Operation::Load(load) => Region {
            space: match load.target() {
                Some(Target::Activation) => Space::Activation,
                Some(Target::Weight) => Space::Weight,
                _ => return None,
            },
            line: load.line,
            pixels: if load.blocks == 0 { 0 } else { load.pixels },
            pixel_stride: load.pixel_stride,
            bytes: load.channels * (1 + u32::from(load.value_bits > 8)),
            common: common(load),
        },
        Operation::Compute(compute) => Region {
            space: Space::Activation,
            line: compute.output_line,
            pixels: compute.out_rows * compute.out_cols,
            pixel_stride: compute.output_pixel_stride,
            bytes: compute.outputs * (1 + compute.output_wide),
            common: None,
        },
        Operation::Vector(vector) => {
            let copy = vector.function() == Some(VectorFunction::Copy);
            let wide = if copy { vector.source_wide } else { vector.output_wide };
            Region {
                space: if copy && vector.to_weight == 1 { Space::Weight } else { Space::Activation },
                line: vector.output_line,
                pixels: vector.out_rows * vector.out_cols,
                pixel_stride: vector.output_pixel_stride,
                bytes: vector.channels * (1 + wide),
                common: None,
            }
        }
        Operation::Store(_) => return None,
    };
    (region.line < lines(accelerator, region.space)).then_some(region)
}

/// The code that a load leaves in most places.
fn common(load: &Load) -> Option<u32> {
    match load.format().codec {
        Codec::Zvc => Some(load.zero_code),
        Codec::None => data::common(load.external_address),
        Codec::Pack => None,
    }
}

pub(super) fn lines(accelerator: &Accelerator, space: Space) -> u32 {
    if space == Space::Weight { accelerator.weight_lines() } else { accelerator.activation_lines() }
}

impl Draft<'_> {
    /// What an earlier command has written, half of the times.
    pub(super) fn region(&mut self, space: Space) -> Option<Region> {
        let known: Vec<Region> =
            self.regions.0.iter().copied().filter(|region| region.space == space).collect();
        (!known.is_empty() && self.random.once_in(2)).then(|| self.random.of(&known))
    }

    /// A line to read from: where something was written, or anywhere.
    pub(super) fn source(&mut self, space: Space) -> u32 {
        match self.region(space) {
            Some(region) => region.line + if self.random.once_in(4) { self.random.within(0, 3) } else { 0 },
            None => self.line(space),
        }
    }

    /// A line to write to: mostly anywhere, so that not much is written over; sometimes at one of a few
    /// places, where commands meet.
    pub(super) fn line(&mut self, space: Space) -> u32 {
        let lines = lines(self.accelerator, space);
        if self.random.once_in(4) {
            lines / 16 * self.random.within(0, 15) + self.random.within(0, 3)
        } else {
            self.random.within(0, lines - 1)
        }
    }
}
