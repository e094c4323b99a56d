//! The table of layers.

use maud::{Markup, html};

use super::Source;
use crate::number::{count, digits, joules, percent, si};
use crate::{LayerRow, Measured};

const HEADS: &[(&str, bool, &str)] = &[
    ("#", true, "position in the program"),
    ("layer", false, "name and operator"),
    ("M × N × K", false, "matrix product"),
    ("MAC", true, "useful multiply-accumulates"),
    ("share", true, "cycles by which the layer's end moves the end of the run; these add up"),
    ("window", true, "cycles from its first command's start to its last one's end; windows overlap"),
    ("bound", true, "closed-form lower bound on the window"),
    ("utilization", true, "array MAC / (rows × cols × array span)"),
    ("geometry allows", true, "M N K over the product padded to whole rows and columns"),
    ("bus busy", true, "share of the window with one of its beats on the bus"),
    ("bound by", false, "what is busiest in the window, or, below half, what is waited for"),
    ("traffic", true, "bytes on the bus"),
    ("energy", true, "priced"),
];

pub fn section(measured: &Measured) -> Markup {
    let layers = &measured.layers;
    let shares: u64 = layers.iter().map(|layer| layer.share_cycles).sum();
    let tail = measured.headline.cycles.saturating_sub(shares);
    html! {
        div.box {
            h3 {
                "Table of layers " (Source::Simulated.badge()) " " (Source::Analytical.badge()) " " (Source::Priced.badge())
            }
            @if layers.len() > 12 {
                input type="search" placeholder="filter: a name, conv, memory bus …" data-filter="layer-table"
                    aria-label="filter layers";
            }
            div.scroll tabindex="0" { table id="layer-table" {
                thead { tr { @for (head, number, hover) in HEADS {
                    th class=[number.then_some("number")] data-sort=(if *number { "number" } else { "text" })
                        title=(hover) { (head) }
                } } }
                tbody { @for layer in layers { (row(layer)) } }
                tfoot { tr {
                    td {} td { "all layers" } td {}
                    td.number { (si(layers.iter().map(|layer| layer.macs as f64).sum(), "")) }
                    td.number { (count(shares)) } td {} td {} td {} td {} td {} td {}
                    td.number { (si(layers.iter().map(|layer| (layer.read_bytes + layer.write_bytes) as f64).sum(), "B")) }
                    td.number { (joules(layers.iter().map(|layer| layer.picojoules).sum())) }
                } }
            } }
            p.say {
                "Cycles, utilization, traffic: simulated. Bound and what geometry allows: analytical. Energy: priced. \
                 Shares and a tail of " (count(tail)) " cycles, in which the controller stops, add up to the run. \
                 Utilization below what geometry allows is lost to tiling, drain and operands that come late. \
                 Bound by: the busiest of memory bus, array feeders and vector unit over the window; where none is \
                 busy in half of it, what the layer's main unit waited for longest. A click on a head sorts."
            }
            details {
                summary { "How each layer was mapped" }
                div.scroll { table {
                    thead { tr { th { "#" } th { "layer" } th { "mapping" } th.number { "feed cycles" }
                        th.number { "array span" } th.number { "MAC with padding" } th.number { "vector MAC" } } }
                    tbody { @for layer in layers { tr {
                        td { (layer.index) } td.tight { (layer.name) } td { (layer.mapping) }
                        td.number { (count(layer.feed_cycles)) } td.number { (count(layer.array_span)) }
                        td.number { (count(layer.array_padded_macs)) } td.number { (count(layer.vector_macs)) }
                    } } }
                } }
            }
        }
    }
}

fn row(layer: &LayerRow) -> Markup {
    let product = layer.product.map_or_else(|| "–".to_owned(), |[m, n, k]| format!("{m} × {n} × {k}"));
    let bytes = layer.read_bytes + layer.write_bytes;
    html! {
        tr {
            td.number { (layer.index) }
            td.tight title=(layer.mapping) { (layer.name) span.under { (layer.operator) } }
            td.tight { (product) }
            (cell(layer.macs as f64, &si(layer.macs as f64, "")))
            (cell(layer.share_cycles as f64, &count(layer.share_cycles)))
            (cell(layer.window_cycles as f64, &count(layer.window_cycles)))
            (cell(layer.bound_cycles as f64, &count(layer.bound_cycles)))
            (share(layer.utilization))
            (share(layer.geometric_bound))
            (share(Some(layer.bus_occupancy)))
            td { (layer.bottleneck) span.under { (percent(layer.bottleneck_occupancy)) } }
            (cell(bytes as f64, &si(bytes as f64, "B")))
            (cell(layer.picojoules, &joules(layer.picojoules)))
        }
    }
}

fn cell(value: f64, text: &str) -> Markup {
    html! { td.number data-value=(digits_exact(value)) { (text) } }
}

fn share(value: Option<f64>) -> Markup {
    cell(value.unwrap_or(-1.0), &value.map_or_else(|| "–".to_owned(), percent))
}

/// A value to sort by.
fn digits_exact(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value}") } else { digits(value) }
}
