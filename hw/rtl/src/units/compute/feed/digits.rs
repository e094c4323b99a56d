//! One row or column of a feeder of `fusible`: a line at a time in, digits of two bits for sixteen products a cycle out.

use super::fuse::CHOICE;
use super::tags::{Tags, WIDTH};
use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

/// Bytes of what an element takes at once.
const WORD: usize = 4;
/// Products of an element.
const BRICKS: usize = 16;

/// Lowest bit of the choice of digits in a token; the first byte's number is below.
#[must_use]
pub fn choice_low(shape: &Shape) -> usize {
    clog2(shape.line)
}

/// The bit of a token that says that there are bytes left.
#[must_use]
pub fn live(shape: &Shape) -> usize {
    choice_low(shape) + CHOICE
}

/// The bit of a token that says that a line begins.
#[must_use]
pub fn fresh(shape: &Shape) -> usize {
    live(shape) + 1
}

/// Bits of a token.
#[must_use]
pub fn token_bits(shape: &Shape) -> usize {
    fresh(shape) + 1
}

/// Widths of codes: container, and digits of an activation and of a weight; each as a power of two.
fn choices() -> impl Iterator<Item = [usize; 3]> {
    let digits = |container: usize| 0..=2 - container;
    (0..=2).flat_map(move |container| {
        digits(container).flat_map(move |a| digits(container).map(move |w| [container, a, w]))
    })
}

/// Where product `k` finds its digit of an activation, or of a weight, among the bits of the codes taken at once; beyond
/// them where there is no such product.
fn place(k: usize, [container, digits_a, digits_w]: [usize; 3], of_weight: bool) -> usize {
    // The bits of k: i1, j1, i0, j0. Those that are no digit's number the product.
    let bit = |place: usize| k >> place & 1;
    let digit = |digits: usize, [high, low]: [usize; 2]| match digits {
        0 => 0,
        1 => bit(low),
        _ => 2 * bit(high) + bit(low),
    };
    let free = |place: usize| match place {
        3 => digits_a < 2,
        2 => digits_w < 2,
        1 => digits_a < 1,
        _ => digits_w < 1,
    };
    let number = (0..4).rev().filter(|&place| free(place)).fold(0, |number, place| 2 * number + bit(place));
    let bits = 8 >> container;
    if (number + 1) * bits > 8 * WORD {
        return 8 * WORD;
    }
    number * bits + 2 * if of_weight { digit(digits_w, [2, 0]) } else { digit(digits_a, [3, 1]) }
}

documented! {
    /// Lane of a feeder: holds a line and deals the digits of as many codes as an element takes at once.
    ///
    /// A token walks from lane to lane, one register a lane, so that each lane runs a cycle behind the one before it: the
    /// first byte, how codes are cut into digits, whether there are bytes left (else all is zero), whether a new line
    /// begins. The line must be on `data` in the cycle in which such a token comes in. What is not in the line's own
    /// codes, behind those taken, belongs to no product. Of codes of two scales, payloads of the other pass are zero.
    #[derive(LogicBlock, Clone)]
    pub struct Digits {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// what to deal
        pub token_in: Sig,
        /// words of the line
        pub data: Vec<Sig>,
        /// two scales: bits of a code, 0 where there is one
        pub width: Vec<Sig>,
        /// two scales: payloads are signed
        pub signed: Vec<Signal<In, Bit>>,
        /// two scales: the pass takes coarse codes
        pub coarse: Vec<Sig>,
        /// the token, a cycle later
        pub token_out: Sig,
        /// digits of each product
        pub code: Vec<Sig>,
        token: Reg,
        buffer: Vec<Reg>,
        word: Sig,
        amount: Sig,
        chosen: Sig,
        /// the codes, or payloads
        taken: Sig,
        bytes: Vec<Tags>,
        halves: Vec<Tags>,
        choice: Sig,
        digit: Vec<Sig>,
        fresh: Const,
        live: Const,
        choice_low: Const,
        word_low: Const,
        within: Const,
        words: Const,
        container_low: Const,
        /// the choices, and for each the place of each product's digit
        number: Vec<Const>,
        place: Vec<Const>,
        bricks: Const,
        _words: usize,
        _choices: usize,
        _bricks: usize,
        _tags: usize
    }
}

impl Digits {
    /// A lane of a row.
    #[must_use]
    pub fn row(shape: &Shape) -> Digits {
        Digits::new(shape, false)
    }

    /// A lane of a column.
    #[must_use]
    pub fn column(shape: &Shape) -> Digits {
        Digits::new(shape, true)
    }

    fn new(shape: &Shape, of_weight: bool) -> Digits {
        let words = shape.line / WORD;
        let tags = usize::from(shape.mac.tag_shift > 0 && !of_weight);
        let ty = u(token_bits(shape));
        let what = if of_weight { "weight" } else { "activation" };
        let suffix = if shape.mac.tag_shift > 0 { "_tags" } else { "" };
        let number = |[container, a, w]: [usize; 3]| Const::new(16 * container + 4 * a + w);
        let places =
            choices().flat_map(|choice| (0..BRICKS).map(move |k| Const::new(place(k, choice, of_weight))));
        Digits {
            name: Named::of(format!("feed_digits_{what}{}{suffix}", shape.line), &Digits::DOCS),
            clock: Signal::default(),
            token_in: Sig::input(ty),
            data: Sig::inputs(u(8 * WORD), words),
            width: Sig::inputs(u(WIDTH), tags),
            signed: vec![Signal::default(); tags],
            coarse: Sig::inputs(u(1), tags),
            token_out: Sig::output(ty),
            code: Sig::outputs(u(2 * BRICKS), 1),
            token: Reg::new(ty),
            buffer: Reg::many(u(8 * WORD), words),
            word: Sig::local(u(clog2(words).max(1))),
            amount: Sig::local(u(clog2(8 * WORD))),
            chosen: Sig::local(u(8 * WORD)),
            taken: Sig::local(u(8 * WORD)),
            bytes: (0..tags).map(|_| Tags::of_codes(8, WORD)).collect(),
            halves: (0..tags).map(|_| Tags::of_codes(4, 2 * WORD)).collect(),
            choice: Sig::local(u(CHOICE)),
            digit: Sig::locals(u(2), BRICKS),
            fresh: Const::new(fresh(shape)),
            live: Const::new(live(shape)),
            choice_low: Const::new(choice_low(shape)),
            word_low: Const::new(clog2(WORD)),
            within: Const::new(WORD - 1),
            words: Const::new(words - 1),
            container_low: Const::new(4),
            number: choices().map(number).collect(),
            place: places.collect(),
            bricks: Const::new(BRICKS),
            _words: words,
            _choices: choices().count(),
            _bricks: BRICKS,
            _tags: tags,
        }
    }
}

impl Logic for Digits {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, token);
        self.token.d.next = self.token_in.val();
        self.token_out.next = self.token.q.val();
        self.choice.next = self.token.q.val() >> self.choice_low.val();
        self.word.next = (self.token.q.val() >> self.word_low.val()) & self.words.val();
        self.amount.next = (self.token.q.val() & self.within.val()) << 3usize;
        self.chosen.next = 0.into();
        for k in 0..self._words {
            self.buffer[k].clock.next = self.clock.val();
            self.buffer[k].d.next = self.buffer[k].q.val();
            if self.token_in.val().get_bit(self.fresh.val()) {
                self.buffer[k].d.next = self.data[k].val();
            }
            if (self.word.val() == k) & self.token.q.val().get_bit(self.live.val()) {
                self.chosen.next = self.buffer[k].q.val();
            }
        }
        self.taken.next = self.chosen.val() >> self.amount.val();
        for t in 0..self._tags {
            self.bytes[t].width.next = self.width[t].val();
            self.bytes[t].signed.next = self.signed[t].val();
            self.bytes[t].coarse[0].next = self.coarse[t].val();
            self.halves[t].width.next = self.width[t].val();
            self.halves[t].signed.next = self.signed[t].val();
            self.halves[t].coarse[0].next = self.coarse[t].val();
            for v in 0..4 {
                self.bytes[t].code[v].next = (self.chosen.val() >> self.amount.val()) >> (v * 8);
            }
            for v in 0..8 {
                self.halves[t].code[v].next = (self.chosen.val() >> self.amount.val()) >> (v * 4);
            }
            if self.width[t].val().any() {
                self.taken.next = self.bytes[t].value[0].val();
                for v in 1..4 {
                    self.taken.next = self.taken.val() | (self.bytes[t].value[v].val() << (v * 8));
                }
                if (self.choice.val() >> self.container_low.val()) == 1 {
                    self.taken.next = self.halves[t].value[0].val();
                    for v in 1..8 {
                        self.taken.next = self.taken.val() | (self.halves[t].value[v].val() << (v * 4));
                    }
                }
            }
        }
        self.code[0].next = 0.into();
        for k in 0..self._bricks {
            self.digit[k].next = 0.into();
            for c in 0..self._choices {
                if self.choice.val() == self.number[c].val() {
                    self.digit[k].next = self.taken.val() >> self.place[c * self._bricks + k].val();
                }
            }
            self.code[0].next = self.code[0].val() | (self.digit[k].val() << (k * 2));
        }
    }
}
