//! The whole accelerator: it elaborates, and the open tools accept it.
#![allow(clippy::unwrap_used)]

mod common;

use bitgauge_arch::Accelerator;
use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::units::top;
use bitgauge_rtl::verilog::{Options, Reset};

#[test]
fn reference_designs_are_clean() {
    for (text, reset) in [
        (include_str!("../../../designs/reference-8x8.toml"), Reset::Synchronous),
        (include_str!("../../../designs/reference-16x16.toml"), Reset::Asynchronous),
    ] {
        let accelerator = Accelerator::from_toml(text).unwrap();
        let design = top::design(&accelerator, &Options { reset, ..Options::default() }).unwrap();
        common::verilator(&design);
        // No rows: it only has to compile.
        common::icarus(&design, &Bench::new(&design));
        common::yosys(&design);
    }
}
