//! Bursts as marks of one ink per operand: each burst where there are few, cells of a grid where there are
//! many.

use bitgauge_arch::program::Operand;
use bitgauge_sim::result::Burst;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::DrawingArea;
use plotters::element::Rectangle;
use plotters::style::Color;

use super::operand_colour;
use crate::ReportError;
use crate::draw::{Addresses, Area, Canvas, Recorder, merge, path_length, pixels, units};

/// Bursts up to which each is drawn.
pub const SINGLE: usize = 20_000;
/// Bytes of SVG for one drawing's marks, beyond which the grid is made coarser.
const BUDGET: usize = 700_000;
/// Sides of a cell, units: the first, and the greatest that is made coarser.
const CELL: i32 = 15;
const COARSE: i32 = 120;
/// The least mark, units: what can be seen.
const LEAST: [i32; 2] = [12, 20];

/// Addresses over cycles.
pub type Panel<'a> = DrawingArea<Recorder<'a>, Cartesian2d<RangedCoordf64, Addresses>>;

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

/// Draws bursts; `panel_of` says where those of an operand go, if anywhere.
pub fn marks<'p, 'a: 'p>(
    canvas: &Canvas<'a>,
    bursts: &[Burst],
    bus_bytes: u64,
    panel_of: impl Fn(Operand) -> Option<&'p Panel<'a>>,
) -> Result<Drawn, ReportError> {
    let extents = |operand: Operand| -> Box<dyn Iterator<Item = Area> + '_> {
        let Some(panel) = panel_of(operand) else { return Box::new(std::iter::empty()) };
        let own = bursts.iter().filter(move |burst| burst.operand == operand);
        Box::new(own.map(move |burst| extent(burst, panel, bus_bytes)))
    };
    if bursts.len() <= SINGLE {
        for operand in Operand::ALL {
            paint(canvas, operand, extents(operand))?;
        }
        return Ok(Drawn::Single);
    }
    let (_, rows) = canvas.dim_in_pixel();
    let mut cell = CELL;
    loop {
        let areas = Operand::ALL.map(|operand| cells(extents(operand), cell, rows as i32));
        if areas.iter().map(|areas| path_length(areas)).sum::<usize>() <= BUDGET || cell > COARSE {
            for (operand, areas) in Operand::ALL.into_iter().zip(areas) {
                paint(canvas, operand, areas)?;
            }
            return Ok(Drawn::Cells(pixels(cell)));
        }
        cell *= 2;
    }
}

fn paint(
    canvas: &Canvas<'_>,
    operand: Operand,
    areas: impl IntoIterator<Item = Area>,
) -> Result<(), ReportError> {
    let style = operand_colour(operand).filled();
    for [left, top, right, bottom] in areas {
        canvas.draw(&Rectangle::new([(left, top), (right, bottom)], style))?;
    }
    Ok(())
}

/// Where a burst lies, from its first beat to its last, at least large enough to see.
fn extent(burst: &Burst, panel: &Panel<'_>, bus_bytes: u64) -> Area {
    let last_cycle = panel.get_x_range().end;
    let cycle = (burst.cycle as f64).min(last_cycle);
    let until = (burst.cycle as f64 + f64::from(burst.beats)).min(last_cycle);
    let end = burst.address.saturating_add(u64::from(burst.beats) * bus_bytes);
    let (left, bottom) = panel.map_coordinate(&(cycle, burst.address));
    let (right, top) = panel.map_coordinate(&(until, end));
    let [width, height] = LEAST;
    [left, top.min(bottom - height), right.max(left + width), bottom]
}

/// The cells that marks touch, as few areas.
fn cells(marks: impl Iterator<Item = Area>, cell: i32, height: i32) -> Vec<Area> {
    let columns = units(crate::draw::WIDTH).div_euclid(cell) + 1;
    let rows = height.div_euclid(cell) + 1;
    let mut grid = vec![false; columns as usize * rows as usize];
    for [left, top, right, bottom] in marks {
        let index = |at: i32, count: i32| at.div_euclid(cell).clamp(0, count - 1);
        for row in index(top, rows)..=index(bottom - 1, rows) {
            let at = |column: i32| (row * columns + column) as usize;
            grid[at(index(left, columns))..=at(index(right - 1, columns))].fill(true);
        }
    }
    let covered = grid.iter().enumerate().filter(|(_, covered)| **covered);
    let areas = covered.map(|(index, _)| {
        let (row, column) = (index as i32 / columns, index as i32 % columns);
        [column * cell, row * cell, (column + 1) * cell, (row + 1) * cell]
    });
    merge(areas.collect())
}

/// Address range of bursts.
pub fn addresses<'a>(bursts: impl Iterator<Item = &'a Burst>, bus_bytes: u64) -> Option<(u64, u64)> {
    bursts.fold(None, |range, burst| {
        let end = burst.address.saturating_add(u64::from(burst.beats) * bus_bytes);
        let (low, high) = range.unwrap_or((u64::MAX, 0));
        Some((low.min(burst.address), high.max(end)))
    })
}
