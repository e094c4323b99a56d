//! Data sets and the common road from an ONNX file to figures.

// Helpers of tests are not seen as tests by the lints' exceptions.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]
// Every test program includes all of them.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::time::Instant;

use bitgauge_models::float::{FloatGraph, Tensor, passes};
use bitgauge_models::integer::evaluate::{self, Classification};
use bitgauge_models::integer::{Calibration, Prepared, QuantizeOptions, calibrate, quantize};
use bitgauge_models::npy::{self, NpyData};
use bitgauge_models::onnx::import;

/// Says that something is not measured, past the capture of the test's output, so that it is seen and counted.
pub fn skipped(what: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
}

/// A model with calibration and test images.
pub struct DataSet {
    pub graph: FloatGraph,
    pub labels: Vec<i64>,
    calibration: Images,
    test: Images,
}

/// Pixels `N x H x W x C`, from image `first` on.
struct Images {
    shape: [usize; 4],
    pixels: Vec<u8>,
    first: usize,
    mean: [f32; 3],
    std: [f32; 3],
}

impl Images {
    fn load(path: &Path, mean: f32, std: f32) -> Option<Images> {
        Images::load_colours(path, [mean; 3], [std; 3])
    }

    fn load_colours(path: &Path, mean: [f32; 3], std: [f32; 3]) -> Option<Images> {
        let array = npy::read(&std::fs::read(path).ok()?).unwrap();
        let NpyData::U8(pixels) = array.data else { panic!("{} is not u8", path.display()) };
        let shape = match array.shape[..] {
            [n, h, w, c] => [n, h, w, c],
            [n, h, w] => [n, h, w, 1],
            ref other => panic!("{} has shape {other:?}", path.display()),
        };
        Some(Images { shape, pixels, first: 0, mean, std })
    }

    fn image(&self, index: usize) -> Vec<Tensor> {
        self.at(self.first + index)
    }

    fn at(&self, index: usize) -> Vec<Tensor> {
        let [_, h, w, c] = self.shape;
        let pixels = &self.pixels[index * h * w * c..][..h * w * c];
        let real = |i: usize| {
            let channel = i / (h * w);
            (f32::from(pixels[(i % (h * w)) * c + channel]) - self.mean[channel]) / self.std[channel]
        };
        vec![Tensor::new(vec![1, c, h, w], (0..h * w * c).map(real).collect()).unwrap()]
    }
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn load_labels(path: &Path) -> Option<Vec<i64>> {
    match npy::read(&std::fs::read(path).ok()?).unwrap().data {
        NpyData::I64(labels) => Some(labels),
        _ => panic!("{} is not i64", path.display()),
    }
}

fn load_graph(path: &Path) -> Option<FloatGraph> {
    let mut graph = import(&std::fs::read(path).ok()?).unwrap();
    passes::simplify(&mut graph).unwrap();
    Some(graph)
}

/// MNIST: all 10,000 test images where they were fetched, else the 500 in the repository.
pub fn mnist(name: &str) -> Option<DataSet> {
    let (mean, std) = (33.3285, 78.5655);
    let graph = load_graph(&here(&format!("zoo/{name}.onnx")))?;
    let calibration = Images::load(&here("zoo/mnist_calibration_u8.npy"), mean, std)?;
    let full = Images::load(&here("zoo/data/mnist_test_images_u8.npy"), mean, std);
    let full = full.zip(load_labels(&here("zoo/data/mnist_test_labels_i64.npy")));
    let (test, labels) = match full {
        Some(full) => full,
        None => (
            Images::load(&here("zoo/mnist_test_u8.npy"), mean, std)?,
            load_labels(&here("zoo/mnist_test_labels_i64.npy"))?,
        ),
    };
    Some(DataSet { graph, labels, calibration, test })
}

/// Where ResNet-20 lies, if it is at hand.
pub fn resnet20_file() -> PathBuf {
    here("../../shared/data/models/resnet20_cifar10.onnx")
}

impl DataSet {
    /// EfficientNet-Lite0: 64 images to calibrate, the other 192 to test.
    pub fn efficientnet() -> Option<DataSet> {
        let data = here("../../shared/data");
        let graph = load_graph(&data.join("models/efficientnet_lite0.onnx"))?;
        let path = data.join("images/nips2017_224_n256_u8.npy");
        let mut calibration = Images::load(&path, 127.0, 128.0)?;
        let mut test = Images::load(&path, 127.0, 128.0)?;
        let labels = load_labels(&data.join("images/nips2017_224_n256_labels_i64.npy"))?;
        calibration.shape[0] = 64;
        test.first = 64;
        test.shape[0] -= 64;
        Some(DataSet { graph, labels: labels[64..].to_vec(), calibration, test })
    }

    /// ResNet-20: 200 images of CIFAR-10 to calibrate, the other 800 to test.
    pub fn resnet20() -> Option<DataSet> {
        let data = here("../../shared/data");
        let graph = load_graph(&resnet20_file())?;
        let mean = [0.485, 0.456, 0.406].map(|mean: f32| 255.0 * mean);
        let std = [0.229, 0.224, 0.225].map(|std: f32| 255.0 * std);
        let load = || Images::load_colours(&data.join("images/cifar10_test_n1000_u8.npy"), mean, std);
        let (mut calibration, mut test) = (load()?, load()?);
        let labels = load_labels(&data.join("images/cifar10_test_n1000_labels_i64.npy"))?;
        calibration.shape[0] = 200;
        test.first = 200;
        test.shape[0] -= 200;
        Some(DataSet { graph, labels: labels[200..].to_vec(), calibration, test })
    }
}

impl DataSet {
    /// What the calibration images show.
    pub fn calibrated(&self) -> Calibration {
        calibrate(&self.graph, self.calibration.shape[0], |i| self.calibration.image(i)).unwrap()
    }

    /// Images of the file that the test images come from.
    pub fn count(&self) -> usize {
        self.test.first + self.test.shape[0]
    }

    /// One of them.
    pub fn image(&self, index: usize) -> Vec<Tensor> {
        self.test.at(index)
    }
}

/// Calibrates, quantizes, classifies and prints one line.
pub fn report(name: &str, data: &DataSet, options: &QuantizeOptions) -> Classification {
    let start = Instant::now();
    let seen = calibrate(&data.graph, data.calibration.shape[0], |i| data.calibration.image(i)).unwrap();
    let calibrated = start.elapsed();
    let start = Instant::now();
    let graph = quantize(&data.graph, &seen, options).unwrap();
    let quantized = start.elapsed();
    let prepared = Prepared::new(&graph).unwrap();
    let inputs = evaluate::encode_inputs(&graph, &data.test.image(0)).unwrap();
    prepared.run_outputs(&inputs).unwrap();
    let start = Instant::now();
    for _ in 0..20 {
        prepared.run_outputs(&inputs).unwrap();
    }
    let each = start.elapsed() / 20;
    let r = evaluate::classify(&graph, Some(&data.graph), &data.labels, |i| data.test.image(i)).unwrap();
    let float = r.float.clone().unwrap();
    if std::env::var_os("BITGAUGE_NOISE").is_some() {
        for t in evaluate::noise(&graph, &data.graph, 16, |i| data.test.image(i)).unwrap() {
            eprintln!("  {:6.2} dB, {:6.3} % at the ends: {}", t.decibels, 100.0 * t.at_ends, t.value);
        }
    }
    eprintln!(
        "{name} {:?} {:?} stream {}: {} images, float top-1 {:.2} top-5 {:.2}, integer top-1 {:.2} top-5 {:.2}, \
         agreement {:.2} %, KL {:.5}; {each:.2?} an image; calibration {calibrated:.1?}, quantization {quantized:.1?}",
        options.range,
        options.weight_clip,
        options.bits.stream,
        r.images,
        r.percent(float.top1),
        r.percent(float.top5),
        r.percent(r.top1),
        r.percent(r.top5),
        r.percent(float.agreement),
        float.divergence,
    );
    r
}

/// Asserts the bars of accuracy and agreement.
pub fn check(r: &Classification, points: f64, agreement: f64) {
    let float = r.float.as_ref().unwrap();
    let lost = r.percent(float.top1) - r.percent(r.top1);
    assert!(lost <= points, "lost {lost:.2} points");
    assert!(r.percent(float.agreement) >= agreement, "agreement {:.2}", r.percent(float.agreement));
}

/// Prints the least and the mean time of an image, calibrated on four.
pub fn time(data: &DataSet, options: &QuantizeOptions, times: usize) {
    let seen = calibrate(&data.graph, 4, |i| data.calibration.image(i)).unwrap();
    let graph = quantize(&data.graph, &seen, options).unwrap();
    let prepared = Prepared::new(&graph).unwrap();
    let inputs = evaluate::encode_inputs(&graph, &data.test.image(0)).unwrap();
    let mut spans = Vec::new();
    for _ in 0..times {
        let start = Instant::now();
        prepared.run_outputs(&inputs).unwrap();
        spans.push(start.elapsed());
    }
    let mean = spans.iter().sum::<std::time::Duration>() / times as u32;
    eprintln!("least {:.2?}, mean {mean:.2?} an image", spans.iter().min().unwrap());
}
