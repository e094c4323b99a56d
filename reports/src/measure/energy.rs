//! Energy: counts times prices, per layer and component, adding up.

use bitgauge_arch::actions::{Action, ActionCounts};
use serde::Serialize;

use crate::{ReportError, ReportInput};

/// Relative difference that rounding may make between two orders of summation.
const TOLERANCE: f64 = 1e-9;

/// A part of the hardware that energy is charged to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// Multiply-accumulates of the array, padding included.
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
            Action::ArrayMac | Action::ArrayPaddingMac => Component::Array,
            Action::ActivationReadByte
            | Action::ActivationWriteByte
            | Action::WeightReadByte
            | Action::WeightWriteByte => Component::Scratchpads,
            Action::ParameterReadByte | Action::ParameterWriteByte => Component::Parameters,
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
    /// Fetching command words, which belongs to no layer.
    pub fetch_picojoules: f64,
    /// Bytes of command words fetched.
    pub fetch_bytes: u64,
    /// Whole inference by component, in the order of [`Component::ALL`]; external memory includes the
    /// fetch.
    pub components: [f64; 5],
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
}

pub(super) fn energy(input: &ReportInput<'_>) -> Result<EnergySummary, ReportError> {
    let (run, table, accelerator) = (input.run, input.energy, &input.program.accelerator);
    let mut actions = Vec::new();
    for &action in Action::ALL {
        let count = run.actions.get(action);
        let entry = table.entry.get(&action);
        if entry.is_none() && count > 0 {
            return Err(ReportError::Unpriced { table: table.name.clone(), action: action.name(), count });
        }
        let picojoules_each = table.price(accelerator, action);
        actions.push(ActionEnergy {
            action,
            component: Component::of(action),
            count,
            picojoules_each,
            picojoules: picojoules_each * count as f64,
            source: entry.map(|entry| entry.source.clone()).unwrap_or_default(),
        });
    }

    let split = |counts: &ActionCounts| {
        let mut components = [0.0; 5];
        for (action, count) in counts.iter() {
            components[Component::of(action) as usize] += table.price(accelerator, action) * count as f64;
        }
        components
    };
    let fetch = fetch_counts(input)?;
    let layers: Vec<LayerEnergy> = run
        .layers
        .iter()
        .map(|layer| {
            let components = split(&layer.actions);
            LayerEnergy { components, total: components.iter().sum() }
        })
        .collect();
    let summary = EnergySummary {
        table: table.name.clone(),
        note: table.note.clone(),
        // From the run's own counters, so that comparing it with the layers' sum says something.
        total_picojoules: actions.iter().map(|action| action.picojoules).sum(),
        fetch_picojoules: split(&fetch).iter().sum(),
        fetch_bytes: fetch.get(Action::ExternalReadByte),
        components: split(&run.actions),
        layers,
        actions,
    };
    let layers_and_fetch: f64 =
        summary.layers.iter().map(|layer| layer.total).sum::<f64>() + summary.fetch_picojoules;
    conserve("energy of layers and command fetch, pJ", layers_and_fetch, summary.total_picojoules)?;
    conserve("energy of components, pJ", summary.components.iter().sum(), summary.total_picojoules)?;
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
