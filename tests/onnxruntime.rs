//! ONNX Runtime in a process of its own, for timings beside it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use bitgauge_models::float::Tensor;
use bitgauge_models::npy::{self, Npy, NpyData};

/// A model with one image, on one thread.
pub struct OnnxRuntime {
    process: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub version: String,
}

/// The Python of the tests.
pub fn python() -> String {
    std::env::var("BITGAUGE_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// Whether the Python of the tests has these modules.
pub fn python_has(modules: &str) -> bool {
    let probe = Command::new(python()).args(["-c", &format!("import {modules}")]).output();
    probe.is_ok_and(|output| output.status.success())
}

impl OnnxRuntime {
    /// `None` where Python has no ONNX Runtime. `tests` is the folder of this file.
    pub fn start(tests: &Path, model: &Path, image: &Tensor) -> Option<OnnxRuntime> {
        if !python_has("onnxruntime, numpy") {
            return None;
        }
        let array = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("speed-{}.npy", std::process::id()));
        let pixels = Npy { shape: image.shape().to_vec(), data: NpyData::F32(image.data().to_vec()) };
        std::fs::write(&array, npy::write(&pixels)).unwrap();
        let mut process = Command::new(python())
            .arg(tests.join("onnxruntime_time.py"))
            .args([model, &array])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let ask = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let mut runtime = OnnxRuntime { process, ask, answers, version: String::new() };
        runtime.version = runtime.line().strip_prefix("ready ").unwrap().to_owned();
        std::fs::remove_file(&array).unwrap();
        Some(runtime)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// One inference.
    pub fn time(&mut self) -> Times {
        writeln!(self.ask).unwrap();
        let line = self.line();
        let mut times = line.split(' ').map(|nanos| Duration::from_nanos(nanos.parse().unwrap()));
        Times { wall: times.next().unwrap(), worked: times.next().unwrap() }
    }

    pub fn end(self) {
        let OnnxRuntime { mut process, ask, .. } = self;
        drop(ask);
        process.wait().unwrap();
    }
}

/// Time on the wall, and the processor's.
#[derive(Clone, Copy)]
pub struct Times {
    pub wall: Duration,
    pub worked: Duration,
}

/// What the processor worked on this thread, by Linux; elsewhere the time on the wall.
fn worked(since: Instant) -> Duration {
    // Linux brings the number up to date where the thread gives way, and else only now and then.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|field| field.parse().ok());
    nanos.map_or_else(|| since.elapsed(), Duration::from_nanos)
}

pub fn timed(work: impl FnOnce()) -> Times {
    let start = Instant::now();
    let before = worked(start);
    work();
    Times { wall: start.elapsed(), worked: worked(start).saturating_sub(before) }
}

/// The least in milliseconds: wall, processor.
pub fn least(times: &[Times]) -> [f64; 2] {
    [|times: &Times| times.wall, |times: &Times| times.worked]
        .map(|of| 1000.0 * times.iter().map(of).min().unwrap().as_secs_f64())
}
