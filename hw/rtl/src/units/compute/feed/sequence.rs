//! What the elements of `serial` do at each position of a line.

use super::planes::Token;
use super::slots::CONTAINER;
use crate::prelude::*;
use crate::units::Shape;
use crate::units::mac::{flag, mode};
use rust_hdl::prelude::*;

/// Bits of a code's width, and of a number of planes or slices.
const WIDTH: usize = 4;

documented! {
    /// Positions of a line for `serial`: groups of codes, in them the weights' slices, in them the activations' planes,
    /// the highest first; then nothing until the line's end. Codes of two scales have the payload's planes, and each
    /// group comes twice: first its fine codes count, then its coarse ones.
    ///
    /// ```text
    /// cycle       | i     | i + 1
    /// issue       | 1     |
    /// token, ...  |       | of the position issued
    /// ```
    #[derive(LogicBlock)]
    pub struct Sequence {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// second cycle after the start
        pub settle: Signal<In, Bit>,
        /// a position is issued
        pub issue: Signal<In, Bit>,
        /// it is a line's last
        pub line_end: Signal<In, Bit>,
        /// field
        pub channels: Sig,
        /// field
        pub activation_bits: Sig,
        /// field
        pub weight_bits: Sig,
        /// field: what the operands lie in
        pub container: Sig,
        /// field, where codes can have two scales
        pub tag_shift: Vec<Sig>,
        /// activations are signed
        pub signed: Signal<In, Bit>,
        /// passes over a group of codes
        pub passes: Sig,
        /// what the lanes deal, without the bit that a line begins
        pub token: Sig,
        /// what goes with the operands
        pub mode: Sig,
        /// place and sign of the term, as flags
        pub flags: Sig,
        planes: Sig,
        slices: Sig,
        codes: Sig,
        /// codes of a line
        most: Sig,
        /// bits of a container
        width: Sig,
        plane_slot: Sig,
        slice_slot: Sig,
        groups: Sig,
        plane_top: Reg,
        slice_top: Reg,
        group_last: Reg,
        /// slot before the group's
        base: Reg,
        token_r: Reg,
        mode_r: Reg,
        flags_r: Reg,
        plane: Reg,
        slice: Reg,
        group: Reg,
        live: State<Bit>,
        coarse: State<Bit>,
        tagged: Signal<Local, Bit>,
        token_next: Sig,
        tag_slot: Sig,
        tagged_token: Sig,
        coarse_token: Sig,
        again: Signal<Local, Bit>,
        first_plane: Signal<Local, Bit>,
        first_slice: Signal<Local, Bit>,
        slice_place: Sig,
        place: Sig,
        negative: Signal<Local, Bit>,
        load_mode: Sig,
        top_mode: Sig,
        live_flag: Sig,
        negate_flag: Sig,
        line: Const,
        round: Const,
        lane_bits: Const,
        slice_round: Const,
        slice_bits: Const,
        full: Const,
        live_low: Const,
        container_low: Const,
        slice_low: Const,
        negate_low: Const,
        shift_low: Const,
        top_low: Const,
        tag_low: Const,
        coarse_low: Const,
        tagged_low: Const,
        _width: usize,
        _tags: usize,
        _narrow: usize,
        _told: usize
    }
}

impl Sequence {
    /// For a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Sequence {
        let mac = &shape.mac;
        let layout = Token::of(shape);
        let groups = 4 * shape.line / mac.lanes;
        let (width, token) = (u(WIDTH), u(layout.bits() - 1));
        let (mode_ty, flags) = (u(mac.mode_bits()), u(mac.flag_bits()));
        let group = u(clog2(groups).max(1));
        Sequence {
            name: Named::of(format!("feed_sequence_line{}_{}", shape.line, mac.name()), &Sequence::DOCS),
            clock: Signal::default(),
            settle: Signal::default(),
            issue: Signal::default(),
            line_end: Signal::default(),
            channels: Sig::input(u(16)),
            activation_bits: Sig::input(width),
            weight_bits: Sig::input(width),
            container: Sig::input(u(CONTAINER)),
            tag_shift: Sig::inputs(u(4), usize::from(mac.tag_shift > 0)),
            signed: Signal::default(),
            passes: Sig::output(u(7)),
            token: Sig::output(token),
            mode: Sig::output(mode_ty),
            flags: Sig::output(flags),
            planes: Sig::local(width),
            slices: Sig::local(width),
            codes: Sig::local(u(clog2(4 * shape.line + 1))),
            most: Sig::local(u(clog2(4 * shape.line + 1))),
            groups: Sig::local(u(clog2(groups + 1))),
            width: Sig::local(u(WIDTH)),
            plane_slot: Sig::local(u(layout.slot)),
            slice_slot: Sig::local(u(layout.slot)),
            plane_top: Reg::new(u(WIDTH - 1)),
            slice_top: Reg::new(u(WIDTH - 1)),
            group_last: Reg::new(group),
            base: Reg::new(u(layout.slot)),
            token_r: Reg::new(token),
            mode_r: Reg::new(mode_ty),
            flags_r: Reg::new(flags),
            plane: Reg::new(u(WIDTH - 1)),
            slice: Reg::new(u(WIDTH - 1)),
            group: Reg::new(group),
            live: State::default(),
            coarse: State::default(),
            tagged: Signal::default(),
            token_next: Sig::local(token),
            tag_slot: Sig::local(u(layout.slot)),
            tagged_token: Sig::local(u(1)),
            coarse_token: Sig::local(u(1)),
            again: Signal::default(),
            first_plane: Signal::default(),
            first_slice: Signal::default(),
            slice_place: Sig::local(u(WIDTH - 1)),
            place: Sig::local(u(mac.shift_bits().max(1))),
            negative: Signal::default(),
            load_mode: Sig::local(u(1)),
            top_mode: Sig::local(u(1)),
            live_flag: Sig::local(u(1)),
            negate_flag: Sig::local(u(1)),
            line: Const::new(shape.line),
            round: Const::new(mac.lanes - 1),
            lane_bits: Const::new(clog2(mac.lanes)),
            slice_round: Const::new(mac.slice - 1),
            slice_bits: Const::new(clog2(mac.slice)),
            full: Const::new(8),
            live_low: Const::new(layout.live()),
            container_low: Const::new(layout.container_low()),
            slice_low: Const::new(layout.slice()),
            negate_low: Const::new(flag::NEGATE),
            shift_low: Const::new(flag::SHIFT),
            top_low: Const::new(mode::TOP),
            tag_low: Const::new(layout.tag_low()),
            coarse_low: Const::new(layout.coarse()),
            tagged_low: Const::new(layout.tagged()),
            _tags: usize::from(mac.tag_shift > 0),
            _width: WIDTH,
            _narrow: usize::from(mac.slice == 1),
            _told: usize::from(layout.container > 0),
        }
    }
}

impl Logic for Sequence {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, plane_top, slice_top, group_last, token_r, mode_r, flags_r);
        dff_setup!(self, clock, plane, slice, group, live, coarse, base);
        self.planes.next = self.activation_bits.val();
        if self.activation_bits.val() == 0 {
            self.planes.next = self.full.val();
        }
        self.tagged.next = false;
        for k in 0..self._tags {
            self.tagged.next = self.tag_shift[k].val().any();
            if self.tagged.val() {
                self.planes.next = self.planes.val() - 1;
            }
        }
        self.slices.next = (self.weight_bits.val() + self.slice_round.val()) >> self.slice_bits.val();
        if self.weight_bits.val() == 0 {
            self.slices.next = self.full.val() >> self.slice_bits.val();
        }
        self.passes.next = 0.into();
        for i in 0..self._width {
            if self.slices.val().get_bit(i) {
                self.passes.next = self.passes.val() + (self.planes.val() << i);
            }
        }
        for _k in 0..self._tags {
            if self.tagged.val() {
                self.passes.next = self.passes.val() << 1usize;
            }
        }
        self.most.next = self.line.val() << self.container.val();
        self.codes.next = self.channels.val();
        if self.channels.val() > self.most.val() {
            self.codes.next = self.most.val();
        }
        self.width.next = self.full.val() >> self.container.val();
        self.groups.next = (self.codes.val() + self.round.val()) >> self.lane_bits.val();
        self.plane_top.d.next = self.planes.val() - 1;
        self.slice_top.d.next = self.slices.val() - 1;
        self.group_last.d.next = self.groups.val() - 1;

        self.first_plane.next = self.plane.q.val() == self.plane_top.q.val();
        self.first_slice.next = self.slice.q.val() == self.slice_top.q.val();
        self.slice_place.next = self.slice.q.val() << self.slice_bits.val();
        self.place.next = self.plane.q.val() + self.slice_place.val();
        for k in 0..self._tags {
            if self.coarse.q.val() {
                self.place.next = self.plane.q.val() + self.slice_place.val() + self.tag_shift[k].val();
            }
        }
        self.load_mode.next = self.first_plane.val().into();
        self.top_mode.next = self.first_slice.val().into();
        self.live_flag.next = self.live.q.val().into();
        self.negative.next = self.first_plane.val() & self.signed.val();
        for _k in 0..self._narrow {
            // The highest slice of one bit is the weights' sign.
            self.negative.next = (self.first_plane.val() & self.signed.val()) != self.first_slice.val();
        }
        self.negate_flag.next = self.negative.val().into();
        self.plane_slot.next = self.base.q.val() + self.plane.q.val();
        self.slice_slot.next = self.base.q.val() + self.slice_place.val();
        self.token_next.next = self.plane_slot.val()
            | (self.slice_slot.val() << self.slice_low.val())
            | (self.live_flag.val() << self.live_low.val());
        for _k in 0..self._told {
            self.token_next.next = self.plane_slot.val()
                | (self.slice_slot.val() << self.slice_low.val())
                | (self.container.val() << self.container_low.val())
                | (self.live_flag.val() << self.live_low.val());
        }
        self.tag_slot.next = self.base.q.val() + self.plane_top.q.val() + 1;
        self.tagged_token.next = self.tagged.val().into();
        self.coarse_token.next = self.coarse.q.val().into();
        for _k in 0..self._tags {
            self.token_next.next = self.token_next.val()
                | (self.tag_slot.val() << self.tag_low.val())
                | (self.coarse_token.val() << self.coarse_low.val())
                | (self.tagged_token.val() << self.tagged_low.val());
        }
        self.token_r.d.next = self.token_next.val();
        self.again.next = self.tagged.val() & !self.coarse.q.val();
        self.mode_r.d.next = self.load_mode.val() | (self.top_mode.val() << self.top_low.val());
        self.flags_r.d.next =
            (self.negate_flag.val() << self.negate_low.val()) | (self.place.val() << self.shift_low.val());

        if self.issue.val() {
            self.plane.d.next = self.plane.q.val() - 1;
            if self.plane.q.val() == 0 {
                self.plane.d.next = self.plane_top.q.val();
                self.slice.d.next = self.slice.q.val() - 1;
                if self.slice.q.val() == 0 {
                    self.slice.d.next = self.slice_top.q.val();
                    self.coarse.d.next = self.again.val();
                    if !self.again.val() {
                        self.group.d.next = self.group.q.val() + 1;
                        self.base.d.next = self.base.q.val() + self.width.val();
                        if self.group.q.val() == self.group_last.q.val() {
                            self.live.d.next = false;
                        }
                    }
                }
            }
        }
        if self.settle.val() | self.line_end.val() {
            self.plane.d.next = self.plane_top.q.val();
            self.slice.d.next = self.slice_top.q.val();
            self.group.d.next = 0.into();
            self.base.d.next = 0.into();
            self.live.d.next = true;
            self.coarse.d.next = false;
        }
        self.token.next = self.token_r.q.val();
        self.mode.next = self.mode_r.q.val();
        self.flags.next = self.flags_r.q.val();
    }
}
