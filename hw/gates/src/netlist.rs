//! A mapped netlist, as Yosys writes it in JSON: cells of a library, and nets between them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::GatesError;
use crate::liberty::{Cell, Library};

/// A net. The first two are constants.
pub type Net = u32;

/// The net that is always 0.
pub const ZERO: Net = 0;
/// The net that is always 1.
pub const ONE: Net = 1;

/// A port's nets, the lowest bit first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Whether it is an input.
    pub input: bool,
    /// Nets.
    pub bits: Vec<Net>,
}

/// A cell of the netlist.
#[derive(Clone, Debug)]
pub struct Instance<'l> {
    /// Its type.
    pub kind: &'l str,
    /// What the library says of it.
    pub cell: &'l Cell,
    /// Nets at the inputs.
    pub inputs: Vec<Net>,
    /// Nets at the outputs, where there are any.
    pub outputs: Vec<Option<Net>>,
}

/// A netlist.
#[derive(Clone, Debug)]
pub struct Netlist<'l> {
    /// Number of nets.
    pub nets: usize,
    /// Ports by name.
    pub ports: BTreeMap<String, Port>,
    /// Cells.
    pub cells: Vec<Instance<'l>>,
}

#[derive(Deserialize)]
struct Document {
    modules: BTreeMap<String, Module>,
}

#[derive(Deserialize)]
struct Module {
    ports: BTreeMap<String, PortText>,
    cells: BTreeMap<String, CellText>,
}

#[derive(Deserialize)]
struct PortText {
    direction: String,
    bits: Vec<Value>,
}

#[derive(Deserialize)]
struct CellText {
    #[serde(rename = "type")]
    kind: String,
    connections: BTreeMap<String, Vec<Value>>,
}

/// Gives the bits of the text numbers without holes.
#[derive(Default)]
struct Nets(BTreeMap<u64, Net>);

impl Nets {
    fn of(&mut self, bit: &Value) -> Net {
        match bit.as_u64() {
            Some(number) => {
                let next = self.0.len() as Net + 2;
                *self.0.entry(number).or_insert(next)
            }
            // Whatever has no driver is a zero, as `setundef -zero` has it.
            None => {
                if bit.as_str() == Some("1") {
                    ONE
                } else {
                    ZERO
                }
            }
        }
    }
}

impl<'l> Netlist<'l> {
    /// Reads the module `top`.
    ///
    /// # Errors
    /// JSON of another shape; no such module; a cell that the library lacks or that cannot be used; a net with no
    /// driver or two.
    pub fn from_json(text: &str, top: &str, library: &'l Library) -> Result<Netlist<'l>, GatesError> {
        let refuse = |problem: String| GatesError::Netlist { problem };
        let mut document: Document = serde_json::from_str(text).map_err(|error| refuse(error.to_string()))?;
        let module =
            document.modules.remove(top).ok_or_else(|| refuse(format!("there is no module `{top}`")))?;
        let mut nets = Nets::default();
        let mut ports = BTreeMap::new();
        for (name, port) in module.ports {
            let bits = port.bits.iter().map(|bit| nets.of(bit)).collect();
            ports.insert(name, Port { input: port.direction == "input", bits });
        }
        let mut cells = Vec::new();
        for (name, cell) in &module.cells {
            // Notes of Yosys on where a cell comes from.
            if cell.kind == "$scopeinfo" {
                continue;
            }
            let missing = |why: &str| GatesError::Cell {
                cell: cell.kind.clone(),
                library: library.name.clone(),
                why: why.to_owned(),
            };
            let (kind, known) =
                library.cells.get_key_value(&cell.kind).ok_or_else(|| missing("it is not there"))?;
            let known = known.as_ref().map_err(|why| missing(why))?;
            let mut at =
                |pin: &str| -> Option<Net> { cell.connections.get(pin)?.first().map(|bit| nets.of(bit)) };
            let inputs = known.inputs.iter().map(|input| {
                at(&input.name)
                    .ok_or_else(|| refuse(format!("`{name}`: nothing is at input `{}`", input.name)))
            });
            let inputs = inputs.collect::<Result<_, _>>()?;
            let outputs = known.outputs.iter().map(|output| at(&output.name)).collect();
            cells.push(Instance { kind, cell: known, inputs, outputs });
        }
        let netlist = Netlist { nets: nets.0.len() + 2, ports, cells };
        netlist.check()?;
        Ok(netlist)
    }

    /// Every net that somebody reads has one driver.
    fn check(&self) -> Result<(), GatesError> {
        let mut drivers = vec![0u32; self.nets];
        (drivers[ZERO as usize], drivers[ONE as usize]) = (1, 1);
        let inputs = self.ports.values().filter(|port| port.input).flat_map(|port| port.bits.iter().copied());
        let outputs = self.cells.iter().flat_map(|cell| cell.outputs.iter().flatten().copied());
        for net in inputs.chain(outputs) {
            drivers[net as usize] += 1;
        }
        match drivers.iter().position(|&drivers| drivers != 1) {
            Some(net) => {
                Err(GatesError::Netlist { problem: format!("net {net} has {} drivers", drivers[net]) })
            }
            None => Ok(()),
        }
    }

    /// A port.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn port(&self, name: &str) -> Result<&Port, GatesError> {
        self.ports
            .get(name)
            .ok_or_else(|| GatesError::Netlist { problem: format!("there is no port `{name}`") })
    }

    /// Area, in the library's unit.
    #[must_use]
    pub fn area(&self) -> f64 {
        self.cells.iter().map(|cell| cell.cell.area).sum()
    }

    /// Flip-flops.
    #[must_use]
    pub fn flip_flops(&self) -> usize {
        self.cells.iter().filter(|cell| cell.cell.sequential.is_some()).count()
    }
}
