//! Pairs of QuantizeLinear and DequantizeLinear, and constants that are stored as codes.

use bitgauge_arch::arith::Signedness;

use super::file::{File, int};
use crate::float::Tensor;
use crate::integer::CodeType;
use crate::onnx::generated::tensor_proto::DataType;

/// The step of a sum: its operands have room to cancel each other.
pub fn sum(step: f64) -> CodeType {
    CodeType { bits: 16, sign: Signedness::Signed, scale: step, zero_point: 0, tag_shift: 0 }
}

/// The type that holds the codes. Narrow ones lie in bytes: ONNX Runtime joins QuantizeLinear with what is
/// around it, and refuses the 4-bit codes that come of it.
pub fn element(code: &CodeType) -> DataType {
    match (code.bits, code.sign) {
        (0..=8, Signedness::Signed) => DataType::Int8,
        (0..=8, Signedness::Unsigned) => DataType::Uint8,
        (_, Signedness::Signed) => DataType::Int16,
        (_, Signedness::Unsigned) => DataType::Uint16,
    }
}

/// Codes as an initializer stores them: two codes of 4 bits to a byte, the first in its low half.
pub fn pack(codes: &[i32], element: DataType) -> Vec<u8> {
    match element {
        DataType::Int4 | DataType::Uint4 => {
            let nibble = |code: Option<&i32>| code.map_or(0, |&code| code as u8 & 15);
            codes.chunks(2).map(|pair| nibble(pair.first()) | nibble(pair.get(1)) << 4).collect()
        }
        DataType::Int8 | DataType::Uint8 => codes.iter().map(|&code| code as u8).collect(),
        DataType::Int16 | DataType::Uint16 => {
            codes.iter().flat_map(|&code| (code as u16).to_le_bytes()).collect()
        }
        _ => codes.iter().flat_map(|code| code.to_le_bytes()).collect(),
    }
}

/// A step as ONNX stores it: the greatest number of single precision that is not above it. What lies half way between
/// two codes is then a little more than half way for a runtime, which rounds it away from zero, as the tables of the
/// integer network do: HardSigmoid of zero at steps of 1/255.
pub fn single(step: f64) -> f32 {
    let nearest = step as f32;
    if f64::from(nearest) > step { nearest.next_down() } else { nearest }
}

/// Scale and zero point of a whole tensor.
fn step(file: &mut File, name: &str, code: &CodeType) -> [String; 2] {
    let element = element(code);
    let scale = single(code.scale).to_le_bytes().to_vec();
    let scale = file.tensor(&format!("{name}_scale"), DataType::Float, &[], scale);
    let zero = pack(&[code.zero_point], element);
    [scale, file.tensor(&format!("{name}_zero_point"), element, &[], zero)]
}

/// Keeps `name` to the codes where their type would let more through; gives the name of the result.
pub fn bounded(file: &mut File, name: &str, code: &CodeType) -> String {
    if matches!(code.bits, 8 | 16) {
        return name.to_owned();
    }
    let (low, high) = code.range();
    let ends = [(low, "low"), (high, "high")].map(|(end, what)| {
        let bytes = (code.decode(end) as f32).to_le_bytes().to_vec();
        file.tensor(&format!("{name}_{what}"), DataType::Float, &[], bytes)
    });
    let to = file.unique(&format!("{name}_clipped"));
    let [low, high] = ends;
    file.node("Clip", &to, vec![name.to_owned(), low, high], &to, vec![]);
    to
}

/// Rounds `name` to codes and back; gives the name of the result, which is `after` where that is wanted.
pub fn pair(file: &mut File, name: &str, code: &CodeType, after: Option<&str>) -> String {
    let [scale, zero] = step(file, name, code);
    let codes = file.unique(&format!("{name}_QuantizeLinear_Output"));
    let real = match after {
        Some(after) => after.to_owned(),
        None => file.unique(&format!("{name}_DequantizeLinear_Output")),
    };
    let label = file.unique(&format!("{name}_QuantizeLinear"));
    file.node("QuantizeLinear", &label, vec![name.to_owned(), scale.clone(), zero.clone()], &codes, vec![]);
    let label = file.unique(&format!("{name}_DequantizeLinear"));
    file.node("DequantizeLinear", &label, vec![codes, scale, zero], &real, vec![]);
    real
}

/// A constant stored as codes of a whole tensor; gives the name of its reals.
pub fn constant(file: &mut File, name: &str, tensor: &Tensor, code: &CodeType) -> String {
    let codes: Vec<i32> = tensor.data().iter().map(|&x| code.encode(f64::from(x))).collect();
    let [scale, zero] = step(file, name, code);
    let element = element(code);
    let stored = file.tensor(&format!("{name}_quantized"), element, tensor.shape(), pack(&codes, element));
    dequantize(file, name, vec![stored, scale, zero], None)
}

/// Codes with one scale per index of `axis` and no zero point: a tensor of rank 1 has no other axis than 0.
pub fn per_channel(
    file: &mut File,
    name: &str,
    (element, shape, codes): (DataType, &[usize], &[i32]),
    scales: &[f32],
    axis: usize,
) -> String {
    let bytes = scales.iter().flat_map(|s| s.to_le_bytes()).collect();
    let scale = file.tensor(&format!("{name}_scale"), DataType::Float, &[scales.len()], bytes);
    let stored = file.tensor(&format!("{name}_quantized"), element, shape, pack(codes, element));
    dequantize(file, name, vec![stored, scale], Some(axis))
}

fn dequantize(file: &mut File, name: &str, inputs: Vec<String>, axis: Option<usize>) -> String {
    let real = file.unique(name);
    let label = file.unique(&format!("{name}_DequantizeLinear"));
    let axis = axis.map(|axis| int("axis", axis as i64)).into_iter().collect();
    file.node("DequantizeLinear", &label, inputs, &real, axis);
    real
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_step_is_a_little_more() {
        for scale in [1.0 / 255.0, 1.0 / 254.0, 0.1, 1.0 / 3.0, 0.25] {
            let stored = single(scale);
            assert!(f64::from(stored) <= scale && f64::from(stored.next_up()) > scale);
            assert!((127.5 * scale) as f32 / stored >= 127.5);
        }
    }

    #[test]
    fn halves_of_bytes() {
        assert_eq!(pack(&[-1, 7, -8], DataType::Int4), [0x7f, 0x08]);
        assert_eq!(pack(&[-2, 300], DataType::Int16), [0xfe, 0xff, 0x2c, 0x01]);
        assert_eq!(pack(&[-1], DataType::Int32), [0xff; 4]);
    }
}
