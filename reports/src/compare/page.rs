//! The page of a comparison.

use maud::{Markup, html};

use super::{Better, Comparison, Figure, LayerFigures};
use crate::PlotFormat;
use crate::number::{count, digits, joules};
use crate::page::{Source, document, figure};
use crate::plots::Plot;

pub fn page(comparison: &Comparison, plots: &[Plot], format: PlotFormat) -> String {
    let title = comparison.runs.join(" and ");
    document(
        &title,
        html! {
                    header {
                        p.tool { "Bitgauge comparison" }
                        h1 { (title) }
                    }
                    main {
                        section {
                            h2 { "Figures" }
                            div.box {
                                @for remark in &comparison.remarks { p.fail { (remark) } }
                                (figures(comparison))
                                p.say { "Below a value: over that of the first run; an arrow says where it is better (▲) or worse (▼)." }
                            }
                            (figure(plots, "energy", Source::Priced, format))
                        }
                        section {
                            h2 { "Layers" }
                            (figure(plots, "layer_cycles", Source::Simulated, format))
                            (layers(comparison))
                        }
                    }
        },
    )
}

fn figures(comparison: &Comparison) -> Markup {
    html! {
        div.scroll tabindex="0" { table {
            thead { tr { th { "figure" } @for run in &comparison.runs { th.number { (run) } } th { "source" } } }
            tbody { @for figure in &comparison.figures { tr {
                td { (figure.name) }
                @for (index, text) in figure.texts().iter().enumerate() {
                    td.number { (text) (against(figure, index)) }
                }
                td { (figure.source.badge()) }
            } } }
        } }
    }
}

fn against(figure: &Figure, run: usize) -> Markup {
    let Some(ratio) = figure.against_first(run).filter(|_| run > 0) else { return html! {} };
    let (mark, class) = match figure.better {
        Better::Neither => ("", ""),
        _ if (ratio - 1.0).abs() < 5e-4 => ("", ""),
        Better::Less if ratio < 1.0 => (" ▲", "pass"),
        Better::More if ratio > 1.0 => (" ▲", "pass"),
        _ => (" ▼", "worse"),
    };
    html! { span.under { span class=(class) { (times(ratio)) (mark) } } }
}

/// A quotient; what differs by less than it shows is equal.
fn times(ratio: f64) -> String {
    match ratio {
        _ if (ratio - 1.0).abs() < 5e-4 => "=".to_owned(),
        _ if ratio < 10.0 => format!("× {ratio:.3}"),
        _ => format!("× {}", digits(ratio)),
    }
}

fn layers(comparison: &Comparison) -> Markup {
    let first = |layer: &LayerFigures| layer.cycles.first().copied().flatten();
    html! {
        div.box {
            h3 { "Table of layers " (Source::Simulated.badge()) " " (Source::Priced.badge()) }
            input type="search" placeholder="filter: a name, conv, memory bus …" data-filter="layer-table"
                aria-label="filter layers";
            div.scroll tabindex="0" { table id="layer-table" {
                thead { tr {
                    th.number data-sort="number" { "#" }
                    th data-sort="text" { "layer" }
                    @for run in &comparison.runs { th.number data-sort="number" { "cycles, " (run) } }
                    @for run in &comparison.runs { th.number data-sort="number" { "energy, " (run) } }
                    @for run in &comparison.runs { th data-sort="text" { "bound by, " (run) } }
                } }
                tbody { @for (index, layer) in comparison.layers.iter().enumerate() { tr {
                    td.number { (index) }
                    td.name { @for part in layer.name.split_inclusive('/') { (part) wbr; } span.under { (layer.operator) } }
                    @for (run, cycles) in layer.cycles.iter().enumerate() {
                        td.number data-value=(cycles.map_or(-1.0, |cycles| cycles as f64)) {
                            (cycles.map_or_else(|| "–".to_owned(), count))
                            @if let (true, Some(cycles), Some(first)) = (run > 0, cycles, first(layer).filter(|first| *first > 0)) {
                                span.under { (times(*cycles as f64 / first as f64)) }
                            }
                        }
                    }
                    @for energy in &layer.picojoules {
                        td.number data-value=(energy.unwrap_or(-1.0)) { (energy.map_or_else(|| "–".to_owned(), joules)) }
                    }
                    @for bottleneck in &layer.bottleneck { td { (bottleneck.as_deref().unwrap_or("–")) } }
                } } }
            } }
            p.say { "Below cycles: over those of the first run. A click on a head sorts." }
        }
    }
}
