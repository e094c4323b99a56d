//! AXI4-Lite control, status and counters.
//!
//! ```text
//!  AXI4-Lite ──┬── control ── go ───────────► controller
//!              ├── command_address, command_words ─►
//!              ├── status ◄── finished, error
//!              └── counters ◄── what each unit did in each cycle
//! ```
//!
//! ```text
//! cycle      -1     0      1    ...   F     F+1    F+2
//! write      ~~~~\__________________________________
//! go         ____/~~~~\_____________________________
//! finished   ________________________/~~~~\_________     `end` is taken
//! running    __________/~~~~~~~~~~~~~~~~~~~~~~~~~~~\_
//! done       ______________________________________/~    the counters stand
//! ```
//!
//! The cycles 0 to F are counted, so `cycles` is F + 1; a cycle is added a cycle after it was.

pub mod bus;
pub mod counters;
mod kernel;
pub mod map;

use crate::prelude::*;
use bus::RegisterBus;
use counters::Counters;
use map::{ADDRESS_BITS, UNITS, position, registers};
pub use map::{FIRST_COUNTER, offset, register_map_header, register_map_markdown};
use rust_hdl::prelude::*;

documented! {
    /// Registers for the host: control, status, counters.
    ///
    /// The host starts a run and sees when it is over and where its cycles went.
    #[derive(LogicBlock)]
    pub struct Control {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// AXI4-Lite write address
        pub awvalid: Signal<In, Bit>,
        /// AXI4-Lite write address: taken together with the data
        pub awready: Signal<Out, Bit>,
        /// AXI4-Lite write address, bytes
        pub awaddr: Sig,
        /// AXI4-Lite write data
        pub wvalid: Signal<In, Bit>,
        /// AXI4-Lite write data
        pub wready: Signal<Out, Bit>,
        /// AXI4-Lite write data
        pub wdata: Sig,
        /// AXI4-Lite write data: bytes to write
        pub wstrb: Sig,
        /// AXI4-Lite write response
        pub bvalid: Signal<Out, Bit>,
        /// AXI4-Lite write response
        pub bready: Signal<In, Bit>,
        /// AXI4-Lite read address
        pub arvalid: Signal<In, Bit>,
        /// AXI4-Lite read address
        pub arready: Signal<Out, Bit>,
        /// AXI4-Lite read address, bytes
        pub araddr: Sig,
        /// AXI4-Lite read data
        pub rvalid: Signal<Out, Bit>,
        /// AXI4-Lite read data
        pub rready: Signal<In, Bit>,
        /// AXI4-Lite read data
        pub rdata: Sig,
        /// a run begins: this is its cycle 0
        pub go: Signal<Out, Bit>,
        /// byte address of the first command word
        pub command_address: Sig,
        /// number of command words
        pub command_words: Sig,
        /// last cycle of the run
        pub finished: Signal<In, Bit>,
        /// something is wrong
        pub error: Signal<In, Bit>,
        /// the unit works: load, compute, vector, store
        pub busy: Vec<Signal<In, Bit>>,
        /// the unit's next command waits for a token
        pub token: Vec<Signal<In, Bit>>,
        /// the unit's next command waits for a bank
        pub bank: Vec<Signal<In, Bit>>,
        /// a load is running
        pub load_running: Signal<In, Bit>,
        /// a store is running
        pub store_running: Signal<In, Bit>,
        /// the load waits for external memory
        pub load_waits_memory: Signal<In, Bit>,
        /// the store waits for external memory
        pub store_waits_memory: Signal<In, Bit>,
        /// the first stage of the array waits for the drain
        pub compute_waits_drain: Signal<In, Bit>,
        go_r: State<Bit>,
        running: State<Bit>,
        done: State<Bit>,
        failed: State<Bit>,
        /// the last cycle was the last of the run
        over: State<Bit>,
        command_address_r: Reg,
        command_words_r: Reg,
        bus: RegisterBus,
        counters: Counters,
        /// values of the registers, in the order of the map
        source: Vec<Sig>,
        /// those of them that are addressed
        picked: Vec<Sig>,
        found: Sig,
        ones: Const,
        offset: Vec<Const>,
        /// what the registers hold that never change
        constant: Vec<Const>,
        control_at: Const,
        status_at: Const,
        address_at: Const,
        words_at: Const,
        cycles_at: Const,
        units_at: Const,
        _registers: usize,
        _status_at: usize,
        _control_at: usize,
        _address_at: usize,
        _words_at: usize,
        _cycles_at: usize,
        _units_at: usize
    }
}

impl Control {
    /// The registers of a design whose description has this hash.
    #[must_use]
    pub fn new(configuration: u64) -> Control {
        let map = registers();
        let at = |name: &str| position(&map, name);
        let flags = || vec![Signal::default(); UNITS.len()];
        Control {
            name: Named::of(format!("control_{configuration:016x}"), &Control::DOCS),
            clock: Signal::default(),
            awvalid: Signal::default(),
            awready: Signal::default(),
            awaddr: Sig::input(u(ADDRESS_BITS)),
            wvalid: Signal::default(),
            wready: Signal::default(),
            wdata: Sig::input(u(32)),
            wstrb: Sig::input(u(4)),
            bvalid: Signal::default(),
            bready: Signal::default(),
            arvalid: Signal::default(),
            arready: Signal::default(),
            araddr: Sig::input(u(ADDRESS_BITS)),
            rvalid: Signal::default(),
            rready: Signal::default(),
            rdata: Sig::output(u(32)),
            go: Signal::default(),
            command_address: Sig::output(u(32)),
            command_words: Sig::output(u(32)),
            finished: Signal::default(),
            error: Signal::default(),
            busy: flags(),
            token: flags(),
            bank: flags(),
            load_running: Signal::default(),
            store_running: Signal::default(),
            load_waits_memory: Signal::default(),
            store_waits_memory: Signal::default(),
            compute_waits_drain: Signal::default(),
            go_r: State::default(),
            running: State::default(),
            done: State::default(),
            failed: State::default(),
            over: State::default(),
            command_address_r: Reg::new(u(32)),
            command_words_r: Reg::new(u(32)),
            bus: RegisterBus::default(),
            counters: Counters::default(),
            ones: Const::new(i64::from(u32::MAX)),
            source: Sig::locals(u(32), map.len()),
            picked: Sig::locals(u(32), map.len()),
            found: Sig::local(u(32)),
            offset: map.iter().map(|register| Const::new(i64::from(register.offset))).collect(),
            constant: map
                .iter()
                .map(|register| Const::new(i64::from(register.constant(configuration))))
                .collect(),
            control_at: Const::new(at("control")),
            status_at: Const::new(at("status")),
            address_at: Const::new(at("command_address")),
            words_at: Const::new(at("command_words")),
            cycles_at: Const::new(at("cycles_low")),
            units_at: Const::new(at(FIRST_COUNTER)),
            _registers: map.len(),
            _status_at: at("status"),
            _control_at: at("control"),
            _address_at: at("command_address"),
            _words_at: at("command_words"),
            _cycles_at: at("cycles_low"),
            _units_at: at(FIRST_COUNTER),
        }
    }
}
