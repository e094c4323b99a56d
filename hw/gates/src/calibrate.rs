//! Figures of a design's units, by widths and activity of the operands.

use bitgauge_arch::Accelerator;
use bitgauge_arch::description::{MacKind, Reset as ResetStyle};
use bitgauge_arch::energy::{Activity, MeasuredUnit, Method, ModeRow, element_module};
use bitgauge_arch::mac::Operands;
use bitgauge_rtl::units::mac::MacShape;
use bitgauge_rtl::units::pe::Pe;
use bitgauge_rtl::verilog::{Options, Reset, elaborate};
use rayon::prelude::*;
use rust_hdl::prelude::Block as _;

use crate::GatesError;
use crate::element::{Element, Measured};
use crate::liberty::Library;
use crate::mapping::Mapper;
use crate::netlist::Netlist;
use crate::operands::{Codes, draw};

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
    let shape = MacShape::of(&accelerator.array);
    let mut unit = Pe::new(&shape);
    unit.connect_all();
    let reset = match accelerator.synthesis.reset {
        ResetStyle::Sync => Reset::Synchronous,
        ResetStyle::Async => Reset::Asynchronous,
    };
    let design = elaborate(&unit, &Options { reset, ..Options::default() })?;
    Ok((mapper.map(&design.text(), &design.top)?, design.top))
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
        MacKind::Serial => 8,
    };
    let widths = 2..=most;
    let pair =
        |activation_bits| widths.clone().map(move |weight_bits| Operands { activation_bits, weight_bits });
    widths.clone().flat_map(pair).collect()
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
        activation_bits: operands.activation_bits,
        weight_bits: operands.weight_bits,
        activity,
        picojoules_per_beat: mean,
        picojoules_per_product: energy / products.max(1) as f64,
        spread: if mean > 0.0 { (most - least) / 2.0 / mean } else { 0.0 },
    }
}
