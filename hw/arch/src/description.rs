//! The accelerator description: what a user writes in TOML, with every unit in the key's name.
//!
//! [`Accelerator::from_toml`] refuses unknown keys, values out of range and combinations that the
//! hardware does not have, with the line, the choices and a hint.

mod check;
mod error;
mod types;

use crate::arith::post::PARAMETER_BYTES;
use crate::mac::Operands;

pub use check::Problem;
pub use error::DescriptionError;
pub use types::*;

impl Accelerator {
    /// Parses and checks a description.
    ///
    /// # Errors
    /// The first thing wrong, with its place in `text`.
    pub fn from_toml(text: &str) -> Result<Accelerator, DescriptionError> {
        let mut accelerator: Accelerator =
            toml::from_str(text).map_err(|error| DescriptionError::from_toml(text, &error))?;
        accelerator.check().map_err(|problem| DescriptionError::from_problem(text, problem))?;
        accelerator.array.port_bits = accelerator.array.port_bits();
        Ok(accelerator)
    }

    /// The description as TOML with every default filled in.
    #[must_use]
    pub fn to_toml(&self) -> String {
        // Serialization of plain numbers, strings and enums into a string cannot fail.
        toml::to_string(self).unwrap_or_default()
    }

    /// Bytes of one scratchpad line: a power of two that feeds a row for as many cycles as there are rows or columns,
    /// and holds one drain write, one bus beat and one code for each lane of an element.
    #[must_use]
    pub fn line_bytes(&self) -> u32 {
        let array = &self.array;
        let feeders = (array.rows.max(array.cols) * array.port_bits()).div_ceil(8);
        feeders.max(self.memory.bus_bits / 8).max(array.least_codes()).next_power_of_two()
    }

    /// Bytes of one beat of the memory bus.
    #[must_use]
    pub fn bus_bytes(&self) -> u32 {
        self.memory.bus_bits / 8
    }

    /// Lines of the activation scratchpad.
    #[must_use]
    pub fn activation_lines(&self) -> u32 {
        self.scratchpad.activation_kib * 1024 / self.line_bytes()
    }

    /// Lines of one bank of the activation scratchpad.
    #[must_use]
    pub fn activation_bank_lines(&self) -> u32 {
        self.activation_lines() / self.scratchpad.banks
    }

    /// Lines of the weight scratchpad.
    #[must_use]
    pub fn weight_lines(&self) -> u32 {
        self.scratchpad.weight_kib * 1024 / self.line_bytes()
    }

    /// Lines of one bank of the weight scratchpad.
    #[must_use]
    pub fn weight_bank_lines(&self) -> u32 {
        self.weight_lines() / self.scratchpad.weight_banks
    }

    /// What the first entry of a parameter load is a multiple of: loads write whole lines.
    #[must_use]
    pub fn parameter_alignment(&self) -> u32 {
        (self.line_bytes() / PARAMETER_BYTES as u32).max(1)
    }

    /// What the first entry of a vector command's parameters is a multiple of: the lanes read theirs at once.
    #[must_use]
    pub fn vector_parameter_alignment(&self) -> u32 {
        self.parameter_alignment().max(self.vector.lanes)
    }

    /// Multiply-accumulates that the array can do in a cycle on codes of such widths, rounded down.
    #[must_use]
    pub fn peak_macs(&self, operands: Operands) -> u64 {
        let elements = u64::from(self.array.rows) * u64::from(self.array.cols);
        self.array.rate(operands).products_in(elements)
    }

    /// Multiply-accumulates that the array can do in a cycle at 8 bits.
    #[must_use]
    pub fn peak_macs_per_cycle(&self) -> u64 {
        self.peak_macs(Operands::BYTES)
    }

    /// What no program of a network beats, in cycles, however it is cut and ordered: its multiply-accumulates of each
    /// width, with array and vector unit at work all the time, or the bytes that have to pass the bus whatever stays on
    /// chip.
    #[must_use]
    pub fn network_bound_cycles(&self, products: &[(Operands, u64)], bytes: u64) -> u64 {
        let elements = u64::from(self.array.rows) * u64::from(self.array.cols);
        // At any width an element does as many at once, in more or fewer cycles; the vector unit takes off the array
        // what takes it longest.
        let cycles = |operands: Operands| u128::from(self.array.rate(operands).cycles);
        let all: u128 = products.iter().map(|&(operands, macs)| cycles(operands) * u128::from(macs)).sum();
        let asked = products.iter().filter(|(_, macs)| *macs > 0);
        let slowest = asked.map(|&(operands, _)| cycles(operands)).max().unwrap_or(1);
        let together = u128::from(elements * self.array.rate(Operands::BYTES).products);
        let units = all.div_ceil(together + u128::from(self.vector.lanes) * slowest);
        u64::try_from(units).unwrap_or(u64::MAX).max(bytes.div_ceil(u64::from(self.bus_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::Accelerator;

    const REFERENCE: &str = include_str!("../../../designs/reference-16x16.toml");

    #[test]
    fn the_resolved_description_reads_back() {
        let accelerator = Accelerator::from_toml(REFERENCE).unwrap();
        assert_eq!(Accelerator::from_toml(&accelerator.to_toml()).unwrap(), accelerator);
        assert_eq!(accelerator.line_bytes(), 16);
        assert_eq!(accelerator.activation_bank_lines(), 2048);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_the_choices() {
        let text = REFERENCE.replace("cols = 16", "columns = 16");
        let error = Accelerator::from_toml(&text).unwrap_err();
        assert_eq!(error.source_line, "columns = 16");
        assert!(error.message.contains("`cols`"), "{error}");
        assert!(error.to_string().contains("^^^"), "{error}");
    }

    /// Source: by hand, 256 elements of 64 lanes and 16 lanes of the vector unit.
    #[test]
    fn no_program_beats_the_products_of_a_network() {
        use super::Operands;
        let serial = Accelerator::from_toml(include_str!("../../../designs/serial-16x16.toml")).unwrap();
        let at = |bits| Operands::uniform(bits, bits);
        let bound = |products: &[_]| serial.network_bound_cycles(products, 0);
        // 16,384 products in 64 cycles, and 16 in one.
        assert_eq!(bound(&[(at(8), 17_408)]), 64);
        assert_eq!(bound(&[(at(4), 16_640)]), 16);
        // In 80 cycles the vector unit takes 1,280 of 8 bits off the array, which needs 64 and 16 for the rest.
        assert_eq!(bound(&[(at(8), 17_664), (at(4), 16_384)]), 80);
        assert_eq!(bound(&[(at(8), 17_664), (at(4), 16_385)]), 81);
        assert_eq!(serial.network_bound_cycles(&[(at(2), 1)], 16 * 5), 5);
    }

    /// What a kind of processing element does not have, and what it has beside it.
    #[test]
    fn kinds_name_what_they_take() {
        const SERIAL: &str = include_str!("../../../designs/serial-16x16.toml");
        for (text, from, sound, broken, hint) in [
            (
                REFERENCE,
                "operand_bits = 8",
                "operand_bits = 8\nlanes = 4",
                "operand_bits = 8\nlanes = 3",
                "[1, 2, 4, 8]",
            ),
            (REFERENCE, "operand_bits = 8", "operand_bits = 2", "operand_bits = 9", "[2, 3, 4, 5, 6, 7, 8]"),
            (
                SERIAL,
                "slice_bits = 1",
                "slice_bits = 1\noperand_bits = 8",
                "slice_bits = 1\noperand_bits = 4",
                "[8]",
            ),
            (REFERENCE, "operand_bits = 8", "slice_bits = 1", "slice_bits = 2", "[1]"),
            (SERIAL, "lanes = 64", "lanes = 32", "lanes = 4", "[8, 16, 32, 64]"),
            (SERIAL, "slice_bits = 1", "slice_bits = 2", "slice_bits = 4", "use at most 2"),
            (
                SERIAL,
                "slice_bits = 1",
                "slice_bits = 1\nport_bits = 16",
                "slice_bits = 1\nport_bits = 12",
                "8 or 16",
            ),
            (
                SERIAL,
                "slice_bits = 1",
                "slice_bits = 1\nport_bits = 32",
                "slice_bits = 1\nport_bits = 64",
                "use at most 32 bits",
            ),
        ] {
            Accelerator::from_toml(&text.replacen(from, sound, 1)).unwrap();
            let error = Accelerator::from_toml(&text.replacen(from, broken, 1)).unwrap_err();
            assert!(error.hint.as_deref().unwrap_or("").contains(hint), "{broken}: {error}");
        }
    }

    #[test]
    fn a_value_out_of_range_is_refused_with_a_hint() {
        for (from, to, hint) in [
            ("rows = 16", "rows = 65", "allowed: 2 to 64"),
            ("bus_bits = 128", "bus_bits = 96", "choices: [32, 64, 128]"),
            ("activation_kib = 256", "activation_kib = 250", "nearest: 128 or 256"),
            ("cols = 16", "cols = 12", "the largest that does is 4"),
            ("max_burst_beats = 16", "max_burst_beats = 128", "use at least 128"),
        ] {
            let error = Accelerator::from_toml(&REFERENCE.replace(from, to)).unwrap_err();
            assert!(error.hint.as_deref().unwrap_or("").contains(hint), "{to}: {error}");
            assert!(error.line.is_some());
        }
    }
}

#[cfg(test)]
pub(crate) mod tests_support {
    use super::Accelerator;

    /// The reference design.
    pub(crate) fn reference() -> Accelerator {
        Accelerator::from_toml(include_str!("../../../designs/reference-16x16.toml")).unwrap()
    }
}
