//! Which line of its sums a fold is at.

use super::pace::{enough_lines, longest_wait};
use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

documented! {
    /// Lines of a fold: words of a segment, segments, kernel columns, kernel rows.
    ///
    /// Counters count what is left. The offset of the next line is added up while a line is fed, from the
    /// place of the loop that goes on: what the counters say is registered once and the sum once more, so
    /// both stand from the line's fourth position on. A line has four positions at least.
    ///
    /// ```text
    /// offset, segment_at, column_at, row_at --+
    ///                                        select --> add --> next --> (at the line's end) the four
    /// 1, segment_stride, column_step, row_step +
    /// ```
    ///
    /// In the cycles `prepare` and `settle` small multipliers form `few`, the number of positions, every
    /// factor clipped: it serves the drain stall only, for which more do not matter.
    #[derive(LogicBlock)]
    pub struct Lines {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// first cycle after the start
        pub prepare: Signal<In, Bit>,
        /// last position of a line
        pub line_end: Signal<In, Bit>,
        /// field
        pub kernel_rows: Sig,
        /// field
        pub kernel_cols: Sig,
        /// field
        pub segments: Sig,
        /// field
        pub channels: Sig,
        /// field
        pub segment_stride: Sig,
        /// field
        pub dilation_rows: Sig,
        /// field
        pub dilation_cols: Sig,
        /// lines from a kernel row to the next
        pub row_step: Sig,
        /// lines from a kernel column to the next
        pub column_step: Sig,
        /// positions of a line, clipped; from the second cycle after the start on
        pub positions: Sig,
        /// positions of a fold, clipped; from the third cycle after the start on
        pub few: Sig,
        /// bytes of a segment's last line that are codes, a bit each
        pub tail: Sig,
        /// lines from a pixel's first line to the current one
        pub offset: Sig,
        /// map rows from the window's first to the current one
        pub down: Sig,
        /// map columns likewise
        pub right: Sig,
        /// the line is its segment's last; seen a cycle late
        pub word_last: Signal<Out, Bit>,
        /// the line is its fold's last; seen a cycle late
        pub last_line: Signal<Out, Bit>,
        words_left: Reg,
        segments_left: Reg,
        columns_left: Reg,
        rows_left: Reg,
        word_last_r: State<Bit>,
        segment_last: State<Bit>,
        column_last: State<Bit>,
        row_last: State<Bit>,
        line_last: State<Bit>,
        line_at: Reg,
        segment_at: Reg,
        column_at: Reg,
        row_at: Reg,
        next: Reg,
        down_r: Reg,
        down_next: Reg,
        right_r: Reg,
        right_next: Reg,
        tail_r: Reg,
        kernel_few: Reg,
        depth_few: Reg,
        few_r: Reg,
        /// lines of a segment
        words: Sig,
        /// bytes of a segment's last line that are no codes
        spare: Sig,
        rows_clip: Sig,
        cols_clip: Sig,
        segments_clip: Sig,
        words_clip: Sig,
        kernel_product: Sig,
        depth_product: Sig,
        product: Sig,
        total: Sig,
        base: Sig,
        step: Sig,
        most: Const,
        longest: Const,
        _bits: usize,
        _product_bits: usize,
        line_bits: Const,
        round: Const,
        ones: Const
    }
}

impl Lines {
    /// The loops for a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Lines {
        let most = enough_lines(shape);
        let few = u(clog2(most + 1));
        let product = Sig::local(u(2 * few.width));
        let longest = longest_wait(shape);
        let wait = u(clog2(longest + 1));
        let lines = u(24);
        Lines {
            name: Named::of(format!("feed_lines_line{}_most{most}_of{longest}", shape.line), &Lines::DOCS),
            clock: Signal::default(),
            prepare: Signal::default(),
            line_end: Signal::default(),
            kernel_rows: Sig::input(u(8)),
            kernel_cols: Sig::input(u(8)),
            segments: Sig::input(u(16)),
            channels: Sig::input(u(16)),
            segment_stride: Sig::input(lines),
            dilation_rows: Sig::input(u(8)),
            dilation_cols: Sig::input(u(8)),
            row_step: Sig::input(lines),
            column_step: Sig::input(lines),
            positions: Sig::input(wait),
            few: Sig::output(wait),
            tail: Sig::output(u(shape.line)),
            offset: Sig::output(lines),
            down: Sig::output(u(16)),
            right: Sig::output(u(16)),
            word_last: Signal::default(),
            last_line: Signal::default(),
            words_left: Reg::new(u(15)),
            segments_left: Reg::new(u(16)),
            columns_left: Reg::new(u(8)),
            rows_left: Reg::new(u(8)),
            word_last_r: State::default(),
            segment_last: State::default(),
            column_last: State::default(),
            row_last: State::default(),
            line_last: State::default(),
            line_at: Reg::new(lines),
            segment_at: Reg::new(lines),
            column_at: Reg::new(lines),
            row_at: Reg::new(lines),
            next: Reg::new(lines),
            down_r: Reg::new(u(16)),
            down_next: Reg::new(u(16)),
            right_r: Reg::new(u(16)),
            right_next: Reg::new(u(16)),
            tail_r: Reg::new(u(shape.line)),
            kernel_few: Reg::new(few),
            depth_few: Reg::new(few),
            few_r: Reg::new(wait),
            words: Sig::local(u(15)),
            spare: Sig::local(u(clog2(shape.line))),
            rows_clip: Sig::local(few),
            cols_clip: Sig::local(few),
            segments_clip: Sig::local(few),
            words_clip: Sig::local(few),
            kernel_product: product.clone(),
            depth_product: product.clone(),
            product,
            total: Sig::local(u(2 * few.width + wait.width)),
            base: Sig::local(lines),
            step: Sig::local(lines),
            most: Const::new(most),
            longest: Const::new(longest),
            _bits: clog2(most + 1),
            _product_bits: 2 * few.width,
            line_bits: Const::new(clog2(shape.line)),
            round: Const::new(shape.line - 1),
            ones: Const::new(((1u128 << shape.line) - 1).cast_signed()),
        }
    }
}

impl Logic for Lines {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            words_left,
            segments_left,
            columns_left,
            rows_left,
            word_last_r,
            segment_last,
            column_last,
            row_last,
            line_last,
            line_at,
            segment_at,
            column_at,
            row_at,
            next,
            down_r,
            down_next,
            right_r,
            right_next,
            tail_r,
            kernel_few,
            depth_few,
            few_r
        );
        self.words.next = (self.channels.val() + self.round.val()) >> self.line_bits.val();
        self.spare.next = -self.channels.val();
        self.tail_r.d.next = self.ones.val() >> self.spare.val();
        self.tail.next = self.tail_r.q.val();

        // Clipped count of lines.
        self.rows_clip.next = self.most.val();
        if self.kernel_rows.val() < self.most.val() {
            self.rows_clip.next = self.kernel_rows.val();
        }
        self.cols_clip.next = self.most.val();
        if self.kernel_cols.val() < self.most.val() {
            self.cols_clip.next = self.kernel_cols.val();
        }
        self.segments_clip.next = self.most.val();
        if self.segments.val() < self.most.val() {
            self.segments_clip.next = self.segments.val();
        }
        self.words_clip.next = self.most.val();
        if self.words.val() < self.most.val() {
            self.words_clip.next = self.words.val();
        }
        // Products of so few bits by their addends: no DSP block is worth its delay here.
        self.kernel_product.next = 0.into();
        self.depth_product.next = 0.into();
        self.product.next = 0.into();
        for i in 0..self._bits {
            if self.cols_clip.val().get_bit(i) {
                self.kernel_product.next = self.kernel_product.val() + (self.rows_clip.val() << i);
            }
            if self.words_clip.val().get_bit(i) {
                self.depth_product.next = self.depth_product.val() + (self.segments_clip.val() << i);
            }
            if self.depth_few.q.val().get_bit(i) {
                self.product.next = self.product.val() + (self.kernel_few.q.val() << i);
            }
        }
        self.kernel_few.d.next = self.most.val();
        if self.kernel_product.val() < self.most.val() {
            self.kernel_few.d.next = self.kernel_product.val();
        }
        self.depth_few.d.next = self.most.val();
        if self.depth_product.val() < self.most.val() {
            self.depth_few.d.next = self.depth_product.val();
        }
        self.total.next = 0.into();
        for i in 0..self._product_bits {
            if self.product.val().get_bit(i) {
                self.total.next = self.total.val() + (self.positions.val() << i);
            }
        }
        self.few_r.d.next = self.longest.val();
        if self.total.val() < self.longest.val() {
            self.few_r.d.next = self.total.val();
        }
        self.few.next = self.few_r.q.val();

        // Which loop goes on, and where the next line lies.
        self.word_last_r.d.next = self.words_left.q.val() == 1;
        self.segment_last.d.next = self.segments_left.q.val() == 1;
        self.column_last.d.next = self.columns_left.q.val() == 1;
        self.row_last.d.next = self.rows_left.q.val() == 1;
        self.word_last.next = self.word_last_r.q.val();
        // Three cycles into a line: a line has four positions at least, and its end decides much.
        self.line_last.d.next = self.word_last_r.q.val()
            & self.segment_last.q.val()
            & self.column_last.q.val()
            & self.row_last.q.val();
        self.last_line.next = self.line_last.q.val();
        self.base.next = self.line_at.q.val();
        self.step.next = 1.into();
        if self.word_last_r.q.val() {
            self.base.next = self.segment_at.q.val();
            self.step.next = self.segment_stride.val();
            if self.segment_last.q.val() {
                self.base.next = self.column_at.q.val();
                self.step.next = self.column_step.val();
                if self.column_last.q.val() {
                    self.base.next = self.row_at.q.val();
                    self.step.next = self.row_step.val();
                }
            }
        }
        self.next.d.next = self.base.val() + self.step.val();
        self.right_next.d.next = self.right_r.q.val() + self.dilation_cols.val();
        self.down_next.d.next = self.down_r.q.val() + self.dilation_rows.val();
        self.offset.next = self.line_at.q.val();
        self.right.next = self.right_r.q.val();
        self.down.next = self.down_r.q.val();

        if self.line_end.val() {
            self.line_at.d.next = self.next.q.val();
            self.words_left.d.next = self.words_left.q.val() - 1;
            if self.word_last_r.q.val() {
                self.words_left.d.next = self.words.val();
                self.segment_at.d.next = self.next.q.val();
                self.segments_left.d.next = self.segments_left.q.val() - 1;
                if self.segment_last.q.val() {
                    self.segments_left.d.next = self.segments.val();
                    self.column_at.d.next = self.next.q.val();
                    self.columns_left.d.next = self.columns_left.q.val() - 1;
                    self.right_r.d.next = self.right_next.q.val();
                    if self.column_last.q.val() {
                        self.columns_left.d.next = self.kernel_cols.val();
                        self.row_at.d.next = self.next.q.val();
                        self.rows_left.d.next = self.rows_left.q.val() - 1;
                        self.right_r.d.next = 0.into();
                        self.down_r.d.next = self.down_next.q.val();
                    }
                }
            }
        }
        if self.prepare.val() | (self.line_end.val() & self.line_last.q.val()) {
            self.words_left.d.next = self.words.val();
            self.segments_left.d.next = self.segments.val();
            self.columns_left.d.next = self.kernel_cols.val();
            self.rows_left.d.next = self.kernel_rows.val();
            self.line_at.d.next = 0.into();
            self.segment_at.d.next = 0.into();
            self.column_at.d.next = 0.into();
            self.row_at.d.next = 0.into();
            self.right_r.d.next = 0.into();
            self.down_r.d.next = 0.into();
        }
    }
}
