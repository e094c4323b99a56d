//! One tiling of a product: what it needs and what it costs.

use bitgauge_arch::Accelerator;
use bitgauge_arch::timing;

use super::cost::{Work, bus_cycles, moves_cycles, moves_store_cycles, store_cycles};
use super::geometry::{ChannelTile, Geometry, band_rows, pixel_lines};
use super::plan::{Order, Plan};
use crate::scratch::Area;
use crate::view::View;

/// Costs that depend on the rows of a tile alone.
pub(super) struct RowCosts {
    pub rows: u64,
    pub parts: u64,
    pub last: u64,
    pub input: u64,
    /// Bus and store path.
    pub output: (u64, u64),
    pub residual: u64,
    /// Lines of the raw rows, and cycles of gathering.
    pub patch: (u64, u64),
}

/// Costs that depend on the channel tile alone.
pub(super) struct TileCosts {
    pub tiles: Vec<ChannelTile>,
    pub size: u64,
    pub weights: u64,
    /// Whether tiles can be stored one by one.
    pub slices: bool,
}

pub(super) fn row_costs(geometry: &Geometry, accelerator: &Accelerator, rows: u64) -> RowCosts {
    let parts = geometry.output.rows.div_ceil(rows);
    let last = geometry.output.rows - (parts - 1) * rows;
    let of = |view: &View, rows: u64| {
        view.groups
            * moves_cycles(accelerator, &view.moves(0, (0, rows.min(view.rows)), (0, view.channels)), view)
    };
    let whole = geometry.output.moves(0, (0, rows.min(geometry.output.rows)), (0, geometry.output.channels));
    let stored = geometry.output.groups * moves_store_cycles(accelerator, &whole, &geometry.output);
    let mut patch_costs = (0, 0);
    let input = match &geometry.patch {
        None => of(&geometry.input, band_rows(&geometry.window, geometry.input.rows, rows)),
        Some(patch) => {
            let raw = band_rows(&patch.window, patch.map.rows, rows);
            let command = patch.command(rows, geometry.output.cols);
            let lines = raw * patch.map.words(u64::from(accelerator.line_bytes()));
            patch_costs = (lines, timing::vector_cycles(accelerator, &command));
            of(&patch.map, raw)
        }
    };
    RowCosts {
        rows,
        parts,
        last,
        patch: patch_costs,
        input,
        output: (of(&geometry.output, rows), stored),
        residual: geometry.residual.map_or(0, |view| of(&view, rows)),
    }
}

pub(super) fn tile_costs(geometry: &Geometry, accelerator: &Accelerator, size: u64) -> TileCosts {
    let line = u64::from(accelerator.line_bytes());
    let bus = u64::from(accelerator.bus_bytes());
    let tiles = geometry.tiles(line, size);
    let sliced = |view: &View| {
        tiles
            .iter()
            .flat_map(|tile| &tile.parts)
            .all(|(_, (first, end), _)| view.can_slice(bus, *first, end - first))
    };
    let weights = match &geometry.weights {
        None => bus_cycles(
            accelerator,
            1,
            (size * geometry.positions() * geometry.input.groups * geometry.segment() * geometry.weight_bits)
                .div_ceil(8),
        ),
        Some(view) => {
            view.groups
                * moves_cycles(
                    accelerator,
                    &view.moves(0, (0, size.min(view.rows)), (0, view.channels)),
                    view,
                )
        }
    };
    let slices = sliced(&geometry.output) && geometry.residual.is_none_or(|view| sliced(&view));
    TileCosts { tiles, size, weights: weights + bus_cycles(accelerator, 1, 8 * size), slices }
}

// Everything a tiling depends on.
#[allow(clippy::too_many_arguments)]
/// The tiling of these sizes, if it fits; `resident`: the operand of the inner loop stays on chip.
pub(super) fn candidate(
    geometry: &Geometry,
    accelerator: &Accelerator,
    area: &Area,
    order: Order,
    rows: &RowCosts,
    tile: &TileCosts,
    double: bool,
    resident: bool,
) -> Option<Plan> {
    let line = u64::from(accelerator.line_bytes());
    let (output, input) = (&geometry.output, &geometry.input);
    let count = tile.tiles.len() as u64;
    let weight_lines = geometry.weight_lines(line);
    let slot = if double { 2 } else { 1 };
    let uses = match order {
        Order::Pixels => rows.parts,
        Order::Channels => rows.parts * count,
    };
    let pixels = rows.rows * output.cols;
    let in_rows = band_rows(&geometry.window, input.rows, rows.rows);
    let tile_words = |view: &View| match order {
        Order::Pixels => pixel_lines(view, line),
        Order::Channels => (tile.size * view.container).div_ceil(line),
    };
    let lines = [
        in_rows * input.cols * pixel_lines(input, line),
        pixels * tile_words(output),
        geometry.residual.map_or(0, |view| pixels * tile_words(&view)),
        tile.size * weight_lines,
        rows.patch.0,
    ];
    let total_weight = area.weights.1;
    let mut weight_slots = (total_weight / lines[3]).min(count);
    if double && count > 1 && weight_slots < 2 {
        return None;
    }
    if order == Order::Pixels && resident != (weight_slots >= count) {
        // With one pixel tile nothing is loaded twice; else fewer slots stand for streaming.
        if resident {
            return None;
        }
        weight_slots = if rows.parts == 1 { weight_slots } else { weight_slots.min(count - 1).max(1) };
    }
    let bank = u64::from(accelerator.activation_bank_lines());
    let banks = u64::from(accelerator.scratchpad.banks);
    let (others, raw) = (slot.min(uses), slot.min(rows.parts));
    let of_slots = |inputs: u64| {
        let needs = [inputs * lines[0], others * lines[1], others * lines[2], raw * lines[4]];
        area.regions(needs, bank, banks).map(|regions| (inputs, regions))
    };
    let all = order == Order::Channels && resident;
    let (inputs, regions) = of_slots(if all { rows.parts } else { slot.min(rows.parts) })?;
    let input_loads =
        if order == Order::Pixels || inputs >= rows.parts { rows.parts } else { rows.parts * count };
    let weight_loads =
        if order == Order::Channels || weight_slots >= count { count } else { rows.parts * count };

    let feed = |rows: u64, outputs: u64| {
        timing::COMPUTE_SETUP + timing::compute(accelerator, &geometry.command(rows, outputs)).feed_cycles()
    };
    let mut unit = 0;
    for (size, times) in [(rows.rows, rows.parts - 1), (rows.last, 1)] {
        let (first, last) = (tile.tiles.first()?.count, tile.tiles.last()?.count);
        unit += times * ((count - 1) * feed(size, first) + feed(size, last));
    }
    // Gathering runs beside the array, on the vector unit.
    let unit = unit.max(rows.patch.1 * input_loads);
    // Slices are blocks of their own: pixel by pixel.
    let stored = match order {
        Order::Pixels => (rows.output.0, rows.residual, rows.output.1),
        Order::Channels => {
            let slice = |view: &View| bus_cycles(accelerator, pixels, view.block_bytes(tile.size));
            let path = store_cycles(accelerator, pixels, output.block_bytes(tile.size));
            (slice(output), geometry.residual.as_ref().map_or(0, slice), path)
        }
    };
    let commands = input_loads + weight_loads + rows.parts * count + 2 * uses;
    let latency = u64::from(accelerator.memory.latency_cycles);
    // The last tile is seldom full; count what it has.
    let share = |full: u64, times: u64| {
        full * ((rows.parts - 1) * rows.rows + rows.last) / rows.rows * times / rows.parts
    };
    let bus = share(rows.input, input_loads)
        + tile.weights * weight_loads * geometry.outputs / (count * tile.size)
        + share(stored.0 + stored.1, uses)
        + commands * 5 * 16 / u64::from(accelerator.bus_bytes());
    let head = match order {
        Order::Channels if inputs >= rows.parts => {
            let loads = share(rows.input, rows.parts) + tile.weights * count.min(2);
            (loads + share(stored.0 + stored.1, rows.parts), unit / count)
        }
        Order::Pixels if weight_slots >= count && count > 1 => {
            (tile.weights * geometry.outputs / tile.size + rows.input + stored.0, unit / rows.parts)
        }
        _ => (0, 0),
    };
    let tail = timing::compute(accelerator, &geometry.command(rows.rows, tile.size));
    let work = Work {
        bus,
        store: share(stored.2, uses),
        unit,
        tile: unit / uses,
        band: if order == Order::Pixels { unit / rows.parts } else { unit },
        head,
        fill: rows.input + rows.patch.1 + tile.weights + stored.1 + 2 * latency,
        drain: stored.2 + latency + tail.drain_offset + tail.drain_cycles,
    };
    let work = if area.shared() && !double { work.in_turns() } else { work };
    // More slots than two, where there is room, take up jitter of the bus.
    let deep = |region: usize, kind: usize, least: u64| {
        (regions.regions[region].1 / lines[kind].max(1)).min(uses).min(8).max(least)
    };
    Some(Plan {
        order,
        rows: rows.rows,
        tiles: Vec::new(),
        regions,
        slots: [deep(0, 0, inputs), deep(1, 1, others), deep(2, 2, others), weight_slots, deep(3, 4, raw)],
        lines,
        weight_lines,
        work,
        double,
        parts: None,
    })
}
