//! What kernels may use, in one unit after another: states, vectors of constants, memories, waves.

mod common;

use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::prelude::*;
use bitgauge_rtl::verilog::{Options, Reset, elaborate};
use rust_hdl::prelude::*;

#[derive(LogicState, Copy, Clone, Debug, PartialEq)]
enum PackState {
    Idle,
    Fill,
    Flush,
}

documented! {
    /// Writes words to a memory and adds up weighted reads.
    #[derive(LogicBlock)]
    struct Keeper {
        name: Named,
        clock: Signal<In, Clock>,
        /// begins to fill
        go: Signal<In, Bit>,
        /// word to keep
        data: Sig,
        /// lanes to write
        lanes: Sig,
        /// where to read
        address: Sig,
        /// the word read, times each weight
        products: Vec<Sig>,
        /// the memory is full
        full: Signal<Out, Bit>,
        state: State<PackState>,
        level: Reg,
        memory: Mem,
        weights: Vec<Const>,
        last: Const,
        _weights: usize
    }
}

impl Keeper {
    fn new(depth: usize, weights: &[i64]) -> Keeper {
        let address = u(clog2(depth));
        Keeper {
            name: Named::of(format!("keeper_{depth}"), &Keeper::DOCS),
            clock: Signal::default(),
            go: Signal::default(),
            data: Sig::input(s(16)),
            lanes: Sig::input(u(2)),
            address: Sig::input(address),
            products: Sig::outputs(s(24), weights.len()),
            full: Signal::default(),
            state: State::default(),
            level: Reg::reset_to(address, 1),
            memory: Mem::with_lanes(depth, s(16), 2),
            weights: weights.iter().map(|weight| Const::new(*weight)).collect(),
            last: Const::new(depth - 1),
            _weights: weights.len(),
        }
    }
}

impl Logic for Keeper {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, level);
        self.memory.clock.next = self.clock.val();
        self.memory.we.next = 0.into();
        self.memory.waddr.next = self.level.q.val();
        self.memory.wdata.next = self.data.val();
        self.memory.re.next = self.state.q.val() != PackState::Fill;
        self.memory.raddr.next = self.address.val();
        self.full.next = false;
        match self.state.q.val() {
            PackState::Idle => {
                if self.go.val() {
                    self.state.d.next = PackState::Fill;
                }
            }
            PackState::Fill => {
                self.memory.we.next = self.lanes.val();
                self.level.d.next = self.level.q.val() + 1;
                if self.level.q.val() == self.last.val() {
                    self.state.d.next = PackState::Flush;
                } else if !self.go.val() && self.level.q.val() > 2 {
                    self.state.d.next = PackState::Idle;
                }
            }
            PackState::Flush => {
                self.full.next = true;
                self.state.d.next = PackState::Idle;
            }
        }
        for i in 0..self._weights {
            self.products[i].next = self.memory.rdata.val() * self.weights[i].val() + self.full.val();
        }
    }
}

#[test]
fn states_memories_and_constants_agree_with_icarus() {
    for reset in [Reset::Initial, Reset::Synchronous, Reset::Asynchronous] {
        let mut unit = Keeper::new(8, &[3, -5, 0, 1]);
        unit.connect_all();
        let design =
            elaborate(&unit, &Options { reset, header: "header".into(), ..Options::default() }).unwrap();
        let mut bench = Bench::new(&design);
        for address in 0..8 {
            bench.setup(&format!("dut.u_memory.words[{address}] = 0;"));
        }
        bench.setup("dut.u_memory.rdata = 0;");
        let mut seed = 1u64;
        let mut full = 0;
        for _ in 0..600 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let pick = |low: u32, bits: u32| i64::from((seed >> low) as u32 & ((1 << bits) - 1));
            unit.go.next = pick(60, 2) != 0;
            unit.data.next = pick(10, 16).into();
            unit.lanes.next = pick(30, 2).into();
            unit.address.next = pick(40, 3).into();
            assert!(bench.cycle(&mut unit, |unit| &mut unit.clock));
            full += usize::from(unit.full.val());
        }
        assert!(full > 5);
        common::icarus(&design, &bench);
        common::verilator(&design);
        common::yosys(&design);
        let text = design.text();
        assert!(text.starts_with("// header\n\n// Simple dual port memory"), "{text}");
        assert!(text.contains("localparam [1:0] PACK_STATE_FILL = 2'd1;"), "{text}");
        assert_eq!(design.reset_port, reset != Reset::Initial);
        assert_eq!(text.contains("posedge reset"), reset == Reset::Asynchronous);
    }
}

#[test]
fn a_bench_notices_a_wrong_value() {
    let mut unit = Keeper::new(4, &[1]);
    unit.connect_all();
    let mut design = elaborate(&unit, &Options::default()).unwrap();
    let mut bench = Bench::new(&design);
    for _ in 0..20 {
        unit.go.next = true;
        assert!(bench.cycle(&mut unit, |unit| &mut unit.clock));
    }
    let top = design.modules.last_mut().unwrap();
    top.text = top.text.replace("full = 1'd1;", "full = 1'd0;");
    let caught = std::panic::catch_unwind(|| common::icarus(&design, &bench));
    // `Ok(false)`: there is no Icarus here.
    assert!(matches!(caught, Err(_) | Ok(false)));
}

#[test]
fn rust_hdl_writes_the_waves() {
    let mut unit = Keeper::new(4, &[1]);
    unit.connect_all();
    let mut waves = vec![];
    let mut header = write_vcd_header(&mut waves, &unit);
    header = write_vcd_dump(header, &unit);
    drop(header);
    let waves = String::from_utf8(waves).unwrap();
    assert!(waves.contains("$var") && waves.contains("level"), "{waves}");
}
