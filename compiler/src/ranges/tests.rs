use bitgauge_arch::footprint::{Port, Space};

use super::*;

/// Source: an array with a value for each unit.
#[test]
fn ranges_are_as_their_units() {
    let mut state = 3u64;
    let mut below = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let mut rows = 0;
    for case in 0..200 {
        let mut ranges = Ranges::new(case % 5);
        let mut units = [0u64; 400];
        // Few strides, so that rows meet rows.
        let strides = [0, 1, 2].map(|_| 2 + below(14));
        for number in 1..300 {
            let (count, stride) = (1 + below(8) * below(2), strides[below(3) as usize]);
            let length = 1 + if count == 1 { below(50) } else { below(stride - 1) };
            let start = below(300 - 120);
            let run = Run { space: Space::Weight, port: Port::Read, start, length, count, stride };
            let one = below(2) == 0;
            let mut seen = std::collections::BTreeSet::new();
            let mut expected = seen.clone();
            for access in run.accesses() {
                for unit in &mut units[access.start as usize..access.end as usize] {
                    expected.insert(*unit);
                    *unit = if one { number } else { (*unit + number) % 5 };
                }
            }
            ranges.change(&run, one, |value| {
                seen.insert(*value);
                *value = if one { number } else { (*value + number) % 5 };
            });
            assert_eq!(seen, expected);
            rows += ranges.parts.iter().filter(|part| part.stride > 0).count();
        }
        for (unit, value) in units.iter().enumerate() {
            let run = Run {
                start: unit as u64,
                length: 1,
                count: 1,
                stride: 0,
                space: Space::Weight,
                port: Port::Read,
            };
            ranges.change(&run, false, |known| assert_eq!(known, value));
        }
    }
    assert!(rows > 10_000, "{rows}");
}
