//! The store unit: lines of the activation scratchpad into blocks of coded pixels in memory.
//!
//! ```text
//!               +------+  line  +-------+  beats   +------+ store_beat
//! scratchpad <->| read |------->| beats |--------->| FIFO |-----------> memory port
//!               +------+        +-------+ arrived  +------+   grant        |
//!                  ^ room                 +-----> requests <--------------+|
//!                  +------ taken ---------------- ends (done) <-- response-+
//! ```
//!
//! In time, for a command of one line that starts in cycle 0 (STORE_SETUP = 2, STORE_READ_LATENCY = 4):
//!
//! ```text
//! cycle          0      1      2      3     4      5     6      7      8
//! start          1
//! registers             x      x      x     x      ...
//! re                                  1
//! rdata                                     x
//! dense codes                                      x
//! into the FIFO                                          x
//! asked for                                                     x
//! request                                                              1
//! ```
//!
//! Cycle function: `bitgauge_arch::timing::dma` and docs/reference/cycles.md, "Store".

mod beats;
mod decode;
mod ends;
mod pack;
mod read;
mod requests;
mod rotate;
mod table;
mod zvc;

use self::beats::{StoreBeats, slots};
use self::decode::{REGISTERS, StoreDecode, suffix};
use self::ends::StoreEnds;
use self::read::StoreRead;
use self::requests::StoreRequests;
use self::table::StoreTable;
use self::zvc::StoreZvc;
use super::Shape;
use super::memory_port::BEATS_BITS;
use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Store unit: reads lines, drops the codes' container bits, collects beats, writes bursts.
    #[derive(LogicBlock)]
    pub struct Store {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a command starts
        pub start: Signal<In, Bit>,
        /// its register file, from the next cycle on until the next start
        pub registers: Vec<Sig>,
        /// a command may start in this cycle
        pub ready: Signal<Out, Bit>,
        /// a command ends with the next cycle
        pub done: Signal<Out, Bit>,
        /// scratchpad: read enable
        pub re: Signal<Out, Bit>,
        /// scratchpad: line
        pub raddr: Sig,
        /// scratchpad: the line's bytes, a cycle later
        pub rdata: Vec<Sig>,
        /// a burst is asked for, until its grant
        pub request: Signal<Out, Bit>,
        /// its byte address
        pub address: Sig,
        /// its beats, 1 to 256
        pub beats: Sig,
        /// the burst is granted
        pub grant: Signal<In, Bit>,
        /// words of the beat to write next
        pub store_beat: Vec<Sig>,
        /// that beat is taken in this cycle
        pub store_taken: Signal<In, Bit>,
        /// the oldest burst is acknowledged
        pub store_response: Signal<In, Bit>,
        /// a line is read or a beat is on the bus
        pub busy: Signal<Out, Bit>,
        /// a burst or its response is waited for
        pub waits_memory: Signal<Out, Bit>,
        decode: StoreDecode,
        read: StoreRead,
        path: StoreBeats,
        requests: StoreRequests,
        ends: StoreEnds,
        zvc: Vec<StoreZvc>,
        table: Vec<StoreTable>,
        from_table: State<Bit>,
        _zvc: usize,
        _bus: usize,
        _registers: usize,
        _line: usize,
        _words: usize
    }
}

impl Store {
    /// The store unit for this shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Store {
        let Shape { line, bus, burst_beats: most, .. } = *shape;
        let (suffix, slots) = (suffix(shape), slots(shape));
        let zvc = usize::from(shape.zvc);
        Store {
            name: Named::of(format!("store_line{line}_bus{bus}_burst{most}{suffix}"), &Store::DOCS),
            clock: Signal::default(),
            start: Signal::default(),
            registers: Sig::inputs(u(32), REGISTERS),
            ready: Signal::default(),
            done: Signal::default(),
            re: Signal::default(),
            raddr: Sig::output(u(24)),
            rdata: Sig::inputs(u(8), line),
            request: Signal::default(),
            address: Sig::output(u(32)),
            beats: Sig::output(u(BEATS_BITS)),
            grant: Signal::default(),
            store_beat: Sig::outputs(u(32), bus / 4),
            store_taken: Signal::default(),
            store_response: Signal::default(),
            busy: Signal::default(),
            waits_memory: Signal::default(),
            decode: StoreDecode::new(shape),
            read: StoreRead::new(shape, slots),
            path: StoreBeats::new(shape),
            requests: StoreRequests::new(shape),
            ends: StoreEnds::default(),
            zvc: (0..zvc).map(|_| StoreZvc::new(shape, slots)).collect(),
            table: (0..zvc).map(|_| StoreTable::new(shape, u(clog2(slots) + 1))).collect(),
            from_table: State::default(),
            _zvc: zvc,
            _bus: bus,
            _registers: REGISTERS,
            _line: line,
            _words: bus / 4,
        }
    }
}

impl Logic for Store {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, from_table);
        self.read.clock.next = self.clock.val();
        self.path.clock.next = self.clock.val();
        self.requests.clock.next = self.clock.val();
        self.ends.clock.next = self.clock.val();
        for k in 0..self._registers {
            self.decode.registers[k].next = self.registers[k].val();
        }

        self.read.start.next = self.start.val();
        self.read.empty.next = self.decode.empty.val();
        self.read.line.next = self.decode.line.val();
        self.read.pixel_stride.next = self.decode.pixel_stride.val();
        self.read.block_stride.next = self.decode.block_stride.val();
        self.read.blocks.next = self.decode.blocks.val();
        self.read.pixels.next = self.decode.pixels.val();
        self.read.pixel_bytes.next = self.decode.pixel_bytes.val();
        self.read.bits.next = self.decode.bits.val();
        self.read.zvc.next = self.decode.zvc.val();
        self.read.external.next = self.decode.address.val();
        self.read.stride.next = self.decode.stride.val();
        self.read.table.next = self.decode.table.val();
        self.read.wins.next = false;
        self.read.length.next = 0.into();
        self.read.taken.next = self.store_taken.val();
        self.ready.next = self.read.ready.val();
        self.re.next = self.read.re.val();
        self.raddr.next = self.read.raddr.val();

        self.path.bytes.next = self.read.bytes.val();
        self.path.bits.next = self.read.bits_now.val();
        self.path.brings.next = self.read.brings.val();
        self.path.keep.next = self.read.keep.val();
        self.path.beats.next = self.read.beats.val();
        self.path.tail.next = self.read.tail.val();
        self.path.phase.next = self.read.phase.val();
        for k in 0..self._line {
            self.path.rdata[k].next = self.rdata[k].val();
        }
        for w in 0..self._words {
            self.store_beat[w].next = self.path.store_beat[w].val();
        }
        self.from_table.d.next = self.read.from_table.val();
        for k in 0..9 {
            self.path.coded[k].next = 0.into();
        }
        self.path.coded_valid.next = false;
        self.path.coded_beats.next = 0.into();
        self.path.coded_tail.next = 0.into();
        self.path.coded_phase.next = 0.into();
        for z in 0..self._zvc {
            self.zvc[z].clock.next = self.clock.val();
            self.zvc[z].clear.next = self.read.clear.val();
            self.zvc[z].bytes.next = self.path.codes_bytes.val();
            self.zvc[z].count.next = self.read.count.val();
            self.zvc[z].code.next = self.read.code.val();
            self.zvc[z].flush.next = self.read.flush.val();
            self.zvc[z].zero_code.next = self.decode.zero_code.val();
            self.zvc[z].bits.next = self.decode.bits.val();
            self.zvc[z].codes.next = self.requests.codes.val();
            self.zvc[z].raw_beats.next = self.requests.raw_beats.val();
            self.zvc[z].base.next = self.read.tail.val();
            self.zvc[z].begin.next = self.read.begin.val();
            self.read.wins.next = self.zvc[z].wins.val();
            self.read.length.next = self.zvc[z].beats.val();
            for k in 0..self._line {
                self.zvc[z].line[k].next = self.path.codes[k].val();
            }
            for k in 0..9 {
                self.path.coded[k].next = self.zvc[z].coded[k].val();
            }
            self.path.coded_valid.next = self.zvc[z].valid.val();
            self.path.coded_beats.next = self.zvc[z].coded_beats.val();
            self.path.coded_tail.next = self.zvc[z].tail.val();
            self.path.coded_phase.next = self.zvc[z].phase.val();
            self.table[z].clock.next = self.clock.val();
            self.table[z].we.next = self.read.block_in.val();
            self.table[z].entry.next = self.read.entry.val();
            self.table[z].beats.next = self.zvc[z].beats.val();
            self.table[z].escaped.next = !self.zvc[z].wins.val();
            self.table[z].raddr.next = self.read.table_line.val();
            if self.from_table.q.val() {
                for k in 0..self._bus {
                    self.path.rdata[k].next = self.table[z].rdata[k].val();
                }
            }
        }
        self.requests.zvc.next = self.decode.zvc.val();
        self.requests.block.next = self.read.block.val();
        self.requests.block_address.next = self.read.block_address.val();
        self.requests.coded_beats.next = self.read.block_beats.val();
        self.requests.block_last.next = self.read.block_last.val();
        self.requests.block_in.next = self.read.block_in.val();
        self.requests.block_in_beats.next = self.read.length.val();
        self.path.taken.next = self.store_taken.val();

        self.requests.start.next = self.start.val();
        self.requests.empty.next = self.decode.empty.val();
        self.requests.external.next = self.decode.address.val();
        self.requests.stride.next = self.decode.stride.val();
        self.requests.blocks.next = self.decode.blocks.val();
        self.requests.pixels.next = self.decode.pixels.val();
        self.requests.pixel_bytes.next = self.decode.pixel_bytes.val();
        self.requests.bits.next = self.decode.bits.val();
        self.requests.arrived.next = self.path.arrived.val();
        self.requests.open.next = self.ends.open.val();
        self.requests.grant.next = self.grant.val();
        self.request.next = self.requests.request.val();
        self.address.next = self.requests.address.val();
        self.beats.next = self.requests.beats.val();

        self.ends.start.next = self.start.val();
        self.ends.empty.next = self.decode.empty.val();
        self.ends.ask.next = self.requests.ask.val();
        self.ends.ask_last.next = self.requests.ask_last.val();
        self.ends.response.next = self.store_response.val();
        self.done.next = self.ends.done.val();
        self.waits_memory.next = self.ends.waits.val();
        self.busy.next = self.read.busy.val() || self.store_taken.val();
    }
}
