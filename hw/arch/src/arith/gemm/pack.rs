//! The right operand, rearranged once so that every kernel reads it front to back.
//!
//! Layout: `[n / 16][k / 4][16][4]`, both lengths rounded up and filled with zeros. One line of 64 bytes
//! holds four steps of the sum for sixteen columns of the product: the shape of one 512-bit dot product, and
//! of four 128-bit loads that widen to 16-bit pairs. All kernels share it, so the choice of kernel never
//! changes what is stored.

use super::Kernel;

/// Columns of the product in one line.
pub(super) const COLUMNS: usize = 16;
/// Steps of the sum in one line.
pub(super) const DEPTH: usize = 4;
/// Columns moved together while packing.
const GROUP: usize = 4;
/// Lines written together while packing: 16 bytes of each row.
const STRIP: usize = 4;

/// Four steps of the sum for sixteen columns; aligned so that no vector load crosses a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [[u8; DEPTH]; COLUMNS]);

impl Line {
    const ZERO: Line = Line([[0; DEPTH]; COLUMNS]);
}

/// The right operand: `n` rows of `k` signed bytes, prepared for repeated products.
#[derive(Clone, Debug)]
pub struct PackedMatrix {
    kernel: Kernel,
    n: usize,
    k: usize,
    lines: Vec<Line>,
    /// `-128 * (sum of row n of the operand)`, filled up to whole panels: what a sum starts from when signed
    /// activations are read as unsigned with an offset of 128. Kept for the kernel that needs it only.
    offsets: Vec<i32>,
}

impl PackedMatrix {
    /// Packs row `index` from `row(index)`, which must give at least `k` bytes, for the fastest kernel of
    /// this host.
    #[must_use]
    pub fn pack<'a>(n: usize, k: usize, row: impl Fn(usize) -> &'a [u8]) -> PackedMatrix {
        PackedMatrix::pack_for(Kernel::detect(), n, k, row)
    }

    /// Packs for one kernel; the portable kernel stands in for one that this host lacks.
    #[must_use]
    pub fn pack_for<'a>(kernel: Kernel, n: usize, k: usize, row: impl Fn(usize) -> &'a [u8]) -> PackedMatrix {
        let kernel = if kernel.is_available() { kernel } else { Kernel::Portable };
        let mut packed = PackedMatrix { kernel, n: 0, k: 0, lines: Vec::new(), offsets: Vec::new() };
        packed.repack(n, k, row);
        packed
    }

    /// Packs another operand in place of this one, for the same kernel, reusing the memory.
    pub fn repack<'a>(&mut self, n: usize, k: usize, row: impl Fn(usize) -> &'a [u8]) {
        let panels = n.div_ceil(COLUMNS);
        let depth = k.div_ceil(DEPTH);
        self.n = n;
        self.k = k;
        // Stale lines are overwritten below: only growth costs a fill.
        self.lines.resize(panels * depth, Line::ZERO);
        self.offsets.clear();
        for panel in 0..panels {
            let first = panel * COLUMNS;
            let columns = COLUMNS.min(n - first);
            let rows: [&[u8]; COLUMNS] =
                std::array::from_fn(|column| if column < columns { &row(first + column)[..k] } else { &[] });
            let lines = &mut self.lines[panel * depth..][..depth];
            if columns < COLUMNS {
                lines.fill(Line::ZERO);
            }
            pack_panel(&rows[..columns], lines);
            #[cfg(target_arch = "x86_64")]
            if self.kernel == Kernel::Vnni {
                // SAFETY: the kernel is set only after the host was seen to have its instructions.
                self.offsets.extend(unsafe { super::vnni::offsets(lines) });
            }
        }
    }

    /// Rows of the operand: columns of the product.
    #[must_use]
    pub fn n(&self) -> usize {
        self.n
    }

    /// Length of the sums.
    #[must_use]
    pub fn k(&self) -> usize {
        self.k
    }

    /// The kernel that multiplies with this operand.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// The lines of `count` times sixteen columns of the product, panel after panel.
    pub(super) fn panels(&self, first: usize, count: usize) -> &[Line] {
        let depth = self.k.div_ceil(DEPTH);
        &self.lines[first * depth..][..count * depth]
    }

    /// Where sums over offset activations start, for whole panels.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn offsets(&self) -> &[i32] {
        &self.offsets
    }
}

/// Writes up to sixteen rows of equal length into the lines of a panel.
fn pack_panel(rows: &[&[u8]], lines: &mut [Line]) {
    let mut groups = rows.chunks_exact(GROUP);
    let mut column = 0;
    for group in &mut groups {
        let [r0, r1, r2, r3] = [group[0], group[1], group[2], group[3]];
        // Whole strips are a transposition of 4x4 words, which compiles to vector shuffles.
        let (s0, s1, s2, s3) =
            (r0.as_chunks::<16>(), r1.as_chunks::<16>(), r2.as_chunks::<16>(), r3.as_chunks::<16>());
        let strips = s0.0.len();
        let (whole, rest) = lines.split_at_mut(strips * STRIP);
        let sources = s0.0.iter().zip(s1.0).zip(s2.0).zip(s3.0);
        for (strip, (((b0, b1), b2), b3)) in whole.as_chunks_mut::<STRIP>().0.iter_mut().zip(sources) {
            pack_strip([b0, b1, b2, b3], column, strip);
        }
        for (offset, tail) in [s0.1, s1.1, s2.1, s3.1].into_iter().enumerate() {
            pack_column(tail, column + offset, rest);
        }
        column += GROUP;
    }
    for row in groups.remainder() {
        pack_column(row, column, lines);
        column += 1;
    }
}

/// Transposes four words of each of four rows into four columns of each of four lines.
#[cfg(target_arch = "x86_64")]
#[inline]
fn pack_strip(rows: [&[u8; 16]; GROUP], column: usize, lines: &mut [Line; STRIP]) {
    use std::arch::x86_64::{
        _mm_loadu_si128, _mm_storeu_si128, _mm_unpackhi_epi32, _mm_unpackhi_epi64, _mm_unpacklo_epi32,
        _mm_unpacklo_epi64,
    };
    // Left to itself the compiler moves single words, at half the speed.
    // SAFETY: each row has the 16 bytes of a load, and SSE2 is part of every x86-64 target.
    let words = unsafe {
        let [r0, r1, r2, r3] = rows.map(|row| _mm_loadu_si128(row.as_ptr().cast()));
        let (low01, low23) = (_mm_unpacklo_epi32(r0, r1), _mm_unpacklo_epi32(r2, r3));
        let (high01, high23) = (_mm_unpackhi_epi32(r0, r1), _mm_unpackhi_epi32(r2, r3));
        [
            _mm_unpacklo_epi64(low01, low23),
            _mm_unpackhi_epi64(low01, low23),
            _mm_unpacklo_epi64(high01, high23),
            _mm_unpackhi_epi64(high01, high23),
        ]
    };
    for (line, words) in lines.iter_mut().zip(words) {
        let target = &mut line.0[column..column + GROUP];
        // SAFETY: four columns of four bytes take the 16 bytes of a store.
        unsafe { _mm_storeu_si128(target.as_mut_ptr().cast(), words) };
    }
}

/// Transposes four words of each of four rows into four columns of each of four lines.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn pack_strip(rows: [&[u8; 16]; GROUP], column: usize, lines: &mut [Line; STRIP]) {
    for (step, line) in lines.iter_mut().enumerate() {
        for (slot, row) in line.0[column..column + GROUP].iter_mut().zip(rows) {
            slot.copy_from_slice(&row[step * DEPTH..][..DEPTH]);
        }
    }
}

/// Writes one row into its column of the lines, with zeros after its last byte.
fn pack_column(row: &[u8], column: usize, lines: &mut [Line]) {
    let (words, tail) = row.as_chunks::<DEPTH>();
    for (line, word) in lines.iter_mut().zip(words) {
        line.0[column] = *word;
    }
    if let Some(line) = lines.get_mut(words.len()) {
        line.0[column] = partial(tail);
    }
}

/// The last one to three bytes of a row, filled up with zeros.
#[inline]
pub(super) fn partial(tail: &[u8]) -> [u8; DEPTH] {
    let mut word = [0; DEPTH];
    word[..tail.len()].copy_from_slice(tail);
    word
}
