//! Copies of values in the order that a reader needs.

use super::QuantizeError;
use super::lower::{Lowering, Place};
use super::view::{Atom, Axis, View, joined, whole};
use crate::float::{Node, ValueId};
use crate::integer::graph::{IntOp, Shape};

use Axis::{Channel, Group, Row};

/// Which dimensions of a value become groups, and whether the last but one becomes the channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The last dimension as channels, all before it rows in the order in which they are stored.
    Channels,
    /// The last dimension as channels, all before it rows, this one outermost.
    Outermost(usize),
    /// The last two dimensions as rows and channels, all before them groups.
    Heads,
    /// The same with rows and channels exchanged.
    HeadsTransposed,
}

impl Lowering<'_> {
    /// The operand as a node wants it; a copy, unless it lies so.
    pub fn arranged(
        &mut self,
        node: &Node,
        operand: ValueId,
        place: &Place,
        wanted: Wanted,
    ) -> Result<Place, QuantizeError> {
        let (from, dims) = (self.shape_of(place), &place.view.0);
        let size = |dims: &[Vec<Atom>]| dims.iter().flatten().map(|atom| atom.size).product::<usize>();
        let (lead, last) = dims.split_at(dims.len().saturating_sub(match wanted {
            Wanted::Channels | Wanted::Outermost(_) => 1,
            Wanted::Heads | Wanted::HeadsTransposed => 2,
        }));
        let (to, view) = match (wanted, last) {
            (Wanted::Channels, [channels]) => {
                let to = Shape {
                    groups: 1,
                    rows: size(lead),
                    cols: 1,
                    channels: size(std::slice::from_ref(channels)),
                };
                if to.channels == from.channels && from.groups == 1 && *channels == whole(from, &[Channel]) {
                    return Ok(place.clone());
                }
                let mut view = stored(lead);
                view.push(whole(to, &[Channel]));
                (to, View(view))
            }
            (Wanted::Outermost(axis), [_]) => {
                let sizes: Vec<usize> = dims.iter().map(|dim| size(std::slice::from_ref(dim))).collect();
                let rows = size(lead);
                let channels = from.elements() / rows.max(1);
                (Shape { groups: 1, rows, cols: 1, channels }, outermost(&sizes, axis))
            }
            (Wanted::Heads | Wanted::HeadsTransposed, [rows, channels]) => {
                let [rows, channels] = [rows, channels].map(|dim| size(std::slice::from_ref(dim)));
                let turned = wanted == Wanted::HeadsTransposed;
                let (rows, channels) = if turned { (channels, rows) } else { (rows, channels) };
                let to = Shape { groups: size(lead), rows, cols: 1, channels };
                let last = if turned { [Channel, Row] } else { [Row, Channel] };
                let mut view = in_order(lead, Group);
                view.extend(last.map(|axis| whole(to, &[axis])));
                (to, View(view))
            }
            _ => return Err(self.unsupported(node, "the operand has too few dimensions")),
        };
        self.reordered(node, operand, place, to, view)
    }

    /// The operand under another view of the same dimensions.
    pub fn reordered(
        &mut self,
        node: &Node,
        operand: ValueId,
        place: &Place,
        to: Shape,
        view: View,
    ) -> Result<Place, QuantizeError> {
        let from = self.shape_of(place);
        if place.view == view && from == to {
            return Ok(place.clone());
        }
        let (dims, order) = permutation(&place.view, &view)
            .ok_or_else(|| self.unsupported(node, "its operand's dimensions cut across those in memory"))?;
        let code = self.code_of(place);
        let tensor = self.tensor(operand, to, code, &view);
        let name = format!("{}/order_{}", node.name, self.graph.nodes.len());
        let op = IntOp::Permute { dims, order };
        self.emit(&name, op, vec![place.tensor], tensor, (operand, view.clone()));
        // Other readers take it as it was.
        self.places[operand.0] = Some(place.clone());
        Ok(Place { tensor, view, ..place.clone() })
    }
}

/// Dimensions as runs along one axis, the last one innermost.
fn in_order(dims: &[Vec<Atom>], axis: Axis) -> Vec<Vec<Atom>> {
    let mut stride = 1;
    let mut view: Vec<Vec<Atom>> = Vec::new();
    for dim in dims.iter().rev() {
        let size = dim.iter().map(|atom| atom.size).product();
        view.push(joined([Atom { axis, stride, size }]));
        stride *= size;
    }
    view.reverse();
    view
}

/// The view of a value of these dimensions: the last one channels, all before it rows, `axis` outermost.
pub fn outermost(dims: &[usize], axis: usize) -> View {
    let Some((&channels, lead)) = dims.split_last() else { return View(Vec::new()) };
    let mut view = vec![Vec::new(); lead.len()];
    let mut stride = 1;
    for (index, &size) in lead.iter().enumerate().rev().filter(|&(index, _)| index != axis) {
        view[index] = joined([Atom { axis: Row, stride, size }]);
        stride *= size;
    }
    if let Some(own) = view.get_mut(axis) {
        *own = joined([Atom { axis: Row, stride, size: lead[axis] }]);
    }
    view.push(joined([Atom { axis: Channel, stride: 1, size: channels }]));
    View(view)
}

/// Dimensions as runs along the rows, in the order in which they are stored now.
fn stored(dims: &[Vec<Atom>]) -> Vec<Vec<Atom>> {
    let mut atoms: Vec<Atom> = dims.iter().flatten().copied().collect();
    atoms.sort_by_key(place_of);
    let of = |atom: &Atom| {
        let inner = atoms.iter().filter(|other| place_of(other) > place_of(atom));
        Atom { axis: Row, stride: inner.map(|atom| atom.size).product(), size: atom.size }
    };
    dims.iter().map(|dim| joined(dim.iter().map(of))).collect()
}

/// What orders atoms as they are stored, outermost first.
fn place_of(atom: &Atom) -> (usize, std::cmp::Reverse<usize>) {
    let axis = match atom.axis {
        Axis::Group => 0,
        Axis::Row => 1,
        Axis::Col => 2,
        Axis::Channel => 3,
    };
    (axis, std::cmp::Reverse(atom.stride))
}

/// How storage under `from` becomes storage under `to`, two views of one value: sizes in the order of the first, and
/// their order in the second. `None` where the runs of the two cut across each other.
fn permutation(from: &View, to: &View) -> Option<(Vec<usize>, Vec<usize>)> {
    let mut pairs: Vec<(Atom, Atom)> = Vec::new();
    if from.0.len() != to.0.len() {
        return None;
    }
    for (a, b) in from.0.iter().zip(&to.0) {
        let (mut a, mut b) = (a.iter().copied().rev(), b.iter().copied().rev());
        // From the innermost run on: the smaller of the two is a part of the larger.
        let (mut x, mut y) = (a.next(), b.next());
        while let (Some(p), Some(q)) = (x, y) {
            let size = p.size.min(q.size);
            if size == 0 || !p.size.is_multiple_of(size) || !q.size.is_multiple_of(size) {
                return None;
            }
            pairs.push((Atom { size, ..p }, Atom { size, ..q }));
            let rest = |atom: Atom| {
                let rest = Atom { stride: atom.stride * size, size: atom.size / size, ..atom };
                (rest.size > 1).then_some(rest)
            };
            (x, y) = (rest(p).or_else(|| a.next()), rest(q).or_else(|| b.next()));
        }
        if x.is_some() || y.is_some() {
            return None;
        }
    }
    pairs.sort_by_key(|(a, _)| place_of(a));
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    order.sort_by_key(|&index| place_of(&pairs[index].1));
    let dims: Vec<usize> = pairs.iter().map(|(a, _)| a.size).collect();
    Some(merged(&dims, &order))
}

/// The same permutation with neighbours that stay neighbours as one dimension.
fn merged(dims: &[usize], order: &[usize]) -> (Vec<usize>, Vec<usize>) {
    // Runs in the output's order: first dimension and size.
    let mut runs: Vec<(usize, usize, usize)> = Vec::new();
    for &dim in order {
        match runs.last_mut() {
            Some((first, count, size)) if *first + *count == dim => {
                (*count, *size) = (*count + 1, *size * dims[dim]);
            }
            _ => runs.push((dim, 1, dims[dim])),
        }
    }
    let mut by_input: Vec<usize> = (0..runs.len()).collect();
    by_input.sort_by_key(|&run| runs[run].0);
    let mut order = vec![0; runs.len()];
    by_input.iter().enumerate().for_each(|(position, &run)| order[run] = position);
    match runs.is_empty() {
        true => (vec![1], vec![0]),
        false => (by_input.iter().map(|&run| runs[run].2).collect(), order),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutations_follow_the_views() {
        let map = Shape { groups: 1, rows: 4, cols: 6, channels: 5 };
        let base = View::of(map, &[&[], &[Channel], &[Row], &[Axis::Col]]);
        let windows = base.transpose(&[0, 2, 3, 1]).reshape(&[1, 2, 2, 3, 2, 5]).unwrap();
        let windows = windows.transpose(&[0, 1, 3, 2, 4, 5]).reshape(&[6, 4, 5]).unwrap();
        let tokens = Shape { groups: 1, rows: 24, cols: 1, channels: 5 };
        let mut to = in_order(&windows.0[..2], Row);
        to.push(whole(tokens, &[Channel]));
        let (dims, order) = permutation(&windows, &View(to.clone())).unwrap();
        assert_eq!((dims, order), (vec![2, 2, 3, 10], vec![0, 2, 1, 3]));
        // What it says is what both views say.
        let (from, to) = (windows.indices(map), View(to).indices(tokens));
        let turned = |index: usize| {
            let [a, b, c, d] = [index / 60, index / 30 % 2, index / 10 % 3, index % 10];
            ((a * 3 + c) * 2 + b) * 10 + d
        };
        assert!(from.iter().zip(&to).all(|(&from, &to)| turned(from) == to));
        // Codes and pixels exchanged.
        let rows = stored(&base.0[..3]);
        assert_eq!(rows[1], [Atom { axis: Row, stride: 1, size: 5 }]);
        assert_eq!(rows[2], [Atom { axis: Row, stride: 5, size: 4 }]);
    }
}
