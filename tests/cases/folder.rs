//! A folder with a network and random images, and what the program says of it.

use std::path::Path;
use std::process::{Command, Output};

use bitgauge_models::float::{self, Tensor};
use bitgauge_models::integer::IntGraph;
use bitgauge_models::npy::{self, NpyData};
use bitgauge_models::onnx;
use bitgauge_tests::exported;
use serde_json::Value;
use tempfile::TempDir;

use bitgauge_testing::Random;

/// `model.onnx`, `data.toml` and arrays; mean 128, std 64 for every channel.
pub struct Folder {
    folder: TempDir,
}

/// What the data set holds.
pub struct Data {
    /// Images that calibrate, and as many that are measured.
    pub count: usize,
    /// Height, width, channels.
    pub image: [usize; 3],
    /// One label per image.
    pub labels: Option<Vec<i64>>,
}

impl Folder {
    /// Writes the model and `count` random images for calibration and measurement.
    pub fn new(model: &[u8], data: &Data) -> Folder {
        let folder = Folder { folder: tempfile::tempdir().unwrap() };
        folder.write("model.onnx", model);
        let mut random = Random(7);
        let [height, width, channels] = data.image;
        let bytes = data.count * height * width * channels;
        for name in ["cal.npy", "img.npy"] {
            let pixels: Vec<u8> = (0..bytes).map(|_| random.below(256) as u8).collect();
            folder.images(name, data.image, &pixels);
        }
        let (mean, std) = (vec![128.0; channels], vec![64.0; channels]);
        let text = format!(
            "calibration = \"cal.npy\"\nimages = \"img.npy\"\nmean = {mean:?}\nstd = {std:?}\ntask = \"classification\"\n"
        );
        folder.write("data.toml", text.as_bytes());
        if let Some(labels) = &data.labels {
            folder.labels(labels);
        }
        folder
    }

    /// Replaces images, N x H x W x C: `cal.npy` or `img.npy`.
    pub fn images(&self, name: &str, [height, width, channels]: [usize; 3], pixels: &[u8]) {
        let count = pixels.len() / (height * width * channels);
        self.write(name, &npy_file("|u1", &format!("({count}, {height}, {width}, {channels})"), pixels));
    }

    /// Labels the images by the greatest output of another network, computed in float.
    pub fn label_by(&self, model: &[u8], data: &Data) {
        let graph = onnx::import(model).unwrap();
        let [height, width, channels] = data.image;
        let NpyData::U8(pixels) = npy::read(&self.read("img.npy")).unwrap().data else { panic!() };
        let label = |image: &[u8]| {
            let real = |at: usize| {
                let (channel, pixel) = (at / (height * width), at % (height * width));
                (f32::from(image[pixel * channels + channel]) - 128.0) / 64.0
            };
            let reals = (0..image.len()).map(real).collect();
            let input = Tensor::new(vec![1, channels, height, width], reals).unwrap();
            let output = float::run(&graph, &[input]).unwrap().remove(0);
            let scores = output.data();
            (0..scores.len()).rev().max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap() as i64
        };
        self.labels(&pixels.chunks(height * width * channels).map(label).collect::<Vec<_>>());
    }

    /// Gives the images these labels.
    pub fn labels(&self, labels: &[i64]) {
        let raw: Vec<u8> = labels.iter().flat_map(|label| label.to_le_bytes()).collect();
        self.write("lab.npy", &npy_file("<i8", &format!("({},)", labels.len()), &raw));
        let text = String::from_utf8(self.read("data.toml")).unwrap();
        if !text.contains("labels =") {
            self.write("data.toml", format!("{text}labels = \"lab.npy\"\n").as_bytes());
        }
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path().join(name)).unwrap()
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path().join(name), bytes).unwrap();
    }

    /// Runs the program in the folder.
    pub fn bitgauge(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_bitgauge"))
            .args(arguments)
            .current_dir(self.path())
            .output()
            .unwrap()
    }

    /// The JSON of a command that has to end well.
    pub fn answer(&self, arguments: &[&str]) -> Value {
        let output = self.bitgauge(&[arguments, &["--format", "json"]].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {:?}: {said}", output.status);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// `quantize` of the folder's model on its data, with further arguments; in ONNX Runtime, what it exports has
    /// every code of every tensor.
    pub fn quantize(&self, more: &[&str]) -> Value {
        let all = ["quantize", "--model", "model.onnx", "--data", "data.toml", "--output", "net.bgq"];
        if more.contains(&"--export-onnx") {
            return self.answer(&[&all[..], more].concat());
        }
        let answer = self.answer(&[&all[..], &["--export-onnx", "net.onnx"], more].concat());
        let pairs = ["--output", "pairs.bgq", "--export-onnx", "pairs.onnx", "--export-style", "qdq"];
        self.answer(&[&all[..5], &pairs, more].concat());
        self.exports_its_codes();
        answer
    }

    /// Compares `net.onnx` with `net.bgq`, on images of its own; `pairs.onnx` is loaded and runs.
    fn exports_its_codes(&self) {
        let (graph, file) = (IntGraph::from_bytes(&self.read("net.bgq")).unwrap(), self.read("net.onnx"));
        let mut random = Random(5);
        let mut image = || {
            let of_input = |&id| {
                let source = graph.tensor(id).float_source.as_ref().unwrap();
                let shape: Vec<usize> = source.order.dims.iter().map(|&d| d as usize).collect();
                let data = (0..shape.iter().product()).map(|_| 1.5 * random.normal()).collect();
                Tensor::new(shape, data).unwrap()
            };
            graph.inputs.iter().map(of_input).collect()
        };
        let images: Vec<Vec<Tensor>> = (0..2).map(|_| image()).collect();
        let Some(found) = exported::compare(&file, &graph, &images).unwrap() else { return };
        let [off, on] = found.outputs;
        assert!(found.inner.is_none() && off.is_none() && on.is_none(), "the export: {found:?}");
        exported::loads(&self.read("pairs.onnx"), &images[0]).unwrap();
    }

    /// `run` of one image: simulator and interpreter agree, or it is exit code 1; and so does the export.
    pub fn run(&self) -> Value {
        self.quantize(&[]);
        let all =
            ["run", "--model", "model.onnx", "--data", "data.toml", "--images", "1", "--output", "report"];
        self.answer(&all)
    }

    /// What the program says on stderr when it refuses with this exit code.
    pub fn refusal(&self, arguments: &[&str], code: i32) -> String {
        let output = self.bitgauge(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        said
    }
}

/// Signal to noise of the last tensor that `quantize` lists, in decibels.
pub fn last_decibels(answer: &Value) -> f64 {
    answer["tensors"].as_array().unwrap().last().unwrap()["decibels"].as_f64().unwrap()
}

pub fn npy_file(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}
