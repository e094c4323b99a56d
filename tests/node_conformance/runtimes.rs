//! What can run an imported graph. A further runtime is one more entry of [`all`], and its lines in
//! `conformance/runtimes.toml` for what it cannot run.

use bitgauge_models::float::{Tensor, passes, run};

use super::case::Case;
use super::integer::{exported, interpreter, simulator, verilog};

/// A way to compute a case's outputs.
pub struct Runtime {
    pub name: &'static str,
    pub run: fn(&Case) -> Result<Vec<Tensor>, String>,
    pub tolerance: Tolerance,
    /// Whether it computes on codes.
    pub coded: bool,
}

/// Error allowed: relative to the wanted value, and to the largest one.
#[derive(Clone, Copy)]
pub struct Tolerance {
    pub of_value: f32,
    pub of_largest: f32,
    /// The largest value counts as so much at least.
    pub least: f32,
}

/// Rounding of floats. Errors of a sum go with its largest terms.
const FLOAT: Tolerance = Tolerance { of_value: 1e-5, of_largest: 1e-6, least: 1.0 };
/// Inputs, weights and outputs are rounded to steps of about 1/255 of their range.
const CODES: Tolerance = Tolerance { of_value: 0.0, of_largest: 0.02, least: 0.0 };

pub fn all() -> Vec<Runtime> {
    vec![
        Runtime { name: "float", run: float, tolerance: FLOAT, coded: false },
        Runtime { name: "simplified", run: simplified, tolerance: FLOAT, coded: false },
        Runtime { name: "integer", run: interpreter, tolerance: CODES, coded: true },
        Runtime { name: "export", run: exported, tolerance: CODES, coded: true },
        Runtime { name: "simulator", run: simulator, tolerance: CODES, coded: true },
        Runtime { name: "verilog", run: verilog, tolerance: CODES, coded: true },
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
pub fn compare(got: &[Tensor], wanted: &[Tensor], tolerance: Tolerance) -> Result<(), String> {
    if got.len() != wanted.len() {
        return Err(format!("{} outputs, {} wanted", got.len(), wanted.len()));
    }
    for (i, (a, b)) in got.iter().zip(wanted).enumerate() {
        if a.shape() != b.shape() {
            return Err(format!("output {i} has shape {:?}, wanted {:?}", a.shape(), b.shape()));
        }
        let floor = tolerance.of_largest * b.max_abs().max(tolerance.least);
        for (at, (x, y)) in a.data().iter().zip(b.data()).enumerate() {
            let within = (x - y).abs() <= floor + tolerance.of_value * y.abs();
            if !within {
                return Err(format!("output {i}, element {at} is {x}, wanted {y}"));
            }
        }
    }
    Ok(())
}
