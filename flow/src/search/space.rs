//! What a search changes: one bit of one place.

use std::collections::BTreeMap;

use bitgauge_models::integer::{Assignment, IntGraph, IntOp};

/// Something that has bits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The weights of a layer, by its node.
    Weights(String),
    /// A tensor, by the value that it stands for.
    Tensor(String),
}

impl Place {
    /// All places of an assignment that names every one, as `Assignment::of` gives it.
    #[must_use]
    pub fn all(bits: &Assignment) -> Vec<Place> {
        let weights = bits.weights.layers.keys().cloned().map(Place::Weights);
        weights.chain(bits.activations.tensors.keys().cloned().map(Place::Tensor)).collect()
    }

    /// Name of the layer or value.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Place::Weights(name) | Place::Tensor(name) => name,
        }
    }

    /// `weights` or `tensor`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Place::Weights(_) => "weights",
            Place::Tensor(_) => "tensor",
        }
    }

    fn map<'a>(&self, bits: &'a mut Assignment) -> &'a mut BTreeMap<String, u8> {
        match self {
            Place::Weights(_) => &mut bits.weights.layers,
            Place::Tensor(_) => &mut bits.activations.tensors,
        }
    }

    /// Bits that the place has.
    #[must_use]
    pub fn bits(&self, bits: &Assignment) -> u8 {
        match self {
            Place::Weights(name) => bits.of_weights(name),
            Place::Tensor(name) => bits.of_tensor(name),
        }
    }

    /// The same bits, but one fewer here; `None` where there would be fewer than `least`, or fewer than two scales
    /// need.
    #[must_use]
    pub fn lowered(&self, bits: &Assignment, least: u8) -> Option<Assignment> {
        let scales = matches!(self, Place::Tensor(name) if bits.two_scale(name) > 0);
        let least = if scales { least.max(3) } else { least };
        let fewer = self.bits(bits).checked_sub(1).filter(|&fewer| fewer >= least)?;
        let mut lowered = bits.clone();
        self.map(&mut lowered).insert(self.name().to_owned(), fewer);
        Some(lowered)
    }
}

/// Numbers and their bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Bits of all of them.
    pub bits: u64,
    /// How many.
    pub count: u64,
}

impl Share {
    /// Bits of one; 0 of none.
    #[must_use]
    pub fn average(self) -> f64 {
        if self.count == 0 { 0.0 } else { self.bits as f64 / self.count as f64 }
    }
}

/// Bits of a network's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    /// Of weights.
    pub weights: Share,
    /// Of codes of up to 8 bits that layers make; a residual stream of 16 bits, inputs and outputs of 16 bits have no
    /// choice, and do not count.
    pub activations: Share,
}

impl Bits {
    /// Of a network.
    #[must_use]
    pub fn of(graph: &IntGraph) -> Bits {
        let mut found = Bits::default();
        for node in &graph.nodes {
            if let IntOp::Conv { weight, .. }
            | IntOp::Depthwise { weight, .. }
            | IntOp::Phased { weight, .. } = &node.op
            {
                found.weights.bits += weight.len() as u64 * u64::from(weight.bits);
                found.weights.count += weight.len() as u64;
            }
            let tensor = graph.tensor(node.output);
            if tensor.code.bits <= 8 {
                let count = tensor.shape.elements() as u64;
                found.activations.bits += count * u64::from(tensor.code.bits);
                found.activations.count += count;
            }
        }
        found
    }

    /// All bits.
    #[must_use]
    pub fn total(self) -> u64 {
        self.weights.bits + self.activations.bits
    }

    /// Average over weights and activations.
    #[must_use]
    pub fn pooled(self) -> f64 {
        let count = self.weights.count + self.activations.count;
        Share { bits: self.total(), count }.average()
    }
}
