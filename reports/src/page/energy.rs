//! Where the energy goes, and where each price comes from.

use maud::{Markup, html};

use super::Source;
use crate::number::{count, digits, joules, joules_between, percent};
use crate::{Component, Measured};

pub fn section(measured: &Measured) -> Markup {
    let energy = &measured.energy;
    let share = |picojoules: f64| {
        if energy.total_picojoules > 0.0 {
            percent(picojoules / energy.total_picojoules)
        } else {
            "–".to_owned()
        }
    };
    let layers: f64 = energy.layers.iter().map(|layer| layer.total).sum();
    html! {
        div.box {
            h3 { "Energy by component " (Source::Priced.badge()) }
            div.scroll { table {
                thead { tr { th { "component" } th.number { "energy" } th.number { "share" } th.number { "by source" } } }
                tbody {
                    @for (index, component) in Component::ALL.iter().enumerate() {
                        tr {
                            td { (component.name()) }
                            td.number { (joules(energy.components[index])) }
                            td.number { (share(energy.components[index])) }
                            td.number { (joules_between(energy.low_components[index], energy.high_components[index])) }
                        }
                    }
                }
                tfoot { tr {
                    td { "total" } td.number { (joules(energy.total_picojoules)) } td {}
                    td.number { (joules_between(energy.low_picojoules, energy.high_picojoules)) }
                } }
            } }
            @for sentence in &energy.outside { p.fail { (sentence) "." } }
            p.say {
                (joules(energy.assumed_picojoules)) " (" (percent(energy.assumed_share))
                ") is priced by assumption: see the column \"rests on\" below. \"By source\" is from the least to the \
                 most that sources give for each event."
            }
            p.say {
                "All layers " (joules(layers)) " + command fetch " (joules(energy.fetch_picojoules)) " ("
                (count(energy.fetch_bytes)) " bytes, part of external memory above) = "
                (joules(energy.total_picojoules)) ". A report whose parts do not add up to a billionth is refused."
            }
        }
        div.box {
            h3 { "Prices of table " (energy.table) " and their sources" }
            p.say { (energy.note) }
            div.scroll tabindex="0" { table {
                thead { tr {
                    th data-sort="text" { "action" } th.number data-sort="number" { "events" }
                    th.number data-sort="number" { "pJ each" } th.number { "from, to" }
                    th.number data-sort="number" { "energy" }
                    th.number { "share" } th data-sort="text" { "rests on" } th { "source of the price" }
                } }
                tbody { @for action in &energy.actions { tr {
                    td.tight { (action.action.name().replace('_', " ")) }
                    td.number data-value=(action.count) { (count(action.count)) }
                    td.number { (digits(action.picojoules_each)) }
                    td.number { (digits(action.low_picojoules_each)) ", " (digits(action.high_picojoules_each)) }
                    td.number data-value=(action.picojoules) { (joules(action.picojoules)) }
                    td.number { (share(action.picojoules)) }
                    td { (action.basis.name()) }
                    td.source {
                        (action.source)
                        @if let Some(source) = &action.low_source { ". Least: " (source) }
                        @if let Some(source) = &action.high_source { ". Most: " (source) }
                    }
                } } }
            } }
            p.say {
                "Events are counted by the simulator. Prices of scratchpads are of one bank of this accelerator's size, \
                 interpolated between the published sizes."
            }
        }
    }
}
