//! Layers that run beside each other: which, and who gets what of the on-chip memories.
//!
//! Commands of layers that use different lines may overlap ([`crate::order`]). So a few layers in a row
//! that keep different units busy (expansion on the array, depthwise on the vector unit, projection on
//! the array) get disjoint shares, sized for bands of rows of which each layer holds two. A bank has one
//! read and one write port; what different units would reach through the same port lies in different
//! banks.

use bitgauge_arch::Accelerator;
use bitgauge_models::integer::{IntGraph, IntNode, IntOp, Window};

use crate::error::CompileError;
use crate::lower::{Context, Lowered, lower};
use crate::scratch::{Area, cut_banks};
use crate::tiling::geometry::band_rows;
use crate::view::View;
use crate::write::Emitter;

/// Most layers of a group.
const MOST_LAYERS: usize = 3;
/// Cuts of a layer into bands that are tried, coarse ones first.
const BANDS: [u64; 12] = [1, 2, 3, 4, 5, 7, 10, 14, 19, 28, 38, 56];
/// Cuts that fit and are costed.
const TRIALS: usize = 3;

/// What is reached through the same ports by the same units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Loaded, fed to the array.
    Fed,
    /// Drained from the array, stored.
    Drained,
    /// Loaded, read at the drain.
    Residual,
    /// Loaded, read by the vector unit.
    Read,
    /// Written by the vector unit, stored.
    Written,
    /// Written by the vector unit, fed to the array.
    Gathered,
}

const CLASSES: usize = 6;

/// What a layer needs on chip.
#[derive(Clone, Debug)]
struct Need {
    vector: bool,
    /// Class and lines of each region.
    regions: [(Class, u64); 4],
    /// Lines of all its weights.
    weights: u64,
}

/// Lowers the next layers from node `first` on: one, or a group of layers beside each other.
pub(crate) fn lower_next<'a>(
    emitter: &mut Emitter<'a>,
    graph: &'a IntGraph,
    views: &'a [View],
    units: &[Option<bool>],
    first: usize,
) -> Result<Vec<Lowered>, CompileError> {
    let mut best: Option<(u64, Vec<Area>)> = None;
    for count in (2..=MOST_LAYERS).rev() {
        let range = first..first + count;
        let (Some(nodes), Some(of)) = (graph.nodes.get(range.clone()), units.get(range)) else { continue };
        let (mut trials, mut after) = (0, None);
        for bands in BANDS {
            let Some(areas) = areas(emitter.accelerator, nodes, views, of, bands) else { continue };
            let Ok(lowered) = tried(emitter, graph, views, units, first, &areas) else { continue };
            trials += 1;
            let beside = beside(&lowered, of);
            let after = match after {
                Some(known) => known,
                None => *after.insert(alone(emitter, graph, views, units, first, count)?),
            };
            if beside < after && best.as_ref().is_none_or(|(least, _)| beside < *least) {
                best = Some((beside, areas));
            }
            if trials == TRIALS {
                break;
            }
        }
        if best.is_some() {
            break;
        }
    }
    let areas = best.map_or_else(|| vec![Area::whole(emitter.accelerator)], |(_, areas)| areas);
    let mut lowered = lower_in(emitter, graph, views, units, first, &areas)?;
    let count = lowered.len();
    for (index, layer) in lowered.iter_mut().enumerate().filter(|_| count > 1) {
        let others: Vec<&str> = (first..first + count)
            .filter(|&other| other != first + index)
            .filter_map(|other| graph.nodes.get(other).map(|node| node.name.as_str()))
            .collect();
        layer.mapping.push_str(&format!(", beside {}", others.join(", ")));
    }
    Ok(lowered)
}

fn lower_in<'a>(
    emitter: &mut Emitter<'a>,
    graph: &'a IntGraph,
    views: &'a [View],
    units: &[Option<bool>],
    first: usize,
    areas: &[Area],
) -> Result<Vec<Lowered>, CompileError> {
    let mut lowered = Vec::with_capacity(areas.len());
    for (offset, area) in areas.iter().enumerate() {
        let Some(node) = graph.nodes.get(first + offset) else { break };
        emitter.begin_layer(first + offset, *area);
        let vector = units.get(first + offset).is_none_or(|unit| *unit == Some(true));
        lowered.push(lower(&mut Context { graph, node, views, emitter, vector })?);
    }
    Ok(lowered)
}

/// Cycles of so many layers one after the other, each with all of the memories.
fn alone<'a>(
    emitter: &mut Emitter<'a>,
    graph: &'a IntGraph,
    views: &'a [View],
    units: &[Option<bool>],
    first: usize,
    count: usize,
) -> Result<u64, CompileError> {
    let areas = vec![Area::whole(emitter.accelerator); count];
    let lowered = tried(emitter, graph, views, units, first, &areas)?;
    Ok(lowered.iter().map(|layer| layer.work.bound()).sum())
}

/// What lowering in these shares would give; nothing is emitted.
fn tried<'a>(
    emitter: &mut Emitter<'a>,
    graph: &'a IntGraph,
    views: &'a [View],
    units: &[Option<bool>],
    first: usize,
    areas: &[Area],
) -> Result<Vec<Lowered>, CompileError> {
    let mark = emitter.mark();
    emitter.trial = true;
    let lowered = lower_in(emitter, graph, views, units, first, areas);
    emitter.trial = false;
    emitter.rewind(&mark);
    lowered
}

/// Cycles of the layers beside each other.
fn beside(lowered: &[Lowered], vector: &[Option<bool>]) -> u64 {
    let mut units = [0; 2];
    let (mut bus, mut bands) = (0, 0);
    for (layer, vector) in lowered.iter().zip(vector) {
        units[usize::from(*vector == Some(true))] += layer.work.unit;
        bus += layer.work.bus;
        bands += layer.work.band;
    }
    units[0].max(units[1]).max(bus) + bands
}

/// Shares of the layers when each works in `bands` bands; `None` where they do not fit or do not differ in
/// their units.
fn areas(
    accelerator: &Accelerator,
    nodes: &[IntNode],
    views: &[View],
    units: &[Option<bool>],
    bands: u64,
) -> Option<Vec<Area>> {
    let units: Vec<bool> = units.iter().copied().collect::<Option<_>>()?;
    if units.iter().all(|&vector| vector == units[0]) {
        return None;
    }
    let needs: Vec<Need> = nodes
        .iter()
        .zip(&units)
        .map(|(node, &vector)| need(accelerator, node, views, vector, bands))
        .collect::<Option<_>>()?;
    let mut totals = [0; CLASSES];
    for (class, lines) in needs.iter().flat_map(|need| need.regions) {
        totals[class as usize] += lines;
    }
    let bank = u64::from(accelerator.activation_bank_lines());
    let cut = cut_banks(totals, bank, u64::from(accelerator.scratchpad.banks))?;
    let mut given = [0; CLASSES];
    let weights = weight_shares(accelerator, &needs)?;
    let share = |(need, weights): (&Need, (u64, u64))| {
        let regions = need.regions.map(|(class, lines)| {
            let class = class as usize;
            let (start, room) = cut[class];
            let share = (room * lines).checked_div(totals[class]).unwrap_or(0);
            let region = (start + given[class], share);
            given[class] += share;
            region
        });
        Area { regions: Some(regions), weights }
    };
    Some(needs.iter().zip(weights).map(share).collect())
}

/// Parts of the weight scratchpad: the vector unit's in banks of their own, the array's behind each other.
fn weight_shares(accelerator: &Accelerator, needs: &[Need]) -> Option<Vec<(u64, u64)>> {
    let total = u64::from(accelerator.weight_lines());
    let bank = total / u64::from(accelerator.scratchpad.weight_banks.max(1));
    let of = |vector: bool| needs.iter().filter(move |need| need.vector == vector).map(|need| need.weights);
    let vector = of(true).sum::<u64>().next_multiple_of(bank.max(1));
    let room = total.checked_sub(vector)?;
    let array: u64 = of(false).sum();
    let count = of(false).count().max(1) as u64;
    // Layers that need little get all of it; the others share what is left.
    let small: u64 = of(false).filter(|&lines| lines <= room / count).sum();
    let large = of(false).filter(|&lines| lines > room / count).count() as u64;
    let mut at = [0, room];
    let shares = needs.iter().map(|need| {
        let lines = match (need.vector, array <= room) {
            (true, _) => need.weights,
            (false, true) => (need.weights * room).checked_div(array).unwrap_or(0),
            (false, false) if need.weights <= room / count => need.weights,
            (false, false) => (room - small) / large.max(1),
        };
        let start = &mut at[usize::from(need.vector)];
        let share = (*start, lines);
        *start += lines;
        share
    });
    Some(shares.collect())
}

fn need(accelerator: &Accelerator, node: &IntNode, views: &[View], vector: bool, bands: u64) -> Option<Need> {
    let (line, bus) = (u64::from(accelerator.line_bytes()), u64::from(accelerator.bus_bytes()));
    // Its phases are products of their own, one after the other.
    if matches!(node.op, IntOp::Phased { .. }) {
        return None;
    }
    let input = *views.get(node.inputs.first()?.0)?;
    let output = *views.get(node.output.0)?;
    let second = node.inputs.get(1).and_then(|id| views.get(id.0)).copied();
    let words = |view: &View| view.groups * view.words(line);
    let window = match &node.op {
        IntOp::Conv { window, .. }
        | IntOp::Depthwise { window, .. }
        | IntOp::MaxPool { window }
        | IntOp::AveragePool { window, .. } => *window,
        _ => Window::POINT,
    };
    let [rows, cols] = window.output(input.rows as usize, input.cols as usize)?.map(|size| size as u64);
    let step = output.row_step(bus);
    let band = |rows: u64| rows.div_ceil(bands).next_multiple_of(step).min(rows);
    let slots = |rows: u64, groups: u64| if band(rows) < rows || groups > 1 { 2 } else { 1 };
    let need = |vector, regions, weights| Some(Need { vector, regions, weights });
    let none = (Class::Read, 0);
    match &node.op {
        IntOp::Conv { transposed: true, .. } => {
            let rows = output.groups * output.rows;
            let lines = slots(rows, 1) * band(rows);
            let regions = [
                (Class::Fed, lines * words(&input)),
                (Class::Drained, lines * output.words(line)),
                none,
                none,
            ];
            need(vector, regions, input.rows * input.cols * words(&input))
        }
        IntOp::Conv { residual, parts, .. } => {
            let (depth, slots) = ((window.kernel[0] * window.kernel[1]) as u64, slots(rows, 1));
            let pixels = slots * band(rows) * cols;
            let reach = slots * band_rows(&window, input.rows, band(rows));
            let residual = second.filter(|_| residual.is_some()).map_or(0, |view| pixels * words(&view));
            let outputs = output.groups * output.channels;
            let gathers = window != Window::POINT && input.groups == 1 && input.channels < 64 && *parts == 1;
            let fed = if gathers {
                let vectors = (depth * input.channels).div_ceil(line);
                [
                    (Class::Gathered, pixels * vectors, outputs * vectors),
                    (Class::Read, reach * (input.cols * input.channels).div_ceil(line), 0),
                ]
            } else {
                [
                    (
                        Class::Fed,
                        reach * input.cols * words(&input),
                        outputs * depth * words(&input).div_ceil(*parts as u64),
                    ),
                    (Class::Read, 0, 0),
                ]
            };
            let regions = [
                (fed[0].0, fed[0].1),
                (Class::Drained, pixels * words(&output)),
                (Class::Residual, residual),
                (fed[1].0, fed[1].1),
            ];
            need(vector, regions, fed[0].2)
        }
        IntOp::MatMul { .. } => {
            let right = second?;
            let pixels = slots(rows, output.groups) * band(rows) * cols;
            let regions = [
                (Class::Fed, pixels * input.words(line)),
                (Class::Drained, pixels * output.words(line)),
                none,
                none,
            ];
            need(vector, regions, 2 * right.rows * right.words(line))
        }
        op => {
            let slots = slots(rows, input.groups);
            let reach = slots * band_rows(&window, input.rows, band(rows)) * input.cols;
            let pixels = slots * band(rows) * cols;
            let second = second
                .filter(|_| matches!(op, IntOp::Add { .. }))
                .map_or(0, |view| pixels * view.words(line));
            let taps = (window.kernel[0] * window.kernel[1]) as u64;
            let weights = match (op, vector) {
                (IntOp::Depthwise { .. } | IntOp::Scale { .. }, true) => taps * input.words(line),
                // A line of weights for each tap of each output.
                (IntOp::Depthwise { .. }, false) => taps * output.channels,
                _ => 0,
            };
            let (read, written) =
                if vector { (Class::Read, Class::Written) } else { (Class::Fed, Class::Drained) };
            let regions = [
                (read, reach * input.words(line)),
                (written, pixels * output.words(line)),
                (Class::Read, second),
                none,
            ];
            need(vector, regions, weights)
        }
    }
}
