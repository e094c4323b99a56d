//! Where labels of points find room.

use crate::ReportError;
use crate::draw::text;

/// Left, top, width, height; pixels.
type Room = [f64; 4];

/// What is taken of an area.
pub struct Placement {
    /// Left, top, right, bottom.
    area: Room,
    taken: Taken,
}

/// Side of a cell of [`Taken`], pixels: about the height of a label.
const CELL: f64 = 16.0;

/// Rooms by the cells of a grid that they touch: whether one is free takes a look at those near it, not at all.
struct Taken {
    /// Left and top of the first cell.
    origin: [f64; 2],
    columns: usize,
    /// Row by row. Those at the edges hold what lies beyond them too.
    cells: Vec<Vec<Room>>,
}

impl Taken {
    fn new([left, top, right, bottom]: Room) -> Taken {
        let cells = |from: f64, to: f64| ((to - from) / CELL).clamp(0.0, 1000.0) as usize + 1;
        let (columns, rows) = (cells(left, right), cells(top, bottom));
        Taken { origin: [left, top], columns, cells: vec![Vec::new(); columns * rows] }
    }

    /// The cells that a room touches, by their places in `cells`.
    fn near(&self, [left, top, width, height]: Room) -> impl Iterator<Item = usize> + use<> {
        let (columns, rows) = (self.columns, self.cells.len() / self.columns);
        let cell = |at: f64, origin: f64, count: usize| (((at - origin) / CELL) as usize).min(count - 1);
        let [x, y] = self.origin;
        let (first, last) = (cell(left, x, columns), cell(left + width, x, columns));
        let (above, below) = (cell(top, y, rows), cell(top + height, y, rows));
        (above..=below).flat_map(move |row| (first..=last).map(move |column| row * columns + column))
    }

    fn push(&mut self, room: Room) {
        for cell in self.near(room) {
            self.cells[cell].push(room);
        }
    }

    fn is_free(&self, room: &Room) -> bool {
        !self.near(*room).any(|cell| self.cells[cell].iter().any(|other| overlap(room, other)))
    }
}

/// Where a label stands.
pub struct Place {
    pub left: f64,
    /// Of its height.
    pub middle: f64,
    /// The line from its point, where it is not next to it.
    pub leader: Option<[[f64; 2]; 2]>,
}

/// Where a label may stand from its point: beside it before above and below, near the level before steep.
const DIRECTIONS: [(f64, f64); 14] = [
    (1.0, 0.0),
    (-1.0, 0.0),
    (0.7, -0.8),
    (0.7, 0.8),
    (-0.7, -0.8),
    (-0.7, 0.8),
    (0.0, -1.3),
    (0.0, 1.3),
    (0.35, 1.0),
    (-0.35, 1.0),
    (0.9, 0.4),
    (-0.9, 0.4),
    (0.9, -0.4),
    (-0.9, -0.4),
];

/// How far it may be, nearest first.
const RADII: [f64; 9] = [8.0, 18.0, 32.0, 50.0, 72.0, 100.0, 130.0, 165.0, 200.0];

impl Placement {
    /// An area (left, top, right, bottom) of which nothing is taken.
    pub fn new(area: Room) -> Placement {
        Placement { area, taken: Taken::new(area) }
    }

    /// Keeps labels away.
    pub fn take(&mut self, room: Room) {
        self.taken.push(room);
    }

    /// Finds room for a label where it hides nothing, near its point; none where there is no room.
    pub fn place(&mut self, [x, y]: [f64; 2], text: &str, size: f64) -> Result<Option<Place>, ReportError> {
        let (width, height) = (text::width(text, size, false)?, size + 2.0);
        for radius in RADII {
            for (dx, dy) in DIRECTIONS {
                let before = if dx < 0.0 {
                    width
                } else if dx == 0.0 {
                    width / 2.0
                } else {
                    0.0
                };
                let room = [x + dx * radius - before, y + dy * radius - height / 2.0, width, height];
                let beside = radius <= RADII[0];
                let leader = if beside { Vec::new() } else { leader([x, y], room) };
                if !self.inside(&room) || !leader.iter().chain([&room]).all(|part| self.taken.is_free(part)) {
                    continue;
                }
                leader.into_iter().chain([room]).for_each(|part| self.taken.push(part));
                let [left, top, ..] = room;
                let end =
                    [left + (x - left).clamp(0.0, width), top + if y < top { 1.0 } else { height - 1.0 }];
                let leader = (!beside).then_some([[x, y], end]);
                return Ok(Some(Place { left, middle: top + height / 2.0, leader }));
            }
        }
        Ok(None)
    }

    fn inside(&self, [left, top, width, height]: &Room) -> bool {
        let [from, above, to, below] = self.area;
        *left > from + 2.0 && left + width < to - 2.0 && *top > above + 2.0 && top + height < below - 2.0
    }
}

/// Boxes along the line from a point, beyond its disc, to its label.
fn leader([x, y]: [f64; 2], [left, top, w, h]: [f64; 4]) -> Vec<[f64; 4]> {
    let end = [left + (x - left).clamp(0.0, w), if y < top { top } else { top + h }];
    let length = (end[0] - x).hypot(end[1] - y);
    let steps = (length / 3.0) as u32;
    (1..steps)
        .map(|step| f64::from(step) / f64::from(steps))
        .filter(|at| at * length > 10.0)
        .map(|at| [x + at * (end[0] - x) - 1.5, y + at * (end[1] - y) - 1.5, 3.0, 3.0])
        .collect()
}

fn overlap(a: &[f64; 4], b: &[f64; 4]) -> bool {
    a[0] < b[0] + b[2] && b[0] < a[0] + a[2] && a[1] < b[1] + b[3] && b[1] < a[1] + a[3]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random: an xorshift generator's.
    struct Random(u64);

    impl Random {
        /// From 0 to below 1.
        fn next(&mut self) -> f64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    /// The oracle looks at every room. Rooms lie in the area, across its border and beyond it.
    #[test]
    fn a_room_is_free_where_none_of_all_overlaps_it() {
        let area = [70.0, 20.0, 730.0, 470.0];
        let mut random = Random(7);
        let mut room = || {
            let [x, y, w, h] = [900.0, 600.0, 60.0, 40.0].map(|most| random.next() * most);
            [x - 50.0, y - 50.0, w, h]
        };
        let mut free = 0;
        for _ in 0..30 {
            let (mut taken, mut all) = (Taken::new(area), Vec::new());
            for _ in 0..100 {
                let here = room();
                let expected = !all.iter().any(|other| overlap(&here, other));
                assert_eq!(taken.is_free(&here), expected, "{here:?}");
                free += u32::from(expected);
                taken.push(here);
                all.push(here);
            }
        }
        assert!((300..2700).contains(&free), "{free} of 3000 are free: that tells too little");
    }

    /// No area, and numbers that are none, end in no panic.
    #[test]
    fn an_area_may_be_empty() {
        let mut taken = Taken::new([5.0, 5.0, 5.0, 1.0]);
        taken.push([f64::NAN, 0.0, f64::INFINITY, 3.0]);
        taken.push([0.0, 0.0, 9.0, 9.0]);
        assert!(!taken.is_free(&[4.0, 4.0, 1.0, 1.0]) && taken.is_free(&[20.0, 4.0, 1.0, 1.0]));
    }
}
