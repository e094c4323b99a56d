//! Copy, add, table, pools, depthwise convolution, patches.

pub mod address;
pub mod assemble;
mod kernel;
pub mod lane;
pub mod lanes;
pub mod loops;
pub mod pick;
pub mod place;
pub mod position;
pub mod products;
pub mod rotate;
pub mod setup;

use super::fields::VectorFields;
use crate::prelude::*;
use crate::units::requantize::{INPUT_BITS, MANTISSA_BITS, OUTPUT_BITS, SHIFT_BITS};
use crate::units::shape::Shape;
use address::Address;
use assemble::Assemble;
use bitgauge_arch::command::{RegisterFile, Vector};
use lanes::Lanes;
use loops::Loops;
use place::Place;
use position::Position;
use rust_hdl::prelude::*;
use setup::Setup;

/// Cycles from the last read of a command to its last write, at most.
pub const STREAM_LATENCY: usize = 13;

documented! {
    /// The vector unit's engine for functions that take one line and make one line at a time.
    ///
    /// ```text
    /// setup -> loops -> position, address -> (scratchpads) -> line --> lanes <-> (tables, parameters, scale)
    ///                      |                                    |        |
    ///                      |                                    |      place --+--> write port
    ///                      +------------------------------------+--> assemble -+
    /// ```
    ///
    /// One pipeline for all functions. Stage n is n cycles after the read:
    ///
    /// ```text
    /// stage   0     1      2          3            4          5     6       9       10     11     12      13
    ///         read  rdata  line,pick  code,weight  term,      sum   scale   scaled  sum of code   write,  second
    ///                                              table             in              operands      port   line
    /// max, table                                                    code    (write port at 7, 8)
    /// copy, patch          pad        rotate       merge      write, rest
    /// ```
    ///
    /// Body cycles: `timing::vector_cycles`. Data: the simulator's `exec/vector.rs` and `exec/map.rs`.
    #[derive(LogicBlock)]
    pub struct Stream {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// first cycle with the command's registers
        pub prepare: Signal<In, Bit>,
        /// the cycle before the body
        pub begin: Signal<In, Bit>,
        /// registers of the command
        pub registers: Vec<Sig>,
        /// line of the activation scratchpad
        pub rdata: Vec<Sig>,
        /// line of the weight scratchpad
        pub weight_rdata: Vec<Sig>,
        /// parameters of a group
        pub parameter_rdata: Vec<Sig>,
        /// table entry of each lane
        pub table_rdata: Vec<Sig>,
        /// what the shared requantizers give
        pub scaled: Vec<Sig>,
        /// the command is for this engine
        pub active: Signal<Out, Bit>,
        /// last cycle of the body
        pub finished: Signal<Out, Bit>,
        /// read of the activation scratchpad
        pub re: Signal<Out, Bit>,
        /// its line
        pub raddr: Sig,
        /// read of the weight scratchpad
        pub weight_re: Signal<Out, Bit>,
        /// its line
        pub weight_raddr: Sig,
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
        /// read of the tables
        pub table_re: Signal<Out, Bit>,
        /// entry for each lane
        pub table_raddr: Vec<Sig>,
        /// value for each requantizer
        pub scale_value: Vec<Sig>,
        /// mantissa for each requantizer
        pub scale_mantissa: Vec<Sig>,
        /// shift for each requantizer
        pub scale_shift: Vec<Sig>,
        fields: VectorFields,
        setup: Setup,
        loops: Loops,
        position: Position,
        address: Address,
        lanes: Lanes,
        place: Place,
        assemble: Assemble,
        valid_0: State<Bit>,
        first_0: State<Bit>,
        done_0: State<Bit>,
        last_0: State<Bit>,
        limit_0: Reg,
        from_0: Reg,
        count_0: Reg,
        /// valid, first, done, last of the pixel, second operand, lower lanes, upper lanes
        tag_0: Sig,
        line: Vec<Reg>,
        to_weight: Signal<Local, Bit>,
        enables: Sig,
        we_r: Reg,
        weight_we_r: Reg,
        waddr_r: Reg,
        wdata_r: Vec<Reg>,
        _lanes: usize,
        _line: usize
    }
}

impl Stream {
    /// The engine of a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Stream {
        let (line, lanes) = (shape.line, shape.vector_lanes);
        let (byte, address, bytes) = (u(8), u(24), u(clog2(line) + 1));
        Stream {
            name: Named::of(format!("vector_stream_line{line}_by{lanes}"), &Stream::DOCS),
            clock: Signal::default(),
            prepare: Signal::default(),
            begin: Signal::default(),
            registers: Sig::inputs(u(32), 3 * Vector::GROUPS),
            rdata: Sig::inputs(byte, line),
            weight_rdata: Sig::inputs(byte, line),
            parameter_rdata: Sig::inputs(u(64), lanes),
            table_rdata: Sig::inputs(u(16), lanes),
            scaled: Sig::inputs(s(OUTPUT_BITS), lanes),
            active: Signal::default(),
            finished: Signal::default(),
            re: Signal::default(),
            raddr: Sig::output(address),
            weight_re: Signal::default(),
            weight_raddr: Sig::output(address),
            we: Sig::output(u(line)),
            waddr: Sig::output(address),
            wdata: Sig::outputs(byte, line),
            weight_we: Sig::output(u(line)),
            weight_waddr: Sig::output(address),
            weight_wdata: Sig::outputs(byte, line),
            parameter_re: Signal::default(),
            parameter_raddr: Sig::output(u(16)),
            table_re: Signal::default(),
            table_raddr: Sig::outputs(u(9), lanes),
            scale_value: Sig::outputs(s(INPUT_BITS), lanes),
            scale_mantissa: Sig::outputs(u(MANTISSA_BITS), lanes),
            scale_shift: Sig::outputs(u(SHIFT_BITS), lanes),
            fields: VectorFields::default(),
            setup: Setup::new(shape),
            loops: Loops::default(),
            position: Position::new(shape),
            address: Address::new(shape),
            lanes: Lanes::new(shape),
            place: Place::new(shape),
            assemble: Assemble::new(shape),
            valid_0: State::default(),
            first_0: State::default(),
            done_0: State::default(),
            last_0: State::default(),
            limit_0: Reg::new(bytes),
            from_0: Reg::new(u(clog2(line))),
            count_0: Reg::new(bytes),
            tag_0: Sig::local(u(7)),
            line: Reg::many(byte, line),
            to_weight: Signal::default(),
            enables: Sig::local(u(line)),
            we_r: Reg::new(u(line)),
            weight_we_r: Reg::new(u(line)),
            waddr_r: Reg::new(address),
            wdata_r: Reg::many(byte, line),
            _lanes: lanes,
            _line: line,
        }
    }
}
