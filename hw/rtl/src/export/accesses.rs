//! What the bench counts at the ports of the memories on the chip, at the bus and at the array's edge.
//!
//! The counts are in the units of the energy table, bytes and bits, and in the order of [`ACCESSES`]. They are of
//! enables alone: which command asked, and whether somebody needed the word, makes no difference. So they can be held
//! against what the simulator counts of commands. The bench has them where `BITGAUGE_ACCESSES` is defined.

use std::fmt::Write as _;

use bitgauge_arch::Accelerator;
use bitgauge_arch::actions::Action;
use bitgauge_arch::arith::PARAMETER_BYTES;

use crate::units::Shape;
use crate::units::mac::flag;
use crate::units::scratchpad::piece_bytes;

/// The actions that the bench counts, in its order.
pub const ACCESSES: [Action; 12] = [
    Action::ActivationReadByte,
    Action::ActivationWriteByte,
    Action::WeightReadByte,
    Action::WeightWriteByte,
    Action::ParameterReadByte,
    Action::ParameterWriteByte,
    Action::TableReadByte,
    Action::TableWriteByte,
    Action::ExternalReadByte,
    Action::ExternalWriteByte,
    Action::PeRegisterBit,
    Action::PeAccumulatorBit,
];

/// Verilog that adds up the accesses of each cycle of a run.
pub(super) fn text(accelerator: &Accelerator) -> String {
    let shape = Shape::of(accelerator);
    let Shape { line, rows, cols, .. } = shape;
    let pieces = line / piece_bytes(line);
    let words = |lanes: usize| pieces.max(lanes * PARAMETER_BYTES / piece_bytes(line));
    // Instances of memories, as the printer names them.
    let instances = |unit: &str, member: &str, count: usize| -> Vec<String> {
        (0..count).map(|index| format!("dut.core.u_{unit}.u_{member}_{index}")).collect()
    };
    let memories = [
        instances("activation", "bank", shape.activation_banks * pieces),
        instances("weight", "bank", shape.weight_banks * pieces),
        [
            instances("post_parameters", "memory", words(1)),
            instances("vector_parameters", "memory", words(shape.vector_lanes)),
        ]
        .concat(),
        [
            instances("post_tables", "memory", shape.post_lanes * pieces),
            instances("vector_tables", "memory", shape.vector_lanes * pieces),
        ]
        .concat(),
    ];
    let sum = |terms: Vec<String>| terms.join("\n        + ");
    let mut sums: Vec<String> = Vec::new();
    for of in memories {
        let reads = of.iter().map(|name| format!("{name}.re")).collect();
        sums.push(format!("{} * ({})", piece_bytes(line), sum(reads)));
        sums.push(sum(of.iter().map(|name| format!("$countones({name}.we)")).collect()));
    }
    sums.push("m_axi_rvalid && m_axi_rready ? BUS_BYTES : 0".to_owned());
    sums.push("m_axi_wvalid && m_axi_wready ? BUS_BYTES : 0".to_owned());
    // A row's flags pass all of its elements, one after the other.
    let array = "dut.core.u_compute.u_array";
    let element = format!("{array}.u_pe_0_0");
    let of_row = |row: usize, bit: usize| format!("{array}.flags_{row}[{bit}]");
    let valid = sum((0..rows).map(|row| of_row(row, flag::VALID)).collect());
    let ends = sum((0..rows)
        .map(|row| format!("({} & {})", of_row(row, flag::VALID), of_row(row, flag::LAST)))
        .collect());
    let bits = |registers: &[String]| -> String {
        let bits: Vec<String> = registers.iter().map(|name| format!("$bits({element}.{name})")).collect();
        bits.join(" + ")
    };
    let words = |name: &str, count: usize| (0..count).map(|word| format!("{name}_{word}_q")).collect();
    let (a, w): (Vec<String>, Vec<String>) =
        (words("a_r", shape.mac.activation().0), words("w_r", shape.mac.weight().0));
    let others = ["mode_r_q", "flags_r_q", "term_q"].map(str::to_owned).to_vec();
    let handed_on = bits(&[a, w, others].concat());
    sums.push(format!("{cols} * ({handed_on}) * ({valid})"));
    sums.push(format!(
        "{cols} * ({} * ({valid}) + {} * ({ends}))",
        bits(&["accumulator_q".to_owned()]),
        bits(&["shadow_q".to_owned()])
    ));

    let mut text = format!("localparam ACCESSES = {};\n  reg [63:0] accesses [0:ACCESSES-1];\n", sums.len());
    text.push_str("  integer access;\n  always @(posedge clock) begin\n");
    text.push_str(
        "    if (trace_go) for (access = 0; access < ACCESSES; access = access + 1) accesses[access] = 0;\n",
    );
    for (index, sum) in sums.iter().enumerate() {
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "    // {}\n    accesses[{index}] = accesses[{index}] + ({sum});",
            ACCESSES[index].name()
        );
    }
    text.push_str("  end");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sum_has_its_name() {
        let accelerator = Accelerator::from_toml(include_str!("../../../../designs/reference-16x16.toml"));
        let text = text(&accelerator.unwrap());
        for (index, action) in ACCESSES.iter().enumerate() {
            assert!(text.contains(&format!("// {}\n    accesses[{index}] =", action.name())), "{text}");
        }
        assert_eq!(text.matches("accesses[").count(), 1 + 2 * ACCESSES.len());
        // 16 bytes a line: two pieces a bank, 8 and 4 banks; 2 and 16 parameter memories; 32 and 32 of tables.
        assert_eq!(text.matches(".re").count(), 2 * 12 + 18 + 64);
    }
}
