//! Compiling.

use bitgauge_arch::validate::Validated;
use bitgauge_arch::{Accelerator, Program};
use bitgauge_compiler::Options;
use bitgauge_models::integer::IntGraph;

use crate::error::FlowError;
use crate::progress::{Progress, Stage};

/// Compiles a network for an accelerator.
///
/// # Errors
/// [`FlowError::Compile`]: the network does not fit, or asks for what no unit does.
pub fn compiled(
    graph: &IntGraph,
    accelerator: &Accelerator,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Validated<Program>, FlowError> {
    let _running = progress.begin(Stage::Compile, None);
    Ok(bitgauge_compiler::compile(graph, accelerator, options)?)
}
