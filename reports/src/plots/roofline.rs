//! Work per cycle against work per byte, under the two roofs of the hardware.

use super::{Context, Plot};
use crate::svg::{Anchor, Axis, Frame, Svg, legend, shorten, style, text_width};
use crate::{LayerRow, ReportError, tables};

/// Layers up to which points carry names and not only numbers.
const NAMED: usize = 16;

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
        let svg = Svg::empty("no layer with multiply-accumulates");
        return Ok(Plot { name: "roofline", title, caption: String::new(), svg, data });
    }

    let ridge = peak / bus;
    let intensities = || shown.iter().filter_map(|layer| layer.intensity);
    let x =
        Axis::decades(intensities().fold(ridge / 4.0, f64::min), intensities().fold(ridge * 4.0, f64::max));
    let lowest = shown.iter().map(|layer| layer.macs_per_cycle).fold(peak / 20.0, f64::min);
    let mut svg = Svg::new(0.0);
    let below = legend(
        &mut svg,
        12.0,
        6.0,
        &[(style::BLUE, "on the array".to_owned()), (style::GREEN, "on the vector unit".to_owned())],
    );
    let frame = Frame {
        left: 72.0,
        top: below + 6.0,
        width: svg.width - 72.0 - 72.0,
        height: 440.0,
        x,
        y: Axis::decades(lowest, peak * 1.3),
    };
    svg.height = frame.bottom() + 50.0;
    frame.x_axis(&mut svg, "operational intensity, MAC per byte on the bus");
    frame.y_axis(&mut svg, "MAC per cycle", 5);
    frame.y_axis_scaled(&mut svg, "GOP/s (2 per MAC)", 2.0 * f64::from(accelerator.clock.mhz) / 1000.0);
    frame.border(&mut svg);

    let low = (frame.y.low() / bus).max(x.low());
    let corner = ridge.clamp(x.low(), x.high());
    let roof = |intensity: f64| frame.py((intensity * bus).min(peak));
    svg.line("roof", [frame.px(low), roof(low), frame.px(corner), roof(corner)]);
    svg.line("roof", [frame.px(corner), roof(corner), frame.right(), roof(x.high())]);
    let mut taken = Vec::new();
    let peak_text = format!("array peak: {peak} MAC per cycle");
    let peak_box = [
        frame.right() - 8.0 - text_width(&peak_text, 13.0),
        roof(x.high()) - 20.0,
        text_width(&peak_text, 13.0),
        16.0,
    ];
    svg.text("strong", frame.right() - 8.0, roof(x.high()) - 7.0, Anchor::End, &peak_text);
    taken.push(peak_box);
    let bus_text = format!("bus: {bus} bytes per cycle");
    let middle = (low * corner).sqrt();
    let [bus_x, bus_y] = [frame.px(middle) + 18.0, roof(middle) + 12.0];
    svg.text("strong", bus_x, bus_y, Anchor::Start, &bus_text);
    taken.push([bus_x, bus_y - 13.0, text_width(&bus_text, 13.0), 16.0]);
    for step in 0..=60 {
        // Both axes are logarithmic: equal ratios are equal steps.
        let intensity = x.low() * (x.high() / x.low()).powf(f64::from(step) / 60.0);
        taken.push([frame.px(intensity) - 8.0, roof(intensity) - 3.0, 16.0, 6.0]);
    }

    let points: Vec<(&LayerRow, f64, f64)> = shown
        .iter()
        // Without traffic the intensity is infinite: such points sit on the right edge.
        .map(|layer| {
            (
                *layer,
                layer.intensity.map_or(frame.right(), |value| frame.px(value)),
                frame.py(layer.macs_per_cycle),
            )
        })
        .collect();
    for (_, x, y) in &points {
        taken.push([x - 5.0, y - 5.0, 10.0, 10.0]);
    }
    for (layer, x, y) in &points {
        let text = if shown.len() <= NAMED {
            shorten(&format!("{} {}", layer.index, layer.name), 22)
        } else {
            layer.index.to_string()
        };
        if !place(&mut svg, &frame, &mut taken, [*x, *y], &text) {
            // Too thick a crowd for names; where even the number finds no place, hovering still tells.
            place(&mut svg, &frame, &mut taken, [*x, *y], &layer.index.to_string());
        }
    }
    for (layer, x, y) in &points {
        let colour = if layer.array_macs >= layer.vector_macs { style::BLUE } else { style::GREEN };
        let hover = format!(
            "{} {}: {} MAC per cycle, {} MAC per byte",
            layer.index,
            layer.name,
            crate::number::digits(layer.macs_per_cycle),
            layer.intensity.map_or_else(|| "no traffic,".to_owned(), crate::number::digits),
        );
        svg.disc(&format!("{} point", style::fill(colour)), *x, *y, 5.5, &hover);
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
    Ok(Plot { name: "roofline", title, caption, svg, data })
}

/// Where a label may stand from its point: beside it before above and below, near the level before steep.
const DIRECTIONS: [(f64, f64); 14] = [
    (1.0, 0.0),
    (-1.0, 0.0),
    (0.7, -0.8),
    (0.7, 0.8),
    (-0.7, -0.8),
    (-0.7, 0.8),
    (0.0, -1.3),
    (0.0, 1.3),
    (0.35, 1.0),
    (-0.35, 1.0),
    (0.9, 0.4),
    (-0.9, 0.4),
    (0.9, -0.4),
    (-0.9, -0.4),
];

/// Puts a label where it hides nothing, near its point, with a leader where it is not next to it; says
/// whether there was a place.
fn place(svg: &mut Svg, frame: &Frame, taken: &mut Vec<[f64; 4]>, [x, y]: [f64; 2], text: &str) -> bool {
    let (w, h) = (text_width(text, 12.0), 14.0);
    let mut best = None;
    'search: for radius in [8.0, 18.0, 32.0, 50.0, 72.0, 100.0, 130.0, 165.0, 200.0] {
        for (dx, dy) in DIRECTIONS {
            let shift = if dx < 0.0 {
                w
            } else if dx == 0.0 {
                w / 2.0
            } else {
                0.0
            };
            let area = [x + dx * radius - shift, y + dy * radius - h / 2.0, w, h];
            let inside = area[0] > frame.left + 2.0
                && area[0] + w < frame.right() - 2.0
                && area[1] > frame.top + 2.0
                && area[1] + h < frame.bottom() - 2.0;
            let leader = leader([x, y], area);
            let free = |part: &[f64; 4]| !taken.iter().any(|other| overlap(part, other));
            if inside && free(&area) && (radius <= 8.0 || leader.iter().all(free)) {
                best = Some((area, radius, leader));
                break 'search;
            }
        }
    }
    let Some((area, radius, leader)) = best else { return false };
    if radius > 8.0 {
        let end = area[0] + (x - area[0]).clamp(0.0, w);
        svg.line("leader", [x, y, end, area[1] + if y < area[1] { 1.0 } else { h - 1.0 }]);
        taken.extend(leader);
    }
    svg.text("tick", area[0], area[1] + 11.0, Anchor::Start, text);
    taken.push(area);
    true
}

/// Boxes along the line from a point, beyond its disc, to its label.
fn leader([x, y]: [f64; 2], [left, top, w, h]: [f64; 4]) -> Vec<[f64; 4]> {
    let end = [left + (x - left).clamp(0.0, w), if y < top { top } else { top + h }];
    let length = (end[0] - x).hypot(end[1] - y);
    let steps = (length / 3.0) as u32;
    (1..steps)
        .map(|step| f64::from(step) / f64::from(steps))
        .filter(|at| at * length > 10.0)
        .map(|at| [x + at * (end[0] - x) - 1.5, y + at * (end[1] - y) - 1.5, 3.0, 3.0])
        .collect()
}

fn overlap(a: &[f64; 4], b: &[f64; 4]) -> bool {
    a[0] < b[0] + b[2] && b[0] < a[0] + a[2] && a[1] < b[1] + b[3] && b[1] < a[1] + a[3]
}
