//! Resize-19 (and 11, 13, 18): interpolation along each axis in turn.

use std::sync::Arc;

use super::axis::{around, axis_indices};
use super::resize_taps::{Taps, taps};
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::{Tensor, element_count};
use crate::onnx::reader::NodeReader;

/// How a place of the result maps to one of the operand (`coordinate_transformation_mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Coordinate {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
    TfHalfPixelForNn,
    TfCropAndResize,
}

/// Which neighbour is the nearest (`nearest_mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Nearest {
    RoundPreferFloor,
    RoundPreferCeil,
    Floor,
    Ceil,
}

/// What is between the pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Interpolation {
    /// The nearest pixel.
    Nearest(Nearest),
    /// A line between two pixels.
    Linear,
    /// Cubic convolution over four pixels.
    Cubic {
        /// Its coefficient.
        a: f32,
    },
}

/// One operand; every list has an entry per axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Resize {
    /// What is between the pixels.
    pub interpolation: Interpolation,
    /// How places map.
    pub coordinate: Coordinate,
    /// Shape of the result.
    pub shape: Vec<usize>,
    /// Factors of the lengths; 1 where an axis stays.
    pub scales: Vec<f64>,
    /// First and last place that is read, 0 to 1; for [`Coordinate::TfCropAndResize`] alone.
    pub roi: Vec<[f64; 2]>,
    /// Whether the window widens where the result is smaller.
    pub antialias: bool,
    /// Whether pixels outside have no weight (else they repeat the edge).
    pub exclude_outside: bool,
    /// Value of places outside; for [`Coordinate::TfCropAndResize`] alone.
    pub extrapolation: f32,
}

pub(super) const BUILDERS: &[OnnxOperator] =
    &[OnnxOperator::new("Resize", &[11, 13, 18, 19], build, "constant roi, scales and sizes")];

/// The choice that an attribute names.
fn choice<T: Copy>(r: &mut NodeReader<'_>, name: &'static str, choices: &[(&str, T)]) -> Result<T, OpError> {
    let given = r.text(name)?.unwrap_or(choices[0].0);
    let found = choices.iter().find(|(text, _)| *text == given);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let all: Vec<&str> = choices.iter().map(|(text, _)| *text).collect();
        OpError::new(format!("{name} `{given}` is not supported (supported: {})", all.join(", ")))
    })
}

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 4)?;
    let coordinate = choice(
        r,
        "coordinate_transformation_mode",
        &[
            ("half_pixel", Coordinate::HalfPixel),
            ("half_pixel_symmetric", Coordinate::HalfPixelSymmetric),
            ("pytorch_half_pixel", Coordinate::PytorchHalfPixel),
            ("align_corners", Coordinate::AlignCorners),
            ("asymmetric", Coordinate::Asymmetric),
            ("tf_half_pixel_for_nn", Coordinate::TfHalfPixelForNn),
            ("tf_crop_and_resize", Coordinate::TfCropAndResize),
        ],
    )?;
    let nearest = choice(
        r,
        "nearest_mode",
        &[
            ("round_prefer_floor", Nearest::RoundPreferFloor),
            ("round_prefer_ceil", Nearest::RoundPreferCeil),
            ("floor", Nearest::Floor),
            ("ceil", Nearest::Ceil),
        ],
    )?;
    let a = r.number("cubic_coeff_a", -0.75)?;
    let modes = [
        ("nearest", Interpolation::Nearest(nearest)),
        ("linear", Interpolation::Linear),
        ("cubic", Interpolation::Cubic { a }),
    ];
    let interpolation = choice(r, "mode", &modes)?;
    let x = r.float(0)?;
    let from = r.shape(0)?.to_vec();
    let axes: Vec<i64> = r.ints("axes")?.map_or((0..from.len() as i64).collect(), <[i64]>::to_vec);
    // Their order is the order of the lists.
    axis_indices(&axes, from.len())?;
    let n = from.len() as i64;
    let axes: Vec<usize> = axes.iter().map(|&a| (if a < 0 { a + n } else { a }) as usize).collect();
    let mut roi = vec![[0.0, 1.0]; from.len()];
    if coordinate == Coordinate::TfCropAndResize {
        let t = list(r, 1, 2 * axes.len())?;
        for (i, &axis) in axes.iter().enumerate() {
            roi[axis] = [f64::from(t.data()[i]), f64::from(t.data()[i + axes.len()])];
        }
    }
    let (shape, scales) = match r.const_ints(3)? {
        Some(t) => sizes(r, &from, &axes, &t.data.clone())?,
        None => scaled(&from, &axes, list(r, 2, axes.len())?.data(), &roi)?,
    };
    r.ignore("keep_aspect_ratio_policy");
    let resize = Resize {
        interpolation,
        coordinate,
        shape,
        scales,
        roi,
        antialias: r.flag("antialias", false)?,
        exclude_outside: r.flag("exclude_outside", false)?,
        extrapolation: r.number("extrapolation_value", 0.0)?,
    };
    Ok(Built { op: Op::Resize(resize), inputs: vec![x] })
}

/// The constant list of operand `i`.
fn list(r: &NodeReader<'_>, i: usize, n: usize) -> Result<Arc<Tensor>, OpError> {
    let t = r.const_floats(i)?.filter(|t| t.len() == n);
    t.ok_or_else(|| OpError::new(format!("input {i} must have {n} numbers")))
}

type Sizes = (Vec<usize>, Vec<f64>);

/// Result shape and scales, from scales.
fn scaled(from: &[usize], axes: &[usize], given: &[f32], roi: &[[f64; 2]]) -> Result<Sizes, OpError> {
    let (mut shape, mut scales) = (from.to_vec(), vec![1.0; from.len()]);
    for (&axis, &scale) in axes.iter().zip(given) {
        if !(scale.is_finite() && scale > 0.0) {
            return Err(OpError::new(format!("scale {scale} is not above 0")));
        }
        let part = (roi[axis][1] - roi[axis][0]) as f32;
        // Cut in f32, as every runtime does: 0.6 of 5 is 3 there.
        shape[axis] = (from[axis] as f32 * part * scale).floor() as usize;
        scales[axis] = f64::from(scale);
    }
    Ok((shape, scales))
}

/// Result shape and scales, from sizes.
fn sizes(r: &mut NodeReader<'_>, from: &[usize], axes: &[usize], given: &[i64]) -> Result<Sizes, OpError> {
    let positive: Option<Vec<usize>> =
        given.iter().map(|&d| usize::try_from(d).ok().filter(|d| *d > 0)).collect();
    let given = positive.filter(|g| g.len() == axes.len());
    let given =
        given.ok_or_else(|| OpError::new(format!("sizes must be {} positive numbers", axes.len())))?;
    let ratios: Vec<f64> = axes.iter().zip(&given).map(|(&axis, &d)| d as f64 / from[axis] as f64).collect();
    // One scale for all axes, where the aspect ratio stays.
    let together = match r.text("keep_aspect_ratio_policy")? {
        None | Some("stretch") => None,
        Some("not_larger") => Some(ratios.iter().copied().fold(f64::INFINITY, f64::min)),
        Some("not_smaller") => Some(ratios.iter().copied().fold(0.0, f64::max)),
        Some(other) => {
            return Err(OpError::new(format!(
                "keep_aspect_ratio_policy `{other}` is not supported (supported: stretch, not_larger, not_smaller)"
            )));
        }
    };
    let (mut shape, mut scales) = (from.to_vec(), vec![1.0; from.len()]);
    for (i, &axis) in axes.iter().enumerate() {
        scales[axis] = together.unwrap_or(ratios[i]);
        shape[axis] = match together {
            Some(scale) => (scale * from[axis] as f64 + 0.5).floor() as usize,
            None => given[i],
        };
    }
    Ok((shape, scales))
}

impl Operator for Resize {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        let rank = inputs[0].len();
        if [self.shape.len(), self.scales.len(), self.roi.len()] != [rank; 3] {
            return Err(OpError::new(format!("{} sizes for {:?}", self.shape.len(), inputs[0])));
        }
        let usable = |s: &f64| s.is_finite() && *s > 0.0;
        if self.shape.contains(&0) || inputs[0].contains(&0) || !self.scales.iter().all(usable) {
            return Err(OpError::new(format!("nothing is left of {:?}", inputs[0])));
        }
        // A window that widens reads at most the whole axis, many times over at the edges.
        if self.scales.iter().any(|s| *s < 1e-4) {
            return Err(OpError::new("a scale below 1/10000 is not supported"));
        }
        element_count(&self.shape)?;
        Ok(vec![self.shape.clone()])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        self.infer_shape(&[inputs[0].shape()])?;
        let mut out = inputs[0].clone();
        for axis in 0..self.shape.len() {
            let size = out.shape()[axis];
            let taps = taps(self, axis, size, self.shape[axis]);
            let same = size == taps.len() && taps.iter().enumerate().all(|(i, t)| t[..] == [(i, 1.0)]);
            if !same {
                out = self.along(&out, axis, &taps)?;
            }
        }
        Ok(vec![out])
    }
}

impl Resize {
    fn along(&self, x: &Tensor, axis: usize, taps: &[Taps]) -> Result<Tensor, OpError> {
        let (outer, size, inner) = around(x.shape(), axis);
        let mut shape = x.shape().to_vec();
        shape[axis] = taps.len();
        let mut out = Tensor::full(shape, 0.0)?;
        let blocks = x.data().chunks_exact((size * inner).max(1));
        for (block, to) in
            blocks.zip(out.data_mut().chunks_exact_mut((taps.len() * inner).max(1))).take(outer)
        {
            for (pixel, row) in taps.iter().zip(to.chunks_exact_mut(inner.max(1))) {
                if pixel.is_empty() {
                    row.fill(self.extrapolation);
                }
                for &(i, weight) in pixel {
                    let from = &block[i * inner..][..inner];
                    row.iter_mut().zip(from).for_each(|(sum, v)| *sum += weight * v);
                }
            }
        }
        Ok(out)
    }
}
