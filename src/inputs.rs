//! What most commands begin with: the model, the accelerator, and that they fit the data.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use anyhow::Result;
use bitgauge_arch::Accelerator;
use bitgauge_arch::energy::EnergyTable;
use bitgauge_flow::hash::{hexadecimal, sha256};
use bitgauge_models::float::{FloatGraph, heads, passes};
use bitgauge_models::onnx;
use bitgauge_reports::accelergy;
use sha2::{Digest as _, Sha256};

use crate::dataset::{self, Dataset, sha256_of};
use crate::failure::Failure;
use crate::{files, output, shipped};

/// A model.
pub struct Model {
    /// Where it comes from.
    pub place: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// Imported and simplified.
    pub graph: FloatGraph,
}

impl Model {
    /// Name for reports: that of the file.
    pub fn name(&self) -> String {
        let file = self.place.split(' ').next().unwrap_or(&self.place);
        Path::new(file)
            .file_stem()
            .map_or_else(|| file.to_owned(), |stem| stem.to_string_lossy().into_owned())
    }
}

/// An accelerator.
pub struct Design {
    /// Where it comes from.
    pub place: String,
    /// Checked.
    pub accelerator: Accelerator,
}

/// Imports a model, lets it take `images` and simplifies it; `None` is the vision transformer that ships.
pub fn model(path: Option<&Path>, images: [usize; 4]) -> Result<Model> {
    let (place, source) = match path {
        Some(path) => (path.display().to_string(), files::Parts::open(path)?),
        None => ("vit_mnist.onnx (built in)".to_owned(), files::Parts::Whole(shipped::VIT_MNIST.to_vec())),
    };
    // Weights may lie in files beside the model; they are part of what it is.
    let beside = RefCell::new(None::<Sha256>);
    let folder = path.and_then(Path::parent).unwrap_or(Path::new(""));
    let part = |location: &str, offset: u64, length: usize| {
        let read = files::read_part(&folder.join(location), offset, length);
        let bytes = read.map_err(|error| format!("cannot read `{location}` beside the model: {error}"))?;
        beside.borrow_mut().get_or_insert_default().update(&bytes);
        Ok(bytes)
    };
    let external = path.map(|_| &part as &onnx::external::ReadPart<'_>);
    let options = onnx::ImportOptions { external, ..onnx::ImportOptions::default() };
    let mut graph = onnx::import_from(&source, &options).map_err(|error| {
        let fault = Failure::new(format!("cannot import the model: {error}")).at(&place);
        fault.hint("Bitgauge reads ONNX, opset 11 to 21, float32, image in, one batch")
    })?;
    passes::image_input(&mut graph, images)
        .map_err(|error| Failure::new(format!("cannot give the model its images: {error}")).at(&place))?;
    passes::simplify(&mut graph)
        .map_err(|error| Failure::new(format!("cannot simplify the model: {error}")).at(&place))?;
    let own = sha256_of(&source).map_err(|error| Failure::new(format!("cannot read: {error}")).at(&place))?;
    let sha256 = match beside.into_inner() {
        None => own,
        Some(parts) => sha256(format!("{own}{}", hexadecimal(parts)).as_bytes()),
    };
    Ok(Model { place, sha256, graph })
}

/// Reads and checks an accelerator; `None` is the reference design.
pub fn design(path: Option<&Path>) -> Result<Design> {
    let (place, text) = match path {
        Some(path) => (path.display().to_string(), files::read_text(path)?),
        None => ("reference-16x16.toml (built in)".to_owned(), shipped::REFERENCE_16X16.to_owned()),
    };
    let accelerator = Accelerator::from_toml(&text).map_err(|error| Failure::description(&place, error))?;
    Ok(Design { place, accelerator })
}

/// The energy table that prices a design: the one that `named` names, or else the description; refused where it was
/// measured on gates and lacks the design's.
pub fn energy_table(
    accelerator: &Accelerator,
    design: Option<&Path>,
    named: Option<&str>,
) -> Result<EnergyTable> {
    let table = named.map_or_else(|| table_of(accelerator, design), named_table)?;
    table.elements(accelerator).map_err(|error| Failure::new(error.to_string()).at("the energy table"))?;
    Ok(table)
}

/// The energy table that a description names: one that ships, or a file beside the description.
pub fn table_of(accelerator: &Accelerator, design: Option<&Path>) -> Result<EnergyTable> {
    let name = &accelerator.energy.table;
    if !is_file(name) {
        return EnergyTable::shipped(name)
            .map_err(|error| Failure::new(error.to_string()).at("[energy] table").into());
    }
    table_in(&design.and_then(Path::parent).map_or_else(|| PathBuf::from(name), |folder| folder.join(name)))
}

/// An energy table by its name: one that ships, a TOML file, or a reference table of Accelergy.
pub fn named_table(name: &str) -> Result<EnergyTable> {
    if !is_file(name) {
        return EnergyTable::shipped(name)
            .map_err(|error| Failure::new(error.to_string()).at("--energy").into());
    }
    table_in(Path::new(name))
}

/// Endings of Accelergy's files.
const YAML: [&str; 2] = [".yaml", ".yml"];

fn is_file(name: &str) -> bool {
    name.ends_with(".toml") || YAML.iter().any(|ending| name.ends_with(ending))
}

fn table_in(path: &Path) -> Result<EnergyTable> {
    let text = files::read_text(path)?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    if YAML.iter().any(|ending| name.ends_with(ending)) {
        return accelergy::table(&name, &text).map_err(|error| {
            let fault = Failure::new(error.to_string()).at(path.display());
            fault.hint("docs/reference/energy.md names the components and actions").into()
        });
    }
    EnergyTable::from_toml(&text).map_err(|error| Failure::new(error.to_string()).at(path.display()).into())
}

/// Says of which memories the table has no price for their size, and whether it mixes technologies; gives the same
/// sentences.
pub fn energy_warnings(table: &EnergyTable, accelerator: &Accelerator) -> Vec<String> {
    let outside = table.outside(accelerator).into_iter().map(|outside| outside.to_string());
    let sentences: Vec<String> = outside.chain(table.mixture()).collect();
    for sentence in &sentences {
        output::talk(&format!("warning: {sentence}"));
    }
    sentences
}

/// What to do about images of another size; a data set that was named is not asked for.
pub fn size_hint(named: bool) -> &'static str {
    match named {
        true => "give images of the size that the network takes: `images` and `calibration` of the data set",
        false => "give the network's data set with --data; see models/zoo/mnist.toml",
    }
}

/// Refuses a data set whose images are not what the model takes; `named`: the user chose it.
pub fn check_data(model: &Model, data: &Dataset, named: bool) -> Result<()> {
    let [input] = model.graph.inputs[..] else {
        let message = format!(
            "the model has {} inputs; Bitgauge takes models with one image",
            model.graph.inputs.len()
        );
        return Err(Failure::new(message).at(&model.place).into());
    };
    let wanted = model.graph.shape(input);
    for images in [&data.calibration, &data.images] {
        if wanted != images.shape() {
            let message = format!("the model takes {wanted:?}, the images give {:?}", images.shape());
            let fault = Failure::new(message).at(&model.place);
            return Err(fault.hint(size_hint(named)).into());
        }
    }
    let (bare, heads) = heads::take_off(&model.graph);
    let first = bare.outputs.first().zip(heads.first());
    let classes = first.map(|(&value, head)| heads::classes(head, bare.shape(value).iter().product()));
    data.check_labels(classes.unwrap_or(Some(0)))
}

/// The model and the images to quantize it with.
#[derive(clap::Args, Clone, Debug)]
pub struct Subject {
    /// Trained network (ONNX); a small vision transformer for MNIST if left out
    #[arg(long, value_name = "ONNX")]
    pub model: Option<PathBuf>,
    /// Data set (TOML): calibration images, test images, labels; the built-in MNIST sample if left out
    #[arg(long, value_name = "TOML")]
    pub data: Option<PathBuf>,
}

impl Subject {
    /// Loads both and checks that they belong together.
    pub fn load(&self) -> Result<(Model, Dataset)> {
        self.load_with(dataset::load(self.data.as_deref())?)
    }

    /// Loads the model for these images.
    pub fn load_with(&self, data: Dataset) -> Result<(Model, Dataset)> {
        let model = model(self.model.as_deref(), data.images.shape())?;
        check_data(&model, &data, self.data.is_some())?;
        Ok((model, data))
    }
}
