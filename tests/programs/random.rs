//! A generator of numbers, and what several units draw alike.

/// A small generator; the same numbers on every host.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
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
    pub(super) fn once_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    /// From `-most` to `most`.
    pub(super) fn around_zero(&mut self, most: u32) -> i32 {
        self.within(0, 2 * most) as i32 - most as i32
    }

    /// Mostly small, so that it moves bytes and leaves them in sight; now and then of all 16 bits.
    pub(super) fn zero_point(&mut self) -> i32 {
        if self.once_in(4) { self.any_code() } else { self.around_zero(60) }
    }

    /// A signed code of 16 bits.
    pub(super) fn any_code(&mut self) -> i32 {
        self.within(0, 65_535) as i32 - 32_768
    }

    /// Least and greatest code: bytes, everything, a narrow range, or one that is empty.
    pub(super) fn clamp(&mut self) -> (i32, i32) {
        match self.below(16) {
            0..5 => (-32_768, 32_767),
            5..8 => (-128, 127),
            8..10 => (0, 255),
            10..13 => (-(self.within(0, 300) as i32), self.within(0, 300) as i32),
            13..15 => (-(self.within(0, 32_768) as i32), self.within(0, 32_767) as i32),
            _ => (self.within(0, 100) as i32, self.around_zero(50)),
        }
    }

    /// A mantissa of a valid scale.
    pub(super) fn mantissa(&mut self) -> u32 {
        self.within(32_768, 65_535)
    }

    /// A shift that leaves something of codes of 8 or 16 bits; now and then any.
    pub(super) fn shift(&mut self) -> u32 {
        if self.once_in(8) { self.within(1, 47) } else { self.within(12, 22) }
    }

    /// A shift that takes codes of 16 bits to 17 or 18.
    pub(super) fn loud_shift(&mut self) -> u32 {
        self.within(13, 15)
    }
}
