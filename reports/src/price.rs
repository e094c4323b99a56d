//! A run's energy by another table: its counts are in `result.json`, so nothing is simulated again.

use bitgauge_arch::Program;
use bitgauge_arch::actions::ActionCounts;
use bitgauge_arch::energy::{Basis, ElementUse, EnergyTable};
use serde::Serialize;

use crate::ReportError;
use crate::compare::Run;
use crate::measure::{ActionEnergy, Component, Priced, by_action};

/// Energy of a run by one table, picojoules.
#[derive(Clone, Debug, Serialize)]
pub struct Pricing {
    /// Name of the table.
    pub table: String,
    /// What limits its figures.
    pub note: String,
    /// Whole inference.
    pub total_picojoules: f64,
    /// The same at the least price that a source gives for each action.
    pub low_picojoules: f64,
    /// The same at the most.
    pub high_picojoules: f64,
    /// The share of the total that is priced by assumption, 0 to 1.
    pub assumed_share: f64,
    /// Whole inference by component, in the order of [`Component::ALL`].
    pub components: [f64; 5],
    /// Memories whose size the table has no price for, one sentence each.
    pub outside: Vec<String>,
    /// Per action, with prices and sources.
    pub actions: Vec<ActionEnergy>,
}

/// Prices a run by `table`.
///
/// # Errors
/// An action that the run counted and the table has no row for; a table measured on gates, without the design's
/// elements or for a run of an earlier version, which does not say what they did.
pub fn price(run: &Run, table: &EnergyTable) -> Result<Pricing, ReportError> {
    let accelerator = run.accelerator();
    let priced = Priced::new(table, accelerator)?;
    let uses = run.elements();
    if uses.is_none() && !table.unit.is_empty() {
        return Err(ReportError::Elements { table: table.name.clone() });
    }
    let actions = by_action(&run.counts(), uses.unwrap_or(&[]), &priced)?;
    let sum = |of: fn(&ActionEnergy) -> f64| actions.iter().map(of).sum::<f64>();
    let total = sum(|action| action.picojoules);
    let assumed: f64 =
        actions.iter().filter(|action| action.basis == Basis::Assumed).map(|action| action.picojoules).sum();
    let mut components = [0.0; 5];
    actions.iter().for_each(|action| components[Component::of(action.action) as usize] += action.picojoules);
    Ok(Pricing {
        table: table.name.clone(),
        note: table.note.clone(),
        total_picojoules: total,
        low_picojoules: sum(|action| action.low_picojoules),
        high_picojoules: sum(|action| action.high_picojoules),
        assumed_share: if total > 0.0 { assumed / total } else { 0.0 },
        components,
        outside: table.outside(accelerator).iter().map(ToString::to_string).collect(),
        actions,
    })
}

/// Picojoules of so many actions of a program, without a report.
///
/// # Errors
/// As [`price`].
pub fn picojoules(program: &Program, counts: &ActionCounts, table: &EnergyTable) -> Result<f64, ReportError> {
    let priced = Priced::new(table, &program.accelerator)?;
    let uses = ElementUse::together(&ElementUse::of_layers(program));
    Ok(by_action(counts, &uses, &priced)?.iter().map(|action| action.picojoules).sum())
}
