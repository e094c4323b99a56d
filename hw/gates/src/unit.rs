//! What all units share: values at their inputs.

use std::collections::BTreeMap;

use crate::circuit::Circuit;
use crate::netlist::Net;

/// Values at a circuit's inputs, all zero at first.
#[derive(Clone, Debug)]
pub struct Frame {
    place: BTreeMap<Net, usize>,
    values: Vec<bool>,
}

impl Frame {
    /// For a circuit.
    #[must_use]
    pub fn new(circuit: &Circuit) -> Frame {
        let place = circuit.inputs.iter().enumerate().map(|(place, (net, _))| (*net, place)).collect();
        Frame { place, values: vec![false; circuit.inputs.len()] }
    }

    /// Puts a number on nets, the lowest bit first.
    pub fn set(&mut self, nets: &[Net], number: u64) {
        for (bit, net) in nets.iter().enumerate() {
            if let Some(&place) = self.place.get(net) {
                self.values[place] = number.checked_shr(bit as u32).unwrap_or(0) & 1 == 1;
            }
        }
    }

    /// In the order of [`Circuit::inputs`].
    #[must_use]
    pub fn values(&self) -> &[bool] {
        &self.values
    }
}
