//! The array of processing elements.

use super::pe::{Pe, PeWidths};
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
        /// activation of each row
        pub a: Vec<Sig>,
        /// the row's activation is signed
        pub a_signed: Vec<Signal<In, Bit>>,
        /// the row's activation belongs to a fold
        pub valid: Vec<Signal<In, Bit>>,
        /// the row's activation is the first of its fold
        pub first: Vec<Signal<In, Bit>>,
        /// the row's activation is the last of its fold
        pub last: Vec<Signal<In, Bit>>,
        /// weight of each column
        pub w: Vec<Sig>,
        /// row to drain
        pub drain_row: Sig,
        /// group of columns to drain
        pub drain_group: Sig,
        /// sums of that row and group, a cycle later
        pub sum: Vec<Sig>,
        /// activation of each row, read as signed
        reread: Vec<Sig>,
        /// activation of each row, extended by one bit
        extended: Vec<Sig>,
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
        _rows: usize,
        _cols: usize,
        _lanes: usize,
        _groups: usize
    }
}

impl Array {
    /// An array of this shape. At least one row, one column and one lane are made.
    #[must_use]
    pub fn new(shape: ArrayShape, widths: PeWidths) -> Array {
        let (rows, cols, lanes) =
            (shape.rows.max(1), shape.cols.max(1), shape.lanes.clamp(1, shape.cols.max(1)));
        let PeWidths { operand, accumulator } = widths;
        let groups = cols / lanes;
        let flags = || vec![Signal::default(); rows];
        Array {
            name: Named::of(
                format!("array_{rows}x{cols}_by{lanes}_p{operand}_acc{accumulator}"),
                &Array::DOCS,
            ),
            clock: Signal::default(),
            a: Sig::inputs(u(operand), rows),
            a_signed: flags(),
            valid: flags(),
            first: flags(),
            last: flags(),
            w: Sig::inputs(s(operand), cols),
            drain_row: Sig::input(u(clog2(rows.max(2)))),
            drain_group: Sig::input(u(clog2(groups.max(2)))),
            sum: Sig::outputs(s(accumulator), lanes),
            reread: Sig::locals(s(operand), rows),
            extended: Sig::locals(s(operand + 1), rows),
            picked: Reg::many(s(accumulator), lanes),
            pe: (0..rows).map(|_| (0..cols).map(|_| Pe::new(widths)).collect()).collect(),
            row_mask: Sig::locals(s(accumulator), rows),
            group_mask: Sig::locals(s(accumulator), groups),
            column: Sig::locals(s(accumulator), cols),
            chosen: Sig::locals(s(accumulator), lanes),
            ones: Const::new(-1),
            lanes: Const::new(lanes),
            _rows: rows,
            _cols: cols,
            _lanes: lanes,
            _groups: groups,
        }
    }
}

impl Logic for Array {
    #[hdl_gen]
    fn update(&mut self) {
        for r in 0..self._rows {
            self.reread[r].next = self.a[r].val();
            self.extended[r].next = self.a[r].val();
            if self.a_signed[r].val() {
                self.extended[r].next = self.reread[r].val();
            }
            self.pe[r][0].a.next = self.extended[r].val();
            self.pe[r][0].valid.next = self.valid[r].val();
            self.pe[r][0].first.next = self.first[r].val();
            self.pe[r][0].last.next = self.last[r].val();
            for c in 1..self._cols {
                self.pe[r][c].a.next = self.pe[r][c - 1].a_out.val();
                self.pe[r][c].valid.next = self.pe[r][c - 1].valid_out.val();
                self.pe[r][c].first.next = self.pe[r][c - 1].first_out.val();
                self.pe[r][c].last.next = self.pe[r][c - 1].last_out.val();
            }
        }
        for c in 0..self._cols {
            self.pe[0][c].w.next = self.w[c].val();
            for r in 1..self._rows {
                self.pe[r][c].w.next = self.pe[r - 1][c].w_out.val();
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
