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
mod kernel;
pub mod rotate;
pub mod setup;
pub mod split;
pub mod table;
pub mod walk;

use self::ask::Ask;
use self::beats::{BeatFifo, window_bytes};
use self::expand::Expand;
use self::fields::REGISTERS;
use self::groups::Groups;
use self::setup::{Setup, members, operand_members};
use self::split::Split;
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
        split: Vec<Split>,
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
        _operand_members: usize,
        _narrow: usize,
        _expand: usize,
        _zvc: usize
    }
}

impl Load {
    /// The load unit of a design.
    #[must_use]
    pub fn new(shape: &Shape) -> Load {
        let Shape { line, bus, load_fifo_beats, burst_beats, pack, zvc, .. } = *shape;
        let codecs = [(pack, "_pack"), (zvc, "_zvc"), (shape.narrow, "_operands")];
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
            split: (0..usize::from(shape.narrow)).map(|_| Split::new(line)).collect(),
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
            _operand_members: operand_members(shape),
            _narrow: usize::from(shape.narrow),
            _expand: expand,
            _zvc: usize::from(zvc),
        }
    }
}
