//! One module per plot; each gives its drawing, its caption and its data.

mod access;
mod access_by_operand;
mod activation_size;
mod bandwidth;
mod bars;
mod energy;
mod gantt;
mod layer_cycles;
mod placement;
mod raster;
mod roofline;
mod sqnr;
mod traffic;
mod unit_cycles;

pub use bandwidth::Windows;
pub use bars::Bars;
pub use energy::COLOURS as ENERGY_COLOURS;

use bitgauge_arch::command::Unit;
use bitgauge_arch::program::Operand;

use crate::draw::{Drawing, palette};
use crate::{LayerRow, Measured, ReportError, ReportInput};

/// A plot.
#[derive(Clone, Debug)]
pub struct Plot {
    /// File name without ending.
    pub name: &'static str,
    /// What it shows.
    pub title: String,
    /// What a reader must know to read it.
    pub caption: String,
    /// The drawing.
    pub drawing: Drawing,
    /// The data, CSV.
    pub data: Vec<u8>,
}

/// What plots are drawn from.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub input: &'a ReportInput<'a>,
    pub measured: &'a Measured,
}

impl Context<'_> {
    /// A layer's label: position, name and operator.
    pub fn layer_label(&self, index: usize) -> String {
        self.measured
            .layers
            .get(index)
            .map_or_else(|| format!("{index}"), |layer| format!("{index} {}", short_name(layer)))
    }

    /// A tensor's label: that of the layer that makes it, else its own name.
    pub fn tensor_label(&self, tensor: &str, layer: &str) -> String {
        let made_by = self.measured.layers.iter().position(|known| known.name == layer);
        made_by.map_or_else(|| tensor.to_owned(), |index| self.layer_label(index))
    }

    /// The layer of a command, where the program knows it.
    pub fn layer_of(&self, command: u32) -> Option<usize> {
        let layer = self.input.program.commands.get(command as usize)?.layer as usize;
        (layer < self.measured.layers.len()).then_some(layer)
    }
}

/// All plots, in the order of the page.
pub fn all(input: &ReportInput<'_>, measured: &Measured) -> Result<Vec<Plot>, ReportError> {
    let context = Context { input, measured };
    Ok(vec![
        sqnr::plot(context)?,
        access::plot(context)?,
        access_by_operand::plot(context)?,
        traffic::plot(context)?,
        bandwidth::plot(context)?,
        layer_cycles::plot(context)?,
        unit_cycles::plot(context)?,
        gantt::plot(context)?,
        energy::plot(context)?,
        roofline::plot(context)?,
        activation_size::plot(context)?,
    ])
}

/// What tells a layer apart in little space. Exporters name nodes by their path in the model and, last, the
/// ONNX operator; the layer's own operator says more than that. Where the name says it already it stays out.
fn short_name(layer: &LayerRow) -> String {
    let name = layer.name.trim_start_matches('/');
    let name = name.rsplit_once('/').map_or(name, |(path, _)| path);
    if name.to_lowercase().contains(&layer.operator.to_lowercase()) {
        name.to_owned()
    } else {
        format!("{name} {}", layer.operator)
    }
}

/// Colour of an operand, the same in every plot.
pub fn operand_colour(operand: Operand) -> palette::Ink {
    match operand {
        Operand::Input => palette::BLUE,
        Operand::Weight => palette::ORANGE,
        Operand::Parameter => palette::PURPLE,
        Operand::Residual => palette::GREEN,
        Operand::Output => palette::VERMILLION,
        Operand::Command => palette::GREY,
        Operand::LengthTable => palette::SKY,
    }
}

/// Colour of a unit, the same in every plot.
pub fn unit_colour(unit: Unit) -> palette::Ink {
    match unit {
        Unit::Load => palette::ORANGE,
        Unit::Compute => palette::BLUE,
        Unit::Vector => palette::GREEN,
        Unit::Store => palette::VERMILLION,
    }
}

/// Colours of stall reasons, in the order of `StallReason::ALL`.
pub const STALL_COLOURS: [palette::Ink; 6] =
    [palette::GREY, palette::PURPLE, palette::ORANGE, palette::YELLOW, palette::GREEN, palette::VERMILLION];
