//! The self-checking bench: one text for Verilator and Icarus, filled with the accelerator's sizes.

use bitgauge_arch::Accelerator;

use super::accesses;
use crate::units::control::map;

/// The bench's path in the export.
pub const TESTBENCH: &str = "testbench/testbench.v";

/// The path of the memory that the bench has behind the accelerator.
pub const MEMORY: &str = "testbench/memory.v";

/// The memory's text, the same for every accelerator.
pub(super) const MEMORY_TEXT: &str = include_str!("memory.v");

/// The bench of an accelerator with so many bytes of external memory.
pub(super) fn text(accelerator: &Accelerator, top: &str, memory_bytes: usize) -> String {
    let bus = accelerator.bus_bytes() as usize;
    let parameters = format!(
        "parameter BUS_BITS = {};\n  parameter LATENCY = {};\n  parameter MEMORY_BEATS = {};",
        8 * bus,
        accelerator.memory.latency_cycles,
        memory_bytes.div_ceil(bus).max(2)
    );
    let mut text = include_str!("testbench.v")
        .replace("// {{parameters}}", &parameters)
        .replace("// {{accesses}}", &accesses::text(accelerator))
        .replace("{{top}}", top)
        .replace("{{reset}}", " .reset(reset),")
        .replace("{{counters}}", &format!("12'h{:03x}", map::offset(map::FIRST_COUNTER)));
    for name in ["command_address", "command_words", "control", "status", "watchdog"] {
        text = text.replace(&format!("{{{{{name}}}}}"), &format!("12'h{:03x}", map::offset(name)));
    }
    let registers = map::registers();
    let bits = registers.iter().filter(|register| ["control", "status"].contains(&register.name.as_str()));
    for bits in bits.flat_map(|register| register.bits) {
        text = text.replace(&format!("{{{{{}}}}}", bits.name), &format!("32'h{:x}", 1u32 << bits.low));
    }
    let any = map::CAUSES.iter().fold(0u32, |any, cause| any | 1 << cause.low);
    text.replace("{{any_cause}}", &format!("32'h{any:x}"))
}
