//! Why a stage ended early.

use bitgauge_compiler::CompileError;
use bitgauge_models::float::RunError;
use bitgauge_models::integer::QuantizeError;
use bitgauge_models::integer::evaluate::EvaluateError;
use bitgauge_reports::ReportError;
use bitgauge_sim::SimError;
use thiserror::Error;

/// What a caller is asked to do about a defect of ours.
const REPORT: &str = "this is a fault of Bitgauge; please report it with the model and the description";

/// Why a stage ended early. A sentence, [a hint](FlowError::hint), and whether it is
/// [a finding](FlowError::is_finding).
#[derive(Debug, Error)]
pub enum FlowError {
    /// The float network cannot run.
    #[error(transparent)]
    Float(#[from] RunError),
    /// The float network ends in what is not a number.
    #[error(
        "the float network gives what is not a number in `{value}`; the first value that is not finite: {first}"
    )]
    NotANumber {
        /// The value of the float network.
        value: String,
        /// The first value that is not finite, its node and its image, in words.
        first: String,
    },
    /// Quantization.
    #[error("cannot quantize the model: {0}")]
    Quantize(#[from] QuantizeError),
    /// Compilation.
    #[error("{}", compile(.0))]
    Compile(#[from] CompileError),
    /// Simulation.
    #[error("cannot simulate the program: {0}")]
    Simulate(#[from] SimError),
    /// An evaluation on the interpreters.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// Prices.
    #[error(transparent)]
    Price(#[from] ReportError),
    /// Simulator and interpreter give different bits.
    #[error(
        "simulator and interpreter disagree: image {image}, output `{output}`, byte {byte}: {found:?} and {wanted:?}"
    )]
    Differs {
        /// The image.
        image: usize,
        /// The output.
        output: String,
        /// The first byte that differs, in the order of memory.
        byte: usize,
        /// The simulator's; none beyond its end.
        found: Option<u8>,
        /// The interpreter's.
        wanted: Option<u8>,
    },
    /// The program leaves nothing that could be compared.
    #[error("the program has no output that could be compared")]
    NoOutput,
}

fn compile(error: &CompileError) -> String {
    match error {
        // Its hint stands apart.
        CompileError::DoesNotFit { layer, what, needed, available, .. } => {
            format!("layer `{layer}` does not fit: {what} needs {needed}, there are {available}")
        }
        // It says itself what happened.
        CompileError::Invalid(_) => error.to_string(),
        _ => format!("cannot compile the model: {error}"),
    }
}

impl FlowError {
    /// Whether the inputs are well formed and the answer is no; otherwise something is wrong with them, or with us.
    #[must_use]
    pub fn is_finding(&self) -> bool {
        match self {
            FlowError::Differs { .. } | FlowError::NoOutput => true,
            FlowError::Compile(error) => {
                matches!(
                    error,
                    CompileError::DoesNotFit { .. }
                        | CompileError::Unsupported { .. }
                        | CompileError::Beyond { .. }
                )
            }
            FlowError::Simulate(error) => matches!(
                error,
                SimError::Conservation { .. }
                    | SimError::Deadlock { .. }
                    | SimError::TokenOverflow { .. }
                    | SimError::CycleLimit { .. }
            ),
            FlowError::Float(_)
            | FlowError::NotANumber { .. }
            | FlowError::Quantize(_)
            | FlowError::Evaluate(_)
            | FlowError::Price(_) => false,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            FlowError::NotANumber { .. } => NOT_FINITE,
            FlowError::Compile(CompileError::DoesNotFit { hint, .. }) => hint,
            FlowError::Compile(CompileError::Invalid(_)) => {
                "this is a defect of Bitgauge; please report it with the model and the accelerator"
            }
            FlowError::Simulate(SimError::Conservation { .. }) | FlowError::Differs { .. } => REPORT,
            FlowError::Simulate(SimError::NeedsData { .. }) => "leave out --timing-only and give --input",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// What to look at where values are not finite.
pub(crate) const NOT_FINITE: &str =
    "look at the operands of logarithms, divisions and roots before it, and at mean and std of the data set";
