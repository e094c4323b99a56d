//! What a program asks of the processing elements, by the widths of its operands, and what that takes by measured rows.
//!
//! It follows from the commands alone: how many beats elements take, and how many products are of the layer.

use serde::{Deserialize, Serialize};

use super::{Activity, EnergyError, EnergyTable, MeasuredUnit, element_module};
use crate::command::{Compute, Operation};
use crate::mac::Operands;
use crate::timing::compute;
use crate::{Accelerator, Program};

/// Work of all processing elements on operands of some widths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElementUse {
    /// Bits of an activation.
    pub activation_bits: u32,
    /// Bits of a weight.
    pub weight_bits: u32,
    /// Whether activations have two scales.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub two_scaled: bool,
    /// Whether activations are signed.
    pub signed: bool,
    /// Products of the layer.
    pub products: u64,
    /// Beats of elements: cycles of folds times elements.
    pub beats: u64,
}

/// Energy of processing elements, picojoules.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ArrayEnergy {
    /// Products of the layer.
    pub useful: f64,
    /// Beats and parts of beats without such products, at the price of zeros.
    pub padding: f64,
    /// The clock in all beats.
    pub clock: f64,
}

impl ElementUse {
    /// Widths of the operands.
    #[must_use]
    pub fn operands(&self) -> Operands {
        let ElementUse { activation_bits, weight_bits, two_scaled, .. } = *self;
        Operands { activation_bits, weight_bits, two_scaled }
    }

    /// Of a command.
    #[must_use]
    pub fn of(accelerator: &Accelerator, command: &Compute) -> ElementUse {
        let Operands { activation_bits, weight_bits, two_scaled } = command.operands();
        let timing = compute(accelerator, command);
        let elements = u64::from(accelerator.array.rows) * u64::from(accelerator.array.cols);
        ElementUse {
            activation_bits,
            weight_bits,
            two_scaled,
            signed: command.activation_signed == 1,
            products: timing.macs,
            beats: timing.folds() * timing.beats * elements,
        }
    }

    /// Of each layer of a program; uses of the same operands are one.
    #[must_use]
    pub fn of_layers(program: &Program) -> Vec<Vec<ElementUse>> {
        let mut layers = vec![Vec::new(); program.layers.len()];
        for ((_, command), symbol) in program.resolved().zip(&program.commands) {
            if let (Operation::Compute(command), Some(uses)) =
                (&command.operation, layers.get_mut(symbol.layer as usize))
            {
                merge(uses, ElementUse::of(&program.accelerator, command));
            }
        }
        layers
    }

    /// Of all layers together.
    #[must_use]
    pub fn together(layers: &[Vec<ElementUse>]) -> Vec<ElementUse> {
        let mut all = Vec::new();
        layers.iter().flatten().for_each(|one| merge(&mut all, *one));
        all
    }

    fn key(&self) -> (Operands, bool) {
        (self.operands(), self.signed)
    }
}

/// Keeps uses in the order of their operands.
fn merge(uses: &mut Vec<ElementUse>, one: ElementUse) {
    match uses.binary_search_by_key(&one.key(), ElementUse::key) {
        Ok(at) => {
            uses[at].products += one.products;
            uses[at].beats += one.beats;
        }
        Err(at) => uses.insert(at, one),
    }
}

impl EnergyTable {
    /// The measured rows of an accelerator's elements; none where the table has no measured units at all.
    ///
    /// # Errors
    /// [`EnergyError::Uncalibrated`] where it has some, and not of these elements.
    pub fn elements(&self, accelerator: &Accelerator) -> Result<Option<&MeasuredUnit>, EnergyError> {
        if self.unit.is_empty() {
            return Ok(None);
        }
        let module = element_module(accelerator);
        let missing = || self.uncalibrated(format!("none of `{module}`"));
        self.unit.iter().find(|unit| unit.module == module).map(Some).ok_or_else(missing)
    }

    /// What a reader of totals should know of a table with measured units: that they and the entries may be of different
    /// technologies.
    #[must_use]
    pub fn mixture(&self) -> Option<String> {
        let unit = self.unit.first()?;
        Some(format!(
            "processing elements are priced by gates on {} ({}), all else by the table's entries: a total of both says \
             something only where they are of one technology",
            unit.library, unit.corner
        ))
    }

    fn uncalibrated(&self, missing: String) -> EnergyError {
        EnergyError::Uncalibrated { table: self.name.clone(), missing }
    }

    /// Energy of some uses by rows of [`EnergyTable::elements`]. Signed activations are taken as dense, unsigned ones as
    /// zero every other time.
    ///
    /// # Errors
    /// [`EnergyError::Uncalibrated`] where there is no row of such widths.
    pub fn array_energy(
        &self,
        unit: &MeasuredUnit,
        accelerator: &Accelerator,
        uses: &[ElementUse],
    ) -> Result<ArrayEnergy, EnergyError> {
        let mut energy = ArrayEnergy::default();
        for one in uses {
            let operands = one.operands();
            let row = |activity: Activity| {
                let missing = || {
                    let (a, w) = (one.activation_bits, one.weight_bits);
                    let scales = if one.two_scaled { " and two scales" } else { "" };
                    self.uncalibrated(format!(
                        "no row of `{}` for activations of {a} bits{scales}, weights of {w} and activity `{}`",
                        unit.module,
                        activity.name()
                    ))
                };
                unit.row(operands, activity).ok_or_else(missing)
            };
            let (live, zero) = (row(Activity::of(one.signed))?, row(Activity::Zero)?);
            let rate = accelerator.array.rate(operands);
            let taken = one.products as f64 * rate.cycles as f64 / rate.products.max(1) as f64;
            energy.useful += one.products as f64 * live.picojoules_per_product;
            energy.padding += (one.beats as f64 - taken).max(0.0) * zero.picojoules_per_beat;
            energy.clock += one.beats as f64 * unit.clock_picojoules;
        }
        Ok(energy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::tests_support::reference;
    use crate::energy::{Method, ModeRow};

    fn unit() -> MeasuredUnit {
        let row = |activity, picojoules| ModeRow {
            activation_bits: 8,
            weight_bits: 8,
            two_scaled: false,
            activity,
            picojoules_per_beat: picojoules,
            picojoules_per_product: picojoules,
            spread: 0.0,
        };
        MeasuredUnit {
            module: "pe_fixed8_v1_acc32".to_owned(),
            method: Method::Simulated,
            library: "toy".to_owned(),
            corner: "typical".to_owned(),
            tools: "none".to_owned(),
            command: "by hand".to_owned(),
            area_um2: 1.0,
            flip_flops: 1,
            settle_ns: 1.0,
            leakage_nanowatts: 1.0,
            clock_picojoules: 0.5,
            rows: vec![
                row(Activity::Zero, 0.25),
                row(Activity::HalfZeroUnsigned, 2.0),
                row(Activity::DenseSigned, 3.0),
            ],
        }
    }

    fn table(units: Vec<MeasuredUnit>) -> EnergyTable {
        EnergyTable { unit: units, ..EnergyTable::shipped("horowitz-45nm").unwrap() }
    }

    #[test]
    fn tables_with_units_read_back() {
        let table = table(vec![unit()]);
        assert_eq!(EnergyTable::from_toml(&table.to_toml().unwrap()).unwrap(), table);
    }

    #[test]
    fn products_padding_and_clock_are_priced_by_rows() {
        let table = table(vec![unit()]);
        let unit = table.elements(&reference()).unwrap().unwrap();
        let one = |signed, products, beats| ElementUse {
            activation_bits: 8,
            weight_bits: 8,
            two_scaled: false,
            signed,
            products,
            beats,
        };
        let uses = [one(true, 100, 120), one(false, 10, 10)];
        let energy = table.array_energy(unit, &reference(), &uses).unwrap();
        let expected = ArrayEnergy { useful: 320.0, padding: 5.0, clock: 65.0 };
        assert_eq!(energy, expected);
        let odd = ElementUse { weight_bits: 7, ..uses[0] };
        let said = table.array_energy(unit, &reference(), &[odd]).unwrap_err().to_string();
        assert!(said.contains("weights of 7") && said.contains("calibrate-energy"), "{said}");
    }

    #[test]
    fn a_design_without_its_rows_is_refused() {
        assert_eq!(EnergyTable::shipped("horowitz-45nm").unwrap().elements(&reference()), Ok(None));
        let other = MeasuredUnit { module: "pe_other".to_owned(), ..unit() };
        let said = table(vec![other]).elements(&reference()).unwrap_err().to_string();
        assert!(said.contains("pe_fixed8_v1_acc32") && said.contains("calibrate-energy"), "{said}");
    }

    #[test]
    fn units_that_contradict_themselves_are_refused() {
        let same = unit().rows[0];
        for (units, what) in [
            (vec![unit(), unit()], "twice"),
            (vec![MeasuredUnit { command: " ".to_owned(), ..unit() }], "empty"),
            (vec![MeasuredUnit { clock_picojoules: -1.0, ..unit() }], "negative"),
            (vec![MeasuredUnit { rows: vec![same, same], ..unit() }], "two rows"),
        ] {
            let text = table(units).to_toml().unwrap();
            let said = EnergyTable::from_toml(&text).unwrap_err().to_string();
            assert!(said.contains(what), "{said}");
        }
    }
}
