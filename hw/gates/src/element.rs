//! A processing element at work: beats in, energy out, and every sum held to plain arithmetic.

use bitgauge_arch::mac::Operands;
use bitgauge_rtl::units::mac::{MacShape, mode};

use crate::GatesError;
use crate::circuit::Circuit;
use crate::liberty::Library;
use crate::netlist::{Net, Netlist};
use crate::operands::Codes;
use crate::order::{self, Beat};
use crate::simulate::{Energy, Simulator};
use crate::unit::Frame;

/// A mapped element.
#[derive(Clone, Debug)]
pub struct Element {
    /// Name of the module.
    pub module: String,
    shape: MacShape,
    circuit: Circuit,
    ports: Ports,
    frame: Frame,
}

#[derive(Clone, Debug)]
struct Ports {
    a: Vec<Vec<Net>>,
    w: Vec<Vec<Net>>,
    mode: Vec<Net>,
    flags: Vec<Net>,
    a_out: Vec<Vec<Net>>,
    w_out: Vec<Vec<Net>>,
    mode_out: Vec<Net>,
    flags_out: Vec<Net>,
    sum: Vec<Net>,
}

/// What some folds took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// Cycles.
    pub beats: u64,
    /// Products in them.
    pub products: u64,
    /// Energy, picojoules.
    pub energy: Energy,
    /// Mean leakage, nanowatts.
    pub leakage: f64,
    /// The longest time to settle in a cycle, femtoseconds.
    pub settled: u64,
    /// Sums that were compared.
    pub sums: u64,
}

/// Cycles from operands to the sum that they complete.
const TO_SUM: usize = 3;
/// Cycles without work over which the clock's energy is taken.
const IDLE: usize = 16;
/// Leakage is looked at every so many cycles.
const LEAKAGE_EVERY: usize = 32;

impl Element {
    /// Of a mapped netlist.
    ///
    /// # Errors
    /// Ports that an element should have are missing; what [`Circuit::new`] refuses.
    pub fn new(
        module: &str,
        shape: MacShape,
        library: &Library,
        netlist: &Netlist<'_>,
    ) -> Result<Element, GatesError> {
        let bits = |name: &str| netlist.port(name).map(|port| port.bits.clone());
        let words = |name: &str, count: usize| {
            (0..count).map(|i| bits(&format!("{name}_{i}"))).collect::<Result<Vec<_>, _>>()
        };
        let (words_a, words_w) = (shape.activation().0, shape.weight().0);
        let ports = Ports {
            a: words("a", words_a)?,
            w: words("w", words_w)?,
            mode: bits("mode")?,
            flags: bits("flags")?,
            a_out: words("a_out", words_a)?,
            w_out: words("w_out", words_w)?,
            mode_out: bits("mode_out")?,
            flags_out: bits("flags_out")?,
            sum: bits("sum")?,
        };
        let clock = bits("clock")?.first().copied();
        let circuit = Circuit::new(library, netlist, clock)?;
        let frame = Frame::new(&circuit);
        Ok(Element { module: module.to_owned(), shape, circuit, ports, frame })
    }

    /// The circuit.
    #[must_use]
    pub fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    fn differs(&self, what: String, found: u64, expected: u64) -> Result<(), GatesError> {
        if found == expected {
            return Ok(());
        }
        Err(GatesError::Differs {
            unit: self.module.clone(),
            what,
            found: found as i64,
            expected: expected as i64,
        })
    }

    /// Energy of a cycle in which nothing moves but the clock, picojoules.
    #[must_use]
    pub fn clock(&self) -> f64 {
        let mut simulator = Simulator::new(&self.circuit);
        let inputs = self.frame.clone();
        for _ in 0..IDLE {
            simulator.cycle(inputs.values());
        }
        simulator.energy().total() / IDLE as f64
    }

    /// Runs folds one behind the other; the first is not measured. Each sum, and whatever is handed on, is compared.
    ///
    /// # Errors
    /// [`GatesError::Differs`] where the gates compute something else.
    pub fn run(&self, operands: Operands, folds: &[Codes]) -> Result<Measured, GatesError> {
        let mut simulator = Simulator::new(&self.circuit);
        self.run_on(&mut simulator, operands, folds)
    }

    /// As [`Element::run`], on a simulator that is there.
    ///
    /// # Errors
    /// [`GatesError::Differs`] where the gates compute something else.
    pub fn run_on(
        &self,
        simulator: &mut Simulator<'_>,
        operands: Operands,
        folds: &[Codes],
    ) -> Result<Measured, GatesError> {
        let mut beats: Vec<Beat> = Vec::new();
        // Behind which beat a sum is complete.
        let mut sums = Vec::new();
        let mut warm = 0;
        for codes in folds {
            beats.extend(order::fold(&self.shape, operands, codes));
            sums.push((beats.len(), codes.sum(self.shape.tag_shift)));
            warm = if warm == 0 { beats.len() } else { warm };
        }
        let mut measured = Measured::default();
        let mut before = simulator.energy();
        let mut leakages = Vec::new();
        let mut frame = self.frame.clone();
        let mut handed: Vec<u64> = vec![0; self.ports.w.len()];
        let mut next_sum = sums.iter().peekable();
        let idle = Beat { a: vec![0; self.ports.a.len()], w: handed.clone(), ..Beat::default() };
        for cycle in 0..beats.len() + TO_SUM {
            if cycle == warm {
                before = simulator.energy();
            }
            let beat = beats.get(cycle).unwrap_or(&idle);
            let ago = |cycles: usize| cycle.checked_sub(cycles).and_then(|at| beats.get(at)).unwrap_or(&idle);
            let last = ago(1);
            self.ports.a.iter().zip(&beat.a).for_each(|(nets, &word)| frame.set(nets, word));
            self.ports.w.iter().zip(&beat.w).for_each(|(nets, &word)| frame.set(nets, word));
            frame.set(&self.ports.mode, beat.mode);
            frame.set(&self.ports.flags, last.flags);
            simulator.cycle(frame.values());
            if cycle + 1 == beats.len() {
                measured.energy = simulator.energy().since(&before);
            }
            if cycle % LEAKAGE_EVERY == 0 {
                leakages.push(simulator.leakage());
            }
            // A slice of weights stays until the next one is loaded.
            if !self.shape.serial() || last.mode >> mode::LOAD & 1 == 1 {
                handed.clone_from(&last.w);
            }
            self.check_handed(simulator, (last, ago(2)), &handed, cycle)?;
            if let Some((_, sum)) = next_sum.next_if(|(end, _)| end + TO_SUM == cycle + 1) {
                let mask = (1u64 << self.ports.sum.len()) - 1;
                let what = format!("the sum in cycle {cycle}");
                self.differs(what, simulator.number(&self.ports.sum), *sum as u64 & mask)?;
                measured.sums += 1;
            }
        }
        measured.beats = (beats.len() - warm) as u64;
        measured.products = folds.iter().skip(1).map(|codes| codes.activations.len() as u64).sum();
        measured.leakage = leakages.iter().sum::<f64>() / leakages.len().max(1) as f64;
        measured.settled = simulator.settled();
        Ok(measured)
    }

    /// What the element hands on is what it got a cycle ago.
    fn check_handed(
        &self,
        simulator: &Simulator<'_>,
        (last, before): (&Beat, &Beat),
        w: &[u64],
        cycle: usize,
    ) -> Result<(), GatesError> {
        let words = self.ports.a_out.iter().zip(&last.a).chain(self.ports.w_out.iter().zip(w));
        let bits = [(&self.ports.mode_out, &last.mode), (&self.ports.flags_out, &before.flags)];
        for (nets, &word) in words.chain(bits) {
            self.differs(format!("an operand handed on in cycle {cycle}"), simulator.number(nets), word)?;
        }
        Ok(())
    }
}
