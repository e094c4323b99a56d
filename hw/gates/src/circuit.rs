//! A netlist with its electrical part: loads, transitions, and, for each cell, delay and energy of every edge.
//!
//! There is no layout, so a net's load is the capacitance of the pins at it: no wires. The clock reaches all flip-flops
//! at once, without a tree; it and the unit's inputs have the transitions that a flip-flop of the unit gives.

use crate::GatesError;
use crate::liberty::{Cell, Library, Output, Power, Truth};
use crate::netlist::{Net, Netlist};

/// A rising edge, as an index.
pub const RISE: usize = 0;
/// A falling edge, as an index.
pub const FALL: usize = 1;

/// Delay and energy of each edge of an output, by the input that causes it and the cell's state.
#[derive(Clone, Debug)]
pub struct Drive {
    /// The net.
    pub net: Net,
    /// Its value.
    pub truth: Truth,
    /// Delay, femtoseconds; index see [`Gate::index`].
    pub delay: Vec<u32>,
    /// Energy inside the cell, picojoules; alike.
    pub energy: Vec<f64>,
}

/// A cell.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Inputs and states: the cell's state has so many bits.
    pub variables: u32,
    /// Outputs that are connected.
    pub drives: Vec<Drive>,
    /// Energy of the inputs' own edges, picojoules: [`Gate::index`]; empty where the library gives none.
    pub pins: Vec<f64>,
    /// Leakage in each state, nanowatts.
    pub leakage: Vec<f64>,
    /// What makes it a flip-flop: clock pin, next state, clear, preset.
    pub flip_flop: Option<(u32, Truth, Truth, Truth)>,
}

impl Gate {
    /// Where the figures of an edge stand.
    #[must_use]
    pub fn index(&self, pin: u32, edge: usize, state: u32) -> usize {
        ((pin as usize * 2 + edge) << self.variables) + state as usize
    }
}

/// A netlist that can be simulated.
#[derive(Clone, Debug)]
pub struct Circuit {
    /// Cells: first those without states, each behind those it hangs on, then flip-flops.
    pub gates: Vec<Gate>,
    /// How many have no states.
    pub combinational: usize,
    /// Inputs of cells at each net: cell and pin.
    pub readers: Vec<Vec<(u32, u32)>>,
    /// Energy that an edge of a net takes or gives, half of C V^2, picojoules.
    pub edge_energy: Vec<f64>,
    /// Energy of the clock net in a cycle, C V^2, picojoules.
    pub clock_net: f64,
    /// Inputs of the unit without the clock, and the delays of a rising and a falling edge behind the clock's, fs.
    pub inputs: Vec<(Net, [u32; 2])>,
}

/// Delays are at least that long, fs: a table may go below zero where it is extended.
const SHORTEST: f64 = 100.0;

/// Of the values whose condition holds, the mean; else of those without one; else of all.
fn chosen(values: &[(Option<Truth>, f64)], state: usize) -> f64 {
    let mean = |of: &dyn Fn(&Option<Truth>) -> bool| {
        let all: Vec<f64> = values.iter().filter(|(when, _)| of(when)).map(|one| one.1).collect();
        (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
    };
    let holds = |when: &Option<Truth>| when.is_some_and(|when| when.holds(state));
    mean(&holds).or_else(|| mean(&Option::is_none)).or_else(|| mean(&|_| true)).unwrap_or(0.0)
}

/// The energies of one pin's edge, of a list of rows.
fn energies(
    powers: &[Power],
    pin: Option<usize>,
    edge: usize,
    slew: f64,
    load: f64,
) -> Vec<(Option<Truth>, f64)> {
    let rows = powers.iter().filter(|row| row.related.is_none() || row.related == pin);
    rows.filter_map(|row| Some((row.when, row.edges[edge].as_ref()?.at(slew, load)))).collect()
}

struct Builder<'a> {
    library: &'a Library,
    netlist: &'a Netlist<'a>,
    load: Vec<f64>,
    slew: Vec<f64>,
}

impl Builder<'_> {
    /// Transition at an output's net: the mean of all arcs and edges.
    fn transition(&self, output: &Output, slew: &dyn Fn(usize) -> f64, load: f64) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for arc in &output.arcs {
            for table in arc.transition.iter().flatten() {
                sum += table.at(slew(arc.related), load);
                count += 1.0;
            }
        }
        if count > 0.0 { f64::max(sum / count, 0.0) } else { 0.0 }
    }

    fn set_slews(&mut self, cell: usize) {
        let instance = &self.netlist.cells[cell];
        for (output, net) in instance.cell.outputs.iter().zip(&instance.outputs) {
            let Some(net) = *net else { continue };
            let at = |pin: usize| self.slew[instance.inputs[pin] as usize];
            self.slew[net as usize] = self.transition(output, &at, self.load[net as usize]);
        }
    }

    fn drive(&self, cell: &Cell, output: &Output, inputs: &[Net], net: Net, states: usize) -> Drive {
        let load = self.load[net as usize];
        let mut drive = Drive { net, truth: output.function, delay: vec![], energy: vec![] };
        for (pin, &input) in inputs.iter().enumerate() {
            let slew = self.slew[input as usize];
            for edge in [RISE, FALL] {
                let arcs = output.arcs.iter().filter(|arc| arc.related == pin);
                let delays: Vec<(Option<Truth>, f64)> = arcs
                    .filter_map(|arc| Some((arc.when, arc.delay[edge].as_ref()?.at(slew, load))))
                    .collect();
                let energies = energies(&output.powers, Some(pin), edge, slew, load);
                for state in 0..states {
                    let femtoseconds = chosen(&delays, state) * self.library.picoseconds * 1000.0;
                    drive.delay.push(femtoseconds.clamp(SHORTEST, 1e9) as u32);
                    drive.energy.push(chosen(&energies, state) * self.library.picojoules);
                }
            }
        }
        debug_assert_eq!(drive.delay.len(), cell.inputs.len() * 2 * states);
        drive
    }

    fn gate(&self, cell: usize) -> Gate {
        let instance = &self.netlist.cells[cell];
        let (known, nanowatts) = (instance.cell, self.library.nanowatts);
        let variables = known.inputs.len() + usize::from(known.sequential.is_some());
        let states = 1 << variables;
        let outputs = known.outputs.iter().zip(&instance.outputs);
        let drives = outputs
            .filter_map(|(output, net)| Some(self.drive(known, output, &instance.inputs, (*net)?, states)))
            .collect();
        let mut pins = Vec::new();
        if known.inputs.iter().any(|input| !input.powers.is_empty()) {
            for (input, &net) in known.inputs.iter().zip(&instance.inputs) {
                for edge in [RISE, FALL] {
                    let rows = energies(&input.powers, None, edge, self.slew[net as usize], 0.0);
                    pins.extend((0..states).map(|state| chosen(&rows, state) * self.library.picojoules));
                }
            }
        }
        let leakage = (0..states).map(|state| {
            let held = known.leakage_when.iter().find(|(when, _)| when.holds(state));
            held.map_or(known.leakage, |one| one.1) * nanowatts
        });
        let ff = known.sequential.as_ref();
        Gate {
            variables: variables as u32,
            drives,
            pins,
            leakage: leakage.collect(),
            flip_flop: ff.map(|ff| (ff.clock as u32, ff.next, ff.clear, ff.preset)),
        }
    }
}

/// The cells without states in an order in which each comes behind those it hangs on.
fn order(netlist: &Netlist<'_>) -> Result<Vec<usize>, GatesError> {
    let mut driver: Vec<Option<usize>> = vec![None; netlist.nets];
    for (index, cell) in netlist.cells.iter().enumerate().filter(|(_, cell)| cell.cell.sequential.is_none()) {
        cell.outputs.iter().flatten().for_each(|&net| driver[net as usize] = Some(index));
    }
    let (mut waits, mut next) = (vec![0usize; netlist.cells.len()], vec![Vec::new(); netlist.cells.len()]);
    for (index, cell) in netlist.cells.iter().enumerate().filter(|(_, cell)| cell.cell.sequential.is_none()) {
        for from in cell.inputs.iter().filter_map(|&net| driver[net as usize]) {
            next[from].push(index);
            waits[index] += 1;
        }
    }
    let gates = || (0..netlist.cells.len()).filter(|&index| netlist.cells[index].cell.sequential.is_none());
    let mut order: Vec<usize> = gates().filter(|&index| waits[index] == 0).collect();
    let mut at = 0;
    while let Some(&from) = order.get(at) {
        at += 1;
        for &index in &next[from] {
            waits[index] -= 1;
            if waits[index] == 0 {
                order.push(index);
            }
        }
    }
    if order.len() < gates().count() {
        return Err(GatesError::Netlist {
            problem: "cells without states hang on themselves in a ring".to_owned(),
        });
    }
    Ok(order)
}

impl Circuit {
    /// Computes loads, transitions, delays and energies. `clock` is the net of the clock, where there is one.
    ///
    /// # Errors
    /// Cells without states in a ring; a flip-flop on another clock; no flip-flop in netlist or library.
    pub fn new(library: &Library, netlist: &Netlist<'_>, clock: Option<Net>) -> Result<Circuit, GatesError> {
        let mut load = vec![0.0; netlist.nets];
        for cell in &netlist.cells {
            for (input, &net) in cell.cell.inputs.iter().zip(&cell.inputs) {
                load[net as usize] += input.capacitance;
            }
        }
        let mut builder = Builder { library, netlist, slew: vec![0.0; netlist.nets], load };
        let flip_flops: Vec<usize> = (0..netlist.cells.len())
            .filter(|&index| netlist.cells[index].cell.sequential.is_some())
            .collect();
        let clocked = |index: &&usize| {
            let cell = &netlist.cells[**index];
            cell.cell.sequential.as_ref().is_some_and(|ff| Some(cell.inputs[ff.clock]) != clock)
        };
        if let Some(&odd) = flip_flops.iter().find(clocked) {
            let problem = format!("a `{}` is not at the clock", netlist.cells[odd].kind);
            return Err(GatesError::Netlist { problem });
        }
        let none = || GatesError::NoFlipFlop { library: library.name.clone() };
        // What drives the unit's inputs: a flip-flop as the unit has them.
        let like = flip_flops.first().map(|&index| netlist.cells[index].cell);
        let like = like.or_else(|| library.cells.values().flatten().find(|cell| cell.sequential.is_some()));
        let like = like.and_then(|cell| Some((cell.outputs.first()?, cell.sequential.as_ref()?.clock)));
        let (source, source_clock) = like.ok_or_else(none)?;
        // The clock's transition is that of the flip-flops, which hangs on the clock's a little.
        let mut clock_slew = 0.0;
        for _ in 0..4 {
            if let Some(clock) = clock {
                builder.slew[clock as usize] = clock_slew;
            }
            flip_flops.iter().for_each(|&index| builder.set_slews(index));
            let nets = flip_flops.iter().flat_map(|&index| netlist.cells[index].outputs.iter().flatten());
            let slews: Vec<f64> = nets.map(|&net| builder.slew[net as usize]).collect();
            clock_slew = if slews.is_empty() {
                builder.transition(source, &|_| clock_slew, 0.0)
            } else {
                slews.iter().sum::<f64>() / slews.len() as f64
            };
        }
        let mut inputs = Vec::new();
        let ports =
            netlist.ports.values().filter(|port| port.input).flat_map(|port| port.bits.iter().copied());
        for net in ports.filter(|net| Some(*net) != clock) {
            let load = builder.load[net as usize];
            builder.slew[net as usize] = builder.transition(source, &|_| clock_slew, load);
            let delay = |edge: usize| {
                let arcs = source.arcs.iter().filter(|arc| arc.related == source_clock);
                let rows =
                    arcs.filter_map(|arc| Some((None, arc.delay[edge].as_ref()?.at(clock_slew, load))));
                let units = chosen(&rows.collect::<Vec<_>>(), 0);
                (units * library.picoseconds * 1000.0).clamp(SHORTEST, 1e9) as u32
            };
            inputs.push((net, [delay(RISE), delay(FALL)]));
        }
        let mut order = order(netlist)?;
        order.iter().for_each(|&index| builder.set_slews(index));
        let combinational = order.len();
        order.extend(&flip_flops);
        let gates: Vec<Gate> = order.iter().map(|&index| builder.gate(index)).collect();
        let mut readers = vec![Vec::new(); netlist.nets];
        for (gate, &index) in order.iter().enumerate() {
            for (pin, &net) in netlist.cells[index].inputs.iter().enumerate() {
                readers[net as usize].push((gate as u32, pin as u32));
            }
        }
        let charge = |units: &f64| units * library.picofarads * library.volts * library.volts;
        let edge_energy = builder.load.iter().map(|load| 0.5 * charge(load)).collect();
        let clock_net = clock.map_or(0.0, |clock| charge(&builder.load[clock as usize]));
        Ok(Circuit { gates, combinational, readers, edge_energy, clock_net, inputs })
    }
}
