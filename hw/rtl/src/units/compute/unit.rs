//! Feeders, array and drain as one unit.
//!
//! ```text
//!  scratchpads ── Feed ── operands ── Array ── sums ── Drain ── activation scratchpad
//!                  └───── folds ────────────────────────┘ │
//!                                        residual, parameters, tables
//! ```
//!
//! Cycle function: `timing::compute`.

use super::drain::Drain;
use super::feed::Feed;
use crate::prelude::*;
use crate::units::array::{Array, ArrayShape};
use crate::units::shape::Shape;
use rust_hdl::prelude::*;

documented! {
    /// Compute unit: feeders, array of processing elements, drain and post-processor.
    ///
    /// The next command is fed while this one drains.
    #[derive(LogicBlock)]
    pub struct Compute {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a command starts
        pub start: Signal<In, Bit>,
        /// its register file, from the next cycle on until the next start
        pub registers: Vec<Sig>,
        /// a command may start in this cycle
        pub ready: Signal<Out, Bit>,
        /// last cycle of a command's feeding
        pub fed: Signal<Out, Bit>,
        /// a command ends with the next cycle
        pub done: Signal<Out, Bit>,
        /// it works
        pub busy: Signal<Out, Bit>,
        /// the first stage waits for the drain
        pub waits_drain: Signal<Out, Bit>,
        /// feeder: read of activations
        pub activation_re: Signal<Out, Bit>,
        /// feeder: line of activations
        pub activation_raddr: Sig,
        /// feeder: bytes of that line, a cycle later
        pub activation_rdata: Vec<Sig>,
        /// feeder: read of weights
        pub weight_re: Signal<Out, Bit>,
        /// feeder: line of weights
        pub weight_raddr: Sig,
        /// feeder: bytes of that line, a cycle later
        pub weight_rdata: Vec<Sig>,
        /// drain: read of a residual
        pub residual_re: Signal<Out, Bit>,
        /// drain: line of the residual
        pub residual_raddr: Sig,
        /// drain: bytes of that line, a cycle later
        pub residual_rdata: Vec<Sig>,
        /// drain: read of a parameter entry
        pub parameter_re: Signal<Out, Bit>,
        /// drain: number of that entry
        pub parameter_raddr: Sig,
        /// drain: the entry, a cycle later
        pub parameter_rdata: Sig,
        /// drain: read of the tables
        pub table_re: Signal<Out, Bit>,
        /// drain: table and code of each lane
        pub table_raddr: Vec<Sig>,
        /// drain: byte of each lane, a cycle later
        pub table_rdata: Vec<Sig>,
        /// bytes of a line to write
        pub we: Sig,
        /// line to write
        pub waddr: Sig,
        /// bytes of the line
        pub wdata: Vec<Sig>,
        feed: Feed,
        array: Array,
        drain: Drain,
        _registers: usize,
        _rows: usize,
        _words_a: usize,
        _words_w: usize,
        _lanes: usize,
        _line: usize
    }
}

impl Compute {
    /// The unit of a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Compute {
        let Shape { rows, cols, line, post_lanes: lanes, .. } = *shape;
        let feed = Feed::new(shape);
        let drain = Drain::new(shape);
        let bytes = |count| Sig::inputs(u(8), count);
        Compute {
            name: Named::of(
                format!("compute_{rows}x{cols}_by{lanes}_line{line}_{}", shape.mac.name()),
                &Compute::DOCS,
            ),
            clock: Signal::default(),
            start: Signal::default(),
            registers: Sig::inputs(u(32), feed.registers.len()),
            ready: Signal::default(),
            fed: Signal::default(),
            done: Signal::default(),
            busy: Signal::default(),
            waits_drain: Signal::default(),
            activation_re: Signal::default(),
            activation_raddr: Sig::output(feed.activation_raddr.ty()),
            activation_rdata: bytes(line),
            weight_re: Signal::default(),
            weight_raddr: Sig::output(feed.weight_raddr.ty()),
            weight_rdata: bytes(line),
            residual_re: Signal::default(),
            residual_raddr: Sig::output(drain.residual_raddr.ty()),
            residual_rdata: bytes(line),
            parameter_re: Signal::default(),
            parameter_raddr: Sig::output(drain.parameter_raddr.ty()),
            parameter_rdata: Sig::input(drain.parameter_rdata.ty()),
            table_re: Signal::default(),
            table_raddr: drain.table_raddr.iter().map(|port| Sig::output(port.ty())).collect(),
            table_rdata: bytes(lanes),
            we: Sig::output(drain.we.ty()),
            waddr: Sig::output(drain.waddr.ty()),
            wdata: Sig::outputs(u(8), line),
            _registers: feed.registers.len(),
            feed,
            array: Array::new(ArrayShape { rows, cols, lanes }, &shape.mac),
            drain,
            _rows: rows,
            _words_a: rows * shape.mac.activation().0,
            _words_w: cols * shape.mac.weight().0,
            _lanes: lanes,
            _line: line,
        }
    }
}

impl Logic for Compute {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, feed, array, drain);
        self.feed.start.next = self.start.val();
        for r in 0..self._registers {
            self.feed.registers[r].next = self.registers[r].val();
            self.drain.registers[r].next = self.registers[r].val();
        }
        self.ready.next = self.feed.ready.val();
        self.fed.next = self.feed.fed.val();
        self.done.next = self.drain.done.val();
        self.waits_drain.next = self.feed.waits_drain.val();
        // A command that waits in the first stage counts, not the ones behind it.
        self.busy.next =
            self.feed.busy_stage.val() | (!self.feed.stage_taken.val() & self.drain.draining.val());

        self.activation_re.next = self.feed.activation_re.val();
        self.activation_raddr.next = self.feed.activation_raddr.val();
        self.weight_re.next = self.feed.weight_re.val();
        self.weight_raddr.next = self.feed.weight_raddr.val();
        for b in 0..self._line {
            self.feed.activation_rdata[b].next = self.activation_rdata[b].val();
            self.feed.weight_rdata[b].next = self.weight_rdata[b].val();
            self.drain.residual_rdata[b].next = self.residual_rdata[b].val();
            self.wdata[b].next = self.drain.wdata[b].val();
        }
        for r in 0..self._rows {
            self.array.mode[r].next = self.feed.mode[r].val();
            self.array.flags[r].next = self.feed.flags[r].val();
        }
        for i in 0..self._words_a {
            self.array.a[i].next = self.feed.a[i].val();
        }
        for i in 0..self._words_w {
            self.array.w[i].next = self.feed.w[i].val();
        }

        self.drain.push.next = self.feed.push.val();
        self.drain.push_empty.next = self.feed.push_empty.val();
        self.drain.fold_end.next = self.feed.fold_end.val();
        self.drain.fold_pixel.next = self.feed.fold_pixel.val();
        self.drain.fold_column.next = self.feed.fold_column.val();
        self.drain.fold_last.next = self.feed.fold_last.val();
        self.array.drain_row.next = self.drain.drain_row.val();
        self.array.drain_group.next = self.drain.drain_group.val();
        self.residual_re.next = self.drain.residual_re.val();
        self.residual_raddr.next = self.drain.residual_raddr.val();
        self.parameter_re.next = self.drain.parameter_re.val();
        self.parameter_raddr.next = self.drain.parameter_raddr.val();
        self.drain.parameter_rdata.next = self.parameter_rdata.val();
        self.table_re.next = self.drain.table_re.val();
        for l in 0..self._lanes {
            self.drain.sum[l].next = self.array.sum[l].val();
            self.table_raddr[l].next = self.drain.table_raddr[l].val();
            self.drain.table_rdata[l].next = self.table_rdata[l].val();
        }
        self.we.next = self.drain.we.val();
        self.waddr.next = self.drain.waddr.val();
    }
}
