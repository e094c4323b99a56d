//! Accelerators: every key of a sound description, one at a time, made into nonsense.

use crate::{Case, Random, Verdict, repository};

/// Values that no key takes for a number.
const VALUES: [(&str, &str); 7] = [
    ("negative", "-1"),
    ("zero", "0"),
    ("beyond 32 bits", "4294967296"),
    ("beyond 64 bits", "99999999999999999999"),
    ("float", "1.5"),
    ("text", "\"nonsense\""),
    ("list", "[1, 2]"),
];

fn case(name: String, text: Vec<u8>, verdict: Verdict) -> Case {
    let arguments = vec!["check", "design.toml"];
    Case {
        name,
        files: vec![("design.toml", text)],
        arguments,
        verdict,
        names: vec!["design.toml".to_owned()],
    }
}

fn good() -> String {
    String::from_utf8(repository("designs/reference-8x8.toml")).unwrap()
}

/// The description as it ships.
pub fn twin() -> Case {
    case("as shipped".to_owned(), good().into_bytes(), Verdict::Accepted)
}

pub fn cases() -> Vec<Case> {
    let good = good();
    let mut cases = Vec::new();
    let keys = good.lines().enumerate().filter(|(_, line)| line.contains(" = ") && !line.starts_with('#'));
    for (at, line) in keys {
        let (key, value) = line.split_once(" = ").unwrap();
        // The error has to point at the line, or to name the key where two lines are at odds.
        let changed = |name: &str, now: &str, verdict| {
            let lines = good.lines().enumerate().map(|(n, line)| if n == at { now } else { line });
            let text = lines.collect::<Vec<_>>().join("\n");
            let place = if key == "table" && name == "text" {
                "[energy] table".to_owned()
            } else {
                format!("design.toml:{}:", at + if name == "twice" { 2 } else { 1 })
            };
            let case = case(format!("{key}: {name}"), text.into_bytes(), verdict);
            Case { names: if verdict == Verdict::Refused { vec![place] } else { Vec::new() }, ..case }
        };
        for (name, nonsense) in VALUES {
            // A name may be any text, and a file may be named by the energy table.
            let free = key == "name" && name == "text" || key == "codecs" && name == "list";
            let verdict = if free { Verdict::Any } else { Verdict::Refused };
            cases.push(changed(name, &format!("{key} = {nonsense}"), verdict));
        }
        cases.push(changed("twice", &format!("{line}\n{line}"), Verdict::Refused));
        cases.push(changed("misspelt", &format!("{key}x = {value}"), Verdict::Refused));
        cases.push(changed("large", &format!("{key} = 1048576"), Verdict::Any));
        cases.push(changed("odd", &format!("{key} = 7"), Verdict::Any));
    }
    let mut random = Random(3);
    for number in 0..40 {
        let mut bytes = good.clone().into_bytes();
        for _ in 0..=random.index(4) {
            let at = random.index(bytes.len());
            bytes[at] ^= 1 << random.index(7);
        }
        cases.push(case(format!("bits {number}"), bytes, Verdict::Any));
    }
    cases
}
