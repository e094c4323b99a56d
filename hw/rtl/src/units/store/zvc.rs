//! `zvc`: counts what a block would take, and codes it.

use super::pack::StorePack;
use super::read::beats_width;
use super::rotate::Rotate;
use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

/// Codes of a group.
const GROUP: usize = 8;

documented! {
    /// Zero-value compression, one group of eight codes a cycle.
    ///
    /// A block is read twice: first its marked codes are counted, which says whether `zvc` saves a beat;
    /// then it is coded. Eight codes a cycle go into a ring of sixteen; a full half is a group:
    ///
    /// ```text
    /// line -> shift by 8 -> ring of 16 -> group -> marks -> close gaps -> mask and dense codes -> beats
    /// ```
    ///
    /// Source: Rhu et al., Compressing DMA Engine, HPCA 2018, with groups of eight.
    #[derive(LogicBlock)]
    pub struct StoreZvc {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// forgets the count
        pub clear: Signal<In, Bit>,
        /// codes of the line two cycles after its read, zero beyond its end
        pub line: Vec<Sig>,
        /// how many
        pub bytes: Sig,
        /// the line read in this cycle is counted
        pub count: Signal<In, Bit>,
        /// the line read in this cycle is coded
        pub code: Signal<In, Bit>,
        /// no line follows in this block: three cycles after the last chunk
        pub flush: Signal<In, Bit>,
        /// the code to leave out
        pub zero_code: Sig,
        /// bits of a code
        pub bits: Sig,
        /// codes of a block
        pub codes: Sig,
        /// beats of the block if it is packed
        pub raw_beats: Sig,
        /// beat in the FIFO with which the block begins
        pub base: Sig,
        /// coding begins at `base`
        pub begin: Signal<In, Bit>,
        /// beats of the block, the shorter way
        pub beats: Sig,
        /// `zvc` saves a beat
        pub wins: Signal<Out, Bit>,
        /// mask and dense codes of a group
        pub coded: Vec<Sig>,
        /// there is a group, or the block's end
        pub valid: Signal<Out, Bit>,
        /// beats that it completes
        pub coded_beats: Sig,
        /// beat into which its first bit goes
        pub tail: Sig,
        /// bit of that beat
        pub phase: Sig,
        count_1: State<Bit>,
        count_2: State<Bit>,
        code_1: State<Bit>,
        code_2: State<Bit>,
        code_mask: Reg,
        zero: Reg,
        different: Vec<Signal<Local, Bit>>,
        sum: Vec<Sig>,
        marked: Reg,
        total: Reg,
        marked_bits: Reg,
        all_bits: Reg,
        coded_length: Sig,
        length: Reg,
        better: State<Bit>,
        wait: Vec<Reg>,
        wait_codes: Reg,
        chunk_codes: Sig,
        rotate: Vec<Rotate>,
        ring: Vec<Reg>,
        merged: Vec<Sig>,
        place: Reg,
        place_next: Sig,
        full: Signal<Local, Bit>,
        flush_1: State<Bit>,
        flushing: Signal<Local, Bit>,
        group: Vec<Reg>,
        group_codes: Reg,
        group_valid: State<Bit>,
        group_close: State<Bit>,
        mark: Vec<Signal<Local, Bit>>,
        zeros: Vec<Sig>,
        /// code and how far it moves down, zero where it is left out
        item: Vec<Reg>,
        mask: Reg,
        mask_bits: Vec<Sig>,
        item_valid: State<Bit>,
        item_close: State<Bit>,
        step_1: Vec<Sig>,
        step_2: Vec<Sig>,
        step_4: Vec<Sig>,
        ones: Vec<Sig>,
        close_codes: Vec<Reg>,
        close_mask: Reg,
        close_bits: Reg,
        close_valid: State<Bit>,
        closing: State<Bit>,
        pack: StorePack,
        tail_now: Reg,
        phase_now: Reg,
        end: Sig,
        filled: Sig,
        fill: Const,
        beat_log2: Const,
        width: Const,
        one: Const,
        seven: Const,
        _width: usize,
        _wait: usize
    }
}

impl StoreZvc {
    /// The codec for this shape, and a FIFO that counts its beats modulo `slots`.
    #[must_use]
    pub fn new(shape: &Shape, slots: usize) -> StoreZvc {
        let Shape { line, bus, .. } = *shape;
        let (wait, bytes) = (line.max(GROUP), u(clog2(line) + 1));
        let (tail, phase) = (u(clog2(slots)), u(clog2(8 * bus)));
        let group = Shape { line: GROUP, ..shape.clone() };
        StoreZvc {
            name: Named::of(format!("store_zvc_line{line}_bus{bus}_slots{slots}"), &StoreZvc::DOCS),
            clock: Signal::default(),
            clear: Signal::default(),
            line: Sig::inputs(u(8), line),
            bytes: Sig::input(bytes),
            count: Signal::default(),
            code: Signal::default(),
            flush: Signal::default(),
            zero_code: Sig::input(u(8)),
            bits: Sig::input(u(4)),
            codes: Sig::input(u(33)),
            raw_beats: Sig::input(u(31)),
            base: Sig::input(tail),
            begin: Signal::default(),
            beats: Sig::output(u(clog2(slots) + 1)),
            wins: Signal::default(),
            coded: Sig::outputs(u(8), GROUP + 1),
            valid: Signal::default(),
            coded_beats: Sig::output(u(beats_width(shape))),
            tail: Sig::output(tail),
            phase: Sig::output(phase),
            count_1: State::default(),
            count_2: State::default(),
            code_1: State::default(),
            code_2: State::default(),
            code_mask: Reg::new(u(8)),
            zero: Reg::new(u(8)),
            different: vec![Signal::default(); line],
            sum: Sig::locals(bytes, line + 1),
            marked: Reg::new(bytes),
            total: Reg::new(u(20)),
            marked_bits: Reg::new(u(24)),
            all_bits: Reg::new(u(25)),
            coded_length: Sig::local(u(25)),
            length: Reg::new(u(clog2(slots) + 1)),
            better: State::default(),
            wait: Reg::many(u(8), wait),
            wait_codes: Reg::new(bytes),
            chunk_codes: Sig::local(u(4)),
            rotate: (0..4).map(|stage| Rotate::new(2 * GROUP, 1 << stage)).collect(),
            ring: Reg::many(u(8), 2 * GROUP),
            merged: Sig::locals(u(8), 2 * GROUP),
            place: Reg::new(u(4)),
            place_next: Sig::local(u(4)),
            full: Signal::default(),
            flush_1: State::default(),
            flushing: Signal::default(),
            group: Reg::many(u(8), GROUP),
            group_codes: Reg::new(u(4)),
            group_valid: State::default(),
            group_close: State::default(),
            mark: vec![Signal::default(); GROUP],
            zeros: Sig::locals(u(4), GROUP + 1),
            item: Reg::many(u(11), GROUP),
            mask: Reg::new(u(8)),
            mask_bits: Sig::locals(u(8), GROUP + 1),
            item_valid: State::default(),
            item_close: State::default(),
            step_1: Sig::locals(u(11), GROUP + 1),
            step_2: Sig::locals(u(11), GROUP + 2),
            step_4: Sig::locals(u(11), GROUP + 4),
            ones: Sig::locals(u(4), GROUP + 1),
            close_codes: Reg::many(u(8), GROUP),
            close_mask: Reg::new(u(8)),
            close_bits: Reg::new(u(7)),
            close_valid: State::default(),
            closing: State::default(),
            pack: StorePack::new(&group),
            tail_now: Reg::new(tail),
            phase_now: Reg::new(phase),
            end: Sig::local(u(9)),
            filled: Sig::local(u(9)),
            fill: Const::new(8 * bus - 1),
            beat_log2: Const::new(clog2(8 * bus)),
            width: Const::new(line),
            one: Const::new(1),
            seven: Const::new(7),
            _width: line,
            _wait: wait,
        }
    }
}

impl Logic for StoreZvc {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            count_1,
            count_2,
            code_1,
            code_2,
            code_mask,
            zero,
            marked,
            total,
            marked_bits,
            all_bits,
            length,
            better,
            wait_codes,
            place,
            flush_1,
            group_codes,
            group_valid,
            group_close,
            mask,
            item_valid,
            item_close,
            close_mask,
            close_bits,
            close_valid,
            closing,
            tail_now,
            phase_now
        );
        self.count_1.d.next = self.count.val();
        self.count_2.d.next = self.count_1.q.val();
        self.code_1.d.next = self.code.val();
        self.code_2.d.next = self.code_1.q.val();
        // The count, and which way is shorter.
        self.code_mask.d.next = (self.one.val() << self.bits.val()) - 1;
        self.zero.d.next = self.zero_code.val() & self.code_mask.q.val();
        self.sum[0].next = 0.into();
        for k in 0..self._width {
            self.different[k].next = ((self.line[k].val() & self.code_mask.q.val()) != self.zero.q.val())
                & (self.bytes.val() > k)
                & self.count_2.q.val();
            self.sum[k + 1].next = self.sum[k].val() + self.different[k].val();
        }
        self.marked.d.next = self.sum[self._width].val();
        self.total.d.next = self.total.q.val() + self.marked.q.val();
        if self.clear.val() {
            self.total.d.next = 0.into();
        }
        self.marked_bits.d.next = self.total.q.val() * self.bits.val();
        self.all_bits.d.next = self.marked_bits.q.val() + (((self.codes.val() + self.seven.val()) >> 3) << 3);
        self.coded_length.next = (self.all_bits.q.val() + self.fill.val()) >> self.beat_log2.val();
        self.better.d.next = self.coded_length.val() < self.raw_beats.val();
        self.length.d.next = self.raw_beats.val();
        if self.coded_length.val() < self.raw_beats.val() {
            self.length.d.next = self.coded_length.val();
        }
        self.beats.next = self.length.q.val();
        self.wins.next = self.better.q.val();

        // Eight codes a cycle into the ring.
        self.chunk_codes.next = self.wait_codes.q.val();
        self.wait_codes.d.next = 0.into();
        if self.wait_codes.q.val() > 8 {
            self.chunk_codes.next = 8.into();
            self.wait_codes.d.next = self.wait_codes.q.val() - 8;
        }
        for k in 0..self._wait {
            self.wait[k].clock.next = self.clock.val();
            self.wait[k].d.next = 0.into();
        }
        for k in 8..self._wait {
            self.wait[k - 8].d.next = self.wait[k].q.val();
        }
        if self.code_2.q.val() {
            self.wait_codes.d.next = self.bytes.val();
            for k in 0..self._width {
                self.wait[k].d.next = self.line[k].val();
            }
        }
        for k in 0..8 {
            self.rotate[0].x[k].next = self.wait[k].q.val();
            self.rotate[0].x[k + 8].next = 0.into();
        }
        for i in 0..4 {
            self.rotate[i].turn.next = self.place.q.val().get_bit(i);
        }
        for i in 1..4 {
            for k in 0..16 {
                self.rotate[i].x[k].next = self.rotate[i - 1].y[k].val();
            }
        }
        self.place_next.next = self.place.q.val() + self.chunk_codes.val();
        self.place.d.next = self.place_next.val();
        self.full.next = self.place_next.val().get_bit(3) != self.place.q.val().get_bit(3);
        self.flush_1.d.next = self.flush.val();
        self.flushing.next = self.flush.val() && (bits_w(self.place.q.val(), 3) != 0);
        self.group_valid.d.next = self.full.val() || self.flushing.val();
        self.group_close.d.next = self.flush_1.q.val();
        self.group_codes.d.next = 8.into();
        if self.flushing.val() {
            self.group_codes.d.next = bits_w(self.place.q.val(), 3);
        }
        for k in 0..16 {
            self.ring[k].clock.next = self.clock.val();
            self.merged[k].next = self.ring[k].q.val() | self.rotate[3].y[k].val();
            self.ring[k].d.next = self.merged[k].val();
        }
        for k in 0..8 {
            self.group[k].clock.next = self.clock.val();
            self.group[k].d.next = self.merged[k].val();
            if self.place.q.val().get_bit(3) {
                self.group[k].d.next = self.merged[k + 8].val();
            }
            if self.full.val() || self.flushing.val() {
                if self.place.q.val().get_bit(3) {
                    self.ring[k + 8].d.next = 0.into();
                } else {
                    self.ring[k].d.next = 0.into();
                }
            }
        }
        if self.flush.val() {
            self.place.d.next = 0.into();
        }

        // Marks, and how many codes before each are left out.
        self.zeros[0].next = 0.into();
        self.mask_bits[0].next = 0.into();
        for k in 0..8 {
            self.mark[k].next = ((self.group[k].q.val() & self.code_mask.q.val()) != self.zero.q.val())
                & (self.group_codes.q.val() > k)
                & self.group_valid.q.val();
            self.zeros[k + 1].next = self.zeros[k].val() + 1;
            self.mask_bits[k + 1].next = self.mask_bits[k].val();
            self.item[k].clock.next = self.clock.val();
            self.item[k].d.next = 0.into();
            if self.mark[k].val() {
                self.zeros[k + 1].next = self.zeros[k].val();
                self.mask_bits[k + 1].next = self.mask_bits[k].val() | (self.one.val() << k);
                self.item[k].d.next =
                    (self.group[k].q.val() & self.code_mask.q.val()) | (self.zeros[k].val() << 8);
            }
        }
        self.mask.d.next = self.mask_bits[8].val();
        self.item_valid.d.next = self.group_valid.q.val();
        self.item_close.d.next = self.group_close.q.val();

        // The gaps are closed: by one, by two, by four.
        self.step_1[8].next = 0.into();
        self.step_2[8].next = 0.into();
        self.step_2[9].next = 0.into();
        for k in 8..12 {
            self.step_4[k].next = 0.into();
        }
        for k in 0..8 {
            self.step_1[k].next = self.item[k].q.val();
        }
        for k in 0..8 {
            self.step_2[k].next = 0.into();
            if !self.step_1[k].val().get_bit(8) {
                self.step_2[k].next = self.step_1[k].val();
            }
            if self.step_1[k + 1].val().get_bit(8) {
                self.step_2[k].next = self.step_1[k + 1].val();
            }
        }
        for k in 0..8 {
            self.step_4[k].next = 0.into();
            if !self.step_2[k].val().get_bit(9) {
                self.step_4[k].next = self.step_2[k].val();
            }
            if self.step_2[k + 2].val().get_bit(9) {
                self.step_4[k].next = self.step_2[k + 2].val();
            }
        }
        self.ones[0].next = 0.into();
        for k in 0..8 {
            self.close_codes[k].clock.next = self.clock.val();
            self.close_codes[k].d.next = 0.into();
            if !self.step_4[k].val().get_bit(10) {
                self.close_codes[k].d.next = self.step_4[k].val();
            }
            if self.step_4[k + 4].val().get_bit(10) {
                self.close_codes[k].d.next = self.step_4[k + 4].val();
            }
            self.ones[k + 1].next = self.ones[k].val() + self.mask.q.val().get_bit(k);
        }
        self.close_mask.d.next = self.mask.q.val();
        self.close_bits.d.next = 0.into();
        if self.item_valid.q.val() {
            self.close_bits.d.next = self.ones[8].val() * self.bits.val() + 8;
        }
        self.close_valid.d.next = self.item_valid.q.val();
        self.closing.d.next = self.item_close.q.val();

        // Mask and dense codes, and where they go.
        self.pack.bits.next = self.bits.val();
        self.coded[0].next = self.close_mask.q.val();
        for k in 0..8 {
            self.pack.line[k].next = self.close_codes[k].q.val();
            self.coded[k + 1].next = self.pack.packed[k].val();
        }
        self.valid.next = self.close_valid.q.val() || self.closing.q.val();
        self.end.next = self.phase_now.q.val() + self.close_bits.q.val();
        self.filled.next = self.end.val();
        if self.closing.q.val() {
            self.filled.next = self.end.val() + self.fill.val();
        }
        self.coded_beats.next = self.filled.val() >> self.beat_log2.val();
        self.tail.next = self.tail_now.q.val();
        self.phase.next = self.phase_now.q.val();
        self.tail_now.d.next = self.tail_now.q.val() + (self.filled.val() >> self.beat_log2.val());
        self.phase_now.d.next = self.end.val();
        if self.begin.val() {
            self.tail_now.d.next = self.base.val();
            self.phase_now.d.next = 0.into();
        }
    }
}
