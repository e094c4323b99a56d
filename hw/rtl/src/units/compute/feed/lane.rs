//! One row or column of a feeder: a line at a time in, a byte a cycle out.

use crate::prelude::*;
use rust_hdl::prelude::*;

/// Bytes of a word of the buffer: a barrel shifter picks the byte, a multiplexer the word.
pub const WORD: usize = 8;

documented! {
    /// Lane of a feeder: holds a line and deals its bytes, one a cycle.
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
    /// byte      |          | byte 0   | byte 1  | byte W-1
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
        /// the byte at the position of `token_out`
        pub byte: Sig,
        token: Reg,
        buffer: Vec<Reg>,
        /// the byte at the position, of each word
        picked: Vec<Sig>,
        /// bits to shift
        amount: Sig,
        /// word of the position
        word: Sig,
        fresh: Const,
        position: Const,
        within: Const,
        word_low: Const,
        _words: usize
    }
}

impl Lane {
    /// A lane for lines of `line` bytes, a power of two from 4 on.
    #[must_use]
    pub fn new(line: usize) -> Lane {
        let word = line.min(WORD);
        let words = line / word;
        let bits = clog2(line);
        Lane {
            name: Named::of(format!("feed_lane{line}"), &Lane::DOCS),
            clock: Signal::default(),
            token_in: Sig::input(u(bits + 1)),
            data: Sig::inputs(u(8 * word), words),
            token_out: Sig::output(u(bits + 1)),
            byte: Sig::output(u(8)),
            token: Reg::new(u(bits + 1)),
            buffer: Reg::many(u(8 * word), words),
            picked: Sig::locals(u(8), words),
            amount: Sig::local(u(clog2(8 * word))),
            word: Sig::local(u(bits)),
            fresh: Const::new(bits),
            position: Const::new(line - 1),
            within: Const::new(word - 1),
            word_low: Const::new(clog2(word)),
            _words: words,
        }
    }
}

impl Logic for Lane {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, token);
        self.token.d.next = self.token_in.val();
        self.token_out.next = self.token.q.val();
        self.amount.next = (self.token.q.val() & self.within.val()) << 3usize;
        self.word.next = (self.token.q.val() & self.position.val()) >> self.word_low.val();
        for k in 0..self._words {
            self.buffer[k].clock.next = self.clock.val();
            self.buffer[k].d.next = self.buffer[k].q.val();
            if self.token_in.val().get_bit(self.fresh.val()) {
                self.buffer[k].d.next = self.data[k].val();
            }
            self.picked[k].next = self.buffer[k].q.val() >> self.amount.val();
        }
        self.byte.next = self.picked[0].val();
        for k in 1..self._words {
            if self.word.val() == k {
                self.byte.next = self.picked[k].val();
            }
        }
    }
}
