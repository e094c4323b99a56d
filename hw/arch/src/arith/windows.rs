//! Depthwise convolutions of whole tiles: sums stay in registers from the first tap to the code.
//!
//! Two taps go together, as pairs of 16-bit products (`vpmaddwd`), which are exact for both readings of a code.
//! Only windows of 3 x 3 and 5 x 5 over whole blocks of sixteen channels are taken; [`super::depthwise`] does
//! the rest, and is what a test compares with.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use super::host::{Vectors, vectors};
use super::rows::Scales;
use super::{Post, Signedness};

/// Channels of a block.
const BLOCK: usize = 16;

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
    fn tap(&self, pixel: usize, tap: usize) -> *const u8;
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
    fn tap(&self, pixel: usize, tap: usize) -> *const u8 {
        self.codes.as_ptr().wrapping_add(pixel * self.step + self.taps[tap])
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
    fn tap(&self, pixel: usize, tap: usize) -> *const u8 {
        self.windows[pixel * self.taps + tap].as_ptr()
    }

    #[inline(always)]
    fn output(&self, pixel: usize) -> usize {
        self.pixels[pixel]
    }
}

impl Depthwise<'_> {
    /// Whether this host has a way to do such windows.
    #[must_use]
    pub fn is_ready(taps: usize, channels: usize) -> bool {
        vectors() > Vectors::Plain && matches!(taps, 9 | 25) && channels.is_multiple_of(BLOCK)
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
        assert!(Self::is_ready(self.taps, self.channels));
        let least = (self.taps - 1).saturating_mul(self.step).saturating_add(self.channels);
        assert!(self.weights.len() >= least, "weights are missing");
        assert!(self.scales.bias.len() >= self.channels && self.scales.factor.len() >= self.channels);
        #[cfg(target_arch = "x86_64")]
        if vectors() == Vectors::Avx512 {
            // SAFETY: the host has the instructions; the caller and the checks above keep the contract.
            unsafe { avx512::run(self, places, out) }
        } else {
            // SAFETY: as for AVX-512.
            unsafe { avx2::run(self, places, out) }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (places.pixels(), places.tap(0, 0), places.output(0), out);
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
        for (kernel, channels) in [(3, 16), (3, 48), (5, 32), (5, 16)] {
            let taps = kernel * kernel;
            if !Depthwise::is_ready(taps, channels) {
                continue;
            }
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
                if kernel == 3 {
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
