//! A second computation of the same energy, of nothing but the edges: what a tool that reads a VCD file does.
//!
//! It finds loads and transitions by itself, and which input caused an edge from the order of edges. Of rows under
//! conditions it takes the mean.

use std::collections::BTreeMap;

use bitgauge_arch::energy::Activity;
use bitgauge_arch::mac::Operands;
use bitgauge_gates::liberty::{Library, Output, Power};
use bitgauge_gates::netlist::{Net, Netlist, ONE};
use bitgauge_gates::operands::draw;
use bitgauge_gates::simulate::{Edge, Simulator};

use crate::{Tools, kinds};

/// Mean energy of an edge of rows that name a pin or none, picojoules.
fn mean(library: &Library, powers: &[Power], pin: Option<usize>, rises: bool, slew: f64, load: f64) -> f64 {
    let rows = powers.iter().filter(|row| row.related.is_none() || row.related == pin);
    let all: Vec<f64> =
        rows.filter_map(|row| Some(row.edges[usize::from(!rises)].as_ref()?.at(slew, load))).collect();
    library.picojoules * all.iter().sum::<f64>() / all.len().max(1) as f64
}

fn transition(output: &Output, slew: &dyn Fn(usize) -> f64, load: f64) -> f64 {
    let tables =
        output.arcs.iter().flat_map(|arc| arc.transition.iter().flatten().map(move |table| (arc, table)));
    let all: Vec<f64> = tables.map(|(arc, table)| table.at(slew(arc.related), load)).collect();
    all.iter().sum::<f64>() / all.len().max(1) as f64
}

/// Load and transition of each net.
struct Nets {
    load: BTreeMap<Net, f64>,
    slew: BTreeMap<Net, f64>,
}

impl Nets {
    fn of(netlist: &Netlist<'_>, clock: Net) -> Nets {
        let mut nets = Nets { load: BTreeMap::new(), slew: BTreeMap::new() };
        for cell in &netlist.cells {
            for (input, net) in cell.cell.inputs.iter().zip(&cell.inputs) {
                *nets.load.entry(*net).or_default() += input.capacitance;
            }
        }
        let inputs = netlist.ports.values().filter(|port| port.input).flat_map(|port| &port.bits);
        let inputs: Vec<Net> = inputs.copied().filter(|net| *net != clock).collect();
        // Over and over until nothing changes: no order is needed.
        for _ in 0..200 {
            let mut slew = BTreeMap::new();
            let mut registers = Vec::new();
            for cell in &netlist.cells {
                for (output, net) in cell.cell.outputs.iter().zip(&cell.outputs) {
                    let Some(net) = *net else { continue };
                    let value = transition(output, &|pin| nets.slew(cell.inputs[pin]), nets.load(net));
                    slew.insert(net, value);
                    if cell.cell.sequential.is_some() {
                        registers.push((value, output));
                    }
                }
            }
            slew.insert(clock, registers.iter().map(|one| one.0).sum::<f64>() / registers.len() as f64);
            let register = registers[0].1;
            for &net in &inputs {
                slew.insert(net, transition(register, &|_| nets.slew(clock), nets.load(net)));
            }
            nets.slew = slew;
        }
        nets
    }

    fn load(&self, net: Net) -> f64 {
        self.load.get(&net).copied().unwrap_or(0.0)
    }

    fn slew(&self, net: Net) -> f64 {
        self.slew.get(&net).copied().unwrap_or(0.0)
    }
}

/// Energy of all edges without the clock's, picojoules; they begin where all flip-flops and inputs are zero.
fn energy(library: &Library, netlist: &Netlist<'_>, clock: Net, edges: &[Edge]) -> f64 {
    let nets = Nets::of(netlist, clock);
    let mut value: BTreeMap<Net, bool> = BTreeMap::from([(ONE, true)]);
    let word = |cell: usize, value: &BTreeMap<Net, bool>| -> usize {
        let inputs = netlist.cells[cell].inputs.iter().enumerate();
        inputs.filter(|(_, net)| value.get(net) == Some(&true)).map(|(pin, _)| 1 << pin).sum()
    };
    // Settled by doing it over and over, as many times as there may be cells behind each other.
    for _ in 0..300 {
        for (index, cell) in netlist.cells.iter().enumerate() {
            let state = word(index, &value);
            for (output, net) in cell.cell.outputs.iter().zip(&cell.outputs) {
                net.map(|net| value.insert(net, output.function.holds(state)));
            }
        }
    }
    let mut readers: BTreeMap<Net, Vec<(usize, usize)>> = BTreeMap::new();
    let mut drivers: BTreeMap<Net, (usize, usize)> = BTreeMap::new();
    for (index, cell) in netlist.cells.iter().enumerate() {
        cell.inputs
            .iter()
            .enumerate()
            .for_each(|(pin, net)| readers.entry(*net).or_default().push((index, pin)));
        for (output, net) in cell.outputs.iter().enumerate() {
            net.map(|net| drivers.insert(net, (index, output)));
        }
    }
    // The pin that last made an output want another value.
    let mut cause: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let charge = 0.5 * library.picofarads * library.volts * library.volts;
    let mut total = 0.0;
    for edge in edges {
        total += charge * nets.load(edge.net);
        if let Some(&(index, output)) = drivers.get(&edge.net) {
            let cell = &netlist.cells[index];
            let pin = match &cell.cell.sequential {
                Some(flip_flop) => Some(flip_flop.clock),
                None => cause.get(&(index, output)).copied(),
            };
            let slew = pin.map_or(0.0, |pin| nets.slew(cell.inputs[pin]));
            let powers = &cell.cell.outputs[output].powers;
            total += mean(library, powers, pin, edge.value, slew, nets.load(edge.net));
        }
        for &(index, pin) in readers.get(&edge.net).map_or(&[][..], Vec::as_slice) {
            let cell = netlist.cells[index].cell;
            total += mean(library, &cell.inputs[pin].powers, None, edge.value, nets.slew(edge.net), 0.0);
            let before = word(index, &value);
            for (output, known) in cell.outputs.iter().enumerate() {
                if known.function.holds(before) != known.function.holds(before ^ 1 << pin) {
                    cause.insert((index, output), pin);
                }
            }
        }
        value.insert(edge.net, edge.value);
    }
    total
}

#[test]
#[ignore = "long tier: elements of all kinds are mapped and their edges priced twice"]
fn edges_alone_give_the_same_energy_within_a_twentieth() {
    let Some(tools) = Tools::find() else { return };
    for (name, accelerator) in kinds() {
        let (element, (json, top)) = tools.with_netlist(&accelerator);
        let netlist = Netlist::from_json(&json, &top, &tools.library).unwrap();
        let clock = netlist.port("clock").unwrap().bits[0];
        for (bits, activity) in
            [(8, Activity::DenseSigned), (8, Activity::HalfZeroUnsigned), (3, Activity::DenseSigned)]
        {
            let operands = Operands::uniform(bits, bits);
            let folds: Vec<_> = (0..3).map(|seed| draw(activity, operands, 256, seed)).collect();
            let mut simulator = Simulator::new(element.circuit());
            simulator.keep_edges();
            element.run_on(&mut simulator, operands, &folds).unwrap();
            let found = simulator.energy().total() - simulator.energy().clock;
            let second = energy(&tools.library, &netlist, clock, simulator.kept());
            println!(
                "{name}, {bits} bits, {}: {found:.1} pJ, by edges alone {second:.1} pJ, {:+.2} %",
                activity.name(),
                100.0 * (second / found - 1.0)
            );
            assert!((second / found - 1.0).abs() < 0.05, "{name} {bits}");
        }
    }
}
