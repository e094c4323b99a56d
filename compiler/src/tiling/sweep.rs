//! A vector function over a tensor, and the rows and channels that it takes at once.

use bitgauge_arch::Accelerator;
use bitgauge_arch::command::{Vector, VectorFunction};
use bitgauge_arch::timing;
use bitgauge_models::integer::Window;

use super::cost::{Work, moves_cycles, moves_store_cycles, part_sizes};
use super::geometry::band_rows;
use super::long::Long;
use super::plan::Shortage;
use crate::scratch::{Area, Regions};
use crate::view::{MOST, View, reg};

/// What is swept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sweep {
    pub operator: &'static str,
    /// One or two operands; the window slides over the first.
    pub inputs: Vec<View>,
    pub output: View,
    pub window: Option<Window>,
    /// The window is longer than a command's, along rows.
    pub long: Option<Long>,
    /// Registers that do not depend on the tile.
    pub registers: Vector,
    /// Most channels handled at once; a function of whole pixels has no choice.
    pub most_channels: u64,
    /// All channels of a pixel are needed at once.
    pub whole_pixels: bool,
}

/// A chosen tiling.
#[derive(Clone, Debug)]
pub(crate) struct Tiling {
    pub rows: u64,
    pub channels: u64,
    pub regions: Regions,
    pub lines: [u64; 3],
    pub slots: u64,
    pub work: Work,
    pub double: bool,
}

/// Why there is no tiling.
pub(crate) enum Refusal {
    Short(Shortage),
    Unsupported(&'static str),
}

impl Refusal {
    fn short(what: &'static str, needed: u64, available: u64, hint: &'static str) -> Refusal {
        Refusal::Short(Shortage { what, needed, available, hint })
    }
}

impl Sweep {
    /// Pixel functions see tensors as one column of pixels where strides allow it.
    pub fn flatten(&mut self) {
        if self.window.is_some() {
            return;
        }
        let flat: Option<Vec<View>> = self.inputs.iter().map(View::flat).collect();
        if let (Some(inputs), Some(output)) = (flat, self.output.flat()) {
            self.inputs = inputs;
            self.output = output;
        }
        let code = self.registers.function;
        if code == VectorFunction::Add.code() || code == VectorFunction::Table.code() {
            // Of their codes each is for itself.
            let parts = self.output.parts_of_pixels();
            let cut: Option<Vec<View>> = self.inputs.iter().map(|view| view.cut_pixels(parts)).collect();
            if let (Some(inputs), Some(output)) = (cut, self.output.cut_pixels(parts)) {
                self.inputs = inputs;
                self.output = output;
            }
        }
    }

    pub fn command(&self, rows: u64, channels: u64) -> Vector {
        Vector {
            out_rows: reg(rows),
            out_cols: reg(self.output.cols),
            channels: reg(channels),
            // Of two operands the narrow ones share a sign; 16-bit codes are signed anyway.
            source_signed: u32::from(self.inputs.iter().all(|view| view.signed || view.container == 2)),
            source_wide: u32::from(self.inputs[0].container == 2),
            second_wide: u32::from(self.inputs.get(1).is_some_and(|view| view.container == 2)),
            output_wide: u32::from(self.output.container == 2),
            ..self.registers.clone()
        }
    }

    fn input_rows(&self, rows: u64) -> u64 {
        self.window.map_or(rows, |window| band_rows(&window, self.inputs[0].rows, rows))
    }

    /// What a tiling depends on, beside the area: nothing else is looked at when it is chosen.
    pub fn shape(&self) -> Sweep {
        let Vector { function, second_enable, kernel_rows, kernel_cols, run_bytes, .. } = self.registers;
        let view = |view: &View| View { address: 0, ..*view };
        Sweep {
            operator: "",
            inputs: self.inputs.iter().map(view).collect(),
            output: view(&self.output),
            registers: Vector {
                function,
                second_enable,
                kernel_rows,
                kernel_cols,
                run_bytes,
                ..Vector::default()
            },
            ..*self
        }
    }

    /// The best tiling, or why there is none.
    pub fn choose(&self, accelerator: &Accelerator, area: &Area) -> Result<Tiling, Refusal> {
        let line = u64::from(accelerator.line_bytes());
        let bus = u64::from(accelerator.bus_bytes());
        let step = match self.window {
            Some(_) => self.output.row_step(bus),
            None => {
                self.inputs.iter().chain([&self.output]).map(|view| view.row_step(bus)).max().unwrap_or(1)
            }
        };
        let bank = u64::from(accelerator.activation_bank_lines());
        let banks = u64::from(accelerator.scratchpad.banks);
        let latency = u64::from(accelerator.memory.latency_cycles);
        let channel_steps = line.max(bus);
        let mut best: Option<Tiling> = None;
        let mut least = u64::MAX;
        let mut smallest = u64::MAX;
        for channels in part_sizes(self.output.channels, channel_steps) {
            let sliceable = self
                .inputs
                .iter()
                .chain([&self.output])
                .all(|view| view.can_slice(bus, channel_steps, channels))
                || channels == self.output.channels;
            if channels > self.most_channels
                || !sliceable
                || self.whole_pixels && channels < self.output.channels
            {
                continue;
            }
            let chunks = self.output.channels.div_ceil(channels);
            for rows in part_sizes(self.output.rows, step) {
                let width = self.inputs[0].cols.max(self.output.cols);
                if self.input_rows(rows).max(rows) * width > MOST
                    || channels > MOST
                    || self.long.is_some() && rows > 1
                {
                    continue;
                }
                let parts = self.output.rows.div_ceil(rows) * chunks * self.output.groups;
                let words = |view: &View| (channels * view.container).div_ceil(line);
                let mut lines = [0, rows * self.output.cols * words(&self.output), 0];
                let mut load = 0;
                for (index, view) in self.inputs.iter().enumerate() {
                    let count = self.input_rows(rows);
                    let behind = self.long.filter(|_| index == 0).map_or(0, |long| long.behind);
                    lines[2 * index] = (count * view.cols + behind) * words(view);
                    let moves = view.moves(0, (0, count.min(view.rows)), (0, channels));
                    load += moves_cycles(accelerator, &moves, view);
                }
                smallest = smallest.min(lines.iter().map(|lines| lines.div_ceil(bank)).sum::<u64>() * bank);
                let moves = self.output.moves(0, (0, rows), (0, channels));
                let store = moves_cycles(accelerator, &moves, &self.output);
                let path = moves_store_cycles(accelerator, &moves, &self.output);
                let cycles = timing::vector_cycles(accelerator, &self.command(rows, channels));
                let work = Work {
                    bus: (load + store + 16 * 20 / bus) * parts,
                    store: path * parts,
                    unit: cycles * parts,
                    tile: cycles,
                    band: if chunks > 1 { cycles * parts } else { cycles },
                    head: (0, 0),
                    fill: load + 2 * latency,
                    drain: path + latency,
                };
                for slots in [2, 1] {
                    let slots = slots.min(parts);
                    let needs = [slots * lines[0], slots * lines[1], slots * lines[2], 0];
                    let Some(regions) = area.regions(needs, bank, banks) else { continue };
                    let double = slots > 1 || parts == 1;
                    let tiling = Tiling { rows, channels, regions, lines, slots, work, double };
                    let cycles = if area.shared() { work.beside() } else { work.cycles(double) };
                    if cycles < least {
                        least = cycles;
                        best = Some(tiling);
                    }
                    break;
                }
            }
        }
        best.ok_or_else(|| {
            let width = self.inputs[0].cols.max(self.output.cols);
            if smallest == u64::MAX && width.max(self.output.channels) > MOST {
                let what = if width > MOST { "a command, columns of a row" } else { "a command, channels" };
                let hint = "cut the map into several, or use a smaller one";
                Refusal::short(what, width.max(self.output.channels), MOST, hint)
            } else if smallest == u64::MAX && self.long.is_some() {
                Refusal::Unsupported("the output rows of so long a window do not start bus-aligned")
            } else if smallest == u64::MAX {
                let entries = u64::from(accelerator.post.parameter_entries);
                Refusal::short(
                    "parameter memory, entries",
                    self.output.channels,
                    entries,
                    "raise [post] parameter_entries",
                )
            } else {
                let lines = u64::from(accelerator.activation_lines());
                let hint = "raise [scratchpad] activation_kib";
                Refusal::short("activation scratchpad, lines in whole banks", smallest, lines, hint)
            }
        })
    }
}
