//! Operands by class of activity, from a generator of our own, so that every host draws the same.

use bitgauge_arch::energy::Activity;
use bitgauge_arch::mac::Operands;

/// Deviation of normal values in codes, by bits of a symmetric signed code from 2 to 9: those for which the uniform
/// quantizer of so many levels has the least error (Max, Quantizing for Minimum Distortion, 1960).
const DEVIATION: [f64; 8] = [0.817, 1.537, 2.830, 5.175, 9.480, 17.464, 32.394, 60.504];

/// Random numbers (`splitmix64`).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// By a seed.
    #[must_use]
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995_cafe_f00d)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Near enough to normal, deviation 1: a sum of twelve. No library's logarithm, which differs between hosts.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// A signed code: normal, rounded, clamped to the symmetric range.
    pub fn signed(&mut self, bits: u32) -> i64 {
        let most = f64::from((1 << (bits - 1)) - 1);
        (self.normal() * deviation(bits)).round().clamp(-most, most) as i64
    }

    /// An unsigned code that is zero every other time, else the magnitude of a normal one.
    pub fn half_zero(&mut self, bits: u32) -> i64 {
        if self.next() >> 63 == 0 {
            return 0;
        }
        // One bit more has the same magnitudes, and a sign.
        loop {
            let code = self.signed(bits + 1).abs();
            if code != 0 {
                return code;
            }
        }
    }
}

fn deviation(bits: u32) -> f64 {
    DEVIATION.get(bits.saturating_sub(2) as usize).copied().unwrap_or(1.0)
}

/// Codes of activations and weights that are multiplied with each other, and whether activations are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codes {
    /// Activations; of two scales the payloads.
    pub activations: Vec<i64>,
    /// Two scales: which activations are coarse; empty where there is one scale.
    pub coarse: Vec<bool>,
    /// Weights.
    pub weights: Vec<i64>,
    /// Whether activations are signed.
    pub signed: bool,
}

impl Codes {
    /// The sum of the products, coarse activations shifted by `tag_shift`.
    #[must_use]
    pub fn sum(&self, tag_shift: usize) -> i64 {
        let products = self.activations.iter().zip(&self.weights).enumerate();
        products.map(|(at, (a, w))| (a * w) << if self.is_coarse(at) { tag_shift } else { 0 }).sum()
    }

    /// Whether an activation is coarse.
    #[must_use]
    pub fn is_coarse(&self, at: usize) -> bool {
        self.coarse.get(at).copied().unwrap_or(false)
    }
}

/// So many products of a class. Of two scales every fourth activation is coarse, by chance.
#[must_use]
pub fn draw(activity: Activity, operands: Operands, products: usize, seed: u64) -> Codes {
    let mut random = Random::new(seed);
    let signed = activity == Activity::DenseSigned;
    let mut codes = Codes { activations: vec![], coarse: vec![], weights: vec![], signed };
    for _ in 0..products {
        let (a, w) = match activity {
            Activity::Zero => (0, 0),
            Activity::HalfZeroUnsigned => {
                (random.half_zero(operands.payload_bits()), random.signed(operands.weight_bits))
            }
            Activity::DenseSigned => {
                (random.signed(operands.payload_bits()), random.signed(operands.weight_bits))
            }
        };
        codes.activations.push(a);
        if operands.two_scaled {
            codes.coarse.push(random.next() >> 62 == 0);
        }
        codes.weights.push(w);
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_what_they_are_called() {
        for bits in 2..=8 {
            let operands = Operands::uniform(bits, bits);
            let zero = draw(Activity::Zero, operands, 9, 1);
            assert!(zero.activations.iter().chain(&zero.weights).all(|code| *code == 0));
            let half = draw(Activity::HalfZeroUnsigned, operands, 20_000, 1);
            let zeros = half.activations.iter().filter(|code| **code == 0).count();
            assert!((zeros as f64 / 20_000.0 - 0.5).abs() < 0.015, "{bits}: {zeros}");
            assert!(half.activations.iter().all(|code| (0..1 << bits).contains(code)) && !half.signed);
            let dense = draw(Activity::DenseSigned, operands, 20_000, 1);
            let most = (1 << (bits - 1)) - 1;
            assert!(dense.activations.iter().chain(&dense.weights).all(|code| (-most..=most).contains(code)));
            let square: i64 = dense.activations.iter().map(|code| code * code).sum();
            let found = (square as f64 / 20_000.0).sqrt();
            // Two bits: beyond half a step of 1.224 deviations lie 54.05 %. Else rounding adds a twelfth of a code squared,
            // and clamping takes a little.
            let expected =
                if bits == 2 { 0.5405f64.sqrt() } else { (deviation(bits).powi(2) + 1.0 / 12.0).sqrt() };
            assert!((found / expected - 1.0).abs() < 0.05, "{bits}: {found} {expected}");
            assert_ne!(
                draw(Activity::DenseSigned, operands, 99, 1),
                draw(Activity::DenseSigned, operands, 99, 2)
            );
        }
    }
}
