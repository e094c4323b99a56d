//! Values that are not finite: what calibration has to say of them.

use std::sync::{Mutex, PoisonError};

use crate::float::ops::Op;
use crate::float::{FloatGraph, ValueId};

/// The first image for which the float network gives a value that is not finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NotFinite {
    /// The image.
    pub image: usize,
    /// The first value in the order of computation that holds such an element.
    pub value: ValueId,
    /// The element.
    pub element: f32,
    /// The first value that holds what is not a number, if one does.
    pub not_a_number: Option<ValueId>,
}

/// Looks at every value of every image.
pub(super) struct Watch {
    /// Values that are infinite on purpose: a mask of constants was added, or chosen from.
    masked: Vec<bool>,
    found: Mutex<Option<NotFinite>>,
}

/// One image under way.
pub(super) struct Image<'a> {
    watch: &'a Watch,
    index: usize,
    first: Option<(ValueId, f32)>,
    not_a_number: Option<ValueId>,
}

impl Watch {
    pub fn new(graph: &FloatGraph) -> Watch {
        let mut masked = vec![false; graph.values.len()];
        for node in &graph.nodes {
            let infinite = |&operand: &ValueId| {
                let constant = graph.constant(operand);
                constant.is_some_and(|tensor| not_finite(tensor.data()).is_some())
            };
            let elementwise = matches!(node.op, Op::Binary(_) | Op::Select(_));
            let own = elementwise && node.inputs.iter().any(infinite);
            if own || node.inputs.iter().any(|operand| masked[operand.0]) {
                node.outputs.iter().for_each(|output| masked[output.0] = true);
            }
        }
        Watch { masked, found: Mutex::new(None) }
    }

    pub fn image(&self, index: usize) -> Image<'_> {
        Image { watch: self, index, first: None, not_a_number: None }
    }

    /// Images for which there is something that is not a number go first.
    pub fn into_found(self) -> Option<NotFinite> {
        self.found.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Image<'_> {
    pub fn look(&mut self, value: ValueId, data: &[f32]) {
        let Some(element) = not_finite(data) else { return };
        let is_nan = data.iter().any(|x| x.is_nan());
        if is_nan {
            self.not_a_number.get_or_insert(value);
        }
        if is_nan || !self.watch.masked[value.0] {
            self.first.get_or_insert((value, element));
        }
    }

    pub fn end(self) {
        let Some((value, element)) = self.first else { return };
        let own = NotFinite { image: self.index, value, element, not_a_number: self.not_a_number };
        let rank = |found: &NotFinite| (found.not_a_number.is_none(), found.image);
        let mut found = self.watch.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.as_ref().is_none_or(|found| rank(&own) < rank(found)) {
            *found = Some(own);
        }
    }
}

/// The first element that is not finite.
fn not_finite(data: &[f32]) -> Option<f32> {
    // All bits of the exponent are set in such elements alone; without a branch this takes vector instructions.
    let greatest = data.iter().fold(0u32, |greatest, x| greatest.max(x.to_bits() & 0x7fff_ffff));
    if greatest < f32::INFINITY.to_bits() { None } else { data.iter().copied().find(|x| !x.is_finite()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::binary::Binary;
    use crate::float::ops::unary::Unary;
    use crate::float::{Node, Tensor};

    #[test]
    fn masks_are_meant_and_what_is_not_a_number_goes_first() {
        let mut graph = FloatGraph::default();
        let x = graph.add_value("x", vec![1, 2]);
        let mask = graph.add_constant("mask", Tensor::new(vec![1, 2], vec![0.0, f32::NEG_INFINITY]).unwrap());
        let [y, z] = ["y", "z"].map(|name| graph.add_value(name, vec![1, 2]));
        for (op, inputs, output) in
            [(Op::Binary(Binary::Add), vec![x, mask], y), (Op::Unary(Unary::Log), vec![x], z)]
        {
            graph.nodes.push(Node { name: "n".to_owned(), op, inputs, outputs: vec![output] });
        }
        let found = |seen: &[(usize, ValueId, [f32; 2])]| {
            let watch = Watch::new(&graph);
            for &(index, value, data) in seen {
                let mut image = watch.image(index);
                image.look(value, &data);
                image.end();
            }
            watch.into_found()
        };
        let masked = [1.0, f32::NEG_INFINITY];
        assert_eq!(found(&[(0, y, masked), (1, z, [1.0, 2.0])]), None);
        let first = found(&[(3, z, masked), (2, z, masked), (4, y, masked)]).unwrap();
        assert_eq!((first.image, first.value, first.element), (2, z, f32::NEG_INFINITY));
        let nan = found(&[(3, z, masked), (5, y, [f32::NAN, 1.0])]).unwrap();
        assert_eq!((nan.image, nan.value, nan.not_a_number), (5, y, Some(y)));
    }

    #[test]
    fn the_first_that_is_not_finite() {
        assert_eq!(not_finite(&[1.0, -0.0, f32::MAX, f32::MIN_POSITIVE / 2.0]), None);
        assert_eq!(not_finite(&[1.0, f32::NEG_INFINITY, f32::NAN]), Some(f32::NEG_INFINITY));
        assert!(not_finite(&[f32::NAN]).is_some_and(f32::is_nan));
    }
}
