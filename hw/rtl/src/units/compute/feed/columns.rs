//! Addresses of the weights, and column folds.

use crate::prelude::*;
use crate::units::Shape;
use crate::units::compute::feed::slots::CONTAINER;
use rust_hdl::prelude::*;

documented! {
    /// Weight addresses: column c of a fold reads line `weight_line + (first + c) * weight_stride + j`.
    ///
    /// An adder walks from column to column within a line; the first column's line and the next column
    /// fold's first line are kept. Columns without an output are not read.
    ///
    /// ```text
    /// at --> + weight_stride --> at          within a line
    /// line + 1 ---------------------> at, line   next line
    /// fold_at ----------------------> at, line   next fold of rows
    /// next_fold_at -----------------> all        next fold of columns
    /// ```
    #[derive(LogicBlock)]
    pub struct Columns {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// first cycle after the start
        pub prepare: Signal<In, Bit>,
        /// a position is issued
        pub issue: Signal<In, Bit>,
        /// the position
        pub position: Sig,
        /// it belongs to a fold's first line
        pub first_line: Signal<In, Bit>,
        /// it is a line's last
        pub line_end: Signal<In, Bit>,
        /// it is a fold's last
        pub fold_done: Signal<In, Bit>,
        /// the same columns have pixels left for another fold
        pub more: Signal<In, Bit>,
        /// field
        pub weight_line: Sig,
        /// field
        pub weight_stride: Sig,
        /// field
        pub outputs: Sig,
        /// field
        pub grouped: Sig,
        /// what the operands lie in, where commands choose it
        pub container: Vec<Sig>,
        /// read enable, a cycle after the issue
        pub re: Signal<Out, Bit>,
        /// line to read
        pub raddr: Sig,
        /// first output of the fold's columns
        pub column: Sig,
        /// these columns are the command's last
        pub last: Signal<Out, Bit>,
        /// lines by which the next column fold's activations lie further on than the first's
        pub group: Sig,
        at: Reg,
        line: Reg,
        line_next: Reg,
        fold_at: Reg,
        next_fold_at: Reg,
        left: Reg,
        first_output: Reg,
        re_r: State<Bit>,
        raddr_r: Reg,
        sum: Sig,
        following: Sig,
        reads: Signal<Local, Bit>,
        cols: Const,
        last_col: Const,
        line_bits: Const,
        _several: usize
    }
}

impl Columns {
    /// The column side for a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Columns {
        let lines = u(24);
        Columns {
            name: Named::of(
                format!(
                    "feed_columns_cols{}_line{}_most{}{}",
                    shape.cols,
                    shape.line_codes(),
                    shape.line_beats[1],
                    if shape.mac.any_container() { "_operands" } else { "" }
                ),
                &Columns::DOCS,
            ),
            clock: Signal::default(),
            prepare: Signal::default(),
            issue: Signal::default(),
            position: Sig::input(u(clog2(shape.line_beats[1]))),
            first_line: Signal::default(),
            line_end: Signal::default(),
            fold_done: Signal::default(),
            more: Signal::default(),
            weight_line: Sig::input(lines),
            weight_stride: Sig::input(u(16)),
            outputs: Sig::input(u(16)),
            grouped: Sig::input(u(1)),
            container: Sig::inputs(u(CONTAINER), usize::from(shape.mac.any_container())),
            _several: usize::from(shape.mac.any_container()),
            re: Signal::default(),
            raddr: Sig::output(lines),
            column: Sig::output(u(17)),
            last: Signal::default(),
            group: Sig::output(u(17)),
            at: Reg::new(lines),
            line: Reg::new(lines),
            line_next: Reg::new(lines),
            fold_at: Reg::new(lines),
            next_fold_at: Reg::new(lines),
            left: Reg::new(u(16)),
            first_output: Reg::new(u(17)),
            re_r: State::default(),
            raddr_r: Reg::new(lines),
            sum: Sig::local(lines),
            following: Sig::local(lines),
            reads: Signal::default(),
            cols: Const::new(shape.cols),
            last_col: Const::new(shape.cols - 1),
            line_bits: Const::new(clog2(shape.line_codes())),
        }
    }
}

impl Logic for Columns {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            at,
            line,
            line_next,
            fold_at,
            next_fold_at,
            left,
            first_output,
            re_r,
            raddr_r
        );
        self.sum.next = self.at.q.val() + self.weight_stride.val();
        self.line_next.d.next = self.line.q.val() + 1;
        self.following.next = self.next_fold_at.q.val();
        if self.first_line.val() & (self.position.val() == self.last_col.val()) {
            self.following.next = self.sum.val();
        }
        self.reads.next = self.issue.val()
            & (self.position.val() < self.cols.val())
            & (self.position.val() < self.left.q.val());
        self.re_r.d.next = self.reads.val();
        if self.reads.val() {
            self.raddr_r.d.next = self.at.q.val();
        }
        if self.issue.val() {
            self.at.d.next = self.sum.val();
            self.next_fold_at.d.next = self.following.val();
        }
        if self.line_end.val() {
            self.at.d.next = self.line_next.q.val();
            self.line.d.next = self.line_next.q.val();
        }
        if self.fold_done.val() {
            if self.more.val() {
                self.at.d.next = self.fold_at.q.val();
                self.line.d.next = self.fold_at.q.val();
            } else {
                self.at.d.next = self.following.val();
                self.line.d.next = self.following.val();
                self.fold_at.d.next = self.following.val();
                self.left.d.next = self.left.q.val() - self.cols.val();
                self.first_output.d.next = self.first_output.q.val() + self.cols.val();
            }
        }
        if self.prepare.val() {
            self.at.d.next = self.weight_line.val();
            self.line.d.next = self.weight_line.val();
            self.fold_at.d.next = self.weight_line.val();
            self.left.d.next = self.outputs.val();
            self.first_output.d.next = 0.into();
        }
        self.last.next = self.left.q.val() <= self.cols.val();
        self.column.next = self.first_output.q.val();
        self.group.next = 0.into();
        if self.grouped.val().any() {
            self.group.next = (self.first_output.q.val() + self.cols.val()) >> self.line_bits.val();
            for k in 0..self._several {
                self.group.next = ((self.first_output.q.val() + self.cols.val()) >> self.line_bits.val())
                    >> self.container[k].val();
            }
        }
        self.re.next = self.re_r.q.val();
        self.raddr.next = self.raddr_r.q.val();
    }
}
