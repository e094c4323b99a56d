//! Proofs by Yosys: the printed modules compute what plain Verilog computes, whatever the operands.
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used)]

mod common;

use bitgauge_arch::description::MacKind;
use bitgauge_rtl::units::Requantizer;
use bitgauge_rtl::units::mac::MacShape;
use bitgauge_rtl::units::mac::fusible::FusibleCore;
use bitgauge_rtl::units::mac::serial::SerialCore;
use bitgauge_rtl::units::pe::Pe;
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

/// Whether a bench that goes through all inputs finds no difference; `None` where Icarus is not installed.
fn exhausts(design: &Design, bench: &str) -> Option<bool> {
    let folder = common::folder(design);
    std::fs::write(folder.path().join("bench.v"), bench).unwrap();
    let files = common::files(design);
    let arguments = ["-g2005", "-o", "bench", "-s", "bench", "bench.v"].into_iter();
    let arguments: Vec<&str> = arguments.chain(files.iter().map(String::as_str)).collect();
    let (built, said) = common::tool(folder.path(), "iverilog", &arguments)?;
    assert!(built, "{said}");
    let (_, said) = common::tool(folder.path(), "vvp", &["bench"])?;
    assert_ne!(said.contains("all the same"), said.contains("differs"), "{said}");
    Some(said.contains("all the same"))
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
        let design = print(&mut Pe::new(&MacShape::multiplier(operand, 32)));
        let reference = format!(
            "module reference (input clock, input reset, input [{operand}-1:0] a_0,
  input signed [{operand}-1:0] w_0, input mode, input [2:0] flags,
  output [{operand}-1:0] a_out_0, output signed [{operand}-1:0] w_out_0,
  output mode_out, output [2:0] flags_out, output signed [31:0] sum);
  reg [{operand}-1:0] a_r_0_q;
  reg signed [{operand}-1:0] w_r_0_q;
  reg mode_r_q;
  reg [2:0] flags_r_q;
  reg signed [2*{operand}:0] term_q;
  reg signed [31:0] accumulator_q, shadow_q;
  wire signed [{operand}:0] a = {{mode_r_q & a_r_0_q[{operand}-1], a_r_0_q}};
  wire signed [31:0] next = flags_r_q[1] ? term_q : accumulator_q + term_q;
  assign a_out_0 = a_r_0_q, w_out_0 = w_r_0_q, sum = shadow_q, mode_out = mode_r_q, flags_out = flags_r_q;
  always @(posedge clock)
    if (reset) begin
      a_r_0_q <= 0; w_r_0_q <= 0; mode_r_q <= 0; flags_r_q <= 0; term_q <= 0;
      accumulator_q <= 0; shadow_q <= 0;
    end else begin
      a_r_0_q <= a_0; w_r_0_q <= w_0; mode_r_q <= mode; flags_r_q <= flags;
      term_q <= $signed(a) * $signed(w_r_0_q);
      if (flags_r_q[0]) accumulator_q <= next;
      if (flags_r_q[0] && flags_r_q[2]) shadow_q <= next;
    end
endmodule
"
        );
        let script = format!(
            "proc; flatten; opt -full -nodffe -nosdff; wreduce; opt -full -nodffe -nosdff;
             equiv_make {} reference proof; hierarchy -top proof; opt_clean;
             equiv_induct -seq 1; equiv_status -assert",
            design.top
        );
        let script = script.replace('\n', " ");
        let mistakes = [
            ("$signed(a) *", "$signed({1'b0, a_r_0_q}) *"),
            ("* $signed(w_r_0_q)", "* $unsigned(w_r_0_q)"),
            ("flags_r_q[1] ? term_q", "flags_r_q[1] ? term_q + 1"),
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

/// The core of `serial` is the sum over the lanes of a bit times a slice, whatever the operands.
#[test]
fn serial_core_is_a_sum_of_slices() {
    for (lanes, slice) in [(8, 1), (16, 1), (8, 2), (8, 4), (8, 8)] {
        let shape = MacShape {
            kind: MacKind::Serial,
            operand: 8,
            container: 8,
            lanes,
            slice,
            tag_shift: 0,
            accumulator: 32,
        };
        let design = print(&mut SerialCore::new(&shape));
        let bits = shape.term().width;
        let ports = |name: &str, width: usize, count: usize| -> String {
            (0..count).map(|index| format!("input [{width}-1:0] {name}_{index}, ")).collect()
        };
        let wires = |name: &str, count: usize| -> String {
            (0..count).map(|index| format!(".{name}_{index}({name}_{index}), ")).collect()
        };
        let (words, width) = (shape.weight().0, shape.weight().1.width);
        let terms: Vec<String> = (0..lanes)
            .map(|lane| match slice {
                1 => format!("(a_0[{lane}] && w_0[{lane}] ? 1 : 0)"),
                _ => {
                    format!("(!a_0[{lane}] ? 0 : mode[1] ? $signed(w_{lane}) : $signed({{1'b0, w_{lane}}}))")
                }
            })
            .collect();
        let inputs = ports("a", lanes, 1) + &ports("w", width, words);
        let reference = format!(
            "module both ({inputs}input [1:0] mode, output differ);
  wire signed [31:0] whole = {};
  wire [{bits}-1:0] term;
  {} gates ({}{}.mode(mode), .term(term));
  assign differ = term != whole[{bits}-1:0];
endmodule
",
            terms.join(" + "),
            design.top,
            wires("a", 1),
            wires("w", words),
        );
        let script = "hierarchy -top both; proc; flatten; opt -full; sat -prove differ 0 -verify";
        let mistake = if slice == 1 {
            ("&& w_0[3]", "&& w_0[2]")
        } else {
            ("mode[1] ? $signed(w_3)", "mode[0] ? $signed(w_3)")
        };
        check(&design, &reference, script, &[mistake]);
    }
}

/// The core of `fusible` in each mode: wherever a product's digits stand, the term is the product of its codes, for all
/// codes. (That products side by side are added is played in `units.rs`; to prove it takes minutes a mode.)
#[test]
fn fusible_core_joins_digits_to_products() {
    let shape = MacShape { kind: MacKind::Fusible, ..MacShape::multiplier(8, 32) };
    let design = print(&mut FusibleCore::new(&shape));
    for (a, w) in [(2, 2), (2, 4), (4, 2), (4, 4), (2, 8), (8, 2), (4, 8), (8, 4), (8, 8)] {
        // A place's bits from the lowest on: j0, i0, j1, i1. Those that are no digit's tell products apart.
        let joins = [(w, 2), (a, 2), (w, 4), (a, 4)].map(|(bits, most)| bits > most);
        let join = usize::from(joins[1])
            | usize::from(joins[3]) << 1
            | usize::from(joins[0]) << 2
            | usize::from(joins[2]) << 3;
        let word = |code: &str, [low, high]: [usize; 2]| -> String {
            let digit = |place: usize| {
                let bit = |bit: usize| if joins[bit] { place >> bit & 1 } else { 0 };
                let digit = bit(low) + 2 * bit(high);
                let free = (0..4).filter(|&bit| !joins[bit]).enumerate();
                let number: usize = free.map(|(at, bit)| (place >> bit & 1) << at).sum();
                format!("(number == {number} ? {code}[{}:{}] : 2'd0)", 2 * digit + 1, 2 * digit)
            };
            (0..16).rev().map(digit).collect::<Vec<_>>().join(", ")
        };
        let free = joins.iter().filter(|join| !**join).count();
        let bench = format!(
            "module bench;
  integer step, wrong = 0;
  reg [{a}-1:0] a;
  reg signed [{w}-1:0] w;
  reg signed_a;
  reg [{free}:0] number;
  wire [31:0] of_a = {{{}}};
  wire [31:0] of_w = {{{}}};
  wire signed [16:0] whole = $signed({{signed_a & a[{}], a}}) * w;
  wire signed [16:0] term;
  {} gates (.a_0(of_a), .w_0(of_w), .mode({{4'd{join}, signed_a}}), .term(term));
  initial begin
    for (step = 0; step < {}; step = step + 1) begin
      {{number, signed_a, a, w}} = step;
      #1 if (term !== whole) wrong = wrong + 1;
    end
    if (wrong == 0) $display(\"all the same\"); else $display(\"differs\");
  end
endmodule
",
            word("a", [1, 3]),
            word("w", [0, 2]),
            a - 1,
            design.top,
            1u32 << (free + 1 + a + w),
        );
        let Some(same) = exhausts(&design, &bench) else { return };
        assert!(same, "{bench}");
        for (right, wrong) in [("{signed_a & a", "{a"), ("of_a = {(number == ", "of_a = {(number != ")] {
            let mistaken = bench.replace(right, wrong);
            assert_ne!(mistaken, bench, "{right}");
            assert_eq!(exhausts(&design, &mistaken), Some(false), "{mistaken}");
        }
    }
}
