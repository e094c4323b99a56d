//! Which unit ran commands of which layer, when.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bitgauge_arch::command::Unit;

use super::{Context, Plot, unit_colour};
use crate::svg::{Anchor, Axis, Frame, Svg, legend, n, shorten, style, text_width};
use crate::{ReportError, tables};

/// Spans of one unit and layer that are closer than this many pixels become one mark.
const MERGE: f64 = 0.6;

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
        let svg = Svg::empty("no commands were run");
        return Ok(Plot { name: "timeline", title, caption: String::new(), svg, data });
    }

    let many = layers > 40;
    let (lane, size) = if many { (3.0, 11.0) } else { (4.5, 13.0) };
    let row = lane * 4.0 + 2.0;
    let labels: Vec<String> = (0..layers).map(|index| shorten(&context.layer_label(index), 28)).collect();
    let left = labels.iter().map(|label| text_width(label, size)).fold(0.0, f64::max).ceil() + 18.0;
    let mut svg = Svg::new(0.0);
    let entries: Vec<(&str, String)> =
        Unit::ALL.iter().map(|unit| (unit_colour(*unit), unit.name().to_owned())).collect();
    let below = legend(&mut svg, 12.0, 6.0, &entries);
    let frame = Frame {
        left,
        top: below + 4.0,
        width: svg.width - left - 24.0,
        height: row * layers as f64 + 2.0,
        x: Axis::linear(0.0, run.cycles.max(1) as f64),
        y: Axis::linear(0.0, 1.0),
    };
    svg.height = frame.bottom() + 50.0;
    frame.x_axis(&mut svg, "cycle");
    for (index, label) in labels.iter().enumerate() {
        let y = frame.top + row * index as f64;
        if index > 0 {
            svg.line("grid", [frame.left, y, frame.right(), y]);
        }
        let class = if many { "small" } else { "" };
        svg.text(class, frame.left - 8.0, y + row / 2.0 + size * 0.35, Anchor::End, label);
    }
    for (unit, path) in paths(context, &frame, row, lane) {
        svg.path(&style::fill(unit_colour(unit)), &path);
    }
    frame.border(&mut svg);
    let caption = format!(
        "One row per layer, one lane per unit in the order of the legend. A mark runs from a command's start to its \
         end; a load or store that waits for memory counts as running. Marks closer than {MERGE} pixels are joined."
    );
    Ok(Plot { name: "timeline", title, caption, svg, data })
}

fn paths(context: Context<'_>, frame: &Frame, row: f64, lane: f64) -> BTreeMap<Unit, String> {
    let mut intervals: BTreeMap<(Unit, usize), Vec<(u64, u64)>> = BTreeMap::new();
    for span in &context.input.run.spans {
        if let Some(layer) = context.layer_of(span.command) {
            intervals.entry((span.unit, layer)).or_default().push((span.start, span.end.max(span.start)));
        }
    }
    let mut paths: BTreeMap<Unit, String> = BTreeMap::new();
    for ((unit, layer), mut spans) in intervals {
        spans.sort_unstable();
        let path = paths.entry(unit).or_default();
        let y = frame.top + row * layer as f64 + 1.5 + lane * unit.index() as f64;
        let mut mark = |from: f64, to: f64| {
            let width = n((to - from).max(0.8));
            let _ = write!(path, "M{} {}h{width}v{}h-{width}z", n(from), n(y), n(lane - 0.5));
        };
        let mut open: Option<(f64, f64)> = None;
        for (start, end) in spans {
            let (from, to) = (frame.px(start as f64), frame.px(end as f64));
            open = match open {
                Some((first, last)) if from - last < MERGE => Some((first, last.max(to))),
                Some((first, last)) => {
                    mark(first, last);
                    Some((from, to))
                }
                None => Some((from, to)),
            };
        }
        if let Some((first, last)) = open {
            mark(first, last);
        }
    }
    paths
}
