//! Depthwise convolutions of whole tiles: sums stay in registers from the first tap to the code.
//!
//! Some taps go together: two as pairs of 16-bit products (`vpmaddwd`), or four as bytes (`vpdpbusd`). Both read
//! codes as unsigned; signed ones are moved up by 128, and the sums start so much lower.
//! Only windows of 3 x 3 and 5 x 5 over channels by the sixteen are taken, and scales for which single precision
//! does; [`super::depthwise`] does the rest, and is what a test compares with.

#[cfg(target_arch = "x86_64")]
#[macro_use]
mod blocks;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod vnni;

#[cfg(target_arch = "x86_64")]
use super::gemm::Kernel;
use super::host::{Vectors, vectors};
use super::rows::Scales;
use super::{Post, Signedness};

/// Channels that a host reads together.
const GRAIN: usize = 16;

/// Weights and what follows the sum.
#[derive(Clone, Copy, Debug)]
pub struct Depthwise<'a> {
    /// Weights of one tap after the other.
    pub weights: &'a [u8],
    /// Distance of taps in `weights`.
    pub step: usize,
    /// Taps of a window.
    pub taps: usize,
    /// Channels.
    pub channels: usize,
    /// How codes are read.
    pub sign: Signedness,
    /// Scales of the channels.
    pub scales: &'a Scales,
    /// Zero point and clamp.
    pub post: Post,
}

/// Where the codes of a window's taps are, and where the pixel's codes go.
trait Places {
    /// Pixels.
    fn pixels(&self) -> usize;
    /// First code of a tap of a pixel; all its channels are readable.
    ///
    /// # Safety
    ///
    /// There are such a pixel and such a tap.
    unsafe fn tap(&self, pixel: usize, tap: usize) -> *const u8;
    /// Position of the pixel among those of the output.
    fn output(&self, pixel: usize) -> usize;
}

/// Windows at equal distances.
struct Regular<'a> {
    codes: &'a [u8],
    taps: &'a [usize],
    step: usize,
    pixels: usize,
}

impl Places for Regular<'_> {
    fn pixels(&self) -> usize {
        self.pixels
    }

    #[inline(always)]
    unsafe fn tap(&self, pixel: usize, tap: usize) -> *const u8 {
        // SAFETY: by contract; that the codes reach so far was checked when this was made.
        unsafe { self.codes.as_ptr().add(pixel * self.step + *self.taps.get_unchecked(tap)) }
    }

    #[inline(always)]
    fn output(&self, pixel: usize) -> usize {
        pixel
    }
}

/// Windows of which each tap is named.
struct Listed<'a> {
    windows: &'a [&'a [u8]],
    taps: usize,
    pixels: &'a [usize],
}

impl Places for Listed<'_> {
    fn pixels(&self) -> usize {
        self.pixels.len()
    }

    #[inline(always)]
    unsafe fn tap(&self, pixel: usize, tap: usize) -> *const u8 {
        // SAFETY: by contract.
        unsafe { self.windows.get_unchecked(pixel * self.taps + tap).as_ptr() }
    }

    #[inline(always)]
    fn output(&self, pixel: usize) -> usize {
        self.pixels[pixel]
    }
}

impl Depthwise<'_> {
    /// Whether this host has a way to do such windows.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        vectors() > Vectors::Plain
            && matches!(self.taps, 9 | 25)
            && self.channels.is_multiple_of(GRAIN)
            // No sum is greater than all taps at their greatest.
            && self.scales.is_single(None, &self.post, self.taps as u32 * 255 * 128)
    }

    /// Convolves `pixels` windows whose first codes are `step` bytes apart in `codes`, and whose taps lie
    /// `taps` bytes behind the first code, into dense pixels of `out`.
    ///
    /// # Panics
    ///
    /// If an operand is too short, or such windows are not [`Self::is_ready`].
    pub fn regular(&self, codes: &[u8], taps: &[usize], step: usize, pixels: usize, out: &mut [u8]) {
        if pixels == 0 || self.channels == 0 {
            return;
        }
        let furthest = taps.iter().copied().max().unwrap_or(0);
        let extent = (pixels - 1).saturating_mul(step).saturating_add(furthest).saturating_add(self.channels);
        assert!(taps.len() == self.taps && codes.len() >= extent, "codes are shorter than their windows");
        assert!(out.len() / self.channels >= pixels, "the output is shorter than its pixels");
        self.run(&Regular { codes, taps, step, pixels }, out);
    }

    /// Convolves windows given tap by tap; the result of window `n` is pixel `pixels[n]` of `out`.
    ///
    /// # Panics
    ///
    /// If an operand is too short, or such windows are not [`Self::is_ready`].
    pub fn listed(&self, windows: &[&[u8]], pixels: &[usize], out: &mut [u8]) {
        if pixels.is_empty() || self.channels == 0 {
            return;
        }
        assert!(windows.len() == pixels.len() * self.taps, "taps are missing");
        assert!(windows.iter().all(|codes| codes.len() >= self.channels), "a tap is too short");
        let places = out.len() / self.channels;
        assert!(pixels.iter().all(|&pixel| pixel < places), "the output is shorter than its pixels");
        self.run(&Listed { windows, taps: self.taps, pixels }, out);
    }

    fn run(&self, places: &impl Places, out: &mut [u8]) {
        assert!(self.is_ready(), "windows that this host has no way to do");
        let least = (self.taps - 1).saturating_mul(self.step).saturating_add(self.channels);
        assert!(self.weights.len() >= least, "weights are missing");
        assert!(self.scales.bias.len() >= self.channels, "scales are missing");
        #[cfg(target_arch = "x86_64")]
        if vectors() == Vectors::Avx512 && Kernel::detect() == Kernel::Vnni {
            // SAFETY: the host has the instructions; the caller and the checks above keep the contract.
            unsafe { vnni::run(self, places, out) }
        } else {
            // SAFETY: as for VNNI.
            unsafe { avx2::run(self, places, out) }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (places.pixels(), places.output(0), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::ChannelParameter;
    use crate::arith::depthwise::accumulate_taps;

    /// Windows over a map, against sums tap by tap and single values.
    #[test]
    fn whole_tiles_agree_with_single_windows() {
        let post = Post { zero_point: 3, clamp_low: -100, clamp_high: 120 };
        for (kernel, channels) in [(3, 16), (3, 48), (5, 32), (5, 16), (3, 32), (3, 80), (5, 112)] {
            let taps = kernel * kernel;
            let (cols, step) = (12, channels + 16);
            let codes: Vec<u8> = (0..cols * cols * step).map(|i| (i * i / 7 + i * 89) as u8).collect();
            let weights: Vec<u8> = (0..taps * step).map(|i| (i * 151 + i / 3) as u8).collect();
            let parameters: Vec<[u8; 8]> = (0..channels as u64)
                .map(|i| (i * 977 + ((0x8000 + i * 300) << 32) + ((20 + i % 4) << 48)).to_le_bytes())
                .collect();
            let mut scales = Scales::default();
            scales.read(parameters.as_flattened());
            for sign in [Signedness::Signed, Signedness::Unsigned] {
                let offsets: Vec<usize> =
                    (0..taps).map(|tap| (tap / kernel * cols + tap % kernel) * step).collect();
                let window = |pixel: usize, tap: usize| &codes[pixel * step + offsets[tap]..][..channels];
                let pixels = cols - kernel;
                let mut expected = vec![0; pixels * channels];
                for pixel in 0..pixels {
                    let taps: Vec<(&[u8], &[u8])> = (0..taps)
                        .map(|tap| (window(pixel, tap), &weights[tap * step..][..channels]))
                        .collect();
                    let mut sums = vec![0; channels];
                    accumulate_taps(&mut sums, sign, &taps);
                    for (channel, &sum) in sums.iter().enumerate() {
                        let code = ChannelParameter::from_bytes(parameters[channel]).requantize(sum);
                        expected[pixel * channels + channel] = post.finish(code) as u8;
                    }
                }
                let job = Depthwise { weights: &weights, step, taps, channels, sign, scales: &scales, post };
                if !job.is_ready() {
                    assert_eq!(vectors(), Vectors::Plain);
                    continue;
                }
                let mut found = vec![0; pixels * channels];
                job.regular(&codes, &offsets, step, pixels, &mut found);
                assert_eq!(found, expected);
                let order: Vec<usize> = (0..pixels).rev().collect();
                let windows: Vec<&[u8]> =
                    order.iter().flat_map(|&pixel| (0..taps).map(move |tap| window(pixel, tap))).collect();
                found.fill(0);
                job.listed(&windows, &order, &mut found);
                assert_eq!(found, expected);
                #[cfg(target_arch = "x86_64")]
                {
                    found.fill(0);
                    let places = Regular { codes: &codes, taps: &offsets, step, pixels };
                    // SAFETY: the host has AVX2, as such windows are ready; the operands are those from above.
                    unsafe { avx2::run(&job, &places, &mut found) };
                    assert_eq!(found, expected);
                }
            }
        }
    }
}
