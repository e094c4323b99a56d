//! Greedy mixed precision: bits of each layer's weights and of each tensor, from what is given downwards.
//!
//! Greedy MP of MPTQ-ViT (Tai and Wu, arXiv 2401.14895) chooses bits layer by layer "from a metric of model performance
//! and compressibility"; the text leaves the metric open. Here each step takes the bit whose loss grows least for
//! what it saves: `(loss after - loss before) / (cost before - cost after)`. What it saves is bits, or joules, cycles
//! or bytes on the bus of a given accelerator.

mod greedy;
mod judge;
mod space;

pub use greedy::{Journal, Memory, Outcome, Step, search};
pub use judge::{CostKind, Judge, Judged, LossKind, Network};
pub use space::{Bits, Place, Share};

#[cfg(test)]
mod tests;

/// When a search is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// Average bits of weights and activations together, each weighted by its number.
    Pooled(f64),
    /// Average bits of weights, and of activations.
    Separate {
        /// Of weights.
        weights: f64,
        /// Of activations.
        activations: f64,
    },
    /// A share of the cost at the start, 0 to 1.
    Cost(f64),
}

impl Goal {
    /// Whether it is reached.
    #[must_use]
    pub fn is_met(self, start: &Judged, now: &Judged) -> bool {
        match self {
            Goal::Pooled(bits) => now.bits.pooled() <= bits,
            Goal::Separate { weights, activations } => {
                now.bits.weights.average() <= weights && now.bits.activations.average() <= activations
            }
            Goal::Cost(share) => now.cost <= share * start.cost,
        }
    }

    /// Whether bits of this place are still to be saved.
    fn wants(self, place: &Place, now: &Judged) -> bool {
        match (self, place) {
            (Goal::Separate { weights, .. }, Place::Weights(_)) => now.bits.weights.average() > weights,
            (Goal::Separate { activations, .. }, Place::Tensor(_)) => {
                now.bits.activations.average() > activations
            }
            (Goal::Pooled(_) | Goal::Cost(_), _) => true,
        }
    }
}

/// How a search goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// When it is done.
    pub goal: Goal,
    /// Fewest bits of weights and of tensors, 2 to 8.
    pub least: u8,
    /// Take scores of earlier steps for what they were at least, and ask anew only of the best: far fewer networks
    /// are judged. Otherwise every place is asked in every step.
    pub lazy: bool,
}
