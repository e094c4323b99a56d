//! The numbers that are asked for first, each with what it means.

use maud::{Markup, html};

use super::Source;
use crate::number::{count, digits, joules, joules_between, percent, ratio, si};
use crate::{Measured, ReportInput, Synthesis};

struct Card {
    name: &'static str,
    value: String,
    mean: String,
    source: Source,
}

pub fn section(input: &ReportInput<'_>, measured: &Measured) -> Markup {
    let failed = measured.checks.iter().filter(|check| !check.passed).count();
    html! {
        section id="headline" {
            h2 { "Result" }
            div.box {
                (facts(input))
                @if failed > 0 {
                    p.fail { (failed) " of " (measured.checks.len()) " cross-checks fail; see " a href="#checks" { "Checks" } "." }
                }
            }
            div.cards { @for card in cards(input, measured) { (render(&card)) } }
        }
    }
}

fn facts(input: &ReportInput<'_>) -> Markup {
    let accelerator = &input.program.accelerator;
    let (array, memory) = (&accelerator.array, &accelerator.memory);
    html! {
        table {
            tr { th { "Network" } td {
                (input.model.name) ", input " (input.model.input_shape) ", "
                (si(input.model.parameters as f64, "")) " parameters, " (si(input.model.macs as f64, "MAC"))
            } }
            tr { th { "Quantization" } td {
                (input.model.quantization)
                @if let Some(bytes) = input.model.weight_bytes { ", weights " (si(bytes as f64, "B")) }
            } }
            tr { th { "Accelerator" } td {
                (accelerator.name) ": " (array.rows) " × " (array.cols) " array, "
                (accelerator.scratchpad.activation_kib) " KiB activations, " (accelerator.scratchpad.weight_kib)
                " KiB weights, " (memory.bus_bits) "-bit memory bus, " (memory.latency_cycles) " cycles latency, "
                (accelerator.clock.mhz) " MHz"
            } }
        }
    }
}

fn cards(input: &ReportInput<'_>, measured: &Measured) -> Vec<Card> {
    let (headline, accelerator) = (&measured.headline, &input.program.accelerator);
    let mut cards = vec![
        Card {
            name: "Latency",
            value: format!("{} ms", digits(headline.milliseconds)),
            mean: format!(
                "{} cycles of one inference at {} MHz, from start to the last command's end: {} inferences per second \
                 one after another.",
                count(headline.cycles),
                accelerator.clock.mhz,
                digits(headline.inferences_per_second)
            ),
            source: Source::Simulated,
        },
        Card {
            name: "Above the lower bound",
            value: if headline.bound_cycles > 0 {
                format!("× {:.2}", ratio(headline.cycles, headline.bound_cycles))
            } else {
                "–".to_owned()
            },
            mean: format!(
                "Cycles over {}, the most of bus beats, array feeding with setup and vector work. No timing of these \
                 commands can beat it; other tiles, or tensors kept on chip, could. No commands at all beat {}: all \
                 products on all multipliers, or weights and outputs once over the bus.",
                count(headline.bound_cycles),
                count(headline.network_bound_cycles)
            ),
            source: Source::Analytical,
        },
        Card {
            name: "Energy per inference",
            value: joules(headline.picojoules),
            mean: format!(
                "{} by the least and the most that sources give for each event. Counted events times prices of {}; {} \
                 of it is priced by assumption; {} mW mean while running. No leakage, no clock tree.",
                joules_between(headline.low_picojoules, headline.high_picojoules),
                measured.energy.table,
                percent(headline.assumed_energy_share),
                digits(headline.milliwatts)
            ),
            source: Source::Priced,
        },
        Card {
            name: "MAC utilization",
            value: percent(headline.mac_utilization),
            mean: format!(
                "{} useful of {} multiply-accumulates that the array could have done in these cycles.",
                si(headline.array_macs as f64, "MAC"),
                si(headline.cycles as f64 * accelerator.peak_macs_per_cycle() as f64, "MAC")
            ),
            source: Source::Simulated,
        },
        Card {
            name: "External traffic",
            value: format!("{} MB", digits(headline.bus_bytes as f64 / 1e6)),
            mean: format!(
                "Beats times bus width, read and written, commands included (MB = 10⁶ bytes). The bus is busy in {} of \
                 the cycles.",
                percent(headline.bus_occupancy)
            ),
            source: Source::Simulated,
        },
    ];
    if let Some(accuracy) = &input.accuracy {
        let (images, dataset) = (count(accuracy.images), &accuracy.dataset);
        cards.push(Card {
            name: "Top-1 accuracy, integer",
            value: percent(accuracy.integer_top1),
            mean: match accuracy.float_top1 {
                Some(float) => format!(
                    "Float network: {}. {} over {images} images of {dataset}.",
                    percent(float),
                    points(accuracy.integer_top1 - float),
                ),
                None => format!("Float network: not at hand. {images} images of {dataset}."),
            },
            source: Source::Evaluated,
        });
    }
    cards.extend(input.synthesis.as_ref().map(|synthesis| fpga(synthesis, headline.cycles)));
    cards
}

/// What it is on an FPGA.
fn fpga(synthesis: &Synthesis, cycles: u64) -> Card {
    let Synthesis { lut, ff, dsp, bram, .. } = *synthesis;
    let [lut, ff, dsp, bram] = [lut, ff, dsp, bram].map(count);
    let clock = synthesis.fmax_mhz.map_or(String::new(), |mhz| {
        let rate = mhz * 1e6 / cycles.max(1) as f64;
        format!("At its highest clock, {} MHz: {} inferences per second. ", digits(mhz), digits(rate))
    });
    Card {
        name: "On an FPGA",
        value: synthesis.fmax_mhz.map_or(format!("{lut} LUT"), |mhz| format!("{} MHz", digits(mhz))),
        mean: format!(
            "{clock}{lut} LUT, {ff} FF, {dsp} DSP blocks, {bram} block RAMs of {} ({}).",
            synthesis.device,
            synthesis.tools.join(", ")
        ),
        source: Source::Synthesized,
    }
}

/// A difference of shares in percentage points.
pub fn points(difference: f64) -> String {
    format!("{:+.2} points", difference * 100.0).replace('-', "−")
}

fn render(card: &Card) -> Markup {
    html! {
        div.card {
            div.name { (card.name) }
            div.value { (card.value) }
            (card.source.badge())
            div.mean { (card.mean) }
        }
    }
}
