//! A folder's network as ONNX with codes, in ONNX Runtime: are its outputs the integer network's, code by code?

use std::path::{Path, PathBuf};
use std::process::Command;

use bitgauge_models::float::{Tensor, passes};
use bitgauge_models::integer::{Prepared, QuantizeOptions, calibrate, evaluate, quantize_traced};
use bitgauge_models::npy::{self, NpyData};
use bitgauge_models::onnx;

use crate::folder::Folder;

/// Output codes of all images.
#[derive(Clone, Copy, Debug, Default)]
pub struct Distance {
    /// Equal ones.
    pub equal: usize,
    /// All.
    pub all: usize,
    /// Steps to the farthest.
    pub worst: i32,
}

/// A Python with ONNX Runtime; says so on stderr where there is none.
fn python() -> Option<String> {
    use std::io::Write as _;
    let python = std::env::var("BITGAUGE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let probe = Command::new(&python).args(["-c", "import onnxruntime, numpy"]).output();
    if probe.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    // Past the harness, which swallows what passing tests print with macros.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: exports of reported networks in ONNX Runtime; `pip install onnxruntime numpy`, set BITGAUGE_PYTHON"
    );
    None
}

/// Images of a file of bytes, as the network reads them.
fn images(path: &Path) -> Vec<Tensor> {
    let array = npy::read(&std::fs::read(path).unwrap()).unwrap();
    let (NpyData::U8(pixels), &[n, h, w, c]) = (array.data, &array.shape[..]) else { panic!("no images") };
    let real = |image: usize, i: usize| {
        let (channel, pixel) = (i / (h * w), i % (h * w));
        (f32::from(pixels[(image * h * w + pixel) * c + channel]) - 128.0) / 64.0
    };
    (0..n)
        .map(|image| Tensor::new(vec![1, c, h, w], (0..c * h * w).map(|i| real(image, i)).collect()).unwrap())
        .collect()
}

fn floats(images: &[Tensor]) -> Vec<u8> {
    let shape: Vec<String> = images[0].shape()[1..].iter().map(ToString::to_string).collect();
    let text = format!("({}, {})", images.len(), shape.join(", "));
    let data: Vec<u8> = images.iter().flat_map(|x| x.data()).flat_map(|x| x.to_le_bytes()).collect();
    crate::folder::npy_file("<f4", &text, &data)
}

/// Optimizations off and on; `None` without ONNX Runtime.
pub fn distances(folder: &Folder) -> Option<[Distance; 2]> {
    let python = python()?;
    let mut graph = onnx::import(&std::fs::read(folder.path().join("model.onnx")).unwrap()).unwrap();
    passes::simplify(&mut graph).unwrap();
    let calibration = images(&folder.path().join("cal.npy"));
    let seen = calibrate(&graph, calibration.len(), |i| vec![calibration[i].clone()]).unwrap();
    let quantized = quantize_traced(&graph, &seen, &QuantizeOptions::default()).unwrap();
    folder.write("q.onnx", &onnx::export(&graph, &quantized).unwrap());
    let images = images(&folder.path().join("img.npy"));
    folder.write("reals.npy", &floats(&images));
    let prepared = Prepared::new(&quantized.graph).unwrap();
    let output = &quantized.graph.outputs[0];
    let code = quantized.graph.tensor(output.tensor).code;
    let ours: Vec<Vec<i32>> = images
        .iter()
        .map(|image| {
            let inputs = evaluate::encode_inputs(&quantized.graph, std::slice::from_ref(image)).unwrap();
            let bytes = prepared.run_outputs(&inputs).unwrap().remove(0);
            let codes = output.order.take(&bytes, code.container_bytes());
            (0..codes.len() / code.container_bytes()).map(|index| code.read(&codes, index)).collect()
        })
        .collect();
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/tests/qdq_outputs.py");
    Some(["off", "on"].map(|level| {
        let [model, reals, out] = ["q.onnx", "reals.npy", "out.npy"].map(|name| folder.path().join(name));
        let run =
            Command::new(&python).arg(&script).args([&model, &reals, &out]).arg(level).output().unwrap();
        assert!(run.status.success(), "{level}: {}", String::from_utf8_lossy(&run.stderr));
        let array = npy::read(&std::fs::read(out).unwrap()).unwrap();
        let NpyData::F32(theirs) = array.data else { panic!("outputs are not f32") };
        let mut distance = Distance::default();
        for (&ours, &theirs) in ours.iter().flatten().zip(&theirs) {
            let apart = (code.encode(f64::from(theirs)) - ours).abs();
            distance.equal += usize::from(apart == 0);
            distance.worst = distance.worst.max(apart);
            distance.all += 1;
        }
        assert_eq!(distance.all, theirs.len());
        distance
    }))
}
