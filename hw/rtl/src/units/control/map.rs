//! The registers that a host sees: one table for decoder, documentation and driver.

use std::fmt::Write as _;

/// "BITG": what the first register holds.
pub const MAGIC: u32 = 0x4249_5447;
/// Bits of a register's byte address.
pub const ADDRESS_BITS: usize = 12;
/// The units, in the order of their numbers.
pub const UNITS: [&str; 4] = ["load", "compute", "vector", "store"];
/// What a unit's cycle may be counted as, the first that applies; the meaning stands with the simulator's
/// `UnitCycles`.
pub const COUNTERS: [(&str, &str); 8] = [
    ("busy", "working"),
    ("token", "waiting for a token"),
    ("bank", "waiting for a bank of a scratchpad"),
    ("memory", "waiting for external memory"),
    ("operand", "store: waiting for lines to read, or for room"),
    ("codec", "load: a last line is on its way through the unpacker"),
    ("drain", "compute: waiting for the drain"),
    ("idle", "nothing to do"),
];
/// The first of the units' counters; the others follow it, 8 bytes each.
pub const FIRST_COUNTER: &str = "load_busy_low";
/// Byte offset of the first unit's counters.
const UNIT_COUNTERS: u32 = 0x100;

/// What a host may do with a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read only.
    Read,
    /// Write; reads zero.
    Write,
    /// Read and write.
    ReadWrite,
}

impl Access {
    /// As tables write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Access::Read => "r",
            Access::Write => "w",
            Access::ReadWrite => "rw",
        }
    }
}

/// A part of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// Name.
    pub name: &'static str,
    /// Lowest bit.
    pub low: u32,
    /// Number of bits.
    pub width: u32,
    /// What it is.
    pub doc: &'static str,
}

/// A register of 32 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// Name.
    pub name: String,
    /// Byte offset.
    pub offset: u32,
    /// What a host may do with it.
    pub access: Access,
    /// Value after reset; `None` where the design's description decides it.
    pub reset: Option<u32>,
    /// What it is.
    pub doc: String,
    /// Its parts, if it has several.
    pub bits: &'static [Bits],
}

impl Register {
    /// What it holds where that never changes, in a design with this hash; zero for others.
    #[must_use]
    pub fn constant(&self, configuration: u64) -> u32 {
        match self.name.as_str() {
            "configuration_low" => configuration as u32,
            "configuration_high" => (configuration >> 32) as u32,
            _ => self.reset.unwrap_or(0),
        }
    }
}

const fn flag(name: &'static str, low: u32, doc: &'static str) -> Bits {
    Bits { name, low, width: 1, doc }
}

const VERSION_BITS: [Bits; 3] = [
    Bits { name: "patch", low: 0, width: 8, doc: "third number" },
    Bits { name: "minor", low: 8, width: 8, doc: "second number" },
    Bits { name: "major", low: 16, width: 16, doc: "first number" },
];
const CONTROL_BITS: [Bits; 2] = [
    flag("start", 0, "starts a run; without effect while one is running"),
    flag("abort", 1, "ends the run; without effect while none is running"),
];
/// Why a run ended without its `end`.
pub const CAUSES: [Bits; 8] = [
    flag("bad_command", 8, "a word of the program is no command word"),
    flag("no_end", 9, "the program's words hold no `end`"),
    flag("bad_table", 10, "a length table does not fit its blocks"),
    flag("slave_error", 11, "external memory answered SLVERR"),
    flag("decode_error", 12, "external memory answered DECERR"),
    flag("timeout", 13, "the run was not over after `watchdog` cycles"),
    flag("aborted", 14, "the host wrote `abort`"),
    flag("misaligned", 15, "`command_address` is no multiple of the bus width"),
];
const STATUS_BITS: [Bits; 3 + CAUSES.len()] = {
    let [a, b, c, d, e, f, g, h] = CAUSES;
    [
        flag("running", 0, "a run is on, or bursts that it began are not over yet"),
        flag("done", 1, "a run is over, its results and counters stand; cleared by the next start"),
        flag(
            "error",
            2,
            "the run ended for one of the causes below and left no results; cleared by the next start",
        ),
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        h,
    ]
};

/// Version of the hardware: major, minor and patch number of this crate.
#[must_use]
pub fn version() -> u32 {
    let number = |text: &str| text.parse::<u32>().unwrap_or(0);
    number(env!("CARGO_PKG_VERSION_MAJOR")) << 16
        | number(env!("CARGO_PKG_VERSION_MINOR")) << 8
        | number(env!("CARGO_PKG_VERSION_PATCH"))
}

/// All registers, by offset.
#[must_use]
pub fn registers() -> Vec<Register> {
    use Access::{Read, ReadWrite, Write};
    let mut all: Vec<Register> = vec![];
    let mut add = |name: &str, access, reset: Option<u32>, doc: &str, bits| {
        let offset = 4 * all.len() as u32;
        all.push(Register { name: name.into(), offset, access, reset, doc: doc.into(), bits });
    };
    add("id", Read, Some(MAGIC), "marks the accelerator: \"BITG\"", &[]);
    add("version", Read, Some(version()), "version of the hardware", &VERSION_BITS);
    add("configuration_low", Read, None, "hash of the description, low half", &[]);
    add("configuration_high", Read, None, "hash of the description, high half", &[]);
    add("control", Write, Some(0), "commands to the accelerator", &CONTROL_BITS);
    add("status", Read, Some(0), "state of the accelerator", &STATUS_BITS);
    add(
        "command_address",
        ReadWrite,
        Some(0),
        "byte address of the first command word, a multiple of the bus' bytes",
        &[],
    );
    add("command_words", ReadWrite, Some(0), "number of command words, `end` included", &[]);
    add("cycles_low", Read, Some(0), "cycles of the run, low 32 bits", &[]);
    add("cycles_high", Read, Some(0), "cycles of the run, high 8 bits", &[]);
    add(
        "watchdog",
        ReadWrite,
        Some(0),
        "cycles after which a run that is not over is ended; 0: never. Taken over at the start",
        &[],
    );
    let mut offset = UNIT_COUNTERS;
    for unit in UNITS {
        for (counter, doc) in COUNTERS {
            for (half, bits) in [("low", "low 32"), ("high", "high 8")] {
                all.push(Register {
                    name: format!("{unit}_{counter}_{half}"),
                    offset,
                    access: Read,
                    reset: Some(0),
                    doc: format!("cycles of {unit}: {doc}; {bits} bits"),
                    bits: &[],
                });
                offset += 4;
            }
        }
    }
    all
}

/// Index of a register in [`registers`]; the number of registers if there is none of that name.
#[must_use]
pub fn position(registers: &[Register], name: &str) -> usize {
    registers.iter().position(|register| register.name == name).unwrap_or(registers.len())
}

/// Byte offset of a register; one past the map if there is none of that name.
#[must_use]
pub fn offset(name: &str) -> u32 {
    let all = registers();
    all.get(position(&all, name)).map_or(1 << ADDRESS_BITS, |register| register.offset)
}

/// The register map as a page of Markdown.
#[must_use]
pub fn register_map_markdown() -> String {
    let mut text = String::from(
        "# Register map\n\nRegisters of 32 bits behind the AXI4-Lite port, by byte offset. Other offsets read \
         zero and ignore writes. Counters have 40 bits; they stand once `done` is set. For each unit the \
         eight counters add up to `cycles`.\n\n| Offset | Name | Access | Reset | What it is |\n|---|---|---|---|---|\n",
    );
    for register in registers() {
        let reset = register.reset.map_or_else(|| "by the description".into(), |reset| format!("{reset:#x}"));
        let Register { name, offset, access, doc, .. } = &register;
        let _ = writeln!(text, "| {offset:#05x} | `{name}` | {} | {reset} | {doc} |", access.name());
    }
    for register in registers().iter().filter(|register| !register.bits.is_empty()) {
        let _ = write!(text, "\n## `{}`\n\n| Bits | Name | What it is |\n|---|---|---|\n", register.name);
        for Bits { name, low, width, doc } in register.bits {
            let high = low + width - 1;
            let range = if high > *low { format!("{high}:{low}") } else { low.to_string() };
            let _ = writeln!(text, "| {range} | `{name}` | {doc} |");
        }
    }
    text
}

/// The register map as a C header.
#[must_use]
pub fn register_map_header() -> String {
    let mut text = String::from(
        "/* Registers of the accelerator: byte offsets behind its AXI4-Lite port, and their parts. */\n\
         #ifndef BITGAUGE_REGISTERS_H\n#define BITGAUGE_REGISTERS_H\n\n",
    );
    let _ = writeln!(text, "#define BITGAUGE_MAGIC {MAGIC:#010x}u\n");
    for Register { name, offset, doc, bits, .. } in registers() {
        let name = name.to_uppercase();
        let _ = writeln!(text, "/* {doc} */\n#define BITGAUGE_{name} {offset:#05x}u");
        for Bits { name: part, low, width, doc } in bits {
            let part = part.to_uppercase();
            let mask = (u32::MAX >> (32 - width)) << low;
            let _ = writeln!(text, "#define BITGAUGE_{name}_{part} {mask:#010x}u /* {doc} */");
            let _ = writeln!(text, "#define BITGAUGE_{name}_{part}_SHIFT {low}u");
        }
    }
    text + "\n#endif\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_do_not_overlap() {
        let all = registers();
        assert!(all.windows(2).all(|pair| pair[0].offset + 4 <= pair[1].offset));
        assert!(all.iter().all(|register| register.offset + 4 <= 1 << ADDRESS_BITS));
        assert!(all.iter().all(|register| offset(&register.name) == register.offset));
        assert_eq!(offset(FIRST_COUNTER), UNIT_COUNTERS);
        let mut names: Vec<_> = all.iter().map(|register| &register.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn page_and_header_have_every_register() {
        let (page, header) = (register_map_markdown(), register_map_header());
        for register in registers() {
            assert!(page.contains(&format!("| `{}` |", register.name)));
            assert!(header.contains(&format!(
                "BITGAUGE_{} {:#05x}u\n",
                register.name.to_uppercase(),
                register.offset
            )));
        }
        assert!(header.contains("#define BITGAUGE_STATUS_ERROR 0x00000004u"));
    }
}
