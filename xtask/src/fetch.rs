//! Public data for the long tier, into `models/zoo/data/`, which git ignores.

use anyhow::{Context as _, Result};

use crate::shell::{command, run};
use crate::tools;

/// MNIST's 10,000 test images and EfficientNet-Lite0.
pub fn run_all() -> Result<()> {
    let python = tools::python().context("fetching needs Python")?;
    run(command(&python, &["models/zoo/fetch_mnist.py"]))?;
    run(command(&python, &["models/zoo/fetch_efficientnet.py"]))
}
