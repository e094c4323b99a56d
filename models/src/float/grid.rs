//! The codes that a model gives a value itself, by QuantizeLinear and DequantizeLinear.

use std::sync::Arc;

use super::ops::quantize_linear::Scheme;

/// Codes of a value: `real = scale * (code - zero point)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Scales and zero points, one for all or one for each index of an axis.
    pub scheme: Scheme,
    /// Least and greatest code; `None` for a constant, whose codes are what they are.
    pub range: Option<(i32, i32)>,
    /// The codes of a constant where a float has not enough digits for them, in the order of its elements.
    pub codes: Option<Arc<[i32]>>,
}

impl Grid {
    /// Least and greatest real, where all elements have one scale.
    #[must_use]
    pub fn reals(&self) -> Option<(f32, f32)> {
        let (&[scale], &[zero], (low, high)) =
            (&self.scheme.scale[..], &self.scheme.zero_point[..], self.range?)
        else {
            return None;
        };
        Some((scale * (low - zero) as f32, scale * (high - zero) as f32))
    }

    /// Of a matrix, for the transposed one.
    #[must_use]
    pub fn transposed2(&self) -> Grid {
        let scheme = Scheme { axis: 1usize.saturating_sub(self.scheme.axis), ..self.scheme.clone() };
        Grid { scheme, range: self.range, codes: None }
    }

    /// The scales for each of `n` indices of `axis`.
    #[must_use]
    pub fn scales(&self, axis: usize, n: usize) -> Option<Vec<f64>> {
        let scale = |&s: &f32| f64::from(s);
        match &self.scheme.scale[..] {
            [one] => Some(vec![scale(one); n]),
            many if many.len() == n && self.scheme.axis == axis => Some(many.iter().map(scale).collect()),
            _ => None,
        }
    }
}
