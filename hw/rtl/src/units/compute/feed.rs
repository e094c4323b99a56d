//! The compute unit's first stage: sequencer and both feeders.

pub mod columns;
pub mod deal;
pub mod digits;
pub mod fields;
pub mod folds;
pub mod fuse;
pub mod lane;
pub mod lines;
pub mod pace;
pub mod planes;
pub mod sequence;
pub mod slots;
pub mod span;
pub mod steps;
pub mod tags;
pub mod walk;

use crate::prelude::*;
use crate::units::Shape;
use columns::Columns;
use deal::Deal;
use fields::FeedFields;
use folds::Folds;
use fuse::Fuse;
use lines::Lines;
use pace::Pace;
use rust_hdl::prelude::*;
use sequence::Sequence;
use span::Span;
use steps::Steps;
use walk::Walk;

documented! {
    /// Feed: reads the operands of a compute command and deals them to the array's edges.
    ///
    /// A line takes b cycles, see `timing::compute`. In cycle `feed_start + j * b + r`, line j of row r
    /// and line j of column r are read; the codes of row r leave on `a` from two cycles later on, and those of a
    /// column on `w`; flags of the terms that they make follow a cycle later. Positions outside the map give the pad code without a read;
    /// codes behind a segment's last are zero on both sides; rows and columns that do not exist are zero.
    /// Behind a command that keeps its sums, no value is the first of its fold.
    ///
    /// ```text
    /// registers -> fields -> pace (when) -> lines (which line of the sum) -> walk ----> activation read
    ///                          |                                        \-> columns -> weight read
    ///                          +-- token --> lane 0 --> lane 1 --> ...
    /// data of a read --> codes kept, pad code, zero --> all lanes, one loads
    ///
    /// cycle         | t    | t + 1 | t + 2  | t + 3  | ...
    /// read, row r   | line |       |        |        |
    /// data          |      | line  |        |        |
    /// a, row r      |      |       | codes 0| codes 1|
    /// flags[r]      |      |       |        | of 0   |
    /// fold_end      | 4 cycles after the fold's last cycle of reading
    /// ```
    ///
    /// Cycles: setup 4, then `timing::compute`. Contract: `docs/reference/cycles.md`, Compute; what row 0 gets at
    /// position k of a fold is on `a` in cycle `feed_start + 2 + k`.
    #[derive(LogicBlock)]
    pub struct Feed {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// the command starts
        pub start: Signal<In, Bit>,
        /// register file of the command, from the cycle after the start on
        pub registers: Vec<Sig>,
        /// line of the activation scratchpad, the cycle after its read
        pub activation_rdata: Vec<Sig>,
        /// line of the weight scratchpad, the cycle after its read
        pub weight_rdata: Vec<Sig>,
        /// read enable of the activation scratchpad
        pub activation_re: Signal<Out, Bit>,
        /// line to read there
        pub activation_raddr: Sig,
        /// read enable of the weight scratchpad
        pub weight_re: Signal<Out, Bit>,
        /// line to read there
        pub weight_raddr: Sig,
        /// activations of each row, one row after the other
        pub a: Vec<Sig>,
        /// bits that go with each row's operands
        pub mode: Vec<Sig>,
        /// flags of each row's term, a cycle after its operands
        pub flags: Vec<Sig>,
        /// weights of each column, one column after the other
        pub w: Vec<Sig>,
        /// a command may start in this cycle
        pub ready: Signal<Out, Bit>,
        /// last cycle of a command in this stage
        pub fed: Signal<Out, Bit>,
        /// setup or feeding
        pub busy_stage: Signal<Out, Bit>,
        /// the stage holds a command
        pub stage_taken: Signal<Out, Bit>,
        /// the stage holds a command and waits for the drain
        pub waits_drain: Signal<Out, Bit>,
        /// the cycle after a start
        pub push: Signal<Out, Bit>,
        /// that command has no folds
        pub push_empty: Signal<Out, Bit>,
        /// the last value of a fold has passed row 0's port
        pub fold_end: Signal<Out, Bit>,
        /// first pixel of that fold's rows
        pub fold_pixel: Sig,
        /// first output of that fold's columns
        pub fold_column: Sig,
        /// that fold is its command's last
        pub fold_last: Signal<Out, Bit>,
        fields: FeedFields,
        pace: Pace,
        span: Span,
        sequence: Vec<Sequence>,
        fuse: Vec<Fuse>,
        lines: Lines,
        steps: Steps,
        walk: Walk,
        columns: Columns,
        deal: Deal,
        folds: Folds,
        first_1: State<Bit>,
        /// the command keeps its sums
        keeps: State<Bit>,
        /// the command goes on with the sums of the one before
        goes_on: State<Bit>,
        place_1: Reg,
        segment_bytes: Sig,
        /// narrow `fixed`: codes of a byte, less one, and as a power
        byte_round: Const,
        byte_bits: Const,
        /// bits of an activation where its field is 0
        full: Const,
        /// all but `serial`: bits of an activation of two scales, else 0
        tag_width: Sig,
        /// where lines can be dealt twice: passes over a group
        passes: Sig,
        empty: Signal<Local, Bit>,
        wide: Signal<Local, Bit>,
        last_fold: Signal<Local, Bit>,
        _registers: usize,
        _rows: usize,
        _all_a: usize,
        _all_w: usize,
        _several: usize,
        _serial: usize,
        _fusible: usize,
        _tags: usize,
        _serial_tags: usize,
        _twice: usize,
        _narrow: usize,
        _line: usize
    }
}

impl Feed {
    /// The first stage of a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Feed {
        let (rows, cols, line) = (shape.rows, shape.cols, shape.line);
        let mac = &shape.mac;
        let ((words_a, activation), (words_w, weight)) = (mac.activation(), mac.weight());
        let [serial, fusible] = [mac.serial(), mac.fusible()].map(usize::from);
        let fields = FeedFields::default();
        let registers = fields.registers.len();
        Feed {
            name: Named::of(
                format!("feed_{rows}x{cols}_by{}_line{line}_{}", shape.post_lanes, shape.mac.name()),
                &Feed::DOCS,
            ),
            clock: Signal::default(),
            start: Signal::default(),
            registers: Sig::inputs(u(32), registers),
            activation_rdata: Sig::inputs(u(8), line),
            weight_rdata: Sig::inputs(u(8), line),
            activation_re: Signal::default(),
            activation_raddr: Sig::output(u(24)),
            weight_re: Signal::default(),
            weight_raddr: Sig::output(u(24)),
            a: Sig::outputs(activation, rows * words_a),
            mode: Sig::outputs(u(mac.mode_bits()), rows),
            flags: Sig::outputs(u(mac.flag_bits()), rows),
            w: Sig::outputs(weight, cols * words_w),
            ready: Signal::default(),
            fed: Signal::default(),
            busy_stage: Signal::default(),
            stage_taken: Signal::default(),
            waits_drain: Signal::default(),
            push: Signal::default(),
            push_empty: Signal::default(),
            fold_end: Signal::default(),
            fold_pixel: Sig::output(u(21)),
            fold_column: Sig::output(u(17)),
            fold_last: Signal::default(),
            fields,
            pace: Pace::new(shape),
            span: Span::new(shape),
            sequence: (0..serial).map(|_| Sequence::new(shape)).collect(),
            fuse: (0..fusible).map(|_| Fuse::default()).collect(),
            lines: Lines::new(shape),
            steps: Steps::default(),
            walk: Walk::new(shape),
            columns: Columns::new(shape),
            deal: Deal::new(shape),
            folds: Folds::new(rows),
            first_1: State::default(),
            keeps: State::default(),
            goes_on: State::default(),
            place_1: Reg::new(u(clog2(shape.line_beats[1]))),
            segment_bytes: Sig::local(u(17)),
            byte_round: Const::new(8 / mac.container - 1),
            byte_bits: Const::new(clog2(8 / mac.container)),
            full: Const::new(8),
            tag_width: Sig::local(u(tags::WIDTH)),
            passes: Sig::local(u(2)),
            empty: Signal::default(),
            wide: Signal::default(),
            last_fold: Signal::default(),
            _registers: registers,
            _rows: rows,
            _all_a: rows * words_a,
            _all_w: cols * words_w,
            _several: serial + fusible,
            _serial: serial,
            _fusible: fusible,
            _tags: if mac.tag_shift > 0 { 1 - serial } else { 0 },
            _serial_tags: if mac.tag_shift > 0 { serial } else { 0 },
            _twice: if mac.dealt_twice() { 1 - serial } else { 0 },
            _narrow: usize::from(mac.container < 8),
            _line: line,
        }
    }
}

impl Logic for Feed {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, first_1, keeps, goes_on, place_1);
        for r in 0..self._registers {
            self.fields.registers[r].next = self.registers[r].val();
        }
        self.empty.next = (self.fields.out_rows.val() == 0)
            | (self.fields.out_cols.val() == 0)
            | (self.fields.outputs.val() == 0);
        self.wide.next = self.fields.output_wide.val().any()
            | (self.fields.residual_enable.val().any() & self.fields.residual_wide.val().any());

        self.pace.clock.next = self.clock.val();
        self.pace.start.next = self.start.val();
        self.pace.empty.next = self.empty.val();
        self.pace.wide.next = self.wide.val();
        self.pace.few.next = self.lines.few.val();
        self.pace.line_last.next = self.span.last.val();
        self.span.clock.next = self.clock.val();
        self.span.channels.next = self.fields.channels.val();
        self.lines.positions.next = self.span.few.val();
        self.walk.line_last.next = self.span.last.val();
        self.pace.last_line.next = self.lines.last_line.val();
        self.last_fold.next = !self.walk.more.val() & self.columns.last.val();
        self.pace.last_fold.next = self.last_fold.val();

        self.lines.clock.next = self.clock.val();
        self.lines.prepare.next = self.pace.prepare.val();
        self.lines.line_end.next = self.pace.line_end.val();
        self.lines.kernel_rows.next = self.fields.kernel_rows.val();
        self.lines.kernel_cols.next = self.fields.kernel_cols.val();
        self.lines.segments.next = self.fields.segments.val();
        // What lines and their tails are counted in: bytes of a segment.
        self.segment_bytes.next = self.fields.channels.val();
        for _k in 0..self._narrow {
            self.segment_bytes.next =
                (self.fields.channels.val() + self.byte_round.val()) >> self.byte_bits.val();
        }
        for _k in 0..self._several {
            if self.fields.container.val() == 1 {
                self.segment_bytes.next = (self.fields.channels.val() + 1) >> 1usize;
            }
            if self.fields.container.val() == 2 {
                self.segment_bytes.next = (self.fields.channels.val() + 3) >> 2usize;
            }
        }
        self.lines.channels.next = self.segment_bytes.val();
        self.lines.segment_stride.next = self.fields.segment_stride.val();
        self.lines.dilation_rows.next = self.fields.dilation_rows.val();
        self.lines.dilation_cols.next = self.fields.dilation_cols.val();
        self.lines.row_step.next = self.steps.row_step.val();
        self.lines.column_step.next = self.steps.column_step.val();

        self.walk.clock.next = self.clock.val();
        self.walk.corner.next = self.steps.corner.val();
        self.walk.step_down.next = self.steps.down.val();
        self.walk.step_right.next = self.steps.right.val();
        self.walk.settle.next = self.pace.settle.val();
        self.steps.clock.next = self.clock.val();
        self.steps.prepare.next = self.pace.prepare.val();
        self.steps.settle.next = self.pace.settle.val();
        self.steps.follow.next = self.pace.follow.val();
        self.walk.issue.next = self.pace.issue.val();
        self.walk.position.next = self.pace.position.val();
        self.walk.first_line.next = self.pace.first_line.val();
        self.walk.fold_done.next = self.pace.fold_done.val();
        self.walk.offset.next = self.lines.offset.val();
        self.walk.down.next = self.lines.down.val();
        self.walk.right.next = self.lines.right.val();
        self.walk.group.next = self.columns.group.val();
        self.steps.activation_line.next = self.fields.activation_line.val();
        self.walk.out_rows.next = self.fields.out_rows.val();
        self.walk.out_cols.next = self.fields.out_cols.val();
        self.walk.in_rows.next = self.fields.in_rows.val();
        self.walk.in_cols.next = self.fields.in_cols.val();
        self.walk.stride_rows.next = self.fields.stride_rows.val();
        self.steps.stride_rows.next = self.fields.stride_rows.val();
        self.walk.stride_cols.next = self.fields.stride_cols.val();
        self.steps.stride_cols.next = self.fields.stride_cols.val();
        self.walk.pad_top.next = self.fields.pad_top.val();
        self.steps.pad_top.next = self.fields.pad_top.val();
        self.walk.pad_left.next = self.fields.pad_left.val();
        self.steps.pad_left.next = self.fields.pad_left.val();
        self.steps.dilation_rows.next = self.fields.dilation_rows.val();
        self.steps.dilation_cols.next = self.fields.dilation_cols.val();
        self.steps.row_stride.next = self.fields.row_stride.val();
        self.steps.pixel_stride.next = self.fields.pixel_stride.val();

        self.columns.clock.next = self.clock.val();
        self.columns.prepare.next = self.pace.prepare.val();
        self.columns.issue.next = self.pace.issue.val();
        self.columns.position.next = self.pace.position.val();
        self.columns.first_line.next = self.pace.first_line.val();
        self.columns.line_end.next = self.pace.line_end.val();
        self.columns.fold_done.next = self.pace.fold_done.val();
        self.columns.more.next = self.walk.more.val();
        self.columns.weight_line.next = self.fields.weight_line.val();
        self.columns.weight_stride.next = self.fields.weight_stride.val();
        self.columns.outputs.next = self.fields.outputs.val();
        self.columns.grouped.next = self.fields.grouped.val();

        self.folds.clock.next = self.clock.val();
        self.folds.prepare.next = self.pace.prepare.val();
        self.folds.fold_done.next = self.pace.fold_done.val();
        self.folds.more.next = self.walk.more.val();
        self.folds.last_fold.next = self.last_fold.val();
        self.folds.column.next = self.columns.column.val();

        self.activation_re.next = self.walk.re.val();
        self.activation_raddr.next = self.walk.raddr.val();
        self.weight_re.next = self.columns.re.val();
        self.weight_raddr.next = self.columns.raddr.val();

        // A cycle after the issue: the read.
        self.place_1.d.next = self.pace.position.val();
        if self.pace.prepare.val() {
            self.keeps.d.next = self.fields.accumulate.val().any();
            self.goes_on.d.next = self.keeps.q.val();
        }
        self.first_1.d.next = self.pace.issue.val()
            & self.pace.first_line.val()
            & (self.pace.position.val() == 0)
            & !self.goes_on.q.val();
        for k in 0..self._serial {
            self.sequence[k].clock.next = self.clock.val();
            self.sequence[k].settle.next = self.pace.settle.val();
            self.sequence[k].issue.next = self.pace.issue.val();
            self.sequence[k].line_end.next = self.pace.line_end.val();
            self.sequence[k].container.next = self.fields.container.val();
            self.deal.container[k].next = self.fields.container.val();
            self.sequence[k].channels.next = self.fields.channels.val();
            self.sequence[k].activation_bits.next = self.fields.activation_bits.val();
            self.sequence[k].weight_bits.next = self.fields.weight_bits.val();
            self.sequence[k].signed.next = self.fields.activation_signed.val().any();
            self.span.passes[k].next = self.sequence[k].passes.val();
            self.deal.token[k].next = self.sequence[k].token.val();
            self.deal.sequence_mode[k].next = self.sequence[k].mode.val();
            self.deal.sequence_flags[k].next = self.sequence[k].flags.val();
        }
        for k in 0..self._several {
            self.span.container[k].next = self.fields.container.val();
            self.columns.container[k].next = self.fields.container.val();
        }
        for k in 0..self._fusible {
            self.fuse[k].activation_bits.next = self.fields.activation_bits.val();
            self.fuse[k].weight_bits.next = self.fields.weight_bits.val();
            self.fuse[k].container.next = self.fields.container.val();
            self.fuse[k].tagged.next = false;
            for _t in 0..self._tags {
                self.fuse[k].tagged.next = self.fields.tag_shift.val().any();
            }
            self.span.together[k].next = self.fuse[k].together.val();
            self.deal.join[k].next = self.fuse[k].join.val();
            self.deal.choice[k].next = self.fuse[k].choice.val();
            self.deal.first_shift[k].next = self.fuse[k].bytes.val();
        }
        for k in 0..self._serial_tags {
            self.sequence[k].tag_shift[k].next = self.fields.tag_shift.val();
        }
        self.tag_width.next = 0.into();
        self.passes.next = 1.into();
        for k in 0..self._tags {
            if self.fields.tag_shift.val().any() {
                self.passes.next = 2.into();
                self.tag_width.next = self.fields.activation_bits.val();
                if self.fields.activation_bits.val() == 0 {
                    self.tag_width.next = self.full.val();
                }
            }
            self.deal.tag_width[k].next = self.tag_width.val();
            self.deal.tag_shift[k].next = self.fields.tag_shift.val();
        }
        for k in 0..self._twice {
            self.span.passes[k].next = self.passes.val();
        }
        self.deal.clock.next = self.clock.val();
        self.deal.pad_code.next = self.fields.pad_code.val();
        self.deal.tail.next = self.lines.tail.val();
        self.deal.reading.next = self.pace.reading.val();
        self.deal.place.next = self.place_1.q.val();
        self.deal.opening.next = self.first_1.q.val();
        self.deal.closing.next = self.folds.closing.val();
        self.deal.signed.next = self.fields.activation_signed.val().any();
        self.deal.word_last.next = self.lines.word_last.val();
        self.deal.row_live.next = self.walk.live.val();
        self.deal.outside.next = self.walk.outside.val();
        self.deal.column_live.next = self.columns.re.val();
        for k in 0..self._line {
            self.deal.activation_rdata[k].next = self.activation_rdata[k].val();
            self.deal.weight_rdata[k].next = self.weight_rdata[k].val();
        }
        for r in 0..self._rows {
            self.mode[r].next = self.deal.mode[r].val();
            self.flags[r].next = self.deal.flags[r].val();
        }
        for i in 0..self._all_a {
            self.a[i].next = self.deal.a[i].val();
        }
        for i in 0..self._all_w {
            self.w[i].next = self.deal.w[i].val();
        }

        self.fold_end.next = self.folds.fold_end.val();
        self.fold_pixel.next = self.folds.fold_pixel.val();
        self.fold_column.next = self.folds.fold_column.val();
        self.fold_last.next = self.folds.fold_last.val();
        self.ready.next = self.pace.ready.val();
        self.fed.next = self.pace.fed.val();
        self.busy_stage.next = self.pace.busy_stage.val();
        self.stage_taken.next = self.pace.stage_taken.val();
        self.waits_drain.next = self.pace.waits_drain.val();
        self.push.next = self.pace.prepare.val();
        self.push_empty.next = self.empty.val();
    }
}
