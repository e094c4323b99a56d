//! From lines to beats: dense codes, their place in a ring, and the FIFO behind it.

use super::decode::suffix;
use super::pack::StorePack;
use super::read::beats_width;
use super::rotate::Rotate;
use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

documented! {
    /// Data path of the store unit, three registers deep, and its FIFO of beats.
    ///
    /// A ring as long as two lines stands before as many banks of RAM as it has beats. The bits of a line
    /// are turned to their place in the ring; what completes a beat is written to the beat's bank, the
    /// rest waits in the ring. So a line may complete all its beats and a partial one in a single cycle.
    ///
    /// ```text
    /// rdata -> line -> mask, pack, shift by bits -> packed -> turn by bytes -+-> RAM banks -> store_beat
    ///  r+1     r+2                                  r+3                ring -+    r+4
    /// ```
    #[derive(LogicBlock)]
    pub struct StoreBeats {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// bytes of the line that is read in this cycle, 0 without one
        pub bytes: Sig,
        /// bits in memory of each of its bytes
        pub bits: Sig,
        /// beats that it completes
        pub beats: Sig,
        /// beats that it brings into the FIFO
        pub brings: Sig,
        /// the line goes to the FIFO as it is, but for `pack`
        pub keep: Signal<In, Bit>,
        /// bytes of a `zvc` group
        pub coded: Vec<Sig>,
        /// there is one, in place of a line of two cycles before
        pub coded_valid: Signal<In, Bit>,
        /// beats that it completes
        pub coded_beats: Sig,
        /// beat into which its first bit goes
        pub coded_tail: Sig,
        /// bit of that beat
        pub coded_phase: Sig,
        /// containers of the line read two cycles before, zero beyond its end
        pub codes: Vec<Sig>,
        /// how many
        pub codes_bytes: Sig,
        /// beat into which its first bit goes
        pub tail: Sig,
        /// bit of that beat
        pub phase: Sig,
        /// the line, a cycle later
        pub rdata: Vec<Sig>,
        /// beats that are in the FIFO from the next cycle on
        pub arrived: Sig,
        /// oldest beat
        pub store_beat: Vec<Sig>,
        /// the oldest beat leaves
        pub taken: Signal<In, Bit>,
        bytes_1: Reg,
        bits_1: Reg,
        beats_1: Reg,
        tail_1: Reg,
        phase_1: Reg,
        line: Vec<Reg>,
        keep_1: State<Bit>,
        keep_2: State<Bit>,
        brings_1: Reg,
        brings_2: Reg,
        brings_3: Reg,
        kept_beats: Sig,
        kept_tail: Sig,
        kept_phase: Sig,
        bytes_2: Reg,
        bits_2: Reg,
        beats_2: Reg,
        tail_2: Reg,
        phase_2: Reg,
        pack: Vec<StorePack>,
        masked: Vec<Sig>,
        dense: Vec<Sig>,
        packed: Vec<Reg>,
        beats_3: Reg,
        tail_3: Reg,
        place_3: Reg,
        ring_place: Sig,
        rotate: Vec<Rotate>,
        merged: Vec<Sig>,
        ring: Vec<Reg>,
        bank_number: Sig,
        row: Sig,
        /// how many beats after the tail the bank's beat is
        distance: Vec<Sig>,
        full: Vec<Signal<Local, Bit>>,
        ram: Vec<Mem>,
        head: Reg,
        head_next: Sig,
        head_bank: Sig,
        banks: Const,
        bank_log2: Const,
        bus_log2: Const,
        bus: Const,
        words: Const,
        kept: Const,
        stages: Const,
        _width: usize,
        _packed: usize,
        _kept: usize,
        _zvc: usize,
        _ring: usize,
        _stages: usize,
        _pack: usize,
        _banks: usize,
        _words: usize,
        _bus: usize,
        _rams: usize
    }
}

impl StoreBeats {
    /// The data path for this shape.
    #[must_use]
    pub fn new(shape: &Shape) -> StoreBeats {
        let Shape { line, bus, .. } = *shape;
        let slots = slots(shape);
        let ring = ring(shape);
        let (banks, words) = (ring / bus, bus / 4);
        let kept = if shape.zvc { line.max(9) } else { line };
        let stages = clog2(ring);
        let (bytes, beats, tail) = (u(clog2(line) + 1), u(beats_width(shape)), u(clog2(slots)));
        let phase = u(clog2(8 * bus));
        let pack = usize::from(shape.pack || shape.zvc);
        let suffix = suffix(shape);
        StoreBeats {
            name: Named::of(
                format!("store_beats_line{line}_bus{bus}_slots{slots}{suffix}"),
                &StoreBeats::DOCS,
            ),
            clock: Signal::default(),
            bytes: Sig::input(bytes),
            bits: Sig::input(u(4)),
            beats: Sig::input(beats),
            tail: Sig::input(tail),
            phase: Sig::input(phase),
            rdata: Sig::inputs(u(8), line),
            arrived: Sig::output(beats),
            store_beat: Sig::outputs(u(32), words),
            taken: Signal::default(),
            brings: Sig::input(beats),
            keep: Signal::default(),
            coded: Sig::inputs(u(8), 9),
            coded_valid: Signal::default(),
            coded_beats: Sig::input(beats),
            coded_tail: Sig::input(tail),
            coded_phase: Sig::input(phase),
            codes: Sig::outputs(u(8), line),
            codes_bytes: Sig::output(bytes),
            keep_1: State::default(),
            keep_2: State::default(),
            brings_1: Reg::new(beats),
            brings_2: Reg::new(beats),
            brings_3: Reg::new(beats),
            kept_beats: Sig::local(beats),
            kept_tail: Sig::local(tail),
            kept_phase: Sig::local(phase),
            bytes_1: Reg::new(bytes),
            bits_1: Reg::new(u(4)),
            beats_1: Reg::new(beats),
            tail_1: Reg::new(tail),
            phase_1: Reg::new(phase),
            line: Reg::many(u(8), line),
            bytes_2: Reg::new(bytes),
            bits_2: Reg::new(u(4)),
            beats_2: Reg::new(beats),
            tail_2: Reg::new(tail),
            phase_2: Reg::new(phase),
            pack: (0..pack).map(|_| StorePack::new(shape)).collect(),
            masked: Sig::locals(u(8), line),
            dense: Sig::locals(u(8), kept),
            packed: Reg::many(u(8), kept + 1),
            beats_3: Reg::new(beats),
            tail_3: Reg::new(tail),
            place_3: Reg::new(u(stages)),
            ring_place: Sig::local(u(stages)),
            rotate: (0..stages).map(|stage| Rotate::new(ring, 1 << stage)).collect(),
            merged: Sig::locals(u(8), ring),
            ring: Reg::many(u(8), ring),
            bank_number: Sig::local(u(clog2(banks))),
            row: Sig::local(u(clog2((slots / banks).max(2)))),
            distance: Sig::locals(u(clog2(banks)), banks),
            full: vec![Signal::default(); banks],
            ram: (0..banks * words).map(|_| Mem::new(slots / banks, u(32)).without_collisions()).collect(),
            head: Reg::new(tail),
            head_next: Sig::local(tail),
            head_bank: Sig::local(u(clog2(banks))),
            banks: Const::new(banks),
            bank_log2: Const::new(clog2(banks)),
            bus_log2: Const::new(clog2(bus)),
            bus: Const::new(bus),
            words: Const::new(words),
            kept: Const::new(kept),
            stages: Const::new(stages),
            _width: line,
            _packed: kept + 1,
            _kept: kept,
            _zvc: usize::from(shape.zvc),
            _ring: ring,
            _stages: stages,
            _pack: pack,
            _banks: banks,
            _words: words,
            _bus: bus,
            _rams: banks * words,
        }
    }
}

/// Bytes of the ring: two lines; at least a partial beat and a `zvc` group.
#[must_use]
pub fn ring(shape: &Shape) -> usize {
    (2 * shape.line).max(if shape.zvc { (shape.bus + 9).next_power_of_two() } else { 0 })
}

/// Beats that the banks hold: those of the FIFO, and at least two in each bank.
#[must_use]
pub fn slots(shape: &Shape) -> usize {
    shape.store_fifo_beats.max(2 * ring(shape) / shape.bus)
}

impl Logic for StoreBeats {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, keep_1, keep_2, brings_1, brings_2, brings_3, bytes_1, bits_1, beats_1, tail_1,
            phase_1, bytes_2, bits_2, beats_2, tail_2, phase_2, beats_3, tail_3, place_3, head
        );
        self.bytes_1.d.next = self.bytes.val();
        self.bits_1.d.next = self.bits.val();
        self.beats_1.d.next = self.beats.val();
        self.tail_1.d.next = self.tail.val();
        self.phase_1.d.next = self.phase.val();

        // The line is on its way out of the scratchpad.
        self.bytes_2.d.next = self.bytes_1.q.val();
        self.bits_2.d.next = self.bits_1.q.val();
        self.beats_2.d.next = self.beats_1.q.val();
        self.tail_2.d.next = self.tail_1.q.val();
        self.phase_2.d.next = self.phase_1.q.val();

        self.keep_1.d.next = self.keep.val();
        self.keep_2.d.next = self.keep_1.q.val();
        self.brings_1.d.next = self.brings.val();
        self.brings_2.d.next = self.brings_1.q.val();
        self.brings_3.d.next = self.brings_2.q.val();
        self.codes_bytes.next = self.bytes_2.q.val();

        // Dense codes, shifted to their bit of a byte.
        for k in 0..self._width {
            self.line[k].clock.next = self.clock.val();
            self.line[k].d.next = self.rdata[k].val();
            self.masked[k].next = 0.into();
            if self.bytes_2.q.val() > k {
                self.masked[k].next = self.line[k].q.val();
            }
            self.codes[k].next = self.masked[k].val();
        }
        for k in 0..self._kept {
            self.dense[k].next = 0.into();
        }
        if self.keep_2.q.val() {
            for k in 0..self._width {
                self.dense[k].next = self.masked[k].val();
            }
        }
        for p in 0..self._pack {
            self.pack[p].bits.next = self.bits_2.q.val();
            for k in 0..8 {
                self.pack[p].line[k].next = 0.into();
            }
            for k in 0..self._width {
                self.pack[p].line[k].next = self.masked[k].val();
                if self.keep_2.q.val() {
                    self.dense[k].next = self.pack[p].packed[k].val();
                }
            }
        }
        self.kept_beats.next = self.beats_2.q.val();
        self.kept_tail.next = self.tail_2.q.val();
        self.kept_phase.next = self.phase_2.q.val();
        for z in 0..self._zvc {
            if self.coded_valid.val() {
                self.kept_beats.next = self.coded_beats.val();
                self.kept_tail.next = self.coded_tail.val();
                self.kept_phase.next = self.coded_phase.val();
                for k in 0..9 {
                    self.dense[k + z].next = self.coded[k].val();
                }
            }
        }
        for k in 0..self._packed {
            self.packed[k].clock.next = self.clock.val();
            self.packed[k].d.next = 0.into();
        }
        for k in 0..self._kept {
            self.packed[k].d.next = self.dense[k].val();
        }
        for p in 0..self._pack {
            self.packed[p].d.next = self.dense[p].val() << bits_w(self.kept_phase.val(), 3);
            for k in 1..self._kept {
                self.packed[k].d.next = (((self.dense[k].val() << 8) | self.dense[k - 1].val())
                    << bits_w(self.kept_phase.val(), 3))
                    >> 8;
            }
            self.packed[p + self._kept].d.next =
                (self.dense[p + self._kept - 1].val() << bits_w(self.kept_phase.val(), 3)) >> 8;
        }
        self.beats_3.d.next = self.kept_beats.val();
        self.tail_3.d.next = self.kept_tail.val();
        self.place_3.d.next = (self.kept_tail.val() << self.bus_log2.val()) | (self.kept_phase.val() >> 3);

        // Turned to its place in the ring.
        self.ring_place.next = self.place_3.q.val();
        for k in 0..self._ring {
            self.rotate[0].x[k].next = 0.into();
        }
        for k in 0..self._packed {
            self.rotate[0].x[k].next = self.packed[k].q.val();
        }
        for i in 0..self._stages {
            self.rotate[i].turn.next = self.ring_place.val().get_bit(i);
        }
        for i in 1..self._stages {
            for k in 0..self._ring {
                self.rotate[i].x[k].next = self.rotate[i - 1].y[k].val();
            }
        }
        self.arrived.next = self.brings_3.q.val();
        self.bank_number.next = self.tail_3.q.val();
        self.row.next = self.tail_3.q.val() >> self.bank_log2.val();
        self.head_next.next = self.head.q.val() + self.taken.val();
        self.head.d.next = self.head_next.val();
        for b in 0..self._banks {
            self.distance[b].next = self.banks.val() + b - self.bank_number.val();
            self.full[b].next = self.distance[b].val() < self.beats_3.q.val();
            for k in 0..self._bus {
                self.ring[b * self._bus + k].clock.next = self.clock.val();
                self.merged[b * self._bus + k].next = self.ring[b * self._bus + k].q.val()
                    | self.rotate[self._stages - 1].y[b * self._bus + k].val();
                self.ring[b * self._bus + k].d.next = self.merged[b * self._bus + k].val();
                if self.full[b].val() {
                    self.ring[b * self._bus + k].d.next = 0.into();
                }
            }
            for w in 0..self._words {
                self.ram[b * self._words + w].clock.next = self.clock.val();
                self.ram[b * self._words + w].we.next = self.full[b].val().into();
                self.ram[b * self._words + w].waddr.next = self.row.val();
                if self.bank_number.val() > b {
                    self.ram[b * self._words + w].waddr.next = self.row.val() + 1;
                }
                self.ram[b * self._words + w].wdata.next = self.merged[b * self._bus + 4 * w].val()
                    | (self.merged[b * self._bus + 4 * w + 1].val() << 8)
                    | (self.merged[b * self._bus + 4 * w + 2].val() << 16)
                    | (self.merged[b * self._bus + 4 * w + 3].val() << 24);
                self.ram[b * self._words + w].re.next = true;
                self.ram[b * self._words + w].raddr.next = self.head_next.val() >> self.bank_log2.val();
            }
        }
        self.head_bank.next = self.head.q.val();
        for w in 0..self._words {
            self.store_beat[w].next = self.ram[w].rdata.val();
            for b in 1..self._banks {
                if self.head_bank.val() == b {
                    self.store_beat[w].next = self.ram[b * self._words + w].rdata.val();
                }
            }
        }
    }
}
