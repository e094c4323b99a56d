//! Where the energy goes, and where each price comes from.

use maud::{Markup, html};

use super::Source;
use crate::number::{count, digits, joules, percent};
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
                thead { tr { th { "component" } th.number { "energy" } th.number { "share" } } }
                tbody {
                    @for (component, picojoules) in Component::ALL.iter().zip(energy.components) {
                        tr { td { (component.name()) } td.number { (joules(picojoules)) } td.number { (share(picojoules)) } }
                    }
                }
                tfoot { tr { td { "total" } td.number { (joules(energy.total_picojoules)) } td {} } }
            } }
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
                    th.number data-sort="number" { "pJ each" } th.number data-sort="number" { "energy" }
                    th.number { "share" } th { "source of the price" }
                } }
                tbody { @for action in &energy.actions { tr {
                    td.tight { (action.action.name().replace('_', " ")) }
                    td.number data-value=(action.count) { (count(action.count)) }
                    td.number { (digits(action.picojoules_each)) }
                    td.number data-value=(action.picojoules) { (joules(action.picojoules)) }
                    td.number { (share(action.picojoules)) }
                    td.source { (action.source) }
                } } }
            } }
            p.say {
                "Events are counted by the simulator. Prices of scratchpads are of one bank of this accelerator's size, \
                 interpolated between the published sizes."
            }
        }
    }
}
