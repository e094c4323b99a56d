//! Exact integers: what an expression in a kernel computes.
//!
//! The whole semantics of this crate is one sentence: an expression is an exact integer, and a value is
//! cut to the width of its signal when it is assigned. [`Word`] is the expression side of it.

use std::ops::{Add, BitAnd, BitOr, BitXor, Mul, Neg, Shl, Shr, Sub};

/// The integer that carries a value in simulation.
pub type Value = i128;

/// The widest signal, and the widest operand of a comparison or right shift: what is left of [`Value`]
/// is room for carries. Wider words are vectors of lanes.
pub const MAX_BITS: usize = if Value::BITS == 128 { 100 } else { 62 };

/// The number of bits of the carrier.
const CARRIER: usize = Value::BITS as usize;

/// An exact integer inside an expression.
#[derive(Clone, Copy, Debug, Default)]
pub struct Word {
    value: Value,
    /// The width given by [`bits_w`]; `#[hdl_gen]` asks for it.
    cast: usize,
}

impl Word {
    /// The integer.
    #[must_use]
    pub fn value(self) -> Value {
        self.value
    }

    /// The width of the last [`bits_w`]; `#[hdl_gen]` calls this.
    #[must_use]
    pub fn bits(self) -> usize {
        self.cast
    }

    /// Whether the integer differs from zero.
    #[must_use]
    pub fn any(self) -> bool {
        self.value != 0
    }

    /// Bit number `index` of the two's complement representation, however far up.
    #[must_use]
    pub fn get_bit(self, index: impl Into<Word>) -> bool {
        (self >> index.into()).value & 1 == 1
    }
}

macro_rules! from_integer {
    ($($integer:ty)*) => { $(
        impl From<$integer> for Word {
            #[inline]
            fn from(value: $integer) -> Word {
                Word { value: value as Value, cast: 0 }
            }
        }
    )* };
}
from_integer!(bool i32 i64 i128 usize);

impl PartialEq for Word {
    fn eq(&self, other: &Word) -> bool {
        self.value == other.value
    }
}

impl PartialOrd for Word {
    fn partial_cmp(&self, other: &Word) -> Option<std::cmp::Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl PartialEq<usize> for Word {
    fn eq(&self, other: &usize) -> bool {
        self.value == *other as Value
    }
}

impl PartialOrd<usize> for Word {
    fn partial_cmp(&self, other: &usize) -> Option<std::cmp::Ordering> {
        self.value.partial_cmp(&(*other as Value))
    }
}

macro_rules! operator {
    ($($operator:ident $method:ident $compute:expr;)*) => { $(
        impl $operator<Word> for Word {
            type Output = Word;
            #[inline]
            fn $method(self, other: Word) -> Word {
                let compute: fn(Value, Value) -> Value = $compute;
                compute(self.value, other.value).into()
            }
        }
        impl $operator<usize> for Word {
            type Output = Word;
            #[inline]
            fn $method(self, other: usize) -> Word {
                self.$method(Word::from(other))
            }
        }
        impl $operator<bool> for Word {
            type Output = Word;
            #[inline]
            fn $method(self, other: bool) -> Word {
                self.$method(Word::from(other))
            }
        }
    )* };
}
operator! {
    Add add |a, b| a.wrapping_add(b);
    Sub sub |a, b| a.wrapping_sub(b);
    Mul mul |a, b| a.wrapping_mul(b);
    BitAnd bitand |a, b| a & b;
    BitOr bitor |a, b| a | b;
    BitXor bitxor |a, b| a ^ b;
    Shl shl |a, b| if (0..CARRIER as Value).contains(&b) { a << b } else { 0 };
    Shr shr |a, b| a >> b.clamp(0, CARRIER as Value - 1);
}

impl Neg for Word {
    type Output = Word;
    #[inline]
    fn neg(self) -> Word {
        self.value.wrapping_neg().into()
    }
}

/// The low `width` bits as an unsigned number.
///
/// The name matters: `#[hdl_gen]` takes every function that starts with `bits` for a cast.
#[must_use]
pub fn bits_w(word: Word, width: usize) -> Word {
    Word { value: cut(word.value, width, false), cast: width }
}

/// Reads the result of [`bits_w`] as two's complement of the same width.
///
/// The name matters here too: `signed_cast` is how `#[hdl_gen]` knows it.
#[must_use]
pub fn signed_cast_w(word: Word) -> Word {
    Word { value: cut(word.value, word.cast, true), cast: word.cast }
}

/// Cuts a value to `width` bits, two's complement where `signed`.
#[must_use]
#[inline]
pub(crate) fn cut(value: Value, width: usize, signed: bool) -> Value {
    let unused = CARRIER - width.clamp(1, CARRIER);
    if signed { (value << unused) >> unused } else { ((value << unused).cast_unsigned() >> unused) as Value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_exact() {
        let (a, b) = (Word::from(-128), Word::from(127));
        assert_eq!((a * b).value(), -16256);
        assert_eq!((a - b).value(), -255);
        assert_eq!((a >> 3usize).value(), -16);
        assert_eq!((a << Word::from(3)).value(), -1024);
        assert_eq!((-a).value(), 128);
        assert_eq!((b + true).value(), 128);
        assert!(a < b && a != 5 && b > 100);
    }

    #[test]
    fn shifts_out_of_range_give_zero_or_the_sign() {
        assert_eq!((Word::from(5) << 200usize).value(), 0);
        assert_eq!((Word::from(-5) >> 200usize).value(), -1);
    }

    #[test]
    fn casts_cut_and_reread() {
        assert_eq!(bits_w(Word::from(-1), 4).value(), 15);
        assert_eq!(signed_cast_w(bits_w(Word::from(8), 4)).value(), -8);
        assert!(Word::from(-1).get_bit(90usize) && !Word::from(2).get_bit(0usize));
    }
}
