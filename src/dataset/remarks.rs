//! What looks wrong in a data set, and what to change: sentences for the user.

use super::{Dataset, Images};

/// Mean and standard deviation of images from 0 to 1 lie below this.
const UNIT: f32 = 1.0;

impl Dataset {
    /// Mean and deviation of another scale than the pixels.
    pub fn scale_remarks(&self) -> Vec<String> {
        let images = &self.images;
        let greatest = [&self.calibration, images].iter().map(|images| images.greatest()).max().unwrap_or(0);
        let pairs = || images.mean.iter().zip(&images.std);
        let list =
            |values: &[f32]| values.iter().map(|v| (v * 255.0).to_string()).collect::<Vec<_>>().join(", ");
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

    /// Calibration images, of which the first `count` are used, that say too little.
    pub fn calibration_remarks(&self, count: usize) -> Vec<String> {
        let images = &self.calibration;
        let size = images.rows * images.cols * images.channels;
        let used = &images.pixels[..(count.clamp(1, images.count) * size).min(images.pixels.len())];
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
}

impl Images {
    /// The greatest pixel.
    fn greatest(&self) -> u8 {
        self.pixels.iter().copied().max().unwrap_or(0)
    }
}
