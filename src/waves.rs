//! The simulator's run as waveforms, with the names that the Verilog's have: `testbench.dut.trace_*`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bitgauge_sim::result::RunResult;

/// Time units of a cycle, as the bench's clock has them.
const PERIOD: u64 = 10_000;

/// A VCD of starts and ends per unit (bit 0 load, 1 compute, 2 vector, 3 store), of cycle 0 and of the last
/// cycle. Cycle 0 begins at time 0.
pub fn vcd(result: &RunResult) -> String {
    // Started, ended by cycle.
    let mut events: BTreeMap<u64, [u8; 2]> = BTreeMap::new();
    for span in &result.spans {
        let bit = 1 << span.unit.index();
        events.entry(span.start).or_default()[0] |= bit;
        events.entry(span.end).or_default()[1] |= bit;
    }
    let last = result.cycles.saturating_sub(1);
    let pulses: Vec<u64> = events.keys().copied().chain([0, last]).collect();
    for cycle in pulses {
        events.entry(cycle).or_default();
        // Pulses fall in the next cycle.
        events.entry(cycle + 1).or_default();
    }
    let mut text = String::from(
        "$timescale 1ps $end\n$scope module testbench $end\n$scope module dut $end\n\
         $var wire 1 g trace_go $end\n$var wire 1 f trace_finished $end\n\
         $var wire 4 s trace_started [3:0] $end\n$var wire 4 e trace_ended [3:0] $end\n\
         $upscope $end\n$upscope $end\n$enddefinitions $end\n",
    );
    for (cycle, [started, ended]) in events {
        let _ = writeln!(text, "#{}", cycle * PERIOD);
        let _ = writeln!(text, "{}g\n{}f", u8::from(cycle == 0), u8::from(cycle == last));
        let _ = writeln!(text, "b{started:04b} s\nb{ended:04b} e");
    }
    text
}
