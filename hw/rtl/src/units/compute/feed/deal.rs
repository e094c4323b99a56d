//! From lines to the array's edges.

use super::lane::{Lane, WORD};
use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

documented! {
    /// Deals lines to rows and columns.
    ///
    /// What arrives from a scratchpad is cut to the codes that count, or replaced by the pad code, and shown
    /// to all lanes; the lane whose turn it is loads. Token and flags walk from lane to lane.
    ///
    /// ```text
    /// rdata, pad_code, keep --> line --+-------+-------+--> ...
    ///                                lane 0  lane 1  lane 2
    /// place, flags --> register --> token --> token --> token
    ///
    /// cycle    | t             | t + 1        | t + 2
    /// inputs   | place 0, live |              |
    /// rdata    |               | line, row 0  | line, row 1
    /// a[0]     |               |              | byte 0
    /// ```
    #[derive(LogicBlock)]
    pub struct Deal {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// line of the activation scratchpad
        pub activation_rdata: Vec<Sig>,
        /// line of the weight scratchpad
        pub weight_rdata: Vec<Sig>,
        /// code of positions outside the map
        pub pad_code: Sig,
        /// bytes of a segment's last line that are codes, a bit each
        pub tail: Sig,
        /// a line is being read
        pub reading: Signal<In, Bit>,
        /// row and column that read in this cycle
        pub place: Sig,
        /// first cycle of a fold
        pub opening: Signal<In, Bit>,
        /// last cycle of a fold
        pub closing: Signal<In, Bit>,
        /// activations are signed
        pub signed: Signal<In, Bit>,
        /// the line is its segment's last
        pub word_last: Signal<In, Bit>,
        /// the row of this cycle exists
        pub row_live: Signal<In, Bit>,
        /// it is outside the map
        pub outside: Signal<In, Bit>,
        /// the column of this cycle exists
        pub column_live: Signal<In, Bit>,
        /// activation of each row
        pub a: Vec<Sig>,
        /// it is signed
        pub a_signed: Vec<Signal<Out, Bit>>,
        /// it belongs to a fold
        pub valid: Vec<Signal<Out, Bit>>,
        /// it is the first of its fold
        pub first: Vec<Signal<Out, Bit>>,
        /// it is the last of its fold
        pub last: Vec<Signal<Out, Bit>>,
        /// weight of each column
        pub w: Vec<Sig>,
        row: Vec<Lane>,
        column: Vec<Lane>,
        flags: Vec<Reg>,
        flags_in: Reg,
        token: Reg,
        keep_a: Reg,
        keep_w: Reg,
        pad: State<Bit>,
        reading_flag: Sig,
        opening_flag: Sig,
        closing_flag: Sig,
        signed_flag: Sig,
        /// bytes of the activation line as the lanes take it
        bytes_a: Vec<Sig>,
        /// bytes of the weight line as the lanes take it
        bytes_w: Vec<Sig>,
        words_a: Vec<Sig>,
        words_w: Vec<Sig>,
        ones: Const,
        fresh: Const,
        word: Const,
        _rows: usize,
        _cols: usize,
        _line: usize,
        _words: usize,
        _word: usize
    }
}

impl Deal {
    /// The dealer of a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Deal {
        let (rows, cols, line) = (shape.rows, shape.cols, shape.line);
        let word = line.min(WORD);
        let words = line / word;
        let place = clog2(line);
        Deal {
            name: Named::of(format!("feed_deal_{rows}x{cols}_line{line}"), &Deal::DOCS),
            clock: Signal::default(),
            activation_rdata: Sig::inputs(u(8), line),
            weight_rdata: Sig::inputs(u(8), line),
            pad_code: Sig::input(u(8)),
            tail: Sig::input(u(line)),
            reading: Signal::default(),
            place: Sig::input(u(place)),
            opening: Signal::default(),
            closing: Signal::default(),
            signed: Signal::default(),
            word_last: Signal::default(),
            row_live: Signal::default(),
            outside: Signal::default(),
            column_live: Signal::default(),
            a: Sig::outputs(u(8), rows),
            a_signed: vec![Signal::default(); rows],
            valid: vec![Signal::default(); rows],
            first: vec![Signal::default(); rows],
            last: vec![Signal::default(); rows],
            w: Sig::outputs(s(8), cols),
            row: (0..rows).map(|_| Lane::new(line)).collect(),
            column: (0..cols).map(|_| Lane::new(line)).collect(),
            flags: Reg::many(u(4), rows),
            flags_in: Reg::new(u(4)),
            token: Reg::new(u(place + 1)),
            keep_a: Reg::new(u(line)),
            keep_w: Reg::new(u(line)),
            pad: State::default(),
            reading_flag: Sig::local(u(1)),
            opening_flag: Sig::local(u(1)),
            closing_flag: Sig::local(u(1)),
            signed_flag: Sig::local(u(1)),
            bytes_a: Sig::locals(u(8), line),
            bytes_w: Sig::locals(u(8), line),
            words_a: Sig::locals(u(8 * word), words),
            words_w: Sig::locals(u(8 * word), words),
            ones: Const::new(((1u128 << line) - 1).cast_signed()),
            fresh: Const::new(1i64 << place),
            word: Const::new(word),
            _rows: rows,
            _cols: cols,
            _line: line,
            _words: words,
            _word: word,
        }
    }
}

impl Logic for Deal {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, flags_in, token, keep_a, keep_w, pad);
        // In the cycle of the read: what will have to be kept of the line.
        self.keep_a.d.next = 0.into();
        self.keep_w.d.next = 0.into();
        if self.row_live.val() {
            self.keep_a.d.next = self.ones.val();
            if self.word_last.val() {
                self.keep_a.d.next = self.tail.val();
            }
        }
        if self.column_live.val() {
            self.keep_w.d.next = self.ones.val();
            if self.word_last.val() {
                self.keep_w.d.next = self.tail.val();
            }
        }
        self.pad.d.next = self.outside.val();
        self.token.d.next = self.place.val();
        if self.reading.val() & (self.place.val() == 0) {
            self.token.d.next = self.fresh.val();
        }
        self.reading_flag.next = self.reading.val().into();
        self.opening_flag.next = self.opening.val().into();
        self.closing_flag.next = self.closing.val().into();
        self.signed_flag.next = self.signed.val().into();
        self.flags_in.d.next = self.reading_flag.val()
            | (self.opening_flag.val() << 1usize)
            | (self.closing_flag.val() << 2usize)
            | (self.signed_flag.val() << 3usize);

        // A cycle later: the line.
        for k in 0..self._line {
            self.bytes_a[k].next = 0.into();
            if self.keep_a.q.val().get_bit(k) {
                self.bytes_a[k].next = self.activation_rdata[k].val();
                if self.pad.q.val() {
                    self.bytes_a[k].next = self.pad_code.val();
                }
            }
            self.bytes_w[k].next = 0.into();
            if self.keep_w.q.val().get_bit(k) {
                self.bytes_w[k].next = self.weight_rdata[k].val();
            }
        }
        for i in 0..self._words {
            self.words_a[i].next = 0.into();
            self.words_w[i].next = 0.into();
            for k in 0..self._word {
                self.words_a[i].next =
                    self.words_a[i].val() | (self.bytes_a[i * self._word + k].val() << (k * 8));
                self.words_w[i].next =
                    self.words_w[i].val() | (self.bytes_w[i * self._word + k].val() << (k * 8));
            }
        }

        for r in 0..self._rows {
            self.row[r].clock.next = self.clock.val();
            self.flags[r].clock.next = self.clock.val();
            for i in 0..self._words {
                self.row[r].data[i].next = self.words_a[i].val();
            }
            self.a[r].next = self.row[r].byte.val();
            self.valid[r].next = self.flags[r].q.val().get_bit(0usize);
            self.first[r].next = self.flags[r].q.val().get_bit(1usize);
            self.last[r].next = self.flags[r].q.val().get_bit(2usize);
            self.a_signed[r].next = self.flags[r].q.val().get_bit(3usize);
        }
        self.row[0].token_in.next = self.token.q.val();
        self.flags[0].d.next = self.flags_in.q.val();
        for r in 1..self._rows {
            self.row[r].token_in.next = self.row[r - 1].token_out.val();
            self.flags[r].d.next = self.flags[r - 1].q.val();
        }
        for c in 0..self._cols {
            self.column[c].clock.next = self.clock.val();
            for i in 0..self._words {
                self.column[c].data[i].next = self.words_w[i].val();
            }
            self.w[c].next = self.column[c].byte.val();
        }
        self.column[0].token_in.next = self.token.q.val();
        for c in 1..self._cols {
            self.column[c].token_in.next = self.column[c - 1].token_out.val();
        }
    }
}
