//! Softmax and LayerNorm: the vector unit's engine for functions over whole rows.

pub mod divide;
pub mod fields;
mod kernel;
pub mod lane;
pub mod normalize;
pub mod present;
pub mod root;
pub mod select;
pub mod sequence;
pub mod statistics;
pub mod tree;
pub mod variance;
pub mod writer;

use crate::prelude::*;
use crate::units::requantize::{INPUT_BITS, MANTISSA_BITS, OUTPUT_BITS, SHIFT_BITS};
use crate::units::shape::Shape;
use bitgauge_arch::timing::{LAYERNORM_ROW_CYCLES, SOFTMAX_ROW_CYCLES, VECTOR_LATENCY};
use fields::RowFields;
use lane::RowLane;
use present::Present;
use rust_hdl::prelude::*;
use select::RowSelect;
use sequence::{Sequence, TAG_BITS};
use statistics::Statistics;
use writer::RowWriter;

/// Cycles between softmax's passes of maximum and sum: the maximum of a step is there in stage 8, and a
/// step wants it in stage 4.
pub const GAP_MAXIMUM: usize = 3;
/// Cycles between softmax's passes of sum and emission: the quotient is there in stage 29 of the last
/// step and wanted in stage 7.
pub const GAP_SUM: usize = 21;
/// Cycles between LayerNorm's passes: the reciprocal is there in stage 65 of the last step and wanted in
/// stage 6.
pub const GAP_LAYER_NORM: usize = 58;
/// Stage in which LayerNorm writes; softmax writes two stages earlier.
const WRITE_STAGE: usize = 15;
/// Stages of the tag chain.
const STAGES: usize = WRITE_STAGE - 1;

const _: () = assert!(SOFTMAX_ROW_CYCLES as usize == GAP_MAXIMUM + GAP_SUM);
const _: () = assert!(LAYERNORM_ROW_CYCLES as usize == GAP_LAYER_NORM);
// A step is issued a cycle before the one it has in the closed form.
const _: () = assert!(VECTOR_LATENCY as usize >= WRITE_STAGE - 1);

documented! {
    /// Softmax and LayerNorm over the channels of each pixel.
    ///
    /// lines -> codes -+-> maximum tree ----------------> difference -> table -> exponential -+
    ///                 +-> squares, codes -> sum trees -> N Q - S^2 -> root -+                |
    ///                 |      exponentials -> sum tree -> divide <-----------+                |
    ///                 |                                    | quotient, reciprocal            |
    ///                 +-> N code - S -> times reciprocal <-+-> scale <-----------------------+
    ///                                   + bias, +- ---------> scale -> zero point, clamp -> lines
    ///
    /// Stages of a step, in cycles after its issue; the first step is issued in the cycle of `begin`, the last
    /// one a cycle before `finished`:
    ///
    /// stage     | 1  | 2     | 3    | 4    | 5     | 6     | 7   | 8   | 9 | 10  | 11  | 12   | 13  | 14   | 15
    /// all       | re | rdata | line | code |       |       |     |     |   |     |     |      |     |      |
    /// softmax   |    |       |      |      | raddr | entry | exp | scale 3 cycles  | +z   | zero| we   |
    /// LayerNorm |    |       |      |      | N q   | - S   | x r | >>  | + | scale 3 cycles   | y   | zero | we
    ///
    /// LayerNorm's entries are read for stage 7; where channels have shifts, for stage 3, and for bytes
    /// in both passes.
    ///
    /// What the row shares is in [`Statistics`], the order of steps in
    /// [`Sequence`]. Cycles: `timing::vector_cycles`; arithmetic: `arith::softmax`,
    /// `arith::layernorm`.
    #[derive(LogicBlock)]
    pub struct Rows {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// first cycle of the setup
        pub prepare: Signal<In, Bit>,
        /// last cycle of the setup
        pub begin: Signal<In, Bit>,
        /// register file of the command
        pub registers: Vec<Sig>,
        /// line read, the cycle after `re`
        pub rdata: Vec<Sig>,
        /// parameter entries read, the cycle after `parameter_re`
        pub parameter_rdata: Vec<Sig>,
        /// table entries read, the cycle after `table_re`
        pub table_rdata: Vec<Sig>,
        /// results of the lanes' requantizers, three cycles after their inputs
        pub scaled: Vec<Sig>,
        /// the command is for this engine, from the second cycle of its setup on
        pub active: Signal<Out, Bit>,
        /// reads a line of the activation scratchpad
        pub re: Signal<Out, Bit>,
        /// the line
        pub raddr: Sig,
        /// byte enables of the activation scratchpad
        pub we: Sig,
        /// line to write
        pub waddr: Sig,
        /// bytes to write
        pub wdata: Vec<Sig>,
        /// reads a group of parameter entries
        pub parameter_re: Signal<Out, Bit>,
        /// the group
        pub parameter_raddr: Sig,
        /// reads table entries
        pub table_re: Signal<Out, Bit>,
        /// entry of each lane
        pub table_raddr: Vec<Sig>,
        /// value of each lane to scale
        pub scale_value: Vec<Sig>,
        /// its factor's mantissa
        pub scale_mantissa: Vec<Sig>,
        /// its factor's shift, 1 to 47
        pub scale_shift: Vec<Sig>,
        /// last cycle of the body
        pub finished: Signal<Out, Bit>,
        fields: RowFields,
        sequence: Sequence,
        select: RowSelect,
        statistics: Statistics,
        present_6: Present,
        present_out: Present,
        writer: RowWriter,
        lane: Vec<RowLane>,
        tag: Vec<Reg>,
        rest: Reg,
        table_raddr_r: Vec<Reg>,
        table_re_r: State<Bit>,
        parameter_re_r: State<Bit>,
        parameter_raddr_r: Reg,
        /// distance from the maximum
        difference: Vec<Sig>,
        /// steps of the first pass are half groups
        half_first: Signal<Local, Bit>,
        /// steps of the last pass are half groups
        half_last: Signal<Local, Bit>,
        /// the tag of the step that the writer sees
        late: Sig,
        halves: Const,
        lanes_log: Const,
        lanes_less_one: Const,
        _lanes: usize,
        _tags: usize,
        _shifts: usize,
        _shifted: usize,
        _line: usize,
        _stages: usize
    }
}

impl Rows {
    /// For this shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Rows {
        let (line, lanes) = (shape.line.max(1), shape.vector_lanes.max(1));
        Rows {
            name: Named::of(format!("rows_by{lanes}_line{line}"), &Rows::DOCS),
            clock: Signal::default(),
            prepare: Signal::default(),
            begin: Signal::default(),
            registers: Sig::inputs(u(32), 24),
            rdata: Sig::inputs(u(8), line),
            parameter_rdata: Sig::inputs(u(64), lanes),
            table_rdata: Sig::inputs(u(16), lanes),
            scaled: Sig::inputs(s(OUTPUT_BITS), lanes),
            active: Signal::default(),
            re: Signal::default(),
            raddr: Sig::output(u(24)),
            we: Sig::output(u(line)),
            waddr: Sig::output(u(24)),
            wdata: Sig::outputs(u(8), line),
            parameter_re: Signal::default(),
            parameter_raddr: Sig::output(u(16)),
            table_re: Signal::default(),
            table_raddr: Sig::outputs(u(9), lanes),
            scale_value: Sig::outputs(s(INPUT_BITS), lanes),
            scale_mantissa: Sig::outputs(u(MANTISSA_BITS), lanes),
            scale_shift: Sig::outputs(u(SHIFT_BITS), lanes),
            finished: Signal::default(),
            fields: RowFields::default(),
            sequence: Sequence::new(shape),
            select: RowSelect::new(shape),
            statistics: Statistics::new(lanes, shape.mac.tag_shift > 0),
            present_6: Present::new(lanes),
            present_out: Present::new(lanes),
            writer: RowWriter::new(shape),
            lane: vec![RowLane::new(shape.channel_shifts); lanes],
            // Number i is of stage i + 2; the sequence has stage 1's.
            tag: Reg::many(u(TAG_BITS), STAGES - 1),
            rest: Reg::new(u(clog2(lanes.max(2)))),
            table_raddr_r: Reg::many(u(9), lanes),
            table_re_r: State::default(),
            parameter_re_r: State::default(),
            parameter_raddr_r: Reg::new(u(16)),
            difference: Sig::locals(u(8), lanes),
            half_first: Signal::default(),
            half_last: Signal::default(),
            late: Sig::local(u(TAG_BITS)),
            halves: Const::new(2 * lanes > line),
            lanes_log: Const::new(clog2(lanes)),
            lanes_less_one: Const::new(lanes - 1),
            _lanes: lanes,
            _tags: usize::from(shape.mac.tag_shift > 0),
            _shifts: usize::from(shape.channel_shifts),
            _shifted: if shape.channel_shifts { lanes } else { 0 },
            _line: line,
            _stages: STAGES - 1,
        }
    }
}
