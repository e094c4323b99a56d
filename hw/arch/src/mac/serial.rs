//! `serial`: one bit of each activation a cycle, times a slice of each weight.
//!
//! With slices of 8 bits this is the scheme of Stripes (Judd et al., MICRO 2016), with slices of one bit that of Loom
//! (Sharify et al., DAC 2018) and BISMO (Umuroglu et al., FPL 2018).

use super::{Kind, Operands, ProductActions, Rate, one_of};
use crate::actions::Action;
use crate::code::OperandContainer;
use crate::description::{Array, Problem};

/// `lanes` codes a cycle, `slice_bits` bits of each weight.
pub(super) struct Serial;

/// Cycles of one group of lanes: bit planes of the activations times slices of the weights; of codes of two scales the
/// payload's, once for the fine codes and once for the coarse ones.
fn cycles(array: &Array, operands: Operands) -> u64 {
    let passes = if operands.two_scaled { 2 } else { 1 };
    let slices = operands.weight_bits.div_ceil(array.slice_bits.max(1));
    u64::from(passes * operands.payload_bits()) * u64::from(slices)
}

/// Bits of a slice of all lanes that a column hands on in a cycle at most.
const MOST_SLICE: u32 = 128;

impl Kind for Serial {
    fn check(&self, array: &Array) -> Result<(), Problem> {
        one_of("operand_bits", array.operand_bits, &[8])?;
        one_of("lanes", array.lanes, &[8, 16, 32, 64])?;
        one_of("slice_bits", array.slice_bits, &[1, 2, 4, 8])?;
        if array.lanes * array.slice_bits > MOST_SLICE {
            return Err(Problem {
                table: "array",
                key: "slice_bits",
                message: format!(
                    "{} lanes of {} bits are {} bits of weights a cycle, and a column hands on at most {MOST_SLICE}",
                    array.lanes,
                    array.slice_bits,
                    array.lanes * array.slice_bits
                ),
                hint: format!("use at most {}", MOST_SLICE / array.lanes),
            });
        }
        Ok(())
    }

    fn port_bits(&self, _: &Array) -> u32 {
        32
    }

    fn least_codes(&self, array: &Array) -> u32 {
        array.lanes
    }

    fn takes(&self, _: &Array, _: OperandContainer) -> bool {
        true
    }

    fn beats(&self, array: &Array, operands: Operands, _: OperandContainer, codes: u64) -> u64 {
        cycles(array, operands) * codes.div_ceil(u64::from(array.lanes))
    }

    fn widest(&self, _: &Array) -> u32 {
        8
    }

    fn reads(&self, array: &Array, operands: Operands) -> Operands {
        let slice = array.slice_bits.max(1);
        Operands { weight_bits: operands.weight_bits.next_multiple_of(slice).min(8), ..operands }
    }

    fn rate(&self, array: &Array, operands: Operands) -> Rate {
        Rate { products: u64::from(array.lanes), cycles: cycles(array, operands) }
    }

    fn actions(&self, array: &Array, operands: Operands) -> ProductActions {
        ProductActions {
            useful: Action::ArrayBitProduct,
            padding: Action::ArrayPaddingBitProduct,
            each: cycles(array, operands) * u64::from(array.slice_bits),
        }
    }

    fn register_bits(&self, array: &Array) -> u64 {
        // A bit plane, a slice, two bits of mode, eight flags; a term of one-bit slices is a count, others have a sign.
        let (lanes, slice) = (u64::from(array.lanes), u64::from(array.slice_bits));
        let levels = u64::from(array.lanes.max(1).ilog2());
        let term = if slice == 1 { 1 + levels } else { slice + 1 + levels };
        // The place of a term has a bit more where there are two scales.
        let place = u64::from(array.tag_shift > 0);
        lanes * (1 + slice) + 10 + place + term
    }
}
