//! The self-checking bench: one text for Verilator and Icarus, filled with the accelerator's sizes.

use bitgauge_arch::Accelerator;

use crate::units::control::map;

/// The bench's path in the export.
pub const TESTBENCH: &str = "testbench/testbench.v";

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
        .replace("{{top}}", top)
        .replace("{{reset}}", " .reset(reset),");
    for name in ["command_address", "command_words", "control", "status"] {
        text = text.replace(&format!("{{{{{name}}}}}"), &address(name));
    }
    text.replace("{{counters}}", &address("load_busy_low"))
}

fn address(register: &str) -> String {
    let registers = map::registers();
    let found = registers.iter().find(|entry| entry.name == register);
    format!("12'h{:03x}", found.map_or(0, |entry| entry.offset))
}
