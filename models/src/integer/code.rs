//! Codes and the reals they stand for: reading and writing containers, inputs in, logits out.

use bitgauge_arch::arith::Signedness;
use bitgauge_arch::code::two_scale::TwoScale;
use bitgauge_arch::program::ElementOrder;
use thiserror::Error;

use super::graph::{CodeType, IntTensor};

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

impl CodeType {
    /// Code number `index` of a slice of containers.
    #[must_use]
    #[inline]
    pub fn read(&self, bytes: &[u8], index: usize) -> i32 {
        self.container().read(bytes, index, self.sign)
    }

    /// Writes code number `index`.
    #[inline]
    pub fn write(&self, bytes: &mut [u8], index: usize, code: i32) {
        self.container().write(bytes, index, code);
    }

    /// How codes of two scales are read.
    #[must_use]
    #[inline]
    pub fn two_scale(&self) -> Option<TwoScale> {
        let (bits, shift) = (u32::from(self.bits), u32::from(self.tag_shift));
        (shift > 0).then_some(TwoScale { bits, shift, sign: Signedness::Unsigned })
    }

    /// What a code counts in a sum.
    #[must_use]
    #[inline]
    pub fn value(&self, code: i32) -> i32 {
        self.two_scale().map_or(code, |scale| scale.decode(code as u8))
    }

    /// Least and greatest value.
    #[must_use]
    pub fn value_range(&self) -> (i32, i32) {
        self.two_scale().map_or_else(|| self.range(), TwoScale::range)
    }

    /// The code of zero.
    #[must_use]
    pub fn zero_code(&self) -> i32 {
        self.two_scale().map_or(self.zero_point, |scale| i32::from(scale.encode(self.zero_point)))
    }

    /// The nearest code of a real.
    #[must_use]
    pub fn encode(&self, real: f64) -> i32 {
        if let Some(scale) = self.two_scale() {
            // Far beyond the codes, and no further than a cast goes.
            let value = ((real / self.scale).round() + f64::from(self.zero_point)).clamp(-1e9, 1e9);
            return i32::from(scale.encode(value as i32));
        }
        let (low, high) = self.range();
        // Saturating casts: NaN becomes 0, infinities the ends.
        let code = (real / self.scale).round() + f64::from(self.zero_point);
        (code.clamp(f64::from(low), f64::from(high))) as i32
    }

    /// The real of a code.
    #[must_use]
    pub fn decode(&self, code: i32) -> f64 {
        self.scale * f64::from(self.value(code) - self.zero_point)
    }
}

impl IntTensor {
    /// Steps of the code that one step of an element's channel is.
    #[must_use]
    #[inline]
    pub fn channel_step(&self, index: usize) -> f64 {
        let shift = self.channel_shifts.as_ref().and_then(|shifts| shifts.get(index % self.shape.channels));
        f64::from(1u32 << shift.map_or(0, |&shift| u32::from(shift).min(31)))
    }

    /// The containers of reals that lie in the order of the float value that the tensor stands for, or else as
    /// it is stored.
    ///
    /// # Errors
    /// Another number of reals than the tensor has elements.
    pub fn encode(&self, reals: &[f32]) -> Result<Vec<u8>, CodeError> {
        let elements = self.shape.elements();
        if reals.len() != elements {
            return Err(CodeError::Length { name: self.name.clone(), needed: elements, given: reals.len() });
        }
        let order = self.float_source.as_ref().map(|source| &source.order);
        Ok(encode(reals, order.unwrap_or(&self.shape.stored()), &self.code))
    }

    /// Reals in an order of ONNX, from the tensor's containers.
    #[must_use]
    pub fn reals(&self, containers: &[u8], order: &ElementOrder) -> Vec<f32> {
        let taken = order.take(containers, self.code.container().bytes());
        // Tensors that leave the network have one step.
        (0..self.shape.elements()).map(|i| self.code.decode(self.code.read(&taken, i)) as f32).collect()
    }
}

/// Containers in the order of storage of reals in the order of ONNX.
pub(crate) fn encode(reals: &[f32], order: &ElementOrder, code: &CodeType) -> Vec<u8> {
    let width = code.container().bytes();
    let mut containers = vec![0; reals.len() * width];
    for (index, &real) in reals.iter().enumerate() {
        code.write(&mut containers, index, code.encode(f64::from(real)));
    }
    order.put(&containers, width)
}
