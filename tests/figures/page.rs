//! The page shows the headline, the layers and the energies, rounded; each number is read out of its text.

use crate::accuracy::shares;
use crate::answers::numbers;
use crate::cases::{Case, cases};
use crate::energy::{COMPONENTS, components, each, fetch, total};
use crate::headline::{Headline, weight_bytes};
use crate::layers::rows;
use crate::svg::number;
use crate::table::Cell;

/// Three digits are shown.
fn rounds_to(found: f64, wanted: f64) -> bool {
    (found - wanted).abs() <= 0.005_05 * wanted.abs()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let from = text.find(before).unwrap_or_else(|| panic!("no {before}")) + before.len();
    &text[from..from + text[from..].find(after).unwrap()]
}

/// Value and explanation of a card.
fn card<'a>(case: &'a Case, name: &str) -> (&'a str, &'a str) {
    let page = case.read("index.html");
    let card = &page[page
        .find(&format!("<div class=\"name\">{name}</div>"))
        .unwrap_or_else(|| panic!("no card {name}"))..];
    (between(card, "<div class=\"value\">", "</div>"), between(card, "<div class=\"mean\">", "</div>"))
}

#[test]
fn cards() {
    for (case, shares) in cases().iter().zip(shares()) {
        let head = Headline::new(case);
        let shows = |name: &str, unit: &str, wanted: f64| {
            let (value, _) = card(case, name);
            assert!(value.ends_with(unit), "{}: {name}: {value}", case.name);
            let found = number(value.trim_start_matches("× ").trim_end_matches(unit)).unwrap();
            assert!(rounds_to(found, wanted), "{}: {name}: {value}, not {wanted}", case.name);
        };
        let explains = |name: &str, wanted: &[f64]| {
            let (_, mean) = card(case, name);
            let found = numbers(mean);
            for wanted in wanted {
                assert!(
                    found.iter().any(|found| rounds_to(*found, *wanted)),
                    "{}: {mean}, not {wanted}",
                    case.name
                );
            }
        };
        let mhz = case.hardware.get("clock", "mhz") as f64;
        shows("Latency", " ms", head.milliseconds);
        explains("Latency", &[head.cycles as f64, mhz, head.inferences_per_second]);
        shows("Above the lower bound", "", head.cycles as f64 / head.bound_cycles as f64);
        explains("Above the lower bound", &[head.bound_cycles as f64, head.network_bound_cycles as f64]);
        let (value, mean) = card(case, "Energy per inference");
        let joules = number(value).unwrap();
        assert!(value.ends_with('J') && rounds_to(joules * 1e12, head.picojoules), "{}: {value}", case.name);
        explains("Energy per inference", &[head.milliwatts]);
        assert!(mean.contains(" mW"), "{mean}");
        let (low, rest) = mean.split_once(" to ").unwrap();
        let high = rest.split(" by the least").next().unwrap();
        let joules = number(high).unwrap() * 1e12;
        assert!(rounds_to(joules, head.high_picojoules), "{}: {mean}", case.name);
        // The unit stands once where both have it.
        let low = if low.ends_with('J') {
            low.to_owned()
        } else {
            format!("{low} {}", high.split(' ').nth(1).unwrap())
        };
        assert!(rounds_to(number(&low).unwrap() * 1e12, head.low_picojoules), "{}: {mean}", case.name);
        let share = number(between(mean, "; ", " % of it")).unwrap();
        assert!((share - 100.0 * head.assumed_energy_share).abs() <= 0.0501, "{}: {mean}", case.name);
        let (value, _) = card(case, "MAC utilization");
        let found = number(value.trim_end_matches(" %")).unwrap();
        assert!((found - 100.0 * head.mac_utilization).abs() <= 0.0501, "{}: {value}", case.name);
        let possible = (case.hardware.rows() * case.hardware.cols() * head.cycles) as f64;
        let (_, mean) = card(case, "MAC utilization");
        let [useful, all] = [between(mean, "", " useful"), between(mean, "useful of ", " multiply")];
        assert!(rounds_to(number(useful).unwrap(), head.array_macs as f64), "{}: {useful}", case.name);
        assert!(rounds_to(number(all).unwrap(), possible), "{}: {all}, not {possible}", case.name);
        shows("External traffic", " MB", head.bus_bytes as f64 / 1e6);
        let (_, mean) = card(case, "External traffic");
        let busy = number(between(mean, "busy in ", " %")).unwrap();
        assert!((busy - 100.0 * head.bus_occupancy).abs() <= 0.0501, "{}: {mean}", case.name);
        let (value, mean) = card(case, "Top-1 accuracy, integer");
        let share = |text: &str, wanted: f64| (number(text).unwrap() - 100.0 * wanted).abs() <= 0.0501;
        assert!(share(value.trim_end_matches(" %"), shares.integer_top1), "{}: {value}", case.name);
        assert!(share(between(mean, "Float network: ", " %"), shares.float_top1), "{}: {mean}", case.name);
        let points = between(mean, "%. ", " points").replace('+', "");
        let difference = shares.integer_top1 - shares.float_top1;
        assert!((number(&points).unwrap() - 100.0 * difference).abs() <= 0.00501, "{}: {mean}", case.name);
    }
}

#[test]
fn the_table_of_accuracy() {
    for (case, shares) in cases().iter().zip(shares()) {
        let page = case.read("index.html");
        for (name, float, integer) in [
            ("Top-1", shares.float_top1, shares.integer_top1),
            ("Top-5", shares.float_top5, shares.integer_top5),
        ] {
            let row = between(page, &format!("<td>{name}</td>"), "</tr>").replace('−', "-");
            let cells: Vec<&str> = row
                .split("<td class=\"number\">")
                .skip(1)
                .map(|cell| cell.trim_end_matches("</td>"))
                .collect();
            let found: Vec<f64> = cells[..3]
                .iter()
                .map(|cell| number(cell.trim_start_matches('+').split(' ').next().unwrap()).unwrap())
                .collect();
            let wanted = [100.0 * float, 100.0 * integer, 100.0 * (integer - float)];
            for (found, wanted) in found.iter().zip(wanted) {
                assert!((found - wanted).abs() <= 0.0501, "{}: {name}: {cells:?}", case.name);
            }
            // Wilson's interval is where the distance to the share is 1.96 standard errors of the bound itself.
            let n = case.images.count() as f64;
            for bound in numbers(cells[3]) {
                let error = (bound / 100.0 * (1.0 - bound / 100.0) / n).sqrt();
                let reach = (integer - bound / 100.0).abs();
                assert!(
                    (reach - 1.96 * error).abs() < 0.0012 || bound == 100.0,
                    "{}: {name}: {cells:?}",
                    case.name
                );
            }
        }
    }
}

#[test]
fn the_table_of_layers_on_the_page() {
    for case in cases() {
        let table = between(case.read("index.html"), "id=\"layer-table\"", "</table>");
        let body = between(table, "<tbody>", "</tbody>");
        let found: Vec<&str> = body.split("</tr>").filter(|row| !row.is_empty()).collect();
        let wanted = rows(case);
        assert_eq!(found.len(), wanted.len(), "{}", case.name);
        for (row, wanted) in found.iter().zip(&wanted) {
            let cells: Vec<&str> =
                row.split("<td").skip(1).map(|cell| cell.split_once('>').unwrap().1).collect();
            let of = |name: &str| match &wanted.iter().find(|(known, _)| *known == name).unwrap().1 {
                Cell::Number(number) => Some(*number),
                _ => None,
            };
            let shown = |at: usize| cells[at].split('<').next().unwrap();
            let what =
                |at: usize| format!("{}: layer {:?}, column {at}: {}", case.name, of("layer"), shown(at));
            for (at, name) in [(0, "layer"), (4, "share_cycles"), (5, "window_cycles"), (6, "bound_cycles")] {
                assert_eq!(number(shown(at)), of(name), "{}", what(at));
            }
            assert!(rounds_to(number(shown(3)).unwrap(), of("macs").unwrap()), "{}", what(3));
            let product = ["m", "n", "k"].map(of);
            let found: Vec<f64> = numbers(shown(2));
            assert!(
                product[0].is_none() && found.is_empty() || found.iter().copied().map(Some).eq(product),
                "{}",
                what(2)
            );
            for (at, name) in [(7, "utilization"), (8, "geometric_bound"), (9, "bound_reached")] {
                match of(name) {
                    None => assert_eq!(shown(at), "–", "{}", what(at)),
                    Some(share) => {
                        let percent = number(shown(at).trim_end_matches(" %")).unwrap();
                        assert!((percent - 100.0 * share).abs() <= 0.0501, "{}", what(at));
                    }
                }
            }
            let bytes = of("read_bytes").unwrap() + of("write_bytes").unwrap();
            assert!(shown(11).ends_with('B') && rounds_to(number(shown(11)).unwrap(), bytes), "{}", what(11));
            let joules = number(shown(12)).unwrap() * 1e12;
            assert!(shown(12).ends_with('J') && rounds_to(joules, of("picojoules").unwrap()), "{}", what(12));
            for (at, name) in [(10, "bottleneck_occupancy"), (11, "bus_occupancy")] {
                let under = between(cells[at], "<span class=\"under\">", " %");
                assert!((number(under).unwrap() - 100.0 * of(name).unwrap()).abs() <= 0.0501, "{}", what(at));
            }
        }
        let foot: Vec<&str> = between(table, "<tfoot>", "</tfoot>")
            .split("<td")
            .skip(1)
            .map(|cell| cell.split_once('>').unwrap().1.split('<').next().unwrap())
            .collect();
        let sum = |name: &str| -> f64 { case.table("layers.csv").numbers(name).iter().sum() };
        assert!(rounds_to(number(foot[3]).unwrap(), sum("macs")), "{}: {foot:?}", case.name);
        assert_eq!(number(foot[4]), Some(sum("share_cycles")), "{}", case.name);
        assert!(
            rounds_to(number(foot[11]).unwrap(), sum("read_bytes") + sum("write_bytes")),
            "{}: {foot:?}",
            case.name
        );
        assert!(rounds_to(number(foot[12]).unwrap() * 1e12, sum("picojoules")), "{}: {foot:?}", case.name);
    }
}

#[test]
fn energies_on_the_page() {
    for case in cases() {
        let page = case.read("index.html");
        let all = total(case, each);
        for (name, wanted) in COMPONENTS.iter().zip(components(case, each)) {
            let row = between(page, &format!("<tr><td>{name}</td><td class=\"number\">"), "</tr>");
            let (joules, rest) = row.split_once("</td>").unwrap();
            assert!(rounds_to(number(joules).unwrap() * 1e12, wanted), "{}: {name}: {joules}", case.name);
            let share = number(between(rest, "<td class=\"number\">", " %")).unwrap();
            assert!((share - 100.0 * wanted / all).abs() <= 0.0501, "{}: {name}: {share} %", case.name);
        }
        let said = between(page, "All layers ", ". A report");
        let (bytes, fetched) = fetch(case);
        assert!(
            rounds_to(number(said.split(" +").next().unwrap()).unwrap() * 1e12, all - fetched),
            "{}: {said}",
            case.name
        );
        assert!(
            rounds_to(number(between(said, "fetch ", " (")).unwrap() * 1e12, fetched),
            "{}: {said}",
            case.name
        );
        assert_eq!(number(between(said, "(", " bytes")), Some(bytes as f64), "{}", case.name);
    }
}

#[test]
fn the_machine_and_the_network_on_the_page() {
    for case in cases() {
        let facts = between(case.read("index.html"), "<section id=\"headline\">", "<div class=\"cards\">");
        let key = |table: &str, key: &str| case.hardware.get(table, key);
        for wanted in [
            format!("{} × {} array", key("array", "rows"), key("array", "cols")),
            format!("{} KiB activations", key("scratchpad", "activation_kib")),
            format!("{} KiB weights", key("scratchpad", "weight_kib")),
            format!("{}-bit memory bus", key("memory", "bus_bits")),
            format!("{} cycles latency", key("memory", "latency_cycles")),
            format!("{} MHz", key("clock", "mhz")),
        ] {
            assert!(facts.contains(&wanted), "{}: {wanted} in {facts}", case.name);
        }
        let weights = number(between(facts, ", weights ", "B<")).unwrap();
        assert!(rounds_to(weights, weight_bytes(case) as f64), "{}: {weights}", case.name);
    }
}
