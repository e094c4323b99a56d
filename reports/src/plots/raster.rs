//! Bursts as marks of one path per operand: each burst where there are few, cells of a grid where there
//! are many.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bitgauge_arch::program::Operand;
use bitgauge_sim::result::Burst;

use super::operand_colour;
use crate::svg::{Frame, Svg, n, style};

/// Bursts up to which each is drawn.
pub const SINGLE: usize = 20_000;
/// Paths of one drawing, bytes, beyond which the grid is made coarser.
const BUDGET: usize = 700_000;

/// How bursts were drawn.
pub enum Drawn {
    /// Each burst.
    Single,
    /// In cells of this many pixels.
    Cells(f64),
}

impl Drawn {
    /// For captions.
    pub fn caption(&self, bursts: usize) -> String {
        let bursts_text = crate::number::count(bursts as u64);
        match self {
            Drawn::Single => {
                format!("All {bursts_text} bursts are drawn, each from its first beat to its last.")
            }
            Drawn::Cells(pixels) => format!(
                "{bursts_text} bursts are too many to draw one by one: a cell of {pixels} × {pixels} pixels is \
                 coloured for an operand where at least one of its bursts falls into it. bursts.csv has them all."
            ),
        }
    }
}

/// Paths by operand and frame; `frame_of` says where a burst goes, if anywhere.
pub fn marks<'a>(
    svg: &mut Svg,
    bursts: &'a [Burst],
    bus_bytes: u64,
    frame_of: impl Fn(&'a Burst) -> Option<&'a Frame> + Copy,
) -> Drawn {
    if bursts.len() <= SINGLE {
        single(svg, bursts, bus_bytes, frame_of);
        return Drawn::Single;
    }
    let mut cell = 1.5;
    loop {
        let paths = cells(bursts, bus_bytes, cell, frame_of);
        if paths.values().map(String::len).sum::<usize>() <= BUDGET || cell > 12.0 {
            for (operand, path) in paths {
                svg.path(&style::fill(operand_colour(operand)), &path);
            }
            return Drawn::Cells(cell);
        }
        cell *= 2.0;
    }
}

fn single<'a>(
    svg: &mut Svg,
    bursts: &'a [Burst],
    bus_bytes: u64,
    frame_of: impl Fn(&'a Burst) -> Option<&'a Frame>,
) {
    let mut paths: BTreeMap<Operand, String> = BTreeMap::new();
    for burst in bursts {
        let Some(frame) = frame_of(burst) else { continue };
        let [x, y, w, h] = extent(burst, frame, bus_bytes);
        let path = paths.entry(burst.operand).or_default();
        let _ = write!(path, "M{} {}h{}v{}h-{}z", n(x), n(y), n(w), n(h), n(w));
    }
    for (operand, path) in paths {
        svg.path(&style::fill(operand_colour(operand)), &path);
    }
}

/// Position and size in pixels, at least large enough to see.
fn extent(burst: &Burst, frame: &Frame, bus_bytes: u64) -> [f64; 4] {
    let cycle = burst.cycle as f64;
    let (x, right) = (frame.px(cycle), frame.px(cycle + f64::from(burst.beats)));
    let address = burst.address as f64;
    let (top, bottom) = (frame.py(address + (u64::from(burst.beats) * bus_bytes) as f64), frame.py(address));
    let (w, h) = ((right - x).max(1.2), (bottom - top).max(2.0));
    [x, bottom - h, w, h]
}

fn cells<'a>(
    bursts: &'a [Burst],
    bus_bytes: u64,
    cell: f64,
    frame_of: impl Fn(&'a Burst) -> Option<&'a Frame>,
) -> BTreeMap<Operand, String> {
    // Row first, so that neighbours in a row are neighbours in the set and become one run.
    let mut covered: BTreeMap<Operand, BTreeSet<(i32, i32)>> = BTreeMap::new();
    for burst in bursts {
        let Some(frame) = frame_of(burst) else { continue };
        let [x, y, w, h] = extent(burst, frame, bus_bytes);
        let set = covered.entry(burst.operand).or_default();
        let index = |value: f64| (value / cell).floor() as i32;
        for row in index(y)..=index(y + h - 0.01) {
            for column in index(x)..=index(x + w - 0.01) {
                set.insert((row, column));
            }
        }
    }
    covered.into_iter().map(|(operand, set)| (operand, runs(&set, cell))).collect()
}

fn runs(set: &BTreeSet<(i32, i32)>, cell: f64) -> String {
    let mut path = String::new();
    let mut run: Option<(i32, i32, i32)> = None;
    let mut close = |run: (i32, i32, i32)| {
        let (row, from, to) = run;
        let width = f64::from(to - from + 1) * cell;
        let (x, y) = (f64::from(from) * cell, f64::from(row) * cell);
        let _ = write!(path, "M{} {}h{}v{}h-{}z", n(x), n(y), n(width), n(cell), n(width));
    };
    for &(row, column) in set {
        run = match run {
            Some((r, from, to)) if r == row && to + 1 == column => Some((r, from, column)),
            Some(done) => {
                close(done);
                Some((row, column, column))
            }
            None => Some((row, column, column)),
        };
    }
    if let Some(done) = run {
        close(done);
    }
    path
}

/// Address range of bursts.
pub fn addresses<'a>(bursts: impl Iterator<Item = &'a Burst>, bus_bytes: u64) -> Option<(u64, u64)> {
    bursts.fold(None, |range, burst| {
        let end = burst.address.saturating_add(u64::from(burst.beats) * bus_bytes);
        let (low, high) = range.unwrap_or((u64::MAX, 0));
        Some((low.min(burst.address), high.max(end)))
    })
}

/// Ticks of an address axis at multiples of a power of two, hexadecimal.
pub fn address_ticks(svg: &mut Svg, frame: &Frame, wanted: u64) {
    let (low, high) = (frame.y.low().max(0.0) as u64, frame.y.high() as u64);
    let step = ((high - low) / wanted.max(1)).max(1).next_power_of_two();
    let digits = format!("{high:x}").len();
    let mut tick = low.next_multiple_of(step);
    while tick <= high {
        let y = frame.py(tick as f64);
        svg.line("grid", [frame.left, y, frame.right(), y]);
        svg.text("tick", frame.left - 7.0, y + 4.0, crate::svg::Anchor::End, &format!("0x{tick:0digits$x}"));
        let Some(next) = tick.checked_add(step) else { break };
        tick = next;
    }
}
