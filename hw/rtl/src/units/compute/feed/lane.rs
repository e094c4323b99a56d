//! One row or column of a feeder of `fixed`: a line at a time in, a byte of each lane of an element a cycle out.

use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

/// Bytes of a word of the buffer: a barrel shifter picks the byte, a multiplexer the word.
pub const WORD: usize = 8;

documented! {
    /// Lane of a feeder: holds a line and deals its bytes, as many a cycle as an element has lanes.
    ///
    /// A token walks from lane to lane, one register a lane, so that each lane runs a cycle behind the
    /// one before it: position in the line, and on top of it whether a new line begins. The line must be
    /// on `data` in the cycle in which such a token comes in.
    ///
    /// ```text
    /// data ----> buffer --words--> shift by 8 position --> byte
    ///              ^ load            ^
    /// token_in ----+--> register ----+--> token_out
    ///
    /// cycle     | 0        | 1        | 2       | W
    /// token_in  | new, 0   | 1        | 2       |
    /// data      | line     |          |         |
    /// code      |          | byte 0   | byte 1  | byte W-1
    /// ```
    #[derive(LogicBlock, Clone)]
    pub struct Lane {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a new line begins (top bit), position in the line
        pub token_in: Sig,
        /// words of the line
        pub data: Vec<Sig>,
        /// the token, a cycle later
        pub token_out: Sig,
        /// the bytes at the position of `token_out`
        pub code: Vec<Sig>,
        token: Reg,
        buffer: Vec<Reg>,
        /// the bytes at the position, of each word
        picked: Vec<Sig>,
        /// those of the position's word
        chosen: Sig,
        /// bits to shift
        amount: Sig,
        /// word of the position
        word: Sig,
        fresh: Const,
        position: Const,
        within: Const,
        word_low: Const,
        code_low: Const,
        place: Vec<Const>,
        live: Const,
        _words: usize,
        _lanes: usize,
        _ends: usize
    }
}

/// Bits of a token: position, whether a line begins, whether bytes are left.
#[must_use]
pub fn token_bits(shape: &Shape) -> usize {
    clog2(shape.line_codes() / shape.mac.lanes) + 1 + usize::from(ends(shape))
}

/// Whether a line can take more cycles than it has bytes for.
#[must_use]
pub fn ends(shape: &Shape) -> bool {
    shape.line_beats[1] > shape.line_codes() / shape.mac.lanes
}

impl Lane {
    /// A lane for a shape's lines and elements.
    #[must_use]
    pub fn new(shape: &Shape) -> Lane {
        let (line, lanes) = (shape.line, shape.mac.lanes.max(1));
        let (bits, operand) = (shape.mac.container, shape.mac.operand);
        let word = line.min(WORD);
        let words = line / word;
        let positions = shape.line_codes() / lanes;
        let narrow = if operand == 8 { String::new() } else { format!("_p{operand}") };
        let token = u(token_bits(shape));
        let live = if ends(shape) { "_live" } else { "" };
        Lane {
            name: Named::of(format!("feed_lane{line}_by{lanes}{narrow}{live}"), &Lane::DOCS),
            clock: Signal::default(),
            token_in: Sig::input(token),
            data: Sig::inputs(u(8 * word), words),
            token_out: Sig::output(token),
            code: Sig::outputs(u(operand), lanes),
            token: Reg::new(token),
            buffer: Reg::many(u(8 * word), words),
            picked: Sig::locals(u(bits * lanes), words),
            chosen: Sig::local(u(bits * lanes)),
            amount: Sig::local(u(clog2(8 * word))),
            word: Sig::local(u(clog2(positions).max(1))),
            fresh: Const::new(clog2(positions)),
            position: Const::new(positions - 1),
            within: Const::new(8 * word / (bits * lanes) - 1),
            word_low: Const::new(clog2(8 * word / (bits * lanes))),
            code_low: Const::new(clog2(bits * lanes)),
            place: (0..lanes).map(|lane| Const::new(bits * lane)).collect(),
            live: Const::new(clog2(positions) + 1),
            _words: words,
            _lanes: lanes,
            _ends: usize::from(ends(shape)),
        }
    }
}

impl Logic for Lane {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, token);
        self.token.d.next = self.token_in.val();
        self.token_out.next = self.token.q.val();
        self.amount.next = (self.token.q.val() & self.within.val()) << self.code_low.val();
        self.word.next = (self.token.q.val() & self.position.val()) >> self.word_low.val();
        for k in 0..self._words {
            self.buffer[k].clock.next = self.clock.val();
            self.buffer[k].d.next = self.buffer[k].q.val();
            if self.token_in.val().get_bit(self.fresh.val()) {
                self.buffer[k].d.next = self.data[k].val();
            }
            self.picked[k].next = self.buffer[k].q.val() >> self.amount.val();
        }
        self.chosen.next = self.picked[0].val();
        for k in 1..self._words {
            if self.word.val() == k {
                self.chosen.next = self.picked[k].val();
            }
        }
        for _e in 0..self._ends {
            if !self.token.q.val().get_bit(self.live.val()) {
                self.chosen.next = 0.into();
            }
        }
        for v in 0..self._lanes {
            self.code[v].next = self.chosen.val() >> self.place[v].val();
        }
    }
}
