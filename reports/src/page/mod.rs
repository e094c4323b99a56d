//! `index.html`: one file with everything in it; no network, no scripts from elsewhere.

mod accuracy;
mod energy;
mod headline;
mod layers;
mod origin;
mod style;

pub use origin::NOT_MODELLED;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::plots::Plot;
use crate::{Measured, PlotFormat, ReportInput};

/// Where a number comes from.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// As the accelerator's description says.
    Described,
    /// Counted by the simulator.
    Simulated,
    /// Counted on images or tensors.
    Evaluated,
    /// A closed form.
    Analytical,
    /// What synthesis tools say of the exported Verilog.
    Synthesized,
    /// A count times a published price.
    Priced,
}

impl Source {
    /// The mark beside a number.
    pub fn badge(self) -> Markup {
        let (class, text) = match self {
            Source::Described => ("described", "described"),
            Source::Simulated => ("simulated", "simulated, cycle-level"),
            Source::Evaluated => ("evaluated", "evaluated"),
            Source::Analytical => ("analytical", "analytical"),
            Source::Synthesized => ("synthesized", "synthesized"),
            Source::Priced => ("priced", "priced from a table"),
        };
        html! { span class=(format!("badge {class}")) { (text) } }
    }
}

const SECTIONS: &[(&str, &str)] = &[
    ("headline", "Result"),
    ("accuracy", "Accuracy"),
    ("memory", "Memory accesses"),
    ("traffic", "Traffic"),
    ("layers", "Layers"),
    ("units", "Units"),
    ("energy", "Energy"),
    ("roofline", "Roofline"),
    ("activations", "Activations"),
    ("origin", "Configuration and limits"),
];

/// The page.
pub fn page(input: &ReportInput<'_>, measured: &Measured, plots: &[Plot], format: PlotFormat) -> String {
    let accelerator = &input.program.accelerator.name;
    let title = format!("{} on {accelerator}", input.model.name);
    let show = |name: &str, source: Source| figure(plots, name, source, format);
    document(
        &title,
        html! {
                    header {
                        p.tool { "Bitgauge report" }
                        h1 { (input.model.name) " on " (accelerator) }
                        nav { @for (id, name) in SECTIONS { a href=(format!("#{id}")) { (name) } } }
                    }
                    main {
                        (headline::section(input, measured))
                        (section("accuracy", html! {
                            (accuracy::section(input))
                            (show("sqnr", Source::Evaluated))
                        }))
                        (section("memory", html! {
                            (show("memory_access", Source::Simulated))
                            (show("memory_access_by_operand", Source::Simulated))
                        }))
                        (section("traffic", html! {
                            (show("traffic", Source::Simulated))
                            (show("bandwidth", Source::Simulated))
                        }))
                        (section("layers", html! {
                            (show("layer_cycles", Source::Simulated))
                            (layers::section(measured))
                        }))
                        (section("units", html! {
                            (show("unit_cycles", Source::Simulated))
                            (show("timeline", Source::Simulated))
                        }))
                        (section("energy", html! {
                            (show("energy", Source::Priced))
                            (energy::section(measured))
                        }))
                        (section("roofline", show("roofline", Source::Simulated)))
                        (section("activations", show("activation_size", Source::Evaluated)))
                        (section("origin", origin::section(input, measured, plots, format)))
                    }
        },
    )
}

/// A page of its own: style and script are in it.
pub fn document(title: &str, body: Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Bitgauge" }
                style { (PreEscaped(style::css())) }
            }
            body {
                (body)
                script { (PreEscaped(style::SCRIPT)) }
            }
        }
    }
    .into_string()
}

fn section(id: &str, content: Markup) -> Markup {
    let name = SECTIONS.iter().find(|(known, _)| *known == id).map_or("", |(_, name)| *name);
    html! { section id=(id) { h2 { (name) } (content) } }
}

/// A plot on a page, with links to its drawing and its data.
pub fn figure(plots: &[Plot], name: &str, source: Source, format: PlotFormat) -> Markup {
    let Some(plot) = plots.iter().find(|plot| plot.name == name) else { return html! {} };
    html! {
        figure {
            h3 { (plot.title) " " (source.badge()) }
            div.scroll tabindex="0" { (PreEscaped(plot.drawing.inline(&plot.title))) }
            figcaption {
                (plot.caption) " "
                a href=(format.path(name)) { (format.ending().to_uppercase()) } " · " a href=(format!("data/{name}.csv")) { "CSV" }
            }
        }
    }
}
