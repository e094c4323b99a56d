//! `fixed`: one multiplier for every product, of full width whatever the codes need.

use super::{Kind, Operands, ProductActions, Rate, one_of, place_bits};
use crate::actions::Action;
use crate::code::OperandContainer;
use crate::description::{Array, Problem};

/// `lanes` multipliers whose products share an accumulator: of 9 x 8 bits, or of one more than `operand_bits` by those.
pub(super) struct Fixed;

/// Times that codes are dealt: one multiplier shifts each product by its own code's tag, several share one shift and
/// take the fine codes before the coarse ones.
fn passes(array: &Array, operands: Operands) -> u64 {
    if operands.two_scaled && array.lanes > 1 { 2 } else { 1 }
}

impl Kind for Fixed {
    fn check(&self, array: &Array) -> Result<(), Problem> {
        one_of("operand_bits", array.operand_bits, &[2, 3, 4, 5, 6, 7, 8])?;
        one_of("lanes", array.lanes, &[1, 2, 4, 8])?;
        one_of("slice_bits", array.slice_bits, &[1])
    }

    fn port_bits(&self, array: &Array) -> u32 {
        OperandContainer::of_bits(array.operand_bits).bits() * array.lanes
    }

    fn least_codes(&self, array: &Array) -> u32 {
        array.lanes
    }

    fn takes(&self, array: &Array, container: OperandContainer) -> bool {
        container == OperandContainer::of_bits(array.operand_bits)
    }

    fn beats(&self, array: &Array, operands: Operands, _: OperandContainer, codes: u64) -> u64 {
        passes(array, operands) * codes.div_ceil(u64::from(array.lanes))
    }

    fn widest(&self, array: &Array) -> u32 {
        array.operand_bits
    }

    fn reads(&self, array: &Array, _: Operands) -> Operands {
        Operands::uniform(array.operand_bits, array.operand_bits)
    }

    fn rate(&self, array: &Array, operands: Operands) -> Rate {
        Rate { products: u64::from(array.lanes), cycles: passes(array, operands) }
    }

    fn actions(&self, array: &Array, operands: Operands) -> ProductActions {
        let passes = passes(array, operands);
        if array.operand_bits < 8 {
            // No source has a price of such a multiplier: it counts as its products of bits.
            let each = passes * u64::from(array.operand_bits).pow(2);
            let (useful, padding) = (Action::ArrayBitProduct, Action::ArrayPaddingBitProduct);
            return ProductActions { useful, padding, each };
        }
        ProductActions { useful: Action::ArrayMac, padding: Action::ArrayPaddingMac, each: passes }
    }

    fn register_bits(&self, array: &Array) -> u64 {
        // Operands, whether activations are signed, three flags, and the sum of products of 9 x 8 bits.
        let lanes = u64::from(array.lanes);
        let term = 2 * u64::from(array.operand_bits) + 1 + u64::from(array.lanes.max(1).ilog2());
        2 * lanes * u64::from(array.operand_bits) + 4 + place_bits(array) + term
    }
}
