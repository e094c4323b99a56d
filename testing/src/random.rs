//! A generator of numbers.

/// A small generator; the same numbers on every host.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// A number of 31 bits: the upper ones of Knuth's MMIX generator, The Art of Computer Programming, 3.3.4.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound.max(1)
    }

    /// An index into something of so many elements.
    pub fn index(&mut self, elements: usize) -> usize {
        self.below(elements as u64) as usize
    }

    /// A number below `bound`, for registers and indices.
    pub fn small(&mut self, bound: u32) -> u32 {
        self.below(u64::from(bound)) as u32
    }

    /// One of the choices.
    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// From `low` to `high`, both included.
    pub fn within(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(u64::from(high - low) + 1) as u32
    }

    /// Once in `bound` times.
    pub fn once_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    /// From `-most` to `most`.
    pub fn around_zero(&mut self, most: u32) -> i32 {
        self.within(0, 2 * most) as i32 - most as i32
    }

    /// About normal, mean 0, deviation 1: the sum of twelve uniform numbers.
    pub fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.below(1 << 20) as f32 / (1 << 20) as f32).sum::<f32>() - 6.0
    }

    /// Uniform bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.below(256) as u8).collect()
    }
}
