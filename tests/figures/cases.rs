//! The reports, made by the program, and what they are held to: the same networks quantized, compiled and simulated
//! here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use bitgauge_arch::Accelerator;
use bitgauge_arch::codec::Codec;
use bitgauge_arch::program::Program;
use bitgauge_compiler::{Options, compile};
use bitgauge_models::float::{FloatGraph, Tensor, passes};
use bitgauge_models::integer::evaluate::encode_inputs;
use bitgauge_models::integer::{Assignment, InputCode, IntGraph, QuantizeOptions, calibrate, quantize};
use bitgauge_models::npy::{self, NpyData};
use bitgauge_models::onnx;
use bitgauge_sim::Machine;
use bitgauge_sim::result::{Burst, CommandSpan, RunResult};
use serde_json::Value;

use crate::table::{Table, close};

/// Images that `bitgauge run` simulates if it is told nothing else.
pub const SIMULATED: usize = 4;

/// So few that integer and float answers differ, and codes are narrower than their containers.
pub const FEW_BITS: [&str; 6] = ["--weight-bits", "3", "--activation-bits", "5", "--stream-bits", "8"];
pub const PACK: [&str; 2] = ["--codec", "pack"];

/// No two sizes, counts or rates of this design are alike.
const LOPSIDED: &str = r#"
name = "lopsided"
[array]
rows = 12
cols = 20
[scratchpad]
activation_kib = 128
weight_kib = 64
banks = 8
weight_banks = 2
[post]
lanes = 4
parameter_entries = 512
[vector]
lanes = 16
[compression]
codecs = ["pack", "zvc"]
lanes = 1
[memory]
bus_bits = 64
latency_cycles = 23
max_burst_beats = 32
[controller]
queue_words = 128
prefetch_words = 256
[clock]
mhz = 310
[energy]
table = "prices.toml"
"#;

/// Picojoules of an event: on `reference-16x16` by `horowitz-45nm`, on the lopsided design by a table of its own,
/// whose prices are all different. Of the memories: by the size of a bank, between the two sizes of [`SIZES`].
pub const PRICES: [(&str, f64, f64); 19] = [
    ("array_mac", 0.3, 0.17),
    ("array_padding_mac", 0.3, 0.23),
    ("array_bit_product", 0.004_687_5, 0.003),
    ("array_padding_bit_product", 0.004_687_5, 0.002),
    ("pe_register_bit", 0.008_999_495, 0.007),
    ("pe_accumulator_bit", 0.008_999_495, 0.005),
    // 256 KiB in 8 banks: 32 KiB. 128 KiB in 8 banks: 16 KiB.
    ("activation_read_byte", 2.5, 6.0),
    ("activation_write_byte", 2.5, 3.0),
    // 128 KiB in 4 banks: 32 KiB. 64 KiB in 2 banks: 32 KiB.
    ("weight_read_byte", 2.5, 20.0),
    ("weight_write_byte", 2.5, 22.0),
    // 2,048 entries of 8 bytes, 16 KiB, half way between 8 and 32: the root of 1.25 times 2.5. 512 entries: 4 KiB.
    ("parameter_read_byte", 1.767_766_952_966_369, 14.0),
    ("parameter_write_byte", 1.767_766_952_966_369, 26.0),
    // Both tables of a lane have 512 entries of two bytes: 1 KiB.
    ("table_read_byte", 0.283_31, 0.9),
    ("table_write_byte", 0.823_99, 1.1),
    ("post_requantize", 1.85, 2.9),
    ("vector_mac", 0.3, 0.31),
    ("vector_operation", 0.1, 0.37),
    ("external_read_byte", 162.5, 41.0),
    ("external_write_byte", 162.5, 43.0),
];

/// Prices by size, KiB and picojoules a byte, of which each lopsided memory's is the geometric mean.
const SIZES: [(&str, [(f64, f64); 2]); 6] = [
    ("activation_read_byte", [(4.0, 3.0), (64.0, 12.0)]),
    ("activation_write_byte", [(4.0, 1.5), (64.0, 6.0)]),
    ("weight_read_byte", [(2.0, 5.0), (512.0, 80.0)]),
    ("weight_write_byte", [(2.0, 11.0), (512.0, 44.0)]),
    ("parameter_read_byte", [(1.0, 7.0), (16.0, 28.0)]),
    ("parameter_write_byte", [(1.0, 13.0), (16.0, 52.0)]),
];

/// The least and the most of some of the lopsided design's prices.
const RANGES: [(&str, f64, f64); 4] = [
    ("array_mac", 0.11, 0.19),
    ("post_requantize", 1.3, 7.1),
    ("external_read_byte", 29.0, 97.0),
    ("external_write_byte", 31.0, 101.0),
];

/// What the lopsided design's prices rest on, in turn.
const BASES: [&str; 3] = ["published", "derived", "assumed"];

/// A price, the least and the most of it, what it rests on and who says so.
pub struct Price {
    pub each: f64,
    pub low: f64,
    pub high: f64,
    pub basis: String,
    pub source: String,
    pub low_source: Option<String>,
    pub high_source: Option<String>,
}

impl Price {
    /// From a row of a table: between two sizes, logarithms of price and size lie on a line.
    fn read(row: &toml::Value, kib: f64) -> Price {
        let number = |value: &toml::Value, key: &str| value.get(key).and_then(toml::Value::as_float);
        let at = |key: &str| match row.get("sizes").and_then(toml::Value::as_array) {
            None => number(row, key).or_else(|| number(row, "picojoules")).unwrap(),
            Some(points) => {
                let of = |point: &toml::Value| {
                    let price = number(point, key).or_else(|| number(point, "picojoules_per_byte"));
                    (number(point, "kib").unwrap().log2(), price.unwrap().log2())
                };
                let points: Vec<(f64, f64)> = points.iter().map(of).collect();
                let size = kib.log2().clamp(points[0].0, points[points.len() - 1].0);
                let next = points.iter().position(|point| point.0 >= size).unwrap().max(1);
                let ((x0, y0), (x1, y1)) = (points[next - 1], points[next]);
                (y0 + (y1 - y0) * (size - x0) / (x1 - x0)).exp2()
            }
        };
        let text = |key: &str| row.get(key).and_then(toml::Value::as_str).map(str::to_owned);
        Price {
            each: at("picojoules"),
            low: at("low"),
            high: at("high"),
            basis: text("basis").unwrap_or_else(|| "assumed".to_owned()),
            source: text("source").unwrap(),
            low_source: text("low_source"),
            high_source: text("high_source"),
        }
    }
}

/// KiB of a bank of the memory that an action reads or writes.
fn bank_kib(hardware: &Hardware, action: &str) -> f64 {
    let scratchpad = |key: &str| hardware.get("scratchpad", key) as f64;
    match action.split('_').next().unwrap() {
        "activation" => scratchpad("activation_kib") / scratchpad("banks"),
        "weight" => scratchpad("weight_kib") / scratchpad("weight_banks"),
        "parameter" => hardware.get("post", "parameter_entries") as f64 * 8.0 / 1024.0,
        _ => 1.0,
    }
}

fn own_prices() -> String {
    let mut text = "name = \"own\"\nnote = \"made up\"\n".to_owned();
    for (index, (action, _, price)) in PRICES.into_iter().enumerate() {
        let mut row = match SIZES.iter().find(|(known, _)| *known == action) {
            None => format!("picojoules = {price:?}"),
            Some((_, [one, two])) => {
                let point = |(kib, price)| format!("{{ kib = {kib:?}, picojoules_per_byte = {price:?} }}");
                format!("sizes = [{}, {}]", point(*one), point(*two))
            }
        };
        if let Some((_, low, high)) = RANGES.iter().find(|(known, ..)| *known == action) {
            row +=
                &format!("\nlow = {low:?}\nhigh = {high:?}\nlow_source = \"least\"\nhigh_source = \"most\"");
        }
        let basis = BASES[index % 3];
        text += &format!("[entry.{action}]\n{row}\nbasis = \"{basis}\"\nsource = \"of {action}\"\n");
    }
    text
}

/// A description's keys, as TOML has them.
pub struct Hardware(toml::Table);

impl Hardware {
    pub fn get(&self, table: &str, key: &str) -> u64 {
        let value = self.0[table].get(key).and_then(toml::Value::as_integer);
        u64::try_from(value.unwrap_or_else(|| panic!("no {table}.{key}"))).unwrap()
    }

    pub fn bus(&self) -> u64 {
        self.get("memory", "bus_bits") / 8
    }

    pub fn rows(&self) -> u64 {
        self.get("array", "rows")
    }

    pub fn cols(&self) -> u64 {
        self.get("array", "cols")
    }

    /// Codes that an element takes at once.
    pub fn lanes(&self) -> u64 {
        if self.0["array"].get("lanes").is_some() { self.get("array", "lanes") } else { 1 }
    }

    /// Bytes of a scratchpad's line: what holds a row's or a column's operands and a beat.
    pub fn line(&self) -> u64 {
        // 8 bits for each of the lanes of `fixed`.
        (self.rows().max(self.cols()) * self.lanes()).max(self.bus()).next_power_of_two()
    }
}

/// Bytes, N x 28 x 28 x 1, as a network sees them.
pub struct Pixels(Vec<u8>);

impl Pixels {
    fn read(name: &str) -> Pixels {
        let array = npy::read(&std::fs::read(repository(name)).unwrap()).unwrap();
        let NpyData::U8(pixels) = array.data else { panic!("{name} does not hold bytes") };
        Pixels(pixels)
    }

    pub fn count(&self) -> usize {
        self.0.len() / 784
    }

    pub fn tensor(&self, index: usize) -> Tensor {
        let pixels = &self.0[index * 784..][..784];
        let reals = pixels.iter().map(|&pixel| (f32::from(pixel) - 33.3285) / 78.5655);
        Tensor::new(vec![1, 1, 28, 28], reals.collect()).unwrap()
    }
}

pub fn labels() -> Vec<i64> {
    let path = repository("models/zoo/mnist_test_labels_i64.npy");
    let NpyData::I64(labels) = npy::read(&std::fs::read(path).unwrap()).unwrap().data else {
        panic!("labels are whole numbers")
    };
    labels
}

pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// One report and what it has to say.
pub struct Case {
    pub name: String,
    pub model: &'static str,
    pub lopsided: bool,
    /// The report's texts by their paths.
    pub files: BTreeMap<String, String>,
    /// `result.json`, and what `run` printed as JSON.
    pub result: Value,
    pub answer: Value,
    /// What it printed for people; of the smaller model alone, to save time.
    pub talk: Option<String>,
    pub hardware: Hardware,
    pub prices: BTreeMap<&'static str, Price>,
    pub float: FloatGraph,
    pub graph: IntGraph,
    pub program: Program,
    pub run: RunResult,
    pub images: Pixels,
}

impl Case {
    fn new(root: &Path, model: &'static str, lopsided: bool) -> Case {
        let name = format!("{model} on {}", if lopsided { "lopsided" } else { "reference-16x16" });
        let design =
            if lopsided { root.join("lopsided.toml") } else { repository("designs/reference-16x16.toml") };
        let path = repository(&format!("models/zoo/{model}.onnx"));
        let folder = root.join(&name);
        let mut arguments = vec!["run".to_owned()];
        let data = repository("models/zoo/mnist.toml");
        for (option, value) in
            [("--model", &path), ("--data", &data), ("--accelerator", &design), ("--output", &folder)]
        {
            arguments.extend([option.to_owned(), value.display().to_string()]);
        }
        arguments.extend(FEW_BITS.iter().filter(|_| lopsided).map(|&word| word.to_owned()));
        // The vision transformer's windows cannot be packed.
        let pack = lopsided && model == "cnn_mnist";
        arguments.extend(PACK.iter().filter(|_| pack).map(|&word| word.to_owned()));
        let talk = (model == "cnn_mnist").then(|| program(&arguments));
        arguments.extend(["--format".to_owned(), "json".to_owned()]);
        let answer = serde_json::from_str(&program(&arguments)).unwrap();

        let mut float = onnx::import(&std::fs::read(&path).unwrap()).unwrap();
        passes::simplify(&mut float).unwrap();
        let calibration = Pixels::read("models/zoo/mnist_calibration_u8.npy");
        let images = Pixels::read("models/zoo/mnist_test_u8.npy");
        let ranges = calibrate(&float, calibration.count(), |index| vec![calibration.tensor(index)]).unwrap();
        let input = InputCode::Pixels { mean: f64::from(33.3285f32), std: f64::from(78.5655f32) };
        let mut options = QuantizeOptions { input, ..QuantizeOptions::default() };
        let mut choice = Options::default();
        if lopsided {
            options =
                QuantizeOptions { bits: Assignment { stream: 8, ..Assignment::uniform(3, 5) }, ..options };
        }
        if pack {
            choice.codec = Codec::Pack;
        }
        let graph = quantize(&float, &ranges, &options).unwrap();
        let description = std::fs::read_to_string(&design).unwrap();
        let program = compile(&graph, &Accelerator::from_toml(&description).unwrap(), &choice).unwrap();
        let codes = encode_inputs(&graph, &[images.tensor(0)]).unwrap();
        let input = graph.tensor(graph.inputs[0]).name.as_str();
        let run = Machine::new(&program).run(&[(input, &codes[0])], &Default::default()).unwrap();

        let table = if lopsided {
            root.join("prices.toml")
        } else {
            repository("hw/arch/src/energy/horowitz-45nm.toml")
        };
        let table: toml::Table = toml::from_str(&std::fs::read_to_string(table).unwrap()).unwrap();
        let hardware = Hardware(toml::from_str(&description).unwrap());
        let price = |(action, one, two): (&'static str, f64, f64)| {
            let read = Price::read(&table["entry"][action], bank_kib(&hardware, action));
            let each = if lopsided { two } else { one };
            assert!(close(read.each, each), "{action}: the table has {}, not {each}", read.each);
            (action, Price { each, ..read })
        };
        let prices = PRICES.into_iter().map(price).collect();
        let files = texts(&folder);
        let result = serde_json::from_str(&files["result.json"]).unwrap();
        Case {
            name,
            model,
            lopsided,
            files,
            result,
            answer,
            talk,
            hardware,
            prices,
            float,
            graph,
            program: program.into_inner(),
            run,
            images,
        }
    }

    pub fn read(&self, path: &str) -> &str {
        self.files.get(path).unwrap_or_else(|| panic!("{}: no {path}", self.name))
    }

    pub fn table(&self, path: &str) -> Table {
        Table::read(self.read(path))
    }

    pub fn layer_of(&self, span: &CommandSpan) -> usize {
        self.program.commands[span.command as usize].layer as usize
    }

    pub fn spans(&self, layer: usize) -> impl Iterator<Item = &CommandSpan> {
        self.run.spans.iter().filter(move |span| self.layer_of(span) == layer)
    }

    /// Bursts of a layer; of the command fetch where there is no such layer.
    pub fn bursts(&self, layer: Option<usize>) -> impl Iterator<Item = &Burst> {
        let of = layer.map_or(u32::MAX, |layer| layer as u32);
        self.run.bursts.iter().filter(move |burst| burst.layer == of)
    }

    /// What stands beside a layer in plots: its place, the path of its name without the last part, its operator
    /// where that does not say it.
    pub fn label(&self, layer: usize) -> String {
        let symbol = &self.program.layers[layer];
        let parts: Vec<&str> = symbol.name.split('/').filter(|part| !part.is_empty()).collect();
        let path = parts[..parts.len().saturating_sub(1).max(1)].join("/");
        let said = path.to_lowercase().contains(&symbol.operator.to_lowercase());
        format!("{layer} {path}{}", if said { String::new() } else { format!(" {}", symbol.operator) })
    }
}

fn program(arguments: &[String]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_bitgauge")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What a command prints as JSON.
pub fn json(arguments: &[&str]) -> Value {
    let words: Vec<String> =
        arguments.iter().chain(&["--format", "json"]).map(|&word| word.to_owned()).collect();
    serde_json::from_str(&program(&words)).unwrap()
}

/// What a command prints for people.
pub fn text(arguments: &[&str]) -> String {
    program(&arguments.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
}

/// The files of a report that are text, its folders' too.
fn texts(folder: &Path) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for place in ["", "data", "plots"] {
        for entry in std::fs::read_dir(folder.join(place)).unwrap() {
            let path = entry.unwrap().path();
            if let Ok(text) = std::fs::read_to_string(&path) {
                texts.insert(path.strip_prefix(folder).unwrap().to_string_lossy().into_owned(), text);
            }
        }
    }
    texts
}

/// Writes the lopsided description and its prices into a folder.
pub fn write_lopsided(folder: &Path) -> PathBuf {
    std::fs::write(folder.join("prices.toml"), own_prices()).unwrap();
    let path = folder.join("lopsided.toml");
    std::fs::write(&path, LOPSIDED).unwrap();
    path
}

/// All cases; made once, and where that failed not tried again.
pub fn cases() -> &'static [Case] {
    static ALL: OnceLock<Option<Vec<Case>>> = OnceLock::new();
    let make = || {
        let root = tempfile::tempdir().unwrap();
        write_lopsided(root.path());
        std::thread::scope(|scope| {
            let of = [("vit_mnist", false), ("cnn_mnist", false), ("vit_mnist", true), ("cnn_mnist", true)];
            let path = root.path();
            let made = of.map(|(model, lopsided)| scope.spawn(move || Case::new(path, model, lopsided)));
            made.map(|case| case.join().ok()).into_iter().collect()
        })
    };
    ALL.get_or_init(make)
        .as_ref()
        .unwrap_or_else(|| panic!("a case could not be made: see the first failure"))
}
