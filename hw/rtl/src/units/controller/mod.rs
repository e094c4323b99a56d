//! The controller: command fetch, dispatch, queues, tokens, bank ports.
//!
//! ```text
//!               +-------+    +----------+    +---------+  start, registers   load
//! memory port --| Fetch |--->| Dispatch |-+->| Front 0 |-------------------> unit
//!               +-------+    +----------+ |  +---------+ <----- ready, done
//!                                         +->  1, 2, 3  ...      compute, vector, store
//!                                                |  ^
//!                              wait, signal masks|  |missing, start
//!                                           +--------------+
//!                                           | Tokens Ports |
//!                                           +--------------+
//!
//! cycle            0    1    2   ...  b    b+1  b+2
//! go               1
//! request               .    1
//! fetch_beat                          1              completes an `exec` word
//! dispatch                                 x
//! start                                         1    if nothing is in the way
//! ```
//!
//! Source: `docs/reference/cycles.md`, "Controller" and "Unit front"; `sim/src/stepper.rs`.

pub mod decode;
pub mod dispatch;
pub mod fetch;
pub mod flights;
pub mod front;
pub mod overlaps;
pub mod ports;
pub mod tokens;

use crate::prelude::*;
use crate::units::shape::Shape;
use bitgauge_arch::command::{Compute, Load, RegisterFile, Store, Unit, Vector};
use dispatch::Dispatch;
use fetch::Fetch;
use front::Front;
use overlaps::Overlaps;
use ports::Ports;
use rust_hdl::prelude::*;
use tokens::Tokens;

documented! {
    /// Controller: runs a program of command words on the four units load, compute, vector and store.
    ///
    /// Vectors of four are in this order. It starts each unit's commands in order, as soon as their
    /// tokens and bank ports are there and the unit is ready.
    #[derive(LogicBlock)]
    pub struct Controller {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// the program starts: cycle 0
        pub go: Signal<In, Bit>,
        /// byte address of the program, a multiple of the bus' bytes
        pub command_address: Sig,
        /// words of the program
        pub command_words: Sig,
        /// fetch asks for a burst, until its grant
        pub request: Signal<Out, Bit>,
        /// byte address of the burst
        pub address: Sig,
        /// beats of the burst
        pub beats: Sig,
        /// the burst is granted in this cycle
        pub grant: Signal<In, Bit>,
        /// this cycle's beat belongs to fetch
        pub fetch_beat: Signal<In, Bit>,
        /// data of the beat, lowest bytes first
        pub beat: Vec<Sig>,
        /// the unit's next command starts in this cycle
        pub start: Vec<Signal<Out, Bit>>,
        /// the unit's first stage is free
        pub ready: Vec<Signal<In, Bit>>,
        /// the unit's oldest command is in its last cycle
        pub done: Vec<Signal<In, Bit>>,
        /// the compute unit feeds for the last cycle
        pub fed: Signal<In, Bit>,
        /// registers of the load command, from the cycle after its start
        pub load_registers: Vec<Sig>,
        /// registers of the compute command
        pub compute_registers: Vec<Sig>,
        /// registers of the vector command
        pub vector_registers: Vec<Sig>,
        /// registers of the store command
        pub store_registers: Vec<Sig>,
        /// the unit's next command waits for a token in this cycle
        pub token: Vec<Signal<Out, Bit>>,
        /// the unit's next command waits for a bank port in this cycle
        pub bank: Vec<Signal<Out, Bit>>,
        /// the unit has commands in flight in this cycle
        pub running: Vec<Signal<Out, Bit>>,
        /// the program has ended: its last cycle
        pub finished: Signal<Out, Bit>,
        /// there was a word that is no command word; until the next `go`
        pub error: Signal<Out, Bit>,
        /// all words of the program are dispatched
        pub exhausted: Signal<Out, Bit>,
        /// a command of the unit starts, for traces
        pub started: Vec<Signal<Out, Bit>>,
        /// a command of the unit has ended, for traces
        pub ended: Vec<Signal<Out, Bit>>,
        fetch: Fetch,
        dispatch: Dispatch,
        front: Vec<Front>,
        tokens: Tokens,
        overlaps: Overlaps,
        ports: Ports,
        over: Vec<State<Bit>>,
        /// ports of which the last compute command still reads activations and weights
        feeding: Reg,
        feeding_next: Sig,
        /// ports that compute commands hold from the next cycle on
        computes: Sig,
        others: Vec<Reg>,
        _bus_words: usize
    }
}

impl Controller {
    /// The controller of this shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Controller {
        let Shape { bus, queue_words, prefetch_words, burst_beats, .. } = *shape;
        let ports_ty = u(ports::PORT_BITS);
        let registers = |groups: usize| Sig::outputs(u(32), 3 * groups);
        let fetch = Fetch::new(shape);
        let name =
            format!("controller_bus{bus}_queue{queue_words}_prefetch{prefetch_words}_burst{burst_beats}");
        Controller {
            name: Named::of(name, &Controller::DOCS),
            clock: Signal::default(),
            go: Signal::default(),
            command_address: Sig::input(u(32)),
            command_words: Sig::input(u(32)),
            request: Signal::default(),
            address: Sig::output(u(32)),
            beats: Sig::output(u(9)),
            grant: Signal::default(),
            fetch_beat: Signal::default(),
            beat: Sig::inputs(u(32), fetch.beat.len()),
            start: vec![Signal::default(); 4],
            ready: vec![Signal::default(); 4],
            done: vec![Signal::default(); 4],
            fed: Signal::default(),
            load_registers: registers(Load::GROUPS),
            compute_registers: registers(Compute::GROUPS),
            vector_registers: registers(Vector::GROUPS),
            store_registers: registers(Store::GROUPS),
            token: vec![Signal::default(); 4],
            bank: vec![Signal::default(); 4],
            running: vec![Signal::default(); 4],
            finished: Signal::default(),
            error: Signal::default(),
            exhausted: Signal::default(),
            started: vec![Signal::default(); 4],
            ended: vec![Signal::default(); 4],
            dispatch: Dispatch::default(),
            front: Unit::ALL.iter().map(|unit| Front::new(*unit, queue_words)).collect(),
            tokens: Tokens::default(),
            overlaps: Overlaps::default(),
            ports: Ports::default(),
            over: vec![State::default(); 4],
            feeding: Reg::new(ports_ty),
            feeding_next: Sig::local(ports_ty),
            computes: Sig::local(ports_ty),
            others: Reg::many(ports_ty, 4),
            _bus_words: fetch.beat.len(),
            fetch,
        }
    }
}

impl Logic for Controller {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, feeding);
        clock!(self, clock, fetch, dispatch, tokens);
        // Fetch.
        self.fetch.go.next = self.go.val();
        self.fetch.command_address.next = self.command_address.val();
        self.fetch.command_words.next = self.command_words.val();
        self.request.next = self.fetch.request.val();
        self.address.next = self.fetch.address.val();
        self.beats.next = self.fetch.beats.val();
        self.fetch.grant.next = self.grant.val();
        self.fetch.fetch_beat.next = self.fetch_beat.val();
        for w in 0..self._bus_words {
            self.fetch.beat[w].next = self.beat[w].val();
        }
        self.fetch.take.next = self.dispatch.take.val();

        // Dispatch.
        self.dispatch.clear.next = self.go.val();
        self.dispatch.valid.next = self.fetch.valid.val();
        self.dispatch.kind.next = self.fetch.kind.val();
        self.dispatch.top.next = self.fetch.word[3].val();
        self.finished.next = self.dispatch.finished.val();
        self.error.next = self.dispatch.error.val();
        self.exhausted.next = self.fetch.exhausted.val();

        // Units.
        self.tokens.clear.next = self.go.val();
        for i in 0..4 {
            self.front[i].clock.next = self.clock.val();
            self.front[i].clear.next = self.go.val();
            self.front[i].push.next = self.dispatch.push[i].val();
            self.front[i].header.next = self.dispatch.header.val();
            for k in 0..3 {
                self.front[i].word[k].next = self.fetch.word[k].val();
            }
            self.dispatch.room[i].next = self.front[i].room.val();
            self.dispatch.idle[i].next = self.front[i].idle.val();
            self.tokens.wait[i].next = self.front[i].wait.val();
            self.tokens.start[i].next = self.ports.start[i].val();
            self.tokens.signal[i].next = self.front[i].signal.val();
            self.tokens.done[i].next = self.done[i].val();
            self.front[i].missing.next = self.tokens.missing[i].val();
            self.front[i].ready.next = self.ready[i].val();
            self.front[i].start.next = self.ports.start[i].val();
            self.front[i].done.next = self.done[i].val();
            self.ports.asks[i].next = self.front[i].asks.val();
            self.ports.free[i].next = self.front[i].free.val();
            self.overlaps.named[i].next = self.front[i].named.val();
            self.ports.taken[i].next = self.overlaps.taken[i].val();
            self.start[i].next = self.ports.start[i].val();
            self.token[i].next = self.front[i].token.val();
            self.bank[i].next = self.ports.bank[i].val();
            self.running[i].next = self.front[i].running.val() | self.ports.start[i].val();
            self.over[i].clock.next = self.clock.val();
            self.over[i].d.next = self.done[i].val();
            self.started[i].next = self.ports.start[i].val();
            self.ended[i].next = self.over[i].q.val();
        }
        for r in 0..12 {
            self.load_registers[r].next = self.front[0].registers[r].val();
            self.store_registers[r].next = self.front[3].registers[r].val();
        }
        for r in 0..24 {
            self.compute_registers[r].next = self.front[1].registers[r].val();
            self.vector_registers[r].next = self.front[2].registers[r].val();
        }

        // What the compute unit reads is free when it is fed, before its command ends.
        self.feeding_next.next = self.feeding.q.val();
        if self.fed.val() {
            self.feeding_next.next = 0.into();
        }
        if self.ports.start[1].val() {
            self.feeding_next.next = self.front[1].soon_free.val();
        }
        self.feeding.d.next = self.feeding_next.val();
        // What the others of each unit hold, in registers: who waits for it decides late as it is.
        for i in 0..4 {
            self.others[i].clock.next = self.clock.val();
            self.overlaps.held[i].next = self.others[i].q.val();
        }
        self.computes.next = self.front[1].held.val() | self.feeding_next.val();
        self.others[0].d.next = self.computes.val() | self.front[2].held.val() | self.front[3].held.val();
        self.others[1].d.next =
            self.front[0].held.val() | self.front[2].held.val() | self.front[3].held.val();
        self.others[2].d.next = self.front[0].held.val() | self.computes.val() | self.front[3].held.val();
        self.others[3].d.next = self.front[0].held.val() | self.computes.val() | self.front[2].held.val();
        for p in 0..6 {
            self.ports.overlap[p].next = self.overlaps.overlap[p].val();
        }
    }
}
