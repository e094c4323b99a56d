//! Sliding windows over H and W, shared by convolution and pooling.
//!
//! Contract: all numbers are limited to [`LIMIT`], so products of a few stay far from overflow.
//! Source: ONNX Conv-11, MaxPool-12, AveragePool-19.

use super::OpError;
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

impl Window {
    /// Reads kernel_shape, strides, dilations, pads and auto_pad; `shape` is x's `[N, C, H, W]`,
    /// `kernel` the kernel size where the weights give it.
    pub fn read(
        r: &mut NodeReader<'_>,
        shape: &[usize],
        kernel: Option<[usize; 2]>,
        ceil_mode: bool,
    ) -> Result<Self, OpError> {
        let [_, _, h, w] = *shape else {
            return Err(OpError::new(format!("needs x of rank 4 [N, C, H, W], has {shape:?}")));
        };
        let given = r.ints("kernel_shape")?.map(|v| numbers::<2>(v, "kernel_shape", 1));
        let kernel = match (given.transpose()?, kernel) {
            (Some(a), Some(b)) if a != b => {
                return Err(OpError::new(format!("kernel_shape {a:?}, but the weights have {b:?}")));
            }
            (Some(k), _) | (None, Some(k)) => k,
            (None, None) => return Err(OpError::new("attribute `kernel_shape` is missing")),
        };
        let strides = r.ints("strides")?.map_or(Ok([1, 1]), |v| numbers(v, "strides", 1))?;
        let dilations = r.ints("dilations")?.map_or(Ok([1, 1]), |v| numbers(v, "dilations", 1))?;
        let pads = r.ints("pads")?.map_or(Ok([0; 4]), |v| numbers(v, "pads", 0))?;
        let mut window = Self { kernel, strides, dilations, pads, ceil_mode };
        match r.text("auto_pad")? {
            None | Some("NOTSET") => {}
            Some("VALID") => window.pads = [0; 4],
            Some(same @ ("SAME_UPPER" | "SAME_LOWER")) => {
                for (i, size) in [h, w].into_iter().enumerate() {
                    let out = size.div_ceil(strides[i]);
                    let reach = (out.saturating_sub(1)) * strides[i] + window.span(i);
                    let total = reach.saturating_sub(size);
                    let less = total / 2;
                    let (before, after) = match same {
                        "SAME_UPPER" => (less, total - less),
                        _ => (total - less, less),
                    };
                    window.pads[i] = before;
                    window.pads[i + 2] = after;
                }
            }
            Some(other) => {
                return Err(OpError::new(format!(
                    "auto_pad `{other}` is not supported (supported: NOTSET, VALID, SAME_UPPER, SAME_LOWER)"
                )));
            }
        }
        Ok(window)
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

fn numbers<const N: usize>(given: &[i64], name: &str, least: usize) -> Result<[usize; N], OpError> {
    let fail = || {
        OpError::new(format!(
            "attribute `{name}` is {given:?}, needs {N} numbers from {least} to {LIMIT} \
             (2-D windows only)"
        ))
    };
    let list: Vec<usize> = given
        .iter()
        .map(|&x| usize::try_from(x).ok().filter(|x| (least..=LIMIT).contains(x)))
        .collect::<Option<_>>()
        .ok_or_else(fail)?;
    list.try_into().map_err(|_| fail())
}
