//! What several units draw alike.

use crate::Random;

impl Random {
    /// Mostly small, so that it moves bytes and leaves them in sight; now and then of all 16 bits.
    pub(in crate::programs) fn zero_point(&mut self) -> i32 {
        if self.once_in(4) { self.any_code() } else { self.around_zero(60) }
    }

    /// A signed code of 16 bits.
    pub(in crate::programs) fn any_code(&mut self) -> i32 {
        self.within(0, 65_535) as i32 - 32_768
    }

    /// Least and greatest code: bytes, everything, a narrow range, or one that is empty.
    pub(in crate::programs) fn clamp(&mut self) -> (i32, i32) {
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
    pub(in crate::programs) fn mantissa(&mut self) -> u32 {
        self.within(32_768, 65_535)
    }

    /// A shift that leaves something of codes of 8 or 16 bits; now and then any.
    pub(in crate::programs) fn shift(&mut self) -> u32 {
        if self.once_in(8) { self.within(1, 47) } else { self.within(12, 22) }
    }

    /// A shift that takes codes of 16 bits to 17 or 18.
    pub(in crate::programs) fn loud_shift(&mut self) -> u32 {
        self.within(13, 15)
    }
}
