//! Codes in another order, as loads and stores.
//!
//! On chip the codes that stay together are the pixels of a tile, each on lines of its own. A load and a store move
//! two dimensions each: pixels that are neighbours in external memory and evenly spaced on chip, and blocks that
//! start bus-aligned. So one of the two sides has to have rows of one dimension; the tile lies on chip in the order of
//! the other side.

use bitgauge_arch::command::{Load, Operation, Store, Target};
use bitgauge_arch::program::Operand;
use bitgauge_models::integer::IntOp;

use super::{Context, Lowered};
use crate::error::CompileError;
use crate::scratch::Slots;
use crate::tiling::cost::{Work, bus_cycles, store_cycles};
use crate::view::reg;
use crate::view::{MOST, View, gcd};

/// A dimension of the pixels, with bytes from one to the next on both sides.
#[derive(Clone, Copy, Debug)]
struct Dim {
    size: u64,
    from: u64,
    to: u64,
}

/// What moves.
#[derive(Debug)]
struct Moved {
    /// In the input's order.
    dims: Vec<Dim>,
    /// Codes of a pixel.
    unit: u64,
    /// Bytes of them.
    bytes: u64,
    /// Lines of them.
    lines: u64,
    bus: u64,
}

/// One side of a tile: `(size, bytes, lines)` from outside, pixels last.
type Side = Vec<(u64, u64, u64)>;

/// What says which dimensions are cut first.
type Rank = fn(&Dim) -> (u64, u64);

/// A tile: how much of each dimension, and lines from one to the next.
#[derive(Clone, Debug)]
struct Tile {
    sizes: Vec<u64>,
    chip: Vec<u64>,
    lines: u64,
}

/// Cuts the dimension that a row ends in; `stride` is what a dimension steps over on that side.
fn cut(dims: &mut Vec<Dim>, row: u64, stride: fn(&Dim) -> u64) -> Option<()> {
    let over = |dim: &Dim| stride(dim) < row && stride(dim) * dim.size > row;
    if let Some(index) = dims.iter().position(over) {
        let dim = dims[index];
        let inner = row / stride(&dim);
        if !row.is_multiple_of(stride(&dim)) || !dim.size.is_multiple_of(inner) {
            return None;
        }
        let outer = Dim { size: dim.size / inner, from: dim.from * inner, to: dim.to * inner };
        dims.splice(index..=index, [outer, Dim { size: inner, ..dim }]);
    }
    Some(())
}

impl Moved {
    /// The pixels, from dimensions in storage order; `None` where a row ends amid one.
    fn new(sizes: &[usize], order: &[usize], from: &View, to: &View, bus: u64, line: u64) -> Option<Moved> {
        // Steps in codes at first.
        let mut dims: Vec<Dim> =
            sizes.iter().map(|&size| Dim { size: size as u64, from: 0, to: 0 }).collect();
        let mut step = 1;
        for dim in dims.iter_mut().rev() {
            dim.from = step;
            step *= dim.size;
        }
        step = 1;
        for &index in order.iter().rev() {
            let dim = dims.get_mut(index)?;
            dim.to = step;
            step *= dim.size;
        }
        dims.retain(|dim| dim.size > 1);
        let (from_row, to_row) = (from.cols * from.channels, to.cols * to.channels);
        cut(&mut dims, from_row, |dim| dim.from)?;
        cut(&mut dims, to_row, |dim| dim.to)?;
        let mut unit = 1;
        while let Some(last) = dims
            .last()
            .copied()
            .filter(|dim| dim.from == unit && dim.to == unit && dim.from < from_row && dim.to < to_row)
        {
            unit *= last.size;
            dims.pop();
        }
        let in_bytes = |step: u64, row: u64, view: &View| match step < row {
            true => step * view.container,
            false => step / row * view.row_stride,
        };
        for dim in &mut dims {
            dim.from = in_bytes(dim.from, from_row, from);
            dim.to = in_bytes(dim.to, to_row, to);
        }
        let bytes = unit * from.container;
        Some(Moved { dims, unit, bytes, lines: bytes.div_ceil(line), bus })
    }

    /// Least number of steps along a dimension after which a tile may start.
    fn step(&self, dim: &Dim) -> u64 {
        let of = |bytes: u64| self.bus / gcd(bytes, self.bus);
        of(dim.from).max(of(dim.to))
    }

    /// A tile of at most `most` lines; dimensions that `rank` puts first are cut first.
    fn tile(&self, most: u64, rank: Rank) -> Option<Tile> {
        let mut sizes: Vec<u64> = self.dims.iter().map(|dim| dim.size).collect();
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(rank(&self.dims[index])));
        let lines = |sizes: &[u64]| sizes.iter().fold(self.lines, |lines, &size| lines.saturating_mul(size));
        for index in order {
            let all = lines(&sizes);
            if all <= most {
                break;
            }
            let step = self.step(&self.dims[index]);
            if step < sizes[index] {
                sizes[index] = (most / (all / sizes[index]) / step * step).max(step);
            }
        }
        let lines = lines(&sizes);
        (lines <= most).then(|| Tile { chip: vec![0; sizes.len()], sizes, lines })
    }

    /// The tile with its pixels on chip in the order of one side.
    fn placed(&self, tile: &Tile, side: fn(&Dim) -> u64) -> Tile {
        let mut order: Vec<usize> = (0..self.dims.len()).collect();
        order.sort_by_key(|&index| side(&self.dims[index]));
        let (mut chip, mut step) = (tile.chip.clone(), self.lines);
        for index in order {
            chip[index] = step;
            step *= tile.sizes[index];
        }
        Tile { chip, ..tile.clone() }
    }

    /// One side of a tile, whose last entry is the pixels of a block; `None` where blocks do not start aligned.
    fn side(&self, tile: &Tile, sizes: &[u64], bytes: fn(&Dim) -> u64) -> Option<Side> {
        let mut all: Side = self
            .dims
            .iter()
            .enumerate()
            .map(|(index, dim)| (sizes[index], bytes(dim), tile.chip[index]))
            .filter(|&(size, ..)| size > 1)
            .collect();
        all.sort_by_key(|&(_, bytes, _)| std::cmp::Reverse(bytes));
        let mut side: Side = Vec::new();
        for next in all {
            match side.last_mut() {
                Some(last) if last.1 == next.1 * next.0 && last.2 == next.2 * next.0 => {
                    *last = (last.0 * next.0, next.1, next.2);
                }
                _ => side.push(next),
            }
        }
        if side.last().is_none_or(|&(_, bytes, _)| bytes != self.bytes) {
            side.push((1, self.bytes, self.lines));
        }
        let (_, blocks) = side.split_last()?;
        blocks.iter().all(|&(_, bytes, _)| bytes.is_multiple_of(self.bus)).then_some(side)
    }

    /// The tiling, if one side's blocks start aligned.
    fn plan(&self, most: u64) -> Option<Tile> {
        let ranks: [Rank; 2] = [|dim| (dim.from.min(dim.to), dim.from), |dim| (dim.from.min(dim.to), dim.to)];
        let sides: [fn(&Dim) -> u64; 2] = [|dim| dim.from, |dim| dim.to];
        let mut all = ranks.into_iter().filter_map(|rank| self.tile(most, rank));
        all.find_map(|tile| {
            sides
                .into_iter()
                .map(|side| self.placed(&tile, side))
                .find(|tile| sides.into_iter().all(|side| self.side(tile, &tile.sizes, side).is_some()))
        })
    }
}

/// Calls `each(first byte, first line, blocks, pixels)` for every command of a side; blocks and pixels are as in
/// [`Side`].
fn commands(side: &Side, mut each: impl FnMut(u64, u64, (u64, u64, u64), (u64, u64, u64))) {
    let Some((&pixels, rest)) = side.split_last() else { return };
    let (outer, blocks) = match rest.split_last() {
        Some((&blocks, outer)) => (outer, blocks),
        None => (rest, (1, 0, 0)),
    };
    let count: u64 = outer.iter().map(|&(size, ..)| size).product();
    for index in 0..count {
        let (mut left, mut byte, mut line) = (index, 0, 0);
        for &(size, bytes, lines) in outer.iter().rev() {
            byte += left % size * bytes;
            line += left % size * lines;
            left /= size;
        }
        each(byte, line, blocks, pixels);
    }
}

pub(crate) fn lower(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    let IntOp::Permute { dims, order } = &context.node.op else {
        return Err(context.unsupported("not a permutation"));
    };
    let (input, output) = (context.input(0)?, context.output());
    let (bus, line) = (context.emitter.bus(), context.emitter.line());
    let joined = input.joined_groups().zip(output.joined_groups());
    let moved = joined.and_then(|(from, to)| Moved::new(dims, order, &from, &to, bus, line));
    let moved = moved.ok_or_else(|| context.unsupported("a row of the map ends amid a dimension"))?;
    let lines = u64::from(context.emitter.accelerator.activation_lines());
    // A quarter at a time, so that loads run ahead of stores.
    let tile = [4, 2, 1].into_iter().find_map(|parts| moved.plan((lines / parts).min(MOST)));
    let Some(tile) = tile else { return Err(shortage(context, &moved, lines)) };
    let accelerator = context.emitter.accelerator;
    let emitter = &mut *context.emitter;
    let mut slots = Slots::new(0, lines, tile.lines, 4, emitter.region_cursors[0]);
    let mut cycles = 0;
    let parts: Vec<u64> =
        moved.dims.iter().zip(&tile.sizes).map(|(dim, size)| dim.size.div_ceil(*size)).collect();
    for key in 0..parts.iter().product() {
        let (mut left, mut sizes) = (key, tile.sizes.clone());
        let (mut from, mut to) = (input.address, output.address);
        for (index, dim) in moved.dims.iter().enumerate().rev() {
            let first = left % parts[index] * tile.sizes[index];
            left /= parts[index];
            sizes[index] = tile.sizes[index].min(dim.size - first);
            from += first * dim.from;
            to += first * dim.to;
        }
        let sides = [moved.side(&tile, &sizes, |dim| dim.from), moved.side(&tile, &sizes, |dim| dim.to)];
        let [Some(loaded), Some(stored)] = sides else {
            return Err(context.unsupported("the last tile cannot be moved in aligned pieces"));
        };
        let (start, _) = slots.get(key);
        commands(&loaded, |byte, at, blocks, pixels| {
            let load = Load {
                external_address: reg(from + byte),
                line: reg(start + at),
                target: Target::Activation.code(),
                blocks: reg(blocks.0),
                pixels: reg(pixels.0),
                channels: reg(moved.unit),
                pixel_stride: reg(pixels.2),
                external_block_stride: reg(blocks.1),
                block_stride: reg(blocks.2),
                codec: input.codec.code(),
                value_bits: input.value_bits,
                ..Load::default()
            };
            emitter.push(Operation::Load(load), Operand::Input);
            let written = blocks.0 * pixels.0 * moved.lines;
            cycles += bus_cycles(accelerator, blocks.0, pixels.0 * moved.bytes).max(written);
        });
        commands(&stored, |byte, at, blocks, pixels| {
            let store = Store {
                external_address: reg(to + byte),
                line: reg(start + at),
                blocks: reg(blocks.0),
                pixels: reg(pixels.0),
                channels: reg(moved.unit),
                pixel_stride: reg(pixels.2),
                external_block_stride: reg(blocks.1),
                block_stride: reg(blocks.2),
                codec: output.codec.code(),
                value_bits: output.value_bits,
                ..Store::default()
            };
            emitter.push(Operation::Store(store), Operand::Output);
            cycles += store_cycles(accelerator, blocks.0, pixels.0 * moved.bytes);
        });
    }
    emitter.region_cursors[0] = slots.cursor();
    let work = Work { bus: cycles, ..Work::default() };
    let mapping = format!("load and store, {} codes at a time", moved.unit);
    Ok(Lowered { operator: "permute", product: None, mapping, work })
}

/// What is missing: lines, or an order that loads and stores can make.
fn shortage(context: &Context<'_, '_>, moved: &Moved, lines: u64) -> CompileError {
    let larger = (1..16).map(|shift| (lines << shift).min(MOST)).find_map(|most| moved.plan(most));
    match larger {
        Some(tile) => {
            let what = "activation scratchpad, lines of codes that move together";
            let hint = "raise [scratchpad] activation_kib";
            context.does_not_fit(what, tile.lines.max(lines + 1), lines, hint)
        }
        None => context.unsupported("neither side has rows that can be moved in aligned pieces"),
    }
}
