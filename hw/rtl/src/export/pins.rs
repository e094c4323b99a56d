//! A module of five pins around the accelerator, for place and route without a board.
//!
//! All inputs come out of a shift register, all outputs go into another one, so that every path begins
//! and ends in a register and none is optimized away.

use super::wrapper::Bus;
use crate::verilog::Module;

/// The name of the module around `top`.
pub(super) fn name(top: &str) -> String {
    format!("{top}_pins")
}

/// The module around `top` with these buses.
pub(super) fn pins(top: &str, reset: bool, buses: &[Bus], header: &str) -> Module {
    let (mut connections, mut inputs, mut outputs) = (String::new(), 0, 0);
    for bus in buses {
        let (register, next) = if bus.input { ("in", &mut inputs) } else { ("seen", &mut outputs) };
        let bits = match bus.width() {
            1 => format!("{next}"),
            width => format!("{}:{next}", *next + width - 1),
        };
        *next += bus.width();
        connections += &format!(",\n    .{}({register}[{bits}])", bus.name);
    }
    if reset {
        connections += ",\n    .reset(reset_q)";
    }
    let name = name(top);
    let header: String = header.lines().map(|line| format!("// {line}\n")).collect();
    let text = format!(
        "{header}// The accelerator with its ports in shift registers: timing without a board's pins.\n\
         module {name} (\n  input wire clock,\n  input wire reset,\n  input wire shift_in,\n\
         \x20 // take all outputs; else shift them out\n  input wire take,\n  output wire shift_out\n);\n\
         \x20 reg reset_q;\n  reg [{in_top}:0] in;\n  reg [{out_top}:0] out;\n  wire [{out_top}:0] seen;\n\
         \x20 assign shift_out = out[{out_top}];\n  always @(posedge clock) begin\n    reset_q <= reset;\n\
         \x20   in <= {{in[{in_next}:0], shift_in}};\n\
         \x20   out <= take ? seen : {{out[{out_next}:0], 1'b0}};\n  end\n\
         \x20 {top} accelerator (\n    .clock(clock){connections}\n  );\nendmodule\n",
        in_top = inputs - 1,
        in_next = inputs - 2,
        out_top = outputs - 1,
        out_next = outputs - 2,
    );
    Module { name, text }
}
