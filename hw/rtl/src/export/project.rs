//! What tools want beside the Verilog: Makefile, FuseSoC core, clock constraints.

use std::fmt::Write as _;

use bitgauge_arch::Accelerator;

use super::{File, MEMORY, TESTBENCH, VECTOR_FILES};

/// Lint, and the bench with the two open simulators where it has vectors to check.
pub(super) fn makefile(top: &str, vectors: bool) -> String {
    let lint = format!(
        "SOURCES := $(addprefix rtl/,$(shell cat rtl/files.f))\n\n\
         lint:\n\tverilator --lint-only -Wall --top-module {top} $(SOURCES)\n\n"
    );
    if !vectors {
        return format!(
            "# make lint: without vectors there is nothing that the bench could check\n{lint}.PHONY: lint\n"
        );
    }
    format!(
        "# make verilator | icarus | stall | slaves | recovery | lint | clean\n\
         # Each ends with exit code 0 where the accelerator does what the simulator did. Icarus takes minutes\n\
         # for an inference of the vision transformer, Verilator a minute to build and a second to run.\n\
         BENCH := {TESTBENCH} {MEMORY}\n\
         ARGUMENTS ?=\n\n\
         all: verilator\n\n\
         {lint}\
         build/verilator/Vtestbench: $(SOURCES) $(BENCH)\n\
         \tmkdir -p build\n\tverilator --binary -O3 -CFLAGS -std=gnu++20 -Wno-fatal -Wno-lint -Wno-style --top-module testbench -Mdir build/verilator $(BENCH) $(SOURCES)\n\n\
         verilator: build/verilator/Vtestbench\n\
         \tbuild/verilator/Vtestbench $(ARGUMENTS)\n\n\
         # Random stalls; orders of addresses and data; runs that end badly before the one that is checked.\n\
         stall: build/verilator/Vtestbench\n\tbuild/verilator/Vtestbench +stall=7\n\n\
         slaves: build/verilator/Vtestbench\n\
         \tfor kind in 1 2 3 4 5 6; do build/verilator/Vtestbench +slave=$$kind || exit 1; done\n\n\
         recovery: build/verilator/Vtestbench\n\
         \tfor case in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do build/verilator/Vtestbench +before=$$case +at=5 || exit 1; done\n\n\
         build/testbench.vvp: $(SOURCES) $(BENCH)\n\
         \tmkdir -p build\n\tiverilog -g2005 -s testbench -o $@ $(BENCH) $(SOURCES)\n\n\
         icarus: build/testbench.vvp\n\
         \tvvp -N build/testbench.vvp $(ARGUMENTS)\n\n\
         clean:\n\trm -rf build\n\n\
         .PHONY: all lint verilator stall slaves recovery icarus clean\n"
    )
}

/// A core description with targets for synthesis and lint, and one for the bench where it has vectors.
pub(super) fn fusesoc(top: &str, sources: &[String], vectors: bool) -> String {
    let list: String = sources.iter().map(|file| format!("      - rtl/{file}\n")).collect();
    let mut text = format!(
        "CAPI=2:\n\
         name: ::{top}:{version}\n\
         description: Neural network accelerator, exported by Bitgauge\n\n\
         filesets:\n  rtl:\n    files:\n{list}    file_type: verilogSource-2005\n",
        version = env!("CARGO_PKG_VERSION"),
    );
    if vectors {
        let _ = write!(
            text,
            "\x20 testbench:\n    files:\n      - {TESTBENCH}\n      - {MEMORY}\n    file_type: verilogSource-2005\n\
             \x20 vectors:\n    files:\n"
        );
        for file in VECTOR_FILES {
            let _ = writeln!(text, "      - {file}: {{file_type: user, copyto: {file}}}");
        }
    }
    let _ = write!(
        text,
        "\ntargets:\n  default: &default\n    filesets: [rtl]\n    toplevel: {top}\n\
         \x20 lint:\n    <<: *default\n    default_tool: verilator\n    tools:\n      verilator:\n        mode: lint-only\n        verilator_options: [-Wall]\n"
    );
    if vectors {
        text += "  # Passes or fails with its exit code.\n\
                 \x20 sim:\n    filesets: [rtl, testbench, vectors]\n    toplevel: testbench\n    default_tool: icarus\n    tools:\n      icarus:\n        iverilog_options: [-g2005]\n";
    }
    text
}

/// What place and route reaches, in MHz: `designs/ecp5-8x8.toml` on the ECP5 of speed grade 8 was routed for 68
/// MHz, and is at 56 before routing as it is now (docs/reference/synthesis.md).
const ROUTED_MHZ: u32 = 50;

/// The clock for two families. Pins belong to a board and are left to its file.
pub(super) fn constraints(accelerator: &Accelerator) -> Vec<File> {
    let asked = accelerator.clock.mhz;
    let mhz = asked.min(ROUTED_MHZ);
    let period = 1000.0 / f64::from(mhz);
    let why = format!(
        "# The description's clock is {asked} MHz. Open tools route an 8 x 8 design on an ECP5 for {ROUTED_MHZ} MHz; ask for\n\
         # more once your tool reports slack.\n"
    );
    vec![
        File::new("constraints/ecp5.lpf", format!("{why}FREQUENCY PORT \"clock\" {mhz} MHZ;\n")),
        File::new(
            "constraints/xilinx7.xdc",
            format!("{why}create_clock -name clock -period {period:.3} [get_ports clock]\n"),
        ),
    ]
}
