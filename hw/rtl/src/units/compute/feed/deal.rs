//! From lines to the array's edges.

use super::digits::{self, Digits};
use super::fuse::CHOICE;
use super::lane::{Lane, WORD, ends, token_bits};
use super::planes::{Planes, Token};
use super::slots::{CONTAINER, Slots, slots};
use super::tags::{Tags, WIDTH};
use crate::prelude::*;
use crate::units::Shape;
use crate::units::mac::{JOIN_BITS, flag, mode};
use bitgauge_arch::description::MacKind;
use rust_hdl::prelude::*;

documented! {
    /// Deals lines to rows and columns.
    ///
    /// What arrives from a scratchpad is cut to the codes that count, or replaced by the pad code, and shown
    /// to all lanes; the lane whose turn it is loads. Token and flags walk from lane to lane, and where activations can
    /// have two scales, how to read them.
    ///
    /// ```text
    /// rdata, pad_code, keep --> line --+-------+-------+--> ...
    ///                                lane 0  lane 1  lane 2
    /// place, flags --> register --> token --> token --> token
    ///
    /// cycle    | t             | t + 1        | t + 2       | t + 3
    /// inputs   | place 0, live |              |             |
    /// rdata    |               | line, row 0  | line, row 1 |
    /// a[0]     |               |              | codes 0     | codes 1
    /// flags[0] |               |              |             | of codes 0
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
        /// `serial`: what the lanes deal
        pub token: Vec<Sig>,
        /// `serial`: what goes with the operands
        pub sequence_mode: Vec<Sig>,
        /// `serial`: place and sign of the term
        pub sequence_flags: Vec<Sig>,
        /// `serial`: what the operands lie in, in the cycle of the line
        pub container: Vec<Sig>,
        /// `fusible`: which digits are joined
        pub join: Vec<Sig>,
        /// `fusible`: which digits go where
        pub choice: Vec<Sig>,
        /// `fusible`: bytes taken at once, as a power of two
        pub first_shift: Vec<Sig>,
        /// `fixed` and `fusible` with two scales: bits of an activation, 0 where there is one scale
        pub tag_width: Vec<Sig>,
        /// alike: place of coarse terms
        pub tag_shift: Vec<Sig>,
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
        /// activations of each row, one row after the other
        pub a: Vec<Sig>,
        /// bits that go with each row's operands
        pub mode: Vec<Sig>,
        /// flags of each row's term, a cycle after its operands
        pub flags: Vec<Sig>,
        /// weights of each column, one column after the other
        pub w: Vec<Sig>,
        row: Vec<Lane>,
        column: Vec<Lane>,
        /// `serial`: lines by planes
        slots_a: Vec<Slots>,
        slots_w: Vec<Slots>,
        row_digits: Vec<Digits>,
        column_digits: Vec<Digits>,
        /// `fusible`: first byte taken
        first_byte: Sig,
        signed_flag: Sig,
        /// `fusible`: words of both lines
        digits_a: Vec<Sig>,
        digits_w: Vec<Sig>,
        row_planes: Vec<Planes>,
        column_planes: Vec<Planes>,
        /// `fixed` with two scales: payloads of each row's codes
        tags: Vec<Tags>,
        /// how codes are read: width, place of coarse terms, whether the pass takes coarse codes
        scales: Vec<Reg>,
        scale_in: Vec<Reg>,
        /// place of each row's terms
        places: Vec<Reg>,
        /// passes over a group, less one
        twice: Sig,
        position: Sig,
        coarse: Sig,
        modes: Vec<Reg>,
        mode_in: Reg,
        /// flags, as they walk; the first is that of row 0
        walking: Vec<Reg>,
        flags_in: Reg,
        flags_late: Reg,
        token_r: Reg,
        place_token: Sig,
        keep_a: Reg,
        keep_w: Reg,
        pad: State<Bit>,
        reading_flag: Sig,
        opening_flag: Sig,
        closing_flag: Sig,
        line_flag: Sig,
        /// bytes of the activation line as the lanes take it
        bytes_a: Vec<Sig>,
        /// bytes of the weight line as the lanes take it
        bytes_w: Vec<Sig>,
        line_a: Vec<Sig>,
        line_w: Vec<Sig>,
        ones: Const,
        fresh_low: Const,
        live: Const,
        positions: Const,
        position_mask: Const,
        first_low: Const,
        last_low: Const,
        word: Const,
        signed_low: Const,
        place_low: Const,
        coarse_low: Const,
        join_low: Const,
        choice_low: Const,
        digits_live: Const,
        line_bytes: Const,
        shift_low: Const,
        words_a: Const,
        words_w: Const,
        _rows: usize,
        _cols: usize,
        _fixed_rows: usize,
        _fixed_cols: usize,
        _serial_rows: usize,
        _serial_cols: usize,
        _slots: usize,
        _fixed: usize,
        _serial: usize,
        _fusible: usize,
        _fusible_rows: usize,
        _fusible_cols: usize,
        _digit_words: usize,
        _ends: usize,
        _words_a: usize,
        _words_w: usize,
        _line: usize,
        _serial_line: usize,
        _words: usize,
        _word: usize,
        _tags: usize,
        _tag_rows: usize,
        _scale_rows: usize,
        _fusible_tag_rows: usize,
        _place_rows: usize,
        _twice: usize,
        _twice_rows: usize
    }
}

impl Deal {
    /// The dealer of a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Deal {
        let (rows, cols, line) = (shape.rows, shape.cols, shape.line);
        let word = line.min(WORD);
        let words = line / word;
        let mac = &shape.mac;
        let serial = mac.serial();
        let layout = Token::of(shape);
        let positions = shape.line_codes() / mac.lanes;
        let fusible = mac.fusible();
        let (token, fresh) = match mac.kind {
            MacKind::Fixed => (token_bits(shape), clog2(positions)),
            MacKind::Serial => (layout.bits(), layout.fresh()),
            MacKind::Fusible => (digits::token_bits(shape), digits::fresh(shape)),
        };
        let token = u(token);
        let digit_words = if fusible { line / 4 } else { 0 };
        let (modes, flags) = (u(mac.mode_bits()), u(mac.flag_bits()));
        let ((words_a, activation), (words_w, weight)) = (mac.activation(), mac.weight());
        let of = |kind: MacKind, count: usize| if mac.kind == kind { count } else { 0 };
        let [fixed_rows, fixed_cols] = [rows, cols].map(|count| of(MacKind::Fixed, count));
        let [serial_rows, serial_cols] = [rows, cols].map(|count| of(MacKind::Serial, count));
        let [fusible_rows, fusible_cols] = [rows, cols].map(|count| of(MacKind::Fusible, count));
        let tag_rows = if mac.tag_shift > 0 { fixed_rows } else { 0 };
        let fusible_tag_rows = if mac.tag_shift > 0 { fusible_rows } else { 0 };
        let scale_rows = tag_rows + fusible_tag_rows;
        let [place_rows, twice_rows] = if mac.dealt_twice() { [0, tag_rows] } else { [tag_rows, 0] };
        let (tags, twice) = (usize::from(scale_rows > 0), usize::from(mac.dealt_twice()));
        let shift = u(mac.shift_bits().max(1));
        let scale = u(WIDTH + mac.shift_bits() + twice);
        Deal {
            name: Named::of(format!("feed_deal_{rows}x{cols}_line{line}_{}", mac.name()), &Deal::DOCS),
            clock: Signal::default(),
            activation_rdata: Sig::inputs(u(8), line),
            weight_rdata: Sig::inputs(u(8), line),
            pad_code: Sig::input(u(8)),
            tail: Sig::input(u(line)),
            reading: Signal::default(),
            place: Sig::input(u(clog2(shape.line_beats[1]))),
            token: Sig::inputs(u(layout.bits() - 1), usize::from(serial)),
            sequence_mode: Sig::inputs(modes, usize::from(serial)),
            sequence_flags: Sig::inputs(flags, usize::from(serial)),
            container: Sig::inputs(u(CONTAINER), usize::from(serial)),
            join: Sig::inputs(u(JOIN_BITS), usize::from(fusible)),
            choice: Sig::inputs(u(CHOICE), usize::from(fusible)),
            first_shift: Sig::inputs(u(2), usize::from(fusible)),
            row_digits: (0..fusible_rows).map(|_| Digits::row(shape)).collect(),
            column_digits: (0..fusible_cols).map(|_| Digits::column(shape)).collect(),
            first_byte: Sig::local(u(clog2(shape.line_beats[1]) + 2)),
            signed_flag: Sig::local(u(1)),
            digits_a: Sig::locals(u(32), digit_words),
            digits_w: Sig::locals(u(32), digit_words),
            tag_width: Sig::inputs(u(WIDTH), tags),
            tag_shift: Sig::inputs(shift, tags),
            opening: Signal::default(),
            closing: Signal::default(),
            signed: Signal::default(),
            word_last: Signal::default(),
            row_live: Signal::default(),
            outside: Signal::default(),
            column_live: Signal::default(),
            a: Sig::outputs(activation, rows * words_a),
            mode: Sig::outputs(modes, rows),
            flags: Sig::outputs(flags, rows),
            w: Sig::outputs(weight, cols * words_w),
            row: (0..fixed_rows).map(|_| Lane::new(shape)).collect(),
            column: (0..fixed_cols).map(|_| Lane::new(shape)).collect(),
            slots_a: (0..usize::from(serial)).map(|_| Slots::new(shape)).collect(),
            slots_w: (0..usize::from(serial)).map(|_| Slots::new(shape)).collect(),
            row_planes: (0..serial_rows).map(|_| Planes::row(shape)).collect(),
            column_planes: (0..serial_cols).map(|_| Planes::column(shape)).collect(),
            tags: (0..tag_rows).map(|_| Tags::new(shape)).collect(),
            scales: Reg::many(scale, scale_rows),
            scale_in: Reg::many(scale, tags),
            places: Reg::many(shift, place_rows),
            twice: Sig::local(u(1)),
            position: Sig::local(u(clog2(shape.line_beats[1]))),
            coarse: Sig::local(u(1)),
            modes: Reg::many(modes, rows),
            mode_in: Reg::new(modes),
            walking: Reg::many(flags, rows),
            flags_in: Reg::new(flags),
            flags_late: Reg::new(flags),
            token_r: Reg::new(token),
            place_token: Sig::local(token),
            keep_a: Reg::new(u(line)),
            keep_w: Reg::new(u(line)),
            pad: State::default(),
            reading_flag: Sig::local(u(1)),
            opening_flag: Sig::local(u(1)),
            closing_flag: Sig::local(u(1)),
            line_flag: Sig::local(u(1)),
            bytes_a: Sig::locals(u(8), line),
            bytes_w: Sig::locals(u(8), line),
            line_a: Sig::locals(u(8 * word), words),
            line_w: Sig::locals(u(8 * word), words),
            ones: Const::new(((1u128 << line) - 1).cast_signed()),
            fresh_low: Const::new(fresh),
            live: Const::new(2i64 << fresh),
            positions: Const::new(positions),
            position_mask: Const::new(positions - 1),
            first_low: Const::new(flag::FIRST),
            last_low: Const::new(flag::LAST),
            word: Const::new(word),
            signed_low: Const::new(mode::SIGNED),
            place_low: Const::new(WIDTH),
            coarse_low: Const::new(WIDTH + mac.shift_bits()),
            shift_low: Const::new(mac.shift_low()),
            join_low: Const::new(mode::JOIN),
            choice_low: Const::new(digits::choice_low(shape)),
            digits_live: Const::new(1i64 << digits::live(shape)),
            line_bytes: Const::new(line),
            words_a: Const::new(words_a),
            words_w: Const::new(words_w),
            _rows: rows,
            _cols: cols,
            _fixed_rows: fixed_rows,
            _fixed_cols: fixed_cols,
            _serial_rows: serial_rows,
            _serial_cols: serial_cols,
            _slots: if serial { slots(shape) } else { 0 },
            _fixed: usize::from(mac.kind == MacKind::Fixed),
            _fusible: usize::from(fusible),
            _digit_words: digit_words,
            _fusible_rows: fusible_rows,
            _fusible_cols: fusible_cols,
            _serial: usize::from(serial),
            _ends: usize::from(mac.kind == MacKind::Fixed && ends(shape)),
            _words_a: words_a,
            _words_w: words_w,
            _line: line,
            _serial_line: if serial { line } else { 0 },
            _words: words,
            _word: word,
            _tags: tags,
            _tag_rows: tag_rows,
            _scale_rows: scale_rows,
            _fusible_tag_rows: fusible_tag_rows,
            _place_rows: place_rows,
            _twice: twice,
            _twice_rows: twice_rows,
        }
    }
}

impl Logic for Deal {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, mode_in, flags_in, flags_late, token_r, keep_a, keep_w, pad);
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
        self.line_flag.next = (self.reading.val() & (self.place.val() == 0)).into();
        self.reading_flag.next = self.reading.val().into();
        self.opening_flag.next = self.opening.val().into();
        self.closing_flag.next = self.closing.val().into();
        self.flags_in.d.next = self.reading_flag.val()
            | (self.opening_flag.val() << self.first_low.val())
            | (self.closing_flag.val() << self.last_low.val());
        // Lanes with one place for all their terms deal fine codes first, then the same again for coarse ones.
        self.position.next = self.place.val();
        self.coarse.next = 0.into();
        self.twice.next = 0.into();
        for k in 0..self._twice {
            self.twice.next = self.tag_width[k].val().any().into();
            self.position.next = self.place.val() >> self.twice.val();
            self.coarse.next = self.place.val() & self.twice.val();
        }
        self.place_token.next = self.position.val() & self.position_mask.val();
        for _e in 0..self._ends {
            if self.position.val() < self.positions.val() {
                self.place_token.next = (self.position.val() & self.position_mask.val()) | self.live.val();
            }
        }
        for _k in 0..self._fixed {
            self.mode_in.d.next = self.signed.val().into();
        }
        self.first_byte.next = 0.into();
        self.signed_flag.next = self.signed.val().into();
        for k in 0..self._fusible {
            self.mode_in.d.next = self.signed_flag.val() | (self.join[k].val() << self.join_low.val());
            self.first_byte.next = self.position.val() << self.first_shift[k].val();
            self.place_token.next = self.choice[k].val() << self.choice_low.val();
            if self.first_byte.val() < self.line_bytes.val() {
                self.place_token.next = self.first_byte.val()
                    | (self.choice[k].val() << self.choice_low.val())
                    | self.digits_live.val();
            }
        }
        for k in 0..self._tags {
            self.scale_in[k].clock.next = self.clock.val();
            self.scale_in[k].d.next =
                self.tag_width[k].val() | (self.tag_shift[k].val() << self.place_low.val());
        }
        for k in 0..self._twice {
            self.scale_in[k].d.next = self.tag_width[k].val()
                | (self.tag_shift[k].val() << self.place_low.val())
                | (self.coarse.val() << self.coarse_low.val());
            if self.coarse.val().any() {
                self.flags_in.d.next = self.reading_flag.val()
                    | (self.opening_flag.val() << self.first_low.val())
                    | (self.closing_flag.val() << self.last_low.val())
                    | (self.tag_shift[k].val() << self.shift_low.val());
            }
        }
        for k in 0..self._serial {
            self.place_token.next = self.token[k].val();
            self.mode_in.d.next = self.sequence_mode[k].val();
            self.flags_in.d.next = self.sequence_flags[k].val()
                | self.reading_flag.val()
                | (self.opening_flag.val() << self.first_low.val())
                | (self.closing_flag.val() << self.last_low.val());
        }
        self.token_r.d.next = self.place_token.val() | (self.line_flag.val() << self.fresh_low.val());
        self.flags_late.d.next = self.flags_in.q.val();

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
            self.line_a[i].next = 0.into();
            self.line_w[i].next = 0.into();
            for k in 0..self._word {
                self.line_a[i].next =
                    self.line_a[i].val() | (self.bytes_a[i * self._word + k].val() << (k * 8));
                self.line_w[i].next =
                    self.line_w[i].val() | (self.bytes_w[i * self._word + k].val() << (k * 8));
            }
        }

        for i in 0..self._digit_words {
            self.digits_a[i].next = 0.into();
            self.digits_w[i].next = 0.into();
            for k in 0..4 {
                self.digits_a[i].next = self.digits_a[i].val() | (self.bytes_a[4 * i + k].val() << (k * 8));
                self.digits_w[i].next = self.digits_w[i].val() | (self.bytes_w[4 * i + k].val() << (k * 8));
            }
        }
        for r in 0..self._rows {
            self.modes[r].clock.next = self.clock.val();
            self.walking[r].clock.next = self.clock.val();
            self.mode[r].next = self.modes[r].q.val();
            self.flags[r].next = self.walking[r].q.val();
        }
        self.modes[0].d.next = self.mode_in.q.val();
        self.walking[0].d.next = self.flags_late.q.val();
        for r in 1..self._rows {
            self.modes[r].d.next = self.modes[r - 1].q.val();
            self.walking[r].d.next = self.walking[r - 1].q.val();
        }
        for r in 0..self._fixed_rows {
            self.row[r].clock.next = self.clock.val();
            for i in 0..self._words {
                self.row[r].data[i].next = self.line_a[i].val();
            }
            for i in 0..self._words_a {
                self.a[r * self._words_a + i].next = self.row[r].code[i].val();
            }
        }
        for r in 0..self._scale_rows {
            self.scales[r].clock.next = self.clock.val();
        }
        for r in 0..self._fusible_tag_rows {
            self.row_digits[r].width[0].next = self.scales[r].q.val();
            self.row_digits[r].signed[0].next = self.modes[r].q.val().get_bit(self.signed_low.val());
            self.row_digits[r].coarse[0].next = self.scales[r].q.val() >> self.coarse_low.val();
        }
        for r in 0..self._tag_rows {
            self.tags[r].width.next = self.scales[r].q.val();
            self.tags[r].signed.next = self.modes[r].q.val().get_bit(self.signed_low.val());
            for i in 0..self._words_a {
                self.tags[r].code[i].next = self.row[r].code[i].val();
                self.a[r * self._words_a + i].next = self.tags[r].value[i].val();
            }
        }
        for k in 0..self._tags {
            self.scales[0].d.next = self.scale_in[k].q.val();
        }
        for r in 1..self._scale_rows {
            self.scales[r].d.next = self.scales[r - 1].q.val();
        }
        for r in 0..self._place_rows {
            self.tags[r].shift[0].next = self.scales[r].q.val() >> self.place_low.val();
            self.places[r].clock.next = self.clock.val();
            self.places[r].d.next = self.tags[r].place[0].val();
            self.flags[r].next = self.walking[r].q.val() | (self.places[r].q.val() << self.shift_low.val());
        }
        for r in 0..self._twice_rows {
            self.tags[r].coarse[0].next = self.scales[r].q.val() >> self.coarse_low.val();
        }
        for c in 0..self._fixed_cols {
            self.column[c].clock.next = self.clock.val();
            for i in 0..self._words {
                self.column[c].data[i].next = self.line_w[i].val();
            }
            for i in 0..self._words_w {
                self.w[c * self._words_w + i].next = self.column[c].code[i].val();
            }
        }
        for _k in 0..self._fixed {
            self.row[0].token_in.next = self.token_r.q.val();
            self.column[0].token_in.next = self.token_r.q.val();
        }
        for r in 1..self._fixed_rows {
            self.row[r].token_in.next = self.row[r - 1].token_out.val();
        }
        for c in 1..self._fixed_cols {
            self.column[c].token_in.next = self.column[c - 1].token_out.val();
        }
        for r in 0..self._fusible_rows {
            self.row_digits[r].clock.next = self.clock.val();
            for i in 0..self._digit_words {
                self.row_digits[r].data[i].next = self.digits_a[i].val();
            }
            self.a[r].next = self.row_digits[r].code[0].val();
        }
        for c in 0..self._fusible_cols {
            self.column_digits[c].clock.next = self.clock.val();
            for i in 0..self._digit_words {
                self.column_digits[c].data[i].next = self.digits_w[i].val();
            }
            self.w[c].next = self.column_digits[c].code[0].val();
        }
        for _k in 0..self._fusible {
            self.row_digits[0].token_in.next = self.token_r.q.val();
            self.column_digits[0].token_in.next = self.token_r.q.val();
        }
        for r in 1..self._fusible_rows {
            self.row_digits[r].token_in.next = self.row_digits[r - 1].token_out.val();
        }
        for c in 1..self._fusible_cols {
            self.column_digits[c].token_in.next = self.column_digits[c - 1].token_out.val();
        }
        for r in 0..self._serial_rows {
            self.row_planes[r].clock.next = self.clock.val();
            for j in 0..self._slots {
                self.row_planes[r].data[j].next = self.slots_a[0].slot[j].val();
            }
            for i in 0..self._words_a {
                self.a[r * self._words_a + i].next = self.row_planes[r].code[i].val();
            }
        }
        for c in 0..self._serial_cols {
            self.column_planes[c].clock.next = self.clock.val();
            for j in 0..self._slots {
                self.column_planes[c].data[j].next = self.slots_w[0].slot[j].val();
            }
            for i in 0..self._words_w {
                self.w[c * self._words_w + i].next = self.column_planes[c].code[i].val();
            }
        }
        for k in 0..self._serial {
            self.slots_a[k].container.next = self.container[k].val();
            self.slots_w[k].container.next = self.container[k].val();
        }
        for b in 0..self._serial_line {
            self.slots_a[0].byte[b].next = self.bytes_a[b].val();
            self.slots_w[0].byte[b].next = self.bytes_w[b].val();
        }
        for _k in 0..self._serial {
            self.row_planes[0].token_in.next = self.token_r.q.val();
            self.column_planes[0].token_in.next = self.token_r.q.val();
        }
        for r in 1..self._serial_rows {
            self.row_planes[r].token_in.next = self.row_planes[r - 1].token_out.val();
        }
        for c in 1..self._serial_cols {
            self.column_planes[c].token_in.next = self.column_planes[c - 1].token_out.val();
        }
    }
}
