//! Hashes of contents, in hexadecimal.

use sha2::{Digest as _, Sha256};

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(Sha256::new_with_prefix(bytes))
}

/// What was hashed.
#[must_use]
pub fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of named parts. Each is hashed with the length of its name and of its text, so that no part can pass for
/// two.
#[must_use]
pub fn of_parts(parts: &[(&str, &str)]) -> String {
    let mut hash = Sha256::new();
    for text in parts.iter().flat_map(|(name, text)| [name, text]) {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hexadecimal(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The empty text and `abc`, as FIPS 180-4 and its examples have them.
    #[test]
    fn published_examples() {
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let hashes = [
            of_parts(&[("a", "bc")]),
            of_parts(&[("ab", "c")]),
            of_parts(&[("a", "b"), ("c", "")]),
            of_parts(&[("a", "bc"), ("", "")]),
        ];
        for (at, hash) in hashes.iter().enumerate() {
            assert!(!hashes[at + 1..].contains(hash), "{at}");
        }
    }
}
