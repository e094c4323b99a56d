//! Many bursts at once: where a load's bursts follow each other evenly, each is the one before it, later by the
//! same cycles.
//!
//! What a burst does depends on the times of the few before it alone: those that are outstanding, and those whose
//! beats give the FIFO its room. Once as many have been even in request, grant, data and lines, and neither
//! another requester nor a command can come between, the next ones need not be looked at one by one.

use super::front::NEVER;
use super::intervals::Activity;
use super::load::Load;
use super::memory::{FETCH, Grant, LOAD, Memory, OUTSTANDING, STORE};
use super::{DataPath, Engine};

/// When a burst was asked for, granted, moved and written.
#[derive(Clone, Copy, Debug)]
struct Mark {
    asked: u64,
    granted: u64,
    moved: u64,
    written: u64,
    beats: u64,
    /// Beats of a line.
    together: u64,
}

impl Mark {
    /// The cycles by which all of this burst is later than all of `other`, if it is so.
    #[inline]
    fn after(&self, other: &Mark) -> Option<u64> {
        let later = self.granted - other.granted;
        let even = self.asked == other.asked + later
            && self.moved == other.moved + later
            && self.written == other.written + later
            && (self.beats, self.together) == (other.beats, other.together);
        even.then_some(later)
    }
}

/// How evenly the load's bursts follow each other.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: Option<Mark>,
    period: u64,
    /// Bursts of this period so far.
    even: u64,
}

impl Pace {
    /// Notes a grant in cycle `now` whose lines were all written together: the cycle of the first, and the beats of
    /// each.
    #[inline]
    pub fn note(&mut self, now: u64, grant: &Grant, (written, together): (u64, u64)) {
        let &Grant { asked, start: moved, beats, .. } = grant;
        let mark = Mark { asked, granted: now, moved, written, beats, together };
        let later = self.last.as_ref().and_then(|last| mark.after(last));
        self.last = Some(mark);
        self.even = match later {
            Some(later) if later == self.period => self.even + 1,
            Some(later) => {
                self.period = later;
                1
            }
            None => 0,
        };
    }

    /// Something came between.
    #[inline]
    pub fn disturb(&mut self) {
        self.last = None;
        self.even = 0;
    }
}

impl<D: DataPath> Engine<'_, D> {
    /// After the memory's visit in cycle `now`: leaps over the load's bursts up to, not including, cycle `until`,
    /// where that changes nothing. Returns the cycle of the last grant.
    #[inline]
    pub(super) fn leap(&mut self, now: u64, until: u64) -> u64 {
        if self.load.pace.even <= OUTSTANDING as u64 || self.memory.registered[LOAD] == NEVER {
            return now;
        }
        // A request is seen in the cycle after it.
        let others = self.memory.registered[FETCH].min(self.memory.registered[STORE]);
        let until = until.min(others.saturating_add(1));
        let (count, mark) = self.load.even_bursts(now, until);
        let Some(mark) = mark.filter(|_| count > 0) else { return now };
        #[cfg(test)]
        super::reached::LEAPS.set(super::reached::LEAPS.get() + 1);
        let unit = &mut self.activity[bitgauge_arch::command::Unit::Load.index()];
        let later = count * self.load.pace.period;
        self.load.leap(count, later, &mark, unit);
        if self.trace {
            for burst in 1..=count {
                let bytes = mark.beats * self.plan.bus;
                let address = self.memory.addresses[LOAD] + (burst - 1) * bytes;
                let start = mark.moved + burst * self.load.pace.period;
                let grant = Grant { requester: LOAD, asked: now, address, beats: mark.beats, start };
                self.keep(&grant, Some(self.loading), bytes, false);
            }
        }
        self.memory.leap(later, count * mark.beats * self.plan.bus);
        self.timed.traffic.layers[self.loading_layer][0] += count * mark.beats;
        self.timed.traffic.beats += count * mark.beats;
        now + later
    }
}

impl Load {
    /// How many of the next bursts are sure to be as the one granted in cycle `now`, with grants before `until`.
    fn even_bursts(&self, now: u64, until: u64) -> (u64, Option<Mark>) {
        let none = (0, None);
        let (Some(mark), Some(asking)) = (self.pace.last, &self.asking) else { return none };
        // The FIFO's room goes back to so many bursts before.
        let reaches = (self.pace.even - 2) * mark.beats >= self.fifo.size;
        let full = mark.beats * self.bus == self.most && 4096 & (self.most - 1) == 0;
        let aligned = asking.next & (self.most - 1) == 0;
        let shift = (8 * self.bus).trailing_zeros();
        let one = self.writing.len() == 1 && self.writing[0].is_in_step(self.asked, mark.together, shift);
        if mark.granted != now || !reaches || !full || !aligned || !one {
            return none;
        }
        // The burst that is asked for by then is a whole one too, and holds the block's last line, if not others
        // behind it do, which the general way writes.
        let left = ((asking.end - asking.next) / self.bus).saturating_sub(mark.beats) / mark.beats;
        (left.min((until.saturating_sub(now + 1)) / self.pace.period), Some(mark))
    }

    /// Goes on by `count` bursts, which take `later` cycles.
    fn leap(&mut self, count: u64, later: u64, mark: &Mark, activity: &mut Activity) {
        let beats = count * mark.beats;
        if let Some(asking) = &mut self.asking {
            asking.next += beats * self.bus;
        }
        self.asked += beats;
        self.fifo.shift(beats, later);
        self.free_at += later;
        self.next_write += later;
        let lines = mark.beats / mark.together;
        if let Some(job) = self.writing.front_mut() {
            job.advance(count * lines);
        }
        if self.pace.period == mark.beats {
            activity.busy.push_comb(mark.written + mark.beats, 1, mark.together, count * lines);
        } else {
            for burst in 1..=count {
                let at = mark.written + burst * self.pace.period;
                activity.busy.push_comb(at, 1, mark.together, lines);
            }
        }
        let last = Mark {
            asked: mark.asked + later,
            granted: mark.granted + later,
            moved: mark.moved + later,
            written: mark.written + later,
            ..*mark
        };
        self.pace.last = Some(last);
    }
}

impl Memory {
    /// Everything is as it was, `later` cycles later, and the load asks for the burst `bytes` behind.
    fn leap(&mut self, later: u64, bytes: u64) {
        self.registered[LOAD] += later;
        self.addresses[LOAD] += bytes;
        self.bus_free += later;
        self.next += later;
        for place in &mut self.places {
            *place += later;
        }
    }
}
