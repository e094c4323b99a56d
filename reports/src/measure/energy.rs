//! Energy: counts times prices, per layer and component, adding up.

use bitgauge_arch::Accelerator;
use bitgauge_arch::actions::{Action, ActionCounts};
use bitgauge_arch::energy::{Basis, EnergyTable, Price};
use serde::Serialize;

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
/// [`ReportError::Unpriced`] for an action that was counted and has no row.
pub(crate) fn by_action(
    counts: &ActionCounts,
    table: &EnergyTable,
    accelerator: &Accelerator,
) -> Result<Vec<ActionEnergy>, ReportError> {
    let mut actions = Vec::new();
    for &action in Action::ALL {
        let count = counts.get(action);
        let entry = table.entry.get(&action);
        if entry.is_none() && count > 0 {
            return Err(ReportError::Unpriced { table: table.name.clone(), action: action.name(), count });
        }
        let price = table.price(accelerator, action);
        actions.push(ActionEnergy {
            action,
            component: Component::of(action),
            count,
            picojoules_each: price.picojoules,
            picojoules: price.picojoules * count as f64,
            source: entry.map(|entry| entry.source.clone()).unwrap_or_default(),
            basis: entry.map(|entry| entry.basis).unwrap_or_default(),
            low_picojoules_each: price.low,
            high_picojoules_each: price.high,
            low_picojoules: price.low * count as f64,
            high_picojoules: price.high * count as f64,
            low_source: entry.and_then(|entry| entry.low_source.clone()),
            high_source: entry.and_then(|entry| entry.high_source.clone()),
        });
    }
    Ok(actions)
}

pub(super) fn energy(input: &ReportInput<'_>) -> Result<EnergySummary, ReportError> {
    let (run, table, accelerator) = (input.run, input.energy, &input.program.accelerator);
    let actions = by_action(&run.actions, table, accelerator)?;
    let split = |counts: &ActionCounts, of: fn(Price) -> f64| {
        let mut components = [0.0; 5];
        for (action, count) in counts.iter() {
            components[Component::of(action) as usize] += of(table.price(accelerator, action)) * count as f64;
        }
        components
    };
    let fetch = fetch_counts(input)?;
    let layers: Vec<LayerEnergy> = run
        .layers
        .iter()
        .map(|layer| {
            let components = split(&layer.actions, middle);
            LayerEnergy {
                components,
                total: components.iter().sum(),
                low: split(&layer.actions, least).iter().sum(),
                high: split(&layer.actions, most).iter().sum(),
            }
        })
        .collect();
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
        fetch_picojoules: split(&fetch, middle).iter().sum(),
        fetch_bytes: fetch.get(Action::ExternalReadByte),
        components: split(&run.actions, middle),
        low_components: split(&run.actions, least),
        high_components: split(&run.actions, most),
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

fn least(price: Price) -> f64 {
    price.low
}

fn middle(price: Price) -> f64 {
    price.picojoules
}

fn most(price: Price) -> f64 {
    price.high
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
