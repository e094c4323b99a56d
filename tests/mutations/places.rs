//! The ports of the memories on the chip and the AXI port, as the bench sees them.

use std::fmt::Write as _;

use bitgauge_arch::Accelerator;
use bitgauge_arch::command::Unit;
use bitgauge_arch::footprint::{Port, Space};

/// How an address becomes units of its space.
#[derive(Clone, Copy)]
pub enum Step {
    /// Lines of a scratchpad, as they are.
    Line,
    /// A group of so many entries is read.
    Group(u64),
    /// The entry of a table is read: so many entries a table.
    Entry(u64),
    /// Bytes by enables behind the byte address of a line; so many bytes a unit.
    Bytes(u64),
    /// Beats of a burst behind a byte address.
    Burst,
}

/// A port of a memory: whose it is, and what the bench has to look at.
pub struct Place {
    pub name: String,
    /// Whose commands it serves; commands are fetched through that of the load unit.
    pub unit: Unit,
    pub space: Space,
    pub port: Port,
    pub step: Step,
    pub enable: String,
    pub address: String,
    /// Byte enables of a write, beats less one of a burst.
    pub more: String,
}

/// Every port of every memory.
pub fn places(accelerator: &Accelerator) -> Vec<Place> {
    let mut places = Vec::new();
    let mut add = |unit, space, port, step, memory: &str, index: &str, address: &str| {
        let at = format!("dut.core.u_{memory}");
        let write = port == Port::Write;
        let signal = if write { "we" } else { "re" };
        // All lanes of a table read at once.
        let enable = if memory.ends_with("tables") || index.is_empty() {
            format!("{at}.{signal}")
        } else {
            format!("{at}.{signal}{index}")
        };
        places.push(Place {
            name: format!("{memory}_{signal}{address}"),
            unit,
            space,
            port,
            step,
            enable: if write { format!("|{enable}") } else { enable.clone() },
            address: format!("{at}.{}addr{address}", if write { "w" } else { "r" }),
            more: if write { enable } else { "0".to_owned() },
        });
    };
    use Space as S;
    for (index, (unit, port)) in [
        (Unit::Compute, Port::Read),
        (Unit::Compute, Port::Residual),
        (Unit::Vector, Port::Read),
        (Unit::Store, Port::Read),
    ]
    .into_iter()
    .enumerate()
    {
        let index = format!("_{index}");
        add(unit, S::Activation, port, Step::Line, "activation", &index, &index);
    }
    for (index, unit) in [Unit::Load, Unit::Compute, Unit::Vector].into_iter().enumerate() {
        let index = format!("_{index}");
        add(unit, S::Activation, Port::Write, Step::Line, "activation", &index, &index);
    }
    for (index, unit) in [Unit::Compute, Unit::Vector].into_iter().enumerate() {
        let index = format!("_{index}");
        add(unit, S::Weight, Port::Read, Step::Line, "weight", &index, &index);
    }
    for (index, unit) in [Unit::Load, Unit::Vector].into_iter().enumerate() {
        let index = format!("_{index}");
        add(unit, S::Weight, Port::Write, Step::Line, "weight", &index, &index);
    }
    let lanes = accelerator.vector.lanes;
    add(Unit::Compute, S::PostParameter, Port::Read, Step::Group(1), "post_parameters", "", "");
    add(
        Unit::Vector,
        S::VectorParameter,
        Port::Read,
        Step::Group(u64::from(lanes)),
        "vector_parameters",
        "",
        "",
    );
    add(Unit::Load, S::PostParameter, Port::Write, Step::Bytes(8), "post_parameters", "", "");
    add(Unit::Load, S::VectorParameter, Port::Write, Step::Bytes(8), "vector_parameters", "", "");
    for lane in 0..accelerator.post.lanes {
        add(
            Unit::Compute,
            S::PostTable,
            Port::Read,
            Step::Entry(256),
            "post_tables",
            "",
            &format!("_{lane}"),
        );
    }
    for lane in 0..lanes {
        add(
            Unit::Vector,
            S::VectorTable,
            Port::Read,
            Step::Entry(256),
            "vector_tables",
            "",
            &format!("_{lane}"),
        );
    }
    add(Unit::Load, S::PostTable, Port::Write, Step::Bytes(256), "post_tables", "", "");
    add(Unit::Load, S::VectorTable, Port::Write, Step::Bytes(512), "vector_tables", "", "");
    for (letter, unit, port) in [("r", Unit::Load, Port::Read), ("w", Unit::Store, Port::Write)] {
        places.push(Place {
            name: format!("axi_{letter}"),
            unit,
            space: S::External,
            port,
            step: Step::Burst,
            enable: format!("m_axi_a{letter}valid && m_axi_a{letter}ready"),
            address: format!("m_axi_a{letter}addr"),
            more: format!("m_axi_a{letter}len"),
        });
    }
    places
}

/// Verilog for the bench: a line for every access, to the file that `+ports=` names.
pub fn recorder(accelerator: &Accelerator) -> String {
    let mut text =
        "  // ---- accesses, one a line: port, cycle, address, enables or beats less one ----\n".to_owned();
    text += "  integer ports_file;\n  reg [1023:0] ports_path;\n";
    text +=
        "  initial if ($value$plusargs(\"ports=%s\", ports_path)) ports_file = $fopen(ports_path, \"w\");\n";
    text += "    else ports_file = 0;\n  always @(posedge clock) if (ports_file != 0) begin\n";
    for Place { name, enable, address, more, .. } in places(accelerator) {
        writeln!(
            text,
            "    if ({enable}) $fwrite(ports_file, \"{name} %0d %0d %0d\\n\", now, {address}, {more});"
        )
        .unwrap();
    }
    text + "  end\n"
}
