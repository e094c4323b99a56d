//! In which order a feeder gives operands to a processing element: the beats of a line, kind by kind.
//!
//! A test holds it to the feeder's own lanes and sequence.

use bitgauge_arch::description::MacKind;
use bitgauge_arch::mac::Operands;
use bitgauge_rtl::units::mac::{MacShape, flag, mode};

use crate::operands::Codes;

/// What an element gets in a cycle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beat {
    /// Activation words.
    pub a: Vec<u64>,
    /// Weight words.
    pub w: Vec<u64>,
    /// Bits that go with the operands.
    pub mode: u64,
    /// Flags of the term that they make, which go a cycle later.
    pub flags: u64,
}

fn field(code: i64, low: usize, bits: usize) -> u64 {
    (code >> low) as u64 & ((1 << bits) - 1)
}

/// Digits of two bits that `fusible` takes of a code.
fn digits(bits: u32) -> usize {
    match bits {
        0..=2 => 1,
        3..=4 => 2,
        _ => 4,
    }
}

/// Digits of sixteen products: those of one code times those of the other, at places of which the bits say, from the
/// highest on, i1, j1, i0, j0. Places whose bits are no digit's hold other codes.
fn joined((a, w): (&[i64], &[i64]), digits: [usize; 2]) -> [u64; 2] {
    let mut words = [0; 2];
    for (number, (&a, &w)) in a.iter().zip(w).enumerate() {
        for i in 0..digits[0] {
            for j in 0..digits[1] {
                let (mut place, mut rest) = (0, number);
                // From the lowest bit on: j0, i0, j1, i1.
                for (bit, of, index) in [(0, 1, j & 1), (1, 0, i & 1), (2, 1, j >> 1), (3, 0, i >> 1)] {
                    let taken = digits[of] > if bit < 2 { 1 } else { 2 };
                    let value = if taken { index } else { rest & 1 };
                    rest >>= usize::from(!taken);
                    place |= value << bit;
                }
                words[0] |= field(a, 2 * i, 2) << (2 * place);
                words[1] |= field(w, 2 * j, 2) << (2 * place);
            }
        }
    }
    words
}

/// The beats of a fold: products in the order in which codes lie in lines, the last group filled with zeros.
#[must_use]
pub fn fold(shape: &MacShape, operands: Operands, codes: &Codes) -> Vec<Beat> {
    let mut beats = Vec::new();
    let lanes = match shape.kind {
        MacKind::Fusible => 16 / (digits(operands.payload_bits()) * digits(operands.weight_bits)),
        _ => shape.lanes.max(1),
    };
    let payloads = Operands::uniform(operands.payload_bits(), operands.weight_bits);
    for (index, w) in codes.weights.chunks(lanes).enumerate() {
        let at = |v: usize| index * lanes + v;
        let w: Vec<i64> = (0..lanes).map(|v| w.get(v).copied().unwrap_or(0)).collect();
        // Fine codes before coarse ones, but for elements that take one code and shift it by its own tag.
        let passes = match operands.two_scaled {
            false => vec![false],
            true if shape.kind == MacKind::Fixed && lanes == 1 => vec![codes.is_coarse(at(0))],
            true => vec![false, true],
        };
        for coarse in passes {
            let taken = |v: usize| codes.activations.get(at(v)).filter(|_| codes.is_coarse(at(v)) == coarse);
            let a: Vec<i64> = (0..lanes).map(|v| taken(v).copied().unwrap_or(0)).collect();
            let first = beats.len();
            group(shape, payloads, (&a, &w), codes.signed, &mut beats);
            let place = if coarse { (shape.tag_shift as u64) << shape.shift_low() } else { 0 };
            beats[first..].iter_mut().for_each(|beat| beat.flags += place);
        }
    }
    let last = beats.len().saturating_sub(1);
    for (index, beat) in beats.iter_mut().enumerate() {
        beat.flags |=
            1 << flag::VALID | u64::from(index == 0) << flag::FIRST | u64::from(index == last) << flag::LAST;
    }
    beats
}

/// The beats of a group of as many codes as an element takes at once.
fn group(
    shape: &MacShape,
    operands: Operands,
    (a, w): (&[i64], &[i64]),
    signed: bool,
    beats: &mut Vec<Beat>,
) {
    let whole = |codes: &[i64]| codes.iter().map(|&code| field(code, 0, shape.operand)).collect();
    match shape.kind {
        MacKind::Fixed => {
            let mode = u64::from(signed) << mode::SIGNED;
            beats.push(Beat { a: whole(a), w: whole(w), mode, flags: 0 });
        }
        MacKind::Fusible => {
            let digits = [operands.activation_bits, operands.weight_bits].map(digits);
            let [of_a, of_w] = joined((a, w), digits);
            let join = [(digits[0], mode::I0), (digits[0] / 2, mode::I1)];
            let join = join.into_iter().chain([(digits[1], mode::J0), (digits[1] / 2, mode::J1)]);
            let join: u64 = join.map(|(count, bit)| u64::from(count > 1) << bit).sum();
            let mode = u64::from(signed) << mode::SIGNED | join << mode::JOIN;
            beats.push(Beat { a: vec![of_a], w: vec![of_w], mode, flags: 0 });
        }
        MacKind::Serial => {
            let slices = (operands.weight_bits as usize).div_ceil(shape.slice);
            for slice in (0..slices).rev() {
                let low = slice * shape.slice;
                let parts: Vec<u64> = w.iter().map(|&code| field(code, low, shape.slice)).collect();
                let joined = parts.iter().enumerate().fold(0, |word, (lane, bit)| word | bit << lane);
                let top = slice + 1 == slices;
                for plane in (0..operands.activation_bits as usize).rev() {
                    let first = plane + 1 == operands.activation_bits as usize;
                    // The highest slice of one bit is the weights' sign; both signs cancel.
                    let negative = (first && signed) != (shape.slice == 1 && top);
                    let plane_word = a
                        .iter()
                        .enumerate()
                        .fold(0, |word, (lane, &code)| word | field(code, plane, 1) << lane);
                    beats.push(Beat {
                        a: vec![plane_word],
                        w: if shape.slice == 1 { vec![joined] } else { parts.clone() },
                        mode: u64::from(first) << mode::LOAD | u64::from(top) << mode::TOP,
                        flags: u64::from(negative) << flag::NEGATE | ((plane + low) as u64) << flag::SHIFT,
                    });
                }
            }
        }
    }
}
