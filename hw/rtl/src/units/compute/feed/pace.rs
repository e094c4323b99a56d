//! When the feeders read: setup, drain stall, folds.

use crate::prelude::*;
use crate::units::Shape;
use bitgauge_arch::timing::{COMPUTE_SETUP, drain};
use rust_hdl::prelude::*;

/// Reads are decided a cycle before they happen: with three cycles of preparation, the first read comes in
/// the fourth cycle after the start.
const _: () = assert!(COMPUTE_SETUP == 4);

documented! {
    /// Pace of the feeders: commands, folds, positions in a line.
    ///
    /// `issue` is high in the cycle before each read of row and column `position`. A fold's first
    /// position waits until the drain allows it: for a command's first fold until the fold's sums come
    /// late enough after those of the command before, for others until the drain's interval is over.
    ///
    /// ```text
    /// cycle    | s     | s+1     | s+2    | s+3       | s+4     | ...  | e
    /// start    | 1     |         |        |           |         |      |
    /// flags    |       | prepare | settle | follow    |         |      |
    /// issue    |       |         |        | 1, pos 0  | 1, pos 1| ...  | 0
    /// reading  |       |         |        |           | 1       | ...  | 1: fed
    /// ready    | 1     |         |        |           |         |      |     | 1
    /// ```
    ///
    /// The waiting is decided without products of whole numbers: `few` is the number of positions of a fold, but
    /// at most as many as outlast every drain; how many are needed is known a cycle before.
    #[derive(LogicBlock)]
    pub struct Pace {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// the command starts
        pub start: Signal<In, Bit>,
        /// the command has no folds
        pub empty: Signal<In, Bit>,
        /// outputs or residuals have 16 bits
        pub wide: Signal<In, Bit>,
        /// this line is the fold's last (from the line's fourth position on)
        pub last_line: Signal<In, Bit>,
        /// this fold is the command's last
        pub last_fold: Signal<In, Bit>,
        /// the last position of a line
        pub line_last: Sig,
        /// positions of a fold, clipped
        pub few: Sig,
        /// a command may start in this cycle
        pub ready: Signal<Out, Bit>,
        /// last cycle of the command in this stage
        pub fed: Signal<Out, Bit>,
        /// setup, or a read slot of a line
        pub busy_stage: Signal<Out, Bit>,
        /// the stage holds a command
        pub stage_taken: Signal<Out, Bit>,
        /// the stage holds a command and waits for the drain
        pub waits_drain: Signal<Out, Bit>,
        /// first cycle after the start
        pub prepare: Signal<Out, Bit>,
        /// second cycle after the start
        pub settle: Signal<Out, Bit>,
        /// third cycle after the start
        pub follow: Signal<Out, Bit>,
        /// a position is issued; it is read in the next cycle
        pub issue: Signal<Out, Bit>,
        /// the position: row and column that read in it
        pub position: Sig,
        /// the position belongs to the fold's first line
        pub first_line: Signal<Out, Bit>,
        /// the position is the line's last
        pub line_end: Signal<Out, Bit>,
        /// the position is the fold's last
        pub fold_done: Signal<Out, Bit>,
        /// `issue`, a cycle later
        pub reading: Signal<Out, Bit>,
        taken: State<Bit>,
        setup_1: State<Bit>,
        setup_2: State<Bit>,
        setup_3: State<Bit>,
        running: State<Bit>,
        opening: State<Bit>,
        pending: State<Bit>,
        first_fold: State<Bit>,
        reading_r: State<Bit>,
        finishing: State<Bit>,
        double: State<Bit>,
        place: Reg,
        /// cycles since the last command's last position
        age: Reg,
        /// cycles that have to lie between that position and the end of this command's first fold
        threshold: Reg,
        /// positions that the first fold needs to end late enough
        needed: Reg,
        /// cycles until the next fold may begin
        spacing: Reg,
        /// `spacing` is over; wrong in the cycle after a fold's first issue, when no fold begins
        spaced: State<Bit>,
        /// `age` of the next cycle, in which alone `needed` counts
        older: Sig,
        busy: Signal<Local, Bit>,
        allowed: Signal<Local, Bit>,
        last_issue: Signal<Local, Bit>,
        oldest: Const,
        interval_single: Const,
        interval_double: Const
    }
}

/// The clip of counts of positions: so many outlast every drain.
#[must_use]
pub fn longest_wait(shape: &Shape) -> usize {
    let [single, double] = intervals(shape);
    single.max(double)
}

/// The clip of line counts: so many lines outlast every drain.
#[must_use]
pub fn enough_lines(shape: &Shape) -> usize {
    longest_wait(shape).div_ceil(shape.line_beats[0]).max(1)
}

/// The least distance of folds that the drain allows, for one and for two cycles a row.
///
/// It holds between commands too: after a command of one kind, the drain is free for the other in time,
/// because rows that take two cycles have one group of columns only and so the same offset of the drain.
fn intervals(shape: &Shape) -> [usize; 2] {
    let most = if 2 * shape.post_lanes > shape.line { 2 } else { 1 };
    [1, most].map(|steps| {
        drain(shape.rows as u64, shape.cols as u64, shape.post_lanes as u64, steps).interval as usize
    })
}

impl Pace {
    /// The pace for a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Pace {
        let [single, double] = intervals(shape);
        let oldest = single.max(double);
        let wait = u(clog2(oldest + 1).max(1));
        Pace {
            name: Named::of(
                format!(
                    "feed_pace_{}x{}_by{}_line{}_most{}",
                    shape.rows, shape.cols, shape.post_lanes, shape.line, shape.line_beats[1]
                ),
                &Pace::DOCS,
            ),
            clock: Signal::default(),
            start: Signal::default(),
            empty: Signal::default(),
            wide: Signal::default(),
            last_line: Signal::default(),
            last_fold: Signal::default(),
            line_last: Sig::input(u(clog2(shape.line_beats[1]))),
            few: Sig::input(wait),
            ready: Signal::default(),
            fed: Signal::default(),
            busy_stage: Signal::default(),
            stage_taken: Signal::default(),
            waits_drain: Signal::default(),
            prepare: Signal::default(),
            settle: Signal::default(),
            follow: Signal::default(),
            issue: Signal::default(),
            position: Sig::output(u(clog2(shape.line_beats[1]))),
            first_line: Signal::default(),
            line_end: Signal::default(),
            fold_done: Signal::default(),
            reading: Signal::default(),
            taken: State::default(),
            setup_1: State::default(),
            setup_2: State::default(),
            setup_3: State::default(),
            running: State::default(),
            opening: State::default(),
            pending: State::default(),
            first_fold: State::default(),
            reading_r: State::default(),
            finishing: State::default(),
            double: State::default(),
            place: Reg::new(u(clog2(shape.line_beats[1]))),
            age: Reg::reset_to(wait, oldest),
            threshold: Reg::new(wait),
            needed: Reg::new(wait),
            spacing: Reg::new(wait),
            spaced: State::default(),
            older: Sig::local(u(wait.width + 1)),
            busy: Signal::default(),
            allowed: Signal::default(),
            last_issue: Signal::default(),
            oldest: Const::new(oldest),
            interval_single: Const::new(single),
            interval_double: Const::new(double),
        }
    }
}

impl Logic for Pace {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, taken, setup_1, setup_2, setup_3, running, opening, pending, first_fold, reading_r,
            finishing, double, place, age, threshold, needed, spacing, spaced
        );
        self.setup_1.d.next = self.start.val();
        self.setup_2.d.next = self.setup_1.q.val();
        self.setup_3.d.next = self.setup_2.q.val();
        self.prepare.next = self.setup_1.q.val();
        self.settle.next = self.setup_2.q.val();
        self.follow.next = self.setup_3.q.val();

        // What the command before demands, before this one's demand takes its place.
        if self.setup_1.q.val() & !self.empty.val() {
            self.double.d.next = self.wide.val();
            self.threshold.d.next = self.interval_single.val();
            if self.double.q.val() {
                self.threshold.d.next = self.interval_double.val();
            }
        }
        // The number of positions that are missing. A command asks three cycles after its start at the earliest,
        // when age and threshold have stood for two.
        self.older.next = self.age.q.val() + 1;
        self.needed.d.next = 0.into();
        if self.older.val() < self.threshold.q.val() {
            self.needed.d.next = self.threshold.q.val() - self.older.val();
        }
        self.spaced.d.next = self.spacing.q.val() < 2;
        self.allowed.next = self.spaced.q.val();
        if self.first_fold.q.val() {
            self.allowed.next = self.few.val() >= self.needed.q.val();
        }
        self.issue.next = self.running.q.val() & (!self.pending.q.val() | self.allowed.val());
        self.position.next = self.place.q.val();
        self.first_line.next = self.opening.q.val();
        self.line_end.next = self.issue.val() & (self.place.q.val() == self.line_last.val());
        self.fold_done.next = self.line_end.val() & self.last_line.val();
        self.last_issue.next = self.fold_done.val() & self.last_fold.val();

        if self.age.q.val() < self.oldest.val() {
            self.age.d.next = self.age.q.val() + 1;
        }
        if self.spacing.q.val() > 0 {
            self.spacing.d.next = self.spacing.q.val() - 1;
        }
        if self.issue.val() {
            self.place.d.next = self.place.q.val() + 1;
            if self.line_end.val() {
                self.place.d.next = 0.into();
            }
            self.pending.d.next = false;
            if self.pending.q.val() {
                self.spacing.d.next = self.interval_single.val() - 1;
                if self.double.q.val() {
                    self.spacing.d.next = self.interval_double.val() - 1;
                }
            }
        }
        if self.line_end.val() {
            self.opening.d.next = false;
        }
        if self.fold_done.val() {
            self.opening.d.next = true;
            self.pending.d.next = true;
            self.first_fold.d.next = false;
        }
        if self.last_issue.val() {
            self.running.d.next = false;
            self.age.d.next = 0.into();
        }
        if self.setup_2.q.val() & !self.empty.val() {
            self.running.d.next = true;
            self.opening.d.next = true;
            self.pending.d.next = true;
            self.first_fold.d.next = true;
        }

        // Seen from outside: a read happens a cycle after its issue.
        self.reading_r.d.next = self.issue.val();
        self.reading.next = self.reading_r.q.val();
        self.finishing.d.next = self.last_issue.val();
        self.fed.next = self.finishing.q.val() | (self.setup_3.q.val() & self.empty.val());
        if self.fed.val() {
            self.taken.d.next = false;
        }
        if self.start.val() {
            self.taken.d.next = true;
        }
        self.ready.next = !self.taken.q.val();
        self.stage_taken.next = self.start.val() | self.taken.q.val();
        self.busy.next = self.start.val()
            | self.setup_1.q.val()
            | self.setup_2.q.val()
            | self.setup_3.q.val()
            | self.reading_r.q.val();
        self.busy_stage.next = self.busy.val();
        self.waits_drain.next = self.taken.q.val() & !self.busy.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_hold_between_commands_of_both_kinds() {
        for (rows, line) in [(2, 4), (3, 4), (8, 8), (16, 16), (64, 64), (2, 64), (31, 32)] {
            for cols in 2..=line {
                for lanes in (0..7).map(|bit| 1 << bit).filter(|lanes| cols % lanes == 0) {
                    let most = if 2 * lanes > line { 2 } else { 1 };
                    let kinds = [1, most].map(|steps| drain(rows, cols, lanes, steps));
                    for before in kinds {
                        for now in kinds {
                            assert!(before.offset + before.cycles <= now.offset + before.interval);
                        }
                    }
                }
            }
        }
    }
}
