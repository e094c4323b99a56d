//! The table of layers.

use maud::{Markup, html};

use super::Source;
use crate::measure::BINDING;
use crate::number::{count, digits, joules, percent, si};
use crate::{LayerRow, Measured};

/// Share of what geometry allows that a layer bound by the array should reach.
const REACHED: f64 = 0.95;

const HEADS: &[(&str, bool, &str)] = &[
    ("#", true, "position in the program"),
    ("layer", false, "name and operator"),
    ("M × N × K", false, "matrix product"),
    ("MAC", true, "useful multiply-accumulates"),
    ("share", true, "cycles by which the layer's end moves the end of the run; these add up"),
    ("window", true, "cycles from its first command's start to its last one's end; windows overlap"),
    ("bound", true, "closed-form lower bound on the window"),
    ("utilization", true, "array MAC / (rows × cols × array span)"),
    (
        "geometry allows",
        true,
        "useful MAC / MAC with padding: M padded to multiples of the rows, N of the columns, K of a scratchpad line per \
         kernel position and segment (24 channels take two lines of 16). As tiled: padding of every tile counts. Where \
         the layer as one product would pad less, that stands below as whole; groups of a batched product count in M.",
    ),
    ("of it reached", true, "utilization / what geometry allows, as tiled"),
    (
        "bound by",
        false,
        "the resource whose closed form is largest, if it fills 85 % of the window (the array: of its span); else the longest \
         measured wait and whose commands ended most of it",
    ),
    ("traffic", true, "bytes on the bus; below, the share of the window with one of the layer's beats on it"),
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
                tbody { @for layer in layers { (row(layers, layer)) } }
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
                 Utilization below what geometry allows is lost to setup, drain and operands that come late. \
                 Bound by: of array (feeding and setup), memory bus, vector unit, load lines and store lines the one whose \
                 closed form for the layer is largest, if that fills at least " (format!("{:.0} %", BINDING * 100.0))
                " of the layer's window (the array: of its span); else the longest wait: of the unit that does the layer's \
                 work, for a token, a bank or its own work on other layers (layers interleave), or of a load or store for memory, \
                 which is its time beyond its lines and \
                 beats. A wait for a token names who gave it, followed back through the layer's own \
                 commands. A click on a head sorts."
            }
            (array_bound(layers))
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

/// Says of the layers that the array binds how near they come to what geometry allows.
fn array_bound(layers: &[LayerRow]) -> Markup {
    let bound: Vec<&LayerRow> = layers.iter().filter(|layer| layer.array_bound).collect();
    if bound.is_empty() {
        return html! { p.say { "The array is the bottleneck of no layer." } };
    }
    let short: Vec<String> = bound
        .iter()
        .filter(|layer| layer.bound_reached.is_none_or(|reached| reached < REACHED))
        .map(|layer| format!("{} {} ({})", layer.index, layer.name, share_text(layer.bound_reached)))
        .collect();
    html! {
        p.say {
            "The array is the bottleneck of " (bound.len()) " of " (layers.len()) " layers; "
            (bound.len() - short.len()) " of them reach at least " (format!("{:.0} %", REACHED * 100.0))
            " of what geometry allows."
            @if !short.is_empty() { " Below it: " (short.join(", ")) "." }
        }
    }
}

fn row(layers: &[LayerRow], layer: &LayerRow) -> Markup {
    let product = layer.product.map_or_else(|| "–".to_owned(), |[m, n, k]| format!("{m} × {n} × {k}"));
    let bytes = layer.read_bytes + layer.write_bytes;
    html! {
        tr {
            td.number { (layer.index) }
            td.name title=(layer.mapping) {
                // Long names break after a part of their path.
                @for part in layer.name.split_inclusive('/') { (part) wbr; }
                span.under { (layer.operator) }
            }
            td.tight { (product) }
            (cell(layer.macs as f64, &si(layer.macs as f64, "")))
            (cell(layer.share_cycles as f64, &count(layer.share_cycles)))
            (cell(layer.window_cycles as f64, &count(layer.window_cycles)))
            (cell(layer.bound_cycles as f64, &count(layer.bound_cycles)))
            (share(layer.utilization))
            (geometry(layer))
            (share(layer.bound_reached))
            td.bound {
                (layer.bottleneck)
                span.under {
                    (percent(layer.bottleneck_occupancy))
                    @if let Some(by) = layer.waits_for {
                        " · " (by.unit.name()) " of "
                        @if by.layer == layer.index { "this layer" } @else {
                            span title=(layers.get(by.layer).map_or("", |by| by.name.as_str())) {
                                "layer " (by.layer)
                            }
                        }
                    }
                }
            }
            td.number data-value=(bytes) {
                (si(bytes as f64, "B"))
                span.under { (percent(layer.bus_occupancy)) }
            }
            (cell(layer.picojoules, &joules(layer.picojoules)))
        }
    }
}

fn cell(value: f64, text: &str) -> Markup {
    html! { td.number data-value=(digits_exact(value)) { (text) } }
}

fn share(value: Option<f64>) -> Markup {
    cell(value.unwrap_or(-1.0), &share_text(value))
}

fn share_text(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), percent)
}

/// As tiled, and for the whole layer where that is another percentage.
fn geometry(layer: &LayerRow) -> Markup {
    let whole = share_text(layer.geometric_bound_whole);
    let differs = layer.geometric_bound_whole.is_some() && whole != share_text(layer.geometric_bound);
    html! {
        td.number data-value=(digits_exact(layer.geometric_bound.unwrap_or(-1.0))) {
            (share_text(layer.geometric_bound))
            @if differs { span.under { "whole " (whole) } }
        }
    }
}

/// A value to sort by.
fn digits_exact(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value}") } else { digits(value) }
}
