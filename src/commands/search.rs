//! `bitgauge search`: the bits of each layer and tensor, for an average or for what an accelerator takes.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use bitgauge_flow::hash::of_parts;
use bitgauge_flow::search::{CostKind, Goal, Judged, LossKind, Network, Outcome, Settings, Step, search};
use bitgauge_flow::{calibrated, scale_remarks};
use bitgauge_models::integer::evaluate::Reference;
use bitgauge_models::integer::{Assignment, QuantizeOptions, quantize_traced};
use bitgauge_reports::PlotFormat;
use bitgauge_reports::search::{PathPoint, path};
use serde::Serialize;

use crate::compilation::Compilation;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::files;
use crate::inputs::{self, Subject};
use crate::journal::FileJournal;
use crate::output::{self, Bars, Format};
use crate::pipeline;
use crate::plots::PlotArgument;
use crate::quantization::Quantization;

/// Fewer images than this say too little: an allocation of EfficientNet-Lite0 by 8 images collapsed.
const FEW: usize = 64;

/// Options of `search`.
#[derive(clap::Args)]
pub struct Search {
    #[command(flatten)]
    subject: Subject,
    /// Average bits to reach, of weights and activations together
    #[arg(long, value_name = "BITS", conflicts_with_all = ["target_weights", "target_activations", "target_cost"])]
    target_bits: Option<f64>,
    /// Average bits of weights to reach; with --target-activations
    #[arg(long, value_name = "BITS", requires = "target_activations", conflicts_with = "target_cost")]
    target_weights: Option<f64>,
    /// Average bits of activations to reach; with --target-weights
    #[arg(long, value_name = "BITS", requires = "target_weights", conflicts_with = "target_cost")]
    target_activations: Option<f64>,
    /// Share of the cost at the start to reach, 0 to 1
    #[arg(long, value_name = "SHARE")]
    target_cost: Option<f64>,
    /// What each bit taken is to save
    #[arg(long, value_enum, default_value_t)]
    cost: Cost,
    /// What it is to keep [default: divergence where the data set has labels, else error]
    #[arg(long, value_enum)]
    loss: Option<Loss>,
    /// Calibration images that the loss is measured on
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    images: u32,
    /// Fewest bits of weights and of tensors
    #[arg(long, default_value_t = 2, value_name = "BITS", value_parser = clap::value_parser!(u8).range(2..=8))]
    least: u8,
    /// Ask every layer and tensor anew in each step: slower, for comparison
    #[arg(long)]
    plain: bool,
    /// Accelerator description (TOML) whose cycles, bytes or joules count; the reference design if left out
    #[arg(long, value_name = "TOML")]
    accelerator: Option<PathBuf>,
    /// Energy table: the name of one that ships, a TOML file, or Accelergy's ERT.yaml [default: what the description
    /// names]
    #[arg(long, value_name = "TABLE")]
    energy: Option<String>,
    #[command(flatten)]
    compilation: Compilation,
    #[command(flatten)]
    quantization: Quantization,
    /// Where to write the bits; beside it go the steps (.steps.csv, and drawn: .steps.svg or .png) and what was judged
    /// (.journal), by which a search that was stopped goes on
    #[arg(long, default_value = "bits.toml", value_name = "TOML")]
    output: PathBuf,
    /// How the plot of the steps is written
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    plots: PlotArgument,
}

/// What a bit saves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
enum Cost {
    /// Bits
    #[default]
    Bits,
    /// Joules of an inference
    Energy,
    /// Cycles of an inference
    Cycles,
    /// Bytes on the memory bus
    Traffic,
}

impl Cost {
    fn kind(self) -> CostKind {
        match self {
            Cost::Bits => CostKind::Bits,
            Cost::Energy => CostKind::Energy,
            Cost::Cycles => CostKind::Cycles,
            Cost::Traffic => CostKind::Traffic,
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Cost::Bits => "bits",
            Cost::Energy => "pJ",
            Cost::Cycles => "cycles",
            Cost::Traffic => "bytes on the bus",
        }
    }
}

/// How far the network may go from its float network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
enum Loss {
    /// Kullback-Leibler divergence of the class distribution, nats
    Divergence,
    /// Squared error of all outputs over their squares
    Error,
}

impl Loss {
    fn kind(self) -> LossKind {
        match self {
            Loss::Divergence => LossKind::Divergence,
            Loss::Error => LossKind::Error,
        }
    }
}

/// A network on the way.
#[derive(Serialize)]
struct Point {
    weight_bits: f64,
    activation_bits: f64,
    bits: f64,
    #[serde(serialize_with = "bitgauge_reports::number_or_word")]
    loss: f64,
    cost: f64,
}

impl From<&Judged> for Point {
    fn from(judged: &Judged) -> Point {
        Point {
            weight_bits: judged.bits.weights.average(),
            activation_bits: judged.bits.activations.average(),
            bits: judged.bits.pooled(),
            loss: judged.loss,
            cost: judged.cost,
        }
    }
}

#[derive(Serialize)]
struct Answer {
    bits_file: String,
    steps_file: String,
    plot_file: String,
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    accelerator: Option<String>,
    loss: Loss,
    loss_images: usize,
    cost: Cost,
    start: Point,
    found: Point,
    target_met: bool,
    steps: usize,
    networks_judged: usize,
    networks_known: usize,
    notes: Vec<String>,
}

impl Search {
    pub(super) fn run(&self, format: Format) -> Result<ExitStatus> {
        let goal = self.goal()?;
        self.check_files()?;
        let design = inputs::design(self.accelerator.as_deref())?;
        let energy =
            inputs::energy_table(&design.accelerator, self.accelerator.as_deref(), self.energy.as_deref())?;
        let (model, data) = self.subject.load()?;
        let images = &data.calibration;
        let options = self.quantization.options(images)?;
        let calibrating = self.quantization.calibration_images.unwrap_or(images.len());
        let place = |failure: Failure| failure.at(&model.place);
        let (calibration, more) = calibrated(&model.graph, images, calibrating, &options.bits, &Bars)
            .map_err(|error| place(error.into()))?;
        let quantized = quantize_traced(&model.graph, &calibration, &options)
            .map_err(|error| place(Failure::new(format!("cannot quantize the model: {error}"))))?;
        let start = Assignment::of(&model.graph, &quantized, &options.bits);
        let count = images.len().min(self.images as usize);
        let mut notes = scale_remarks(images, &data.images);
        notes.extend(more);
        notes.extend((count < FEW).then(|| {
            format!(
                "the loss is measured on {count} images, and bits chosen by few suit those alone: give {FEW} and more \
                 for calibration"
            )
        }));
        let notes = pipeline::tell(notes);
        let bar = output::spinner("float network");
        let reference = Reference::new(&model.graph, count, |index| vec![images.tensor(index)])?;
        bar.finish_and_clear();
        let loss = self.loss.unwrap_or(if data.labels.is_some() { Loss::Divergence } else { Loss::Error });
        let compilation = self.compilation.options();
        let judge = Network {
            float: &model.graph,
            calibration: &calibration,
            options: &options,
            images,
            reference: &reference,
            loss: loss.kind(),
            cost: self.cost.kind(),
            accelerator: (&design.accelerator, &compilation),
            energy: &energy,
        };
        let on = (self.cost != Cost::Bits).then_some(&design);
        let identity = of_parts(&[
            ("version", env!("CARGO_PKG_VERSION")),
            ("network", &model.sha256),
            ("images", &data.calibration_sha256),
            ("counts", &format!("{calibrating} {count}")),
            ("quantization", &format!("{options:?}")),
            ("loss", &format!("{loss:?}")),
            ("cost", &format!("{:?}", self.cost)),
            ("accelerator", &on.map_or_else(String::new, |design| design.accelerator.to_toml())),
            ("compilation", &format!("{compilation:?}")),
            ("energy", &energy.to_toml()?),
        ]);
        let journal = FileJournal::open(&self.beside("journal"), &identity)?;
        let known = FileJournal::known(&journal);
        let bar = output::share("search");
        let settings = Settings { goal, least: self.least, lazy: !self.plain };
        let mut first: Option<Judged> = None;
        let outcome = search(&judge, &start, &settings, &journal, |step| {
            let start = *first.get_or_insert(step.judged);
            bar.set_position(position(goal, &start, &step.judged));
            bar.set_message(format!("{:.2} bits, loss {:.3e}", step.judged.bits.pooled(), step.judged.loss));
        });
        bar.finish_and_clear();
        let outcome = outcome.map_err(|error| place(error.into()))?;
        let steps_file = self.beside("steps.csv");
        files::write(&steps_file, csv(&outcome.steps, self.cost).as_bytes())?;
        files::write(&self.plot_file(), &self.plot(&outcome.steps, loss, goal)?)?;
        // A tensor that copies another has its codes: the file says what the network has.
        let options = QuantizeOptions { bits: outcome.bits.clone(), ..options };
        let quantized = quantize_traced(&model.graph, &calibration, &options)
            .map_err(|error| place(Failure::new(format!("cannot quantize the model: {error}"))))?;
        let found = Assignment::of(&model.graph, &quantized, &options.bits);
        files::write(&self.output, found.to_toml().as_bytes())?;
        let judgements = outcome.steps.last().map_or(0, |step| step.judgements);
        let (Some(start), Some(end)) = (outcome.steps.first(), outcome.steps.last()) else {
            return Err(Failure::new("the search has no steps").into());
        };
        let answer = Answer {
            bits_file: self.output.display().to_string(),
            steps_file: steps_file.display().to_string(),
            plot_file: self.plot_file().display().to_string(),
            model: model.place.clone(),
            accelerator: on.map(|design| design.place.clone()),
            loss,
            loss_images: count,
            cost: self.cost,
            start: (&start.judged).into(),
            found: (&end.judged).into(),
            target_met: outcome.is_met,
            steps: outcome.steps.len() - 1,
            networks_judged: judgements,
            networks_known: known,
            notes,
        };
        output::data(&match format {
            Format::Json => output::json("search", &answer)?,
            Format::Text => text(&answer),
        })?;
        if outcome.is_met {
            return Ok(ExitStatus::Success);
        }
        Err(self.unmet(&outcome))
    }
}

impl Search {
    fn goal(&self) -> Result<Goal> {
        let bits = |option: &str, bits: f64| -> Result<f64> {
            if (2.0..=8.0).contains(&bits) {
                return Ok(bits);
            }
            Err(Failure::new(format!("{option} {bits} is out of range")).hint("allowed: 2 to 8").into())
        };
        match (self.target_bits, self.target_weights.zip(self.target_activations), self.target_cost) {
            (Some(pooled), ..) => Ok(Goal::Pooled(bits("--target-bits", pooled)?)),
            (_, Some((weights, activations)), _) => Ok(Goal::Separate {
                weights: bits("--target-weights", weights)?,
                activations: bits("--target-activations", activations)?,
            }),
            (.., Some(share)) if share > 0.0 && share <= 1.0 => Ok(Goal::Cost(share)),
            (.., Some(share)) => {
                let fault = Failure::new(format!("--target-cost {share} is out of range"));
                Err(fault.hint("allowed: above 0, at most 1, of the cost at the start").into())
            }
            (None, None, None) => {
                let hint =
                    "give --target-bits, or --target-weights and --target-activations, or --target-cost";
                Err(Failure::new("the search has no target").hint(hint).into())
            }
        }
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.output.with_extension(ending)
    }

    fn plot_file(&self) -> PathBuf {
        self.beside(&format!("steps.{}", PlotFormat::from(self.plots).ending()))
    }

    /// Loss against average bits; where a share of the cost is the target, against that.
    fn plot(&self, steps: &[Step], loss: Loss, goal: Goal) -> Result<Vec<u8>> {
        let start = steps.first().map_or(1.0, |step| step.judged.cost);
        let by_cost = matches!(goal, Goal::Cost(_));
        let point = |step: &Step| {
            let bits = step.judged.bits.pooled();
            let what = step.place.as_ref().map_or_else(
                || "start".to_owned(),
                |place| format!("{} of {}: {} bits", place.kind(), place.name(), step.left),
            );
            let loss = step.judged.loss;
            PathPoint {
                across: if by_cost { step.judged.cost / start } else { bits },
                loss,
                text: format!("{what}; {bits:.3} bits on average, loss {loss:.3e}"),
            }
        };
        let points: Vec<PathPoint> = steps.iter().map(point).collect();
        let across = match (by_cost, self.cost) {
            (false, _) => "average bits of weights and activations",
            (true, Cost::Bits) => "share of the bits at the start",
            (true, Cost::Energy) => "share of the energy at the start",
            (true, Cost::Cycles) => "share of the cycles at the start",
            (true, Cost::Traffic) => "share of the bytes at the start",
        };
        let upwards = match loss {
            Loss::Divergence => "divergence from the float network, nats",
            Loss::Error => "squared error over squares",
        };
        Ok(path(&points, [across, upwards], self.plots.into())?)
    }

    /// Refuses before any work what could not be written at its end.
    fn check_files(&self) -> Result<()> {
        let paths = [self.output.clone(), self.beside("steps.csv"), self.beside("journal"), self.plot_file()];
        if let Some(folder) = paths.iter().find(|path| path.is_dir()) {
            return Err(Failure::new("cannot write: it is a folder").at(folder.display()).into());
        }
        if paths[1..].contains(&self.output) {
            let fault = Failure::new("--output has the ending of another file of the search");
            return Err(fault.at(self.output.display()).hint("let it end in .toml").into());
        }
        if self.quantization.bits.as_deref().is_some_and(|read| files::same(read, &self.output)) {
            let fault = Failure::new("--output would write over the file of --bits");
            return Err(fault.at(self.output.display()).hint("give --output another name").into());
        }
        Ok(())
    }

    fn unmet(&self, outcome: &Outcome) -> anyhow::Error {
        let reached = outcome.steps.last().map_or(0.0, |step| step.judged.bits.pooled());
        Failure::finding(format!("the target was not reached: nothing is left to take at {reached:.2} bits"))
            .hint(format!("lower --least ({}), or aim for more", self.least))
            .into()
    }
}

/// How far a search is, of 1000.
fn position(goal: Goal, start: &Judged, now: &Judged) -> u64 {
    let share =
        |start: f64, now: f64, end: f64| if start > end { (start - now) / (start - end) } else { 1.0 };
    let of = |judged: &Judged| [judged.bits.weights.average(), judged.bits.activations.average()];
    let done = match goal {
        Goal::Pooled(bits) => share(start.bits.pooled(), now.bits.pooled(), bits),
        Goal::Cost(part) => share(start.cost, now.cost, part * start.cost),
        Goal::Separate { weights, activations } => {
            let ([w0, a0], [w, a]) = (of(start), of(now));
            share(w0, w, weights).min(share(a0, a, activations))
        }
    };
    (1000.0 * done.clamp(0.0, 1.0)) as u64
}

/// A line for each step.
fn csv(steps: &[Step], cost: Cost) -> String {
    let unit = match cost {
        Cost::Bits => "bits",
        Cost::Energy => "picojoules",
        Cost::Cycles => "cycles",
        Cost::Traffic => "bus_bytes",
    };
    let mut text = format!(
        "step,kind,name,bits_left,average_bits,weight_bits,activation_bits,loss,{unit},networks_judged\n"
    );
    for (at, step) in steps.iter().enumerate() {
        let Point { weight_bits, activation_bits, bits, loss, cost } = (&step.judged).into();
        let (kind, name) = step.place.as_ref().map_or(("start", ""), |place| (place.kind(), place.name()));
        let left = step.place.as_ref().map_or_else(String::new, |_| step.left.to_string());
        let name = name.replace('"', "\"\"");
        let _ = writeln!(
            text,
            "{at},{kind},\"{name}\",{left},{bits},{weight_bits},{activation_bits},{loss},{cost},{}",
            step.judgements
        );
    }
    text
}

fn text(answer: &Answer) -> String {
    let row = |name: &str, of: &dyn Fn(&Point) -> String| {
        vec![name.to_owned(), of(&answer.start), of(&answer.found)]
    };
    let loss = match answer.loss {
        Loss::Divergence => "loss (divergence, nats)",
        Loss::Error => "loss (squared error over squares)",
    };
    let rows = [
        row("average bits", &|point| format!("{:.3}", point.bits)),
        row("of weights", &|point| format!("{:.3}", point.weight_bits)),
        row("of activations", &|point| format!("{:.3}", point.activation_bits)),
        row(loss, &|point| format!("{:.3e}", point.loss)),
        row(answer.cost.unit(), &|point| format!("{:.0}", point.cost)),
    ];
    let mut text = output::table(&["", "start", "found"], &rows);
    let known = if answer.networks_known > 0 {
        format!(", {} of them known from before", answer.networks_known.min(answer.networks_judged))
    } else {
        String::new()
    };
    text += &format!(
        "{} steps, {} networks judged on {} images{known}: {}, {}\n",
        answer.steps, answer.networks_judged, answer.loss_images, answer.steps_file, answer.plot_file
    );
    text + &format!("{}: bits of each layer and tensor; next: bitgauge run --bits {0}\n", answer.bits_file)
}
