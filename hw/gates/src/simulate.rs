//! Event-driven simulation of a circuit with the delays of its cells, and what it costs.
//!
//! Delays are inertial: an output that goes back before its edge came does not move. A cycle begins with the clock's
//! rising edge, lasts until nothing moves, and ends with the falling one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::circuit::{Circuit, FALL, RISE};
use crate::netlist::{Net, ONE};

/// Energy, picojoules, by what takes it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Energy {
    /// Inside cells, without the clock's pins.
    pub internal: f64,
    /// Charging nets.
    pub switching: f64,
    /// Clock: pins of flip-flops, and its net.
    pub clock: f64,
}

impl Energy {
    /// All of it, picojoules.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.internal + self.switching + self.clock
    }

    /// What came since `before`.
    #[must_use]
    pub fn since(&self, before: &Energy) -> Energy {
        Energy {
            internal: self.internal - before.internal,
            switching: self.switching - before.switching,
            clock: self.clock - before.clock,
        }
    }
}

/// An edge of a net, for those who want to see each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Cycle, from 0.
    pub cycle: u64,
    /// Femtoseconds behind the clock's rising edge.
    pub time: u64,
    /// The net.
    pub net: Net,
    /// Its new value.
    pub value: bool,
}

/// An edge that is to come, unless it is withdrawn.
#[derive(Clone, Copy, Default)]
struct Coming {
    /// Raised when the edge comes or is withdrawn.
    version: u32,
    waiting: bool,
    energy: f64,
}

/// A circuit at work.
pub struct Simulator<'c> {
    circuit: &'c Circuit,
    value: Vec<bool>,
    state: Vec<u32>,
    coming: Vec<Coming>,
    queue: BinaryHeap<Reverse<(u64, Net, u32)>>,
    energy: Energy,
    cycles: u64,
    edges: u64,
    settled: u64,
    trace: Option<Vec<Edge>>,
}

impl<'c> Simulator<'c> {
    /// All flip-flops and inputs at zero, and everything settled.
    #[must_use]
    pub fn new(circuit: &'c Circuit) -> Simulator<'c> {
        let nets = circuit.readers.len();
        let mut simulator = Simulator {
            circuit,
            value: vec![false; nets],
            state: vec![0; circuit.gates.len()],
            coming: vec![Coming::default(); nets],
            queue: BinaryHeap::new(),
            energy: Energy::default(),
            cycles: 0,
            edges: 0,
            settled: 0,
            trace: None,
        };
        simulator.put(ONE, true);
        // Flip-flops first: what they give is there before anything hangs on it.
        let flip_flops = circuit.combinational..circuit.gates.len();
        for gate in flip_flops.chain(0..circuit.combinational) {
            for drive in &circuit.gates[gate].drives {
                simulator.put(drive.net, drive.truth.holds(simulator.state[gate] as usize));
            }
        }
        simulator
    }

    /// Keeps every edge from now on.
    pub fn keep_edges(&mut self) {
        self.trace = Some(Vec::new());
    }

    /// The edges that were kept.
    #[must_use]
    pub fn kept(&self) -> &[Edge] {
        self.trace.as_deref().unwrap_or(&[])
    }

    /// Energy so far.
    #[must_use]
    pub fn energy(&self) -> Energy {
        self.energy
    }

    /// Edges of nets so far, without the clock's.
    #[must_use]
    pub fn edges(&self) -> u64 {
        self.edges
    }

    /// The longest time that a cycle took to settle, femtoseconds.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.settled
    }

    /// Value of a net.
    #[must_use]
    pub fn value(&self, net: Net) -> bool {
        self.value[net as usize]
    }

    /// Nets as a number, the lowest first.
    #[must_use]
    pub fn number(&self, nets: &[Net]) -> u64 {
        nets.iter()
            .take(64)
            .enumerate()
            .fold(0, |number, (bit, &net)| number | u64::from(self.value(net)) << bit)
    }

    /// Leakage in the present state, nanowatts.
    #[must_use]
    pub fn leakage(&self) -> f64 {
        let gates = self.circuit.gates.iter().zip(&self.state);
        gates.map(|(gate, &state)| gate.leakage[state as usize]).sum()
    }

    /// Sets a net without time or energy.
    fn put(&mut self, net: Net, value: bool) {
        if self.value[net as usize] != value {
            self.value[net as usize] = value;
            for &(gate, pin) in &self.circuit.readers[net as usize] {
                self.state[gate as usize] ^= 1 << pin;
            }
        }
    }

    /// One cycle: `inputs` are those of [`Circuit::inputs`], in their order; they come behind the clock's edge, so that
    /// the next one takes them.
    pub fn cycle(&mut self, inputs: &[bool]) {
        let circuit = self.circuit;
        self.energy.clock += circuit.clock_net;
        for gate in circuit.combinational..circuit.gates.len() {
            self.clock_edge(gate, RISE);
        }
        for (&(net, delays), &value) in circuit.inputs.iter().zip(inputs) {
            if self.value[net as usize] != value {
                let delay = delays[if value { RISE } else { FALL }];
                self.schedule(net, u64::from(delay), 0.0);
            }
        }
        let mut now = 0;
        while let Some(Reverse((time, net, version))) = self.queue.pop() {
            if self.coming[net as usize].version == version {
                now = time;
                self.edge(time, net);
            }
        }
        self.settled = self.settled.max(now);
        for gate in circuit.combinational..circuit.gates.len() {
            self.clock_edge(gate, FALL);
        }
        self.cycles += 1;
    }

    /// The clock at a flip-flop: what its pin takes, and on a rising edge the next state.
    fn clock_edge(&mut self, gate: usize, edge: usize) {
        let circuit = self.circuit;
        let known = &circuit.gates[gate];
        let Some((clock, next, clear, preset)) = known.flip_flop else { return };
        // Conditions are those of the other pins; the clock's own bit is as before the edge.
        let mut state = self.state[gate];
        if !known.pins.is_empty() {
            self.energy.clock += known.pins[known.index(clock, edge, state)];
        }
        if edge == RISE {
            let at = state as usize;
            let value = if clear.holds(at) { false } else { preset.holds(at) || next.holds(at) };
            let own = 1 << (known.variables - 1);
            let changed = (state & own != 0) != value;
            if changed {
                let before = state;
                state ^= own;
                self.state[gate] = state;
                for drive in &known.drives {
                    let new = drive.truth.holds(state as usize);
                    if new != drive.truth.holds(before as usize) {
                        let index = known.index(clock, if new { RISE } else { FALL }, before);
                        self.schedule(drive.net, u64::from(drive.delay[index]), drive.energy[index]);
                    }
                }
            }
            self.state[gate] |= 1 << clock;
        } else {
            self.state[gate] &= !(1 << clock);
        }
    }

    fn schedule(&mut self, net: Net, time: u64, energy: f64) {
        let coming = &mut self.coming[net as usize];
        (coming.waiting, coming.energy) = (true, energy);
        self.queue.push(Reverse((time, net, coming.version)));
    }

    /// A net's edge comes.
    fn edge(&mut self, time: u64, net: Net) {
        let circuit = self.circuit;
        let index = net as usize;
        let coming = &mut self.coming[index];
        coming.version = coming.version.wrapping_add(1);
        coming.waiting = false;
        self.energy.internal += coming.energy;
        self.energy.switching += circuit.edge_energy[index];
        self.edges += 1;
        let value = !self.value[index];
        self.value[index] = value;
        if let Some(trace) = &mut self.trace {
            trace.push(Edge { cycle: self.cycles, time, net, value });
        }
        let edge = if value { RISE } else { FALL };
        for &(gate, pin) in &circuit.readers[index] {
            let known = &circuit.gates[gate as usize];
            let before = self.state[gate as usize];
            let state = before ^ 1 << pin;
            self.state[gate as usize] = state;
            if !known.pins.is_empty() {
                self.energy.internal += known.pins[known.index(pin, edge, before)];
            }
            if known.flip_flop.is_some() {
                continue;
            }
            for drive in &known.drives {
                let new = drive.truth.holds(state as usize);
                let target = drive.net as usize;
                let moves = new != self.value[target];
                if self.coming[target].waiting {
                    if !moves {
                        let coming = &mut self.coming[target];
                        coming.version = coming.version.wrapping_add(1);
                        coming.waiting = false;
                    }
                } else if moves {
                    let index = known.index(pin, if new { RISE } else { FALL }, state);
                    self.schedule(drive.net, time + u64::from(drive.delay[index]), drive.energy[index]);
                }
            }
        }
    }
}
