//! What a report is made of.

use bitgauge_arch::Program;
use bitgauge_arch::energy::EnergyTable;
use bitgauge_sim::result::RunResult;
use serde::{Deserialize, Serialize};

/// Everything a report is made of. Accuracy, signal-to-noise ratios and activation sizes come from whoever
/// ran the network; this crate knows neither networks nor images.
#[derive(Clone, Debug)]
pub struct ReportInput<'a> {
    /// The network.
    pub model: ModelInfo,
    /// The compiled program.
    pub program: &'a Program,
    /// What the simulator measured.
    pub run: &'a RunResult,
    /// Prices.
    pub energy: &'a EnergyTable,
    /// What an FPGA needs for the accelerator, where it was synthesized.
    pub synthesis: Option<Synthesis>,
    /// Accuracy, where it was evaluated.
    pub accuracy: Option<Accuracy>,
    /// Signal to quantization noise, in network order.
    pub sqnr: Vec<TensorSqnr>,
    /// Sizes of activations under each codec, in network order.
    pub activation_sizes: Vec<ActivationSize>,
    /// Where the result comes from.
    pub provenance: Provenance,
    /// What was assumed, one sentence each.
    pub assumptions: Vec<String>,
}

/// The network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Name.
    pub name: String,
    /// Hash of the file.
    pub hash: String,
    /// Trained values.
    pub parameters: u64,
    /// Multiply-accumulates of one inference.
    pub macs: u64,
    /// Bytes of the quantized weights in external memory, where known.
    pub weight_bytes: Option<u64>,
    /// How it was quantized, one line: bits of weights and activations, granularity.
    pub quantization: String,
    /// Shape of the input, such as `1 x 3 x 224 x 224`.
    pub input_shape: String,
}

/// What an FPGA needs for the accelerator and how fast it is there, as tools say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Synthesis {
    /// Family, and device where there is one, such as `ecp5 85k`.
    pub device: String,
    /// The tools with their versions.
    pub tools: Vec<String>,
    /// Look-up tables.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// DSP blocks.
    pub dsp: u64,
    /// Block RAMs.
    pub bram: u64,
    /// Highest clock after place and route, MHz.
    pub fmax_mhz: Option<f64>,
}

/// Accuracy over a data set; shares are from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Data set and split.
    pub dataset: String,
    /// Images evaluated.
    pub images: u64,
    /// Top-1 of the float network, where it is at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub float_top1: Option<f64>,
    /// Top-1 of the integer network.
    pub integer_top1: f64,
    /// Top-5 of the float network, where it is at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub float_top5: Option<f64>,
    /// Top-5 of the integer network.
    pub integer_top5: Option<f64>,
    /// Share of images for which both networks give the same first class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<f64>,
    /// What computed the integer answers, such as `integer interpreter` or `simulator`.
    pub evaluated_by: String,
}

/// Signal to quantization noise of one tensor.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TensorSqnr {
    /// Tensor.
    pub tensor: String,
    /// Layer that makes it.
    pub layer: String,
    /// Decibels; infinite where there is no noise, not a number where the float network's values are not finite.
    #[serde(serialize_with = "crate::number_or_word")]
    pub sqnr_db: f64,
}

/// Size of one activation under each codec.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ActivationSize {
    /// Tensor.
    pub tensor: String,
    /// Layer that makes it.
    pub layer: String,
    /// Bytes in whole containers.
    pub raw_bytes: u64,
    /// Bytes under `pack`.
    pub packed_bytes: u64,
    /// Bytes under `zvc`, its mask included.
    pub zvc_bytes: u64,
    /// Share of codes that are the zero code, 0 to 1.
    pub zero_fraction: f64,
}

/// Where a result comes from. No date: equal inputs make equal reports.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of the tool.
    pub tool_version: String,
    /// Hash of the calibration set.
    pub calibration_hash: String,
    /// Seed.
    pub seed: u64,
    /// Command line.
    pub command_line: String,
    /// Anything else, name and value.
    pub extra: Vec<(String, String)>,
}
