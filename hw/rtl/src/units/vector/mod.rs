//! The vector unit.

pub mod fields;
pub mod rows;
pub mod scale;
pub mod stream;

use crate::prelude::*;
use crate::units::shape::Shape;
use bitgauge_arch::command::{RegisterFile, Vector as Registers};
use bitgauge_arch::timing::{VECTOR_LATENCY, VECTOR_SETUP};
use rows::Rows;
use rust_hdl::prelude::*;
use scale::Scale;
use stream::products::PRODUCT_CYCLES;
use stream::{STREAM_LATENCY, Stream};

// The products start a cycle after the command, and the body a cycle after them.
const _: () = assert!(VECTOR_SETUP as usize >= PRODUCT_CYCLES + 2);
const _: () = assert!(VECTOR_LATENCY as usize >= STREAM_LATENCY);

documented! {
    /// The vector unit: one command at a time, setup, body, and what the pipeline still holds.
    ///
    /// ```text
    /// start ---> setup ---> Stream or Rows ---> end ---> done
    ///                           |    ^
    ///                           v    |
    ///                           scale
    /// ```
    ///
    /// ```text
    /// cycle     0     1        SETUP-1  SETUP ... B    ...  B+LATENCY  B+LATENCY+1 = end
    /// start     x
    /// prepare         x
    /// begin                    x
    /// reads                             x     x x x
    /// finished                                    x
    /// done                                             x
    /// ready     x                                                      x
    /// ```
    ///
    /// Cycles of a command: `timing::vector_cycles`.
    #[derive(LogicBlock)]
    pub struct Vector {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a command begins
        pub start: Signal<In, Bit>,
        /// its registers, from the next cycle on
        pub registers: Vec<Sig>,
        /// a command may begin in this cycle
        pub ready: Signal<Out, Bit>,
        /// the command ends with this cycle
        pub done: Signal<Out, Bit>,
        /// a command is running
        pub busy: Signal<Out, Bit>,
        /// read of the activation scratchpad
        pub re: Signal<Out, Bit>,
        /// its line
        pub raddr: Sig,
        /// the line, a cycle later
        pub rdata: Vec<Sig>,
        /// read of the weight scratchpad
        pub weight_re: Signal<Out, Bit>,
        /// its line
        pub weight_raddr: Sig,
        /// the line, a cycle later
        pub weight_rdata: Vec<Sig>,
        /// byte enables of the activation scratchpad
        pub we: Sig,
        /// line to write
        pub waddr: Sig,
        /// bytes to write
        pub wdata: Vec<Sig>,
        /// byte enables of the weight scratchpad
        pub weight_we: Sig,
        /// line to write
        pub weight_waddr: Sig,
        /// bytes to write
        pub weight_wdata: Vec<Sig>,
        /// read of the parameter memory
        pub parameter_re: Signal<Out, Bit>,
        /// group of lanes
        pub parameter_raddr: Sig,
        /// an entry for each lane, a cycle later
        pub parameter_rdata: Vec<Sig>,
        /// read of the tables
        pub table_re: Signal<Out, Bit>,
        /// entry for each lane
        pub table_raddr: Vec<Sig>,
        /// the entries, a cycle later
        pub table_rdata: Vec<Sig>,
        stream: Stream,
        rows: Rows,
        scale: Scale,
        running: State<Bit>,
        setup: Reg,
        ending: Reg,
        begin: Signal<Local, Bit>,
        finished: Signal<Local, Bit>,
        setup_cycles: Const,
        latency: Const,
        _lanes: usize,
        _line: usize
    }
}

impl Vector {
    /// The vector unit of a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Vector {
        let (line, lanes) = (shape.line, shape.vector_lanes);
        let (byte, address) = (u(8), u(24));
        Vector {
            name: Named::of(format!("vector_line{line}_by{lanes}"), &Vector::DOCS),
            clock: Signal::default(),
            start: Signal::default(),
            registers: Sig::inputs(u(32), 3 * Registers::GROUPS),
            ready: Signal::default(),
            done: Signal::default(),
            busy: Signal::default(),
            re: Signal::default(),
            raddr: Sig::output(address),
            rdata: Sig::inputs(byte, line),
            weight_re: Signal::default(),
            weight_raddr: Sig::output(address),
            weight_rdata: Sig::inputs(byte, line),
            we: Sig::output(u(line)),
            waddr: Sig::output(address),
            wdata: Sig::outputs(byte, line),
            weight_we: Sig::output(u(line)),
            weight_waddr: Sig::output(address),
            weight_wdata: Sig::outputs(byte, line),
            parameter_re: Signal::default(),
            parameter_raddr: Sig::output(u(16)),
            parameter_rdata: Sig::inputs(u(64), lanes),
            table_re: Signal::default(),
            table_raddr: Sig::outputs(u(9), lanes),
            table_rdata: Sig::inputs(u(16), lanes),
            stream: Stream::new(shape),
            rows: Rows::new(shape),
            scale: Scale::new(shape),
            running: State::default(),
            setup: Reg::new(u(5)),
            ending: Reg::new(u(6)),
            begin: Signal::default(),
            finished: Signal::default(),
            setup_cycles: Const::new(VECTOR_SETUP as usize - 1),
            latency: Const::new(VECTOR_LATENCY as usize),
            _lanes: lanes,
            _line: line,
        }
    }
}

impl Logic for Vector {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, running, setup, ending);
        self.stream.clock.next = self.clock.val();
        self.rows.clock.next = self.clock.val();
        self.scale.clock.next = self.clock.val();

        // One command from its start to its end.
        self.ready.next = !self.running.q.val();
        self.busy.next = self.running.q.val();
        self.finished.next = self.stream.finished.val() | self.rows.finished.val();
        self.begin.next = self.setup.q.val() == self.setup_cycles.val();
        self.done.next = self.ending.q.val() == self.latency.val();
        if self.begin.val() {
            self.setup.d.next = 0.into();
        } else if self.setup.q.val() != 0 {
            self.setup.d.next = self.setup.q.val() + 1;
        }
        if self.done.val() {
            self.ending.d.next = 0.into();
            self.running.d.next = false;
        } else if self.finished.val() {
            self.ending.d.next = 1.into();
        } else if self.ending.q.val() != 0 {
            self.ending.d.next = self.ending.q.val() + 1;
        }
        if self.start.val() {
            self.setup.d.next = 1.into();
            self.running.d.next = true;
        }

        for r in 0..24 {
            self.stream.registers[r].next = self.registers[r].val();
            self.rows.registers[r].next = self.registers[r].val();
        }
        self.stream.prepare.next = self.setup.q.val() == 1;
        self.rows.prepare.next = self.setup.q.val() == 1;
        self.stream.begin.next = self.begin.val() & !self.rows.active.val();
        self.rows.begin.next = self.begin.val() & self.rows.active.val();

        // The ports belong to the engine whose command it is; only copies write weights.
        self.re.next = self.stream.re.val();
        self.raddr.next = self.stream.raddr.val();
        self.weight_re.next = self.stream.weight_re.val();
        self.weight_raddr.next = self.stream.weight_raddr.val();
        self.we.next = self.stream.we.val();
        self.waddr.next = self.stream.waddr.val();
        self.weight_we.next = self.stream.weight_we.val();
        self.weight_waddr.next = self.stream.weight_waddr.val();
        self.parameter_re.next = self.stream.parameter_re.val();
        self.parameter_raddr.next = self.stream.parameter_raddr.val();
        self.table_re.next = self.stream.table_re.val();
        if self.rows.active.val() {
            self.re.next = self.rows.re.val();
            self.raddr.next = self.rows.raddr.val();
            self.we.next = self.rows.we.val();
            self.waddr.next = self.rows.waddr.val();
            self.parameter_re.next = self.rows.parameter_re.val();
            self.parameter_raddr.next = self.rows.parameter_raddr.val();
            self.table_re.next = self.rows.table_re.val();
        }
        for b in 0..self._line {
            self.stream.rdata[b].next = self.rdata[b].val();
            self.rows.rdata[b].next = self.rdata[b].val();
            self.stream.weight_rdata[b].next = self.weight_rdata[b].val();
            self.wdata[b].next = self.stream.wdata[b].val();
            if self.rows.active.val() {
                self.wdata[b].next = self.rows.wdata[b].val();
            }
            self.weight_wdata[b].next = self.stream.weight_wdata[b].val();
        }
        for l in 0..self._lanes {
            self.stream.parameter_rdata[l].next = self.parameter_rdata[l].val();
            self.rows.parameter_rdata[l].next = self.parameter_rdata[l].val();
            self.stream.table_rdata[l].next = self.table_rdata[l].val();
            self.rows.table_rdata[l].next = self.table_rdata[l].val();
            self.table_raddr[l].next = self.stream.table_raddr[l].val();
            self.scale.value[l].next = self.stream.scale_value[l].val();
            self.scale.mantissa[l].next = self.stream.scale_mantissa[l].val();
            self.scale.shift[l].next = self.stream.scale_shift[l].val();
            if self.rows.active.val() {
                self.table_raddr[l].next = self.rows.table_raddr[l].val();
                self.scale.value[l].next = self.rows.scale_value[l].val();
                self.scale.mantissa[l].next = self.rows.scale_mantissa[l].val();
                self.scale.shift[l].next = self.rows.scale_shift[l].val();
            }
            self.stream.scaled[l].next = self.scale.scaled[l].val();
            self.rows.scaled[l].next = self.scale.scaled[l].val();
        }
    }
}
