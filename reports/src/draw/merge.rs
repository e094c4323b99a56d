//! Fewer rectangles for the same area.

/// A rectangle: left, top, right, bottom.
pub type Area = [i32; 4];

/// Joins what lies side by side or overlaps in one row, then what lies so in one column. The area covered
/// stays the same; the order of the result depends on nothing but that of the coordinates.
pub fn merge(areas: Vec<Area>) -> Vec<Area> {
    let turned = |areas: Vec<Area>| areas.into_iter().map(|[a, b, c, d]| [b, a, d, c]).collect();
    turned(runs(turned(runs(areas))))
}

/// Joins along rows: areas of one top and bottom that touch.
fn runs(mut areas: Vec<Area>) -> Vec<Area> {
    areas.sort_unstable_by_key(|&[left, top, right, bottom]| (top, bottom, left, right));
    let mut joined: Vec<Area> = Vec::with_capacity(areas.len());
    for area in areas {
        match joined.last_mut() {
            Some(last) if last[1] == area[1] && last[3] == area[3] && area[0] <= last[2] => {
                last[2] = last[2].max(area[2]);
            }
            _ => joined.push(area),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn cells(areas: &[Area]) -> BTreeSet<(i32, i32)> {
        let cells = |&[left, top, right, bottom]: &Area| {
            (top..bottom).flat_map(move |y| (left..right).map(move |x| (x, y)))
        };
        areas.iter().flat_map(cells).collect()
    }

    #[test]
    fn a_filled_raster_becomes_one() {
        let raster: Vec<Area> =
            (0..6).flat_map(|y| (0..4).map(move |x| [x, y, x + 1, y + 1])).rev().collect();
        assert_eq!(merge(raster), [[0, 0, 4, 6]]);
    }

    #[test]
    fn no_area_is_lost_and_none_gained() {
        let mut state = 1u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 16) % below) as i32
        };
        for count in 0..60 {
            let areas: Vec<Area> = (0..count)
                .map(|_| {
                    let [x, y] = [random(12), random(12)];
                    [x, y, x + random(4), y + 1 + random(2)]
                })
                .collect();
            let merged = merge(areas.clone());
            assert_eq!(cells(&merged), cells(&areas));
            assert!(merged.len() <= areas.len());
        }
    }

    #[test]
    fn what_does_not_touch_stays_apart() {
        assert_eq!(merge(vec![[3, 0, 4, 1], [0, 0, 2, 1]]).len(), 2);
        assert_eq!(merge(vec![[0, 0, 2, 1], [0, 2, 2, 3]]).len(), 2);
    }
}
