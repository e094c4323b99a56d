//! How to quantize, as options of the command line. Every default is the library's.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use bitgauge_flow::{Images, usual_input};
use bitgauge_models::integer::{Assignment, ChannelShifts, QuantizeOptions, RangeRule};

use crate::failure::Failure;
use crate::files;

/// Where the options stand in the help.
const HEADING: &str = "Quantization";

/// How to quantize.
#[derive(clap::Args, Clone, Debug)]
pub struct Quantization {
    /// Bits of each layer's weights and of each tensor: a file as `quantize` writes it (`.bits.toml`)
    #[arg(
        long,
        help_heading = HEADING,
        value_name = "TOML",
        conflicts_with_all = ["weight_bits", "activation_bits", "stream_bits", "channel_shifts"],
    )]
    pub bits: Option<PathBuf>,
    /// Bits of all weights, 2 to 8; 8 if left out
    #[arg(long, help_heading = HEADING, value_parser = clap::value_parser!(u8).range(2..=8))]
    weight_bits: Option<u8>,
    /// Bits of all activations, 2 to 8; 8 if left out
    #[arg(long, help_heading = HEADING, value_parser = clap::value_parser!(u8).range(2..=8))]
    activation_bits: Option<u8>,
    /// Bits of a transformer's residual stream; 16 if left out
    #[arg(long, help_heading = HEADING, value_parser = ["8", "16"])]
    stream_bits: Option<String>,
    /// Let the stream's channels have steps of their own, up to two to the power of N apart; with `--stream-bits 8`
    #[arg(long, help_heading = HEADING, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=7))]
    channel_shifts: Option<u8>,
    /// How the range of an activation follows from calibration
    #[arg(
        long,
        help_heading = HEADING,
        value_enum,
        default_value_t = Range::of(QuantizeOptions::default().range),
    )]
    range: Range,
    #[arg(long, help_heading = HEADING, help = percentile_help())]
    percentile: Option<f64>,
    /// Calibration images to use; all if left out
    #[arg(long, help_heading = HEADING, value_name = "N")]
    pub calibration_images: Option<usize>,
}

/// The rule of activation ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Range {
    /// All that was seen
    MinMax,
    /// The middle part that holds a share of the values
    Percentile,
    /// The range with the least squared error
    Mse,
}

impl Range {
    fn of(rule: RangeRule) -> Range {
        match rule {
            RangeRule::MinMax => Range::MinMax,
            RangeRule::Percentile(_) => Range::Percentile,
            RangeRule::Mse => Range::Mse,
        }
    }
}

/// The library's share, where its own rule has one.
fn default_share() -> Option<f64> {
    match QuantizeOptions::default().range {
        RangeRule::Percentile(share) => Some(share),
        RangeRule::MinMax | RangeRule::Mse => None,
    }
}

fn percentile_help() -> String {
    let share = default_share().map_or_else(String::new, |share| format!("; {share} if left out"));
    format!("Share of the values that `--range percentile` keeps, 0.5 to 1{share}")
}

impl Quantization {
    fn rule(&self) -> Result<RangeRule> {
        let refuse = |message: &str, hint: &str| Err(Failure::new(message).hint(hint).into());
        let rule = match self.range {
            Range::MinMax => RangeRule::MinMax,
            Range::Mse => RangeRule::Mse,
            Range::Percentile => match self.percentile.or_else(default_share) {
                Some(share) if (0.5..=1.0).contains(&share) => return Ok(RangeRule::Percentile(share)),
                Some(share) => {
                    return refuse(&format!("--percentile {share} is out of range"), "allowed: 0.5 to 1");
                }
                None => return refuse("--range percentile needs a share", "give --percentile"),
            },
        };
        if self.percentile.is_some() {
            return refuse(
                "--percentile says nothing to this --range",
                "leave it out, or --range percentile",
            );
        }
        Ok(rule)
    }

    /// Whether nothing else than usual is asked for.
    pub fn is_default(&self) -> bool {
        let usual = QuantizeOptions::default();
        self.bits.is_none()
            && self.weight_bits.is_none()
            && self.activation_bits.is_none()
            && self.stream_bits.is_none()
            && self.channel_shifts.is_none()
            && self.range == Range::of(usual.range)
            && self.percentile.is_none()
            && self.calibration_images.is_none()
    }

    /// Bits of everything.
    fn assignment(&self) -> Result<Assignment> {
        if let Some(path) = &self.bits {
            let read = Assignment::from_toml(&files::read_text(path)?);
            return read.map_err(|error| {
                let fault = Failure::new(format!("not an assignment of bits: {error}")).at(path.display());
                fault.hint("`bitgauge quantize` writes one beside its output").into()
            });
        }
        let usual = Assignment::default();
        let weights = self.weight_bits.unwrap_or(usual.weights.default);
        let uniform = Assignment::uniform(weights, self.activation_bits.unwrap_or(usual.activations.default));
        let stream = match self.stream_bits.as_deref() {
            Some("8") => 8,
            Some(_) => 16,
            None => usual.stream,
        };
        let greatest = self.channel_shifts.unwrap_or(0);
        if greatest > 0 && stream != 8 {
            let fault = Failure::new("--channel-shifts is for a stream of 8 bits");
            return Err(fault.hint("give --stream-bits 8 too").into());
        }
        let channel_shifts = ChannelShifts { greatest, ..ChannelShifts::default() };
        Ok(Assignment { stream, channel_shifts, ..uniform })
    }

    /// The library's options for images like these.
    pub fn options(&self, images: &Images) -> Result<QuantizeOptions> {
        Ok(QuantizeOptions {
            bits: self.assignment()?,
            range: self.rule()?,
            input: usual_input(images),
            ..QuantizeOptions::default()
        })
    }
}

/// One line for reports.
pub fn describe(options: &QuantizeOptions) -> String {
    let range = match options.range {
        RangeRule::MinMax => "min-max".to_owned(),
        RangeRule::Percentile(share) => format!("percentile {share}"),
        RangeRule::Mse => "least squared error".to_owned(),
    };
    let bits = &options.bits;
    let span = |default: u8, named: &BTreeMap<String, u8>| match (named.values().min(), named.values().max())
    {
        (Some(least), Some(most)) if least < most => format!("{least}- to {most}-bit"),
        (Some(all), _) => format!("{all}-bit"),
        _ => format!("{default}-bit"),
    };
    let steps = if bits.channel_shifts.is_off() { "" } else { " with steps of its channels" };
    format!(
        "{} weights per channel, {} activations per tensor (range: {range}), {}-bit residual stream{steps}",
        span(bits.weights.default, &bits.weights.layers),
        span(bits.activations.default, &bits.activations.tensors),
        bits.stream
    )
}
