//! The data set: a TOML file that names arrays of pixels and labels, and how a pixel becomes a real.
//!
//! Images are unsigned bytes, N x H x W x C; real = (pixel - mean) / std, in the order of ONNX (C x H x W).

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use bitgauge_flow::hash::{hexadecimal, sha256};
use bitgauge_flow::{Images, ImagesError};
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
    let (mean, std) = (description.mean.clone(), description.std.clone());
    let images = Images::new(pixels, [count, rows, cols, channels], mean, std).map_err(|error| {
        let fault = Failure::new(error.to_string()).at(place);
        match error {
            ImagesError::Channels { .. } => fault.hint("give one number per channel"),
            ImagesError::Empty | ImagesError::Shape { .. } => fault,
        }
    })?;
    Ok((images, bytes))
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
