//! The compute unit: from the closed form of each command to its place in time.

use bitgauge_arch::timing::{COMPUTE_SETUP, ComputeTiming, FEED_LATENCY};

use super::intervals::Activity;
use crate::result::StallReason;

/// When a command works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// First feeder read.
    pub feed_start: u64,
    /// From when on the first stage is free.
    pub feed_end: u64,
    /// The end as its own parts have it; never before the end of the command before.
    pub end: u64,
}

/// The compute unit beyond its front.
#[derive(Debug, Default)]
pub(crate) struct Compute {
    /// Earliest cycle in which a fold may end at PE(0, 0) without overwriting sums.
    shadow_free: u64,
    /// From when on the drain may read for the next command.
    drain_free: u64,
    /// Draining with an idle first stage, so far: from, to.
    draining: (u64, u64),
}

impl Compute {
    /// Places a command that starts at `now`.
    pub fn begin(&mut self, now: u64, timing: &ComputeTiming, activity: &mut Activity) -> Placed {
        // The drain makes the unit busy only up to the next command's start.
        activity.busy.push(self.draining.0, self.draining.1.min(now));
        let setup_end = now + COMPUTE_SETUP;
        activity.busy.push(now, setup_end);
        if timing.folds() == 0 {
            self.draining = (setup_end, self.draining.1);
            return Placed { feed_start: setup_end, feed_end: setup_end, end: setup_end };
        }
        let fold_end = self.shadow_free.max(self.drain_free.saturating_sub(timing.drain_offset));
        let feed_start = setup_end.max(fold_end.saturating_sub(FEED_LATENCY + timing.beats));
        let feed_end = feed_start + timing.feed_cycles();
        activity.busy.push_comb(feed_start, timing.beats, timing.interval, timing.folds());
        activity.stall(StallReason::Drain, setup_end, feed_end);
        let last_fold_end = feed_start + timing.last_fold_end();
        self.shadow_free = last_fold_end + timing.drain_interval;
        self.drain_free = last_fold_end + timing.drain_offset + timing.drain_cycles;
        let end = feed_start + timing.end();
        self.draining = (feed_end, end.max(self.draining.1));
        Placed { feed_start, feed_end, end }
    }

    /// Up to where all that is busy is noted.
    pub fn noted(&self) -> u64 {
        self.draining.0
    }

    /// The last command ends later, as the one before it does.
    pub fn raise_end(&mut self, end: u64) {
        self.draining.1 = self.draining.1.max(end);
    }

    /// Counts what the last command drained.
    pub fn finish(&self, activity: &mut Activity) {
        activity.busy.push(self.draining.0, self.draining.1);
    }
}
