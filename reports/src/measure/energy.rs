//! Energy: counts times prices, per layer and component, adding up.

use std::collections::BTreeMap;

use bitgauge_arch::actions::{Action, ActionCounts};
use bitgauge_arch::energy::{Basis, ElementUse, Price};
use serde::Serialize;

use super::priced::Priced;
use crate::{ReportError, ReportInput};

/// Relative difference that rounding may make between two orders of summation.
const TOLERANCE: f64 = 1e-9;

/// A part of the hardware that energy is charged to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// Multiply-accumulates of the array, padding included, and the registers of its elements.
    Array,
    /// Activation and weight scratchpads.
    Scratchpads,
    /// Parameter memories and tables.
    Parameters,
    /// Post-processor and vector unit.
    PostVector,
    /// External memory.
    External,
}

impl Component {
    /// All components, in the order of legends.
    pub const ALL: [Component; 5] = [
        Component::Array,
        Component::Scratchpads,
        Component::Parameters,
        Component::PostVector,
        Component::External,
    ];

    /// Name in legends.
    #[must_use]
    pub fn name(self) -> &'static str {
        ["array", "scratchpads", "parameters", "post-processor and vector", "external memory"][self as usize]
    }

    /// The component that an action is charged to.
    #[must_use]
    pub fn of(action: Action) -> Component {
        match action {
            Action::ArrayMac
            | Action::ArrayPaddingMac
            | Action::ArrayBitProduct
            | Action::ArrayPaddingBitProduct
            | Action::PeRegisterBit
            | Action::PeAccumulatorBit => Component::Array,
            Action::ActivationReadByte
            | Action::ActivationWriteByte
            | Action::WeightReadByte
            | Action::WeightWriteByte => Component::Scratchpads,
            Action::ParameterReadByte
            | Action::ParameterWriteByte
            | Action::TableReadByte
            | Action::TableWriteByte => Component::Parameters,
            Action::PostRequantize | Action::VectorMac | Action::VectorOperation => Component::PostVector,
            Action::ExternalReadByte | Action::ExternalWriteByte => Component::External,
        }
    }
}

/// Energy of a run, picojoules throughout.
#[derive(Clone, Debug, Serialize)]
pub struct EnergySummary {
    /// Name of the price table.
    pub table: String,
    /// What limits its figures.
    pub note: String,
    /// Whole inference.
    pub total_picojoules: f64,
    /// The same at the least price that a source gives for each action.
    pub low_picojoules: f64,
    /// The same at the most.
    pub high_picojoules: f64,
    /// What of the total is priced by assumption: rows of the table that are neither published nor derived.
    pub assumed_picojoules: f64,
    /// The share of the total that is, 0 to 1.
    pub assumed_share: f64,
    /// Fetching command words, which belongs to no layer.
    pub fetch_picojoules: f64,
    /// Bytes of command words fetched.
    pub fetch_bytes: u64,
    /// Whole inference by component, in the order of [`Component::ALL`]; external memory includes the
    /// fetch.
    pub components: [f64; 5],
    /// The same at the least prices.
    pub low_components: [f64; 5],
    /// The same at the most.
    pub high_components: [f64; 5],
    /// What processing elements did, by the widths of their operands.
    pub elements: Vec<ElementUse>,
    /// Memories whose size the table has no price for, one sentence each.
    pub outside: Vec<String>,
    /// Per layer.
    pub layers: Vec<LayerEnergy>,
    /// Per action, with prices and sources.
    pub actions: Vec<ActionEnergy>,
}

/// Energy of a layer, picojoules.
#[derive(Clone, Debug, Serialize)]
pub struct LayerEnergy {
    /// By component, in the order of [`Component::ALL`].
    pub components: [f64; 5],
    /// All of them.
    pub total: f64,
    /// The same at the least prices.
    pub low: f64,
    /// The same at the most.
    pub high: f64,
}

/// Energy of one action over the run.
#[derive(Clone, Debug, Serialize)]
pub struct ActionEnergy {
    /// Action.
    pub action: Action,
    /// Component.
    pub component: Component,
    /// Events.
    pub count: u64,
    /// Price of one event on this accelerator.
    pub picojoules_each: f64,
    /// Events times price.
    pub picojoules: f64,
    /// Where the price comes from.
    pub source: String,
    /// What stands behind the price.
    pub basis: Basis,
    /// The least price of one event.
    pub low_picojoules_each: f64,
    /// The most.
    pub high_picojoules_each: f64,
    /// Events times the least price.
    pub low_picojoules: f64,
    /// Events times the most.
    pub high_picojoules: f64,
    /// Where the least price comes from, if it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_source: Option<String>,
    /// Where the most comes from, if it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high_source: Option<String>,
}

/// Each action of a run, priced.
///
/// # Errors
/// [`ReportError::Unpriced`] for an action that was counted and has no row; elements in a mode that was not measured.
pub(crate) fn by_action(
    counts: &ActionCounts,
    uses: &[ElementUse],
    priced: &Priced<'_>,
) -> Result<Vec<ActionEnergy>, ReportError> {
    let energies: BTreeMap<Action, Price> = priced.energies(counts, uses)?.into_iter().collect();
    let mut actions = Vec::new();
    for &action in Action::ALL {
        let count = counts.get(action);
        priced.check(action, count)?;
        let (source, basis) = priced.origin(action);
        let [low_source, high_source] = priced.other_sources(action);
        // What was not counted has its price too.
        let (each, all) = match energies.get(&action) {
            Some(&all) if basis == Basis::Measured => (all.over(count as f64), all),
            Some(&all) => (priced.table.price(priced.accelerator, action), all),
            None if basis == Basis::Measured => (Price::default(), Price::default()),
            None => (priced.table.price(priced.accelerator, action), Price::default()),
        };
        actions.push(ActionEnergy {
            action,
            component: Component::of(action),
            count,
            picojoules_each: each.picojoules,
            picojoules: all.picojoules,
            source,
            basis,
            low_picojoules_each: each.low,
            high_picojoules_each: each.high,
            low_picojoules: all.low,
            high_picojoules: all.high,
            low_source,
            high_source,
        });
    }
    Ok(actions)
}

pub(super) fn energy(input: &ReportInput<'_>) -> Result<EnergySummary, ReportError> {
    let (run, table, accelerator) = (input.run, input.energy, &input.program.accelerator);
    let priced = Priced::new(table, accelerator)?;
    let uses = ElementUse::of_layers(input.program);
    let elements = ElementUse::together(&uses);
    let actions = by_action(&run.actions, &elements, &priced)?;
    let split = |counts: &ActionCounts, uses: &[ElementUse]| -> Result<[[f64; 5]; 3], ReportError> {
        let mut components = [[0.0; 5]; 3];
        for (action, Price { low, picojoules, high }) in priced.energies(counts, uses)? {
            for (sums, energy) in components.iter_mut().zip([low, picojoules, high]) {
                sums[Component::of(action) as usize] += energy;
            }
        }
        Ok(components)
    };
    let fetch = fetch_counts(input)?;
    let mut layers = Vec::new();
    for (layer, uses) in run.layers.iter().zip(&uses) {
        let [low, components, high] = split(&layer.actions, uses)?;
        let sum = |parts: [f64; 5]| parts.iter().sum();
        layers.push(LayerEnergy { components, total: sum(components), low: sum(low), high: sum(high) });
    }
    let [low_components, components, high_components] = split(&run.actions, &elements)?;
    let [_, fetched, _] = split(&fetch, &[])?;
    // From the run's own counters, so that comparing it with the layers' sum says something.
    let total_picojoules: f64 = actions.iter().map(|action| action.picojoules).sum();
    let assumed = actions.iter().filter(|action| action.basis == Basis::Assumed);
    let assumed_picojoules: f64 = assumed.map(|action| action.picojoules).sum();
    let summary = EnergySummary {
        table: table.name.clone(),
        note: table.note.clone(),
        total_picojoules,
        low_picojoules: actions.iter().map(|action| action.low_picojoules).sum(),
        high_picojoules: actions.iter().map(|action| action.high_picojoules).sum(),
        assumed_picojoules,
        assumed_share: if total_picojoules > 0.0 { assumed_picojoules / total_picojoules } else { 0.0 },
        fetch_picojoules: fetched.iter().sum(),
        fetch_bytes: fetch.get(Action::ExternalReadByte),
        components,
        low_components,
        high_components,
        elements,
        outside: table.outside(accelerator).iter().map(ToString::to_string).collect(),
        layers,
        actions,
    };
    let layers_and_fetch: f64 =
        summary.layers.iter().map(|layer| layer.total).sum::<f64>() + summary.fetch_picojoules;
    conserve("energy of layers and command fetch, pJ", layers_and_fetch, summary.total_picojoules)?;
    conserve("energy of components, pJ", summary.components.iter().sum(), summary.total_picojoules)?;
    conserve("least energy of components, pJ", summary.low_components.iter().sum(), summary.low_picojoules)?;
    conserve("most energy of components, pJ", summary.high_components.iter().sum(), summary.high_picojoules)?;
    Ok(summary)
}

/// What the run counts beyond its layers. Only reads of command words may be left over.
fn fetch_counts(input: &ReportInput<'_>) -> Result<ActionCounts, ReportError> {
    let mut in_layers = ActionCounts::default();
    for layer in &input.run.layers {
        in_layers.merge(&layer.actions);
    }
    let mut fetch = ActionCounts::default();
    for &action in Action::ALL {
        let (parts, total) = (in_layers.get(action), input.run.actions.get(action));
        let fits = if action == Action::ExternalReadByte { parts <= total } else { parts == total };
        if !fits {
            return Err(ReportError::Conservation {
                what: format!("`{}` over the layers", action.name()),
                parts: parts as f64,
                total: total as f64,
            });
        }
        fetch.add(action, total - parts);
    }
    Ok(fetch)
}

/// Refuses sums that differ by more than rounding; a sum that is not a number differs.
fn conserve(what: &str, parts: f64, total: f64) -> Result<(), ReportError> {
    if (parts - total).abs() <= TOLERANCE * total.abs().max(f64::MIN_POSITIVE) {
        Ok(())
    } else {
        Err(ReportError::Conservation { what: what.to_owned(), parts, total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_that_differ_are_refused() {
        assert!(conserve("x", 1.0, 1.0 + 1e-12).is_ok());
        assert!(conserve("x", 0.0, 0.0).is_ok());
        assert!(conserve("x", 1.0, 1.000_001).is_err());
        assert!(conserve("x", f64::NAN, 1.0).is_err());
    }
}
