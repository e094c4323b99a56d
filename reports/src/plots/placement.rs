//! Where labels of points find room.

use crate::ReportError;
use crate::draw::text;

/// Left, top, width, height; pixels.
type Room = [f64; 4];

/// What is taken of an area.
pub struct Placement {
    /// Left, top, right, bottom.
    area: Room,
    taken: Vec<Room>,
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
        Placement { area, taken: Vec::new() }
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
                if !self.inside(&room) || !self.free(&room) || !leader.iter().all(|part| self.free(part)) {
                    continue;
                }
                self.taken.extend(leader);
                self.taken.push(room);
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

    fn free(&self, room: &Room) -> bool {
        !self.taken.iter().any(|other| overlap(room, other))
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
