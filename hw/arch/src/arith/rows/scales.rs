//! Scales of a run of channels, as rows of sums need them.

use super::single::Parts;
#[cfg(target_arch = "x86_64")]
use crate::arith::host::{Vectors, vectors};
use crate::arith::{ChannelParameter, Requant};

/// Parameters of a run of channels, one array each.
#[derive(Clone, Debug, Default)]
pub struct Scales {
    /// The entries they were read from.
    entries: Vec<u8>,
    pub(in super::super) bias: Vec<i32>,
    /// Mantissa over a power of two, negative where the value is negated: `-(v) * f = v * (-f)`. Exact.
    pub(in super::super) factor: Vec<f32>,
    /// What single precision needs in place of the bias: [`super::single::Parts`].
    pub(in super::super) shift: Vec<i32>,
    pub(in super::super) rest: Vec<f32>,
    pub(in super::super) base: Vec<i32>,
    /// The greatest magnitude of a base.
    pub(super) most_base: u32,
    /// The least magnitude of a factor that is not zero, and the greatest.
    pub(super) least: f32,
    pub(super) greatest: f32,
}

/// The factor, exactly: a mantissa has 16 bits.
#[inline(always)]
pub(super) fn factor(requant: Requant) -> f32 {
    // 2^-shift: a shift is at most 63 and the exponent's bias 127.
    let power = f32::from_bits((127 - u32::from(requant.shift & 63)) << 23);
    f32::from(requant.mantissa) * power
}

impl Scales {
    /// Reads entries as the parameter memory holds them.
    pub fn read(&mut self, entries: &[u8]) {
        self.entries.clear();
        self.entries.extend_from_slice(entries);
        #[cfg(target_arch = "x86_64")]
        if vectors() >= Vectors::Avx2 {
            // SAFETY: the host has AVX2.
            return unsafe { self.read_avx2(entries) };
        }
        self.read_any(entries);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn read_avx2(&mut self, entries: &[u8]) {
        self.read_any(entries);
    }

    #[inline(always)]
    fn read_any(&mut self, entries: &[u8]) {
        let entries = entries.as_chunks::<8>().0;
        for list in [&mut self.bias, &mut self.shift, &mut self.base] {
            list.resize(entries.len(), 0);
        }
        for list in [&mut self.factor, &mut self.rest] {
            list.resize(entries.len(), 0.0);
        }
        for ((bias, scale), entry) in self.bias.iter_mut().zip(&mut self.factor).zip(entries) {
            let parameter = ChannelParameter::from_bytes(*entry);
            let factor = factor(parameter.requant);
            *bias = parameter.bias;
            *scale = if parameter.negate { -factor } else { factor };
        }
        let parts = self.shift.iter_mut().zip(&mut self.rest).zip(&mut self.base);
        for (((shift, rest), base), (&bias, &factor)) in parts.zip(self.bias.iter().zip(&self.factor)) {
            let parts = Parts::of(bias, factor);
            (*shift, *rest, *base) = (parts.shift, parts.rest, parts.base);
        }
        let (mut least, mut greatest) = (f32::INFINITY, 0f32);
        for factor in self.factor.iter().map(|factor| factor.abs()) {
            least = least.min(if factor > 0.0 { factor } else { f32::INFINITY });
            greatest = greatest.max(factor);
        }
        (self.least, self.greatest) = (least, greatest);
        self.most_base = self.base.iter().fold(0, |most, base| most.max(base.unsigned_abs()));
    }

    /// Fills all `count` channels with one entry.
    pub fn splat(&mut self, entry: &[u8], count: usize) {
        self.read(entry);
        for list in [&mut self.bias, &mut self.shift, &mut self.base] {
            list.resize(count, list.first().copied().unwrap_or_default());
        }
        for list in [&mut self.factor, &mut self.rest] {
            list.resize(count, list.first().copied().unwrap_or_default());
        }
    }
}

/// Scales lately read: commands take turns over a few runs of channels, and to compare entries costs much less than to
/// read them.
#[derive(Clone, Debug, Default)]
pub struct ManyScales {
    lists: Vec<Scales>,
    next: usize,
}

impl ManyScales {
    /// Lists kept.
    const KEPT: usize = 16;

    /// Where the scales of entries are, as the parameter memory holds them.
    pub fn find(&mut self, entries: &[u8]) -> usize {
        if let Some(index) = self.lists.iter().position(|scales| scales.entries == entries) {
            return index;
        }
        if self.lists.len() < ManyScales::KEPT {
            self.next = self.lists.len();
            self.lists.push(Scales::default());
        } else {
            self.next = (self.next + 1) % ManyScales::KEPT;
        }
        self.lists[self.next].read(entries);
        self.next
    }
}

impl std::ops::Index<usize> for ManyScales {
    type Output = Scales;

    /// What [`ManyScales::find`] found last, or before that.
    fn index(&self, index: usize) -> &Scales {
        &self.lists[index]
    }
}
