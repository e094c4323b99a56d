//! Counts into energy: by the table's entries, or, for processing elements, by rows measured on gates.

use bitgauge_arch::Accelerator;
use bitgauge_arch::actions::{Action, ActionCounts};
use bitgauge_arch::energy::{Basis, ElementUse, EnergyTable, MeasuredUnit, Price};

use crate::ReportError;

/// A table and the design that it prices.
pub(crate) struct Priced<'a> {
    pub table: &'a EnergyTable,
    pub accelerator: &'a Accelerator,
    unit: Option<&'a MeasuredUnit>,
}

/// Whether rows measured on elements take the place of an action's entry.
fn of_elements(action: Action) -> bool {
    matches!(
        action,
        Action::ArrayMac
            | Action::ArrayPaddingMac
            | Action::ArrayBitProduct
            | Action::ArrayPaddingBitProduct
            | Action::PeRegisterBit
            | Action::PeAccumulatorBit
    )
}

impl<'a> Priced<'a> {
    /// Finds the rows of the design's elements, where the table has measured units.
    ///
    /// # Errors
    /// The table has measured units, and not those elements.
    pub fn new(table: &'a EnergyTable, accelerator: &'a Accelerator) -> Result<Priced<'a>, ReportError> {
        let unit = table.elements(accelerator)?;
        Ok(Priced { table, accelerator, unit })
    }

    /// Energy of all events of each action that was counted, in the order of actions.
    ///
    /// # Errors
    /// Elements were used in a mode that was not measured.
    pub fn energies(
        &self,
        counts: &ActionCounts,
        uses: &[ElementUse],
    ) -> Result<Vec<(Action, Price)>, ReportError> {
        let array =
            self.unit.map(|unit| self.table.array_energy(unit, self.accelerator, uses)).transpose()?;
        let energy = |(action, count): (Action, u64)| {
            let Some(array) = array.filter(|_| of_elements(action)) else {
                let Price { low, picojoules, high } = self.table.price(self.accelerator, action);
                let all = |price: f64| price * count as f64;
                return (action, Price { low: all(low), picojoules: all(picojoules), high: all(high) });
            };
            let picojoules = match action {
                Action::ArrayMac | Action::ArrayBitProduct => array.useful,
                Action::ArrayPaddingMac | Action::ArrayPaddingBitProduct => array.padding,
                // All that registers take beyond their data, and the rest is in the products.
                Action::PeRegisterBit => array.clock,
                _ => 0.0,
            };
            (action, Price { low: picojoules, picojoules, high: picojoules })
        };
        let mut energies: Vec<(Action, Price)> = counts.iter().map(energy).collect();
        // Beats beyond the layer's products may be there where no product is counted as padding.
        if let Some(array) = array.filter(|array| array.padding > 0.0) {
            let has = |action: Action| counts.get(action) > 0;
            if !has(Action::ArrayPaddingMac) && !has(Action::ArrayPaddingBitProduct) {
                let register = energies.iter_mut().find(|(action, _)| *action == Action::PeRegisterBit);
                if let Some((_, price)) = register {
                    let all = price.picojoules + array.padding;
                    *price = Price { low: all, picojoules: all, high: all };
                }
            }
        }
        Ok(energies)
    }

    /// Where the price of an action comes from, and what stands behind it.
    pub fn origin(&self, action: Action) -> (String, Basis) {
        match (self.unit, self.table.entry.get(&action)) {
            (Some(unit), _) if of_elements(action) => {
                let MeasuredUnit { module, library, corner, command, .. } = unit;
                let what = match action {
                    Action::PeRegisterBit => "clock of every beat",
                    Action::PeAccumulatorBit => "in the price of products",
                    _ => "by bits and sign of the operands",
                };
                (format!("gates of {module} on {library} ({corner}), {what}: {command}"), Basis::Measured)
            }
            (_, Some(entry)) => (entry.source.clone(), entry.basis),
            _ => (String::new(), Basis::default()),
        }
    }

    /// Refuses a count that nothing prices.
    ///
    /// # Errors
    /// [`ReportError::Unpriced`].
    pub fn check(&self, action: Action, count: u64) -> Result<(), ReportError> {
        let priced = self.table.entry.contains_key(&action) || (self.unit.is_some() && of_elements(action));
        if priced || count == 0 {
            return Ok(());
        }
        Err(ReportError::Unpriced { table: self.table.name.clone(), action: action.name(), count })
    }

    /// Where low and high prices come from, where an entry says so.
    pub fn other_sources(&self, action: Action) -> [Option<String>; 2] {
        if self.unit.is_some() && of_elements(action) {
            return [None, None];
        }
        let entry = self.table.entry.get(&action);
        [entry.and_then(|entry| entry.low_source.clone()), entry.and_then(|entry| entry.high_source.clone())]
    }
}
