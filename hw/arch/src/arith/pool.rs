//! Pooling over codes.

use super::{Post, Requant};

/// Average: the exact sum of `taps` codes minus `taps` zero points, scaled by `1/taps` and the ratio of
/// the scales in one requantization.
#[must_use]
#[inline]
pub fn average(sum: i64, taps: i64, input_zero_point: i32, requant: Requant, post: &Post) -> i32 {
    post.finish(requant.apply(sum - taps * i64::from(input_zero_point)))
}
