//! The host's registers: access over AXI4-Lite, runs, counters.
#![allow(clippy::unwrap_used)]

mod common;

use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::units::control::Control;
use bitgauge_rtl::units::control::map::{Access, CAUSES, COUNTERS, UNITS, registers, version};
use bitgauge_rtl::verilog::Design;
use bitgauge_rtl::verilog::{Options, Reset, elaborate};
use rust_hdl::prelude::{Bit, Block, In, Signal, simulate};

/// Bytes of a beat of the design's bus.
const BUS: usize = 8;
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
    /// What is wrong in the next cycle.
    raised: Option<Flag>,
    /// Nothing is on its way to external memory.
    quiet: bool,
    /// Cycles in which `halt` and `restart` were seen.
    halts: usize,
    restarts: usize,
}

/// An input of the unit.
type Flag = fn(&mut Control) -> &mut Signal<In, Bit>;

/// The flags that end a run, in the order of the status' bits; the others come from the registers.
const FLAGS: [Flag; 5] = [
    |unit| &mut unit.bad_command,
    |unit| &mut unit.no_end,
    |unit| &mut unit.bad_table,
    |unit| &mut unit.slave_error,
    |unit| &mut unit.decode_error,
];

#[derive(Default)]
struct Model {
    running: bool,
    cycles: u64,
    counts: [[u64; 8]; 4],
    runs: usize,
}

impl Host {
    fn new() -> (Host, Design) {
        let mut unit = Control::new(HASH, BUS);
        unit.connect_all();
        let design = elaborate(&unit, &Options { reset: Reset::Synchronous, ..Options::default() }).unwrap();
        let bench = Bench::new(&design);
        let (random, model) = (Random(5), Model::default());
        let mut host = Host { unit, bench, random, model, raised: None, quiet: true, halts: 0, restarts: 0 };
        host.cycle(false);
        (host, design)
    }

    /// What the host sees of the registers in this cycle.
    fn answers(&self) -> [i128; 6] {
        let Control { awready, wready, bvalid, arready, rvalid, rdata, .. } = &self.unit;
        let flags = [awready.val(), wready.val(), bvalid.val(), arready.val(), rvalid.val()];
        let [a, b, c, d, e] = flags.map(i128::from);
        [a, b, c, d, e, rdata.val().value()]
    }

    /// Settles the registers, also with other inputs from the host: what it sees must not follow them.
    fn settle(&mut self) {
        assert!(simulate(&mut self.unit, 200));
        let seen = self.answers();
        let flip = |unit: &mut Control| {
            let Control { awvalid, wvalid, bready, arvalid, rready, .. } = unit;
            (awvalid.next, wvalid.next) = (!awvalid.val(), !wvalid.val());
            (bready.next, arvalid.next, rready.next) = (!bready.val(), !arvalid.val(), !rready.val());
            for address in [&mut unit.awaddr, &mut unit.araddr] {
                address.next = (address.val().value() as i64 ^ 0xfff).into();
            }
        };
        for _ in 0..2 {
            flip(&mut self.unit);
            assert!(simulate(&mut self.unit, 200));
            assert_eq!(self.answers(), seen);
        }
    }

    /// One cycle with random activity of the units; `finished` ends a run.
    fn cycle(&mut self, finished: bool) {
        for flag in FLAGS {
            flag(&mut self.unit).next = false;
        }
        if let Some(raised) = self.raised.take() {
            raised(&mut self.unit).next = true;
        }
        self.unit.quiet.next = self.quiet;
        self.unit.clock.next.clk = false;
        self.settle();
        let Host { unit, bench, random, model, .. } = self;
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
        assert!(simulate(unit, 200));
        bench.capture(unit);
        self.halts += usize::from(unit.halt.val());
        self.restarts += usize::from(unit.restart.val());
        assert!(!unit.restart.val() || unit.halt.val());
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
            let flags = FLAGS.iter().any(|flag| flag(unit).val());
            model.running = !finished && !flags;
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
            self.cycle(false);
            if taken {
                break;
            }
            // Once valid, always valid.
            (address, value) = (address || self.random.flag(2), value || self.random.flag(2));
        }
        self.unit.awvalid.next = false;
        self.unit.wvalid.next = false;
        while self.random.flag(2) {
            assert!(self.unit.bvalid.val());
            self.cycle(false);
        }
        assert!(self.unit.bvalid.val());
        self.unit.bready.next = true;
        self.cycle(false);
        self.unit.bready.next = false;
        assert!(!self.unit.bvalid.val());
    }

    fn read(&mut self, offset: u32) -> u32 {
        self.unit.araddr.next = i64::from(offset).into();
        self.unit.arvalid.next = true;
        assert!(self.unit.arready.val());
        self.cycle(false);
        self.unit.arvalid.next = false;
        self.unit.araddr.next = 0.into();
        while !self.unit.rvalid.val() {
            self.cycle(false);
        }
        let value = self.unit.rdata.val().value() as u32;
        self.cycle(false);
        assert_eq!(self.unit.rdata.val().value() as u32, value);
        self.unit.rready.next = true;
        self.cycle(false);
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

/// Every register reads as the map says, and only what is writable changes.
fn registers_hold_what_the_map_says(host: &mut Host) {
    for register in registers() {
        let value = host.read(register.offset);
        let wanted = register.reset.unwrap_or(match register.name.as_str() {
            "configuration_low" => HASH as u32,
            _ => (HASH >> 32) as u32,
        });
        assert_eq!(value, wanted, "{}", register.name);
        if register.name != "control" {
            host.write(register.offset, 0xa5c3_9617, 0xf);
            let wanted = if register.access == Access::ReadWrite { 0xa5c3_9617 } else { wanted };
            assert_eq!(host.read(register.offset), wanted, "{}", register.name);
        }
    }
    assert_eq!(host.named("version"), version());
    assert_eq!((host.read(0x2), host.read(0xffc)), (0, 0));
}

fn tools(design: &Design, bench: &Bench) {
    common::icarus(design, bench);
    common::verilator(design);
    common::yosys(design);
}

#[test]
fn a_host_starts_runs_and_reads_where_the_cycles_went() {
    let (mut host, design) = Host::new();
    registers_hold_what_the_map_says(&mut host);
    host.write(offset("command_address"), 0x1122_3348, 0b0101);
    assert_eq!(host.named("command_address"), 0xa522_9648);
    assert_eq!(host.unit.command_address.val().value(), 0xa522_9648);
    host.write(offset("watchdog"), 0, 0xf);
    // Not a start: bit 0 clear, or its byte not written.
    host.write(offset("control"), 2, 0xf);
    host.write(offset("control"), 1, 0b1110);
    assert_eq!((host.named("status"), host.model.runs), (0, 0));
    for (run, length) in [0, 40, 90].into_iter().enumerate() {
        host.write(offset("control"), 1, 0xf);
        assert!(host.model.running);
        assert_eq!(host.named("status"), 1);
        // A second start has no effect.
        let runs = host.model.runs;
        host.write(offset("control"), 1, 0xf);
        assert_eq!(host.model.runs, runs);
        for _ in 0..length {
            host.cycle(false);
        }
        host.cycle(true);
        assert!(!host.model.running);
        // The last cycle is being counted, then everything is reset.
        host.cycle(false);
        host.cycle(false);
        assert_eq!((host.halts, host.restarts), (2 * run + 2, run + 1));
        assert_eq!(host.named("status"), 2);
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
    tools(&design, &host.bench);
}

/// Status while a run that ended for `cause` is not quiet yet, and after.
fn ends_for(host: &mut Host, cause: &str) {
    let bit = CAUSES.iter().find(|bits| bits.name == cause).unwrap().low;
    host.cycle(false);
    let restarts = host.restarts;
    // `end` comes too late now, and other flags say nothing new.
    host.raised = Some(FLAGS[0]);
    host.cycle(true);
    assert_eq!(host.named("status"), 1 | 4 | 1 << bit, "{cause}");
    assert_eq!(host.restarts, restarts);
    host.quiet = true;
    for _ in 0..3 {
        host.cycle(false);
    }
    assert_eq!(host.named("status"), 4 | 1 << bit, "{cause}");
    assert_eq!(host.restarts, restarts + 1);
}

#[test]
fn what_is_wrong_ends_a_run_and_the_next_one_is_sound() {
    let (mut host, design) = Host::new();
    host.write(offset("command_address"), 0x1238, 0xf);
    for (number, cause) in CAUSES.iter().enumerate() {
        let address = 0x1238 | u32::from(cause.name == "misaligned") << 2;
        host.write(offset("command_address"), address, 0xf);
        host.write(offset("watchdog"), if cause.name == "timeout" { 20 } else { 0 }, 0xf);
        host.quiet = false;
        host.write(offset("control"), 1, 0xf);
        match (FLAGS.get(number), cause.name) {
            (Some(&flag), _) => {
                host.cycle(false);
                host.raised = Some(flag);
            }
            (_, "timeout") => {
                while host.model.cycles < 21 {
                    host.cycle(false);
                }
            }
            (_, "aborted") => host.write(offset("control"), 2, 0xf),
            _ => {}
        }
        ends_for(&mut host, cause.name);
        // The next run goes through.
        host.write(offset("command_address"), 0x1238, 0xf);
        host.write(offset("watchdog"), 0, 0xf);
        host.write(offset("control"), 1, 0xf);
        for _ in 0..30 {
            host.cycle(false);
        }
        assert_eq!(host.named("status"), 1);
        host.cycle(true);
        for _ in 0..3 {
            host.cycle(false);
        }
        assert_eq!(host.named("status"), 2, "after {}", cause.name);
    }
    tools(&design, &host.bench);
}

/// A bus error in the cycle of `end`, or in the last answer that was still to come, is not overlooked.
#[test]
fn a_bus_error_at_the_very_end_counts() {
    let (mut host, _) = Host::new();
    for late in [0, 1, 5] {
        host.write(offset("control"), 1, 0xf);
        host.quiet = false;
        host.raised = (late == 0).then_some(FLAGS[3]);
        host.cycle(true);
        for cycle in 1..7 {
            host.raised = (cycle == late).then_some(FLAGS[3]);
            host.cycle(false);
        }
        host.quiet = true;
        for _ in 0..3 {
            host.cycle(false);
        }
        assert_eq!(host.named("status"), 4 | 1 << CAUSES[3].low, "{late}");
    }
}

/// A run of exactly as many cycles as the watchdog allows is done; one of a cycle more is not.
#[test]
fn the_watchdog_counts_cycles() {
    let (mut host, _) = Host::new();
    for (cycles, status) in [(30, 2), (31, 4 | 1 << CAUSES[5].low)] {
        host.write(offset("watchdog"), 30, 0xf);
        host.write(offset("control"), 1, 0xf);
        while host.model.cycles + 1 < cycles {
            host.cycle(false);
        }
        host.cycle(true);
        assert_eq!(host.model.cycles, cycles);
        for _ in 0..3 {
            host.cycle(false);
        }
        assert_eq!(host.named("status"), status, "{cycles}");
    }
}
