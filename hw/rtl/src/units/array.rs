//! The array of processing elements.

use super::mac::MacShape;
use super::pe::Pe;
use crate::prelude::*;
use rust_hdl::prelude::*;

/// Rows, columns and lanes of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ArrayShape {
    /// Rows of elements: output pixels or tokens.
    pub rows: usize,
    /// Columns of elements: output channels.
    pub cols: usize,
    /// Columns drained in a cycle; divides the columns.
    pub lanes: usize,
}

documented! {
    /// Output-stationary systolic array.
    ///
    /// Row r gets its activations r cycles after row 0, column c its weights c cycles after column 0:
    /// the feeders skew. The drain reads `lanes` sums of one row in a cycle.
    #[derive(LogicBlock)]
    pub struct Array {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// activations of each row, one row after the other
        pub a: Vec<Sig>,
        /// bits that go with each row's operands
        pub mode: Vec<Sig>,
        /// flags of each row's term, a cycle after its operands
        pub flags: Vec<Sig>,
        /// weights of each column, one column after the other
        pub w: Vec<Sig>,
        /// row to drain
        pub drain_row: Sig,
        /// group of columns to drain
        pub drain_group: Sig,
        /// sums of that row and group, a cycle later
        pub sum: Vec<Sig>,
        /// the sums that the drain reads
        picked: Vec<Reg>,
        pe: Vec<Vec<Pe>>,
        /// all ones for the row to drain
        row_mask: Vec<Sig>,
        /// all ones for the group to drain
        group_mask: Vec<Sig>,
        /// the sum of each column in the row to drain
        column: Vec<Sig>,
        /// the column's sum of each lane
        chosen: Vec<Sig>,
        ones: Const,
        lanes: Const,
        words_a: Const,
        words_w: Const,
        _rows: usize,
        _cols: usize,
        _lanes: usize,
        _groups: usize,
        _words_a: usize,
        _words_w: usize
    }
}

impl Array {
    /// An array of this shape. At least one row, one column and one lane are made.
    #[must_use]
    pub fn new(shape: ArrayShape, mac: &MacShape) -> Array {
        let (rows, cols, lanes) =
            (shape.rows.max(1), shape.cols.max(1), shape.lanes.clamp(1, shape.cols.max(1)));
        let accumulator = mac.accumulator;
        let ((words_a, activation), (words_w, weight)) = (mac.activation(), mac.weight());
        let groups = cols / lanes;
        Array {
            name: Named::of(format!("array_{rows}x{cols}_by{lanes}_{}", mac.name()), &Array::DOCS),
            clock: Signal::default(),
            a: Sig::inputs(activation, rows * words_a),
            mode: Sig::inputs(u(mac.mode_bits()), rows),
            flags: Sig::inputs(u(mac.flag_bits()), rows),
            w: Sig::inputs(weight, cols * words_w),
            drain_row: Sig::input(u(clog2(rows.max(2)))),
            drain_group: Sig::input(u(clog2(groups.max(2)))),
            sum: Sig::outputs(s(accumulator), lanes),
            picked: Reg::many(s(accumulator), lanes),
            pe: (0..rows).map(|_| (0..cols).map(|_| Pe::new(mac)).collect()).collect(),
            row_mask: Sig::locals(s(accumulator), rows),
            group_mask: Sig::locals(s(accumulator), groups),
            column: Sig::locals(s(accumulator), cols),
            chosen: Sig::locals(s(accumulator), lanes),
            ones: Const::new(-1),
            lanes: Const::new(lanes),
            words_a: Const::new(words_a),
            words_w: Const::new(words_w),
            _rows: rows,
            _cols: cols,
            _lanes: lanes,
            _groups: groups,
            _words_a: words_a,
            _words_w: words_w,
        }
    }
}

impl Logic for Array {
    #[hdl_gen]
    fn update(&mut self) {
        for r in 0..self._rows {
            for i in 0..self._words_a {
                self.pe[r][0].a[i].next = self.a[r * self._words_a + i].val();
            }
            self.pe[r][0].mode.next = self.mode[r].val();
            self.pe[r][0].flags.next = self.flags[r].val();
            for c in 1..self._cols {
                for i in 0..self._words_a {
                    self.pe[r][c].a[i].next = self.pe[r][c - 1].a_out[i].val();
                }
                self.pe[r][c].mode.next = self.pe[r][c - 1].mode_out.val();
                self.pe[r][c].flags.next = self.pe[r][c - 1].flags_out.val();
            }
        }
        for c in 0..self._cols {
            for i in 0..self._words_w {
                self.pe[0][c].w[i].next = self.w[c * self._words_w + i].val();
            }
            for r in 1..self._rows {
                for i in 0..self._words_w {
                    self.pe[r][c].w[i].next = self.pe[r - 1][c].w_out[i].val();
                }
            }
            for r in 0..self._rows {
                self.pe[r][c].clock.next = self.clock.val();
            }
        }
        // And-or instead of a chain of choices: shallow gates, and few lines of text.
        for r in 0..self._rows {
            self.row_mask[r].next = 0.into();
            if self.drain_row.val() == r {
                self.row_mask[r].next = self.ones.val();
            }
        }
        for g in 0..self._groups {
            self.group_mask[g].next = 0.into();
            if self.drain_group.val() == g {
                self.group_mask[g].next = self.ones.val();
            }
        }
        for c in 0..self._cols {
            self.column[c].next = self.pe[0][c].sum.val() & self.row_mask[0].val();
            for r in 1..self._rows {
                self.column[c].next =
                    self.column[c].val() | (self.pe[r][c].sum.val() & self.row_mask[r].val());
            }
        }
        for l in 0..self._lanes {
            self.picked[l].clock.next = self.clock.val();
            self.chosen[l].next = self.column[l].val() & self.group_mask[0].val();
            for g in 1..self._groups {
                self.chosen[l].next = self.chosen[l].val()
                    | (self.column[g * self._lanes + l].val() & self.group_mask[g].val());
            }
            self.picked[l].d.next = self.chosen[l].val();
            self.sum[l].next = self.picked[l].q.val();
        }
    }
}
