//! Which unit ran commands of which layer, when.

use std::collections::BTreeMap;

use bitgauge_arch::command::Unit;
use plotters::chart::ChartBuilder;
use plotters::element::{PathElement, Rectangle};
use plotters::style::Color;

use super::{Context, Plot, unit_colour};
use crate::draw::palette::{GRID, TEXT};
use crate::draw::text::{self, SMALL_SIZE, TEXT_SIZE, shorten};
use crate::draw::{Drawing, Legend, Rows, border, label, look, pixels, tick_label, units};
use crate::{ReportError, tables};

/// Spans of one unit and layer that are closer than so many units become one mark.
const MERGE: i32 = 6;
/// The thinnest mark, units.
const THIN: i32 = 8;
/// Ticks and title below the axis, pixels.
const BELOW: f64 = 46.0;

pub fn plot(context: Context<'_>) -> Result<Plot, ReportError> {
    let run = context.input.run;
    let data = tables::csv(
        &["command", "unit", "layer", "start", "end"],
        run.spans.iter().map(|span| {
            let layer = context.layer_of(span.command).map(|layer| layer.to_string()).unwrap_or_default();
            [
                span.command.to_string(),
                span.unit.name().to_owned(),
                layer,
                span.start.to_string(),
                span.end.to_string(),
            ]
        }),
    )?;
    let title = "Timeline: commands per unit and layer".to_owned();
    let layers = context.measured.layers.len();
    if run.spans.is_empty() || layers == 0 {
        let drawing = Drawing::empty("no commands were run")?;
        return Ok(Plot { name: "timeline", title, caption: String::new(), drawing, data });
    }
    let caption = format!(
        "One row per layer, one lane per unit in the order of the legend. A mark runs from a command's start to its \
         end; a load or store that waits for memory counts as running. Marks closer than {} pixels are joined.",
        pixels(MERGE)
    );
    Ok(Plot { name: "timeline", title, caption, drawing: draw(context)?, data })
}

fn draw(context: Context<'_>) -> Result<Drawing, ReportError> {
    let layers = context.measured.layers.len();
    let many = layers > 40;
    let (lane, size) = if many { (3.0, SMALL_SIZE) } else { (4.5, TEXT_SIZE) };
    let row = lane * 4.0 + 2.0;
    let labels: Vec<String> =
        (0..layers).map(|index| shorten(&context.layer_label(index), if many { 30 } else { 28 })).collect();
    let left = text::widest(labels.iter().map(String::as_str), size)?.ceil() + 18.0;
    let legend = Legend::new(Unit::ALL.iter().map(|unit| (unit_colour(*unit), unit.name().to_owned())))?;
    let top = legend.below + 4.0;
    Drawing::new(top + row * layers as f64 + BELOW, |canvas| {
        legend.draw(canvas)?;
        let cycles = context.input.run.cycles.max(1) as f64;
        let mut chart = ChartBuilder::on(canvas)
            .margin_top(units(top))
            .margin_right(units(24.0))
            .x_label_area_size(units(BELOW))
            .y_label_area_size(units(left))
            .build_cartesian_2d(0.0..cycles, Rows(labels))?;
        let mut mesh = chart.configure_mesh();
        look(&mut mesh);
        mesh.disable_y_mesh()
            .y_label_style(label(size, TEXT))
            .x_labels(9)
            .x_label_formatter(&tick_label)
            .x_desc("cycle")
            .draw()?;
        let area = chart.plotting_area();
        for index in 1..layers {
            let y = index as f64;
            area.draw(&PathElement::new([(0.0, y), (cycles, y)], GRID.line(1.0)))?;
        }
        let (from, to) = (area.map_coordinate(&(0.0, 0.0)), area.map_coordinate(&(cycles, 0.0)));
        let closer = cycles * f64::from(MERGE) / f64::from((to.0 - from.0).max(1));
        for (unit, marks) in marks(context, closer) {
            for (layer, start, end) in marks {
                let (from, top) = area.map_coordinate(&(start.min(cycles), layer as f64));
                let (to, _) = area.map_coordinate(&(end.min(cycles), layer as f64));
                let top = top + units(1.5 + lane * unit.index() as f64);
                let corners = [(from, top), (to.max(from + THIN), top + units(lane - 0.5))];
                canvas.draw(&Rectangle::new(corners, unit_colour(unit).filled()))?;
            }
        }
        border(area)
    })
}

/// Layer, start and end of what each unit did; spans that are closer than so many cycles are one.
fn marks(context: Context<'_>, closer: f64) -> BTreeMap<Unit, Vec<(usize, f64, f64)>> {
    let mut spans: BTreeMap<(Unit, usize), Vec<(u64, u64)>> = BTreeMap::new();
    for span in &context.input.run.spans {
        if let Some(layer) = context.layer_of(span.command) {
            spans.entry((span.unit, layer)).or_default().push((span.start, span.end.max(span.start)));
        }
    }
    let mut marks: BTreeMap<Unit, Vec<(usize, f64, f64)>> = BTreeMap::new();
    for ((unit, layer), mut spans) in spans {
        spans.sort_unstable();
        let mut joined: Vec<(usize, f64, f64)> = Vec::new();
        for (start, end) in spans {
            let (start, end) = (start as f64, end as f64);
            match joined.last_mut() {
                Some((_, _, last)) if start - *last < closer => *last = last.max(end),
                _ => joined.push((layer, start, end)),
            }
        }
        marks.entry(unit).or_default().extend(joined);
    }
    marks
}
