//! Are plots sound files, as SVG and as PNG, and do both show the same?

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../examples/demo/fixture/mod.rs"]
mod fixture;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use bitgauge_reports::{PlotFormat, Report, render, render_with};
use fixture::Fixture;

/// Dots of a PNG for a pixel of the SVG: 300 and 96 to the inch.
const SCALE: f64 = 300.0 / 96.0;

struct Picture {
    width: u32,
    height: u32,
    dots_per_metre: u32,
    dots: Vec<u8>,
}

impl Picture {
    fn read(file: &[u8]) -> Picture {
        let mut reader = png::Decoder::new(Cursor::new(file)).read_info().unwrap();
        let mut dots = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut dots).unwrap();
        let info = reader.info();
        assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
        let size = info.pixel_dims.unwrap();
        assert!(size.xppu == size.yppu && size.unit == png::Unit::Meter);
        Picture { width: info.width, height: info.height, dots_per_metre: size.xppu, dots }
    }

    fn at(&self, x: f64, y: f64) -> String {
        let at = (y as usize * self.width as usize + x as usize) * 3;
        let colour = &self.dots[at..at + 3];
        format!("#{:02x}{:02x}{:02x}", colour[0], colour[1], colour[2])
    }
}

fn text(report: &Report, path: &str) -> String {
    String::from_utf8(report.file(path).unwrap_or_else(|| panic!("{path} is missing")).to_vec()).unwrap()
}

fn plots(report: &Report) -> Vec<String> {
    let names = report.files.iter().filter_map(|file| file.path.strip_prefix("plots/"));
    names.map(|name| name.rsplit_once('.').unwrap().0.to_owned()).collect()
}

/// What stands between `before` and the next `after`, everywhere.
fn between<'a>(text: &'a str, before: &str, after: char) -> Vec<&'a str> {
    text.split(before).skip(1).map(|rest| rest.split(after).next().unwrap()).collect()
}

/// Fill colours of classes, of a file's own style.
fn colours(svg: &str) -> BTreeMap<String, String> {
    let style = between(svg, "<style>", '<')[0];
    let rules = style.split("svg.plot .").skip(1).filter_map(|rule| rule.split_once("{fill:"));
    rules.map(|(class, rest)| (class.to_owned(), rest.split('}').next().unwrap().to_owned())).collect()
}

/// Rectangles of a path as this crate writes them: `M x y h w v h h -w z`, again and again.
fn rectangles(path: &str) -> Option<Vec<[f64; 4]>> {
    let number = |text: &str| text.parse::<f64>().ok();
    path.split('z')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (start, rest) = part.strip_prefix('M')?.split_once('h')?;
            let (x, y) = start.split_once(' ')?;
            let (width, rest) = rest.split_once('v')?;
            let (height, _) = rest.split_once('h')?;
            Some([number(x)?, number(y)?, number(width)?, number(height)?])
        })
        .collect()
}

#[test]
fn an_svg_has_its_size_and_every_class_has_a_rule() {
    let fixture = Fixture::new(1).unwrap();
    let report = render(&fixture.input()).unwrap();
    let page = text(&report, "index.html");
    assert_eq!(plots(&report).len(), 11);
    for name in plots(&report) {
        let svg = text(&report, &format!("plots/{name}.svg"));
        let head = &svg[..svg.find('>').unwrap()];
        let [width, height] = ["width", "height"].map(|side| between(head, &format!(" {side}=\""), '"')[0]);
        assert!(head.contains(&format!("viewBox=\"0 0 {width} {height}\"")), "{name}: {head}");
        assert_eq!(width, "960");
        let body = &svg[svg.find("</style>").unwrap()..];
        let classes: BTreeSet<&str> = between(body, "class=\"", '"').into_iter().collect();
        assert!(classes.len() > 2, "{name} shows next to nothing");
        for class in classes {
            let rule = format!("svg.plot .{class}{{");
            assert!(svg.contains(&rule), "{name}: {class} has no rule");
            assert_eq!(page.matches(&rule).count(), 2, "a page gives {class} a light and a dark meaning");
        }
        for fixed in [" fill=", " stroke=", "rgb("] {
            assert!(!body.contains(fixed), "{name} fixes a colour: {fixed}");
        }
    }
}

#[test]
fn a_png_is_for_print_and_shows_what_the_svg_shows() {
    let fixture = Fixture::new(1).unwrap();
    let input = fixture.input();
    let (vectors, dots) = (render(&input).unwrap(), render_with(&input, PlotFormat::Png).unwrap());
    assert_eq!(plots(&vectors), plots(&dots));
    let mut compared = 0;
    for name in plots(&dots) {
        let svg = text(&vectors, &format!("plots/{name}.svg"));
        let picture = Picture::read(dots.file(&format!("plots/{name}.png")).unwrap());
        let height: f64 = between(&svg, " height=\"", '"')[0].parse().unwrap();
        assert_eq!((picture.width, picture.height), (3000, (height * SCALE).round() as u32), "{name}");
        // 300 dots to 25.4 mm.
        assert_eq!(picture.dots_per_metre, 11811);
        assert_eq!(picture.at(0.0, 0.0), "#ffffff", "{name} is on paper");
        let colours = colours(&svg);
        for shape in between(&svg, "<path class=\"f-", '>') {
            let (class, rest) = shape.split_once('"').unwrap();
            let path = between(rest, " d=\"", '"')[0];
            for [x, y, width, height] in rectangles(path).unwrap_or_default() {
                // What lies above it, a line or another operand, is another colour's.
                if ["layer_cycles", "unit_cycles", "energy", "traffic", "sqnr"].contains(&name.as_str())
                    && width > 2.0
                {
                    let [x, y] = [x + width / 2.0, y + height / 2.0].map(|at| at * SCALE);
                    assert_eq!(picture.at(x, y), colours[&format!("f-{class}")], "{name} at {x} {y}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 60, "{compared}");
}

#[test]
fn letters_stand_where_the_svg_puts_them() {
    let fixture = Fixture::new(1).unwrap();
    let input = fixture.input();
    let (vectors, dots) = (render(&input).unwrap(), render_with(&input, PlotFormat::Png).unwrap());
    let svg = text(&vectors, "plots/unit_cycles.svg");
    let picture = Picture::read(dots.file("plots/unit_cycles.png").unwrap());
    for name in ["load", "compute", "vector", "store"] {
        let mut labels = between(&svg, "<text x=\"", '<').into_iter();
        let label = labels.rfind(|label| label.ends_with(&format!(">{name}"))).unwrap();
        let (x, rest) = label.split_once("\" y=\"").unwrap();
        let [end, baseline] = [x, rest.split('"').next().unwrap()].map(|at| at.parse::<f64>().unwrap());
        // Row labels end at their anchor: ink in the last letter's box, from baseline to x-height, none after.
        let ink = |from: f64, to: f64| {
            let dots = |low: f64, high: f64| (low * SCALE) as u32..(high * SCALE) as u32;
            dots(baseline - 6.0, baseline)
                .any(|y| dots(from, to).any(|x| picture.at(f64::from(x), f64::from(y)) != "#ffffff"))
        };
        assert!(ink(end - 5.0, end) && !ink(end + 0.7, end + 2.5), "{name}");
    }
}

#[test]
fn equal_inputs_make_equal_pictures_and_the_page_names_them() {
    let (one, two) = (Fixture::new(1).unwrap(), Fixture::new(1).unwrap());
    let report = render_with(&one.input(), PlotFormat::Png).unwrap();
    assert_eq!(report, render_with(&two.input(), PlotFormat::Png).unwrap());
    let page = text(&report, "index.html");
    for name in plots(&report) {
        assert!(page.contains(&format!("href=\"plots/{name}.png\"")), "{name}");
    }
    assert!(!page.contains("plots/energy.svg") && page.contains("<svg"));
    // Only plots and the links to them depend on the format.
    let vectors = render(&one.input()).unwrap();
    for file in vectors.files.iter().filter(|file| !file.path.starts_with("plots/")) {
        let same = report.file(&file.path) == Some(file.bytes.as_slice());
        assert_eq!(same, file.path != "index.html", "{}", file.path);
    }
}
