//! `fusible`: sixteen multipliers of two bits, which join to fewer products of wider codes.
//!
//! The scheme of Bit Fusion (Sharma et al., ISCA 2018).

use super::{Kind, Operands, ProductActions, Rate, one_of, place_bits};
use crate::actions::Action;
use crate::code::OperandContainer;
use crate::description::{Array, Problem};

/// Multipliers of an element, each of a digit of two bits by another.
const BRICKS: u64 = 16;
/// Bits of codes that a row, and a column, hands on in a cycle.
const PORT_BITS: u64 = 32;

/// See the module.
pub(super) struct Fusible;

/// Digits of two bits that a code takes: 1, 2 or 4.
fn digits(bits: u32) -> u64 {
    u64::from(bits.next_power_of_two() / 2).clamp(1, 4)
}

/// Multipliers that a product takes.
fn bricks(operands: Operands) -> u64 {
    digits(operands.payload_bits()) * digits(operands.weight_bits)
}

/// Times that codes are dealt: the fine codes before the coarse ones.
fn passes(operands: Operands) -> u64 {
    if operands.two_scaled { 2 } else { 1 }
}

impl Kind for Fusible {
    fn check(&self, array: &Array) -> Result<(), Problem> {
        one_of("operand_bits", array.operand_bits, &[8])?;
        one_of("lanes", array.lanes, &[1])?;
        one_of("slice_bits", array.slice_bits, &[1])
    }

    fn port_bits(&self, _: &Array) -> u32 {
        PORT_BITS as u32
    }

    fn least_codes(&self, _: &Array) -> u32 {
        // A line has at least what an element takes at once.
        PORT_BITS as u32 / 8
    }

    fn takes(&self, _: &Array, _: OperandContainer) -> bool {
        true
    }

    fn beats(&self, _: &Array, operands: Operands, container: OperandContainer, codes: u64) -> u64 {
        let together = (BRICKS / bricks(operands)).min(PORT_BITS / u64::from(container.bits()));
        passes(operands) * codes.div_ceil(together)
    }

    fn widest(&self, _: &Array) -> u32 {
        8
    }

    fn reads(&self, _: &Array, operands: Operands) -> Operands {
        let whole = |bits: u32| 2 * digits(bits) as u32;
        Operands::uniform(whole(operands.activation_bits), whole(operands.weight_bits))
    }

    fn rate(&self, _: &Array, operands: Operands) -> Rate {
        // The narrowest containers hold as many codes as there are products.
        Rate { products: BRICKS / bricks(operands), cycles: passes(operands) }
    }

    fn actions(&self, _: &Array, operands: Operands) -> ProductActions {
        ProductActions {
            useful: Action::ArrayBitProduct,
            padding: Action::ArrayPaddingBitProduct,
            // A multiplier of two by two bits makes four of them.
            each: 4 * bricks(operands) * passes(operands),
        }
    }

    fn register_bits(&self, array: &Array) -> u64 {
        // Operands, which digits are joined, whether activations are signed, three flags, the place and the sum of
        // products.
        2 * PORT_BITS + 5 + 3 + place_bits(array) + 17
    }
}
