//! Kinds of processing elements: which operands one takes, and in how many cycles it takes a line of them.
//!
//! A kind is a `Kind` in a file of its own and a line in the table `kind`; its gates are a core and a lane of the feeder in
//! the crate `bitgauge-rtl`. Simulator and compiler know no kind: they ask [`Array`] and [`Compute`] for what is here.

mod fixed;
mod fusible;
mod serial;

use crate::Accelerator;
use crate::actions::Action;
use crate::code::{OperandContainer, two_scale};
use crate::command::Compute;
use crate::description::{Array, MacKind, Problem};

/// Bits of the two codes that a product takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Operands {
    /// Bits of an activation: 2 to 8.
    pub activation_bits: u32,
    /// Bits of a weight: 2 to 8.
    pub weight_bits: u32,
    /// Whether the activation has two scales; its highest bit is the tag then.
    pub two_scaled: bool,
}

impl Operands {
    /// Whole bytes.
    pub const BYTES: Operands = Operands::uniform(8, 8);
    /// The narrowest.
    pub const NARROWEST: Operands = Operands::uniform(2, 2);

    /// Codes of one scale.
    #[must_use]
    pub const fn uniform(activation_bits: u32, weight_bits: u32) -> Operands {
        Operands { activation_bits, weight_bits, two_scaled: false }
    }

    /// Bits of the activation that are multiplied: all but the tag.
    #[must_use]
    pub const fn payload_bits(self) -> u32 {
        self.activation_bits - self.two_scaled as u32
    }
}

/// How fast a processing element is: so many products in so many cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Products.
    pub products: u64,
    /// Cycles that they take.
    pub cycles: u64,
}

impl Rate {
    /// Products in so many cycles, rounded down.
    #[must_use]
    pub fn products_in(self, cycles: u64) -> u64 {
        let products = u128::from(cycles) * u128::from(self.products) / u128::from(self.cycles.max(1));
        u64::try_from(products).unwrap_or(u64::MAX)
    }

    /// Cycles that so many products take at least.
    #[must_use]
    pub fn cycles_of(self, products: u64) -> u64 {
        let cycles =
            (u128::from(products) * u128::from(self.cycles)).div_ceil(u128::from(self.products.max(1)));
        u64::try_from(cycles).unwrap_or(u64::MAX)
    }
}

/// What a product counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProductActions {
    /// Where it belongs to the layer.
    pub useful: Action,
    /// Where it is padding.
    pub padding: Action,
    /// So many of them make a product.
    pub each: u64,
}

/// A kind of processing element.
pub(crate) trait Kind: Sync {
    /// Which keys of the description go together.
    fn check(&self, array: &Array) -> Result<(), Problem>;

    /// Bits that a row and a column receive in a cycle where the description does not say.
    fn port_bits(&self, array: &Array) -> u32;

    /// The least codes that a line must hold.
    fn least_codes(&self, array: &Array) -> u32;

    /// Whether feeders read operand lines of such containers.
    fn takes(&self, array: &Array, container: OperandContainer) -> bool;

    /// Cycles in which a row takes `codes` codes of a line of such containers.
    fn beats(&self, array: &Array, operands: Operands, container: OperandContainer, codes: u64) -> u64;

    /// Bits of the widest code.
    fn widest(&self, array: &Array) -> u32;

    /// The low bits of a container that the gates read, extended by the sign; for the command's operands.
    fn reads(&self, array: &Array, operands: Operands) -> Operands;

    /// The speed of one element on full lines.
    fn rate(&self, array: &Array, operands: Operands) -> Rate;

    /// What a product of such operands counts as.
    fn actions(&self, array: &Array, operands: Operands) -> ProductActions;

    /// Bits of the registers of an element but for its sums: what it hands on, and the term.
    fn register_bits(&self, array: &Array) -> u64;
}

/// The table of kinds.
fn kind(mac: MacKind) -> &'static dyn Kind {
    match mac {
        MacKind::Fixed => &fixed::Fixed,
        MacKind::Serial => &serial::Serial,
        MacKind::Fusible => &fusible::Fusible,
    }
}

/// Positions of a line that a feeder takes at least: what comes next is known from the fourth on.
pub const LEAST_BEATS: u64 = 4;

impl Array {
    pub(crate) fn check_mac(&self) -> Result<(), Problem> {
        kind(self.mac).check(self)?;
        let choices: Vec<u32> = (0..=two_scale::MOST_SHIFT).collect();
        one_of("tag_shift", self.tag_shift, &choices)?;
        if self.tag_shift > 0 && self.widest() < two_scale::LEAST_BITS {
            return Err(Problem {
                table: "array",
                key: "tag_shift",
                message: format!(
                    "codes of two scales have {} bits and more, and the elements multiply codes of {}",
                    two_scale::LEAST_BITS,
                    self.widest()
                ),
                hint: "use 0, or wider elements".to_owned(),
            });
        }
        Ok(())
    }

    /// Bits that a row, and a column, receives in a cycle, on average.
    #[must_use]
    pub fn port_bits(&self) -> u32 {
        if self.port_bits == 0 { kind(self.mac).port_bits(self) } else { self.port_bits }
    }

    pub(crate) fn least_codes(&self) -> u32 {
        kind(self.mac).least_codes(self)
    }

    /// Whether feeders read operand lines of such containers.
    #[must_use]
    pub fn takes(&self, container: OperandContainer) -> bool {
        kind(self.mac).takes(self, container)
    }

    /// Bits of the widest code that an element multiplies.
    #[must_use]
    pub fn widest(&self) -> u32 {
        kind(self.mac).widest(self)
    }

    /// The narrowest containers that such codes fit in, of those that feeders read; `None` where the elements are
    /// too narrow for the codes.
    #[must_use]
    pub fn container(&self, operands: Operands) -> Option<OperandContainer> {
        let bits = operands.activation_bits.max(operands.weight_bits);
        let fits = |one: &OperandContainer| one.bits() >= bits && self.takes(*one) && bits <= self.widest();
        OperandContainer::ALL.into_iter().rev().find(fits)
    }

    /// The speed of one element on full lines of codes of such widths.
    #[must_use]
    pub fn rate(&self, operands: Operands) -> Rate {
        kind(self.mac).rate(self, operands)
    }

    /// What a product of such operands counts as.
    #[must_use]
    pub fn product_actions(&self, operands: Operands) -> ProductActions {
        kind(self.mac).actions(self, operands)
    }

    /// The low bits of each code that the gates read for such operands, extended by the sign: codes that keep to their
    /// widths are the same in them.
    #[must_use]
    pub fn reads(&self, operands: Operands) -> Operands {
        kind(self.mac).reads(self, operands)
    }

    /// Bits of the registers of a processing element but for its sums, written in every cycle: operands and flags,
    /// which it hands on, and the term that it makes of them.
    #[must_use]
    pub fn pe_register_bits(&self) -> u64 {
        kind(self.mac).register_bits(self)
    }
}

impl Accelerator {
    /// Cycles that a feeder spends on each line of a segment of `channels` codes: a row or column reads its line in
    /// each, so at least as many as there are of them.
    #[must_use]
    pub fn line_beats(&self, operands: Operands, container: OperandContainer, channels: u64) -> u64 {
        let codes = channels.min(container.codes_of(u64::from(self.line_bytes())));
        kind(self.array.mac).beats(&self.array, operands, container, codes).max(self.least_beats())
    }

    /// Cycles of the longest line that a feeder can be told to deal.
    #[must_use]
    pub fn most_beats(&self) -> u64 {
        let all = OperandContainer::ALL.into_iter().filter(|container| self.array.takes(*container));
        let beats = |container: OperandContainer| {
            let bits = container.bits().min(self.array.widest());
            let two_scaled = self.array.tag_shift > 0 && bits >= two_scale::LEAST_BITS;
            let operands = Operands::uniform(bits, bits);
            let tagged = Operands { two_scaled, ..operands };
            self.line_beats(operands, container, u64::MAX).max(self.line_beats(tagged, container, u64::MAX))
        };
        all.map(beats).max().unwrap_or_else(|| self.least_beats())
    }

    /// Cycles of the shortest line.
    #[must_use]
    pub fn least_beats(&self) -> u64 {
        u64::from(self.array.rows.max(self.array.cols)).max(LEAST_BEATS)
    }
}

impl Compute {
    /// Widths of the codes that the array multiplies.
    #[must_use]
    pub fn operands(&self) -> Operands {
        let bits = |field: u32| if field == 0 { 8 } else { field };
        Operands {
            activation_bits: bits(self.activation_bits),
            weight_bits: bits(self.weight_bits),
            two_scaled: self.tag_shift > 0,
        }
    }

    /// Sets the widths of the codes; the scales are set by `tag_shift`.
    pub fn set_operands(&mut self, operands: Operands) {
        let field = |bits: u32| if bits == 8 { 0 } else { bits };
        (self.activation_bits, self.weight_bits) =
            (field(operands.activation_bits), field(operands.weight_bits));
    }
}

/// Bits of the place of a term, where terms of two scales are shifted by up to `tag_shift`.
fn place_bits(array: &Array) -> u64 {
    u64::from((array.tag_shift + 1).next_power_of_two().ilog2())
}

/// A key of `[array]` that must be one of `choices`.
fn one_of(key: &'static str, value: u32, choices: &[u32]) -> Result<(), Problem> {
    if choices.contains(&value) {
        return Ok(());
    }
    Err(Problem {
        table: "array",
        key,
        message: format!("{value} is not supported by this kind of processing element"),
        hint: format!("choices: {choices:?}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::tests_support::reference;
    use crate::timing::compute;

    /// Cycles in which `reference` is fed for sums of 384 products, over those of an array of as many elements of one
    /// bit at the same widths.
    fn gain(size: u32, [activation_bits, weight_bits]: [u32; 2]) -> f64 {
        let mut command = Compute {
            out_rows: 1,
            out_cols: size,
            outputs: size,
            kernel_rows: 1,
            kernel_cols: 1,
            segments: 1,
            channels: 384,
            ..Compute::default()
        };
        let operands = Operands::uniform(activation_bits, weight_bits);
        command.set_operands(operands);
        let mut fixed = reference();
        (fixed.array.rows, fixed.array.cols, fixed.post.lanes, fixed.memory.bus_bits) = (size, size, 1, 64);
        let mut serial = fixed.clone();
        (serial.array.mac, serial.array.lanes, serial.array.port_bits) = (MacKind::Serial, 64, 32);
        serial.check().unwrap();
        assert_eq!(fixed.peak_macs_per_cycle(), serial.peak_macs_per_cycle());
        let container = serial.array.container(operands).unwrap();
        let narrow = Compute { container: container.code(), ..command.clone() };
        compute(&fixed, &command).beats as f64 / compute(&serial, &narrow).beats as f64
    }

    #[test]
    fn narrow_codes_take_fewer_cycles_on_serial() {
        for (bits, factor) in [
            ([8, 8], 1.0),
            ([8, 4], 2.0),
            ([6, 6], 1.78),
            ([5, 5], 2.56),
            ([4, 4], 4.0),
            ([4, 8], 2.0),
            ([3, 3], 7.1),
            // 384 codes are two lines of 256; 1536 would be six whole ones, and 16 times as fast.
            ([2, 2], 12.0),
        ] {
            for size in [8, 16] {
                assert!(
                    (gain(size, bits) / factor - 1.0).abs() < 0.05,
                    "{size} {bits:?} {}",
                    gain(size, bits)
                );
            }
        }
    }

    /// Products an element makes of codes of two widths, one by one: a product takes a multiplier for each pair of
    /// digits, and its codes come in 32 bits a cycle.
    #[test]
    fn fusible_elements_join_their_multipliers() {
        let mut accelerator = reference();
        accelerator.array.mac = MacKind::Fusible;
        (accelerator.array.rows, accelerator.array.cols, accelerator.post.lanes) = (8, 8, 8);
        accelerator.array.port_bits = 64;
        accelerator.check().unwrap();
        for ([a, w], container, together) in [
            ([8, 8], OperandContainer::Bits8, 1),
            ([5, 8], OperandContainer::Bits8, 1),
            ([8, 4], OperandContainer::Bits8, 2),
            ([8, 2], OperandContainer::Bits8, 4),
            ([4, 4], OperandContainer::Bits8, 4),
            ([2, 2], OperandContainer::Bits8, 4),
            ([3, 4], OperandContainer::Bits4, 4),
            ([4, 2], OperandContainer::Bits4, 8),
            ([2, 2], OperandContainer::Bits4, 8),
            ([2, 2], OperandContainer::Bits2, 16),
        ] {
            let operands = Operands::uniform(a, w);
            // 128 codes take eight cycles at least, in which rows read their lines; 8-bit containers hold 64.
            let codes = if container == OperandContainer::Bits8 { 64 } else { 128 };
            assert_eq!(accelerator.line_beats(operands, container, codes), codes / together, "{a} {w}");
        }
        let tagged = |bits| Operands { two_scaled: true, ..Operands::uniform(bits, 4) };
        // A tag is no digit: 5 bits have a payload of 4.
        assert_eq!(accelerator.line_beats(tagged(5), OperandContainer::Bits8, 64), 2 * 64 / 4);
        assert_eq!(accelerator.line_beats(tagged(6), OperandContainer::Bits8, 64), 2 * 64 / 2);
    }

    #[test]
    fn second_scales_need_elements_for_them() {
        let mut accelerator = reference();
        for (operand_bits, tag_shift, said) in [
            (8, 8, None),
            (3, 1, None),
            (8, 9, Some("9 is not supported")),
            (2, 1, Some("codes of two scales have 3 bits and more, and the elements multiply codes of 2")),
        ] {
            (accelerator.array.operand_bits, accelerator.array.tag_shift) = (operand_bits, tag_shift);
            let found = accelerator.check().err();
            assert_eq!(found.is_some(), said.is_some(), "{operand_bits} {tag_shift}: {found:?}");
            if let (Some(found), Some(said)) = (found, said) {
                assert!(found.key == "tag_shift" && found.message.contains(said), "{found:?}");
            }
        }
    }

    #[test]
    fn rates_are_those_of_full_lines() {
        let mut accelerator = reference();
        for (mac, lanes, slice_bits) in [
            (MacKind::Fixed, 1, 1),
            (MacKind::Fixed, 4, 1),
            (MacKind::Serial, 16, 8),
            (MacKind::Serial, 64, 1),
            (MacKind::Serial, 32, 2),
            (MacKind::Fusible, 1, 1),
        ] {
            let array = &mut accelerator.array;
            (array.mac, array.lanes, array.slice_bits, array.port_bits) = (mac, lanes, slice_bits, 0);
            accelerator.check().unwrap();
            for bits in 4..=8 {
                let operands = Operands::uniform(bits, bits);
                let line = u64::from(accelerator.line_bytes());
                // Only `fusible` needs the narrowest container to be at its fastest.
                let container = match mac {
                    MacKind::Fusible => accelerator.array.container(operands).unwrap(),
                    _ => OperandContainer::Bits8,
                };
                let codes = container.codes_of(line);
                let beats = accelerator.line_beats(operands, container, codes);
                let products = accelerator.array.rate(operands).products_in(beats);
                assert_eq!(products, codes, "{mac:?} {lanes} {bits}");
            }
        }
    }
}
