//! Packed weights. Those that come from constants of external memory are kept for all images; others while the lines
//! they came from do not change: a layer's pixel tiles share them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use bitgauge_arch::arith::Signedness;
use bitgauge_arch::arith::gemm::PackedMatrix;
use bitgauge_arch::code::OperandContainer;

use super::compute::{extend, spread};
use super::deferred::{Deferred, Place};
use crate::image::Written;

/// Matrices kept that are no constants. Column tiles of a layer often take turns under each pixel tile.
const KEPT: usize = 8;
/// Bytes of a matrix worth keeping; larger ones live in the first slot alone.
const LARGEST: usize = 1 << 20;

/// Where weights lie, in the scratchpad or in external memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source {
    pub start: usize,
    pub stride: usize,
    pub outputs: usize,
    /// Weights of an output.
    pub length: usize,
    /// Low bits that the array reads of each weight.
    pub bits: u32,
    /// What they lie in.
    pub container: OperandContainer,
}

impl Source {
    /// One past the last byte.
    fn end(&self) -> usize {
        self.start + (self.outputs - 1) * self.stride + self.bytes()
    }

    /// Bytes of an output's weights.
    fn bytes(&self) -> usize {
        self.container.bytes_of(self.length as u64) as usize
    }
}

/// Weights on their way from external memory to the array.
#[derive(Clone, Debug, Default)]
pub(super) struct Weights {
    /// Loads that wait.
    pub waiting: Deferred,
    recent: Recent,
    constants: Constants,
}

impl Weights {
    /// The matrix of `source` in the scratchpad, the banks of which were written as often as `versions` says.
    pub fn get(
        &mut self,
        source: Source,
        versions: [u64; 8],
        scratchpad: &mut [u8],
        memory: &[u8],
        written: &Written,
    ) -> &PackedMatrix {
        let Weights { waiting, recent, constants } = self;
        match waiting.place(source.start, source.end()) {
            Place::Outside(start) => {
                let outside = Source { start, ..source };
                if written.is_clean(start, outside.end()) && constants.has_room(&outside, memory) {
                    return constants.get(outside, memory);
                }
                let row = |output: usize| &memory[start + output * source.stride..][..source.bytes()];
                recent.get((source, versions), row)
            }
            place => {
                if place == Place::Mixed {
                    waiting.settle(scratchpad, memory);
                }
                let row =
                    |output: usize| &scratchpad[source.start + output * source.stride..][..source.bytes()];
                recent.get((source, versions), row)
            }
        }
    }

    /// Back to the state before a run.
    pub fn reset(&mut self) {
        self.waiting = Deferred::default();
    }

    /// Forgets what earlier runs found.
    pub fn forget(&mut self) {
        self.constants = Constants::default();
    }
}

impl Source {
    /// Packs the matrix from its rows, as the array reads the codes.
    fn pack<'a>(&self, row: impl Fn(usize) -> &'a [u8]) -> PackedMatrix {
        match self.narrow(&row) {
            Some(codes) => PackedMatrix::pack(self.outputs, self.length, |n| &codes[n * self.length..]),
            None => PackedMatrix::pack(self.outputs, self.length, row),
        }
    }

    /// As [`Source::pack`], in place of another matrix.
    fn repack<'a>(&self, matrix: &mut PackedMatrix, row: impl Fn(usize) -> &'a [u8]) {
        match self.narrow(&row) {
            Some(codes) => matrix.repack(self.outputs, self.length, |n| &codes[n * self.length..]),
            None => matrix.repack(self.outputs, self.length, row),
        }
    }

    /// The rows as a byte for each code, the low bits extended, where they do not lie so or the array reads no more.
    fn narrow<'a>(&self, row: impl Fn(usize) -> &'a [u8]) -> Option<Vec<u8>> {
        (self.bits < 8 || self.container != OperandContainer::Bits8).then(|| {
            let mut codes = vec![0; self.outputs * self.length];
            for (n, codes) in codes.chunks_exact_mut(self.length.max(1)).enumerate() {
                spread(&row(n)[..self.bytes()], self.container, codes);
            }
            extend(&mut codes, self.bits, Signedness::Signed);
            codes
        })
    }
}

/// Packed constants.
#[derive(Clone, Debug, Default)]
struct Constants {
    matrices: BTreeMap<Source, PackedMatrix>,
    bytes: usize,
}

impl Constants {
    /// Whether the matrix is at hand, or may be: all together take no more memory than the program's external memory.
    fn has_room(&self, source: &Source, memory: &[u8]) -> bool {
        self.bytes + source.outputs * source.length <= memory.len() || self.matrices.contains_key(source)
    }

    /// The matrix of `source`, whose bytes in `memory` are those before the run.
    fn get(&mut self, source: Source, memory: &[u8]) -> &PackedMatrix {
        match self.matrices.entry(source) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(place) => {
                let row = |output: usize| &memory[source.start + output * source.stride..][..source.bytes()];
                self.bytes += source.outputs * source.length;
                place.insert(source.pack(row))
            }
        }
    }
}

/// Recently used matrices, with where their weights lay and in which state the banks were: versions of the banks
/// touched, zero for the others.
#[derive(Clone, Debug, Default)]
struct Recent {
    entries: Vec<((Source, [u64; 8]), PackedMatrix)>,
    next: usize,
}

impl Recent {
    /// The matrix of `key`, packed from its rows where it is not at hand.
    fn get<'a>(&mut self, key: (Source, [u64; 8]), row: impl Fn(usize) -> &'a [u8]) -> &PackedMatrix {
        if let Some(index) = self.entries.iter().position(|(kept, _)| *kept == key) {
            return &self.entries[index].1;
        }
        let (outputs, length) = (key.0.outputs, key.0.length);
        if self.entries.len() < KEPT && outputs * length < LARGEST {
            self.next = self.entries.len();
            self.entries.push((key, key.0.pack(row)));
        } else if self.entries.is_empty() {
            self.entries.push((key, key.0.pack(row)));
            self.next = 0;
        } else {
            self.next = if outputs * length < LARGEST { (self.next + 1) % self.entries.len() } else { 0 };
            let entry = &mut self.entries[self.next];
            entry.0 = key;
            key.0.repack(&mut entry.1, row);
        }
        &self.entries[self.next].1
    }
}
