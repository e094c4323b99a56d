//! The FIFO against a queue of Rust, in rust-hdl's simulator and in Icarus.
#![allow(clippy::unwrap_used)]

mod common;

use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::signal::{Ty, s, u};
use bitgauge_rtl::units::fifo::Fifo;
use bitgauge_rtl::verilog::{Options, Reset, elaborate};
use rust_hdl::prelude::Block;
use std::collections::VecDeque;

fn play(lanes: &[Ty], depth: usize, reset: Reset) {
    let mut unit = Fifo::new(lanes, depth);
    unit.connect_all();
    let design = elaborate(&unit, &Options { reset, ..Options::default() }).unwrap();
    let mut bench = Bench::new(&design);
    for lane in 0..lanes.len() {
        for word in 0..depth {
            bench.setup(&format!("dut.u_memory_{lane}.words[{word}] = 0;"));
        }
        bench.setup(&format!("dut.u_memory_{lane}.rdata = 0;"));
    }
    let mut model: VecDeque<Vec<i128>> = VecDeque::new();
    let mut seed = 5u64;
    let (mut full, mut through) = (0, 0);
    for cycle in 0..1500u64 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // Phases that fill, that drain, and that do both in most cycles.
        let (push_odds, pop_odds) = [(7, 2), (2, 7), (7, 7)][(cycle / 40 % 3) as usize];
        let push = model.len() < depth && seed >> 61 < push_odds;
        let pop = !model.is_empty() && seed >> 58 & 7 < pop_odds;
        let word: Vec<i128> =
            lanes.iter().enumerate().map(|(lane, ty)| ty.cut(i128::from(seed >> (7 * lane)))).collect();
        unit.push.next = push;
        unit.pop.next = pop;
        for (port, value) in unit.data.iter_mut().zip(&word) {
            port.next = (*value).into();
        }
        unit.clock.next.clk = false;
        assert!(rust_hdl::prelude::simulate(&mut unit, 100));
        assert_eq!(unit.valid.val(), !model.is_empty());
        assert_eq!(unit.room.val(), model.len() < depth);
        assert_eq!(unit.count.val().value(), model.len() as i128);
        if let Some(head) = model.front() {
            assert_eq!(&unit.head.iter().map(|lane| lane.val().value()).collect::<Vec<_>>(), head);
        }
        full += usize::from(model.len() == depth);
        through += usize::from(push && pop && model.len() == 1);
        if pop {
            model.pop_front();
        }
        if push {
            model.push_back(word);
        }
        assert!(bench.cycle(&mut unit, |unit| &mut unit.clock));
    }
    assert!(full > 10 && through > 10, "{full} {through}");
    common::icarus(&design, &bench);
    common::verilator(&design);
    common::yosys(&design);
}

#[test]
fn fifo_agrees_with_a_queue() {
    play(&[u(32), u(32), u(32), u(9)], 4, Reset::Asynchronous);
    play(&[u(32), u(32)], 16, Reset::Initial);
    play(&[s(5)], 2, Reset::Asynchronous);
}
