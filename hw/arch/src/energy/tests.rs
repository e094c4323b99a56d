//! Is a price interpolated, bounded and refused as the module says?

use super::*;
use crate::description::tests_support::reference;

fn horowitz() -> EnergyTable {
    EnergyTable::shipped("horowitz-45nm").unwrap()
}

#[test]
fn shipped_tables_price_every_action() {
    for (name, _) in TABLES {
        let table = EnergyTable::shipped(name).unwrap();
        for &action in Action::ALL {
            let price = table.price(&reference(), action);
            assert!(0.0 <= price.low && price.low <= price.picojoules && price.picojoules <= price.high);
            assert!(price.high > 0.0, "{name} {action:?}");
        }
    }
    assert!(EnergyTable::shipped("nonesuch").unwrap_err().to_string().contains("horowitz-45nm"));
}

/// Points exactly, the geometric mean of two at the geometric mean of their sizes, low and high by themselves.
#[test]
fn prices_of_sizes_are_interpolated_in_the_logarithms() {
    let table = horowitz();
    let entry = &table.entry[&Action::ActivationReadByte];
    let points = entry.sizes.as_ref().unwrap();
    for point in points {
        let price = entry.price(point.kib);
        let expected = point.picojoules_per_byte;
        assert!((price.picojoules - expected).abs() < 1e-12);
        assert!((price.low - point.low.unwrap_or(expected)).abs() < 1e-12);
        assert!((price.high - point.high.unwrap_or(expected)).abs() < 1e-12);
    }
    let between = entry.price(16.0);
    assert!((between.picojoules - (1.25f64 * 2.5).sqrt()).abs() < 1e-12);
    assert!((between.low - 1.25).abs() < 1e-12);
    assert!((between.high - (1.597_908_f64 * 2.5).sqrt()).abs() < 1e-12);
    assert_eq!(entry.price(4.0), entry.price(8.0));
    assert_eq!(entry.price(4096.0), entry.price(1024.0));
}

/// Each memory by its own size: banks of all four differ.
#[test]
fn a_memory_is_priced_by_its_own_bank() {
    let mut design = reference();
    (design.scratchpad.activation_kib, design.scratchpad.banks) = (1024, 4);
    (design.scratchpad.weight_kib, design.scratchpad.weight_banks) = (128, 2);
    design.post.parameter_entries = 4096;
    let sizes = [Memory::Activation, Memory::Weight, Memory::Parameter, Memory::Table];
    assert_eq!(sizes.map(|memory| memory.bank_kib(&design)), [256.0, 64.0, 32.0, 1.0]);
    let table = horowitz();
    for (action, kib) in [
        (Action::ActivationReadByte, 256.0),
        (Action::ActivationWriteByte, 256.0),
        (Action::WeightReadByte, 64.0),
        (Action::WeightWriteByte, 64.0),
        (Action::ParameterReadByte, 32.0),
        (Action::ParameterWriteByte, 32.0),
        (Action::TableReadByte, 1.0),
        (Action::TableWriteByte, 1.0),
    ] {
        assert_eq!(table.price(&design, action), table.entry[&action].price(kib), "{action:?}");
    }
}

#[test]
fn a_size_without_a_price_is_named_once() {
    let mut design = reference();
    assert_eq!(horowitz().outside(&design), []);
    design.scratchpad.activation_kib = 32;
    design.scratchpad.weight_kib = 8192;
    let said: Vec<String> = horowitz().outside(&design).iter().map(ToString::to_string).collect();
    let expected = [
        "a bank of the activation scratchpad has 4 KiB, the energy table has prices from 8 to 1024 KiB: it is priced as one of 8 KiB",
        "a bank of the weight scratchpad has 2048 KiB, the energy table has prices from 8 to 1024 KiB: it is priced as one of 1024 KiB",
    ];
    assert_eq!(said, expected);
    // The ends of a range are prices.
    (design.scratchpad.activation_kib, design.scratchpad.weight_kib) = (64, 4096);
    assert_eq!(horowitz().outside(&design), []);
    let bitfusion = EnergyTable::shipped("bitfusion-45nm").unwrap();
    let memories: Vec<Memory> =
        bitfusion.outside(&reference()).iter().map(|outside| outside.memory).collect();
    assert_eq!(memories, [Memory::Activation, Memory::Weight]);
}

/// The table with one row replaced.
fn with_row(row: &str) -> Result<EnergyTable, EnergyError> {
    let text = TABLES[0].1;
    let start = text.find("[entry.vector_mac]").unwrap();
    let end = start + text[start..].find("\n\n").unwrap();
    EnergyTable::from_toml(&format!("{}[entry.vector_mac]\n{row}{}", &text[..start], &text[end..]))
}

#[test]
fn rows_that_contradict_themselves_are_refused() {
    let plain = with_row("picojoules = 1.0\nsource = \"s\"").unwrap();
    let entry = &plain.entry[&Action::VectorMac];
    assert_eq!(entry.price(0.0), Price { low: 1.0, picojoules: 1.0, high: 1.0 });
    assert_eq!(entry.basis, Basis::Assumed, "what does not say so is not published");
    for (row, problem) in [
        ("picojoules = 1.0\nsource = \" \"", "has no source"),
        ("picojoules = -1.0\nsource = \"s\"", "negative or not finite"),
        ("picojoules = nan\nsource = \"s\"", "negative or not finite"),
        ("picojoules = 1.0\nhigh = inf\nsource = \"s\"", "negative or not finite"),
        ("picojoules = 1.0\nlow = 2.0\nsource = \"s\"\nlow_source = \"s\"", "a `low` above the price"),
        ("picojoules = 1.0\nhigh = 0.5\nsource = \"s\"\nhigh_source = \"s\"", "a `high` below the price"),
        ("picojoules = 1.0\nlow = 0.5\nsource = \"s\"", "without `low_source`"),
        ("picojoules = 1.0\nhigh = 2.0\nsource = \"s\"\nhigh_source = \"\"", "without `high_source`"),
        ("source = \"s\"", "neither `picojoules` nor `sizes`"),
        ("picojoules = 1.0\nsizes = []\nsource = \"s\"", "both `picojoules` and `sizes`"),
        ("sizes = []\nsource = \"s\"", "sizes that increase"),
        (
            "sizes = [{ kib = 1.0, picojoules_per_byte = 1.0 }]\nlow = 0.5\nsource = \"s\"",
            "each size has its own",
        ),
        (
            "sizes = [{ kib = 1.0, picojoules_per_byte = 1.0, low = 0.0 }]\nsource = \"s\"",
            "prices above zero",
        ),
        (
            "sizes = [{ kib = 1.0, picojoules_per_byte = 1.0, high = 0.5 }]\nsource = \"s\"\nhigh_source = \"s\"",
            "a `high` below the price",
        ),
        ("picojoules = 1.0\nbasis = \"guessed\"\nsource = \"s\"", "unknown variant `guessed`"),
    ] {
        let said = with_row(row).unwrap_err().to_string();
        assert!(said.contains(problem), "{row}: {said}");
    }
}
