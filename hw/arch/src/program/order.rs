//! Where the elements of an ONNX value lie in the storage of a tensor.
//!
//! A tensor is stored as groups, rows, columns, channels; a value of ONNX has dimensions of its own, and some
//! of them may be transposed. Whoever takes results out of the machine's storage takes them by
//! [`ElementOrder::take`], so that there is one answer to where an element is.

use serde::{Deserialize, Serialize};

/// Nested loops over the containers of a tensor, which meet the elements of the value in the order of ONNX.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElementOrder {
    /// Dimensions of the value, the outermost first.
    pub dims: Vec<u64>,
    /// The outermost loop first: so many steps of so many containers each.
    pub loops: Vec<[u64; 2]>,
}

impl ElementOrder {
    /// Loops as they are given; neighbours that are one run are joined, and loops of one step left out.
    #[must_use]
    pub fn new(dims: Vec<u64>, loops: impl IntoIterator<Item = [u64; 2]>) -> ElementOrder {
        let mut joined: Vec<[u64; 2]> = Vec::new();
        for [count, step] in loops.into_iter().filter(|[count, _]| *count != 1) {
            match joined.last_mut() {
                Some(last) if last[1] == count.saturating_mul(step) => {
                    *last = [last[0].saturating_mul(count), step];
                }
                _ => joined.push([count, step]),
            }
        }
        ElementOrder { dims, loops: joined }
    }

    /// The order of storage itself.
    #[must_use]
    pub fn stored(dims: Vec<u64>) -> ElementOrder {
        let elements = dims.iter().product();
        ElementOrder::new(dims, [[elements, 1]])
    }

    /// Whether the elements of the value lie one after the other, as in storage.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        matches!(self.loops[..], [] | [[_, 1]])
    }

    /// Whether it meets each of so many containers once, and has dimensions for as many elements: then every
    /// index is within the tensor.
    #[must_use]
    pub fn covers(&self, containers: u64) -> bool {
        let elements = self.dims.iter().try_fold(1u64, |product, &dim| product.checked_mul(dim));
        let mut loops = self.loops.clone();
        loops.sort_by_key(|&[_, step]| step);
        // From the innermost run on, each step is what all smaller ones span together.
        let span = loops.iter().try_fold(
            1u64,
            |span, &[count, step]| {
                if step == span { span.checked_mul(count) } else { None }
            },
        );
        span == Some(containers) && elements == Some(containers)
    }

    /// Where in storage each element of the value is, in the order of ONNX.
    #[must_use]
    pub fn indices(&self) -> Vec<usize> {
        let mut indices = vec![0];
        for &[count, step] in &self.loops {
            let outer = std::mem::take(&mut indices);
            indices.reserve_exact(outer.len().saturating_mul(count as usize));
            for at in outer {
                indices.extend((0..count as usize).map(|i| at + i * step as usize));
            }
        }
        indices
    }

    /// Containers of `width` bytes in the order of ONNX, from containers in the order of storage; the order must
    /// cover them ([`ElementOrder::covers`]).
    #[must_use]
    pub fn take(&self, stored: &[u8], width: usize) -> Vec<u8> {
        if self.is_stored() {
            return stored.to_vec();
        }
        let container = |at: usize| &stored[at * width..][..width];
        self.indices().into_iter().flat_map(container).copied().collect()
    }

    /// Containers in the order of storage from containers of `width` bytes in the order of ONNX.
    #[must_use]
    pub fn put(&self, elements: &[u8], width: usize) -> Vec<u8> {
        if self.is_stored() {
            return elements.to_vec();
        }
        let mut stored = vec![0; elements.len()];
        for (at, element) in self.indices().into_iter().zip(elements.chunks_exact(width.max(1))) {
            stored[at * width..][..width].copy_from_slice(element);
        }
        stored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map of 2 rows, 3 columns, 4 channels, stored channels last, as ONNX has it: channels first.
    fn map() -> ElementOrder {
        ElementOrder::new(vec![1, 4, 2, 3], [[4, 1], [2, 12], [3, 4]])
    }

    #[test]
    fn a_map_leaves_channels_first() {
        let order = map();
        assert_eq!(order.loops, [[4, 1], [6, 4]], "rows and columns are one run");
        let stored: Vec<u8> = (0..24).collect();
        let taken = order.take(&stored, 1);
        for (channel, plane) in taken.chunks(6).enumerate() {
            let wanted: Vec<u8> = (0..6).map(|pixel| pixel * 4 + channel as u8).collect();
            assert_eq!(plane, wanted);
        }
        assert_eq!(order.put(&taken, 1), stored);
        // Containers of two bytes move together.
        let wide: Vec<u8> = (0..48).collect();
        assert_eq!(order.take(&wide, 2)[..4], [0, 1, 8, 9]);
        let plain = ElementOrder::stored(vec![2, 12]);
        assert!(plain.is_stored() && !order.is_stored());
        assert_eq!((plain.take(&stored, 1), plain.put(&stored, 1)), (stored.clone(), stored));
        assert_eq!(plain.indices(), (0..24).collect::<Vec<usize>>());
    }

    #[test]
    fn what_does_not_meet_each_container_once_is_no_order() {
        assert!(map().covers(24) && !map().covers(25));
        assert!(ElementOrder::stored(vec![1, 1]).covers(1));
        for (dims, loops) in [
            (vec![24], vec![[4, 1], [6, 5]]),
            (vec![24], vec![[4, 1], [6, 3]]),
            (vec![24], vec![[6, 4]]),
            (vec![23], vec![[24, 1]]),
            (vec![u64::MAX, 2], vec![[24, 1]]),
            (vec![24], vec![[u64::MAX, 1], [u64::MAX, u64::MAX]]),
            (vec![0], vec![[0, 1]]),
        ] {
            let order = ElementOrder { dims, loops };
            assert!(!order.covers(24), "{order:?}");
        }
    }
}
