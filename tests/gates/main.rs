//! What do the exported units take on a cell library, gate by gate, and do the rows of a table predict it?
//!
//! These need Yosys and a library: `cargo xtask test` brings both where it may.

// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

mod layer;
mod second;

use std::path::PathBuf;

use bitgauge_arch::Accelerator;
use bitgauge_arch::energy::{Activity, MeasuredUnit};
use bitgauge_arch::mac::Operands;
use bitgauge_gates::calibrate::{self, Effort, Figures, Origin};
use bitgauge_gates::element::Element;
use bitgauge_gates::liberty::Library;
use bitgauge_gates::mapping::Mapper;
use bitgauge_tests::{KINDS, design, repository, skipped};

/// A library and the program that maps onto it.
struct Tools {
    yosys: PathBuf,
    liberty: String,
    library: Library,
}

impl Tools {
    /// What is at hand; says so where something is missing.
    fn find() -> Option<Tools> {
        let named = std::env::var_os("BITGAUGE_LIBERTY").map(PathBuf::from);
        let debian = PathBuf::from("/usr/share/qflow/tech/osu018/osu018_stdcells.lib");
        let own = repository(".tools/osu018/usr/share/qflow/tech/osu018/osu018_stdcells.lib");
        let path = named.into_iter().chain([own, debian]).find(|path| path.is_file());
        let yosys = std::env::var_os("BITGAUGE_YOSYS").map_or_else(|| PathBuf::from("yosys"), PathBuf::from);
        let starts = std::process::Command::new(&yosys).arg("-V").output().is_ok();
        let Some(path) = path.filter(|_| starts) else {
            assert!(starts || std::env::var_os("BITGAUGE_REQUIRE_TOOLS").is_none(), "yosys does not start");
            skipped("energy on gates: `apt-get install yosys qflow-tech-osu018` brings what it needs");
            return None;
        };
        let liberty = std::fs::read_to_string(path).unwrap();
        let library = Library::from_text(&liberty).unwrap();
        Some(Tools { yosys, liberty, library })
    }

    fn element(&self, accelerator: &Accelerator) -> (Element, Figures) {
        let mapper = Mapper { yosys: &self.yosys, liberty: &self.liberty, period: None };
        calibrate::element(accelerator, &self.library, &mapper).unwrap()
    }

    /// An element, and the netlist that it is of: JSON and module.
    fn with_netlist(&self, accelerator: &Accelerator) -> (Element, (String, String)) {
        let mapper = Mapper { yosys: &self.yosys, liberty: &self.liberty, period: None };
        let (json, top) = calibrate::map_element(accelerator, &mapper).unwrap();
        let netlist = bitgauge_gates::netlist::Netlist::from_json(&json, &top, &self.library).unwrap();
        let shape = bitgauge_rtl::units::mac::MacShape::of(&accelerator.array);
        (Element::new(&top, shape, &self.library, &netlist).unwrap(), (json, top))
    }

    fn measure(&self, accelerator: &Accelerator, effort: Effort) -> MeasuredUnit {
        let origin = Origin { tools: "Yosys".to_owned(), command: "a test".to_owned() };
        let element = self.element(accelerator);
        calibrate::measure(accelerator, &self.library, &element, effort, &origin).unwrap()
    }
}

/// The kinds that ship, one design of each.
fn kinds() -> impl Iterator<Item = (&'static str, Accelerator)> {
    ["reference-16x16"].into_iter().chain(KINDS).map(|name| (name, design(name)))
}

/// User and system time of this process and of those that it waited for, seconds.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after = text.rsplit(") ").next().unwrap();
    // From the eleventh on: utime, stime, cutime, cstime, in hundredths.
    after.split_whitespace().skip(11).take(4).map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}

/// Every pair of widths, kind and class: the sums are held to plain arithmetic in `measure`; here time, order of classes
/// and a second time.
#[test]
#[ignore = "long tier: a measurement: all widths of all kinds, twice"]
fn all_widths_in_ten_minutes_and_the_same_again() {
    let Some(tools) = Tools::find() else { return };
    let start = cpu_seconds();
    let all =
        || kinds().map(|(_, accelerator)| tools.measure(&accelerator, Effort::default())).collect::<Vec<_>>();
    let first = all();
    let seconds = cpu_seconds() - start;
    let rows: usize = first.iter().map(|unit| unit.rows.len()).sum();
    println!("{rows} rows of {} kinds in {seconds:.0} s of processor time", first.len());
    assert!(seconds < 600.0, "{seconds}");
    assert_eq!(rows, kinds().count() * 49 * 3);
    for unit in &first {
        let widest = unit.rows.iter().map(|row| row.spread).fold(0.0, f64::max);
        println!(
            "{}: {:.0} um2, clock {:.2} pJ, spread at most {:.1} %",
            unit.module,
            unit.area_um2,
            unit.clock_picojoules,
            100.0 * widest
        );
        for operands in (2..=8).map(|bits| Operands::uniform(bits, bits)) {
            let [zero, half, dense] =
                Activity::ALL.map(|class| unit.row(operands, class).unwrap().picojoules_per_product);
            println!("  {0} x {0}: {zero:.3} {half:.3} {dense:.3} pJ a product", operands.weight_bits);
            assert!(zero < half && zero < dense, "{} {operands:?}", unit.module);
        }
    }
    for (first, second) in first.iter().zip(&all()) {
        assert_eq!(first, second, "same seeds, same figures");
    }
}

/// A small effort on one kind, every day: sums are held to plain arithmetic in every run.
#[test]
fn an_element_computes_what_arithmetic_says_and_takes_more_for_more() {
    let Some(tools) = Tools::find() else { return };
    let accelerator = design("reference-16x16");
    let (element, figures) = tools.element(&accelerator);
    assert!(figures.area > 0.0 && figures.flip_flops > 80);
    let clock = element.clock();
    let mut last = 0.0;
    for bits in [2, 5, 8] {
        let operands = Operands::uniform(bits, bits);
        let of = |activity| {
            let folds: Vec<_> =
                (0..3).map(|seed| bitgauge_gates::operands::draw(activity, operands, 64, seed)).collect();
            let run = element.run(operands, &folds).unwrap();
            assert_eq!((run.sums, run.beats, run.products), (3, 128, 128));
            calibrate::row(operands, activity, clock, &[run]).picojoules_per_product
        };
        let [zero, half, dense] = Activity::ALL.map(of);
        assert!(zero < half && half < dense && last < dense, "{bits}: {zero} {half} {dense}");
        last = dense;
    }
}

/// Flip-flops counted before mapping are those of the mapped netlist, unit by unit; the requantizer's codes are held to
/// the contract where it is measured.
#[test]
#[ignore = "long tier: Yosys reads a whole design"]
fn units_have_the_flip_flops_that_are_counted_and_the_requantizer_computes_the_contract() {
    let Some(tools) = Tools::find() else { return };
    let accelerator = design("reference-16x16");
    let mapper = Mapper { yosys: &tools.yosys, liberty: &tools.liberty, period: None };
    let origin = Origin { tools: "Yosys".to_owned(), command: "a test".to_owned() };
    let effort = Effort { beats: 64, seeds: 1 };
    let unit = calibrate::requantizer(&accelerator, &tools.library, &mapper, effort, &origin).unwrap();
    let [zero, half, dense] =
        Activity::ALL.map(|class| unit.row(Operands::BYTES, class).unwrap().picojoules_per_beat);
    assert!(zero < half && half < dense, "{zero} {half} {dense}");
    let (_, figures) = tools.element(&accelerator);
    let text = bitgauge_rtl::export::modules(&accelerator)
        .unwrap()
        .iter()
        .fold(String::new(), |all, one| all + &one.text);
    let counts = bitgauge_gates::rest::flip_flops(&tools.yosys, &text).unwrap();
    let of = |start: &str| {
        let found: Vec<u64> =
            counts.iter().filter(|(name, _)| name.starts_with(start)).map(|one| *one.1).collect();
        assert_eq!(found.len(), 1, "{start}");
        found[0]
    };
    assert_eq!(of("pe_fixed8"), figures.flip_flops);
    assert_eq!(of("requantizer"), unit.flip_flops);
}
