//! Dense f32 tensors in row-major (C) order.
//!
//! Contract: `data.len()` is always the product of `shape`; a rank-0 tensor holds one element.

use thiserror::Error;

/// Side of the squares in which matrices are transposed: a line of a cache.
const SQUARE: usize = 16;
/// Rows whose squares are turned one after the other, so that several lines of a row of the result are written in a row.
const BAND: usize = 4 * SQUARE;

/// No single tensor may have more elements than this; larger is taken for a broken file.
pub const MAX_ELEMENTS: usize = 1 << 31;

/// Why a tensor cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TensorError {
    /// The product of the dimensions overflows or passes [`MAX_ELEMENTS`].
    #[error("shape {0:?} has more than {MAX_ELEMENTS} elements")]
    TooLarge(Vec<usize>),
    /// The data do not fill the shape.
    #[error("shape {shape:?} needs {needed} elements, {given} are given")]
    Length {
        /// The shape asked for.
        shape: Vec<usize>,
        /// Elements that the shape needs.
        needed: usize,
        /// Elements that were given.
        given: usize,
    },
}

/// Number of elements of `shape`; an error where the product passes [`MAX_ELEMENTS`].
pub fn element_count(shape: &[usize]) -> Result<usize, TensorError> {
    shape
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d))
        .filter(|&n| n <= MAX_ELEMENTS)
        .ok_or_else(|| TensorError::TooLarge(shape.to_vec()))
}

/// Row-major strides of `shape`, in elements.
#[must_use]
pub fn strides(shape: &[usize]) -> Vec<usize> {
    let mut out = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        out[i - 1] = out[i] * shape[i];
    }
    out
}

/// Writes the transposed `from[rows, cols]` to `to[cols, rows]`.
///
/// Square by square through an array of its own: rows a power of two apart share few sets of a cache, so that their
/// lines would be gone before they are read to the end.
pub(super) fn turn(from: &[f32], rows: usize, cols: usize, to: &mut [f32]) {
    let mut square = [[0f32; SQUARE]; SQUARE];
    for band in (0..rows).step_by(BAND) {
        for left in (0..cols).step_by(SQUARE) {
            for top in (band..rows.min(band + BAND)).step_by(SQUARE) {
                let (high, wide) = (SQUARE.min(rows - top), SQUARE.min(cols - left));
                if (high, wide) == (SQUARE, SQUARE) {
                    for (row, line) in square.iter_mut().zip(from[top * cols..].chunks(cols)) {
                        if let Some(line) = line.get(left..).and_then(<[f32]>::first_chunk) {
                            *row = *line;
                        }
                    }
                    for c in 0..SQUARE {
                        let column: [f32; SQUARE] = std::array::from_fn(|r| square[r][c]);
                        to[(left + c) * rows + top..][..SQUARE].copy_from_slice(&column);
                    }
                    continue;
                }
                for c in left..left + wide {
                    let column = from[top * cols + c..].iter().step_by(cols);
                    to[c * rows + top..][..high].iter_mut().zip(column).for_each(|(to, &from)| *to = from);
                }
            }
        }
    }
}

/// A dense f32 tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Vec<f32>,
}

impl Tensor {
    /// A tensor of `shape` over `data` (row-major).
    pub fn new(shape: Vec<usize>, data: Vec<f32>) -> Result<Self, TensorError> {
        let needed = element_count(&shape)?;
        if needed != data.len() {
            return Err(TensorError::Length { shape, needed, given: data.len() });
        }
        Ok(Self { shape, data })
    }

    /// A tensor of `shape` filled with `value`.
    pub fn full(shape: Vec<usize>, value: f32) -> Result<Self, TensorError> {
        let n = element_count(&shape)?;
        Ok(Self { shape, data: vec![value; n] })
    }

    /// A rank-0 tensor.
    #[must_use]
    pub fn scalar(value: f32) -> Self {
        Self { shape: Vec::new(), data: vec![value] }
    }

    /// Dimensions, outermost first.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Elements in row-major order.
    #[must_use]
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// Elements in row-major order, to be changed in place.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// The elements alone.
    #[must_use]
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The only element, if there is exactly one.
    #[must_use]
    pub fn as_scalar(&self) -> Option<f32> {
        match self.data[..] {
            [x] => Some(x),
            _ => None,
        }
    }

    /// The same elements under another shape.
    pub fn reshaped(&self, shape: &[usize]) -> Result<Self, TensorError> {
        Self::new(shape.to_vec(), self.data.clone())
    }

    /// The matrix `[rows, cols]` transposed; an error unless the rank is 2.
    pub fn transposed2(&self) -> Result<Self, TensorError> {
        let [rows, cols] = self.shape[..] else {
            return Err(TensorError::Length {
                shape: self.shape.clone(),
                needed: 2,
                given: self.shape.len(),
            });
        };
        let mut data = vec![0.0; self.len()];
        turn(&self.data, rows, cols, &mut data);
        Self::new(vec![cols, rows], data)
    }

    /// Whether every element is a finite number.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        // Whole blocks without a branch, which the compiler puts into vectors.
        self.data.chunks(4096).all(|block| block.iter().fold(true, |all, x| all & x.is_finite()))
    }

    /// Largest absolute value (0 when empty).
    #[must_use]
    pub fn max_abs(&self) -> f32 {
        self.data.iter().fold(0.0, |m, x| x.abs().max(m))
    }

    /// `max|self - other| / max|other|`, infinite where shapes differ or a value is not finite.
    #[must_use]
    pub fn relative_error(&self, other: &Tensor) -> f32 {
        if self.shape != other.shape {
            return f32::INFINITY;
        }
        let mut worst = 0.0f32;
        for (a, b) in self.data.iter().zip(&other.data) {
            let d = (a - b).abs();
            if !d.is_finite() {
                return f32::INFINITY;
            }
            worst = worst.max(d);
        }
        if worst == 0.0 { 0.0 } else { worst / other.max_abs() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_checked() {
        assert!(Tensor::new(vec![2, 3], vec![0.0; 5]).is_err());
        assert!(element_count(&[usize::MAX, 2]).is_err());
        assert!(element_count(&[1 << 16, 1 << 16]).is_err());
        assert_eq!(strides(&[2, 3, 4]), [12, 4, 1]);
        let t = Tensor::new(vec![2, 2], vec![1., 2., 3., 4.]).unwrap();
        assert_eq!(t.transposed2().unwrap().data(), [1., 3., 2., 4.]);
        let (rows, cols) = (SQUARE + 3, 2 * SQUARE + 1);
        let wide = Tensor::new(vec![rows, cols], (0..rows * cols).map(|i| i as f32).collect()).unwrap();
        let turned = wide.transposed2().unwrap();
        let all = (0..rows).flat_map(|r| (0..cols).map(move |c| (r, c)));
        assert!(all.clone().all(|(r, c)| turned.data()[c * rows + r] == wide.data()[r * cols + c]));
        assert_eq!((turned.shape(), all.count()), (&[cols, rows][..], rows * cols));
        assert!(wide.is_finite() && !Tensor::scalar(f32::NAN).is_finite());
    }
}
