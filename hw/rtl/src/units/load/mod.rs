//! The load unit: blocks of coded pixels from external memory into the on-chip memories.
//!
//! ```text
//!  registers ─► setup ─┬─► ask ──► request, address, beats
//!                      └─► walk ─┐ position of each line
//!  beat ───────────────► beats ──┴► expand ─► place ─► write port
//! ```
//!
//! ```text
//! cycle     s     s+1 .. s+4   s+5         g           t (beat)   w = t+1   w+4     w+5
//! start     /~~\______________________________________________________________________
//! request   _________________________/~~~~~\__________________________________________
//! line                 setup   "made in"   granted                decided   write   end
//! ```
//!
//! Setup takes `LOAD_SETUP` cycles; a line is on the write port `UNPACK_LATENCY - 1` cycles after it is
//! decided upon. The next command may start in the cycle after the last grant.
//!
//! Cycles: `bitgauge_arch::timing::load_shape` and docs/reference/cycles.md.

pub mod ask;
pub mod beats;
pub mod expand;
pub mod fields;
pub mod groups;
pub mod rotate;
pub mod setup;
pub mod table;
pub mod walk;

use self::ask::Ask;
use self::beats::{BeatFifo, window_bytes};
use self::expand::Expand;
use self::fields::REGISTERS;
use self::groups::Groups;
use self::setup::{Setup, members};
use self::table::LengthTable;
use self::walk::Walk;
use super::Shape;
use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Load unit: blocks of coded pixels from external memory into lines of the on-chip memories.
    ///
    /// A request side asks for bursts of one command, a write side turns the beats of up to eight into
    /// lines; between them stands a FIFO of beats.
    #[derive(LogicBlock)]
    pub struct Load {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a command starts
        pub start: Signal<In, Bit>,
        /// its registers, from the next cycle on
        pub registers: Vec<Sig>,
        /// a command may start
        pub ready: Signal<Out, Bit>,
        /// a command ends after this cycle
        pub done: Signal<Out, Bit>,
        /// a burst is asked for
        pub request: Signal<Out, Bit>,
        /// its byte address
        pub address: Sig,
        /// its beats
        pub beats: Sig,
        /// it is for the length table
        pub load_table: Signal<Out, Bit>,
        /// it is granted
        pub grant: Signal<In, Bit>,
        /// a beat of data arrives
        pub load_beat: Signal<In, Bit>,
        /// a beat of the length table arrives
        pub table_beat: Signal<In, Bit>,
        /// the beat
        pub beat: Vec<Sig>,
        /// bytes of a line
        pub write_data: Vec<Sig>,
        /// its address
        pub write_line: Sig,
        /// bytes to write to the activation scratchpad
        pub activation_we: Sig,
        /// bytes to write to the weight scratchpad
        pub weight_we: Sig,
        /// bytes to write to the post-processor's parameters
        pub post_parameter_we: Sig,
        /// bytes to write to the vector unit's parameters
        pub vector_parameter_we: Sig,
        /// bytes to write to the post-processor's tables
        pub post_table_we: Sig,
        /// bytes to write to the vector unit's tables
        pub vector_table_we: Sig,
        /// a line is in the codec
        pub busy: Signal<Out, Bit>,
        /// commands in flight wait for beats
        pub waits_memory: Signal<Out, Bit>,
        /// an entry of the length table is wrong
        pub error: Signal<Out, Bit>,
        setup: Setup,
        ask: Ask,
        walk: Walk,
        fifo: BeatFifo,
        expand: Vec<Expand>,
        groups: Vec<Groups>,
        table: Vec<LengthTable>,
        /// a table entry was wrong
        wrong: State<Bit>,
        data: Vec<Reg>,
        code: Vec<Sig>,
        mask: Sig,
        enables: Reg,
        target: Reg,
        line: Reg,
        ended: State<Bit>,
        bit: Vec<Const>,
        _line: usize,
        _bus_words: usize,
        _window: usize,
        _padding: usize,
        window: Const,
        _members: usize,
        _expand: usize,
        _zvc: usize
    }
}

impl Load {
    /// The load unit of a design.
    #[must_use]
    pub fn new(shape: &Shape) -> Load {
        let Shape { line, bus, load_fifo_beats, burst_beats, pack, zvc, .. } = *shape;
        let codecs = [(pack, "_pack"), (zvc, "_zvc")];
        let codecs: String = codecs.iter().filter(|codec| codec.0).map(|codec| codec.1).collect();
        let name = format!("load_line{line}_bus{bus}_burst{burst_beats}_fifo{load_fifo_beats}{codecs}");
        let expand = usize::from(pack || zvc);
        let (window, group) = (window_bytes(shape), expand::GROUP);
        let expanded = line.max(group);
        Load {
            name: Named::of(name, &Load::DOCS),
            clock: Signal::default(),
            start: Signal::default(),
            registers: Sig::inputs(u(32), REGISTERS),
            ready: Signal::default(),
            done: Signal::default(),
            request: Signal::default(),
            address: Sig::output(u(32)),
            beats: Sig::output(u(9)),
            load_table: Signal::default(),
            grant: Signal::default(),
            load_beat: Signal::default(),
            table_beat: Signal::default(),
            beat: Sig::inputs(u(32), bus / 4),
            write_data: Sig::outputs(u(8), line),
            write_line: Sig::output(u(24)),
            activation_we: Sig::output(u(line)),
            weight_we: Sig::output(u(line)),
            post_parameter_we: Sig::output(u(line)),
            vector_parameter_we: Sig::output(u(line)),
            post_table_we: Sig::output(u(line)),
            vector_table_we: Sig::output(u(line)),
            busy: Signal::default(),
            waits_memory: Signal::default(),
            error: Signal::default(),
            setup: Setup::new(shape),
            ask: Ask::new(shape),
            walk: Walk::new(shape),
            fifo: BeatFifo::new(shape),
            expand: (0..expand).map(|_| Expand::new(expanded)).collect(),
            groups: (0..usize::from(zvc)).map(|_| Groups::new(shape)).collect(),
            table: (0..usize::from(zvc)).map(|_| LengthTable::new(shape)).collect(),
            wrong: State::default(),
            data: Reg::many(u(8), line),
            code: Sig::locals(u(8), line),
            mask: Sig::local(u(line)),
            enables: Reg::new(u(line)),
            target: Reg::new(u(3)),
            line: Reg::new(u(24)),
            ended: State::default(),
            bit: (0..line).map(|byte| Const::new(1i128 << byte)).collect(),
            _line: line,
            _bus_words: bus / 4,
            _window: window.min(expanded),
            _padding: expanded - window.min(expanded),
            window: Const::new(window.min(expanded)),
            _members: members(shape),
            _expand: expand,
            _zvc: usize::from(zvc),
        }
    }
}

impl Logic for Load {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, enables, target, line, ended, wrong);
        self.setup.clock.next = self.clock.val();
        self.ask.clock.next = self.clock.val();
        self.walk.clock.next = self.clock.val();
        self.fifo.clock.next = self.clock.val();

        self.setup.start.next = self.start.val();
        for r in 0..12 {
            self.setup.registers[r].next = self.registers[r].val();
        }

        self.ask.start.next = self.start.val();
        self.ask.sized.next = self.setup.sized.val();
        self.ask.set.next = self.setup.ready.val();
        self.ask.empty.next = self.setup.empty.val();
        self.ask.block_beats.next = self.setup.beats.val();
        self.ask.base.next = self.setup.address.val();
        self.ask.stride.next = self.setup.stride.val();
        self.ask.blocks.next = self.setup.blocks.val();
        self.ask.left_fifo.next = self.walk.left.val();
        self.ask.zvc.next = self.setup.zvc.val();
        self.ask.table.next = self.setup.table.val();
        self.ask.alone.next = self.walk.alone.val();
        self.ask.table_came.next = 0.into();
        self.ask.entry.next = 0.into();
        self.ask.grant.next = self.grant.val();
        self.ready.next = self.ask.ready.val();
        self.request.next = self.ask.request.val();
        self.address.next = self.ask.address.val();
        self.beats.next = self.ask.beats.val();
        self.load_table.next = self.ask.load_table.val();
        self.error.next = self.wrong.q.val();
        if self.start.val() {
            self.wrong.d.next = false;
        }

        self.walk.start.next = self.start.val();
        self.walk.push.next = self.setup.ready.val();
        for m in 0..self._members {
            self.walk.context[m].next = self.setup.context[m].val();
        }
        self.walk.came.next = self.fifo.came.val();
        self.busy.next = self.walk.busy.val();
        self.waits_memory.next = self.walk.waits_memory.val();

        self.fifo.push.next = self.load_beat.val();
        for w in 0..self._bus_words {
            self.fifo.beat[w].next = self.beat[w].val();
        }
        self.fifo.re.next = self.walk.take.val();
        self.walk.there.next = false;
        self.walk.active.next = false;
        self.walk.advance.next = false;
        self.walk.consumed.next = 0.into();
        self.walk.finish.next = false;
        self.walk.over.next = false;
        self.fifo.at.next = self.walk.at.val();

        // From aligned bits to bytes.
        for b in 0..self._line {
            self.code[b].next = self.fifo.window[b].val();
        }
        for x in 0..self._expand {
            self.expand[x].width.next = self.walk.width.val();
            self.expand[x].signed.next = self.walk.signed.val();
            for b in 0..self._window {
                self.expand[x].packed[b].next = self.fifo.window[b].val();
            }
            for b in 0..self._padding {
                self.expand[x].packed[self._window + b].next = 0.into();
            }
            for b in 0..self._line {
                self.code[b].next = self.expand[x].code[b].val();
            }
        }

        // Group by group.
        for z in 0..self._zvc {
            for b in 0..8 {
                if self.groups[z].skip.val() {
                    self.expand[z].packed[b].next = self.fifo.window[b + 1].val();
                }
                self.groups[z].code[b].next = self.expand[z].code[b].val();
            }
            if self.groups[z].active.val() {
                self.expand[z].width.next = self.walk.command[0].val();
                self.expand[z].signed.next = self.walk.command_signed.val();
            }
            if self.groups[z].read.val() {
                self.fifo.re.next = true;
            }
            self.table[z].clock.next = self.clock.val();
            self.table[z].clear.next = self.setup.sized.val();
            self.table[z].push.next = self.table_beat.val();
            for w in 0..self._bus_words {
                self.table[z].beat[w].next = self.beat[w].val();
            }
            self.table[z].number[0].next = self.ask.number.val();
            self.table[z].number[1].next = self.walk.number.val();
            self.ask.table_came.next = self.table[z].came.val();
            self.ask.entry.next = self.table[z].entry[0].val();
            self.groups[z].clock.next = self.clock.val();
            self.groups[z].begin.next = self.walk.begin.val();
            self.groups[z].first.next = self.walk.first.val();
            self.groups[z].last.next = self.walk.last_of_block.val();
            self.groups[z].count.next = self.walk.count.val();
            self.groups[z].width.next = self.walk.command[0].val();
            self.groups[z].zero.next = self.walk.command[1].val();
            self.groups[z].groups.next = self.walk.command[2].val();
            self.groups[z].most.next = self.walk.command[3].val();
            self.groups[z].signed.next = self.walk.command_signed.val();
            self.groups[z].entry.next = self.table[z].entry[1].val();
            self.groups[z].position.next = self.walk.position.val();
            self.groups[z].at.next = self.walk.at.val();
            self.groups[z].came.next = self.fifo.came.val();
            self.groups[z].mask.next = self.fifo.window[z].val();
            self.walk.there.next = self.groups[z].there.val();
            self.walk.active.next = self.groups[z].active.val();
            self.walk.advance.next = self.groups[z].advance.val();
            self.walk.consumed.next = self.groups[z].consumed.val();
            self.walk.finish.next = self.groups[z].finish.val();
            self.walk.over.next = self.groups[z].over.val();
            if self.groups[z].wrong.val() {
                self.wrong.d.next = true;
            }
        }

        // The write port.
        self.mask.next = 0.into();
        if self.walk.valid.val() {
            for b in 0..self._line {
                if self.walk.bytes.val() > b {
                    self.mask.next = self.mask.val() | self.bit[b].val();
                }
            }
        }
        self.enables.d.next = self.mask.val();
        self.target.d.next = self.walk.target.val();
        self.line.d.next = self.walk.line.val();
        for z in 0..self._zvc {
            if self.groups[z].enables.val().any() {
                self.enables.d.next = self.groups[z].enables.val();
                self.target.d.next = self.walk.held_target.val();
                self.line.d.next = self.walk.held_line.val();
            }
        }
        self.ended.d.next = self.walk.last.val();
        self.done.next = self.ended.q.val();
        self.write_line.next = self.line.q.val();
        for b in 0..self._line {
            self.data[b].clock.next = self.clock.val();
            self.data[b].d.next = self.code[b].val();
            for z in 0..self._zvc {
                if self.groups[z].enables.val().any() {
                    self.data[b].d.next = self.groups[z].value[b].val();
                }
            }
            self.write_data[b].next = self.data[b].q.val();
        }
        self.activation_we.next = 0.into();
        self.weight_we.next = 0.into();
        self.post_parameter_we.next = 0.into();
        self.vector_parameter_we.next = 0.into();
        self.post_table_we.next = 0.into();
        self.vector_table_we.next = 0.into();
        if self.target.q.val() == 0 {
            self.activation_we.next = self.enables.q.val();
        }
        if self.target.q.val() == 1 {
            self.weight_we.next = self.enables.q.val();
        }
        if self.target.q.val() == 2 {
            self.post_parameter_we.next = self.enables.q.val();
        }
        if self.target.q.val() == 3 {
            self.vector_parameter_we.next = self.enables.q.val();
        }
        if self.target.q.val() == 4 {
            self.post_table_we.next = self.enables.q.val();
        }
        if self.target.q.val() == 5 {
            self.vector_table_we.next = self.enables.q.val();
        }
    }
}
