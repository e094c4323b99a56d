//! From lines to beats: dense codes, their place in a ring, and the FIFO behind it.

mod kernel;

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
