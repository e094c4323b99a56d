//! The host's registers: access over AXI4-Lite, runs, counters.
#![allow(clippy::unwrap_used)]

mod common;

use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::units::control::Control;
use bitgauge_rtl::units::control::map::{Access, COUNTERS, UNITS, registers, version};
use bitgauge_rtl::verilog::{Options, Reset, elaborate};
use rust_hdl::prelude::{Block, simulate};

const HASH: u64 = 0x0123_4567_89ab_cdef;

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 16
    }
    fn flag(&mut self, of_four: u64) -> bool {
        self.next() % 4 < of_four
    }
}

struct Host {
    unit: Control,
    bench: Bench,
    random: Random,
    /// What the registers should count.
    model: Model,
}

#[derive(Default)]
struct Model {
    running: bool,
    cycles: u64,
    counts: [[u64; 8]; 4],
    runs: usize,
}

impl Host {
    /// One cycle with random activity of the units; `finished` ends a run.
    fn cycle(&mut self, finished: bool, error: bool) {
        let Host { unit, bench, random, model } = self;
        let mut flags = [[false; 3]; 4];
        for (number, flags) in flags.iter_mut().enumerate() {
            *flags = [random.flag(1), random.flag(1), random.flag(1)];
            unit.busy[number].next = flags[0];
            unit.token[number].next = flags[1];
            unit.bank[number].next = flags[2];
        }
        let [load, load_memory, store, store_memory, drain] = [(); 5].map(|()| random.flag(2));
        unit.load_running.next = load;
        unit.load_waits_memory.next = load_memory;
        unit.store_running.next = store;
        unit.store_waits_memory.next = store_memory;
        unit.compute_waits_drain.next = drain;
        unit.finished.next = finished;
        unit.error.next = error;
        unit.clock.next.clk = false;
        assert!(simulate(unit, 200));
        bench.capture(unit);
        if unit.go.val() {
            assert!(!model.running);
            *model = Model { running: true, runs: model.runs + 1, ..Model::default() };
        }
        if model.running {
            model.cycles += 1;
            for (number, flags) in flags.iter().enumerate() {
                // The order of the simulator: memory or codec, drain, memory or operand.
                let of_unit = match number {
                    0 if load_memory => 3,
                    0 if load => 5,
                    1 if drain => 6,
                    3 if store_memory => 3,
                    3 if store => 4,
                    _ => 7,
                };
                model.counts[number][flags.iter().position(|flag| *flag).unwrap_or(of_unit)] += 1;
            }
            model.running = !finished;
        }
        unit.clock.next.clk = true;
        assert!(simulate(unit, 200));
    }

    fn write(&mut self, offset: u32, data: u32, strobes: i64) {
        self.unit.awaddr.next = i64::from(offset).into();
        self.unit.wdata.next = i64::from(data).into();
        self.unit.wstrb.next = strobes.into();
        // Address and data may come in any order.
        let (mut address, mut value) = (self.random.flag(2), self.random.flag(2));
        loop {
            self.unit.awvalid.next = address;
            self.unit.wvalid.next = value;
            self.unit.clock.next.clk = false;
            assert!(simulate(&mut self.unit, 200));
            assert_eq!(self.unit.awready.val(), self.unit.wready.val());
            let taken = self.unit.awready.val();
            assert!(!taken || address && value);
            self.cycle(false, false);
            if taken {
                break;
            }
            (address, value) = (true, true);
        }
        self.unit.awvalid.next = false;
        self.unit.wvalid.next = false;
        while self.random.flag(2) {
            assert!(self.unit.bvalid.val());
            self.cycle(false, false);
        }
        assert!(self.unit.bvalid.val());
        self.unit.bready.next = true;
        self.cycle(false, false);
        self.unit.bready.next = false;
        assert!(!self.unit.bvalid.val());
    }

    fn read(&mut self, offset: u32) -> u32 {
        self.unit.araddr.next = i64::from(offset).into();
        self.unit.arvalid.next = true;
        assert!(self.unit.arready.val());
        self.cycle(false, false);
        self.unit.arvalid.next = false;
        self.unit.araddr.next = 0.into();
        while !self.unit.rvalid.val() {
            self.cycle(false, false);
        }
        let value = self.unit.rdata.val().value() as u32;
        self.cycle(false, false);
        assert_eq!(self.unit.rdata.val().value() as u32, value);
        self.unit.rready.next = true;
        self.cycle(false, false);
        self.unit.rready.next = false;
        value
    }

    fn named(&mut self, name: &str) -> u32 {
        self.read(registers().iter().find(|register| register.name == name).unwrap().offset)
    }

    fn long(&mut self, name: &str) -> u64 {
        u64::from(self.named(&format!("{name}_high"))) << 32 | u64::from(self.named(&format!("{name}_low")))
    }
}

fn offset(name: &str) -> u32 {
    registers().iter().find(|register| register.name == name).unwrap().offset
}

#[test]
fn a_host_starts_runs_and_reads_where_the_cycles_went() {
    let mut unit = Control::new(HASH);
    unit.connect_all();
    let design = elaborate(&unit, &Options { reset: Reset::Synchronous, ..Options::default() }).unwrap();
    let bench = Bench::new(&design);
    let mut host = Host { unit, bench, random: Random(5), model: Model::default() };
    host.cycle(false, false);
    for register in registers() {
        let value = host.read(register.offset);
        let wanted = register.reset.unwrap_or(match register.name.as_str() {
            "configuration_low" => HASH as u32,
            _ => (HASH >> 32) as u32,
        });
        assert_eq!(value, wanted, "{}", register.name);
        // Only what is writable changes.
        if register.name != "control" {
            host.write(register.offset, 0xa5c3_9617, 0xf);
            let wanted = if register.access == Access::ReadWrite { 0xa5c3_9617 } else { wanted };
            assert_eq!(host.read(register.offset), wanted, "{}", register.name);
        }
    }
    assert_eq!(host.named("version"), version());
    assert_eq!(host.read(0x2), 0);
    assert_eq!(host.read(0xffc), 0);
    host.write(offset("command_address"), 0x1122_3344, 0b0101);
    assert_eq!(host.named("command_address"), 0xa522_9644);
    assert_eq!(host.unit.command_address.val().value(), 0xa522_9644);
    // Not a start: bit 0 clear, or its byte not written.
    host.write(offset("control"), 2, 0xf);
    host.write(offset("control"), 1, 0b1110);
    assert_eq!((host.named("status"), host.model.runs), (0, 0));
    for (length, error) in [(0, false), (40, true), (90, false)] {
        host.write(offset("control"), 1, 0xf);
        assert!(host.model.running);
        assert_eq!(host.named("status"), 1);
        // A second start has no effect.
        let runs = host.model.runs;
        host.write(offset("control"), 1, 0xf);
        assert_eq!(host.model.runs, runs);
        for cycle in 0..length {
            host.cycle(false, error && cycle == 7);
        }
        host.cycle(true, false);
        assert!(!host.model.running);
        // The last cycle is being counted.
        host.cycle(false, false);
        assert_eq!(host.named("status"), 2 | u32::from(error) << 2);
        assert_eq!(host.long("cycles"), host.model.cycles);
        for (number, unit) in UNITS.iter().enumerate() {
            let mut sum = 0;
            for (kind, (counter, _)) in COUNTERS.iter().enumerate() {
                let count = host.long(&format!("{unit}_{counter}"));
                assert_eq!(count, host.model.counts[number][kind], "{unit} {counter}");
                sum += count;
            }
            assert_eq!(sum, host.model.cycles);
        }
    }
    common::icarus(&design, &host.bench);
    common::verilator(&design);
    common::yosys(&design);
}
