//! Sliding windows over H and W, shared by convolution and pooling. Those over one axis get an H of 1.
//!
//! Contract: all numbers are limited to [`LIMIT`], so products of a few stay far from overflow.
//! Source: ONNX Conv-11, MaxPool-12, AveragePool-19.

use super::reshape::Reshape;
use super::{Built, Op, OpError};
use crate::float::graph::ValueId;
use crate::onnx::reader::NodeReader;

/// Largest kernel, stride, dilation, padding or image side.
pub const LIMIT: usize = 1 << 16;

/// Geometry of a 2-D window; pairs are (H, W).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Kernel size.
    pub kernel: [usize; 2],
    /// Step between windows.
    pub strides: [usize; 2],
    /// Step between the taps of a window.
    pub dilations: [usize; 2],
    /// Padding: top, left, bottom, right.
    pub pads: [usize; 4],
    /// Whether a window may hang over the end (pooling only).
    pub ceil_mode: bool,
}

/// The attribute `auto_pad`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoPad {
    /// The attribute `pads` counts.
    Explicit,
    /// No padding.
    Valid,
    /// As many outputs as strides; an odd pixel goes after the image.
    SameUpper,
    /// As many outputs as strides; an odd pixel goes before the image.
    SameLower,
}

impl AutoPad {
    /// Reads the attribute.
    pub fn read(r: &mut NodeReader<'_>) -> Result<Self, OpError> {
        match r.text("auto_pad")? {
            None | Some("NOTSET") => Ok(Self::Explicit),
            Some("VALID") => Ok(Self::Valid),
            Some("SAME_UPPER") => Ok(Self::SameUpper),
            Some("SAME_LOWER") => Ok(Self::SameLower),
            Some(other) => Err(OpError::new(format!(
                "auto_pad `{other}` is not supported (supported: NOTSET, VALID, SAME_UPPER, SAME_LOWER)"
            ))),
        }
    }

    /// Splits `total` pixels of padding into those before and those after the image.
    #[must_use]
    pub fn split(self, total: usize) -> (usize, usize) {
        let less = total / 2;
        if self == Self::SameUpper { (less, total - less) } else { (total - less, less) }
    }
}

impl Window {
    /// One pixel.
    pub const POINT: Window =
        Window { kernel: [1, 1], strides: [1, 1], dilations: [1, 1], pads: [0; 4], ceil_mode: false };

    /// Reads kernel_shape, strides, dilations, pads and auto_pad; `shape` is x's `[N, C, H, W]` (or
    /// `[N, C, 1, L]`, with attributes of one axis), `kernel` the kernel size where the weights give it.
    pub fn read(
        r: &mut NodeReader<'_>,
        shape: &[usize],
        kernel: Option<[usize; 2]>,
        ceil_mode: bool,
    ) -> Result<Self, OpError> {
        let [_, _, h, w] = *shape else {
            return Err(OpError::new(format!("needs x of rank 4 [N, C, H, W], has {shape:?}")));
        };
        let mut window = Self::geometry(r, kernel, ceil_mode)?;
        match AutoPad::read(r)? {
            AutoPad::Explicit => {}
            AutoPad::Valid => window.pads = [0; 4],
            same => {
                for (i, size) in [h, w].into_iter().enumerate() {
                    let out = size.div_ceil(window.strides[i]);
                    let reach = (out.saturating_sub(1)) * window.strides[i] + window.span(i);
                    (window.pads[i], window.pads[i + 2]) = same.split(reach.saturating_sub(size));
                }
            }
        }
        Ok(window)
    }

    /// Reads all but auto_pad.
    pub fn geometry(
        r: &mut NodeReader<'_>,
        kernel: Option<[usize; 2]>,
        ceil_mode: bool,
    ) -> Result<Self, OpError> {
        let flat = r.shape(0)?.len() == 3;
        let given = r.ints("kernel_shape")?.map(|v| numbers::<2>(v, "kernel_shape", flat, 1));
        let kernel = match (given.transpose()?, kernel) {
            (Some(a), Some(b)) if a != b => {
                return Err(OpError::new(format!("kernel_shape {a:?}, but the weights have {b:?}")));
            }
            (Some(k), _) | (None, Some(k)) => k,
            (None, None) => return Err(OpError::new("attribute `kernel_shape` is missing")),
        };
        let mut pair = |name| r.ints(name)?.map_or(Ok([1, 1]), |v| numbers(v, name, flat, 1));
        let (strides, dilations) = (pair("strides")?, pair("dilations")?);
        let pads = r.ints("pads")?.map_or(Ok([0; 4]), |v| numbers(v, "pads", flat, 0))?;
        Ok(Self { kernel, strides, dilations, pads, ceil_mode })
    }

    /// Pixels that the window covers along H (0) or W (1), dilation included.
    #[must_use]
    pub fn span(&self, i: usize) -> usize {
        (self.kernel[i] - 1) * self.dilations[i] + 1
    }

    /// Output size `[OH, OW]` on an image `[h, w]`.
    pub fn output(&self, image: [usize; 2]) -> Result<[usize; 2], OpError> {
        let numbers = self.kernel.iter().chain(&self.strides).chain(&self.dilations);
        if numbers.clone().any(|&x| x == 0) || numbers.chain(&self.pads).chain(&image).any(|&x| x > LIMIT) {
            return Err(OpError::new(format!("window {self:?} on image {image:?} is out of range")));
        }
        let mut out = [0; 2];
        for i in 0..2 {
            let padded = image[i] + self.pads[i] + self.pads[i + 2];
            let Some(room) = padded.checked_sub(self.span(i)) else {
                return Err(OpError::new(format!(
                    "window {:?} is larger than the padded image {image:?}",
                    self.kernel
                )));
            };
            out[i] = room / self.strides[i] + 1;
            if self.ceil_mode {
                out[i] = room.div_ceil(self.strides[i]) + 1;
                // A window that would start in the padding after the image does not count.
                if (out[i] - 1) * self.strides[i] >= image[i] + self.pads[i] {
                    out[i] -= 1;
                }
            }
        }
        Ok(out)
    }
}

/// Checks a list of N numbers; `flat` ones are of one axis, to which an H of 1 is added.
pub(super) fn numbers<const N: usize>(
    given: &[i64],
    name: &str,
    flat: bool,
    least: usize,
) -> Result<[usize; N], OpError> {
    let fail = || {
        let needs = if flat { N / 2 } else { N };
        OpError::new(format!(
            "attribute `{name}` is {given:?}, needs {needs} numbers from {least} to {LIMIT} \
             (windows over one or two axes)"
        ))
    };
    let list: Vec<usize> = given
        .iter()
        .map(|&x| usize::try_from(x).ok().filter(|x| (least..=LIMIT).contains(x)))
        .collect::<Option<_>>()
        .ok_or_else(fail)?;
    if !flat {
        return list.try_into().map_err(|_| fail());
    }
    let list: Vec<usize> = list.into_iter().flat_map(|x| [least, x]).collect();
    list.try_into().map_err(|_| fail())
}

/// Operand `i` as `[.., H, W]`: one of rank 3 gets an H of 1. With its shape.
pub(super) fn as_map(r: &mut NodeReader<'_>, i: usize) -> Result<(ValueId, [usize; 4]), OpError> {
    let x = r.float(i)?;
    match *r.shape(i)? {
        [a, b, h, w] => Ok((x, [a, b, h, w])),
        [a, b, l] => {
            let shape = vec![a, b, 1, l];
            Ok((r.emit(Op::Reshape(Reshape { shape }), vec![x])?, [a, b, 1, l]))
        }
        ref other => Err(OpError::new(format!(
            "needs rank 4 [N, C, H, W] or rank 3 [N, C, L] in input {i}, has {other:?}; windows over three axes \
             are not supported"
        ))),
    }
}

/// The last node, with the added H taken away again where x has rank 3.
pub(super) fn as_given(r: &mut NodeReader<'_>, built: Built) -> Result<Built, OpError> {
    if r.shape(0)?.len() != 3 {
        return Ok(built);
    }
    let y = r.emit(built.op, built.inputs)?;
    let mut shape = r.shape_of(y)?.to_vec();
    shape.remove(2);
    Ok(Built { op: Op::Reshape(Reshape { shape }), inputs: vec![y] })
}

/// Writes every `step`-th value of `from`, from the first on, to `to`, until one of the two ends.
#[inline(always)]
pub(super) fn every(step: usize, from: &[f32], to: &mut [f32]) {
    each_with(step, from, to, |to, from| *to = from);
}

/// Calls `f` with each of `to` and every `step`-th value of `from`, from the first on, until one of the two ends.
#[inline(always)]
pub(super) fn each_with(step: usize, from: &[f32], to: &mut [f32], f: impl Fn(&mut f32, f32)) {
    match step {
        1 => to.iter_mut().zip(from).for_each(|(to, &from)| f(to, from)),
        // In pairs, for the vector unit.
        2 => {
            let (pairs, last) = from.as_chunks::<2>();
            let (to, rest) = to.split_at_mut(pairs.len().min(to.len()));
            to.iter_mut().zip(pairs).for_each(|(to, pair)| f(to, pair[0]));
            rest.iter_mut().zip(last).for_each(|(to, &from)| f(to, from));
        }
        _ => to.iter_mut().zip(from.iter().step_by(step)).for_each(|(to, &from)| f(to, from)),
    }
}
