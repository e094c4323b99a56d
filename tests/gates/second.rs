//! A second computation of the same energy, of nothing but the edges: what a tool that reads a VCD file does.
//!
//! It knows neither which input caused an edge nor in which state, so it takes the mean of all rows of an edge, and
//! finds loads and transitions by itself.

use std::collections::BTreeMap;

use bitgauge_arch::energy::Activity;
use bitgauge_arch::mac::Operands;
use bitgauge_gates::liberty::{Library, Output, Power};
use bitgauge_gates::netlist::{Net, Netlist};
use bitgauge_gates::operands::draw;
use bitgauge_gates::simulate::Simulator;

use crate::{Tools, kinds};

/// Rising and falling edges of each net.
type Edges = BTreeMap<Net, [f64; 2]>;

/// Mean energy of a rising and of a falling edge, picojoules.
fn mean(library: &Library, powers: &[Power], slew: &dyn Fn(Option<usize>) -> f64, load: f64) -> [f64; 2] {
    [0, 1].map(|edge| {
        let all: Vec<f64> = powers
            .iter()
            .filter_map(|row| Some(row.edges[edge].as_ref()?.at(slew(row.related), load)))
            .collect();
        library.picojoules * all.iter().sum::<f64>() / all.len().max(1) as f64
    })
}

fn transition(output: &Output, slew: &dyn Fn(usize) -> f64, load: f64) -> f64 {
    let tables = output
        .arcs
        .iter()
        .flat_map(|arc| arc.transition.iter().flatten().map(|table| table.at(slew(arc.related), load)));
    let all: Vec<f64> = tables.collect();
    all.iter().sum::<f64>() / all.len().max(1) as f64
}

/// Energy of all edges without the clock's, picojoules.
fn energy(library: &Library, netlist: &Netlist<'_>, clock: Net, edges: &Edges) -> f64 {
    let mut load: BTreeMap<Net, f64> = BTreeMap::new();
    for cell in &netlist.cells {
        for (input, net) in cell.cell.inputs.iter().zip(&cell.inputs) {
            *load.entry(*net).or_default() += input.capacitance;
        }
    }
    let load = |net: Net| load.get(&net).copied().unwrap_or(0.0);
    // Over and over until nothing changes: no order is needed.
    let mut slew: BTreeMap<Net, f64> = BTreeMap::new();
    for _ in 0..200 {
        let old = slew.clone();
        let at = |net: Net| old.get(&net).copied().unwrap_or(0.0);
        let (mut sum, mut count) = (0.0, 0.0);
        let mut register = None;
        for cell in &netlist.cells {
            for (output, net) in cell.cell.outputs.iter().zip(&cell.outputs) {
                let Some(net) = *net else { continue };
                let value = transition(output, &|pin| at(cell.inputs[pin]), load(net));
                slew.insert(net, value);
                if cell.cell.sequential.is_some() {
                    (sum, count) = (sum + value, count + 1.0);
                    register = register.or(Some(output));
                }
            }
        }
        slew.insert(clock, sum / count);
        for net in netlist
            .ports
            .values()
            .filter(|port| port.input)
            .flat_map(|port| &port.bits)
            .filter(|net| **net != clock)
        {
            slew.insert(*net, transition(register.unwrap(), &|_| at(clock), load(*net)));
        }
    }
    let slew = |net: Net| slew.get(&net).copied().unwrap_or(0.0);
    let count = |net: Net| edges.get(&net).copied().unwrap_or_default();
    let pay =
        |net: Net, each: [f64; 2]| count(net).iter().zip(each).map(|(count, each)| count * each).sum::<f64>();
    let charge = 0.5 * library.picofarads * library.volts * library.volts;
    let mut total: f64 = edges.keys().map(|&net| pay(net, [charge * load(net); 2])).sum();
    for cell in &netlist.cells {
        for (output, net) in cell.cell.outputs.iter().zip(&cell.outputs) {
            let Some(net) = *net else { continue };
            let inputs: Vec<f64> = cell.inputs.iter().map(|&net| slew(net)).collect();
            let any = inputs.iter().sum::<f64>() / inputs.len() as f64;
            total +=
                pay(net, mean(library, &output.powers, &|pin| pin.map_or(any, |pin| inputs[pin]), load(net)));
        }
        for (input, &net) in cell.cell.inputs.iter().zip(&cell.inputs).filter(|(_, net)| **net != clock) {
            total += pay(net, mean(library, &input.powers, &|_| slew(net), 0.0));
        }
    }
    total
}

#[test]
#[ignore = "long tier: elements of all kinds are mapped and their edges priced twice"]
fn edges_alone_give_the_same_energy_within_a_twentieth() {
    let Some(tools) = Tools::find() else { return };
    for (name, accelerator) in kinds() {
        let (element, netlist_text) = tools.with_netlist(&accelerator);
        let netlist = Netlist::from_json(&netlist_text.0, &netlist_text.1, &tools.library).unwrap();
        let clock = netlist.port("clock").unwrap().bits[0];
        for (bits, activity) in
            [(8, Activity::DenseSigned), (8, Activity::HalfZeroUnsigned), (3, Activity::DenseSigned)]
        {
            let operands = Operands { activation_bits: bits, weight_bits: bits };
            let folds: Vec<_> = (0..3).map(|seed| draw(activity, operands, 256, seed)).collect();
            let mut simulator = Simulator::new(element.circuit());
            simulator.keep_edges();
            element.run_on(&mut simulator, operands, &folds).unwrap();
            let mut edges = Edges::new();
            for edge in simulator.kept() {
                edges.entry(edge.net).or_default()[usize::from(!edge.value)] += 1.0;
            }
            let found = simulator.energy().total() - simulator.energy().clock;
            let second = energy(&tools.library, &netlist, clock, &edges);
            println!(
                "{name}, {bits} bits, {}: {found:.1} pJ, by edges alone {second:.1} pJ, {:+.2} %",
                activity.name(),
                100.0 * (second / found - 1.0)
            );
            assert!((second / found - 1.0).abs() < 0.05, "{name} {bits}");
        }
    }
}
