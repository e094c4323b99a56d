//! The runtimes that compute on codes: integer interpreter, ONNX Runtime on what is exported, simulator, Verilog.
//!
//! A test's own inputs calibrate it. The simulator has to equal the interpreter in every byte, the Verilog the
//! simulator in every byte and cycle; what they give is then compared with what ONNX wants like any other's.

use std::sync::OnceLock;

use bitgauge_arch::Program;
use bitgauge_arch::validate::Validated;
use bitgauge_compiler::{Options, compile};
use bitgauge_cosim::{Build, RunOptions};
use bitgauge_models::float::{FloatGraph, Tensor, passes};
use bitgauge_models::integer::evaluate::{self, encode_inputs};
use bitgauge_models::integer::{InputCode, IntGraph, Prepared, QuantizeOptions, calibrate, quantize_traced};
use bitgauge_models::onnx;
use bitgauge_tests::exported::{compare, loads};
use bitgauge_tests::verilog::{SMALL_MEMORY, both, build};
use bitgauge_tests::{design, equal};

use super::case::Case;

/// Everything on the way from a case to its outputs.
struct Coded {
    graph: IntGraph,
    /// With pairs of QuantizeLinear and DequantizeLinear.
    pairs: Result<Vec<u8>, String>,
    float: FloatGraph,
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
        let quantized = quantize_traced(&float, &calibration, &options).map_err(|e| e.to_string())?;
        let pairs = onnx::export(&float, &quantized).map_err(|e| e.to_string());
        let graph = quantized.graph;
        let inputs = encode_inputs(&graph, &case.inputs).map_err(|e| e.to_string())?;
        let shapes = float.outputs.iter().map(|&output| float.shape(output).to_vec()).collect();
        Ok(Coded { graph, pairs, float, shapes, images: case.inputs.clone(), inputs })
    }

    /// The network's outputs in the order of the float graph's.
    fn outputs(&self) -> Result<Vec<Tensor>, String> {
        let prepared = Prepared::new(&self.graph).map_err(|e| e.to_string())?;
        let outputs = evaluate::outputs(&prepared, &self.images).map_err(|e| e.to_string())?;
        let shaped = self.shapes.iter().zip(outputs);
        shaped.map(|(shape, reals)| Tensor::new(shape.clone(), reals).map_err(|e| e.to_string())).collect()
    }

    fn program(&self) -> Result<Validated<Program>, String> {
        let options = Options { reuse_memory: false, ..Options::default() };
        compile(&self.graph, &design("reference-8x8"), &options).map_err(|e| e.to_string())
    }
}

/// The integer interpreter.
pub fn interpreter(case: &Case) -> Result<Vec<Tensor>, String> {
    Coded::new(case)?.outputs()
}

/// ONNX Runtime on the exported network, whose codes, of every tensor, are the interpreter's; with pairs of
/// QuantizeLinear and DequantizeLinear it is loaded and runs.
pub fn exported(case: &Case) -> Result<Vec<Tensor>, String> {
    let coded = Coded::new(case)?;
    let file = onnx::export_exact(&coded.float, &coded.graph).map_err(|e| e.to_string())?;
    let found = compare(&file, &coded.graph, std::slice::from_ref(&coded.images))?;
    let pairs = coded.pairs.as_ref().map_err(|e| format!("with pairs: {e}"))?;
    loads(pairs, &coded.images).map_err(|e| format!("with pairs: {e}"))?;
    match found
        .filter(|found| !found.inner.is_none() || found.outputs.iter().any(|outputs| !outputs.is_none()))
    {
        Some(found) => Err(format!("ONNX Runtime has other codes: {found:?}")),
        None => coded.outputs(),
    }
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
