//! The parameter entries of a fold.

use super::post::entry_bits;
use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Reads the parameter entries of a fold, prepares them and deals them to the lanes.
    ///
    /// From the cycle F of a fold's end on, one entry a cycle: those of its columns, entry c for lane c mod
    /// L, or those of its rows, each for all lanes. Folds end at least a line's bytes apart, which is not
    /// less than rows or columns, so that no fold's reads meet those of the next.
    ///
    /// ```text
    /// F+i    entry i is read
    /// F+i+1  it arrives, is prepared (sign on the bias, shift kept in 1 to 47) and written
    /// F+i+2  it is in the lanes' memories, and in `recent`
    /// ```
    #[derive(LogicBlock)]
    pub struct Fill {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a fold ends
        pub fold_end: Signal<In, Bit>,
        /// its first entry
        pub first: Sig,
        /// its entries
        pub count: Sig,
        /// they belong to rows
        pub per_row: Signal<In, Bit>,
        /// read an entry
        pub parameter_re: Signal<Out, Bit>,
        /// which
        pub parameter_raddr: Sig,
        /// the entry, a cycle later
        pub parameter_rdata: Sig,
        /// write the lane's memory
        pub we: Vec<Signal<Out, Bit>>,
        /// where: fold parity, then row or group
        pub waddr: Sig,
        /// the prepared entry
        pub entry: Sig,
        /// the prepared entry of the cycle before
        pub recent: Sig,
        next_entry: Reg,
        left: Reg,
        index: Reg,
        rows_fill: State<Bit>,
        parity: State<Bit>,
        arrives: State<Bit>,
        arriving: Reg,
        arriving_rows: State<Bit>,
        arriving_parity: State<Bit>,
        last_entry: Reg,
        lane: Sig,
        place: Sig,
        bias: Sig,
        signed_bias: Sig,
        shift: Sig,
        group_shift: Const,
        lane_mask: Const,
        bank: Const,
        _lanes: usize,
        _shifts: usize
    }
}

impl Fill {
    /// For `lanes` lanes with two banks of `places` entries each; `places` is a power of two.
    #[must_use]
    pub fn new(lanes: usize, places: usize, channel_shifts: bool) -> Fill {
        let (entry, suffix) = (u(entry_bits(channel_shifts)), if channel_shifts { "_shifts" } else { "" });
        Fill {
            name: Named::of(format!("drain_fill_{lanes}_{places}{suffix}"), &Fill::DOCS),
            clock: Signal::default(),
            fold_end: Signal::default(),
            first: Sig::input(u(16)),
            count: Sig::input(u(7)),
            per_row: Signal::default(),
            parameter_re: Signal::default(),
            parameter_raddr: Sig::output(u(16)),
            parameter_rdata: Sig::input(u(64)),
            we: vec![Signal::default(); lanes],
            waddr: Sig::output(u(clog2(2 * places))),
            entry: Sig::output(entry),
            recent: Sig::output(entry),
            next_entry: Reg::new(u(16)),
            left: Reg::new(u(7)),
            index: Reg::new(u(7)),
            rows_fill: State::default(),
            parity: State::default(),
            arrives: State::default(),
            arriving: Reg::new(u(7)),
            arriving_rows: State::default(),
            arriving_parity: State::default(),
            last_entry: Reg::new(entry),
            lane: Sig::local(u(7)),
            place: Sig::local(u(7)),
            bias: Sig::local(s(32)),
            signed_bias: Sig::local(u(33)),
            shift: Sig::local(u(6)),
            group_shift: Const::new(lanes.trailing_zeros() as usize),
            lane_mask: Const::new(lanes - 1),
            bank: Const::new(places),
            _lanes: lanes,
            _shifts: usize::from(channel_shifts),
        }
    }
}

impl Logic for Fill {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, next_entry, left, index, rows_fill, parity, arrives, arriving);
        dff_setup!(self, clock, arriving_rows, arriving_parity, last_entry);
        self.parameter_re.next = self.left.q.val() != 0;
        self.parameter_raddr.next = self.next_entry.q.val();
        self.arriving.d.next = self.index.q.val();
        self.arriving_rows.d.next = self.rows_fill.q.val();
        self.arriving_parity.d.next = !self.parity.q.val();
        if self.fold_end.val() {
            self.parameter_re.next = true;
            self.parameter_raddr.next = self.first.val();
            self.next_entry.d.next = self.first.val() + 1;
            self.left.d.next = self.count.val() - 1;
            self.index.d.next = 1.into();
            self.rows_fill.d.next = self.per_row.val();
            self.parity.d.next = !self.parity.q.val();
            self.arriving.d.next = 0.into();
            self.arriving_rows.d.next = self.per_row.val();
            self.arriving_parity.d.next = self.parity.q.val();
        } else if self.left.q.val() != 0 {
            self.next_entry.d.next = self.next_entry.q.val() + 1;
            self.left.d.next = self.left.q.val() - 1;
            self.index.d.next = self.index.q.val() + 1;
        }
        self.arrives.d.next = self.fold_end.val() || (self.left.q.val() != 0);

        self.lane.next = self.arriving.q.val() & self.lane_mask.val();
        self.place.next = self.arriving.q.val() >> self.group_shift.val();
        if self.arriving_rows.q.val() {
            self.place.next = self.arriving.q.val();
        }
        for l in 0..self._lanes {
            self.we[l].next = self.arrives.q.val() && (self.arriving_rows.q.val() || (self.lane.val() == l));
        }
        self.waddr.next = self.place.val();
        if self.arriving_parity.q.val() {
            self.waddr.next = self.place.val() + self.bank.val();
        }
        self.bias.next = self.parameter_rdata.val();
        self.signed_bias.next = self.bias.val();
        if self.parameter_rdata.val().get_bit(54) {
            self.signed_bias.next = -self.bias.val();
        }
        self.shift.next = bits_w(self.parameter_rdata.val() >> 48, 6);
        if self.shift.val() == 0 {
            self.shift.next = 1.into();
        } else if self.shift.val() > 47 {
            self.shift.next = 47.into();
        }
        self.entry.next = self.signed_bias.val()
            | (bits_w(self.parameter_rdata.val() >> 54, 1) << 33)
            | (bits_w(self.parameter_rdata.val() >> 32, 16) << 34)
            | (self.shift.val() << 50);
        for _k in 0..self._shifts {
            self.entry.next = self.signed_bias.val()
                | (bits_w(self.parameter_rdata.val() >> 54, 1) << 33)
                | (bits_w(self.parameter_rdata.val() >> 32, 16) << 34)
                | (self.shift.val() << 50)
                | (bits_w(self.parameter_rdata.val() >> 56, 4) << 56);
        }
        self.last_entry.d.next = self.entry.val();
        self.recent.next = self.last_entry.q.val();
    }
}
