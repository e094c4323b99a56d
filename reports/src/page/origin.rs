//! What the numbers rest on: configuration, assumptions, limits, checks, provenance.

use maud::{Markup, html};

use super::Source;
use crate::plots::Plot;
use crate::{Measured, PlotFormat, ReportInput};

/// What no number of a report contains.
pub const NOT_MODELLED: &[&str] = &[
    "DRAM pages, refresh and banks: external memory has one latency and one beat per cycle.",
    "Leakage, clock tree, wires between units, and energy of queues, FIFOs, codecs and controller.",
    "The host: bringing the input into external memory and taking the output from it.",
    "Several inferences in flight: one runs from start to end, scratchpads cold.",
    "Voltage, temperature and clock frequencies that change while it runs.",
    "Other masters on the memory bus.",
];

pub fn section(input: &ReportInput<'_>, measured: &Measured, plots: &[Plot], format: PlotFormat) -> Markup {
    let provenance = &input.provenance;
    html! {
        div.box {
            h3 { "What kinds of numbers these are" }
            table { tbody {
                @for (source, text) in KINDS {
                    tr { td.tight { (source.badge()) } td { (text) } }
                }
            } }
        }
        div.box {
            h3 { "Assumptions" }
            @if input.assumptions.is_empty() { p.say { "None were stated." } }
            ul { @for assumption in &input.assumptions { li { (assumption) } } }
        }
        div.box {
            h3 { "Not modelled" }
            ul { @for limit in NOT_MODELLED { li { (limit) } } }
        }
        div.box id="checks" {
            h3 { "Checks" }
            div.scroll { table {
                thead { tr { th { "what is counted in two ways" } th.number { "one way" } th.number { "other way" } th { "" } } }
                tbody { @for check in &measured.checks { tr {
                    td { (check.what) } td.number { (check.left) } td.number { (check.right) }
                    @if check.passed { td.pass { "holds" } } @else { td.fail { "FAILS" } }
                } } }
            } }
        }
        div.box {
            h3 { "Resolved configuration" }
            pre { (input.program.accelerator.to_toml()) }
        }
        div.box {
            h3 { "Provenance" }
            div.scroll { table { tbody {
                (fact("Bitgauge", &provenance.tool_version))
                (fact("Network file", &input.model.hash))
                (fact("Calibration set", &provenance.calibration_hash))
                (fact("Seed", &provenance.seed.to_string()))
                (fact("Command line", &provenance.command_line))
                @for (name, value) in &provenance.extra { (fact(name, value)) }
            } } }
            p.say { "No date: equal inputs give an equal report, byte for byte." }
        }
        div.box {
            h3 { "Files" }
            p {
                @for (path, what) in FILES { a href=(path) { (path) } " (" (what) "), " }
                "plots as SVG and their data as CSV: "
                @for (index, plot) in plots.iter().enumerate() {
                    @if index > 0 { ", " }
                    a href=(format.path(plot.name)) { (plot.name) }
                    " (" a href=(format!("data/{}.csv", plot.name)) { "data" } ")"
                }
                "."
            }
        }
    }
}

const KINDS: &[(Source, &str)] = &[
    (
        Source::Simulated,
        "Counted by a cycle-level simulator that follows the written cycle contract: the exported Verilog gives the same bits in the same cycles, which bitgauge cosim shows for any program.",
    ),
    (Source::Evaluated, "Counted on images or tensors by running the float and the integer network."),
    (Source::Analytical, "A closed form of shapes and hardware; nothing was run."),
    (
        Source::Synthesized,
        "Counted by synthesis and place and route of the exported Verilog, for one device of an FPGA family.",
    ),
    (
        Source::Priced,
        "Simulated counts times prices from a published table: right to compare designs by, not what a chip will draw.",
    ),
];

const FILES: &[(&str, &str)] = &[
    ("result.json", "everything on this page, format version 1"),
    ("layers.csv", "the table of layers"),
    ("energy.csv", "actions, prices, sources"),
    ("bursts.csv", "every burst on the bus"),
    ("trace.perfetto", "open in ui.perfetto.dev; 1 ns is 1 cycle"),
];

fn fact(name: &str, value: &str) -> Markup {
    html! { tr { th.tight { (name) } td { code { (if value.is_empty() { "–" } else { value }) } } } }
}
