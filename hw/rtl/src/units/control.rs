//! AXI4-Lite control, status and counters.
//!
//! ```text
//!  AXI4-Lite ──┬── control ── go ───────────► controller
//!              ├── command_address, command_words ─►
//!              ├── status ◄── finished, or why not
//!              ├── halt, restart ─► memory port, all units; quiet ◄── memory port
//!              └── counters ◄── what each unit did in each cycle
//! ```
//!
//! ```text
//! cycle      -1     0      1    ...   F     F+1    F+2    F+3
//! write      ~~~~\_________________________________________
//! go         ____/~~~~\____________________________________
//! finished   ________________________/~~~~\________________     `end` is taken
//! halt       ______________________________/~~~~~~~~~~~\____     no new burst
//! quiet      ______________________________/~~~~~~~~~~~~~~~~     when all bursts are over
//! restart    _____________________________________/~~~~\____     the cycle after
//! running    __________/~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\____
//! done       _________________________________________/~~~~     the counters stand
//! ```
//!
//! The cycles 0 to F are counted, so `cycles` is F + 1; a cycle is added a cycle after it was.
//!
//! Each run ends so, whether `end` was taken or something is wrong: no burst is begun any more, those on
//! their way are brought to an end, and all but these registers goes back to its reset value. What a run
//! leaves behind, words that were fetched beyond `end` for example, cannot reach the next.

pub mod bus;
pub mod counters;
mod kernel;
pub mod map;

use crate::prelude::*;
use bus::RegisterBus;
use counters::Counters;
use map::{ADDRESS_BITS, CAUSES, UNITS, position, registers};
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
        /// `end` is taken: last cycle of the run
        pub finished: Signal<In, Bit>,
        /// a word was no command word
        pub bad_command: Signal<In, Bit>,
        /// all words were taken, and `end` was none of them
        pub no_end: Signal<In, Bit>,
        /// an entry of a length table was wrong
        pub bad_table: Signal<In, Bit>,
        /// the external memory answers SLVERR
        pub slave_error: Signal<In, Bit>,
        /// the external memory answers DECERR
        pub decode_error: Signal<In, Bit>,
        /// nothing is on its way to or from external memory
        pub quiet: Signal<In, Bit>,
        /// no further burst may be begun
        pub halt: Signal<Out, Bit>,
        /// everything but these registers returns to its reset value
        pub restart: Signal<Out, Bit>,
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
        /// the run is over but for what is on its way to and from external memory
        ending: State<Bit>,
        restart_r: State<Bit>,
        /// why the run ended without `end`, in the order of the status' bits
        cause: Vec<State<Bit>>,
        raised: Vec<Signal<Local, Bit>>,
        stops: Signal<Local, Bit>,
        working: Signal<Local, Bit>,
        failed: Signal<Local, Bit>,
        abort: Signal<Local, Bit>,
        misaligned: Signal<Local, Bit>,
        command_address_r: Reg,
        command_words_r: Reg,
        watchdog_r: Reg,
        /// cycles until the watchdog ends the run; zero: it sleeps
        patience: Reg,
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
        watchdog_at: Const,
        cycles_at: Const,
        units_at: Const,
        cause_bit: Vec<Const>,
        bus_mask: Const,
        _causes: usize,
        _registers: usize,
        _status_at: usize,
        _control_at: usize,
        _address_at: usize,
        _words_at: usize,
        _watchdog_at: usize,
        _cycles_at: usize,
        _units_at: usize
    }
}

impl Control {
    /// The registers of a design whose description has this hash and whose bus has so many bytes.
    #[must_use]
    pub fn new(configuration: u64, bus: usize) -> Control {
        let map = registers();
        let at = |name: &str| position(&map, name);
        let flags = || vec![Signal::default(); UNITS.len()];
        Control {
            name: Named::of("control", &Control::DOCS),
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
            bad_command: Signal::default(),
            no_end: Signal::default(),
            bad_table: Signal::default(),
            slave_error: Signal::default(),
            decode_error: Signal::default(),
            quiet: Signal::default(),
            halt: Signal::default(),
            restart: Signal::default(),
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
            ending: State::default(),
            restart_r: State::default(),
            cause: CAUSES.iter().map(|_| State::default()).collect(),
            raised: CAUSES.iter().map(|_| Signal::default()).collect(),
            stops: Signal::default(),
            working: Signal::default(),
            failed: Signal::default(),
            abort: Signal::default(),
            misaligned: Signal::default(),
            command_address_r: Reg::new(u(32)),
            command_words_r: Reg::new(u(32)),
            watchdog_r: Reg::new(u(32)),
            patience: Reg::new(u(32)),
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
            watchdog_at: Const::new(at("watchdog")),
            cycles_at: Const::new(at("cycles_low")),
            units_at: Const::new(at(FIRST_COUNTER)),
            cause_bit: CAUSES.iter().map(|cause| Const::new(1i64 << cause.low)).collect(),
            bus_mask: Const::new(bus - 1),
            _causes: CAUSES.len(),
            _registers: map.len(),
            _status_at: at("status"),
            _control_at: at("control"),
            _address_at: at("command_address"),
            _words_at: at("command_words"),
            _watchdog_at: at("watchdog"),
            _cycles_at: at("cycles_low"),
            _units_at: at(FIRST_COUNTER),
        }
    }
}
