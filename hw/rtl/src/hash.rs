//! One hash for what has to be told apart: FNV-1a of 64 bits.

use std::hash::Hasher as _;

use fnv::FnvHasher;

/// The hash of some bytes.
#[must_use]
pub fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hasher = FnvHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    /// Of the authors' test suite, draft-eastlake-fnv.
    #[test]
    fn hashes_are_those_of_fnv() {
        assert_eq!(super::fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(super::fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
