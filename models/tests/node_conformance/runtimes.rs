//! What can run an imported graph. A further runtime is one more entry of [`all`], and its lines in
//! `conformance/runtimes.toml` for what it cannot run.

use bitgauge_models::float::{Tensor, passes, run};

use super::case::Case;

/// A way to compute a case's outputs.
pub struct Runtime {
    pub name: &'static str,
    pub run: fn(&Case) -> Result<Vec<Tensor>, String>,
    /// Error allowed, relative to the wanted value and to the largest one.
    pub tolerance: f32,
}

pub fn all() -> Vec<Runtime> {
    vec![
        Runtime { name: "float", run: float, tolerance: 1e-5 },
        Runtime { name: "simplified", run: simplified, tolerance: 1e-5 },
    ]
}

fn float(case: &Case) -> Result<Vec<Tensor>, String> {
    run(&case.graph, &case.inputs).map_err(|e| e.to_string())
}

/// The float interpreter after the passes.
fn simplified(case: &Case) -> Result<Vec<Tensor>, String> {
    let mut graph = case.graph.clone();
    passes::simplify(&mut graph).map_err(|e| e.to_string())?;
    run(&graph, &case.inputs).map_err(|e| e.to_string())
}

/// Whether the outputs are those wanted.
pub fn compare(got: &[Tensor], wanted: &[Tensor], tolerance: f32) -> Result<(), String> {
    if got.len() != wanted.len() {
        return Err(format!("{} outputs, {} wanted", got.len(), wanted.len()));
    }
    for (i, (a, b)) in got.iter().zip(wanted).enumerate() {
        if a.shape() != b.shape() {
            return Err(format!("output {i} has shape {:?}, wanted {:?}", a.shape(), b.shape()));
        }
        // Rounding errors of a sum go with its largest terms.
        let floor = tolerance * 0.1 * b.max_abs().max(1.0);
        for (at, (x, y)) in a.data().iter().zip(b.data()).enumerate() {
            let within = (x - y).abs() <= floor + tolerance * y.abs();
            if !within {
                return Err(format!("output {i}, element {at} is {x}, wanted {y}"));
            }
        }
    }
    Ok(())
}
