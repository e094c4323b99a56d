//! The path of a search for bits: what each step loses for what it saves.

use plotters::chart::ChartBuilder;
use plotters::element::{Circle, PathElement};
use plotters::style::Color;

use crate::draw::palette::{BLUE, FAINT, PAPER};
use crate::draw::{Drawing, Hover, Legend, border, decades, log, look, palette, pixels, tick_label, units};
use crate::{PlotFormat, ReportError};

/// A network on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct PathPoint {
    /// Average bits, or a share of the cost.
    pub across: f64,
    /// What is lost.
    pub loss: f64,
    /// What was done to get here, for whoever hovers.
    pub text: String,
}

/// Of the plot without its legend, pixels.
const HEIGHT: f64 = 420.0;
/// Of a point, and of the paper around it.
const RADIUS: f64 = 3.2;
const HALO: f64 = 4.2;

/// Whether each point is on the front: nothing further on the way, which saves more, loses less.
fn front(points: &[PathPoint]) -> Vec<bool> {
    let mut least = f64::INFINITY;
    let mut on: Vec<bool> = points
        .iter()
        .rev()
        .map(|point| {
            let on = point.loss < least;
            least = least.min(point.loss);
            on
        })
        .collect();
    on.reverse();
    on
}

/// The path as a plot: loss upwards in decades, what is saved from right to left.
///
/// # Errors
/// The drawing.
pub fn path(
    points: &[PathPoint],
    [across, upwards]: [&str; 2],
    format: PlotFormat,
) -> Result<Vec<u8>, ReportError> {
    let finite: Vec<PathPoint> =
        points.iter().filter(|point| point.loss.is_finite() && point.loss > 0.0).cloned().collect();
    let title = "Loss along the search";
    if finite.len() < 2 {
        return Drawing::empty("the search has no two networks with a loss")?.file(title, format);
    }
    let ends = |of: fn(&PathPoint) -> f64| {
        let values = || finite.iter().map(of);
        [values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max)]
    };
    let ([left, right], [low, high]) = (ends(|point| point.across), ends(|point| point.loss));
    let room = ((right - left) * 0.03).max(1e-6);
    let range = decades(low, high);
    let on = front(&finite);
    let legend = Legend::new([
        (BLUE, "front: nothing that saves more loses less".to_owned()),
        (palette::ORANGE, "behind it".to_owned()),
    ])?;
    let top = legend.below + 6.0;
    let drawing = Drawing::new(top + HEIGHT, |canvas| {
        legend.draw(canvas)?;
        let mut chart = ChartBuilder::on(canvas)
            .margin_top(units(top))
            .margin_left(units(8.0))
            .margin_right(units(16.0))
            .x_label_area_size(units(46.0))
            .y_label_area_size(units(76.0))
            .build_cartesian_2d(left - room..right + room, log(&range))?;
        let mut mesh = chart.configure_mesh();
        look(&mut mesh);
        mesh.x_labels(8)
            .y_labels(8)
            .x_label_formatter(&tick_label)
            .y_label_formatter(&|loss: &f64| {
                if *loss < 1e-3 { format!("{loss:.0e}") } else { tick_label(loss) }
            })
            .x_desc(across)
            .y_desc(upwards)
            .draw()?;
        let area = chart.plotting_area();
        border(area)?;
        area.draw(&PathElement::new(
            finite.iter().map(|point| (point.across, point.loss)).collect::<Vec<_>>(),
            FAINT.line(1.0),
        ))?;
        for (point, &on) in finite.iter().zip(&on) {
            let (x, y) = area.map_coordinate(&(point.across, point.loss));
            let centre = (units(pixels(x)), units(pixels(y)));
            let ink = if on { BLUE } else { palette::ORANGE };
            canvas.draw(&Circle::new(centre, units(HALO), PAPER.filled()))?;
            let element = Circle::new(centre, units(RADIUS), ink.filled());
            canvas.draw(&Hover { element, text: point.text.clone() })?;
        }
        Ok(())
    })?;
    drawing.file(title, format)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(across: f64, loss: f64) -> PathPoint {
        PathPoint { across, loss, text: format!("at {across}") }
    }

    #[test]
    fn what_a_later_network_beats_is_behind_the_front() {
        let points = [point(8.0, 0.2), point(7.0, 0.1), point(6.0, 0.3), point(5.0, 0.2), point(4.0, 0.9)];
        assert_eq!(front(&points), [false, true, false, true, true]);
    }

    #[test]
    fn every_network_is_drawn_and_none_without_a_loss() {
        let points = [point(8.0, 1e-4), point(7.0, 0.0), point(6.5, 2e-4), point(6.0, f64::INFINITY)];
        let svg = String::from_utf8(path(&points, ["bits", "loss"], PlotFormat::Svg).unwrap()).unwrap();
        assert!(svg.contains("at 8") && svg.contains("at 6.5"));
        assert!(!svg.contains("at 7") && !svg.contains("at 6<"));
        let none = String::from_utf8(path(&points[..2], ["bits", "loss"], PlotFormat::Svg).unwrap()).unwrap();
        assert!(none.contains("no two networks"));
    }
}
