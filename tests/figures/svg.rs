//! Plots read back: rectangles and circles by class, labels, and the values that coordinates stand for.

use crate::cases::Case;

/// What has one class: rectangles as left, top, right, bottom, or a circle's centre.
#[derive(Debug)]
pub struct Shape {
    pub class: String,
    pub boxes: Vec<[f64; 4]>,
    pub centre: Option<[f64; 2]>,
    pub hover: Option<String>,
}

#[derive(Debug)]
pub struct Label {
    pub x: f64,
    pub y: f64,
    pub text: String,
    pub anchor: &'static str,
    /// A tick's or a bar's number is faint.
    pub faint: bool,
}

/// A plot.
pub struct Plot {
    pub shapes: Vec<Shape>,
    pub labels: Vec<Label>,
}

/// A straight line through two points.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    origin: f64,
    per_pixel: f64,
    /// Values are logarithms.
    log: bool,
}

impl Axis {
    pub fn value(&self, at: f64) -> f64 {
        let value = self.origin + self.per_pixel * at;
        if self.log { value.exp() } else { value }
    }

    pub fn place(&self, value: f64) -> f64 {
        ((if self.log { value.ln() } else { value }) - self.origin) / self.per_pixel
    }

    /// What a length stands for.
    pub fn length(&self, pixels: f64) -> f64 {
        self.per_pixel * pixels
    }

    fn through(mut ticks: Vec<(f64, f64)>, log: bool) -> Axis {
        ticks.sort_by(|a, b| a.0.total_cmp(&b.0));
        let value = |value: f64| if log { value.ln() } else { value };
        let (first, last) = (ticks[0], ticks[ticks.len() - 1]);
        let per_pixel = (value(last.1) - value(first.1)) / (last.0 - first.0);
        let axis = Axis { origin: value(first.1) - per_pixel * first.0, per_pixel, log };
        assert!(ticks.len() > 1, "one tick is no axis");
        for (at, wanted) in &ticks {
            assert!((axis.place(*wanted) - at).abs() < 0.5, "{wanted} is not where ticks say: {ticks:?}");
        }
        axis
    }
}

/// A number with the prefix of a unit, or in hexadecimal.
pub fn number(text: &str) -> Option<f64> {
    let text = text.replace('−', "-").replace(',', "");
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().map(|number| number as f64);
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-').unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let prefixes = [
        ("T", 1e12),
        ("G", 1e9),
        ("M", 1e6),
        ("k", 1e3),
        ("m", 1e-3),
        ("µ", 1e-6),
        ("n", 1e-9),
        ("p", 1e-12),
    ];
    let unit = text[end..].trim();
    // A letter alone in front of a unit is a prefix; "B", "dB" and "ms" stand for themselves where they are asked for.
    let prefix = prefixes.iter().find(|(prefix, _)| unit.starts_with(prefix) && unit != "MHz");
    Some(number * prefix.map_or(1.0, |(_, step)| *step))
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let from = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    tag[from..].split('"').next()
}

fn boxes(path: &str) -> Option<Vec<[f64; 4]>> {
    path.split('z')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (start, rest) = part.strip_prefix('M')?.split_once('h')?;
            let (x, y) = start.split_once(' ')?;
            let (width, rest) = rest.split_once('v')?;
            let (height, _) = rest.split_once('h')?;
            let [x, y, width, height] = [x, y, width, height].map(|text| text.parse::<f64>().ok());
            Some([x?, y?, x? + width?, y? + height?])
        })
        .collect()
}

impl Plot {
    pub fn read(case: &Case, name: &str) -> Plot {
        let text = case.read(&format!("plots/{name}.svg"));
        let body = &text[text.find("</style>").unwrap()..];
        let (mut shapes, mut labels) = (Vec::new(), Vec::new());
        let (mut anchor, mut faint) = ("start", false);
        for line in body.lines() {
            let hover = || {
                line.split_once("<title>").map(|(_, rest)| rest.split("</title>").next().unwrap().to_owned())
            };
            if line.starts_with("<path class=\"f-") {
                let class = attribute(line, "class").unwrap()[2..].to_owned();
                if let Some(boxes) = boxes(attribute(line, "d").unwrap()) {
                    shapes.push(Shape { class, boxes, centre: None, hover: hover() });
                }
            } else if line.starts_with("<circle class=\"f-") {
                let class = attribute(line, "class").unwrap()[2..].to_owned();
                let centre = ["cx", "cy"].map(|side| attribute(line, side).unwrap().parse().unwrap());
                shapes.push(Shape { class, boxes: Vec::new(), centre: Some(centre), hover: hover() });
            }
            if line.starts_with("<g") {
                let tag = &line[..line.find('>').unwrap()];
                anchor = match attribute(tag, "text-anchor") {
                    Some("middle") => "middle",
                    Some("end") => "end",
                    _ => "start",
                };
                faint = attribute(tag, "class") == Some("f-faint");
            }
            if let Some(at) = line.find("<text x=") {
                let tag = &line[at..];
                let [x, y] = ["x", "y"].map(|side| attribute(tag, side).unwrap().parse().unwrap());
                let text = tag[tag.find('>').unwrap() + 1..].trim_end_matches("</text>").to_owned();
                labels.push(Label { x, y, text, anchor, faint });
            }
        }
        Plot { shapes, labels }
    }

    /// Class of each series, by the boxes beside the names at the top.
    pub fn legend(&self) -> Vec<(&str, &str)> {
        let swatch = |shape: &&Shape| {
            shape.hover.is_none()
                && matches!(shape.boxes[..], [[left, top, right, bottom]]
                if (right - left - 13.0).abs() < 0.2 && (bottom - top - 13.0).abs() < 0.2)
        };
        let swatches = self.shapes.iter().filter(|shape| shape.centre.is_none()).filter(swatch);
        swatches
            .map(|shape| {
                let [left, top, ..] = shape.boxes[0];
                let beside = |label: &&Label| {
                    (label.x - left - 19.0).abs() < 0.5 && label.y > top && label.y < top + 13.0
                };
                let label =
                    self.labels.iter().find(beside).unwrap_or_else(|| panic!("no name at {left}, {top}"));
                (shape.class.as_str(), label.text.as_str())
            })
            .collect()
    }

    /// The axis below: ticks are the faint labels of the lowest row.
    pub fn across(&self, log: bool) -> Axis {
        let ticks = || self.labels.iter().filter(|label| label.faint && label.anchor == "middle");
        let lowest = ticks().map(|label| label.y).fold(0.0, f64::max);
        let row = ticks().filter(|label| (label.y - lowest).abs() < 0.2);
        Axis::through(row.map(|label| (label.x, number(&label.text).unwrap())).collect(), log)
    }

    /// Ticks of the axis on the left, or on the right: faint labels in one column, each at a tick's height.
    fn ticks(&self, right: bool) -> Vec<(f64, f64)> {
        // A text's baseline lies so far below its middle.
        const BELOW: f64 = 4.25;
        let of = |label: &&Label| label.faint && label.anchor != "middle" && (label.x > 890.0) == right;
        let ticks: Vec<&Label> = self.labels.iter().filter(of).collect();
        let edge = ticks.iter().map(|label| label.x).fold(f64::MAX, f64::min);
        let column = ticks.iter().filter(|label| right || (label.x - edge).abs() < 0.2);
        column.filter_map(|label| Some((label.y - BELOW, number(&label.text)?))).collect()
    }

    pub fn upwards(&self, log: bool) -> Axis {
        Axis::through(self.ticks(false), log)
    }

    pub fn on_the_right(&self, log: bool) -> Axis {
        Axis::through(self.ticks(true), log)
    }

    /// Boxes of a class that are neither legend nor hovering.
    pub fn plain_boxes(&self, class: &str) -> Vec<[f64; 4]> {
        let own = self.shapes.iter().filter(|shape| shape.class == class && shape.hover.is_none());
        let boxes = own.flat_map(|shape| shape.boxes.iter().copied());
        boxes
            .filter(|[left, top, right, bottom]| {
                !(*top < 30.0 && right - left > 12.9 && right - left < 13.1 && bottom - top > 12.9)
            })
            .collect()
    }
}
