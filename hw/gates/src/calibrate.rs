//! Figures of a design's units, by widths and activity of the operands.

use bitgauge_arch::Accelerator;
use bitgauge_arch::code::two_scale::LEAST_BITS;
use bitgauge_arch::description::{MacKind, Reset as ResetStyle};
use bitgauge_arch::energy::{Activity, MeasuredUnit, Method, ModeRow, element_module};
use bitgauge_arch::mac::Operands;
use bitgauge_rtl::units::mac::MacShape;
use bitgauge_rtl::units::pe::Pe;
use bitgauge_rtl::units::top;
use bitgauge_rtl::verilog::{Options, Reset, elaborate};
use rayon::prelude::*;
use rust_hdl::prelude::Block as _;

use crate::GatesError;
use crate::element::{Element, Measured};
use crate::liberty::{Cell, Library};
use crate::mapping::Mapper;
use crate::netlist::Netlist;
use crate::operands::{Codes, draw};
use crate::requantizer::Requantizer;
use crate::rest::flip_flops;

/// How much is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Cycles of work for each seed, at least.
    pub beats: u64,
    /// Seeds, whose figures are averaged.
    pub seeds: u64,
}

impl Default for Effort {
    fn default() -> Effort {
        Effort { beats: 2048, seeds: 4 }
    }
}

/// Products of a fold: the sum goes to the shadow accumulator once in so many.
pub const FOLD: usize = 256;

/// What a measurement rests on, for the rows.
#[derive(Clone, Debug)]
pub struct Origin {
    /// What mapped the units.
    pub tools: String,
    /// The command.
    pub command: String,
}

/// Elements as an accelerator has them, mapped.
///
/// # Errors
/// A library without flip-flops; what Yosys or the netlist says.
pub fn element(
    accelerator: &Accelerator,
    library: &Library,
    mapper: &Mapper<'_>,
) -> Result<(Element, Figures), GatesError> {
    if !library.has_flip_flops() {
        return Err(GatesError::NoFlipFlop { library: library.name.clone() });
    }
    let shape = MacShape::of(&accelerator.array);
    let (json, top) = map_element(accelerator, mapper)?;
    let netlist = Netlist::from_json(&json, &top, library)?;
    let figures = Figures { area: netlist.area(), flip_flops: netlist.flip_flops() as u64 };
    Ok((Element::new(&element_module(accelerator), shape, library, &netlist)?, figures))
}

/// An element of an accelerator, mapped: the netlist as JSON, and the module's name in it.
///
/// # Errors
/// What Yosys says.
pub fn map_element(accelerator: &Accelerator, mapper: &Mapper<'_>) -> Result<(String, String), GatesError> {
    let mut unit = Pe::new(&MacShape::of(&accelerator.array));
    unit.connect_all();
    let design = elaborate(&unit, &options(accelerator))?;
    Ok((mapper.map(&design.text(), &design.top)?, design.top))
}

fn options(accelerator: &Accelerator) -> Options {
    let reset = match accelerator.synthesis.reset {
        ResetStyle::Sync => Reset::Synchronous,
        ResetStyle::Async => Reset::Asynchronous,
    };
    Options { reset, ..Options::default() }
}

/// The name of a module, with what tells its gates from those of another reset.
fn module_name(accelerator: &Accelerator, plain: &str) -> String {
    match accelerator.synthesis.reset {
        ResetStyle::Sync => plain.to_owned(),
        ResetStyle::Async => format!("{plain}_async"),
    }
}

/// Measures the requantizer, of which post-processor and vector unit have some a lane.
///
/// # Errors
/// What Yosys or the netlist says; [`GatesError::Differs`] where the gates give another code than the contract.
pub fn requantizer(
    accelerator: &Accelerator,
    library: &Library,
    mapper: &Mapper<'_>,
    effort: Effort,
    origin: &Origin,
) -> Result<MeasuredUnit, GatesError> {
    let mut unit = bitgauge_rtl::units::Requantizer::default();
    unit.connect_all();
    let design = elaborate(&unit, &options(accelerator))?;
    let json = mapper.map(&design.text(), &design.top)?;
    let netlist = Netlist::from_json(&json, &design.top, library)?;
    let unit = Requantizer::new(library, &netlist)?;
    let (clock, leakage) = unit.clock();
    let rows = Activity::ALL.par_iter().map(|&activity| unit.row(activity, effort.beats, effort.seeds));
    let rows: Vec<(ModeRow, u64)> = rows.collect::<Result<_, _>>()?;
    Ok(MeasuredUnit {
        module: module_name(accelerator, &design.top),
        method: Method::Simulated,
        library: library.name.clone(),
        corner: library.corner.clone(),
        tools: origin.tools.clone(),
        command: origin.command.clone(),
        area_um2: netlist.area(),
        flip_flops: netlist.flip_flops() as u64,
        settle_ns: rows.iter().map(|row| row.1).max().unwrap_or(0) as f64 * 1e-6,
        leakage_nanowatts: leakage,
        clock_picojoules: clock,
        rows: rows.into_iter().map(|row| row.0).collect(),
    })
}

/// All other modules of the accelerator that have flip-flops: so many times what the clock takes of a flip-flop of `like`,
/// with its part of the clock's net, and no data.
///
/// # Errors
/// What Yosys says.
pub fn others(
    accelerator: &Accelerator,
    library: &Library,
    mapper: &Mapper<'_>,
    measured: &[MeasuredUnit],
    origin: &Origin,
) -> Result<Vec<MeasuredUnit>, GatesError> {
    let design = top::design(accelerator, &options(accelerator))?;
    let counts = flip_flops(mapper.yosys, &design.text())?;
    let Some(like) = measured.first().filter(|unit| unit.flip_flops > 0) else { return Ok(Vec::new()) };
    let each = like.clock_picojoules / like.flip_flops as f64;
    let cells = library.cells.values().flatten().filter(|cell| cell.sequential.is_some());
    let least = |of: fn(&Cell) -> f64| cells.clone().map(of).fold(f64::MAX, f64::min);
    let (area, leakage) = (least(|cell| cell.area), least(|cell| cell.leakage) * library.nanowatts);
    let unit = |(name, flip_flops): (String, u64)| MeasuredUnit {
        module: module_name(accelerator, &name),
        method: Method::FlipFlops,
        library: library.name.clone(),
        corner: library.corner.clone(),
        tools: origin.tools.clone(),
        command: origin.command.clone(),
        area_um2: area * flip_flops as f64,
        flip_flops,
        settle_ns: 0.0,
        leakage_nanowatts: leakage * flip_flops as f64,
        clock_picojoules: each * flip_flops as f64,
        rows: Vec::new(),
    };
    let units = counts.into_iter().map(unit);
    Ok(units.filter(|unit| measured.iter().all(|known| known.module != unit.module)).collect())
}

/// What a netlist has, whatever moves in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// Area, um2.
    pub area: f64,
    /// Flip-flops.
    pub flip_flops: u64,
}

/// Pairs of widths that elements of an accelerator take.
#[must_use]
pub fn modes(accelerator: &Accelerator) -> Vec<Operands> {
    let most = match accelerator.array.mac {
        MacKind::Fixed => accelerator.array.operand_bits,
        MacKind::Serial | MacKind::Fusible => 8,
    };
    let widths = 2..=most;
    let pair = |activation_bits| {
        widths.clone().map(move |weight_bits| Operands::uniform(activation_bits, weight_bits))
    };
    let one_scale = widths.clone().flat_map(pair);
    let two_scales = widths.clone().flat_map(pair).filter_map(|operands| {
        let fits = accelerator.array.tag_shift > 0 && operands.activation_bits >= LEAST_BITS;
        fits.then_some(Operands { two_scaled: true, ..operands })
    });
    one_scale.chain(two_scales).collect()
}

/// Folds of one class: one to warm up, and those that take at least so many beats.
fn folds(
    accelerator: &Accelerator,
    operands: Operands,
    activity: Activity,
    beats: u64,
    seed: u64,
) -> Vec<Codes> {
    let rate = accelerator.array.rate(operands);
    let each = rate.cycles_of(FOLD as u64).max(1);
    let count = 1 + beats.div_ceil(each).max(2);
    (0..count).map(|fold| draw(activity, operands, FOLD, seed << 32 | fold)).collect()
}

/// Measures an element in every mode and class.
///
/// # Errors
/// [`GatesError::Differs`] where the gates compute something else than plain arithmetic.
pub fn measure(
    accelerator: &Accelerator,
    library: &Library,
    (element, figures): &(Element, Figures),
    effort: Effort,
    origin: &Origin,
) -> Result<MeasuredUnit, GatesError> {
    let clock = element.clock();
    let jobs: Vec<(Operands, Activity)> = modes(accelerator)
        .into_iter()
        .flat_map(|mode| Activity::ALL.map(|activity| (mode, activity)))
        .collect();
    let of = |&(operands, activity): &(Operands, Activity)| -> Result<(ModeRow, Vec<Measured>), GatesError> {
        // Zeros are the same by every seed.
        let seeds = if activity == Activity::Zero { 1 } else { effort.seeds.max(1) };
        let runs = (0..seeds)
            .map(|seed| element.run(operands, &folds(accelerator, operands, activity, effort.beats, seed)));
        let runs = runs.collect::<Result<Vec<Measured>, GatesError>>()?;
        Ok((row(operands, activity, clock, &runs), runs))
    };
    let measured: Vec<(ModeRow, Vec<Measured>)> = jobs.par_iter().map(of).collect::<Result<_, _>>()?;
    let runs = || measured.iter().flat_map(|(_, runs)| runs);
    let count = runs().count().max(1) as f64;
    Ok(MeasuredUnit {
        module: element.module.clone(),
        method: Method::Simulated,
        library: library.name.clone(),
        corner: library.corner.clone(),
        tools: origin.tools.clone(),
        command: origin.command.clone(),
        area_um2: figures.area,
        flip_flops: figures.flip_flops,
        settle_ns: runs().map(|run| run.settled).max().unwrap_or(0) as f64 * 1e-6,
        leakage_nanowatts: runs().map(|run| run.leakage).sum::<f64>() / count,
        clock_picojoules: clock,
        rows: measured.iter().map(|(row, _)| *row).collect(),
    })
}

/// Energy beyond the clock's of some runs.
#[must_use]
pub fn row(operands: Operands, activity: Activity, clock: f64, runs: &[Measured]) -> ModeRow {
    let data = |run: &Measured| (run.energy.total() - clock * run.beats as f64).max(0.0);
    let each: Vec<f64> = runs.iter().map(|run| data(run) / run.beats.max(1) as f64).collect();
    let (beats, products) = runs.iter().fold((0, 0), |(b, p), run| (b + run.beats, p + run.products));
    let energy: f64 = runs.iter().map(data).sum();
    let mean = energy / beats.max(1) as f64;
    let (least, most) =
        each.iter().fold((f64::MAX, 0.0), |(l, m), &one| (f64::min(l, one), f64::max(m, one)));
    ModeRow {
        two_scaled: operands.two_scaled,
        activation_bits: operands.activation_bits,
        weight_bits: operands.weight_bits,
        activity,
        picojoules_per_beat: mean,
        picojoules_per_product: energy / products.max(1) as f64,
        spread: if mean > 0.0 { (most - least) / 2.0 / mean } else { 0.0 },
    }
}
