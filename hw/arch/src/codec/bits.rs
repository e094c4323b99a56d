//! Streams of bits, least significant bit first.

/// Collects bits into bytes.
#[derive(Clone, Debug, Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
    pending: u64,
    count: u32,
}

impl BitWriter {
    /// Appends the low `width` (at most 32) bits of `value`.
    pub fn push(&mut self, value: u32, width: u32) {
        self.pending |= (u64::from(value) & ((1u64 << width) - 1)) << self.count;
        self.count += width;
        while self.count >= 8 {
            self.bytes.push(self.pending as u8);
            self.pending >>= 8;
            self.count -= 8;
        }
    }

    /// The bytes, the last one filled with zeros.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push(self.pending as u8);
        }
        self.bytes
    }
}

/// Reads bits from bytes; beyond the end there are zeros.
#[derive(Clone, Debug)]
pub struct BitReader<'a> {
    bytes: &'a [u8],
    position: usize,
    pending: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    /// Reads from the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> BitReader<'a> {
        BitReader { bytes, position: 0, pending: 0, count: 0 }
    }

    /// The next `width` (at most 32) bits.
    pub fn pull(&mut self, width: u32) -> u32 {
        while self.count < width {
            let byte = self.bytes.get(self.position).copied().unwrap_or(0);
            self.pending |= u64::from(byte) << self.count;
            self.position += 1;
            self.count += 8;
        }
        let value = (self.pending & ((1u64 << width) - 1)) as u32;
        self.pending >>= width;
        self.count -= width;
        value
    }
}
