//! What `compile` and `simulate` print, and what `run` prints for people.

use bitgauge_arch::command::Operation;

use crate::accuracy::shares;
use crate::cases::{FEW_BITS, PACK, cases, json, repository, text, write_lopsided};
use crate::forms::{REASONS, UNITS, forms, vector_cycles};
use crate::headline::{Headline, hold_object};
use crate::layers::rows;
use crate::table::Cell;

/// Numbers of a text in their order; commas stand between thousands.
pub fn numbers(text: &str) -> Vec<f64> {
    let mut found = Vec::new();
    let mut word = String::new();
    for character in text.chars().chain([' ']) {
        let inside = !word.is_empty() && (character == '.' || character == ',');
        if character.is_ascii_digit() || inside {
            word.push(character);
        } else if !word.is_empty() {
            let number = std::mem::take(&mut word).replace(',', "");
            found.push(number.trim_end_matches('.').parse().unwrap());
        }
    }
    found
}

/// What `run` says: each number as far as it is printed.
#[test]
fn run_tells_people_the_same() {
    for (case, shares) in cases().iter().zip(shares()) {
        let (Some(talk), head) = (&case.talk, Headline::new(case)) else { continue };
        let line = |name: &str| {
            let line = talk.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no `{name}` in {talk}"))
        };
        let same = |name: &str, wanted: &[(f64, usize)]| {
            let found = numbers(line(name));
            assert_eq!(found.len(), wanted.len(), "{}: {}", case.name, line(name));
            for (found, (wanted, places)) in found.iter().zip(wanted) {
                let off = (found - wanted).abs();
                assert!(
                    off <= 0.500_001 * 0.1f64.powi(*places as i32),
                    "{}: {name}: {found}, {wanted}",
                    case.name
                );
            }
        };
        let above = 100.0 * (head.cycles as f64 / head.bound_cycles as f64 - 1.0);
        same("cycles ", &[(head.cycles as f64, 0), (head.bound_cycles as f64, 0), (above, 1)]);
        same("any program", &[(head.network_bound_cycles as f64, 0)]);
        same("time ", &[(head.milliseconds, 3), (head.inferences_per_second, 0)]);
        same("array ", &[(head.array_macs as f64, 0), (100.0 * head.mac_utilization, 1)]);
        same("memory bus", &[(head.bus_bytes as f64, 0), (100.0 * head.bus_occupancy, 1)]);
        let micro = [head.picojoules, head.low_picojoules, head.high_picojoules].map(|pico| (pico * 1e-6, 3));
        let power = [(head.milliwatts, 1), (100.0 * head.assumed_energy_share, 1)];
        same("energy ", &[&micro[..], &power].concat());
        let percent =
            [shares.float_top1, shares.integer_top1, shares.agreement].map(|share| (100.0 * share, 2));
        same("accuracy  ", &[&[(1.0, 0), (case.images.count() as f64, 0)], &percent[..]].concat());
        assert!(line("time ").contains(" ms,") && line("energy ").contains(" uJ ("), "{talk}");
        assert!(
            line("energy ").contains(" mW;") && line("energy ").contains(" % priced by assumption"),
            "{talk}"
        );
    }
    assert!(cases().iter().any(|case| case.talk.is_some()));
}

#[test]
fn compile_and_simulate() {
    let folder = tempfile::tempdir().unwrap();
    let design = write_lopsided(folder.path());
    let case = cases().iter().find(|case| case.lopsided && case.model == "cnn_mnist").unwrap();
    let place = |name: &str| folder.path().join(name).display().to_string();
    let path = |path: &str| repository(path).display().to_string();
    let (model, data, output) =
        (path("models/zoo/cnn_mnist.onnx"), path("models/zoo/mnist.toml"), place("out"));
    let design = design.display().to_string();
    let files =
        ["--model", &model, "--data", &data, "--accelerator", &design, "--output", &output, "--explain"];
    let answer = json(&[&["compile"], &files[..], &FEW_BITS, &PACK].concat());

    let (forms, rows) = (forms(case), rows(case));
    let program = &case.program;
    let mut figures = answer.clone();
    let object = figures.as_object_mut().unwrap();
    for name in ["command", "program", "image", "layers", "format_version"] {
        assert!(object.remove(name).is_some(), "{name}");
    }
    let bounds =
        rows.iter().map(|row| match &row.iter().find(|(name, _)| *name == "bound_cycles").unwrap().1 {
            Cell::Number(cycles) => *cycles,
            other => panic!("{other:?}"),
        });
    let constant: usize = program.segments.iter().map(|segment| segment.bytes.len()).sum();
    let wanted = [
        ("command_words", program.words.len() as f64),
        ("commands", program.resolved().count() as f64),
        ("memory_bytes", program.memory_bytes as f64),
        ("constant_bytes", constant as f64),
        ("bound_cycles", bounds.sum()),
    ];
    hold_object("compile", &figures, &wanted);
    for (index, layer) in answer["layers"].as_array().unwrap().iter().enumerate() {
        let of = |name: &str| &rows[index].iter().find(|(known, _)| *known == name).unwrap().1;
        for (name, column) in
            [("array", "array_load"), ("load_lines", "load_lines"), ("store_lines", "store_lines")]
        {
            assert!(of(column).is(&layer["loads"][name].to_string()), "layer {index}, {name}: {layer}");
        }
        let needs = [
            ("array", forms[index].array),
            ("memory bus", forms[index].beats),
            ("vector unit", vector_cycles(case, index)),
            ("load lines", forms[index].load_lines),
            ("store lines", forms[index].store_lines),
        ];
        assert_eq!(layer["loads"]["bus"], needs[1].1, "layer {index}");
        assert_eq!(layer["loads"]["vector"], needs[2].1, "layer {index}");
        let most = needs.iter().map(|(_, cycles)| *cycles).max().unwrap();
        let bound_by = needs.iter().find(|(_, cycles)| *cycles == most).unwrap().0;
        assert_eq!(layer["bound_by"], bound_by, "layer {index}");
        assert_eq!(
            layer["bound_cycles"].as_f64(),
            match of("bound_cycles") {
                Cell::Number(n) => Some(*n),
                _ => None,
            }
        );
    }
    let computes =
        program.resolved().filter(|(_, command)| matches!(command.operation, Operation::Compute(_)));
    assert!(computes.count() > 8, "the program computes");

    let file = place("out/program.bgp");
    let simulated = json(&["simulate", &file, "--timing-only"]);
    let run = &case.run;
    for (name, wanted) in
        [("cycles", run.cycles), ("bound_cycles", run.bound_cycles), ("bus_beats", run.bus_beats)]
    {
        assert_eq!(simulated[name], wanted, "{name}");
    }
    assert_eq!(simulated["units"], serde_json::to_value(&run.units).unwrap());
    assert_eq!(simulated["layers"], serde_json::to_value(&run.layers).unwrap());
    assert_eq!(simulated["actions"], serde_json::to_value(&run.actions).unwrap());

    let told = text(&["simulate", &file, "--timing-only"]);
    let lines: Vec<&str> = told.lines().collect();
    let head = numbers(lines[0]);
    let milliseconds = Headline::new(case).milliseconds;
    assert_eq!(head[..2], [run.cycles as f64, run.bound_cycles as f64], "{told}");
    assert!((head[2] - milliseconds).abs() < 0.000_501, "{told}");
    let at = lines.iter().position(|line| line.trim_start().starts_with("unit")).unwrap();
    let header: Vec<&str> = lines[at].split_whitespace().collect();
    assert_eq!(header, [&["unit", "busy"], &REASONS[..], &["idle"]].concat());
    for (unit, name) in UNITS.iter().enumerate() {
        let cycles = &run.units[unit];
        let wanted = [vec![cycles.busy], cycles.stalled.to_vec(), vec![cycles.idle]].concat();
        let found: Vec<&str> = lines[at + 1 + unit].split_whitespace().collect();
        assert_eq!(found[0], *name);
        assert_eq!(found[1..], wanted.iter().map(u64::to_string).collect::<Vec<_>>(), "{name}");
    }
    let at = lines.iter().position(|line| line.trim_start().starts_with("layer")).unwrap();
    assert!(lines[at].split_whitespace().eq("layer operator cycles at least MACs bus beats".split(' ')));
    for (index, row) in rows.iter().enumerate() {
        let found: Vec<&str> = lines[at + 1 + index].split_whitespace().collect();
        let names = ["name", "operator", "window_cycles", "bound_cycles", "macs", "bus_beats"];
        assert_eq!(found.len(), names.len(), "{found:?}");
        for (name, found) in names.iter().zip(found) {
            let wanted = &row.iter().find(|(known, _)| known == name).unwrap().1;
            assert!(wanted.is(found), "layer {index}, {name}: {found}, not {wanted:?}");
        }
    }
}
