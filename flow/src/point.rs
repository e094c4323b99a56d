//! A point of the space of designs, and what it is worth.

use bitgauge_arch::validate::Validated;
use bitgauge_arch::{Accelerator, Program};
use bitgauge_compiler::Options;
use bitgauge_models::float::FloatGraph;
use bitgauge_models::integer::evaluate::TensorNoise;
use bitgauge_models::integer::{QuantizeOptions, Quantized};

use crate::accuracy::{AccuracyFigures, accuracy};
use crate::compile::compiled;
use crate::error::FlowError;
use crate::hash::of_parts;
use crate::images::Images;
use crate::noise::tensor_noise;
use crate::progress::Progress;
use crate::quantize::quantized;
use crate::simulate::{Simulated, simulated};

/// A trained network, how it is quantized, and where it runs.
pub struct Point<'a> {
    /// The trained network, simplified.
    pub network: &'a FloatGraph,
    /// Hash of the file that it was read from.
    pub network_hash: &'a str,
    /// Images that calibrate, the first so many of them.
    pub calibration: (&'a Images, usize),
    /// Hash of their file.
    pub calibration_hash: &'a str,
    /// How it is quantized.
    pub quantization: QuantizeOptions,
    /// Where it runs.
    pub accelerator: &'a Accelerator,
    /// How it is compiled.
    pub compilation: Options,
}

/// What a point is judged by.
pub struct Evaluation<'a> {
    /// Images.
    pub images: &'a Images,
    /// A label for each of them, where accuracy is asked for.
    pub labels: Option<&'a [i64]>,
    /// Images to simulate, one at least.
    pub simulate: usize,
}

/// What a point is worth.
pub struct Outcome {
    /// The network of integers, and what became of each float value.
    pub quantized: Quantized,
    /// The program.
    pub program: Validated<Program>,
    /// Cycles, bytes and actions.
    pub simulated: Simulated,
    /// Accuracy, where there are labels.
    pub accuracy: Option<AccuracyFigures>,
    /// Noise of each tensor.
    pub noise: Vec<TensorNoise>,
    /// What is worth a second look.
    pub notes: Vec<String>,
}

impl Point<'_> {
    /// Hash of all that the quantized network follows from. Points that agree on it share the network.
    #[must_use]
    pub fn quantization_key(&self) -> String {
        let count = self.calibration.1.clamp(1, self.calibration.0.len()).to_string();
        let options = format!("{:?}", self.quantization);
        of_parts(&[
            ("version", env!("CARGO_PKG_VERSION")),
            ("network", self.network_hash),
            ("calibration", self.calibration_hash),
            ("calibration images", &count),
            ("quantization", &options),
        ])
    }

    /// Hash of all that the program follows from.
    #[must_use]
    pub fn key(&self) -> String {
        of_parts(&[
            ("quantized", &self.quantization_key()),
            ("accelerator", &self.accelerator.to_toml()),
            ("compilation", &format!("{:?}", self.compilation)),
        ])
    }

    /// Calibrates and quantizes.
    ///
    /// # Errors
    /// As [`quantized`].
    pub fn quantize(&self, progress: &dyn Progress) -> Result<(Quantized, Vec<String>), FlowError> {
        let (images, count) = self.calibration;
        quantized(self.network, images, count, &self.quantization, progress)
    }

    /// The whole way.
    ///
    /// # Errors
    /// That of the first stage that ends early.
    pub fn run(&self, by: &Evaluation<'_>, progress: &dyn Progress) -> Result<Outcome, FlowError> {
        let quantized = self.quantize(progress)?;
        self.run_quantized(quantized, by, progress)
    }

    /// The rest of the way, from what [`Point::quantize`] gave for this point or for one of the same
    /// [key](Point::quantization_key).
    ///
    /// # Errors
    /// That of the first stage that ends early.
    pub fn run_quantized(
        &self,
        (quantized, mut notes): (Quantized, Vec<String>),
        by: &Evaluation<'_>,
        progress: &dyn Progress,
    ) -> Result<Outcome, FlowError> {
        let graph = &quantized.graph;
        let program = compiled(graph, self.accelerator, &self.compilation, progress)?;
        let simulated = simulated(&program, graph, by.images, by.simulate, progress)?;
        let accuracy = by
            .labels
            .map(|labels| accuracy(Some(self.network), graph, by.images, labels, progress))
            .transpose()?;
        let (noise, more) = tensor_noise(self.network, graph, by.images, progress)?;
        notes.extend(more);
        Ok(Outcome { quantized, program, simulated, accuracy, noise, notes })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bitgauge_arch::codec::Codec;
    use bitgauge_models::integer::RangeRule;

    use super::*;
    use crate::progress::{Running, Silent, Stage};
    use crate::shipped;

    /// Keeps what it hears: stages with their steps, and the steps done.
    #[derive(Default)]
    struct Heard(Mutex<Vec<(Stage, Option<usize>)>>, AtomicUsize);

    struct Counted<'a>(&'a AtomicUsize);

    impl Progress for Heard {
        fn begin(&self, stage: Stage, steps: Option<usize>) -> Box<dyn Running + '_> {
            self.0.lock().unwrap().push((stage, steps));
            Box::new(Counted(&self.1))
        }
    }

    impl Running for Counted<'_> {
        fn step(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_point_is_all_of_its_stages() {
        let (network, images, labels) = (shipped::network(), shipped::images(), shipped::labels());
        let accelerator = shipped::accelerator();
        let point = Point {
            network: &network,
            network_hash: "vit",
            calibration: (&images, 2),
            calibration_hash: "mnist",
            quantization: QuantizeOptions::default(),
            accelerator: &accelerator,
            compilation: Options::default(),
        };
        let by = Evaluation { images: &images, labels: Some(&labels[..40]), simulate: 2 };
        let heard = Heard::default();
        let outcome = point.run(&by, &heard).unwrap();
        let stages = [
            (Stage::Calibrate, Some(4)),
            (Stage::Compile, None),
            (Stage::Simulate, Some(2)),
            (Stage::Accuracy, Some(40)),
            (Stage::Noise, Some(16)),
        ];
        assert_eq!(heard.0.into_inner().unwrap(), stages);
        assert_eq!(heard.1.into_inner(), 4 + 2 + 40 + 16);
        let figures = outcome.accuracy.unwrap();
        assert_eq!(figures.images, 40);
        assert!(figures.integer_top1 > 0.9, "{figures:?}");
        assert_eq!(outcome.simulated.images, 2);
        // Stage by stage, the same.
        let again = point.quantize(&Silent).unwrap();
        assert_eq!(again.0.graph.to_bytes(), outcome.quantized.graph.to_bytes());
        let without = Evaluation { labels: None, ..by };
        let rest = point.run_quantized(again, &without, &Silent).unwrap();
        assert_eq!(rest.accuracy, None);
        assert_eq!(rest.simulated.cycles, outcome.simulated.cycles);
        assert_eq!((rest.noise, rest.notes), (outcome.noise, outcome.notes));
    }

    /// Every field of a point is in its key, and the accelerator in no key of the quantized network.
    #[test]
    fn keys_tell_points_apart() {
        let (network, images, accelerator) = (shipped::network(), shipped::images(), shipped::accelerator());
        let mut other = accelerator.clone();
        other.scratchpad.activation_kib *= 2;
        let usual = || Point {
            network: &network,
            network_hash: "vit",
            calibration: (&images, 4),
            calibration_hash: "mnist",
            quantization: QuantizeOptions::default(),
            accelerator: &accelerator,
            compilation: Options::default(),
        };
        let range = QuantizeOptions { range: RangeRule::Mse, ..QuantizeOptions::default() };
        let mut bits = QuantizeOptions::default();
        bits.bits.weights.layers.insert("head".to_owned(), 4);
        let quantized_apart = [
            usual(),
            Point { network_hash: "cnn", ..usual() },
            Point { calibration: (&images, 5), ..usual() },
            Point { calibration_hash: "cifar", ..usual() },
            Point { quantization: range, ..usual() },
            Point { quantization: bits, ..usual() },
        ];
        let on_another_machine = [
            Point { accelerator: &other, ..usual() },
            Point { compilation: Options { codec: Codec::None, ..Options::default() }, ..usual() },
        ];
        let key = usual().quantization_key();
        assert!(on_another_machine.iter().all(|point| point.quantization_key() == key));
        let keys: BTreeSet<String> = quantized_apart.iter().map(Point::quantization_key).collect();
        assert_eq!(keys.len(), quantized_apart.len());
        let all = quantized_apart.iter().chain(&on_another_machine);
        let keys: BTreeSet<String> = all.map(Point::key).collect();
        assert_eq!(keys.len(), quantized_apart.len() + on_another_machine.len());
        assert_eq!(usual().key(), usual().key());
    }
}
