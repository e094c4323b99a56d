//! The runtimes that compute on codes: integer interpreter, simulator, Verilog.
//!
//! A test's own inputs calibrate it. The simulator has to equal the interpreter in every byte, the Verilog the
//! simulator in every byte and cycle; what they give is then compared with what ONNX wants like any other's.

use std::sync::OnceLock;

use bitgauge_arch::Program;
use bitgauge_compiler::{Options, compile};
use bitgauge_cosim::{Build, RunOptions};
use bitgauge_models::float::{Tensor, passes};
use bitgauge_models::integer::evaluate::{self, encode_inputs};
use bitgauge_models::integer::{InputCode, IntGraph, Prepared, QuantizeOptions, calibrate, quantize};
use bitgauge_tests::verilog::{SMALL_MEMORY, both, build};
use bitgauge_tests::{design, equal};

use super::case::Case;

/// Everything on the way from a case to its outputs.
struct Coded {
    graph: IntGraph,
    /// Of the outputs.
    shapes: Vec<Vec<usize>>,
    images: Vec<Tensor>,
    inputs: Vec<Vec<u8>>,
}

impl Coded {
    fn new(case: &Case) -> Result<Coded, String> {
        let mut float = case.graph.clone();
        passes::simplify(&mut float).map_err(|e| e.to_string())?;
        let calibration = calibrate(&float, 1, |_| case.inputs.clone()).map_err(|e| e.to_string())?;
        let options = QuantizeOptions { input: InputCode::Calibrated, ..QuantizeOptions::default() };
        let graph = quantize(&float, &calibration, &options).map_err(|e| e.to_string())?;
        let inputs = encode_inputs(&graph, &case.inputs).map_err(|e| e.to_string())?;
        let shapes = float.outputs.iter().map(|&output| float.shape(output).to_vec()).collect();
        Ok(Coded { graph, shapes, images: case.inputs.clone(), inputs })
    }

    /// The network's outputs in the order of the float graph's.
    fn outputs(&self) -> Result<Vec<Tensor>, String> {
        let prepared = Prepared::new(&self.graph).map_err(|e| e.to_string())?;
        let outputs = evaluate::outputs(&prepared, &self.images).map_err(|e| e.to_string())?;
        let shaped = self.shapes.iter().zip(outputs);
        shaped.map(|(shape, reals)| Tensor::new(shape.clone(), reals).map_err(|e| e.to_string())).collect()
    }

    fn program(&self) -> Result<Program, String> {
        let options = Options { reuse_memory: false, ..Options::default() };
        compile(&self.graph, &design("reference-8x8"), &options).map_err(|e| e.to_string())
    }
}

/// The integer interpreter.
pub fn interpreter(case: &Case) -> Result<Vec<Tensor>, String> {
    Coded::new(case)?.outputs()
}

/// The simulator, on the smallest of the shipped designs.
pub fn simulator(case: &Case) -> Result<Vec<Tensor>, String> {
    let coded = Coded::new(case)?;
    equal(&coded.graph, &coded.program()?, false, &mut None, &coded.inputs)?;
    coded.outputs()
}

/// Its Verilog.
pub fn verilog(case: &Case) -> Result<Vec<Tensor>, String> {
    static BENCH: OnceLock<Build> = OnceLock::new();
    let coded = Coded::new(case)?;
    let program = coded.program()?;
    let bench = BENCH.get_or_init(|| build(&program.accelerator, SMALL_MEMORY));
    let named = coded.graph.inputs.iter().zip(&coded.inputs);
    let named: Vec<(&str, &[u8])> =
        named.map(|(&id, codes)| (coded.graph.tensor(id).name.as_str(), &codes[..])).collect();
    let (_, _, differences) = both(bench, &program, &named, &RunOptions::default())?;
    match differences.first() {
        Some(first) => Err(format!("{} differences from the simulator: {first}", differences.len())),
        None => coded.outputs(),
    }
}
