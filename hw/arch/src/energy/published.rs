//! Are the tables' prices those of their sources? Each figure stands here a second time, as the source prints it.
//!
//! - Horowitz: M. Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC 2014, digest pages 10 to
//!   14, figure 1.1.9 ("Rough energy costs for various operations in 45nm 0.9V"): integer add 8 bits 0.03 pJ, 32 bits
//!   0.1 pJ; integer multiply 8 bits 0.2 pJ, 32 bits 3.1 pJ; cache of 64 bits 8 KB 10 pJ, 32 KB 20 pJ, 1 MB 100 pJ;
//!   DRAM 1.3 to 2.6 nJ.
//! - EIE: S. Han et al., ISCA 2016 (arXiv 1602.01528), table I: 32-bit read of a 32 KB SRAM 5 pJ.
//! - Bit Fusion: github.com/hsharma35/bitfusion, commit 0246bc4, `results/systolic_array_synth.csv`, column Dynamic
//!   Power (nW) at 500 MHz of N x M units; `bitfusion/sram/cacti_sweep.csv`, columns `read_energy_nJ` and
//!   `write_energy_nJ` where `read-write port` is 0 and `output/input bus width` is 32;
//!   `bitfusion/src/simulator/stats.py`, default of `dram_cost`.
//! - Aladdin: github.com/harvard-acc/ALADDIN, `common/power_func.h` (commit 07a4a38): REG_1ns_dynamic_power 8.999495e-03
//!   mW a bit; `common/power_delay.h` (commit 5997151): REG_int_power 0.0018, REG_sw_power 0.00013 mW a bit at 1 ns.
//! - Accelergy: github.com/Accelergy-Project/accelergy-cacti-plug-in, `cacti_wrapper.py` (commit 02cd6de),
//!   `DRAM_estimate_energy`: LPDDR4 8 pJ a bit, after public data.

use super::*;

/// Relative difference that seven printed digits leave.
const ROUNDING: f64 = 1e-6;

/// A unit and cycle of Bit Fusion's array, picojoules: so many units, their nanowatts, at 500 MHz.
fn bitfusion(units: f64, nanowatts: f64) -> f64 {
    nanowatts * 1e-9 / units / 500e6 * 1e12
}

/// Aladdin: milliwatts at a cycle of 1 ns are picojoules.
const REGISTER: f64 = 8.999_495e-3;
const EARLY_REGISTER: f64 = 0.0018 + 0.000_13;
/// A byte of 64 bits.
const DRAM: [f64; 2] = [1300.0 / 8.0, 2600.0 / 8.0];
/// 8 pJ a bit.
const LPDDR4: f64 = 64.0;

/// Low, price, high of a row without sizes.
type Scalar = (Action, Basis, [f64; 3]);

fn horowitz() -> Vec<Scalar> {
    use Action as A;
    use Basis::{Assumed, Derived, Published};
    let mac = 0.2 + 0.1;
    let unit = bitfusion(16.0, 1_627_500.0);
    vec![
        (A::ArrayMac, Derived, [unit, mac, mac]),
        (A::ArrayPaddingMac, Assumed, [0.0, mac, mac]),
        (A::ArrayBitProduct, Assumed, [unit / 64.0, mac / 64.0, mac / 64.0]),
        (A::ArrayPaddingBitProduct, Assumed, [0.0, mac / 64.0, mac / 64.0]),
        (A::PeRegisterBit, Published, [EARLY_REGISTER, REGISTER, REGISTER]),
        (A::PeAccumulatorBit, Published, [EARLY_REGISTER, REGISTER, REGISTER]),
        (
            A::PostRequantize,
            Assumed,
            [2.0 * bitfusion(16.0, 4_821_500.0), 3.1 / 2.0 + 3.0 * 0.1, 3.1 + 3.0 * 0.1],
        ),
        (A::VectorMac, Derived, [unit, mac, mac]),
        (A::VectorOperation, Assumed, [0.03, 0.1, 3.1 / 2.0 + 3.0 * 0.1]),
        (A::ExternalReadByte, Published, [LPDDR4, DRAM[0], DRAM[1]]),
        (A::ExternalWriteByte, Assumed, [LPDDR4, DRAM[0], DRAM[1]]),
    ]
}

fn bitfusions() -> Vec<Scalar> {
    use Action as A;
    use Basis::{Assumed, Published};
    let mac = [bitfusion(16.0, 1_588_700.0), bitfusion(16.0, 1_627_500.0), bitfusion(1.0, 148_845.0)];
    let sixteen = bitfusion(16.0, 4_821_500.0);
    vec![
        (A::ArrayMac, Published, mac),
        (A::ArrayPaddingMac, Assumed, [0.0, mac[1], mac[2]]),
        (A::ArrayBitProduct, Assumed, mac.map(|price| price / 64.0)),
        (A::ArrayPaddingBitProduct, Assumed, [0.0, mac[1] / 64.0, mac[2] / 64.0]),
        (A::PeRegisterBit, Assumed, [0.0, 0.0, REGISTER]),
        (A::PeAccumulatorBit, Published, [0.0, REGISTER, REGISTER]),
        (A::PostRequantize, Assumed, [sixteen, 2.0 * sixteen, 3.1 + 3.0 * 0.1]),
        (A::VectorMac, Published, mac),
        (
            A::VectorOperation,
            Assumed,
            [bitfusion(16.0, 325_616.0), bitfusion(16.0, 659_402.0), 2.0 * sixteen],
        ),
        (A::ExternalReadByte, Published, [LPDDR4, 15.0 * 8.0, DRAM[1]]),
        (A::ExternalWriteByte, Published, [LPDDR4, 15.0 * 8.0, DRAM[1]]),
    ]
}

/// KiB, then low, price, high of a byte.
type Sizes = Vec<(f64, [f64; 3])>;

/// CACTI's nanojoules for words of 32 bits: KiB, read, write.
const CACTI: [(f64, f64, f64); 6] = [
    (0.125, 0.000_683_701, 0.000_925_317),
    (1.0, 0.001_133_24, 0.003_295_96),
    (2.0, 0.001_903_18, 0.003_638_53),
    (4.0, 0.003_429_53, 0.004_310_11),
    (8.0, 0.006_391_63, 0.005_562_68),
    (16.0, 0.009_981_7, 0.008_420_9),
];

fn cacti(write: bool, most_kib: f64) -> Sizes {
    let sizes = CACTI.iter().filter(|(kib, ..)| *kib <= most_kib);
    sizes.map(|&(kib, r, w)| (kib, [1000.0 * if write { w } else { r } / 4.0; 3])).collect()
}

/// Reads of 64 bits, in the scratchpads and parameter memories of the first table; writes as reads.
fn caches(write: bool) -> Sizes {
    let other = 1000.0 * if write { 0.005_562_68 } else { 0.006_391_63 } / 4.0;
    vec![
        (8.0, [10.0 / 8.0, 10.0 / 8.0, other]),
        (32.0, [5.0 / 4.0, 20.0 / 8.0, 20.0 / 8.0]),
        (1024.0, [100.0 / 8.0; 3]),
    ]
}

fn same(what: &str, found: Price, expected: [f64; 3]) {
    for (found, expected) in [found.low, found.picojoules, found.high].into_iter().zip(expected) {
        assert!(
            (found - expected).abs() <= ROUNDING * expected,
            "{what}: {found} in the table, {expected} here"
        );
    }
}

/// All rows of a table: scalars and sizes as given, and no row beside them.
fn check(name: &str, scalars: &[Scalar], memory: impl Fn(bool) -> Sizes, written: Basis) {
    use Action as A;
    let table = EnergyTable::shipped(name).unwrap();
    let mut rows = scalars.len();
    for &(action, basis, expected) in scalars {
        let entry = &table.entry[&action];
        assert!(entry.sizes.is_none(), "{name} {action:?}");
        assert_eq!(entry.basis, basis, "{name} {action:?}");
        same(&format!("{name} {action:?}"), entry.price(0.0), expected);
    }
    for (actions, write, basis) in [
        ([A::ActivationReadByte, A::WeightReadByte, A::ParameterReadByte], false, Basis::Published),
        ([A::ActivationWriteByte, A::WeightWriteByte, A::ParameterWriteByte], true, written),
    ] {
        for action in actions {
            sized(name, &table, action, &memory(write), basis);
            rows += 1;
        }
    }
    for (action, write) in [(A::TableReadByte, false), (A::TableWriteByte, true)] {
        sized(name, &table, action, &cacti(write, 4.0), Basis::Published);
        rows += 1;
    }
    assert_eq!(
        (rows, table.entry.len()),
        (Action::ALL.len(), Action::ALL.len()),
        "{name}: rows that nobody checks"
    );
}

fn sized(name: &str, table: &EnergyTable, action: Action, expected: &Sizes, basis: Basis) {
    let entry = &table.entry[&action];
    assert_eq!(entry.basis, basis, "{name} {action:?}");
    let found: Vec<f64> = entry.sizes.iter().flatten().map(|point| point.kib).collect();
    let sizes: Vec<f64> = expected.iter().map(|(kib, _)| *kib).collect();
    assert_eq!(found, sizes, "{name} {action:?}");
    for &(kib, prices) in expected {
        same(&format!("{name} {action:?} {kib} KiB"), entry.price(kib), prices);
    }
}

#[test]
fn horowitz_45nm_is_what_its_sources_print() {
    check("horowitz-45nm", &horowitz(), caches, Basis::Assumed);
}

#[test]
fn bitfusion_45nm_is_what_its_sources_print() {
    check("bitfusion-45nm", &bitfusions(), |write| cacti(write, 16.0), Basis::Published);
}

/// A source is cited where its figure is: the words that tell it from the others.
#[test]
fn rows_cite_the_source_of_their_figure() {
    use Action as A;
    let tables = ["horowitz-45nm", "bitfusion-45nm"].map(|name| EnergyTable::shipped(name).unwrap());
    for (table, action, words) in [
        (0, A::ArrayMac, "Horowitz"),
        (0, A::PeRegisterBit, "power_func.h"),
        (0, A::ActivationReadByte, "Horowitz"),
        (0, A::TableReadByte, "cacti_sweep.csv"),
        (0, A::ExternalReadByte, "1.3 to 2.6 nJ"),
        (1, A::ArrayMac, "systolic_array_synth.csv"),
        (1, A::PeAccumulatorBit, "power_func.h"),
        (1, A::ActivationWriteByte, "cacti_sweep.csv"),
        (1, A::VectorMac, "systolic_array_synth.csv"),
        (1, A::ExternalReadByte, "stats.py"),
    ] {
        let table: &EnergyTable = &tables[table];
        let source = &table.entry[&action].source;
        assert!(source.contains(words), "{} {action:?}: {source}", table.name);
    }
    for entry in tables
        .iter()
        .flat_map(|table| [&table.entry[&A::ExternalReadByte], &table.entry[&A::ExternalWriteByte]])
    {
        assert!(entry.low_source.as_ref().unwrap().contains("LPDDR4"));
        assert!(entry.high_source.as_ref().unwrap().contains("Horowitz"));
    }
}
