//! What a grant brings about, and what is counted of it.

use bitgauge_arch::command::Unit;
use bitgauge_arch::program::Operand;

use super::front::Front;
use super::memory::{FETCH, Grant, LOAD, STORE};
use super::{DataPath, Engine};
use crate::result::Burst;

impl<D: DataPath> Engine<'_, D> {
    /// A burst has its place on the bus.
    pub(super) fn granted(&mut self, now: u64, grant: &Grant) {
        match grant.requester {
            FETCH => {
                self.load.pace.disturb();
                self.fetch.granted(now, grant);
                self.timed.traffic.fetch += grant.beats;
                self.count(grant, None, grant.beats * self.plan.bus, false);
                self.dispatch();
                self.due = self.fronts.iter().map(Front::due).fold(self.due, u64::min);
            }
            LOAD => {
                let unit = Unit::Load.index();
                if self.trace {
                    let (bytes, table) = self.load.carries(grant);
                    self.keep(grant, Some(self.loading), bytes, table);
                }
                let done = self.load.granted(now, grant, &mut self.activity[unit], &mut self.ended);
                self.timed.traffic.layers[self.loading_layer][0] += grant.beats;
                self.timed.traffic.beats += grant.beats;
                if done {
                    self.free(unit, now + 1);
                } else {
                    self.load.request(&mut self.memory);
                }
                for index in 0..self.ended.len() {
                    let (command, end) = self.ended[index];
                    self.end(unit, command, end);
                }
                self.ended.clear();
            }
            _ => {
                self.load.pace.disturb();
                let unit = Unit::Store.index();
                let Some(stored) = self.store.granted(now, grant, &mut self.activity[unit]) else { return };
                let layer = self.plan.shared[stored.command as usize].layer as usize;
                self.timed.traffic.layers[layer][1] += grant.beats;
                self.count(grant, Some(stored.command), stored.bytes, stored.table);
                if let Some(end) = stored.end {
                    self.end(unit, stored.command, end);
                }
                self.read_store();
            }
        }
    }

    /// Counts a burst, and keeps it where asked for.
    #[inline]
    fn count(&mut self, grant: &Grant, command: Option<u32>, bytes: u64, table: bool) {
        self.timed.traffic.beats += grant.beats;
        if self.trace {
            self.keep(grant, command, bytes, table);
        }
    }

    /// Keeps a burst.
    pub(super) fn keep(&mut self, grant: &Grant, command: Option<u32>, bytes: u64, table: bool) {
        let beats = grant.beats;
        let planned = command.map(|command| &self.plan.shared[command as usize]);
        self.timed.traffic.bursts.push(Burst {
            cycle: grant.start,
            address: grant.address,
            beats: beats as u32,
            bytes: bytes as u32,
            write: grant.requester == STORE,
            operand: match planned {
                None => Operand::Command,
                Some(_) if table => Operand::LengthTable,
                Some(planned) => planned.operand,
            },
            layer: planned.map_or(u32::MAX, |planned| planned.layer),
        });
    }
}
