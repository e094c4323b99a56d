//! `zvc`: counts what a block would take, and codes it.

mod kernel;

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
