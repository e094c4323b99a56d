//! The outermost module: lanes packed into buses under their usual AXI names, constants added.

use std::fmt::Write as _;

use crate::signal::Ty;
use crate::verilog::{Design, Module};

/// A bus of the outermost module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bus {
    /// The name.
    pub name: String,
    /// Bits of a lane and whether it is signed.
    pub lane: Ty,
    /// Lanes; `None` for a port that is no vector inside.
    pub lanes: Option<usize>,
    /// Whether it is an input.
    pub input: bool,
}

impl Bus {
    /// Bits of all lanes.
    #[must_use]
    pub fn width(&self) -> usize {
        self.lane.width * self.lanes.unwrap_or(1)
    }

    fn range(&self) -> String {
        if self.width() == 1 && self.lanes.is_none() {
            String::new()
        } else {
            format!("[{}:0] ", self.width() - 1)
        }
    }
}

/// The ports of a design with `name_0`, `name_1`, ... joined to `name`.
#[must_use]
pub fn buses(design: &Design) -> Vec<Bus> {
    let mut buses: Vec<Bus> = Vec::new();
    for port in design.ports.iter().filter(|port| port.name != "clock") {
        let lane = port.name.rsplit_once('_').and_then(|(name, index)| Some((name, index.parse().ok()?)));
        if let Some((name, index)) = lane {
            if index == 0usize {
                let name = name.to_owned();
                buses.push(Bus { name, lane: port.ty, lanes: Some(1), input: port.input });
                continue;
            }
            if let Some(last) = buses.last_mut()
                && last.name == name
                && last.lanes == Some(index)
            {
                last.lanes = Some(index + 1);
                continue;
            }
        }
        buses.push(Bus { name: port.name.clone(), lane: port.ty, lanes: None, input: port.input });
    }
    buses
}

/// An output that never changes: name, bits, value, what it says.
pub type Constant = (&'static str, usize, String, &'static str);

/// The outermost module `name` around a design.
#[must_use]
pub fn wrapper(name: &str, design: &Design, header: &str, constants: &[Constant]) -> Module {
    let buses = buses(design);
    let mut text = String::new();
    for line in header.lines() {
        let _ = writeln!(text, "// {line}");
    }
    let _ = writeln!(
        text,
        "// The accelerator: AXI4-Lite for control, one AXI4 master for external memory.\nmodule {name} ("
    );
    let mut ports = vec!["  input wire clock".to_owned()];
    if design.reset_port {
        ports.push("  input wire reset".to_owned());
    }
    for bus in &buses {
        let direction = if bus.input { "input" } else { "output" };
        ports.push(format!("  {direction} wire {}{}", bus.range(), bus.name));
    }
    for (port, width, _, _) in constants {
        let range = if *width == 1 { String::new() } else { format!("[{}:0] ", width - 1) };
        ports.push(format!("  output wire {range}{port}"));
    }
    let _ = writeln!(text, "{}\n);", ports.join(",\n"));
    for (port, _, value, doc) in constants {
        let _ = writeln!(text, "  // {doc}\n  assign {port} = {value};");
    }
    let mut connections = vec!["    .clock(clock)".to_owned()];
    if design.reset_port {
        connections.push("    .reset(reset)".to_owned());
    }
    for bus in &buses {
        let Some(lanes) = bus.lanes else {
            connections.push(format!("    .{0}({0})", bus.name));
            continue;
        };
        for lane in 0..lanes {
            let (low, high) = (lane * bus.lane.width, (lane + 1) * bus.lane.width - 1);
            let bits = if low == high { format!("{low}") } else { format!("{high}:{low}") };
            connections.push(format!("    .{0}_{lane}({0}[{bits}])", bus.name));
        }
    }
    let _ = writeln!(text, "  {} core (\n{}\n  );\nendmodule", design.top, connections.join(",\n"));
    Module { name: name.to_owned(), text }
}
