//! What tools want beside the Verilog: Makefile, FuseSoC core, clock constraints.

use bitgauge_arch::Accelerator;

use super::{File, TESTBENCH};

/// Lint and bench with the two open simulators.
pub(super) fn makefile(top: &str) -> String {
    format!(
        "# make lint | verilator | icarus | stall | clean\n\
         SOURCES := $(addprefix rtl/,$(shell cat rtl/files.f))\n\
         BENCH := {TESTBENCH}\n\
         ARGUMENTS ?=\n\n\
         all: verilator\n\n\
         lint:\n\tverilator --lint-only -Wall --top-module {top} $(SOURCES)\n\n\
         build/verilator/Vtestbench: $(SOURCES) $(BENCH)\n\
         \tmkdir -p build\n\tverilator --binary -O3 -Wno-fatal -Wno-lint -Wno-style --top-module testbench -Mdir build/verilator $(BENCH) $(SOURCES)\n\n\
         verilator: build/verilator/Vtestbench\n\
         \tbuild/verilator/Vtestbench $(ARGUMENTS) | tee build/verilator.log\n\
         \t@grep -q '^PASS$$' build/verilator.log\n\n\
         stall:\n\t$(MAKE) verilator ARGUMENTS=+stall=7\n\n\
         build/testbench.vvp: $(SOURCES) $(BENCH)\n\
         \tmkdir -p build\n\tiverilog -g2005 -s testbench -o $@ $(BENCH) $(SOURCES)\n\n\
         icarus: build/testbench.vvp\n\
         \tvvp -N build/testbench.vvp $(ARGUMENTS) | tee build/icarus.log\n\
         \t@grep -q '^PASS$$' build/icarus.log\n\n\
         clean:\n\trm -rf build\n\n\
         .PHONY: all lint verilator stall icarus clean\n"
    )
}

/// A core description with targets for synthesis, lint and the bench.
pub(super) fn fusesoc(top: &str, sources: &[String]) -> String {
    let list: String = sources.iter().map(|file| format!("      - rtl/{file}\n")).collect();
    format!(
        "CAPI=2:\n\
         name: ::{top}:{version}\n\
         description: Neural network accelerator, exported by Bitgauge\n\n\
         filesets:\n  rtl:\n    files:\n{list}    file_type: verilogSource-2005\n\
         \x20 testbench:\n    files:\n      - {TESTBENCH}\n    file_type: verilogSource-2005\n\n\
         targets:\n  default: &default\n    filesets: [rtl]\n    toplevel: {top}\n\
         \x20 lint:\n    <<: *default\n    default_tool: verilator\n    tools:\n      verilator:\n        mode: lint-only\n        verilator_options: [-Wall]\n\
         \x20 sim:\n    filesets: [rtl, testbench]\n    toplevel: testbench\n    default_tool: icarus\n    tools:\n      icarus:\n        iverilog_options: [-g2005]\n",
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// The clock for three families. Pins belong to a board and are left to its file.
pub(super) fn constraints(accelerator: &Accelerator) -> Vec<File> {
    let mhz = accelerator.clock.mhz;
    let period = 1000.0 / f64::from(mhz);
    vec![
        File::new("constraints/ecp5.lpf", format!("FREQUENCY PORT \"clock\" {mhz} MHZ;\n")),
        File::new("constraints/ice40.py", format!("ctx.addClock(\"clock\", {mhz})\n")),
        File::new(
            "constraints/xilinx7.xdc",
            format!("create_clock -name clock -period {period:.3} [get_ports clock]\n"),
        ),
    ]
}
