//! Signal to quantization noise, tensor by tensor.

use std::collections::BTreeMap;

use bitgauge_arch::arith::Signedness;
use bitgauge_arch::arith::host::widest;
use bitgauge_arch::code::Container;
use rayon::prelude::*;

use super::{EvaluateError, encode_inputs};
use crate::float::{self, FloatGraph, Tensor, ValueId};
use crate::integer::graph::{FloatSource, IntGraph, IntTensor, TensorId};
use crate::integer::interpreter::Prepared;

/// How many times the others a channel has to be to be named: then they have less than 3 of 8 bits.
const LOUD: f32 = 32.0;

/// Signal to quantization noise of one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorNoise {
    /// Name of the integer tensor.
    pub tensor: String,
    /// Name of the float value.
    pub value: String,
    /// `10 log10(sum of squares / sum of squared errors)`; infinite where there is no error, not a number where a
    /// value of the float network is not finite.
    pub decibels: f64,
    /// Share of the codes at the ends of the range.
    pub at_ends: f64,
    /// First image for which a value of the float network is not finite.
    pub not_finite: Option<usize>,
    /// A channel that takes the bits from all others, where one step for all of them has 8 bits or fewer.
    pub loud: Option<LoudChannel>,
}

/// A channel whose values are far beyond those of the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoudChannel {
    /// Which, over all groups.
    pub channel: usize,
    /// Its greatest absolute value.
    pub greatest: f32,
    /// The median of the others' greatest absolute values, those that are always zero left out.
    pub others: f32,
}

/// What one tensor gives for some images.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    /// Sum of squares, sum of squared errors, codes at the ends.
    sums: [f64; 3],
    not_finite: Option<usize>,
    /// Greatest absolute value of each channel.
    channels: Vec<f32>,
}

impl Seen {
    fn merge(mut self, other: &Seen) -> Seen {
        self.sums = std::array::from_fn(|i| self.sums[i] + other.sums[i]);
        self.not_finite = [self.not_finite, other.not_finite].into_iter().flatten().min();
        self.channels.iter_mut().zip(&other.channels).for_each(|(a, &b)| *a = a.max(b));
        self
    }
}

/// Noise of every computed tensor that stands for a float value, over `count` images, in node order.
///
/// # Errors
/// The graphs do not belong together, or one cannot be run.
pub fn noise(
    graph: &IntGraph,
    float: &FloatGraph,
    count: usize,
    image: impl Fn(usize) -> Vec<Tensor> + Sync,
) -> Result<Vec<TensorNoise>, EvaluateError> {
    let prepared = if count == 1 { Prepared::for_one(graph)? } else { Prepared::new(graph)? };
    let computed = graph.inputs.iter().copied().chain(graph.nodes.iter().map(|n| n.output));
    let by_name: BTreeMap<&str, ValueId> =
        float.values.iter().enumerate().map(|(id, value)| (value.name.as_str(), ValueId(id))).collect();
    let tensors: Vec<(TensorId, &FloatSource, ValueId)> = computed
        .filter_map(|id| {
            let source = graph.tensor(id).float_source.as_ref()?;
            Some((id, source, *by_name.get(source.value.as_str())?))
        })
        .collect();
    let mut of_value: BTreeMap<ValueId, Vec<usize>> = BTreeMap::new();
    for (index, &(_, _, value)) in tensors.iter().enumerate() {
        of_value.entry(value).or_default().push(index);
    }
    let one = |index: usize| -> Result<Vec<Seen>, EvaluateError> {
        let image = image(index);
        let integer = prepared.run(&encode_inputs(graph, &image)?)?;
        // A value is compared when it is computed, so that no more of them are held than its readers need.
        let mut seen = vec![None; tensors.len()];
        float::run_observed(float, &image, |value, reals| {
            for &at in of_value.get(&value).into_iter().flatten() {
                let (id, source, _) = tensors[at];
                let tensor = graph.tensor(id);
                seen[at] =
                    integer[id.0].as_ref().filter(|_| reals.len() == tensor.shape.elements()).map(|bytes| {
                        match source.order.is_stored()
                            && tensor.code.tag_shift == 0
                            && tensor.channel_shifts.is_none()
                        {
                            true => look_in_line(tensor, bytes, reals.data(), index),
                            false => look(tensor, bytes, reals.data(), &source.order.indices(), index),
                        }
                    });
            }
        })?;
        seen.into_iter().map(|seen| seen.ok_or(EvaluateError::Mismatch)).collect()
    };
    let each: Vec<Vec<Seen>> = (0..count).into_par_iter().map(one).collect::<Result<_, _>>()?;
    let noise = |(index, (id, _, value)): (usize, &(TensorId, &FloatSource, ValueId))| {
        let tensor = graph.tensor(*id);
        let all = each.iter().map(|seen| &seen[index]);
        let start =
            Seen { sums: [0.0; 3], not_finite: None, channels: vec![0.0; tensor.shape.flat_channels()] };
        let Seen { sums: [signal, error, ends], not_finite, channels } = all.fold(start, Seen::merge);
        TensorNoise {
            tensor: tensor.name.clone(),
            value: float.value(*value).name.clone(),
            decibels: if error == 0.0 { f64::INFINITY } else { 10.0 * (signal / error).log10() },
            at_ends: ends / (tensor.shape.elements() * count.max(1)) as f64,
            not_finite,
            loud: if tensor.code.bits <= 8 && tensor.channel_shifts.is_none() {
                loud(&channels)
            } else {
                None
            },
        }
    };
    Ok(tensors.iter().enumerate().map(noise).collect())
}

/// Compares a tensor's codes with the float values whose elements lie at these places of it.
fn look(tensor: &IntTensor, bytes: &[u8], reals: &[f32], places: &[usize], image: usize) -> Seen {
    let (low, high) = tensor.code.range();
    let (inner, group) = (tensor.shape.channels, tensor.shape.elements() / tensor.shape.groups);
    let mut seen =
        Seen { sums: [0.0; 3], not_finite: None, channels: vec![0.0; tensor.shape.flat_channels()] };
    for (&place, &value) in places.iter().zip(reals) {
        let (code, real) = (tensor.code.read(bytes, place), f64::from(value));
        seen.sums[0] += real * real;
        seen.sums[1] += (tensor.code.decode(code) * tensor.channel_step(place) - real).powi(2);
        seen.sums[2] += f64::from(u8::from(code == low || code == high));
        let channel = &mut seen.channels[place / group * inner + place % inner];
        *channel = channel.max(value.abs());
        if !value.is_finite() {
            seen.not_finite = Some(image);
        }
    }
    seen
}

/// As [`look`], where the values lie as they are stored: the same sums, from squares that are made in vectors.
fn look_in_line(tensor: &IntTensor, bytes: &[u8], reals: &[f32], image: usize) -> Seen {
    const BLOCK: usize = 256;
    let code = &tensor.code;
    let ((low, high), container) = (code.range(), code.container());
    let mut channels = vec![0f32; tensor.shape.flat_channels()];
    let (mut codes, mut squares, mut errors) = ([0i32; BLOCK], [0f64; BLOCK], [0f64; BLOCK]);
    let (mut signal, mut error, mut ends, mut finite) = (0.0, 0.0, 0usize, true);
    for (at, block) in reals.chunks(BLOCK).enumerate() {
        widest(
            #[inline(always)]
            || {
                read(
                    container,
                    code.sign,
                    &bytes[at * BLOCK * container.bytes()..],
                    &mut codes[..block.len()],
                );
                let made = squares.iter_mut().zip(&mut errors).zip(&codes).zip(block);
                for (((square, error), &at), &value) in made {
                    let real = f64::from(value);
                    let off = code.scale * f64::from(at - code.zero_point) - real;
                    (*square, *error) = (real * real, off * off);
                    ends += usize::from((at == low) | (at == high));
                    finite &= value.is_finite();
                }
            },
        );
        for (square, off) in squares.iter().zip(&errors).take(block.len()) {
            signal += square;
            error += off;
        }
    }
    let (inner, group) = (tensor.shape.channels, tensor.shape.elements() / tensor.shape.groups);
    for (reals, channels) in reals.chunks(group).zip(channels.chunks_mut(inner)) {
        widest(
            #[inline(always)]
            || {
                for row in reals.chunks(inner) {
                    for (most, x) in channels.iter_mut().zip(row) {
                        *most = most.max(x.abs());
                    }
                }
            },
        );
    }
    let not_finite = if finite { None } else { Some(image) };
    Seen { sums: [signal, error, ends as f64], not_finite, channels }
}

/// The first codes of a run of containers.
#[inline(always)]
fn read(container: Container, sign: Signedness, bytes: &[u8], codes: &mut [i32]) {
    match (container, sign) {
        (Container::Byte, Signedness::Signed) => {
            for (code, &byte) in codes.iter_mut().zip(bytes) {
                *code = i32::from(byte as i8);
            }
        }
        _ => {
            for (at, code) in codes.iter_mut().enumerate() {
                *code = container.read(bytes, at, sign);
            }
        }
    }
}

/// The channel that is far beyond the others, if one is.
fn loud(channels: &[f32]) -> Option<LoudChannel> {
    let (channel, &greatest) = channels.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    let others = channels.iter().enumerate().filter(|&(at, &x)| at != channel && x > 0.0);
    let mut others: Vec<f32> = others.map(|(_, &x)| x).collect();
    others.sort_by(f32::total_cmp);
    let &others = others.get(others.len() / 2)?;
    (greatest.is_finite() && greatest > LOUD * others).then_some(LoudChannel { channel, greatest, others })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integer::graph::{CodeType, Shape};

    /// To the last bit: what is printed must not depend on how it is computed.
    #[test]
    fn values_as_they_are_stored_are_seen_as_those_in_any_order_are() {
        let code = |bits, zero_point| CodeType {
            bits,
            sign: Signedness::Signed,
            scale: 0.037,
            zero_point,
            tag_shift: 0,
        };
        for (shape, code) in [
            (Shape { groups: 2, rows: 7, cols: 5, channels: 9 }, code(8, -3)),
            (Shape { groups: 1, rows: 1, cols: 197, channels: 4 }, code(16, 0)),
            (Shape { groups: 1, rows: 1, cols: 1, channels: 1 }, code(4, 1)),
        ] {
            let (elements, (low, high)) = (shape.elements(), code.range());
            let mut bytes = vec![0; elements * code.container().bytes()];
            for at in 0..elements {
                let span = (high - low + 1) as usize;
                code.write(&mut bytes, at, low + (at * 2_654_435_761 % span) as i32);
            }
            let mut reals: Vec<f32> = (0..elements).map(|at| (at * 37 % 101) as f32 * 0.1 - 5.0).collect();
            let (name, constant, float_source) = (String::new(), None, None);
            let tensor = IntTensor { name, shape, code, channel_shifts: None, constant, float_source };
            let places: Vec<usize> = (0..elements).collect();
            for image in [0, 3] {
                let found = look_in_line(&tensor, &bytes, &reals, image);
                assert_eq!(found, look(&tensor, &bytes, &reals, &places, image));
                assert_eq!(found.not_finite, (image == 3).then_some(3));
                reals[elements / 2] = f32::INFINITY;
            }
        }
    }

    #[test]
    fn a_loud_channel() {
        assert_eq!(loud(&[1.0, 2.0, 65.0, 2.0]).map(|loud| (loud.channel, loud.others)), Some((2, 2.0)));
        assert_eq!(loud(&[1.0, 2.0, 63.0, 2.0]), None);
        assert_eq!(loud(&[0.0, 0.0, 65.0]), None, "the others are dead");
        assert_eq!(loud(&[]), None);
    }
}
