//! Codes and the reals they stand for: reading and writing containers, inputs in, logits out.

use bitgauge_arch::arith::{read_code, write_code};
use thiserror::Error;

use super::graph::{CodeType, FloatView, IntTensor, Shape};

/// Why reals cannot become codes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CodeError {
    /// The number of reals is not the tensor's.
    #[error("`{name}` has {needed} elements, {given} reals are given")]
    Length {
        /// The tensor.
        name: String,
        /// Its elements.
        needed: usize,
        /// Reals given.
        given: usize,
    },
}

/// Order of the reals of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageOrder {
    /// Channel, row, column: ONNX.
    ChannelMajor,
    /// Row, column, channel: files of pixels.
    PixelMajor,
    /// Group, row, column, channel: as the tensor is stored.
    Stored,
}

impl CodeType {
    /// Code number `index` of a slice of containers.
    #[must_use]
    #[inline]
    pub fn read(&self, bytes: &[u8], index: usize) -> i32 {
        read_code(bytes, index, self.container_bytes(), self.sign)
    }

    /// Writes code number `index`.
    #[inline]
    pub fn write(&self, bytes: &mut [u8], index: usize, code: i32) {
        write_code(bytes, index, self.container_bytes(), code);
    }

    /// The nearest code of a real.
    #[must_use]
    pub fn encode(&self, real: f64) -> i32 {
        let (low, high) = self.range();
        // Saturating casts: NaN becomes 0, infinities the ends.
        let code = (real / self.scale).round() + f64::from(self.zero_point);
        (code.clamp(f64::from(low), f64::from(high))) as i32
    }

    /// The real of a code.
    #[must_use]
    pub fn decode(&self, code: i32) -> f64 {
        self.scale * f64::from(code - self.zero_point)
    }
}

impl FloatView {
    /// Position in the float value of the element (group, row, col, channel) of a tensor of `shape`.
    #[must_use]
    pub fn position(self, shape: Shape, group: usize, row: usize, col: usize, channel: usize) -> usize {
        let flat = group * shape.channels + channel;
        let pixel = row * shape.cols + col;
        match self {
            FloatView::ChannelMajorMap | FloatView::TokensTransposed => {
                flat * (shape.rows * shape.cols) + pixel
            }
            FloatView::Tokens => pixel * shape.flat_channels() + flat,
            FloatView::Heads => shape.index(group, row, col, channel),
            FloatView::HeadsTransposed => (group * shape.channels + channel) * shape.rows + row,
            FloatView::Vector => flat,
        }
    }

    /// Positions in the float value, in the tensor's storage order.
    pub(crate) fn positions(self, shape: Shape) -> impl Iterator<Item = usize> {
        let Shape { groups, rows, cols, channels } = shape;
        (0..groups).flat_map(move |g| {
            (0..rows).flat_map(move |r| {
                (0..cols).flat_map(move |c| (0..channels).map(move |ch| self.position(shape, g, r, c, ch)))
            })
        })
    }
}

/// The containers of an input tensor for an image of reals.
pub fn quantize_input(reals: &[f32], order: ImageOrder, tensor: &IntTensor) -> Result<Vec<u8>, CodeError> {
    let shape = tensor.shape;
    if reals.len() != shape.elements() {
        return Err(CodeError::Length {
            name: tensor.name.clone(),
            needed: shape.elements(),
            given: reals.len(),
        });
    }
    let view = match order {
        ImageOrder::ChannelMajor => FloatView::ChannelMajorMap,
        ImageOrder::PixelMajor => FloatView::Tokens,
        ImageOrder::Stored => FloatView::Heads,
    };
    Ok(encode_view(reals, view, shape, &tensor.code))
}

/// Codes in storage order of reals that lie as `view` says; lengths must fit.
pub(crate) fn encode_view(reals: &[f32], view: FloatView, shape: Shape, code: &CodeType) -> Vec<u8> {
    let mut bytes = vec![0; shape.elements() * code.container_bytes()];
    for (index, position) in view.positions(shape).enumerate() {
        code.write(&mut bytes, index, code.encode(f64::from(reals[position])));
    }
    bytes
}

/// The reals of a tensor's containers, in storage order.
#[must_use]
pub fn dequantize(bytes: &[u8], tensor: &IntTensor) -> Vec<f32> {
    let count = bytes.len() / tensor.code.container_bytes();
    (0..count).map(|i| tensor.code.decode(tensor.code.read(bytes, i)) as f32).collect()
}
