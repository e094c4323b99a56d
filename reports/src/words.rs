//! Numbers that JSON has no form for.

use serde::Serializer;

/// Serializes a number; what is not finite as a word of its own, where `null` would say all and nothing.
///
/// # Errors
/// The serializer's.
pub fn number_or_word<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match *number {
        x if x.is_nan() => serializer.serialize_str("not a number"),
        f64::INFINITY => serializer.serialize_str("infinite"),
        f64::NEG_INFINITY => serializer.serialize_str("minus infinite"),
        x => serializer.serialize_f64(x),
    }
}
