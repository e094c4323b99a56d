//! Bytes that are shared, not copied: the weights of a graph are as they are in its program, and there can be
//! hundreds of megabytes of them.

use std::ops::{Deref, Range};
use std::sync::Arc;

/// The content of a [`Segment`](super::Segment): a part of something that others may hold as well.
#[derive(Clone, Debug)]
pub struct Bytes {
    held: Held,
    range: Range<usize>,
}

#[derive(Clone, Debug)]
enum Held {
    Bytes(Arc<Vec<u8>>),
    Codes(Arc<[i8]>),
}

impl Bytes {
    /// The bytes of a range of codes; of none where the codes do not reach so far.
    #[must_use]
    pub fn of_codes(codes: &Arc<[i8]>, range: Range<usize>) -> Bytes {
        let range = if codes.get(range.clone()).is_some() { range } else { 0..0 };
        Bytes { held: Held::Codes(Arc::clone(codes)), range }
    }

    /// A part of them; nothing where they do not reach so far.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Bytes {
        let range = if self.get(range.clone()).is_some() { range } else { 0..0 };
        let first = self.range.start;
        Bytes { held: self.held.clone(), range: first + range.start..first + range.end }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        let range = 0..bytes.len();
        Bytes { held: Held::Bytes(Arc::new(bytes)), range }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.held {
            Held::Bytes(bytes) => &bytes[self.range.clone()],
            Held::Codes(codes) => as_bytes(&codes[self.range.clone()]),
        }
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Bytes) -> bool {
        **self == **other
    }
}

impl Eq for Bytes {}

/// The same memory, read without signs.
fn as_bytes(codes: &[i8]) -> &[u8] {
    // SAFETY: both are one byte, without padding or invalid values, and the lifetime stays.
    unsafe { std::slice::from_raw_parts(codes.as_ptr().cast::<u8>(), codes.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_their_bytes() {
        let codes: Arc<[i8]> = Arc::from([-1, 0, 127, -128]);
        assert_eq!(*Bytes::of_codes(&codes, 0..4), [255, 0, 127, 128]);
        assert_eq!(Bytes::of_codes(&codes, 2..4), Bytes::from(vec![127, 128]));
        assert!(Bytes::of_codes(&codes, 3..5).is_empty());
        assert_eq!(*Bytes::of_codes(&codes, 1..4).part(1..2), [127]);
        assert!(Bytes::of_codes(&codes, 1..4).part(1..4).is_empty());
    }
}
