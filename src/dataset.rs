//! The data set: a TOML file that names arrays of pixels and labels, and how a pixel becomes a real.
//!
//! Images are unsigned bytes, N x H x W x C; real = (pixel - mean) / std, in the order of ONNX (C x H x W).

mod remarks;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use bitgauge_models::float::Tensor;
use bitgauge_models::npy::{self, Npy, NpyData};
use bitgauge_models::onnx::outline::Source;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::failure::Failure;
use crate::{files, shipped};

/// What the user writes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    calibration: String,
    images: String,
    #[serde(default)]
    labels: Option<String>,
    mean: Vec<f32>,
    std: Vec<f32>,
    task: Task,
}

/// What the outputs mean.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Task {
    /// The greatest output is the class.
    Classification,
}

/// Images with the rule that makes reals of them.
pub struct Dataset {
    /// Images that calibrate.
    pub calibration: Images,
    /// Images that measure.
    pub images: Images,
    /// One label per image of `images`.
    pub labels: Option<Vec<i64>>,
    /// The file of the labels.
    labels_place: String,
    /// SHA-256 of the calibration images' file.
    pub calibration_sha256: String,
}

impl Dataset {
    /// Refuses labels that an output of so many classes cannot have; `None`: an index for each of several places.
    pub fn check_labels(&self, classes: Option<usize>) -> Result<()> {
        let Some(labels) = &self.labels else { return Ok(()) };
        let refuse = |message: String| Failure::new(message).at(&self.labels_place);
        let Some(classes) = classes else {
            let message =
                "a label is one class per image, and the network gives a class for each of several places";
            return Err(refuse(message.to_owned()).hint("leave `labels` out of the data set").into());
        };
        let beyond = |&(_, &label): &(usize, &i64)| usize::try_from(label).map_or(true, |at| at >= classes);
        match labels.iter().enumerate().find(beyond) {
            None => Ok(()),
            Some((image, label)) => {
                let message = format!("label {label} of image {image} is beyond the {classes} outputs");
                let hint = format!(
                    "a label is the position of its class among the outputs, from 0 to {}; labels that count from 1, or \
                     are of another data set, do not fit",
                    classes.saturating_sub(1)
                );
                Err(refuse(message).hint(hint).into())
            }
        }
    }
}

/// An array of images.
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
    /// Number of images.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Reals of an image, `1 x C x H x W`; beyond the last image, of the last.
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
    pub fn uniform_rule(&self) -> Option<(f32, f32)> {
        let uniform = |values: &[f32]| values.iter().all(|value| *value == values[0]).then(|| values[0]);
        Some((uniform(&self.mean)?, uniform(&self.std)?))
    }

    /// Shape of an image as the model sees it.
    pub fn shape(&self) -> [usize; 4] {
        [1, self.channels, self.rows, self.cols]
    }
}

/// Loads a data set; `None` is the one that ships.
pub fn load(path: Option<&Path>) -> Result<Dataset> {
    let (name, text) = match path {
        Some(path) => (path.display().to_string(), files::read_text(path)?),
        None => ("mnist.toml (built in)".to_owned(), shipped::MNIST.to_owned()),
    };
    let description: Description =
        toml::from_str(&text).map_err(|error| Failure::toml(&name, &text, &error).hint(KEYS))?;
    for (key, values) in [("mean", &description.mean), ("std", &description.std)] {
        if values.is_empty()
            || values.iter().any(|value| !value.is_finite() || (key == "std" && *value <= 0.0))
        {
            let message = format!("`{key}` needs one finite number per channel (`std` above zero)");
            return Err(Failure::new(message).at(&name).into());
        }
    }
    // The one task there is; a second one will choose how accuracy is measured.
    let Task::Classification = description.task;
    let folder = path.map(|path| path.parent().unwrap_or(Path::new("")).to_owned());
    let (calibration, bytes) = images(&folder, &description.calibration, &description)?;
    let (images, _) = images(&folder, &description.images, &description)?;
    let (labels, labels_place) = match &description.labels {
        Some(file) => labels(&folder, file, images.len()).map(|(labels, place)| (Some(labels), place))?,
        None => (None, String::new()),
    };
    Ok(Dataset { calibration, images, labels, labels_place, calibration_sha256: sha256(&bytes) })
}

const KEYS: &str = "keys: calibration, images, labels (optional), mean, std, task = \"classification\"";

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(Sha256::new_with_prefix(bytes))
}

/// What was hashed, in hexadecimal.
pub fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of a file, in hexadecimal.
pub fn sha256_of(source: &dyn Source) -> Result<String, String> {
    const PIECE: u64 = 1 << 20;
    let mut hash = Sha256::new();
    let mut at = 0;
    while at < source.length() {
        let length = PIECE.min(source.length() - at);
        hash.update(source.read(at, length as usize)?);
        at += length;
    }
    Ok(hexadecimal(hash))
}

fn bytes(folder: &Option<PathBuf>, file: &str) -> Result<Vec<u8>> {
    match folder {
        Some(folder) => files::read(&folder.join(file)),
        None => Ok(shipped::mnist_file(file)
            .context("the built-in data set names a file that is not built in")?
            .to_vec()),
    }
}

fn array(folder: &Option<PathBuf>, file: &str) -> Result<(Npy, String, Vec<u8>)> {
    let place =
        folder.as_ref().map_or_else(|| file.to_owned(), |folder| folder.join(file).display().to_string());
    let bytes = bytes(folder, file)?;
    let array = npy::read(&bytes).map_err(|error| {
        Failure::new(format!("not a usable .npy array: {error}"))
            .at(&place)
            .hint("numpy.save writes such files")
    })?;
    Ok((array, place, bytes))
}

fn images(folder: &Option<PathBuf>, file: &str, description: &Description) -> Result<(Images, Vec<u8>)> {
    let (array, place, bytes) = array(folder, file)?;
    let (&[count, rows, cols, channels], NpyData::U8(pixels)) = (&array.shape[..], array.data) else {
        let message = format!("images must be unsigned bytes, N x H x W x C; the shape is {:?}", array.shape);
        return Err(Failure::new(message).at(place).hint("array.astype(numpy.uint8), channels last").into());
    };
    if pixels.is_empty() {
        return Err(Failure::new("there is no image in the array").at(place).into());
    }
    let (mean, std) = (description.mean.clone(), description.std.clone());
    if mean.len() != channels || std.len() != channels {
        let message =
            format!("the images have {channels} channels; `mean` has {}, `std` {}", mean.len(), std.len());
        return Err(Failure::new(message).at(place).hint("give one number per channel").into());
    }
    Ok((Images { pixels, count, rows, cols, channels, mean, std }, bytes))
}

fn labels(folder: &Option<PathBuf>, file: &str, count: usize) -> Result<(Vec<i64>, String)> {
    let (array, place, _) = array(folder, file)?;
    match array.data {
        NpyData::I64(labels) if labels.len() == count => Ok((labels, place)),
        NpyData::U8(labels) if labels.len() == count => {
            Ok((labels.into_iter().map(i64::from).collect(), place))
        }
        _ => {
            let message = format!(
                "labels must be {count} integers (i64 or u8), one per image; the shape is {:?}",
                array.shape
            );
            Err(Failure::new(message).at(place).into())
        }
    }
}
