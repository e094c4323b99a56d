//! Accuracy of float and integer network.

use maud::{Markup, html};

use super::Source;
use super::headline::points;
use crate::number::{count, percent};
use crate::{Accuracy, ReportInput};

pub fn section(input: &ReportInput<'_>) -> Markup {
    let Some(accuracy) = &input.accuracy else {
        return html! { div.box { p.say { "Accuracy was not evaluated for this report." } } };
    };
    html! {
        div.box {
            h3 { (accuracy.dataset) ", " (count(accuracy.images)) " images " (Source::Evaluated.badge()) }
            div.scroll { table {
                thead { tr {
                    th { "" } th.number { "float" } th.number { "integer" } th.number { "difference" }
                    th.number { "95 % interval (integer)" }
                } }
                tbody {
                    (row("Top-1", accuracy.float_top1, Some(accuracy.integer_top1), accuracy))
                    (row("Top-5", accuracy.float_top5, accuracy.integer_top5, accuracy))
                    @if let Some(agreement) = accuracy.agreement {
                        tr {
                            td { "Same first class" } td.number {} td.number { (percent(agreement)) }
                            td.number {} td.number { (interval(agreement, accuracy.images)) }
                        }
                    }
                }
            } }
            p.say {
                "Integer answers by: " (accuracy.evaluated_by) ". The interval is Wilson's, of a share over this many \
                 images: differences well inside it may be chance."
            }
        }
    }
}

fn row(name: &str, float: Option<f64>, integer: Option<f64>, accuracy: &Accuracy) -> Markup {
    let Some(integer) = integer else { return html! {} };
    html! {
        tr {
            td { (name) } td.number { (float.map_or("not measured".to_owned(), percent)) }
            td.number { (percent(integer)) }
            td.number { (float.map_or("–".to_owned(), |float| points(integer - float))) }
            td.number { (interval(integer, accuracy.images)) }
        }
    }
}

/// Wilson's score interval at 95 %.
fn interval(share: f64, images: u64) -> String {
    if images == 0 || !(0.0..=1.0).contains(&share) {
        return "–".to_owned();
    }
    const Z: f64 = 1.959_964;
    let n = images as f64;
    let scale = 1.0 / (1.0 + Z * Z / n);
    let centre = (share + Z * Z / (2.0 * n)) * scale;
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt() * scale;
    format!("{:.1} to {:.1} %", (centre - half).max(0.0) * 100.0, (centre + half).min(1.0) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::interval;

    #[test]
    fn intervals_narrow_with_images() {
        assert_eq!(interval(0.5, 100), "40.4 to 59.6 %");
        assert_eq!(interval(1.0, 10), "72.2 to 100.0 %");
        assert_eq!(interval(0.5, 0), "–");
    }
}
