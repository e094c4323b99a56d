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

impl Logic for Control {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, go_r, running, done, failed, over, command_address_r, command_words_r);
        self.bus.clock.next = self.clock.val();
        self.bus.awvalid.next = self.awvalid.val();
        self.awready.next = self.bus.awready.val();
        self.bus.awaddr.next = self.awaddr.val();
        self.bus.wvalid.next = self.wvalid.val();
        self.wready.next = self.bus.wready.val();
        self.bus.wdata.next = self.wdata.val();
        self.bus.wstrb.next = self.wstrb.val();
        self.bvalid.next = self.bus.bvalid.val();
        self.bus.bready.next = self.bready.val();
        self.bus.arvalid.next = self.arvalid.val();
        self.arready.next = self.bus.arready.val();
        self.bus.araddr.next = self.araddr.val();
        self.rvalid.next = self.bus.rvalid.val();
        self.bus.rready.next = self.rready.val();
        self.rdata.next = self.bus.rdata.val();

        self.go_r.d.next = false;
        if self.bus.write.val() {
            if (self.bus.write_address.val() == self.offset[self._control_at].val())
                & self.bus.write_data.val().get_bit(0usize)
                & self.bus.write_mask.val().get_bit(0usize)
            {
                self.go_r.d.next = !self.running.q.val() & !self.go_r.q.val();
            }
            if self.bus.write_address.val() == self.offset[self._address_at].val() {
                self.command_address_r.d.next = (self.command_address_r.q.val()
                    & (self.bus.write_mask.val() ^ self.ones.val()))
                    | (self.bus.write_data.val() & self.bus.write_mask.val());
            }
            if self.bus.write_address.val() == self.offset[self._words_at].val() {
                self.command_words_r.d.next = (self.command_words_r.q.val()
                    & (self.bus.write_mask.val() ^ self.ones.val()))
                    | (self.bus.write_data.val() & self.bus.write_mask.val());
            }
        }

        // The run. `running` stays a cycle longer, until the last cycle is counted.
        self.go.next = self.go_r.q.val();
        self.command_address.next = self.command_address_r.q.val();
        self.command_words.next = self.command_words_r.q.val();
        self.over.d.next = self.running.q.val() & self.finished.val();
        if self.over.q.val() {
            self.running.d.next = false;
            self.done.d.next = true;
        }
        if self.running.q.val() & self.error.val() {
            self.failed.d.next = true;
        }
        if self.go_r.q.val() {
            self.running.d.next = true;
            self.done.d.next = false;
            self.failed.d.next = false;
        }
        self.counters.clock.next = self.clock.val();
        self.counters.clear.next = self.go_r.q.val();
        self.counters.active.next = self.go_r.q.val() | (self.running.q.val() & !self.over.q.val());
        for unit in 0..4 {
            self.counters.busy[unit].next = self.busy[unit].val();
            self.counters.token[unit].next = self.token[unit].val();
            self.counters.bank[unit].next = self.bank[unit].val();
        }
        self.counters.load_running.next = self.load_running.val();
        self.counters.store_running.next = self.store_running.val();
        self.counters.load_waits_memory.next = self.load_waits_memory.val();
        self.counters.store_waits_memory.next = self.store_waits_memory.val();
        self.counters.compute_waits_drain.next = self.compute_waits_drain.val();

        // What the registers hold.
        for i in 0..self._registers {
            self.source[i].next = self.constant[i].val();
        }
        if self.running.q.val() {
            self.source[self._status_at].next = 1.into();
        }
        if self.done.q.val() {
            self.source[self._status_at].next = self.source[self._status_at].val() | 2;
        }
        if self.failed.q.val() {
            self.source[self._status_at].next = self.source[self._status_at].val() | 4;
        }
        self.source[self._address_at].next = self.command_address_r.q.val();
        self.source[self._words_at].next = self.command_words_r.q.val();
        self.source[self._cycles_at].next = self.counters.cycles.val();
        self.source[self._cycles_at + 1].next = self.counters.cycles.val() >> 32;
        for i in 0..32 {
            self.source[self._units_at + 2 * i].next = self.counters.count[i].val();
            self.source[self._units_at + 2 * i + 1].next = self.counters.count[i].val() >> 32;
        }
        self.found.next = 0.into();
        for i in 0..self._registers {
            self.picked[i].next = 0.into();
            if self.bus.read_address.val() == self.offset[i].val() {
                self.picked[i].next = self.source[i].val();
            }
            self.found.next = self.found.val() | self.picked[i].val();
        }
        self.bus.found.next = self.found.val();
    }
}
