//! Packed weights, kept while the lines they came from do not change: a layer's pixel tiles share them.

use bitgauge_arch::arith::gemm::PackedMatrix;

/// Matrices kept. Column tiles of a layer often take turns under each pixel tile.
const KEPT: usize = 8;
/// Bytes of a matrix worth keeping; larger ones live in the first slot alone.
const LARGEST: usize = 1 << 20;

/// Where weights lie, and in which state the banks were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub start: usize,
    pub stride: usize,
    pub outputs: usize,
    pub length: usize,
    /// Versions of the banks touched; zero for the others.
    pub versions: [u64; 8],
}

/// Recently used matrices.
#[derive(Clone, Debug, Default)]
pub(super) struct Cache {
    entries: Vec<(Key, PackedMatrix)>,
    next: usize,
}

impl Cache {
    /// The matrix of `key`, packed from `weights` where it is not at hand.
    pub fn get(&mut self, key: Key, weights: &[u8]) -> &PackedMatrix {
        if let Some(index) = self.entries.iter().position(|(kept, _)| *kept == key) {
            return &self.entries[index].1;
        }
        let row = |output: usize| &weights[key.start + output * key.stride..][..key.length];
        let (outputs, length) = (key.outputs, key.length);
        if self.entries.len() < KEPT && outputs * length < LARGEST {
            self.next = self.entries.len();
            self.entries.push((key, PackedMatrix::pack(outputs, length, row)));
        } else if self.entries.is_empty() {
            self.entries.push((key, PackedMatrix::pack(outputs, length, row)));
            self.next = 0;
        } else {
            self.next = if outputs * length < LARGEST { (self.next + 1) % self.entries.len() } else { 0 };
            let entry = &mut self.entries[self.next];
            entry.0 = key;
            entry.1.repack(outputs, length, row);
        }
        &self.entries[self.next].1
    }
}
