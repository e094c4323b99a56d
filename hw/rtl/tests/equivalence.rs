//! Proofs by Yosys: the printed modules compute what plain Verilog computes, whatever the operands.
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used)]

mod common;

use bitgauge_rtl::units::Requantizer;
use bitgauge_rtl::units::pe::{Pe, PeWidths};
use bitgauge_rtl::verilog::{Design, Options, Reset, elaborate};
use rust_hdl::prelude::Block;

fn print(unit: &mut dyn Block) -> Design {
    unit.connect_all();
    elaborate(unit, &Options { reset: Reset::Synchronous, ..Options::default() }).unwrap()
}

/// Whether Yosys goes through with a script beside a reference; `None` where it is not installed.
fn proves(design: &Design, reference: &str, script: &str) -> Option<bool> {
    let folder = common::folder(design);
    std::fs::write(folder.path().join("reference.v"), reference).unwrap();
    let script = format!("read_verilog {} reference.v; {script}", common::files(design).join(" "));
    let (success, said) = common::tool(folder.path(), "yosys", &["-q", "-p", &script])?;
    // Nothing but a failed proof may stop it.
    assert!(success || said.contains("unproven") || said.contains("proof did fail"), "{said}");
    Some(success)
}

/// The reference is proven, and the same with a mistake is not.
fn check(design: &Design, reference: &str, script: &str, mistakes: &[(&str, &str)]) {
    let Some(proven) = proves(design, reference, script) else { return };
    assert!(proven, "{}\n{reference}", design.text());
    for (right, wrong) in mistakes {
        let mistaken = reference.replace(right, wrong);
        assert_ne!(mistaken, reference, "{right}");
        assert_eq!(proves(design, &mistaken, script), Some(false), "{mistaken}");
    }
}

/// Registers bear the names of the printed ones: Yosys proves that equal states have equal successors, for
/// every product at once.
#[test]
fn element_is_a_plain_multiplication() {
    for operand in [2, 4, 8] {
        let design = print(&mut Pe::new(PeWidths { operand, accumulator: 32 }));
        let reference = format!(
            "module reference (input clock, input reset, input signed [{operand}:0] a,
  input signed [{operand}-1:0] w, input valid, input first, input last,
  output signed [{operand}:0] a_out, output signed [{operand}-1:0] w_out,
  output valid_out, output first_out, output last_out, output signed [31:0] sum);
  reg signed [{operand}:0] a_r_q;
  reg signed [{operand}-1:0] w_r_q;
  reg valid_r_q, first_r_q, last_r_q;
  reg signed [31:0] accumulator_q, shadow_q;
  wire signed [2*{operand}:0] product = $signed(a_r_q) * $signed(w_r_q);
  wire signed [31:0] next = first_r_q ? product : accumulator_q + product;
  assign a_out = a_r_q, w_out = w_r_q, sum = shadow_q;
  assign valid_out = valid_r_q, first_out = first_r_q, last_out = last_r_q;
  always @(posedge clock)
    if (reset) begin
      a_r_q <= 0; w_r_q <= 0; valid_r_q <= 0; first_r_q <= 0; last_r_q <= 0;
      accumulator_q <= 0; shadow_q <= 0;
    end else begin
      a_r_q <= a; w_r_q <= w; valid_r_q <= valid; first_r_q <= first; last_r_q <= last;
      if (valid_r_q) accumulator_q <= next;
      if (valid_r_q && last_r_q) shadow_q <= next;
    end
endmodule
"
        );
        let script = format!(
            "proc; opt -full -nodffe -nosdff; wreduce; opt -full -nodffe -nosdff;
             equiv_make {} reference proof; hierarchy -top proof; opt_clean;
             equiv_induct -seq 1; equiv_status -assert",
            design.top
        );
        let script = script.replace('\n', " ");
        let mistakes = [
            ("$signed(a_r_q) *", "$signed({1'b0, a_r_q}) *"),
            ("* $signed(w_r_q)", "* $unsigned(w_r_q)"),
            ("first_r_q ? product", "first_r_q ? product + 1"),
        ];
        check(&design, &reference, &script, &mistakes);
    }
}

/// Three cycles after any state the result depends on one input only, so four cycles show all there is.
#[test]
fn requantizer_is_its_definition() {
    let design = print(&mut Requantizer::default());
    let reference = "module reference (input clock, input signed [33:0] x, input [15:0] mantissa,
  input [5:0] shift, input valid, output reg signed [17:0] y, output reg valid_out);
  reg signed [49:0] product, later;
  reg [5:0] by, by_later;
  reg valid_1, valid_2;
  wire signed [50:0] rounded = (later + (51'sd1 <<< (by_later - 6'd1))) >>> by_later;
  always @(posedge clock) begin
    product <= $signed(x) * $signed({1'b0, mantissa});
    later <= product;
    by <= shift;
    by_later <= by;
    y <= rounded > 131071 ? 131071 : rounded < -131072 ? -131072 : rounded;
    valid_1 <= valid;
    valid_2 <= valid_1;
    valid_out <= valid_2;
  end
endmodule
module both (input clock, input signed [33:0] x, input [15:0] mantissa, input [5:0] any, input valid,
  output differ);
  wire [5:0] shift = any == 0 || any > 47 ? 6'd1 : any;
  wire signed [17:0] y, z;
  wire v, u;
  requantizer gates (.clock(clock), .reset(1'b0), .x(x), .mantissa(mantissa), .shift(shift), .valid(valid),
    .y(y), .valid_out(v));
  reference plain (.clock(clock), .x(x), .mantissa(mantissa), .shift(shift), .valid(valid),
    .y(z), .valid_out(u));
  assign differ = y != z || v != u;
endmodule
";
    let script = "hierarchy -top both; proc; flatten; opt -full; wreduce; opt -full; \
                  sat -seq 4 -prove-skip 3 -prove differ 0 -verify";
    let mistakes = [
        (
            "(later + (51'sd1 <<< (by_later - 6'd1)))",
            "(later + (51'sd1 <<< (by_later - 6'd1)) - (by_later == 30))",
        ),
        ("$signed({1'b0, mantissa})", "$signed(mantissa)"),
        ("? -131072", "? -131071"),
    ];
    check(&design, reference, script, &mistakes);
}
