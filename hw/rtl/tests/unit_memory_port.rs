//! The memory port against a plain model of the contract's arbitration.
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used)]

mod common;

use bitgauge_arch::Accelerator;
use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::units::memory_port::MemoryPort;
use bitgauge_rtl::units::shape::Shape;
use bitgauge_rtl::verilog::{Options, Reset, elaborate};
use rust_hdl::prelude::{Block, simulate};
use std::collections::VecDeque;

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % end
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Burst {
    who: usize,
    address: u32,
    beats: u64,
    table: bool,
    granted: u64,
    moved: u64,
}

fn shape(bus: usize) -> Shape {
    let text = include_str!("../../../designs/reference-8x8.toml");
    Shape { bus, ..Shape::of(&Accelerator::from_toml(text).unwrap()) }
}

/// How the memory's side behaves.
#[derive(Clone, Copy, PartialEq)]
enum Memory {
    /// The contract's model with this latency: the grants' cycles must be those of the contract.
    Fixed(u64),
    /// Everything ready, valid, halted or wrong now and then, data taken before its address or after it: only
    /// order and stability are checked.
    Random,
}

/// Plays random requests; `keen` of 8 cycles a requester without a request makes one.
// One cycle from top to bottom: it is read as one page.
#[allow(clippy::too_many_lines)]
fn play(bus: usize, memory: Memory, keen: u64, cycles: u64, seed: u64) {
    let words = bus / 4;
    let mut port = MemoryPort::new(&shape(bus));
    port.connect_all();
    let reset = if keen > 4 { Reset::Synchronous } else { Reset::Initial };
    let design = elaborate(&port, &Options { reset, ..Options::default() }).unwrap();
    let mut bench = Bench::new(&design);
    let mut random = Random(seed);
    let mut pending: [Option<Burst>; 3] = [None; 3];
    let mut on_bus: VecDeque<Burst> = VecDeque::new();
    let mut last_granted = 2;
    let (mut responses, mut shown): (VecDeque<u64>, Option<(bool, u32, u64)>) = (VecDeque::new(), None);
    let mut store_word = 1u32;
    let (mut grants, mut moved, mut answered) = ([0; 3], [0; 4], 0);
    // Writes whose address was shown, whose address was taken, whose data is over, whose response is due.
    let (mut begun, mut taken, mut over, mut due) = (0, 0, 0, 0);
    let (mut halt, mut early, mut errors, mut stray) = (false, 0, [0; 2], 0);
    for now in 0..cycles {
        // The requesters: what stands in `pending` was registered in an earlier cycle.
        for (who, pending) in pending.iter().enumerate() {
            port.request[who].next = pending.is_some();
            let burst = pending.unwrap_or(Burst {
                who,
                address: random.below(1 << 32) as u32,
                beats: 1,
                table: random.below(2) == 1,
                granted: 0,
                moved: 0,
            });
            // Bits below a beat do not count, and no beats are one.
            let within = burst.address >> 16 & (bus as u32 - 1);
            port.address[who].next = i64::from(burst.address | within).into();
            let none = burst.beats == 1 && burst.address & 1 << 20 != 0;
            port.beats[who].next = (if none { 0 } else { burst.beats as i64 }).into();
            if who == 1 {
                port.load_table.next = burst.table;
            }
        }
        // The memory: which beat it moves, what it is ready for.
        let fixed = memory != Memory::Random;
        let next_read = on_bus.iter().position(|burst| burst.who != 2 && burst.granted < now);
        let next_write = on_bus.iter().position(|burst| burst.who == 2 && burst.granted < now);
        let (read, write) = match memory {
            Memory::Fixed(latency) => {
                let turn = on_bus.front().is_some_and(|burst| now >= burst.granted + latency);
                (next_read.filter(|&at| turn && at == 0), next_write.filter(|&at| turn && at == 0))
            }
            Memory::Random => {
                (next_read.filter(|_| random.below(3) == 0), next_write.filter(|_| random.below(3) == 0))
            }
        };
        halt = !fixed && if halt { random.below(12) != 0 } else { random.below(40) == 0 };
        port.halt.next = halt;
        let (arready, awready) = (fixed || random.below(3) == 0, fixed || random.below(3) == 0);
        port.arready.next = arready;
        port.awready.next = awready;
        // Answers to nothing: what a slave still owes after a reset of the accelerator alone.
        let idle = on_bus.iter().all(|burst| burst.who == 2);
        let stray_read = !fixed && idle && random.below(2) == 0;
        port.rvalid.next = read.is_some() || stray_read;
        port.rlast.next = read.is_some_and(|at| on_bus[at].moved + 1 == on_bus[at].beats);
        port.wready.next = write.is_some();
        let response = responses.front().is_some_and(|&at| at <= now);
        let stray_response = !fixed && begun == answered && random.below(2) == 0;
        port.bvalid.next = response || stray_response;
        stray += usize::from(stray_read) + usize::from(stray_response);
        let answers = [random.below(8), random.below(8)].map(|answer| if fixed { 0 } else { answer & 3 });
        port.rresp.next = (answers[0] as i64).into();
        port.bresp.next = (answers[1] as i64).into();
        for word in 0..words {
            port.rdata[word].next = i64::from((now as u32).wrapping_mul(77) + word as u32).into();
            port.store_beat[word].next = i64::from(store_word.wrapping_add(word as u32)).into();
        }
        port.clock.next.clk = false;
        assert!(simulate(&mut port, 100));
        bench.capture(&port);
        assert!(port.rready.val() && port.bready.val());
        // Arbiter.
        let order = if last_granted == 1 { [0, 2, 1] } else { [0, 1, 2] };
        let places = on_bus.len();
        let winner = order.into_iter().find(|&who| pending[who].is_some()).filter(|_| places < 4 && !halt);
        let quiet = shown.is_none() && on_bus.is_empty() && begun == answered;
        assert_eq!(port.quiet.val(), quiet, "cycle {now}");
        for (index, (code, flag)) in
            [(2, port.slave_error.val()), (3, port.decode_error.val())].into_iter().enumerate()
        {
            let wanted = read.is_some() && answers[0] == code || response && answers[1] == code;
            assert_eq!(flag, wanted, "cycle {now}");
            errors[index] += usize::from(flag);
        }
        let ask = (port.arvalid.val(), port.awvalid.val());
        assert!(!(ask.0 && ask.1));
        let seen = if ask.0 {
            Some((false, port.araddr.val().value() as u32, port.arlen.val().value() as u64 + 1))
        } else {
            ask.1.then(|| (true, port.awaddr.val().value() as u32, port.awlen.val().value() as u64 + 1))
        };
        if let Some(shown) = shown {
            assert_eq!(seen, Some(shown), "cycle {now}: the address moved without a handshake");
        } else {
            let wanted = winner.and_then(|who| pending[who]);
            assert_eq!(seen, wanted.map(|burst| (burst.who == 2, burst.address, burst.beats)), "cycle {now}");
        }
        let granted = (0..3).filter(|&who| port.grant[who].val()).collect::<Vec<_>>();
        assert_eq!(granted.len(), usize::from(ask.0 && arready || ask.1 && awready));
        // Data.
        let wanted = read.map(|at| on_bus[at]);
        let belongs = |who, table| wanted.is_some_and(|burst| burst.who == who && burst.table == table);
        assert_eq!(port.fetch_beat.val(), wanted.is_some_and(|burst| burst.who == 0), "cycle {now}");
        assert_eq!(port.load_beat.val(), belongs(1, false), "cycle {now}");
        assert_eq!(port.table_beat.val(), belongs(1, true), "cycle {now}");
        assert_eq!(port.wvalid.val(), next_write.is_some(), "cycle {now}");
        assert_eq!(port.store_taken.val(), write.is_some(), "cycle {now}");
        assert_eq!(port.store_response.val(), response);
        if let Some(at) = next_write {
            assert_eq!(port.wlast.val(), on_bus[at].moved + 1 == on_bus[at].beats);
            assert_eq!(port.wdata[0].val().value(), i128::from(store_word));
        }
        if read.is_some() {
            assert_eq!(port.beat[0].val().value(), i128::from((now as u32).wrapping_mul(77)));
        }
        // What the edge does.
        port.clock.next.clk = true;
        assert!(simulate(&mut port, 100));
        if response {
            responses.pop_front();
            answered += 1;
        }
        if ask.1 && shown.is_none() {
            begun += 1;
            on_bus.push_back(Burst { granted: now, ..pending[2].unwrap() });
        }
        early += usize::from(write.is_some() && over == taken);
        for at in [read, write].into_iter().flatten() {
            on_bus[at].moved += 1;
            moved[on_bus[at].who + usize::from(on_bus[at].who == 1 && on_bus[at].table) * 2] += 1;
        }
        if write.is_some() {
            store_word = store_word.wrapping_mul(0x0101_4525).wrapping_add(3);
        }
        over += on_bus.iter().filter(|burst| burst.who == 2 && burst.moved == burst.beats).count();
        on_bus.retain(|burst| burst.moved < burst.beats);
        shown = seen.filter(|_| granted.is_empty());
        for &who in &granted {
            let burst = pending[who].take().unwrap();
            assert!(burst.who == if ask.1 { 2 } else { who });
            assert_eq!(seen, Some((who == 2, burst.address, burst.beats)));
            if who == 2 {
                taken += 1;
            } else {
                on_bus.push_back(Burst { granted: now, ..burst });
            }
            grants[who] += 1;
            if who > 0 {
                last_granted = who;
            }
        }
        // A response needs address and data.
        while due < taken.min(over) {
            responses.push_back(now + 1 + if fixed { 3 } else { random.below(9) });
            due += 1;
        }
        // A request may be registered in the cycle after a grant at the earliest.
        for (who, pending) in pending.iter_mut().enumerate() {
            // Fetch goes first: it must not ask all the time.
            let keen = if who == 0 { 1 } else { keen };
            if pending.is_none() && !granted.contains(&who) && random.below(8) < keen {
                let beats = if random.below(40) == 0 { 256 } else { 1 + random.below(6) };
                let address = random.below(1 << 32) as u32 & !(bus as u32 - 1);
                let table = who == 1 && random.below(3) == 0;
                *pending = Some(Burst { who, address, beats, table, granted: 0, moved: 0 });
            }
        }
    }
    assert!(grants.iter().all(|&count| count > 3), "{grants:?}");
    assert!(moved.iter().all(|&count| count > 3) && answered > 3, "{moved:?}");
    if memory == Memory::Random {
        assert!(
            early > 3 && stray > 3 && errors.iter().all(|&count| count > 3),
            "{early} {stray} {errors:?}"
        );
    }
    common::icarus(&design, &bench);
    common::verilator(&design);
    common::yosys(&design);
}

#[test]
fn grants_are_those_of_the_contract() {
    play(8, Memory::Fixed(1), 8, 1500, 11);
    play(4, Memory::Fixed(3), 2, 1500, 12);
    play(16, Memory::Fixed(40), 8, 1500, 13);
}

#[test]
fn order_and_addresses_hold_with_a_moody_memory() {
    play(8, Memory::Random, 8, 2500, 21);
    play(4, Memory::Random, 1, 2500, 22);
}
