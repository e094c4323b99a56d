//! What tests of more than one crate share: the shipped models, designs and images, and the comparison of
//! simulator and interpreter.

// A helper fails its test by panicking, and says what is skipped.
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc, clippy::print_stderr)]

pub mod descriptions;
pub mod exported;
pub mod networks;
pub mod orders;
pub mod recovery;
pub mod verilog;
pub mod widths;

use std::path::{Path, PathBuf};

use bitgauge_arch::program::TensorRole;
use bitgauge_arch::validate::Validated;
use bitgauge_arch::{Accelerator, Program};
use bitgauge_compiler::compile;
use bitgauge_models::float::{FloatGraph, Tensor, passes};
use bitgauge_models::integer::evaluate::encode_inputs;
use bitgauge_models::integer::{InputCode, IntGraph, Prepared, QuantizeOptions, calibrate, quantize};
use bitgauge_models::npy::{self, NpyData};
use bitgauge_models::onnx;
use bitgauge_sim::Machine;
use bitgauge_sim::result::RunResult;

/// Names of the shipped models.
pub const MODELS: [&str; 2] = ["vit_mnist", "cnn_mnist"];

/// Names of the shipped designs.
pub const DESIGNS: [&str; 3] = ["reference-8x8", "reference-16x16", "reference-32x32"];

/// Names of the shipped designs of other kinds of processing elements.
pub const KINDS: [&str; 4] = ["fixed-4-lanes-8x8", "serial-16x16", "serial-8-bit-slices-16x8", "fusible-8x8"];

/// A path in the repository.
#[must_use]
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)
}

/// A shipped design.
#[must_use]
pub fn design(name: &str) -> Accelerator {
    let text = std::fs::read_to_string(repository(&format!("designs/{name}.toml"))).unwrap();
    Accelerator::from_toml(&text).unwrap()
}

/// Images as a network sees them.
pub struct Images {
    pixels: Vec<u8>,
    shape: [usize; 4],
    mean: [f32; 3],
    std: [f32; 3],
}

impl Images {
    /// Loads an array of bytes, N x H x W x C; all channels are shifted and scaled alike.
    #[must_use]
    pub fn load(path: &Path, mean: f32, std: f32) -> Images {
        Images::load_colours(path, [mean; 3], [std; 3])
    }

    /// As [`Images::load`], with mean and deviation of each channel.
    #[must_use]
    pub fn load_colours(path: &Path, mean: [f32; 3], std: [f32; 3]) -> Images {
        let array = npy::read(&std::fs::read(path).unwrap()).unwrap();
        let NpyData::U8(pixels) = array.data else { panic!("{} does not hold bytes", path.display()) };
        Images { pixels, shape: array.shape.try_into().unwrap(), mean, std }
    }

    /// The shipped MNIST samples: `calibration` or `test`.
    #[must_use]
    pub fn mnist(part: &str) -> Images {
        Images::load(&repository(&format!("models/zoo/mnist_{part}_u8.npy")), 33.3285, 78.5655)
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shape[0]
    }

    /// An image, 1 x C x H x W.
    #[must_use]
    pub fn tensor(&self, index: usize) -> Tensor {
        let [_, rows, cols, channels] = self.shape;
        let pixels = &self.pixels[index * rows * cols * channels..][..rows * cols * channels];
        let of_channel = |c: usize| pixels.iter().skip(c).step_by(channels);
        let reals = (0..channels)
            .flat_map(|c| of_channel(c).map(move |&p| (f32::from(p) - self.mean[c]) / self.std[c]));
        Tensor::new(vec![1, channels, rows, cols], reals.collect()).unwrap()
    }

    /// The codes of a network's input: the pixels themselves where one code can say so.
    #[must_use]
    pub fn input_code(&self) -> InputCode {
        let alike = |values: &[f32; 3]| values.iter().all(|value| *value == values[0]);
        if alike(&self.mean) && alike(&self.std) {
            InputCode::Pixels { mean: f64::from(self.mean[0]), std: f64::from(self.std[0]) }
        } else {
            InputCode::Calibrated
        }
    }
}

/// Imports and simplifies.
#[must_use]
pub fn float_model(path: &Path) -> FloatGraph {
    let mut graph = onnx::import(&std::fs::read(path).unwrap()).unwrap();
    passes::simplify(&mut graph).unwrap();
    graph
}

/// One loud line about a check that is left out. The test harness swallows what passing tests print with
/// macros, so this goes to the stream itself.
pub fn skipped(what: &str) {
    use std::io::Write;
    // A lost line is no reason to fail.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
}

/// EfficientNet-Lite0 and images of ImageNet's kind; says so where they are not at hand.
#[must_use]
pub fn efficientnet() -> Option<(PathBuf, Images)> {
    let models = ["models/zoo/data/efficientnet_lite0.onnx", "../shared/data/models/efficientnet_lite0.onnx"];
    let arrays = ["models/zoo/data/imagenet_test_u8.npy", "../shared/data/images/nips2017_224_n256_u8.npy"];
    let find = |paths: &[&str]| paths.iter().map(|path| repository(path)).find(|path| path.exists());
    let found = find(&models).zip(find(&arrays));
    if found.is_none() {
        skipped(&format!(
            "EfficientNet-Lite0: `cargo xtask fetch` brings the model to {}; the images are yours to \
             supply as {}",
            models[0], arrays[0]
        ));
    }
    found.map(|(model, images)| (model, Images::load(&images, 127.0, 128.0)))
}

/// ResNet-20 and images of CIFAR-10; says so where they are not at hand.
#[must_use]
pub fn resnet20() -> Option<(PathBuf, Images)> {
    let model = repository("../shared/data/models/resnet20_cifar10.onnx");
    let images = repository("../shared/data/images/cifar10_test_n1000_u8.npy");
    if !(model.exists() && images.exists()) {
        skipped("ResNet-20: its model and images of CIFAR-10 are not beside this checkout");
        return None;
    }
    let mean = [0.485, 0.456, 0.406].map(|mean: f32| 255.0 * mean);
    let std = [0.229, 0.224, 0.225].map(|std: f32| 255.0 * std);
    Some((model, Images::load_colours(&images, mean, std)))
}

/// The ViT-S saliency network and images of ECSSD with their masks (0 or 1, N x H x W); says so where they are not
/// at hand.
#[must_use]
pub fn saliency() -> Option<(PathBuf, Images, Vec<u8>)> {
    let model = repository("models/zoo/data/vit_s_focus.onnx");
    let arrays = ["models/zoo/data/ecssd_224", "../shared/data/images/ecssd_224_n100"];
    let complete =
        |stem: &&str| ["u8", "mask_u8"].iter().all(|part| repository(&format!("{stem}_{part}.npy")).exists());
    let stem = arrays.iter().find(|stem| complete(stem));
    let (true, Some(stem)) = (model.exists(), stem) else {
        skipped(&format!(
            "ViT-S saliency: `cargo xtask fetch vits` brings the model to {}; the images and masks are yours \
             to supply as {}_u8.npy and {}_mask_u8.npy",
            model.display(),
            arrays[0],
            arrays[0]
        ));
        return None;
    };
    let mean = [0.485, 0.456, 0.406].map(|mean: f32| 255.0 * mean);
    let std = [0.229, 0.224, 0.225].map(|std: f32| 255.0 * std);
    let images = Images::load_colours(&repository(&format!("{stem}_u8.npy")), mean, std);
    let masks = npy::read(&std::fs::read(repository(&format!("{stem}_mask_u8.npy"))).unwrap()).unwrap();
    let NpyData::U8(masks) = masks.data else { panic!("the masks are no bytes") };
    Some((model, images, masks))
}

/// Quantizes with the first images.
#[must_use]
pub fn quantized(float: &FloatGraph, images: &Images, count: usize, options: QuantizeOptions) -> IntGraph {
    let calibration = calibrate(float, count, |index| vec![images.tensor(index)]).unwrap();
    quantize(float, &calibration, &QuantizeOptions { input: images.input_code(), ..options }).unwrap()
}

/// A shipped model, quantized as `bitgauge run` does it: with all calibration images.
#[must_use]
pub fn shipped(model: &str, options: QuantizeOptions) -> IntGraph {
    let float = float_model(&repository(&format!("models/zoo/{model}.onnx")));
    let images = Images::mnist("calibration");
    quantized(&float, &images, images.count(), options)
}

/// Simulates images and holds every tensor that is in memory to be the interpreter's. Gives the runs and the
/// number of bytes compared.
pub fn assert_equal(
    case: &str,
    graph: &IntGraph,
    accelerator: &Accelerator,
    options: &bitgauge_compiler::Options,
    images: &[Tensor],
) -> (Vec<RunResult>, usize) {
    let program = compile(graph, accelerator, options).unwrap_or_else(|error| panic!("{case}: {error}"));
    let (mut runs, mut compared) = (Vec::new(), 0);
    let mut machine = None;
    for (number, image) in images.iter().enumerate() {
        let inputs = encode_inputs(graph, std::slice::from_ref(image)).unwrap();
        let (run, bytes) = equal(graph, &program, options.reuse_memory, &mut machine, &inputs)
            .unwrap_or_else(|error| panic!("{case}, image {number}: {error}"));
        runs.push(run);
        compared += bytes;
    }
    (runs, compared)
}

/// Simulates a program and compares every tensor that is in memory with the interpreter's; where
/// memory is reused, only outputs are sure to be there still. Gives the run and the number of bytes compared, or
/// what differs. The machine is made where there is none.
pub fn equal(
    graph: &IntGraph,
    program: &Validated<Program>,
    reused: bool,
    machine: &mut Option<Machine>,
    inputs: &[Vec<u8>],
) -> Result<(RunResult, usize), String> {
    let machine = match machine {
        Some(machine) => machine,
        empty => empty.insert(Machine::new(program)),
    };
    let wanted = Prepared::new(graph).unwrap().run(inputs).map_err(|error| error.to_string())?;
    let named = graph.inputs.iter().zip(inputs);
    let named: Vec<(&str, &[u8])> =
        named.map(|(&id, codes)| (graph.tensor(id).name.as_str(), &codes[..])).collect();
    let result = machine.run(&named, &bitgauge_sim::Options::default()).map_err(|error| error.to_string())?;
    Ok((result, same_tensors(program, reused, machine.memory(), &wanted)?))
}

/// Compares every tensor that lies in a program's external memory after a run, or only the outputs where memory is
/// reused, with what the interpreter wants. Gives the number of bytes compared, or what differs.
pub fn same_tensors(
    program: &Program,
    reused: bool,
    memory: &[u8],
    wanted: &[Option<Vec<u8>>],
) -> Result<usize, String> {
    let bus_bytes = u64::from(program.accelerator.bus_bytes());
    let mut compared = 0;
    for symbol in program.tensors.iter().filter(|symbol| !reused || symbol.role == TensorRole::Output) {
        let found = symbol.read(memory, bus_bytes);
        let wanted = wanted[symbol.graph_tensor as usize].as_ref().unwrap();
        let differing = found.iter().zip(wanted).filter(|(a, b)| a != b).count();
        if &found != wanted {
            return Err(format!("`{}`: {differing} of {} bytes differ", symbol.name, wanted.len()));
        }
        compared += found.len();
    }
    Ok(compared)
}
