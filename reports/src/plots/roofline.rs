//! Work per cycle against work per byte, under the two roofs of the hardware.

use std::collections::BTreeMap;

use plotters::chart::ChartBuilder;
use plotters::element::{Circle, PathElement};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::placement::Placement;
use super::{Context, Plot};
use crate::draw::palette::{BLUE, FAINT, GREEN, Ink, PAPER, TEXT};
use crate::draw::text::{self, TEXT_SIZE, TICK_SIZE, shorten};
use crate::draw::{
    Canvas, Drawing, Hover, Legend, border, decades, label, log, look, pixels, right_axis, strong,
    tick_label, units,
};
use crate::{LayerRow, ReportError, number, tables};

/// Layers up to which points carry names and not only numbers.
const NAMED: usize = 16;
/// Of the plot without its legend, pixels.
const HEIGHT: f64 = 490.0;
/// Of a point, and of the paper around it.
const RADIUS: f64 = 4.8;
const HALO: f64 = 6.2;
/// Points that are closer cover each other.
const COVERED: f64 = 2.0;

pub fn plot(context: Context<'_>) -> Result<Plot, ReportError> {
    let accelerator = &context.input.program.accelerator;
    let (peak, bus) = (accelerator.peak_macs_per_cycle() as f64, f64::from(accelerator.bus_bytes()));
    let layers = &context.measured.layers;
    let data = tables::csv(
        &["layer", "name", "operator", "macs_per_byte", "macs_per_cycle", "roof_macs_per_cycle"],
        layers.iter().map(|layer| {
            let intensity = layer.intensity.map(|value| value.to_string()).unwrap_or_default();
            let roof = layer.intensity.map_or(peak, |value| (value * bus).min(peak));
            [
                layer.index.to_string(),
                layer.name.clone(),
                layer.operator.clone(),
                intensity,
                layer.macs_per_cycle.to_string(),
                roof.to_string(),
            ]
        }),
    )?;
    let title = "Roofline".to_owned();
    let (shown, hidden): (Vec<&LayerRow>, Vec<&LayerRow>) =
        layers.iter().partition(|layer| layer.macs_per_cycle > 0.0);
    if shown.is_empty() {
        let drawing = Drawing::empty("no layer with multiply-accumulates")?;
        return Ok(Plot { name: "roofline", title, caption: String::new(), drawing, data });
    }
    let mut caption = "A layer's work over the cycles of its window, and over the bytes it moved on the bus in it. The \
                       roofs are what the array and the bus could do at most; a point's distance from them is what \
                       padding, setup and waiting cost."
        .to_owned();
    if shown.len() > NAMED {
        caption.push_str(" Numbers are positions in the table of layers.");
    }
    if shown.iter().any(|layer| layer.intensity.is_none()) {
        caption.push_str(" Points on the right edge moved no bytes.");
    }
    if !hidden.is_empty() {
        caption.push_str(&format!(" Layers without multiply-accumulates ({}) are not shown.", hidden.len()));
    }
    let roofs = Roofs { peak, bus, gops: 2.0 * f64::from(accelerator.clock.mhz) / 1000.0 };
    Ok(Plot { name: "roofline", title, caption, drawing: draw(&roofs, &shown)?, data })
}

/// What the hardware can do at most.
struct Roofs {
    /// MACs per cycle.
    peak: f64,
    /// Bytes per cycle.
    bus: f64,
    /// GOP/s of one MAC per cycle.
    gops: f64,
}

fn draw(roofs: &Roofs, shown: &[&LayerRow]) -> Result<Drawing, ReportError> {
    let (peak, bus) = (roofs.peak, roofs.bus);
    let ridge = peak / bus;
    let intensities = || shown.iter().filter_map(|layer| layer.intensity);
    let across =
        decades(intensities().fold(ridge / 4.0, f64::min), intensities().fold(ridge * 4.0, f64::max));
    let lowest = shown.iter().map(|layer| layer.macs_per_cycle).fold(peak / 20.0, f64::min);
    let upwards = decades(lowest, peak * 1.3);
    let kinds = [(BLUE, "on the array"), (GREEN, "on the vector unit")];
    let present = kinds.into_iter().filter(|(ink, _)| shown.iter().any(|layer| ink_of(layer) == *ink));
    let legend = Legend::new(present.map(|(ink, name)| (ink, name.to_owned())))?;
    let top = legend.below + 6.0;
    Drawing::new(top + HEIGHT, |canvas| {
        legend.draw(canvas)?;
        let mut chart = ChartBuilder::on(canvas)
            .margin_top(units(top))
            .margin_left(units(8.0))
            .margin_right(units(8.0))
            .x_label_area_size(units(46.0))
            .y_label_area_size(units(64.0))
            .right_y_label_area_size(units(64.0))
            .build_cartesian_2d(log(&across), log(&upwards))?
            .set_secondary_coord(log(&across), log(&(upwards.start * roofs.gops..upwards.end * roofs.gops)));
        let mut mesh = chart.configure_mesh();
        look(&mut mesh);
        mesh.x_labels(8)
            .y_labels(8)
            .x_label_formatter(&tick_label)
            .y_label_formatter(&tick_label)
            .x_desc("operational intensity, MAC per byte on the bus")
            .y_desc("MAC per cycle")
            .draw()?;
        right_axis(&mut chart, "GOP/s (2 operations per MAC)", 8)?;
        let area = chart.plotting_area();
        border(area)?;
        let at = |intensity: f64, work: f64| {
            let (x, y) = area.map_coordinate(&(intensity, work));
            [pixels(x), pixels(y)]
        };

        let low = (upwards.start / bus).max(across.start);
        let corner = ridge.clamp(across.start, across.end);
        let roof = |intensity: f64| (intensity, (intensity * bus).min(peak));
        area.draw(&PathElement::new([roof(low), roof(corner), roof(across.end)], TEXT.line(2.0)))?;
        let [left, top] = at(across.start, upwards.end);
        let [right, bottom] = at(across.end, upwards.start);
        let mut placement = Placement::new([left, top, right, bottom]);

        let peak_at = at(across.end, peak);
        let text = format!("array peak: {peak} MAC per cycle");
        note(
            canvas,
            &mut placement,
            [peak_at[0] - 8.0, peak_at[1] - 5.0],
            Pos::new(HPos::Right, VPos::Bottom),
            &text,
        )?;
        let (intensity, work) = roof((low * corner).sqrt());
        let bus_at = at(intensity, work);
        let text = format!("bus: {bus} bytes per cycle");
        note(
            canvas,
            &mut placement,
            [bus_at[0] + 18.0, bus_at[1] + 2.0],
            Pos::new(HPos::Left, VPos::Top),
            &text,
        )?;
        for step in 0..=60 {
            // Both axes are logarithmic: equal ratios are equal steps.
            let (intensity, work) =
                roof(across.start * (across.end / across.start).powf(f64::from(step) / 60.0));
            let [x, y] = at(intensity, work);
            placement.take([x - 8.0, y - 3.0, 16.0, 6.0]);
        }

        // Without traffic the intensity is infinite: such points sit on the right edge.
        let points = shown
            .iter()
            .map(|layer| (*layer, at(layer.intensity.unwrap_or(across.end), layer.macs_per_cycle)));
        let points: Vec<(&LayerRow, [f64; 2])> = points.collect();
        for (_, [x, y]) in &points {
            placement.take([x - 5.0, y - 5.0, 10.0, 10.0]);
        }
        for (point, layers) in crowds(&points) {
            let numbers: Vec<String> = layers.iter().map(|layer| layer.index.to_string()).collect();
            let numbers = numbers.join(", ");
            let text = match layers.as_slice() {
                [layer] if shown.len() <= NAMED => shorten(&format!("{} {}", layer.index, layer.name), 22),
                _ => numbers.clone(),
            };
            // Too thick a crowd for names; where even the numbers find no place, hovering still tells.
            for text in [text, numbers] {
                if let Some(place) = placement.place(point, &text, TICK_SIZE)? {
                    if let Some(leader) = place.leader {
                        let line = leader.map(|[x, y]| (units(x), units(y)));
                        canvas.draw(&PathElement::new(line, FAINT.line(0.7)))?;
                    }
                    let middle = (units(place.left), units(place.middle));
                    canvas.draw_text(&text, &label(TICK_SIZE, FAINT), middle)?;
                    break;
                }
            }
        }
        points.iter().try_for_each(|(layer, point)| disc(canvas, layer, *point))
    })
}

/// Layers whose points cover each other have one label, at the first of them. Crowds are found by the cells of a
/// grid: whatever covers a point lies in its cell or beside it, and few crowds have room in one.
fn crowds<T: Copy>(points: &[(T, [f64; 2])]) -> Vec<([f64; 2], Vec<T>)> {
    let mut crowds: Vec<([f64; 2], Vec<T>)> = Vec::new();
    let mut cells: BTreeMap<[i32; 2], Vec<usize>> = BTreeMap::new();
    for &(layer, [x, y]) in points {
        let [column, row] = [x, y].map(|at| (at / COVERED).floor() as i32);
        let near = (-1..=1)
            .flat_map(|dx| (-1..=1).map(move |dy| [column.saturating_add(dx), row.saturating_add(dy)]));
        let covers = |crowd: &usize| {
            let [a, b] = crowds[*crowd].0;
            (a - x).hypot(b - y) < COVERED
        };
        // The earliest, as crowds may lie so that a point belongs to more than one.
        match near.filter_map(|cell| cells.get(&cell)).flatten().copied().filter(covers).min() {
            Some(crowd) => crowds[crowd].1.push(layer),
            None => {
                cells.entry([column, row]).or_default().push(crowds.len());
                crowds.push(([x, y], vec![layer]));
            }
        }
    }
    crowds
}

/// A text of the roofs, in a place that others then avoid.
fn note(
    canvas: &Canvas<'_>,
    placement: &mut Placement,
    [x, y]: [f64; 2],
    anchor: Pos,
    text: &str,
) -> Result<(), ReportError> {
    canvas.draw_text(text, &strong(TEXT_SIZE, TEXT).pos(anchor), (units(x), units(y)))?;
    let width = text::width(text, TEXT_SIZE, true)?;
    let left = if matches!(anchor.h_pos, HPos::Right) { x - width } else { x };
    let top = if matches!(anchor.v_pos, VPos::Bottom) { y - TEXT_SIZE } else { y };
    placement.take([left, top - 2.0, width, TEXT_SIZE + 3.0]);
    Ok(())
}

fn ink_of(layer: &LayerRow) -> Ink {
    if layer.array_macs >= layer.vector_macs { BLUE } else { GREEN }
}

/// A layer's point, and what it says on hovering.
fn disc(canvas: &Canvas<'_>, layer: &LayerRow, [x, y]: [f64; 2]) -> Result<(), ReportError> {
    let text = format!(
        "{} {}: {} MAC per cycle, {} MAC per byte",
        layer.index,
        layer.name,
        number::digits(layer.macs_per_cycle),
        layer.intensity.map_or_else(|| "no traffic,".to_owned(), number::digits),
    );
    let centre = (units(x), units(y));
    canvas.draw(&Circle::new(centre, units(HALO), PAPER.filled()))?;
    canvas.draw(&Hover { element: Circle::new(centre, units(RADIUS), ink_of(layer).filled()), text })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The oracle asks every crowd in turn. Points are dense enough that some are near two crowds.
    #[test]
    fn a_point_joins_the_first_crowd_that_it_covers() {
        let mut random = 1u64;
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as f64 / (1u64 << 31) as f64 * 30.0 - 15.0
        };
        let mut points: Vec<(usize, [f64; 2])> = (0..400).map(|index| (index, [next(), next()])).collect();
        points.push((400, [f64::INFINITY, f64::NEG_INFINITY]));
        let mut expected: Vec<([f64; 2], Vec<usize>)> = Vec::new();
        let mut between = 0;
        for &(index, [x, y]) in &points {
            let covers = |(at, _): &&mut ([f64; 2], _)| (at[0] - x).hypot(at[1] - y) < COVERED;
            between += u32::from(expected.iter_mut().filter(covers).count() > 1);
            match expected.iter_mut().find(covers) {
                Some((_, members)) => members.push(index),
                None => expected.push(([x, y], vec![index])),
            }
        }
        assert!(between > 50, "only {between} points are near two crowds");
        assert_eq!(crowds(&points), expected);
    }
}
