//! Exported networks in ONNX Runtime: one Python process for a whole test program, which is asked line by line.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use bitgauge_arch::arith::gemm::Kernel;
use bitgauge_models::float::Tensor;
use bitgauge_models::integer::evaluate::{self, encode_inputs};
use bitgauge_models::integer::{IntGraph, Prepared};
use bitgauge_models::npy::{self, NpyData};
use bitgauge_models::onnx::generated::{ModelProto, ValueInfoProto};
use prost::Message as _;

use crate::repository;

/// A Python with ONNX Runtime that waits for requests.
struct Runtime {
    _process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// ONNX Runtime, started when it is first asked for; `None` where it is not there, which stderr says.
fn runtime() -> Option<&'static Mutex<Runtime>> {
    static RUNTIME: OnceLock<Option<Mutex<Runtime>>> = OnceLock::new();
    let start = || {
        let python = std::env::var("BITGAUGE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let probe = Command::new(&python).args(["-c", "import onnxruntime, numpy"]).output();
        if !probe.is_ok_and(|output| output.status.success()) {
            // Past the harness, which swallows what passing tests print with macros.
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: exports in ONNX Runtime; `pip install onnxruntime numpy`, set BITGAUGE_PYTHON"
            );
            return None;
        }
        let mut process = Command::new(&python)
            .arg(repository("tests/exported.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (requests, answers) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Some(Mutex::new(Runtime { _process: process, requests, answers: BufReader::new(answers) }))
    };
    RUNTIME.get_or_init(start).as_ref()
}

/// Whether exports can be run here.
#[must_use]
pub fn available() -> bool {
    runtime().is_some()
}

impl Runtime {
    /// Outputs of a model for each row of inputs; what ONNX Runtime says where it refuses the model.
    fn run(&mut self, folder: &Path, model: &[u8], level: &str) -> Result<Vec<Vec<f32>>, String> {
        let [file, images, outputs] =
            ["model.onnx", "images.npy", "outputs.npy"].map(|name| folder.join(name));
        std::fs::write(&file, model).unwrap();
        let paths = [&file, &images, &outputs].map(|path| path.to_str().unwrap());
        writeln!(self.requests, "{}\t{level}", paths.join("\t")).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        if answer.trim() != "ok" {
            return Err(answer.trim().to_owned());
        }
        let array = npy::read(&std::fs::read(&outputs).unwrap()).unwrap();
        let NpyData::F32(data) = array.data else { panic!("outputs are not f32") };
        Ok(data.chunks(array.shape[1].max(1)).map(<[f32]>::to_vec).collect())
    }
}

/// Of distances with optimizations off and on, those that say something of the file. Without VNNI, ONNX Runtime's
/// optimized products of unsigned by signed bytes saturate at 16 bits: such a host says that the file loads and runs.
#[must_use]
pub fn judged(outputs: &[Distance; 2]) -> &[Distance] {
    if Kernel::Vnni.is_available() { outputs } else { &outputs[..1] }
}

/// How far ONNX Runtime's codes are from the integer network's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Distance {
    /// Equal ones.
    pub equal: usize,
    /// All.
    pub all: usize,
    /// Steps to the farthest.
    pub worst: i32,
}

impl Distance {
    fn count(&mut self, ours: i32, theirs: i32) {
        self.equal += usize::from(ours == theirs);
        self.worst = self.worst.max((ours - theirs).abs());
        self.all += 1;
    }

    /// Whether all are equal, and there are any.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.all > 0 && self.equal == self.all && self.worst == 0
    }
}

/// What ONNX Runtime makes of an exported network.
#[derive(Clone, Copy, Debug, Default)]
pub struct Comparison {
    /// Codes of every tensor of the network, optimizations off; none where the file does not hold them.
    pub inner: Distance,
    /// Codes of the outputs, or what the host makes of them: optimizations off, and on.
    pub outputs: [Distance; 2],
}

/// Compares an export with the integer network for each image, which is one tensor for each input; `None` without
/// ONNX Runtime.
///
/// # Errors
/// ONNX Runtime refuses the file, or it lacks a tensor.
pub fn compare(file: &[u8], graph: &IntGraph, images: &[Vec<Tensor>]) -> Result<Option<Comparison>, String> {
    let Some(runtime) = runtime() else { return Ok(None) };
    let mut runtime = runtime.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<Vec<f32>> = images
        .iter()
        .map(|image| image.iter().flat_map(|tensor| tensor.data().iter().copied()).collect())
        .collect();
    std::fs::write(folder.path().join("images.npy"), floats(&rows)).unwrap();
    let prepared = Prepared::new(graph).map_err(|e| e.to_string())?;
    let ours: Vec<Vec<Vec<u8>>> = images
        .iter()
        .map(|image| {
            let inputs = encode_inputs(graph, image).map_err(|e| e.to_string())?;
            let tensors = prepared.run(&inputs).map_err(|e| e.to_string())?;
            Ok(tensors.into_iter().map(Option::unwrap_or_default).collect())
        })
        .collect::<Result<_, String>>()?;
    let mut found = Comparison::default();
    let (inner, tensors) = with_inner(file, graph)?;
    for (index, (level, model)) in [("off", &inner[..]), ("on", file)].into_iter().enumerate() {
        let theirs =
            runtime.run(folder.path(), model, level).map_err(|e| format!("optimizations {level}: {e}"))?;
        for ((image, ours), theirs) in images.iter().zip(&ours).zip(&theirs) {
            let (distance, mut at) = outputs(found.outputs[index], graph, &prepared, image, ours, theirs)?;
            found.outputs[index] = distance;
            for &tensor in tensors.iter().filter(|_| level == "off") {
                let code = graph.tensors[tensor].code;
                for index in 0..graph.tensors[tensor].shape.elements() {
                    let theirs = theirs.get(at).ok_or("too few codes")?;
                    found.inner.count(code.read(&ours[tensor], index), *theirs as i32);
                    at += 1;
                }
            }
            if at != theirs.len() {
                return Err(format!("{} numbers, wanted {at}", theirs.len()));
            }
        }
    }
    Ok(Some(found))
}

/// Whether ONNX Runtime takes the file with its optimizations on, and runs it.
///
/// # Errors
/// What it says.
pub fn loads(file: &[u8], image: &[Tensor]) -> Result<(), String> {
    let Some(runtime) = runtime() else { return Ok(()) };
    let mut runtime = runtime.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let row = image.iter().flat_map(|tensor| tensor.data().iter().copied()).collect();
    std::fs::write(folder.path().join("images.npy"), floats(&[row])).unwrap();
    runtime.run(folder.path(), file, "on").map(|_| ())
}

/// Adds the outputs of one image, with which a row begins; gives where they end.
fn outputs(
    mut found: Distance,
    graph: &IntGraph,
    prepared: &Prepared<'_>,
    image: &[Tensor],
    ours: &[Vec<u8>],
    theirs: &[f32],
) -> Result<(Distance, usize), String> {
    let finished = evaluate::outputs(prepared, image).map_err(|e| e.to_string())?;
    let mut at = 0;
    for (output, finished) in graph.outputs.iter().zip(&finished) {
        let code = graph.tensor(output.tensor).code;
        let theirs = theirs.get(at..at + finished.len()).ok_or("too few outputs")?;
        at += finished.len();
        if output.head.is_empty() {
            let codes = output.order.take(&ours[output.tensor.0], code.container().bytes());
            for (index, &real) in theirs.iter().enumerate() {
                found.count(code.read(&codes, index), code.encode(f64::from(real)));
            }
        } else {
            // Functions that are left to the host are in float: near, or one off.
            for (ours, theirs) in finished.iter().zip(theirs) {
                found.count(0, i32::from((ours - theirs).abs() > 1e-5 * ours.abs().max(1.0)));
            }
        }
    }
    Ok((found, at))
}

/// The model with the codes of the network's tensors as further outputs, and the tensors in this order; those that
/// are constant have no place. None where the file has other names.
fn with_inner(file: &[u8], graph: &IntGraph) -> Result<(Vec<u8>, Vec<usize>), String> {
    let mut model = ModelProto::decode(file).map_err(|e| e.to_string())?;
    let onnx = model.graph.as_mut().ok_or("no graph")?;
    let there: BTreeSet<&str> =
        onnx.node.iter().flat_map(|node| node.output.iter().map(String::as_str)).collect();
    let mut taken = BTreeSet::new();
    let mut order = Vec::new();
    let mut names = Vec::new();
    for (index, tensor) in graph.tensors.iter().enumerate().filter(|(_, tensor)| tensor.constant.is_none()) {
        let name = format!("{}_quantized", tensor.name);
        let names_like = std::iter::once(name.clone()).chain((1..).map(|n| format!("{name}_{n}")));
        if let Some(name) =
            names_like.take(100).find(|name| there.contains(&name[..]) && !taken.contains(name))
        {
            taken.insert(name.clone());
            names.push(name);
            order.push(index);
        }
    }
    let further = names.into_iter().map(|name| ValueInfoProto { name: Some(name), ..Default::default() });
    onnx.output.extend(further);
    Ok((model.encode_to_vec(), order))
}

/// Rows as an array.
fn floats(rows: &[Vec<f32>]) -> Vec<u8> {
    let shape = format!("({}, {})", rows.len(), rows.first().map_or(0, Vec::len));
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(rows.iter().flatten().flat_map(|x| x.to_le_bytes()));
    bytes
}
