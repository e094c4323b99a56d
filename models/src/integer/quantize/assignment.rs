//! How many bits each layer's weights and each tensor have: a value with a text form, `bits.toml`.
//!
//! ```toml
//! stream = 16
//! outputs = 16
//!
//! [weights]
//! default = 8
//! [weights.layers]
//! "/blocks.0/mlp/fc1/MatMul" = 4
//!
//! [activations]
//! default = 8
//! [activations.tensors]
//! "/blocks.0/mlp/act/Mul_output_0" = 5
//! [activations.two_scales]
//! "/blocks.0/attn/Softmax_output_0" = 3
//!
//! [channel_shifts]
//! greatest = 3
//! [channel_shifts.values]
//! "/blocks.0/Add_1_output_0" = "0012000300000000"
//! ```
//!
//! What softmax and tables make for products can have two scales, the second so many bits coarser than the first.
//! Channels of a stream of 8 bits can have steps of their own: two to the power of a digit for each channel, or found by
//! calibration, up to the greatest.
//! Layers go by the names of their nodes, tensors by those of the values that they stand for.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use bitgauge_arch::arith::post::MAX_CHANNEL_SHIFT;

use super::{QuantizeError, Quantized};
use crate::float::FloatGraph;
use crate::integer::graph::IntOp;

/// Bits of a network's weights and activations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Assignment {
    /// 8 or 16: bits of what runs past the blocks of a transformer, from addition to addition. A network without
    /// LayerNorm has no such stream.
    pub stream: u8,
    /// 8 or 16: bits of the network's outputs; 16 keep close logits apart.
    pub outputs: u8,
    /// Bits of weights.
    pub weights: Weights,
    /// Bits of activations.
    pub activations: Activations,
    /// Steps of a stream's channels.
    #[serde(skip_serializing_if = "ChannelShifts::is_off")]
    pub channel_shifts: ChannelShifts,
}

/// Steps of their own for the channels of a stream of 8 bits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChannelShifts {
    /// The greatest shift that calibration finds for values that are not named, 0 to 7; 0: one step for all channels.
    pub greatest: u8,
    /// A digit from 0 to 7 for each channel, by the name of the value.
    pub values: BTreeMap<String, String>,
}

impl ChannelShifts {
    /// Whether all channels have one step.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.greatest == 0 && self.values.is_empty()
    }

    /// The shifts of a value that is named.
    #[must_use]
    pub fn of(&self, value: &str) -> Option<Vec<u8>> {
        Some(self.values.get(value)?.bytes().map(|digit| digit.wrapping_sub(b'0')).collect())
    }

    fn check(&self, stream: u8) -> Result<(), AssignmentError> {
        let refuse = |text: String| Err(AssignmentError::Text(text));
        let most = MAX_CHANNEL_SHIFT;
        if !self.is_off() && stream != 8 {
            return refuse(format!(
                "channel_shifts: the stream has {stream} bits; steps of its channels need stream = 8"
            ));
        }
        if i16::from(self.greatest) > i16::from(most) {
            return refuse(format!("channel_shifts.greatest = {} (possible: 0 to {most})", self.greatest));
        }
        let digit = |byte: u8| (b'0'..=b'0' + most as u8).contains(&byte);
        let odd = self.values.iter().find(|(_, digits)| digits.is_empty() || !digits.bytes().all(digit));
        odd.map_or(Ok(()), |(name, _)| {
            refuse(format!("channel_shifts.values.{name:?}: needs a digit from 0 to {most} for each channel"))
        })
    }
}

/// Bits of weights, 2 to 8.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Weights {
    /// Of layers that are not named.
    pub default: u8,
    /// By the name of the layer's node.
    pub layers: BTreeMap<String, u8>,
}

/// Bits of activations, 2 to 8.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Activations {
    /// Of tensors that are not named.
    pub default: u8,
    /// By the name of the value that the tensor stands for.
    pub tensors: BTreeMap<String, u8>,
    /// Tensors of two scales, by the same names: a coarse step is two to the power of so many fine ones, 1 to 8.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub two_scales: BTreeMap<String, u8>,
}

/// What is wrong with an assignment.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AssignmentError {
    /// The text is no assignment.
    #[error("{0}")]
    Text(String),
    /// A width that the hardware does not have.
    #[error("{place} = {bits} (possible: {possible})")]
    Width {
        /// The entry.
        place: String,
        /// Its bits.
        bits: u8,
        /// What is possible.
        possible: &'static str,
    },
}

impl Default for Assignment {
    fn default() -> Self {
        Assignment {
            stream: 16,
            outputs: 16,
            weights: Weights::default(),
            activations: Activations::default(),
            channel_shifts: ChannelShifts::default(),
        }
    }
}

impl Default for Weights {
    fn default() -> Self {
        Weights { default: 8, layers: BTreeMap::new() }
    }
}

impl Default for Activations {
    fn default() -> Self {
        Activations { default: 8, tensors: BTreeMap::new(), two_scales: BTreeMap::new() }
    }
}

impl Assignment {
    /// The same width for all weights, and one for all activations.
    #[must_use]
    pub fn uniform(weights: u8, activations: u8) -> Assignment {
        Assignment {
            weights: Weights { default: weights, ..Weights::default() },
            activations: Activations { default: activations, ..Activations::default() },
            ..Assignment::default()
        }
    }

    /// Bits of a layer's weights.
    #[must_use]
    pub fn of_weights(&self, layer: &str) -> u8 {
        self.weights.layers.get(layer).copied().unwrap_or(self.weights.default)
    }

    /// Bits of a tensor.
    #[must_use]
    pub fn of_tensor(&self, value: &str) -> u8 {
        self.activations.tensors.get(value).copied().unwrap_or(self.activations.default)
    }

    /// How much coarser a tensor's second scale is to be; 0 where it has one.
    #[must_use]
    pub fn two_scale(&self, value: &str) -> u8 {
        self.activations.two_scales.get(value).copied().unwrap_or(0)
    }

    /// Whether a tensor is named, with fewer bits than 8.
    #[must_use]
    pub fn narrows(&self, value: &str) -> bool {
        self.activations.tensors.get(value).is_some_and(|&bits| bits < 8)
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// Text that is no TOML, unknown keys, widths that the hardware does not have.
    pub fn from_toml(text: &str) -> Result<Assignment, AssignmentError> {
        let read: Assignment =
            toml::from_str(text).map_err(|error| AssignmentError::Text(error.to_string()))?;
        read.check()?;
        Ok(read)
    }

    /// The text form; [`Assignment::from_toml`] reads it.
    #[must_use]
    pub fn to_toml(&self) -> String {
        // Numbers and names have a form in TOML.
        toml::to_string(self).unwrap_or_default()
    }

    /// Whether the hardware has all widths.
    ///
    /// # Errors
    /// The first entry that it does not have.
    pub fn check(&self) -> Result<(), AssignmentError> {
        let within = |place: String, bits: u8, fits: bool, possible| {
            if fits { Ok(()) } else { Err(AssignmentError::Width { place, bits, possible }) }
        };
        let wide = |bits: u8| bits == 8 || bits == 16;
        within("stream".to_owned(), self.stream, wide(self.stream), "8, 16")?;
        within("outputs".to_owned(), self.outputs, wide(self.outputs), "8, 16")?;
        let small = |place: String, bits: u8| within(place, bits, (2..=8).contains(&bits), "2 to 8");
        small("weights.default".to_owned(), self.weights.default)?;
        small("activations.default".to_owned(), self.activations.default)?;
        for (name, &bits) in &self.weights.layers {
            small(format!("weights.layers.{name:?}"), bits)?;
        }
        for (name, &bits) in &self.activations.tensors {
            small(format!("activations.tensors.{name:?}"), bits)?;
        }
        for (name, &shift) in &self.activations.two_scales {
            let place = format!("activations.two_scales.{name:?}");
            within(place, shift, (1..=8).contains(&shift), "1 to 8")?;
            let (place, bits) =
                (format!("{name:?} has two scales; activations.tensors.{name:?}"), self.of_tensor(name));
            within(place, bits, bits >= 3, "3 to 8")?;
        }
        self.channel_shifts.check(self.stream)
    }

    /// What a quantized network has, every layer and every value of up to 8 bits named; `float` is the graph that it
    /// was made of, `asked` what was asked for. The network of the result is the same one.
    #[must_use]
    pub fn of(float: &FloatGraph, quantized: &Quantized, asked: &Assignment) -> Assignment {
        let mut found = asked.clone();
        found.weights.layers.clear();
        found.activations.tensors.clear();
        found.activations.two_scales.clear();
        let digits = |shifts: &[u8]| shifts.iter().map(|&shift| char::from(b'0' + shift)).collect();
        let shifts = quantized.trace.channel_shifts.iter();
        let values = shifts.map(|(&value, shifts)| (float.value(value).name.clone(), digits(shifts)));
        found.channel_shifts = ChannelShifts { greatest: 0, values: values.collect() };
        for node in &quantized.graph.nodes {
            if let IntOp::Conv { weight, .. }
            | IntOp::Depthwise { weight, .. }
            | IntOp::Phased { weight, .. } = &node.op
            {
                found.weights.layers.insert(node.name.clone(), weight.bits);
            }
        }
        for (&value, code) in quantized.trace.codes.iter().filter(|(_, code)| code.bits <= 8) {
            found.activations.tensors.insert(float.value(value).name.clone(), code.bits);
            if code.tag_shift > 0 {
                found.activations.two_scales.insert(float.value(value).name.clone(), code.tag_shift);
            }
        }
        found
    }
}

/// Layers and tensors that are named, of those that do not have the bits asked for.
const MAX_NOTES: usize = 8;

/// Notes on tensors that do not have the bits that an assignment gives them: a copy has the codes of what it is a copy
/// of, a stream has the stream's, and a model's own codes go first.
///
/// # Errors
/// The first name that the network does not have, and the nearest that it has.
pub(super) fn compare(
    quantized: &Quantized,
    float: &FloatGraph,
    asked: &Assignment,
) -> Result<Vec<String>, QuantizeError> {
    let has = Assignment::of(float, quantized, asked);
    let coded: BTreeSet<&str> =
        quantized.trace.codes.keys().map(|&value| float.value(value).name.as_str()).collect();
    let layers: BTreeSet<&str> = has.weights.layers.keys().map(String::as_str).collect();
    let lists = [
        ("layer with weights", Vec::from_iter(asked.weights.layers.keys()), &layers),
        ("tensor", Vec::from_iter(asked.activations.tensors.keys()), &coded),
        ("tensor", Vec::from_iter(asked.activations.two_scales.keys()), &coded),
        ("tensor", Vec::from_iter(asked.channel_shifts.values.keys()), &coded),
    ];
    for (what, names, held) in lists {
        if let Some(name) = names.into_iter().find(|name| !held.contains(name.as_str())) {
            let near = held.iter().min_by_key(|held| distance(name, held));
            let hint = near.map_or_else(String::new, |near| {
                format!(
                    "; the nearest of {} names is `{near}`, and `bitgauge quantize` writes them all",
                    held.len()
                )
            });
            return Err(QuantizeError::Unknown { what, name: name.clone(), hint });
        }
    }
    let codes = quantized.trace.codes.iter().map(|(&value, code)| (&float.value(value).name, code.bits));
    let other = codes.filter_map(|(name, bits)| {
        let wanted = *asked.activations.tensors.get(name)?;
        (wanted != bits)
            .then(|| format!("bits: `{name}` has {bits}, not {wanted}: it takes over other codes"))
    });
    let weights = has.weights.layers.iter().filter_map(|(layer, &bits)| {
        let wanted = asked.of_weights(layer);
        // A default that nobody changed asks for nothing.
        let said = asked.weights.layers.contains_key(layer) || wanted != Weights::default().default;
        (said && wanted != bits).then(|| {
            format!("bits: the weights of `{layer}` have {bits}, not {wanted}: the model's own go first")
        })
    });
    let scales = asked
        .activations
        .two_scales
        .iter()
        .filter(|(name, shift)| has.activations.two_scales.get(*name) != Some(*shift));
    let scales = scales.map(|(name, _)| {
        format!("bits: `{name}` has one scale: two need a softmax or a table that makes it, and products alone that read it")
    });
    let named = asked.channel_shifts.values.iter();
    let steps = named.filter(|(name, digits)| has.channel_shifts.values.get(*name) != Some(*digits));
    let steps = steps.map(|(name, digits)| {
        let found = has.channel_shifts.values.get(name).map_or("one step for all channels", |_| "other steps");
        let why = if digits.bytes().all(|digit| digit == b'0') {
            "its shifts are all 0"
        } else {
            "only LayerNorm, additions and copies of rows may read it, and a value that it is a copy of goes first"
        };
        format!("bits: `{name}` has {found}: {why}")
    });
    let mut notes: Vec<String> = weights.chain(other).chain(scales).chain(steps).collect();
    let more = notes.len().saturating_sub(MAX_NOTES);
    if more > 0 {
        notes.truncate(MAX_NOTES);
        notes.push(format!("bits: and so {more} more"));
    }
    Ok(notes)
}

/// Letters to put in, leave out or change to make one name of another.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], index + 1);
        for (at, other) in to.iter().enumerate() {
            let changed = corner + usize::from(letter != *other);
            corner = row[at + 1];
            row[at + 1] = changed.min(corner + 1).min(row[at] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_comes_back() {
        let mut bits = Assignment::uniform(4, 6);
        bits.weights.layers.insert("a/b \"c\"".to_owned(), 3);
        bits.activations.tensors.insert("x.0".to_owned(), 2);
        bits.activations.tensors.insert("y 1".to_owned(), 3);
        bits.activations.two_scales.insert("y 1".to_owned(), 4);
        bits.stream = 8;
        bits.channel_shifts.greatest = 3;
        bits.channel_shifts.values.insert("z".to_owned(), "0070".to_owned());
        assert_eq!(bits.channel_shifts.of("z"), Some(vec![0, 0, 7, 0]));
        assert_eq!(Assignment::from_toml(&bits.to_toml()), Ok(bits.clone()));
        assert_eq!(bits.of_weights("a/b \"c\""), 3);
        assert_eq!((bits.of_weights("other"), bits.of_tensor("x.0"), bits.of_tensor("y")), (4, 2, 6));
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let read = Assignment::from_toml("[weights.layers]\nfc = 5\n").unwrap();
        assert_eq!(read.of_weights("fc"), 5);
        assert_eq!((read.of_weights("conv"), read.of_tensor("x"), read.stream, read.outputs), (8, 8, 16, 16));
    }

    #[test]
    fn unknown_keys_and_widths_are_named() {
        for (text, said) in [
            ("[weights.layers]\nfc = 9\n", "weights.layers.\"fc\" = 9 (possible: 2 to 8)"),
            ("[activations.tensors]\nx = 1\n", "activations.tensors.\"x\" = 1 (possible: 2 to 8)"),
            ("[weights]\ndefault = 0\n", "weights.default = 0"),
            ("[activations.two_scales]\nx = 9\n", "activations.two_scales.\"x\" = 9 (possible: 1 to 8)"),
            (
                "[activations]\ndefault = 2\n[activations.two_scales]\nx = 1\n",
                "\"x\" has two scales; activations.tensors.\"x\" = 2 (possible: 3 to 8)",
            ),
            ("stream = 4\n", "stream = 4 (possible: 8, 16)"),
            (
                "[channel_shifts]\ngreatest = 1\n",
                "the stream has 16 bits; steps of its channels need stream = 8",
            ),
            (
                "stream = 8\n[channel_shifts]\ngreatest = 8\n",
                "channel_shifts.greatest = 8 (possible: 0 to 7)",
            ),
            (
                "stream = 8\n[channel_shifts.values]\nx = \"018\"\n",
                "channel_shifts.values.\"x\": needs a digit from 0 to 7 for each channel",
            ),
            ("[weight]\n", "unknown field `weight`"),
            ("[weights]\nfc = 4\n", "unknown field `fc`"),
            ("stream = 400\n", "invalid value"),
        ] {
            let error = Assignment::from_toml(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
