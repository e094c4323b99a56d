//! What keeps a layer from being faster.

use bitgauge_arch::command::Unit;
use bitgauge_sim::result::{LayerResult, StallReason};

use super::loads::Loads;
use super::waits::{Waits, WaitsFor};
use crate::number::ratio;

/// Share of the time that a resource must be needed in to be called the bottleneck; below, waiting is.
pub const BINDING: f64 = 0.85;

/// The reason where the unit is not idle: layers interleave.
const OTHERS: &str = "busy with other layers";

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Bottleneck {
    /// The resource, or who waits for what.
    pub name: String,
    /// Share of the window (for the array, of its span) that it fills.
    pub occupancy: f64,
    /// Whether it is the array.
    pub array: bool,
    /// Whose commands ended the wait, where it is one for tokens, or kept the unit; where the trace tells.
    pub waits_for: Option<WaitsFor>,
}

/// The array where it works at all, else the vector unit, else the transfer that takes longest.
pub fn main_unit(layer: &LayerResult) -> Unit {
    let order = [Unit::Compute, Unit::Vector];
    if let Some(unit) =
        order.into_iter().filter(|unit| layer.unit_busy[unit.index()] > 0).max_by_key(|unit| {
            // On a tie the array.
            (layer.unit_busy[unit.index()], *unit == Unit::Compute)
        })
    {
        return unit;
    }
    if layer.unit_busy[Unit::Store.index()] > layer.unit_busy[Unit::Load.index()] {
        Unit::Store
    } else {
        Unit::Load
    }
}

/// The resource that is needed for most cycles, if it fills the time; else the longest wait. `transfers` are
/// the beats read and written.
pub fn bottleneck(
    layer: &LayerResult,
    loads: &Loads,
    waits: &Waits,
    transfers: [u64; 2],
    window: u64,
) -> Bottleneck {
    let nothing =
        |name: &str| Bottleneck { name: name.to_owned(), occupancy: 0.0, array: false, waits_for: None };
    if window == 0 {
        return nothing("–");
    }
    let (mut name, mut cycles) = ("", 0);
    for (candidate, needed) in loads.each() {
        if needed > cycles {
            (name, cycles) = (candidate, needed);
        }
    }
    let array = name == "array";
    let occupancy = ratio(cycles, if array { layer.array_span } else { window }).min(1.0);
    if occupancy >= BINDING {
        return Bottleneck { name: name.to_owned(), occupancy, array, waits_for: None };
    }

    let unit = main_unit(layer);
    let mut longest: Option<(Unit, &str, u64)> = None;
    let mut consider = |unit: Unit, reason: &'static str, cycles: u64| {
        if cycles > longest.map_or(0, |(_, _, most)| most) {
            longest = Some((unit, reason, cycles));
        }
    };
    for (reason, &cycles) in StallReason::ALL.iter().zip(&waits.inside[unit.index()]) {
        consider(unit, reason.name(), cycles);
    }
    // A load or store that runs longer than its lines and beats take waits for memory or the bus.
    let [read, written] = transfers;
    for (unit, lines, beats) in
        [(Unit::Load, loads.load_lines, read), (Unit::Store, loads.store_lines, written)]
    {
        consider(unit, "memory", layer.unit_busy[unit.index()].saturating_sub(lines.max(beats)));
    }
    consider(unit, OTHERS, waits.others);
    let Some((unit, reason, cycles)) = longest else { return nothing("nothing for long") };
    let waits_for = match reason {
        OTHERS => waits.most,
        _ if reason == StallReason::Token.name() => waits.ended_by(unit),
        _ => None,
    };
    Bottleneck {
        name: match reason {
            OTHERS => format!("waiting: {} {OTHERS}", unit.name()),
            _ => format!("waiting: {} for {reason}", unit.name()),
        },
        occupancy: ratio(cycles, window).min(1.0),
        array: false,
        waits_for,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_that_fills_the_time_binds() {
        let mut waits = Waits::default();
        let mut layer = LayerResult { array_span: 100, ..LayerResult::default() };
        let loads = Loads { array: 90, bus: 95, ..Loads::default() };
        let found = bottleneck(&layer, &loads, &waits, [95, 0], 100);
        assert_eq!((found.name.as_str(), found.array), ("memory bus", false));
        // The array is measured on its own span, not on the window in which weights arrive.
        let loads = Loads { array: 90, bus: 20, ..Loads::default() };
        assert!(bottleneck(&layer, &loads, &waits, [20, 0], 200).array);
        // A span that is mostly waiting is not the array's fault.
        layer.array_span = 150;
        layer.unit_busy[Unit::Compute.index()] = 100;
        waits.inside[Unit::Compute.index()][StallReason::Token as usize] = 60;
        let found = bottleneck(&layer, &loads, &waits, [20, 0], 200);
        assert_eq!(found.name, "waiting: compute for token");
        assert!((found.occupancy - 0.3).abs() < 1e-12 && !found.array);
        // A store that runs far beyond its beats.
        layer.unit_busy[Unit::Store.index()] = 150;
        let found = bottleneck(&layer, &loads, &waits, [10, 10], 200);
        assert_eq!(found.name, "waiting: store for memory");
        assert_eq!(bottleneck(&layer, &loads, &waits, [0, 0], 0).name, "–");
        // The unit is busy all the time, but with another layer.
        waits.others = 180;
        waits.most = Some(WaitsFor { unit: Unit::Compute, layer: 3 });
        let found = bottleneck(&layer, &loads, &waits, [10, 10], 200);
        assert_eq!(
            (found.name.as_str(), found.waits_for),
            ("waiting: compute busy with other layers", waits.most)
        );
    }
}
