//! Rows of sums to rows of codes: the arithmetic of [`super::post`] and [`super::requantize`] over whole rows,
//! in vector instructions where the host has them. A test holds all forms together.
//!
//! The vector forms hold integers in doubles, and lose nothing: a biased sum has at most 34 bits, its product
//! with a mantissa 50, and half a step more 51; a division by a power of two moves the point alone. Where less
//! is enough, which is the rule, they hold them in single precision: see the module `single`.

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx512;
mod scales;
pub(super) mod single;
#[cfg(test)]
mod tests;

#[cfg(target_arch = "x86_64")]
use super::host::{Vectors, vectors};
use super::requantize::{OUTPUT_MAX, OUTPUT_MIN};
use super::{Post, Requant};
use crate::code::Container;
use scales::factor;
pub use scales::{ManyScales, Scales};

/// What becomes of sums on their way to one-byte codes.
#[derive(Clone, Copy, Debug)]
pub struct Emit<'a> {
    /// Scales of the columns.
    pub scales: &'a Scales,
    /// Added before the zero point.
    pub residual: Option<&'a Rescaled<'a>>,
    /// Zero point and clamp.
    pub post: Post,
    /// No sum has a greater magnitude. Where one has, codes are wrong.
    pub most: u32,
}

/// One-byte codes that are brought to the scale of others.
#[derive(Clone, Copy, Debug)]
pub struct Rescaled<'a> {
    /// The codes.
    pub codes: &'a [u8],
    /// Whether they are signed.
    pub signed: bool,
    /// Their zero point.
    pub zero_point: i32,
    /// Their scale over the other.
    pub requant: Requant,
}

impl Rescaled<'_> {
    fn bias(&self) -> f64 {
        -f64::from(self.zero_point)
    }

    fn factor(&self) -> f32 {
        factor(self.requant)
    }

    #[inline(always)]
    fn plain(&self, index: usize) -> i32 {
        let code =
            if self.signed { i32::from(self.codes[index] as i8) } else { i32::from(self.codes[index]) };
        one(code, self.bias(), self.factor())
    }
}

/// Requantizes one sum.
#[inline(always)]
fn one(sum: i32, bias: f64, factor: f32) -> i32 {
    let scaled = (f64::from(sum) + bias) * f64::from(factor) + 0.5;
    let clamped = scaled.max(f64::from(OUTPUT_MIN)).min(f64::from(OUTPUT_MAX));
    // The floor, without a call where the host has no instruction for it.
    let cut = clamped as i32;
    cut - i32::from(f64::from(cut) > clamped)
}

/// `codes[i] = requantize(sums[i])`, 18 bits.
pub fn requantize(sums: &[i32], scales: &Scales, codes: &mut [i32]) {
    let count = codes.len().min(sums.len()).min(scales.bias.len());
    let (sums, codes) = (&sums[..count], &mut codes[..count]);
    #[cfg(target_arch = "x86_64")]
    match vectors() {
        // SAFETY: the host has the instructions; the scales have an entry per sum.
        Vectors::Avx512 => return unsafe { avx512::requantize(sums, scales, codes) },
        // SAFETY: as for AVX-512.
        Vectors::Avx2 => return unsafe { avx2::requantize(sums, scales, codes) },
        Vectors::Plain => {}
    }
    for (index, (code, &sum)) in codes.iter_mut().zip(sums).enumerate() {
        *code = one(sum, f64::from(scales.bias[index]), scales.factor[index]);
    }
}

/// Rows of sums to one-byte codes: requantization, zero point, clamp. `stride` is the distance of rows in
/// `bytes`, not below the sums of a row; a residual has the codes of one row and needs a single one.
///
/// # Panics
///
/// If an operand is too short, or rows overlap.
pub fn emit_rows(sums: &[i32], columns: usize, emit: &Emit<'_>, (bytes, stride): (&mut [u8], usize)) {
    if columns == 0 || sums.is_empty() {
        return;
    }
    let rows = sums.len() / columns;
    let scales = emit.scales;
    assert!(rows * columns == sums.len() && scales.bias.len() >= columns);
    assert!(rows == 1 || stride >= columns, "the rows of codes overlap");
    assert!(bytes.len() >= (rows - 1).saturating_mul(stride).saturating_add(columns));
    assert!(emit.residual.is_none_or(|residual| rows == 1 && residual.codes.len() >= columns));
    #[cfg(target_arch = "x86_64")]
    match vectors() {
        // SAFETY: the host has the instructions, and the extents were checked above.
        Vectors::Avx512 => return unsafe { avx512::emit_rows(sums, columns, emit, bytes, stride) },
        // SAFETY: as for AVX-512.
        Vectors::Avx2 => return unsafe { avx2::emit_rows(sums, columns, emit, bytes, stride) },
        Vectors::Plain => {}
    }
    for (row, sums) in sums.chunks_exact(columns).enumerate() {
        plain_row(sums, 0, emit, &mut bytes[row * stride..][..columns]);
    }
}

/// The columns of a row from `first` on.
#[inline(always)]
fn plain_row(sums: &[i32], first: usize, emit: &Emit<'_>, bytes: &mut [u8]) {
    for column in first..sums.len() {
        let scales = emit.scales;
        let code = one(sums[column], f64::from(scales.bias[column]), scales.factor[column]);
        let other = emit.residual.map_or(0, |residual| residual.plain(column));
        bytes[column] = emit.post.finish(code + other) as u8;
    }
}

/// One-byte codes, and others added to them, to one-byte codes of a scale of their own.
///
/// # Panics
///
/// If an operand has fewer codes than `bytes`.
pub fn emit_sum(first: &Rescaled<'_>, second: Option<&Rescaled<'_>>, post: &Post, bytes: &mut [u8]) {
    assert!(first.codes.len() >= bytes.len());
    assert!(second.is_none_or(|second| second.codes.len() >= bytes.len()));
    #[cfg(target_arch = "x86_64")]
    match vectors() {
        // SAFETY: the host has the instructions, and the extents were checked above.
        Vectors::Avx512 => return unsafe { avx512::emit_sum(first, second, post, bytes) },
        // SAFETY: as for AVX-512.
        Vectors::Avx2 => return unsafe { avx2::emit_sum(first, second, post, bytes) },
        Vectors::Plain => {}
    }
    plain_sum(first, second, post, 0, bytes);
}

#[inline(always)]
fn plain_sum(
    first: &Rescaled<'_>,
    second: Option<&Rescaled<'_>>,
    post: &Post,
    from: usize,
    bytes: &mut [u8],
) {
    for (index, byte) in bytes.iter_mut().enumerate().skip(from) {
        let other = second.map_or(0, |second| second.plain(index));
        *byte = post.finish(first.plain(index) + other) as u8;
    }
}

/// Zero point and clamp, then low bits into containers of one or two bytes.
pub fn emit(codes: &mut [i32], post: &Post, container: Container, bytes: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    match vectors() {
        // SAFETY: the host has the instructions.
        Vectors::Avx512 => return unsafe { emit_avx512(codes, post, container, bytes) },
        // SAFETY: the host has the instructions.
        Vectors::Avx2 => return unsafe { emit_avx2(codes, post, container, bytes) },
        Vectors::Plain => {}
    }
    emit_any(codes, post, container, bytes);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
fn emit_avx512(codes: &mut [i32], post: &Post, container: Container, bytes: &mut [u8]) {
    emit_any(codes, post, container, bytes);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn emit_avx2(codes: &mut [i32], post: &Post, container: Container, bytes: &mut [u8]) {
    emit_any(codes, post, container, bytes);
}

#[inline(always)]
fn emit_any(codes: &mut [i32], post: &Post, container: Container, bytes: &mut [u8]) {
    finish(codes, post);
    narrow(codes, container, bytes);
}

/// Zero point and clamp, in place.
#[inline(always)]
pub fn finish(codes: &mut [i32], post: &Post) {
    for code in codes {
        *code = post.finish(*code);
    }
}

/// Low bits of codes into containers of one or two bytes.
#[inline(always)]
pub fn narrow(codes: &[i32], container: Container, bytes: &mut [u8]) {
    if container == Container::Word {
        for (target, code) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(codes) {
            *target = (*code as i16).to_le_bytes();
        }
    } else {
        for (target, code) in bytes.iter_mut().zip(codes) {
            *target = *code as u8;
        }
    }
}

/// Containers into codes; two-byte codes are signed.
pub fn widen(bytes: &[u8], container: Container, signed: bool, codes: &mut [i32]) {
    if container == Container::Word {
        for (target, code) in codes.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *target = i32::from(i16::from_le_bytes(*code));
        }
    } else if signed {
        for (target, code) in codes.iter_mut().zip(bytes) {
            *target = i32::from(*code as i8);
        }
    } else {
        for (target, code) in codes.iter_mut().zip(bytes) {
            *target = i32::from(*code);
        }
    }
}
