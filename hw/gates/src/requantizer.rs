//! The requantizer at work: sums in, codes out, and every code held to the contract's arithmetic.

use bitgauge_arch::arith::Requant;
use bitgauge_arch::energy::{Activity, ModeRow};
use bitgauge_rtl::units::requantize::LATENCY;

use crate::GatesError;
use crate::circuit::Circuit;
use crate::liberty::Library;
use crate::netlist::{Net, Netlist};
use crate::operands::Random;
use crate::simulate::{Energy, Simulator};
use crate::unit::Frame;

/// A mapped requantizer.
#[derive(Clone, Debug)]
pub struct Requantizer {
    circuit: Circuit,
    frame: Frame,
    x: Vec<Net>,
    mantissa: Vec<Net>,
    shift: Vec<Net>,
    valid: Vec<Net>,
    y: Vec<Net>,
}

/// Sums in a column that share mantissa and shift, as the drain takes them: the rows of an array of 16.
const COLUMN: u64 = 16;
/// Cycles that are not measured.
const WARM: u64 = 32;

impl Requantizer {
    /// Of a mapped netlist.
    ///
    /// # Errors
    /// Ports are missing; what [`Circuit::new`] refuses.
    pub fn new(library: &Library, netlist: &Netlist<'_>) -> Result<Requantizer, GatesError> {
        let bits = |name: &str| netlist.port(name).map(|port| port.bits.clone());
        let circuit = Circuit::new(library, netlist, bits("clock")?.first().copied())?;
        let frame = Frame::new(&circuit);
        Ok(Requantizer {
            frame,
            x: bits("x")?,
            mantissa: bits("mantissa")?,
            shift: bits("shift")?,
            valid: bits("valid")?,
            y: bits("y")?,
            circuit,
        })
    }

    /// Energy of a cycle in which nothing moves but the clock, picojoules; and leakage then, nanowatts.
    #[must_use]
    pub fn clock(&self) -> (f64, f64) {
        let mut simulator = Simulator::new(&self.circuit);
        for _ in 0..WARM {
            simulator.cycle(self.frame.values());
        }
        (simulator.energy().total() / WARM as f64, simulator.leakage())
    }

    /// Sums of a class, one a cycle: normal ones of 8-bit products, whose codes fill 8 bits, or zeros. Gives the energy
    /// and the longest time to settle, femtoseconds.
    ///
    /// # Errors
    /// [`GatesError::Differs`] where the gates give another code than the contract.
    pub fn run(&self, activity: Activity, cycles: u64, seed: u64) -> Result<(Energy, u64), GatesError> {
        let mut simulator = Simulator::new(&self.circuit);
        let mut random = Random::new(seed);
        let (mut frame, mut expected, mut before) = (self.frame.clone(), Vec::new(), Energy::default());
        let mut factor = Requant { mantissa: 1 << 15, shift: 1 };
        for cycle in 0..WARM + cycles {
            if cycle % COLUMN == 0 {
                // Sums deviate by some 2^12; mantissas lie between 2^15 and 2^16.
                factor = Requant {
                    mantissa: (1 << 15) | (random.signed(9).unsigned_abs() as u16 * 128),
                    shift: 22,
                };
            }
            let x = match activity {
                Activity::Zero => 0,
                Activity::HalfZeroUnsigned => random.half_zero(8) * 32,
                Activity::DenseSigned => random.signed(8) * 128 + random.signed(8),
            };
            expected.push(factor.apply(x));
            frame.set(&self.x, x as u64);
            frame.set(&self.mantissa, factor.mantissa.into());
            frame.set(&self.shift, factor.shift.into());
            frame.set(&self.valid, 1);
            if cycle == WARM {
                before = simulator.energy();
            }
            simulator.cycle(frame.values());
            if let Some(wanted) = cycle.checked_sub(LATENCY as u64).and_then(|at| expected.get(at as usize)) {
                let wanted = i64::from(*wanted);
                let found = simulator.number(&self.y) as i64;
                let mask = (1 << self.y.len()) - 1;
                if found != wanted & mask {
                    let (unit, what) = ("requantizer".to_owned(), format!("the code in cycle {cycle}"));
                    return Err(GatesError::Differs { unit, what, found, expected: wanted & mask });
                }
            }
        }
        Ok((simulator.energy().since(&before), simulator.settled()))
    }

    /// A row of a class: of so many seeds of so many sums.
    ///
    /// # Errors
    /// As [`Requantizer::run`].
    pub fn row(&self, activity: Activity, sums: u64, seeds: u64) -> Result<(ModeRow, u64), GatesError> {
        let clock = self.clock().0;
        let (mut each, mut settled) = (Vec::new(), 0);
        for seed in 0..if activity == Activity::Zero { 1 } else { seeds.max(1) } {
            let (energy, longest) = self.run(activity, sums, seed)?;
            each.push((energy.total() / sums as f64 - clock).max(0.0));
            settled = settled.max(longest);
        }
        let mean = each.iter().sum::<f64>() / each.len() as f64;
        let (least, most) =
            each.iter().fold((f64::MAX, 0.0), |(l, m), &one| (f64::min(l, one), f64::max(m, one)));
        let row = ModeRow {
            two_scaled: false,
            activation_bits: 8,
            weight_bits: 8,
            activity,
            picojoules_per_beat: mean,
            picojoules_per_product: mean,
            spread: if mean > 0.0 { (most - least) / 2.0 / mean } else { 0.0 },
        };
        Ok((row, settled))
    }
}
