//! How long the feeders deal each line of a command.

use crate::prelude::*;
use crate::units::Shape;
use crate::units::compute::feed::pace::longest_wait;
use crate::units::compute::feed::slots::CONTAINER;
use rust_hdl::prelude::*;

documented! {
    /// Cycles of a line: `timing::compute`'s b, and what it is made of.
    ///
    /// Groups of as many codes as an element takes at once, times the passes that `serial` makes over each; at least as
    /// many as there are rows or columns to read for. Small products by their addends. Everything stands from the
    /// second cycle after the start on.
    #[derive(LogicBlock)]
    pub struct Span {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// field
        pub channels: Sig,
        /// field: what the operands lie in
        pub container: Vec<Sig>,
        /// the line's last position
        pub last: Sig,
        /// positions of a line, clipped
        pub few: Sig,
        /// `fusible`: codes taken at once, as a power of two
        pub together: Vec<Sig>,
        /// passes over a group, where there can be more than one
        pub passes: Vec<Sig>,
        codes: Sig,
        /// codes of a line
        most: Sig,
        groups: Sig,
        /// `fusible`: those codes, less one
        rest: Sig,
        times: Sig,
        positions: Sig,
        last_r: Reg,
        few_r: Reg,
        one: Const,
        line: Const,
        round: Const,
        lane_bits: Const,
        least: Const,
        clip: Const,
        _group_bits: usize,
        _several: usize,
        _fusible: usize,
        _passes: usize
    }
}

impl Span {
    /// For a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Span {
        let [least, most] = shape.line_beats;
        let mac = &shape.mac;
        let [several, fusible] = [mac.any_container(), mac.fusible()].map(usize::from);
        let passes = usize::from(mac.serial() || mac.dealt_twice());
        let codes = if mac.any_container() { 4 } else { 1 } * shape.line_codes();
        let groups = codes / mac.lanes;
        let (place, few) = (u(clog2(most)), u(clog2(longest_wait(shape) + 1)));
        Span {
            name: Named::of(
                format!("feed_span_{}x{}_line{}_{}", shape.rows, shape.cols, shape.line, mac.name()),
                &Span::DOCS,
            ),
            clock: Signal::default(),
            channels: Sig::input(u(16)),
            container: Sig::inputs(u(CONTAINER), several),
            together: Sig::inputs(u(3), fusible),
            rest: Sig::local(u(4)),
            most: Sig::local(u(clog2(codes + 1))),
            last: Sig::output(place),
            few: Sig::output(few),
            codes: Sig::local(u(clog2(codes + 1))),
            groups: Sig::local(u(clog2(groups + 1))),
            times: Sig::local(u(7)),
            passes: Sig::inputs(u(7), passes),
            positions: Sig::local(u(clog2(most + 1))),
            last_r: Reg::new(place),
            few_r: Reg::new(few),
            one: Const::new(1),
            line: Const::new(shape.line_codes()),
            round: Const::new(mac.lanes - 1),
            lane_bits: Const::new(clog2(mac.lanes)),
            least: Const::new(least),
            clip: Const::new(longest_wait(shape)),
            _group_bits: clog2(groups + 1),
            _several: several,
            _fusible: fusible,
            _passes: passes,
        }
    }
}

impl Logic for Span {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, last_r, few_r);
        self.most.next = self.line.val();
        for k in 0..self._several {
            self.most.next = self.line.val() << self.container[k].val();
        }
        self.codes.next = self.channels.val();
        if self.channels.val() > self.most.val() {
            self.codes.next = self.most.val();
        }
        self.groups.next = (self.codes.val() + self.round.val()) >> self.lane_bits.val();
        self.rest.next = 0.into();
        for k in 0..self._fusible {
            self.rest.next = (self.one.val() << self.together[k].val()) - 1;
            self.groups.next = (self.codes.val() + self.rest.val()) >> self.together[k].val();
        }
        self.times.next = 1.into();
        for k in 0..self._passes {
            self.times.next = self.passes[k].val();
        }
        self.positions.next = 0.into();
        for i in 0..self._group_bits {
            if self.groups.val().get_bit(i) {
                self.positions.next = self.positions.val() + (self.times.val() << i);
            }
        }
        if self.positions.val() < self.least.val() {
            self.positions.next = self.least.val();
        }
        self.last_r.d.next = self.positions.val() - 1;
        self.few_r.d.next = self.positions.val();
        if self.positions.val() > self.clip.val() {
            self.few_r.d.next = self.clip.val();
        }
        self.last.next = self.last_r.q.val();
        self.few.next = self.few_r.q.val();
    }
}
