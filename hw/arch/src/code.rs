//! What holds a code on chip.

pub mod two_scale;

use crate::arith::Signedness;
use crate::arith::softmax::OutputCode;
use crate::command::{Compute, Load, Vector};
use two_scale::TwoScale;

/// A place for one code in a scratchpad line, and in memory where codes do not lie dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Container {
    /// A byte, for codes of up to 8 bits. Whether it is read with a sign is said by who reads it.
    Byte,
    /// Two bytes, little endian, for codes of 9 to 16 bits, which are signed.
    Word,
}

impl Container {
    /// Of codes of so many bits.
    #[must_use]
    pub const fn of_bits(bits: u32) -> Container {
        if bits > 8 { Container::Word } else { Container::Byte }
    }

    /// By a register that is 0 for bytes.
    #[must_use]
    pub const fn of_flag(wide: u32) -> Container {
        if wide == 0 { Container::Byte } else { Container::Word }
    }

    /// Bytes of one code.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Container::Byte => 1,
            Container::Word => 2,
        }
    }

    /// Bytes of so many codes.
    #[must_use]
    pub const fn bytes_of(self, codes: u64) -> u64 {
        codes * self.bytes() as u64
    }

    /// Lines of `line_bytes` bytes that so many codes take.
    #[must_use]
    pub const fn lines(self, codes: u64, line_bytes: u64) -> u64 {
        self.bytes_of(codes).div_ceil(line_bytes)
    }

    /// Code number `index` of a slice of containers.
    #[must_use]
    #[inline]
    pub fn read(self, bytes: &[u8], index: usize, sign: Signedness) -> i32 {
        match (self, sign) {
            (Container::Word, _) => i32::from(i16::from_le_bytes([bytes[2 * index], bytes[2 * index + 1]])),
            (Container::Byte, Signedness::Signed) => i32::from(bytes[index] as i8),
            (Container::Byte, Signedness::Unsigned) => i32::from(bytes[index]),
        }
    }

    /// Writes the low bits of `value` as code number `index`.
    #[inline]
    pub fn write(self, bytes: &mut [u8], index: usize, value: i32) {
        match self {
            Container::Word => bytes[2 * index..2 * index + 2].copy_from_slice(&(value as i16).to_le_bytes()),
            Container::Byte => bytes[index] = value as u8,
        }
    }
}

/// A place for one code in an operand line: what loads make and the array's feeders read. Codes lie one after the other
/// from the lowest bits of a byte up, each in as many bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum OperandContainer {
    /// A byte.
    #[default]
    Bits8,
    /// Half a byte.
    Bits4,
    /// A quarter of a byte.
    Bits2,
}

impl OperandContainer {
    /// All of them.
    pub const ALL: [OperandContainer; 3] =
        [OperandContainer::Bits8, OperandContainer::Bits4, OperandContainer::Bits2];

    /// By its number in registers.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<OperandContainer> {
        match code {
            0 => Some(OperandContainer::Bits8),
            1 => Some(OperandContainer::Bits4),
            2 => Some(OperandContainer::Bits2),
            _ => None,
        }
    }

    /// Its number in registers; a byte has two to the power of so many codes.
    #[must_use]
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The least that holds codes of so many bits.
    #[must_use]
    pub const fn of_bits(bits: u32) -> OperandContainer {
        match bits {
            0..=2 => OperandContainer::Bits2,
            3..=4 => OperandContainer::Bits4,
            _ => OperandContainer::Bits8,
        }
    }

    /// Bits of one code.
    #[must_use]
    pub const fn bits(self) -> u32 {
        8 >> self.code()
    }

    /// Codes in so many bytes.
    #[must_use]
    pub const fn codes_of(self, bytes: u64) -> u64 {
        bytes << self.code()
    }

    /// Bytes of so many codes; the last may have room for more.
    #[must_use]
    pub const fn bytes_of(self, codes: u64) -> u64 {
        codes.div_ceil(1 << self.code())
    }

    /// Lines of `line_bytes` bytes that so many codes take.
    #[must_use]
    pub const fn lines(self, codes: u64, line_bytes: u64) -> u64 {
        self.bytes_of(codes).div_ceil(line_bytes)
    }

    /// A byte that has `code` in each of its places.
    #[must_use]
    pub const fn repeated(self, code: u8) -> u8 {
        match self {
            OperandContainer::Bits8 => code,
            OperandContainer::Bits4 => (code & 0xf) * 0x11,
            OperandContainer::Bits2 => (code & 3) * 0x55,
        }
    }
}

impl Load {
    /// What codes become; an unknown one reads as bytes.
    #[must_use]
    pub fn operand_container(&self) -> OperandContainer {
        OperandContainer::from_code(self.container).unwrap_or_default()
    }
}

impl Compute {
    /// What the operands lie in; an unknown one reads as bytes.
    #[must_use]
    pub fn operand_container(&self) -> OperandContainer {
        OperandContainer::from_code(self.container).unwrap_or_default()
    }

    /// Signs of the activations.
    #[must_use]
    pub fn activation_sign(&self) -> Signedness {
        if self.activation_signed == 1 { Signedness::Signed } else { Signedness::Unsigned }
    }

    /// How the activations' codes are read where they have two scales.
    #[must_use]
    pub fn two_scale(&self) -> Option<TwoScale> {
        let bits = self.operands().activation_bits;
        (self.tag_shift > 0).then(|| TwoScale { bits, shift: self.tag_shift, sign: self.activation_sign() })
    }

    /// Lines of a segment of the operands.
    #[must_use]
    pub fn segment_lines(&self, line_bytes: u64) -> u64 {
        self.operand_container().lines(u64::from(self.channels), line_bytes)
    }

    /// What the outputs lie in.
    #[must_use]
    pub fn output(&self) -> Container {
        Container::of_flag(self.output_wide)
    }

    /// What the residual's codes lie in, where one is added.
    #[must_use]
    pub fn residual(&self) -> Option<Container> {
        (self.residual_enable == 1).then_some(Container::of_flag(self.residual_wide))
    }
}

impl Vector {
    /// The codes that softmax emits.
    #[must_use]
    pub fn softmax_code(&self) -> OutputCode {
        OutputCode { bits: self.output_bits as u8, tag_shift: self.tag_shift as u8 }
    }

    /// What the first operand's codes lie in.
    #[must_use]
    pub fn source(&self) -> Container {
        Container::of_flag(self.source_wide)
    }

    /// What the second operand's codes lie in, where an addition has one.
    #[must_use]
    pub fn second(&self) -> Option<Container> {
        (self.second_enable == 1).then_some(Container::of_flag(self.second_wide))
    }

    /// What the outputs lie in.
    #[must_use]
    pub fn output(&self) -> Container {
        Container::of_flag(self.output_wide)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_back_and_leave_their_neighbours() {
        for (container, values) in [(Container::Byte, -128..128), (Container::Word, -32_768..32_768)] {
            for value in values.step_by(77) {
                let mut bytes = vec![0x55; 3 * container.bytes()];
                container.write(&mut bytes, 1, value);
                assert_eq!(container.read(&bytes, 1, Signedness::Signed), value);
                assert!(bytes[..container.bytes()].iter().all(|&byte| byte == 0x55));
                assert!(bytes[2 * container.bytes()..].iter().all(|&byte| byte == 0x55));
            }
        }
        assert_eq!(Container::Byte.read(&[0xff], 0, Signedness::Unsigned), 255);
    }

    #[test]
    fn operand_lines_hold_more_narrow_codes() {
        for (container, bits) in OperandContainer::ALL.into_iter().zip([8, 4, 2]) {
            assert_eq!(
                (container.bits(), OperandContainer::from_code(container.code())),
                (bits, Some(container))
            );
            assert_eq!(container.codes_of(16), 128 / u64::from(bits));
            assert_eq!(OperandContainer::of_bits(bits), container);
            for codes in 0..70 {
                assert_eq!(container.bytes_of(codes), (codes * u64::from(bits)).div_ceil(8));
            }
        }
        assert_eq!(OperandContainer::from_code(3), None);
        assert_eq!([3, 5, 7].map(OperandContainer::of_bits).map(OperandContainer::bits), [4, 8, 8]);
        assert_eq!(OperandContainer::ALL.map(|container| container.repeated(0xfe)), [0xfe, 0xee, 0xaa]);
    }

    #[test]
    fn lines_are_whole() {
        assert_eq!((Container::Byte.lines(17, 16), Container::Word.lines(17, 16)), (2, 3));
        assert_eq!((Container::of_bits(8), Container::of_bits(9)), (Container::Byte, Container::Word));
    }
}
