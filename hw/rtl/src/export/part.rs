//! Parts of an accelerator by themselves, for synthesis.

use super::wrapper::Bus;
use super::{header, pins, reset, top_name, with_pins};
use crate::units::Shape;
use crate::units::array::{Array, ArrayShape};
use crate::units::compute::feed::Feed;
use crate::verilog::{Design, Error, Module, Naming, Options, elaborate};
use bitgauge_arch::Accelerator;
use rust_hdl::prelude::Block;

/// What of an accelerator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// The processing elements, and what picks their sums.
    Array,
    /// What reads operands and deals them to the array's edges.
    Feed,
}

/// A part as modules.
#[derive(Clone, Debug)]
pub struct PartDesign {
    /// The modules, the outermost last.
    pub modules: Vec<Module>,
    /// A module around the outermost that needs five pins only, for place and route.
    pub pins: Module,
    /// The outermost.
    pub top: String,
}

/// The modules of a part.
///
/// # Errors
/// Where the design cannot be printed; never for a checked description.
pub fn part(accelerator: &Accelerator, part: Part) -> Result<PartDesign, Error> {
    let shape = Shape::of(accelerator);
    match part {
        Part::Whole => {
            let (modules, pins) = with_pins(accelerator, None)?;
            Ok(PartDesign { modules, pins, top: top_name(accelerator) })
        }
        Part::Array => {
            let sizes = ArrayShape { rows: shape.rows, cols: shape.cols, lanes: shape.post_lanes };
            alone(accelerator, &mut Array::new(sizes, &shape.mac))
        }
        Part::Feed => alone(accelerator, &mut Feed::new(&shape)),
    }
}

fn alone<B: Block>(accelerator: &Accelerator, unit: &mut B) -> Result<PartDesign, Error> {
    let header = header(accelerator);
    let options = Options { reset: reset(accelerator), header: header.clone(), naming: Naming::Hashed };
    unit.connect_all();
    let Design { modules, top, ports, reset_port, .. } = elaborate(unit, &options)?;
    let bus = |name: &str, lane, input| Bus { name: name.to_owned(), lane, lanes: None, input };
    let ports = ports.iter().filter(|port| port.name != "clock");
    let buses: Vec<Bus> = ports.map(|port| bus(&port.name, port.ty, port.input)).collect();
    let pins = pins::pins(&top, reset_port, &buses, &header);
    Ok(PartDesign { modules, pins, top })
}
