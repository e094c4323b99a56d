//! Which fold it is.

use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Fold information for the drain: shown with the pulse that tells the fold's end at the array's first
    /// element, five cycles after its last position is issued.
    ///
    /// ```text
    /// cycle     | i         | i + 1   | ... | i + 5
    /// fold_done | 1         |         |     |
    /// closing   |           | 1: read |     |
    /// fold_end  |           |         |     | 1
    /// ```
    #[derive(LogicBlock)]
    pub struct Folds {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// first cycle after a command's start
        pub prepare: Signal<In, Bit>,
        /// a fold's last position is issued
        pub fold_done: Signal<In, Bit>,
        /// there are pixels after this fold's
        pub more: Signal<In, Bit>,
        /// the fold is its command's last
        pub last_fold: Signal<In, Bit>,
        /// first output of the fold
        pub column: Sig,
        /// `fold_done`, a cycle later
        pub closing: Signal<Out, Bit>,
        /// the fold's sums are complete at the first element in the next cycle
        pub fold_end: Signal<Out, Bit>,
        /// first pixel of that fold
        pub fold_pixel: Sig,
        /// first output of that fold
        pub fold_column: Sig,
        /// that fold is its command's last
        pub fold_last: Signal<Out, Bit>,
        done_1: State<Bit>,
        done_2: State<Bit>,
        done_3: State<Bit>,
        done_4: State<Bit>,
        done_5: State<Bit>,
        pixel: Reg,
        kept_pixel: Reg,
        kept_column: Reg,
        kept_last: State<Bit>,
        shown_pixel: Reg,
        shown_column: Reg,
        shown_last: State<Bit>,
        rows: Const
    }
}

impl Folds {
    /// For an array of `rows` rows.
    #[must_use]
    pub fn new(rows: usize) -> Folds {
        Folds {
            name: Named::of(format!("feed_folds_rows{rows}"), &Folds::DOCS),
            clock: Signal::default(),
            prepare: Signal::default(),
            fold_done: Signal::default(),
            more: Signal::default(),
            last_fold: Signal::default(),
            column: Sig::input(u(17)),
            closing: Signal::default(),
            fold_end: Signal::default(),
            fold_pixel: Sig::output(u(21)),
            fold_column: Sig::output(u(17)),
            fold_last: Signal::default(),
            done_1: State::default(),
            done_2: State::default(),
            done_3: State::default(),
            done_4: State::default(),
            done_5: State::default(),
            pixel: Reg::new(u(21)),
            kept_pixel: Reg::new(u(21)),
            kept_column: Reg::new(u(17)),
            kept_last: State::default(),
            shown_pixel: Reg::new(u(21)),
            shown_column: Reg::new(u(17)),
            shown_last: State::default(),
            rows: Const::new(rows),
        }
    }
}

impl Logic for Folds {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, done_1, done_2, done_3, done_4, done_5, pixel);
        dff_setup!(self, clock, kept_pixel, kept_column, kept_last, shown_pixel, shown_column, shown_last);
        if self.prepare.val() {
            self.pixel.d.next = 0.into();
        }
        if self.fold_done.val() {
            self.pixel.d.next = 0.into();
            if self.more.val() {
                self.pixel.d.next = self.pixel.q.val() + self.rows.val();
            }
            self.kept_pixel.d.next = self.pixel.q.val();
            self.kept_column.d.next = self.column.val();
            self.kept_last.d.next = self.last_fold.val();
        }
        self.done_1.d.next = self.fold_done.val();
        self.done_2.d.next = self.done_1.q.val();
        self.done_3.d.next = self.done_2.q.val();
        self.done_4.d.next = self.done_3.q.val();
        self.done_5.d.next = self.done_4.q.val();
        // Folds may be as close as four cycles, so what is shown is kept a second time.
        if self.done_4.q.val() {
            self.shown_pixel.d.next = self.kept_pixel.q.val();
            self.shown_column.d.next = self.kept_column.q.val();
            self.shown_last.d.next = self.kept_last.q.val();
        }
        self.closing.next = self.done_1.q.val();
        self.fold_end.next = self.done_5.q.val();
        self.fold_pixel.next = self.shown_pixel.q.val();
        self.fold_column.next = self.shown_column.q.val();
        self.fold_last.next = self.shown_last.q.val();
    }
}
