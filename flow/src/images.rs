//! Images as bytes, the rule that makes reals of them, and what looks wrong in them.

use bitgauge_models::float::Tensor;
use thiserror::Error;

/// Why bytes and a rule are no images.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImagesError {
    /// No pixel.
    #[error("there is no image in the array")]
    Empty,
    /// Another number of pixels than the shape says.
    #[error("{pixels} pixels are not an array of {shape:?}")]
    Shape {
        /// Pixels given.
        pixels: usize,
        /// Images, rows, columns, channels.
        shape: [usize; 4],
    },
    /// Not one number for each channel.
    #[error("the images have {channels} channels; `mean` has {mean}, `std` {std}")]
    Channels {
        /// Of the images.
        channels: usize,
        /// Numbers given.
        mean: usize,
        /// Numbers given.
        std: usize,
    },
}

/// An array of images: unsigned bytes, N x H x W x C; real = (pixel - mean) / std, in the order of ONNX (C x H x W).
pub struct Images {
    pixels: Vec<u8>,
    count: usize,
    rows: usize,
    cols: usize,
    channels: usize,
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl Images {
    /// Images of the shape N x H x W x C, with a mean and a standard deviation for each channel.
    ///
    /// # Errors
    /// The shape is not that of the pixels, or there is none; a channel without its numbers.
    pub fn new(
        pixels: Vec<u8>,
        [count, rows, cols, channels]: [usize; 4],
        mean: Vec<f32>,
        std: Vec<f32>,
    ) -> Result<Images, ImagesError> {
        let shape = [count, rows, cols, channels];
        if pixels.is_empty() {
            return Err(ImagesError::Empty);
        }
        if shape.iter().try_fold(1usize, |all, &size| all.checked_mul(size)) != Some(pixels.len()) {
            return Err(ImagesError::Shape { pixels: pixels.len(), shape });
        }
        if mean.len() != channels || std.len() != channels {
            return Err(ImagesError::Channels { channels, mean: mean.len(), std: std.len() });
        }
        Ok(Images { pixels, count, rows, cols, channels, mean, std })
    }

    /// Number of images; there is one at least.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is no array without an image")]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Reals of an image, `1 x C x H x W`; beyond the last image, of the last.
    #[must_use]
    pub fn tensor(&self, index: usize) -> Tensor {
        let size = self.rows * self.cols * self.channels;
        let start = index.min(self.count - 1) * size;
        let pixels = &self.pixels[start..start + size];
        let mut reals = Vec::with_capacity(size);
        for (channel, (mean, std)) in self.mean.iter().zip(&self.std).enumerate() {
            reals.extend(
                pixels.iter().skip(channel).step_by(self.channels).map(|&p| (f32::from(p) - mean) / std),
            );
        }
        // The length is the shape's, so there is always a tensor.
        Tensor::new(self.shape().to_vec(), reals).unwrap_or_else(|_| Tensor::scalar(0.0))
    }

    /// Mean and standard deviation, where all channels have the same.
    #[must_use]
    pub fn uniform_rule(&self) -> Option<(f32, f32)> {
        let uniform = |values: &[f32]| values.iter().all(|value| *value == values[0]).then(|| values[0]);
        Some((uniform(&self.mean)?, uniform(&self.std)?))
    }

    /// Shape of an image as the model sees it.
    #[must_use]
    pub fn shape(&self) -> [usize; 4] {
        [1, self.channels, self.rows, self.cols]
    }

    /// What is to be said of calibration images, of which the first `count` are used, that say too little.
    #[must_use]
    pub fn calibration_remarks(&self, count: usize) -> Vec<String> {
        let size = self.rows * self.cols * self.channels;
        let used = &self.pixels[..count.clamp(1, self.count) * size];
        let advice = "the ranges of all tensors follow from them; give images as varied as those that the network is for";
        if used.iter().all(|pixel| *pixel == used[0]) {
            return vec![format!("every pixel of the calibration images is {}: {advice}", used[0])];
        }
        let first = &used[..size];
        if used.len() > size && used.chunks_exact(size).all(|image| image == first) {
            return vec![format!("all {} calibration images are alike: {advice}", used.len() / size)];
        }
        Vec::new()
    }

    /// The greatest pixel.
    fn greatest(&self) -> u8 {
        self.pixels.iter().copied().max().unwrap_or(0)
    }
}

/// Mean and standard deviation of images from 0 to 1 lie below this.
const UNIT: f32 = 1.0;

/// What is to be said of a mean and a deviation of another scale than the pixels; both arrays have one rule.
#[must_use]
pub fn scale_remarks(calibration: &Images, images: &Images) -> Vec<String> {
    let greatest = calibration.greatest().max(images.greatest());
    let pairs = || images.mean.iter().zip(&images.std);
    let list = |values: &[f32]| values.iter().map(|v| (v * 255.0).to_string()).collect::<Vec<_>>().join(", ");
    let mut remarks = Vec::new();
    let small = |mean: f32, std: f32| std < UNIT || (mean > 0.0 && mean < UNIT);
    if greatest > 1
        && let Some((channel, (mean, std))) =
            pairs().enumerate().find(|(_, (mean, std))| small(**mean, **std))
    {
        let seen = (f32::from(greatest) - mean) / std;
        remarks.push(format!(
            "mean {mean} and std {std} of channel {channel} are of pixels from 0 to 1, and the images are bytes up \
             to {greatest}: the network sees up to {seen:.0}; multiply both by 255: mean = [{}], std = [{}]",
            list(&images.mean),
            list(&images.std)
        ));
    }
    if greatest <= 1 && images.std.iter().any(|&std| std > 2.0) {
        remarks.push(format!(
            "no pixel is above {greatest}, and mean and std are of bytes from 0 to 255; save the images as bytes of \
             that range"
        ));
    }
    if let Some((channel, (mean, _))) = pairs().enumerate().find(|(_, (mean, _))| mean.abs() > 255.0) {
        remarks.push(format!("mean {mean} of channel {channel} is beyond all bytes (0 to 255)"));
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(pixels: &[u8], shape: [usize; 4]) -> Result<Images, ImagesError> {
        Images::new(pixels.to_vec(), shape, vec![10.0, 20.0], vec![2.0, 4.0])
    }

    #[test]
    fn pixels_become_reals_channel_by_channel() {
        let two = images(&[12, 24, 14, 28, 16, 32, 18, 36], [2, 1, 2, 2]).unwrap();
        assert_eq!((two.len(), two.shape()), (2, [1, 2, 1, 2]));
        assert_eq!(two.tensor(0).data(), [1.0, 2.0, 1.0, 2.0]);
        assert_eq!(two.tensor(1).data(), [3.0, 4.0, 3.0, 4.0]);
        assert_eq!(two.tensor(9).data(), two.tensor(1).data());
        assert_eq!(two.uniform_rule(), None);
    }

    #[test]
    fn what_is_no_array_of_images() {
        assert_eq!(images(&[], [0, 1, 1, 2]).err(), Some(ImagesError::Empty));
        let shape = [1, 1, 1, 2];
        assert_eq!(images(&[1; 3], shape).err(), Some(ImagesError::Shape { pixels: 3, shape }));
        assert!(matches!(images(&[1; 4], [usize::MAX, 2, 1, 2]), Err(ImagesError::Shape { .. })));
        let channels = ImagesError::Channels { channels: 3, mean: 2, std: 2 };
        assert_eq!(images(&[1; 3], [1, 1, 1, 3]).err(), Some(channels));
        assert!(images(&[1; 2], shape).is_ok());
    }
}
