//! The contract of the controller, one cycle at a time, in plain Rust.

use crate::program::{Started, Step};
use bitgauge_arch::timing::{FETCH_BURST_BYTES, IN_FLIGHT};
use std::collections::VecDeque;

/// Sizes.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub bus: u64,
    pub queue: usize,
    pub prefetch: u64,
    pub burst: u64,
}

/// What the units and the memory do in a cycle.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    pub ready: [bool; 4],
    pub done: [bool; 4],
    pub fed: bool,
    pub grant: bool,
    pub beat: bool,
}

/// What the controller must show in a cycle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    pub start: [bool; 4],
    pub token: [bool; 4],
    pub bank: [bool; 4],
    pub running: [bool; 4],
    pub ended: [bool; 4],
    pub finished: bool,
    pub error: bool,
    pub exhausted: bool,
    /// Address and beats.
    pub request: Option<(u64, u64)>,
}

struct Flying {
    command: Started,
    over: bool,
    fed: bool,
}

/// The controller between `go` and `end`.
pub struct Model {
    sizes: Sizes,
    address: u64,
    steps: Vec<Step>,
    now: u64,
    /// In beats.
    asked: u64,
    came: u64,
    request: Option<(u64, u64, u64)>,
    fetch_free: u64,
    dispatched: usize,
    queues: [VecDeque<(u64, Step)>; 4],
    flying: [VecDeque<Flying>; 4],
    tokens: [[u32; 4]; 4],
    /// Registers of each unit's last command.
    pub registers: [Option<Vec<u32>>; 4],
    error: bool,
    /// How often each reason was seen: token, bank, tie, limit of commands in flight, full queue.
    pub seen: [u64; 5],
}

impl Model {
    pub fn new(sizes: Sizes, address: u64, steps: Vec<Step>) -> Model {
        Model {
            sizes,
            address,
            steps,
            now: 0,
            asked: 0,
            came: 0,
            request: None,
            fetch_free: 1,
            dispatched: 0,
            queues: Default::default(),
            flying: Default::default(),
            tokens: [[0; 4]; 4],
            registers: Default::default(),
            error: false,
            seen: [0; 5],
        }
    }

    /// One cycle; the first is cycle 0.
    pub fn cycle(&mut self, inputs: &Inputs) -> Outputs {
        let now = self.now;
        // Before the first words are asked for there are none to dispatch.
        let exhausted = now == 0 || self.dispatched == self.steps.len();
        let mut outputs = Outputs { error: self.error, exhausted, ..Outputs::default() };
        for unit in 0..4 {
            if self.flying[unit].front().is_some_and(|command| command.over) {
                let command = self.flying[unit].pop_front().unwrap().command;
                outputs.ended[unit] = true;
                for to in (0..4).filter(|to| *to != unit) {
                    self.tokens[unit][to] += u32::from(command.signal >> to & 1);
                }
            }
        }
        outputs.request = self.request.filter(|asked| asked.0 < now).map(|asked| (asked.1, asked.2));
        self.fetch(now);
        self.dispatch(now, &mut outputs);
        self.fronts(now, inputs, &mut outputs);
        for unit in 0..4 {
            outputs.running[unit] = !self.flying[unit].is_empty();
            if inputs.done[unit] {
                self.flying[unit].front_mut().unwrap().over = true;
            }
        }
        if inputs.fed {
            self.flying[1].back_mut().unwrap().fed = true;
        }
        if inputs.grant {
            self.asked += self.request.take().unwrap().2;
            self.fetch_free = now + 1;
        }
        self.came += u64::from(inputs.beat);
        self.now += 1;
        outputs
    }

    fn fetch(&mut self, now: u64) {
        let Sizes { bus, prefetch, burst, .. } = self.sizes;
        let per_word = 16 / bus;
        let left = self.steps.len() as u64 * per_word - self.asked;
        let page = (4096 - (self.address + self.asked * bus) % 4096) / bus;
        let piece = (FETCH_BURST_BYTES / bus).min(burst);
        let beats = (piece - self.asked % piece).min(left).min(page);
        let held = self.asked - self.dispatched as u64 * per_word;
        if self.request.is_none()
            && now >= self.fetch_free
            && beats > 0
            && held + beats <= prefetch * per_word
        {
            self.request = Some((now, self.address + self.asked * bus, beats));
        }
    }

    fn dispatch(&mut self, now: u64, outputs: &mut Outputs) {
        if (self.dispatched as u64 + 1) * 16 > self.came * self.sizes.bus {
            return;
        }
        let step = &self.steps[self.dispatched];
        let unit = match step {
            Step::Set(unit) | Step::Exec(unit, _) => *unit,
            Step::Bad => {
                self.error = true;
                self.dispatched += 1;
                return;
            }
            Step::End => {
                let empty = self.queues.iter().all(VecDeque::is_empty);
                outputs.finished = empty && self.flying.iter().all(VecDeque::is_empty);
                self.dispatched += usize::from(outputs.finished);
                return;
            }
        };
        if self.queues[unit].len() < self.sizes.queue {
            self.queues[unit].push_back((now + 1, step.clone()));
            self.dispatched += 1;
        } else {
            self.seen[4] += 1;
        }
    }

    fn held(&self, unit: usize) -> u32 {
        let flying = self.flying[unit].iter();
        flying.fold(0, |held, one| held | one.command.late | if one.fed { 0 } else { one.command.early })
    }

    fn fronts(&mut self, now: u64, inputs: &Inputs, outputs: &mut Outputs) {
        for unit in 0..4 {
            let Some((seen, step)) = self.queues[unit].front() else { continue };
            if *seen > now {
                continue;
            }
            let Step::Exec(_, command) = step else {
                self.queues[unit].pop_front();
                continue;
            };
            let missing = |from: usize| match from == unit {
                true => !self.flying[unit].is_empty(),
                false => self.tokens[from][unit] == 0,
            };
            let named = command.early | command.late;
            let others = || (0..4).filter(|other| *other != unit);
            if (0..4).any(|from| command.wait >> from & 1 == 1 && missing(from)) {
                outputs.token[unit] = true;
                self.seen[0] += 1;
                continue;
            }
            if let Some(other) = others().find(|other| self.held(*other) & named != 0) {
                outputs.bank[unit] = true;
                self.seen[1] += 1;
                self.seen[2] += u64::from(outputs.start[other]);
                continue;
            }
            if !inputs.ready[unit] || self.flying[unit].len() >= IN_FLIGHT {
                self.seen[3] += u64::from(inputs.ready[unit]);
                continue;
            }
            outputs.start[unit] = true;
            let Some((_, Step::Exec(_, command))) = self.queues[unit].pop_front() else { unreachable!() };
            for from in (0..4).filter(|from| *from != unit && command.wait >> from & 1 == 1) {
                self.tokens[from][unit] -= 1;
            }
            self.registers[unit] = Some(command.registers.clone());
            self.flying[unit].push_back(Flying { command, over: false, fed: false });
        }
    }
}
