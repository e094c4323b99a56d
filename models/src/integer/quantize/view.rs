//! How a float value's dimensions lie in the axes of an integer tensor.
//!
//! Reshape and Transpose move no data: they change this description alone. A dimension is a product of
//! [`Atom`]s, each a run along one axis; runs of length 1 are left out, so they never stand in the way.

use bitgauge_arch::program::ElementOrder;

use crate::integer::graph::Shape;

/// An axis of an integer tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Groups.
    Group,
    /// Rows.
    Row,
    /// Columns.
    Col,
    /// Channels.
    Channel,
}

use Axis::{Channel, Col, Group, Row};

/// `size` steps of `stride` along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Atom {
    pub axis: Axis,
    pub stride: usize,
    pub size: usize,
}

/// One product of atoms, outermost first, for each dimension of the float value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View(pub Vec<Vec<Atom>>);

/// Where a producer that computes `rows x cols` pixels of flat channels puts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// As computed, one group.
    Map,
    /// Pixels as tokens: rows of one column.
    Tokens,
    /// Channels cut into groups; pixels as tokens.
    Heads(usize),
    /// Channels cut into groups, each transposed.
    Transposed(usize),
    /// Transposed, and so many columns of what was the pixels: rows are channels.
    TransposedMap(usize),
}

/// Whole axes as atoms.
pub fn whole(shape: Shape, axes: &[Axis]) -> Vec<Atom> {
    let size = |axis| match axis {
        Group => shape.groups,
        Row => shape.rows,
        Col => shape.cols,
        Channel => shape.channels,
    };
    let atoms = axes.iter().map(|&axis| Atom { axis, stride: 1, size: size(axis) });
    atoms.filter(|atom| atom.size > 1).collect()
}

/// Joins neighbours that are one run.
pub fn joined(atoms: impl IntoIterator<Item = Atom>) -> Vec<Atom> {
    let mut out: Vec<Atom> = Vec::new();
    for atom in atoms.into_iter().filter(|atom| atom.size > 1) {
        match out.last_mut() {
            Some(last) if last.axis == atom.axis && last.stride == atom.stride * atom.size => {
                *last = Atom { size: last.size * atom.size, ..atom };
            }
            _ => out.push(atom),
        }
    }
    out
}

impl View {
    /// `dims[i]` as whole axes.
    pub fn of(shape: Shape, dims: &[&[Axis]]) -> View {
        View(dims.iter().map(|axes| whole(shape, axes)).collect())
    }

    /// The view after a reshape; `None` where a new dimension would cut across runs.
    pub fn reshape(&self, to: &[usize]) -> Option<View> {
        let mut atoms = self.0.iter().flatten().copied().collect::<std::collections::VecDeque<_>>();
        let mut dims = Vec::new();
        for &size in to {
            let mut need = size;
            let mut dim = Vec::new();
            while need > 1 {
                let atom = atoms.pop_front()?;
                if need % atom.size == 0 {
                    need /= atom.size;
                    dim.push(atom);
                } else if atom.size % need == 0 {
                    let inner = atom.size / need;
                    dim.push(Atom { stride: atom.stride * inner, size: need, ..atom });
                    atoms.push_front(Atom { size: inner, ..atom });
                    need = 1;
                } else {
                    return None;
                }
            }
            dims.push(joined(dim));
        }
        atoms.is_empty().then_some(View(dims))
    }

    /// Where in storage each element of the value is.
    pub fn order(&self, shape: Shape) -> ElementOrder {
        let step = |axis| match axis {
            Group => shape.index(1, 0, 0, 0),
            Row => shape.index(0, 1, 0, 0),
            Col => shape.index(0, 0, 1, 0),
            Channel => 1,
        };
        let size = |dim: &Vec<Atom>| dim.iter().map(|atom| atom.size as u64).product();
        let run = |atom: &Atom| [atom.size as u64, (atom.stride * step(atom.axis)) as u64];
        ElementOrder::new(self.0.iter().map(size).collect(), self.0.iter().flatten().map(run))
    }

    /// As [`View::order`], as a list, in the value's order.
    pub fn indices(&self, shape: Shape) -> Vec<usize> {
        self.order(shape).indices()
    }

    /// The view after a transposition; `perm` must fit.
    pub fn transpose(&self, perm: &[usize]) -> View {
        View(perm.iter().map(|&p| self.0[p].clone()).collect())
    }

    /// Whether the last dimensions are these whole axes, and all before them together `lead`.
    pub fn ends_with(&self, shape: Shape, lead: &[Axis], last: &[&[Axis]]) -> bool {
        let Some(split) = self.0.len().checked_sub(last.len()) else { return false };
        let (head, tail) = self.0.split_at(split);
        let tail_fits = tail.iter().zip(last).all(|(dim, axes)| *dim == whole(shape, axes));
        tail_fits && joined(head.iter().flatten().copied()) == whole(shape, lead)
    }

    /// Whether this is a map `[1, channels, rows, cols]`.
    pub fn is_map(&self, shape: Shape) -> bool {
        self.0.len() == 4 && self.ends_with(shape, &[], &[&[Group, Channel], &[Row], &[Col]])
    }

    /// Whether this is `[.., tokens, flat channels]`.
    pub fn is_tokens(&self, shape: Shape) -> bool {
        self.ends_with(shape, &[Row, Col], &[&[Group, Channel]])
    }

    /// View and shape of a value under a layout; `self` and `shape` are those of [`Layout::Map`].
    pub fn laid_out(&self, shape: Shape, layout: Layout) -> (View, Shape) {
        let pixels = shape.rows * shape.cols;
        let (groups, to) = match layout {
            Layout::Map => return (self.clone(), shape),
            Layout::Tokens => (1, Shape { rows: pixels, cols: 1, ..shape }),
            Layout::Heads(groups) => {
                let channels = shape.channels / groups;
                (groups, Shape { groups, rows: pixels, cols: 1, channels })
            }
            Layout::Transposed(groups) => {
                let rows = shape.channels / groups;
                (groups, Shape { groups, rows, cols: 1, channels: pixels })
            }
            Layout::TransposedMap(cols) => {
                (1, Shape { groups: 1, rows: shape.channels, cols, channels: pixels / cols.max(1) })
            }
        };
        let (pixel, inner) = match layout {
            Layout::Transposed(_) | Layout::TransposedMap(_) => (Channel, Row),
            _ => (Row, Channel),
        };
        // Where a row of pixels becomes several columns: the outer part of a run, and the inner one.
        let row = |atom: Atom| match layout {
            Layout::TransposedMap(_) => {
                let inner = (to.channels / atom.stride.max(1)).clamp(1, atom.size.max(1));
                let outer = (atom.stride * inner / to.channels.max(1)).max(1);
                vec![Atom { axis: Col, stride: outer, size: atom.size / inner }, Atom { size: inner, ..atom }]
            }
            _ => vec![atom],
        };
        let moved = |atom: &Atom| match atom.axis {
            Row => row(Atom { axis: pixel, stride: atom.stride * shape.cols, size: atom.size }),
            Col => row(Atom { axis: pixel, ..*atom }),
            // The channels of a map that was just computed are one run.
            _ => {
                let size = atom.size / groups;
                let outer = Atom { axis: Group, stride: 1, size: groups };
                vec![outer, Atom { axis: inner, stride: 1, size }]
            }
        };
        let dims = self.0.iter().map(|dim| joined(dim.iter().flat_map(moved)));
        (View(dims.collect()), to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_relabelings() {
        let tokens = Shape { groups: 1, rows: 50, cols: 1, channels: 64 };
        let base = View::of(tokens, &[&[], &[Row], &[Channel]]);
        for (layout, perm) in [(Layout::Heads(4), [0, 2, 1, 3]), (Layout::Transposed(4), [0, 2, 3, 1])] {
            let (view, shape) = base.laid_out(tokens, layout);
            let heads = view.reshape(&[1, 50, 4, 16]).unwrap().transpose(&perm);
            assert!(heads.ends_with(shape, &[Group], &[&[Row], &[Channel]]), "{layout:?} {heads:?}");
            assert_eq!(heads.order(shape).loops, shape.stored().loops);
        }
        // Without the layout the heads are no whole axis.
        let heads = base.reshape(&[1, 50, 4, 16]).unwrap().transpose(&[0, 2, 1, 3]);
        assert!(!heads.ends_with(tokens, &[Group], &[&[Row], &[Channel]]));
        // Token 2, head 1, channel 3.
        let flat = heads.indices(tokens);
        assert_eq!((flat.len(), flat[(50 + 2) * 16 + 3]), (50 * 64, 2 * 64 + 16 + 3));
        // And back again.
        assert_eq!(heads.transpose(&[0, 2, 1, 3]).reshape(&[1, 50, 64]).unwrap(), base);
    }

    #[test]
    fn a_map_reads_as_tokens() {
        let map = Shape { groups: 1, rows: 7, cols: 5, channels: 64 };
        let base = View::of(map, &[&[], &[Channel], &[Row], &[Col]]);
        assert!(base.is_map(map));
        assert_eq!(base.order(map).loops, [[64, 1], [35, 64]], "channels outermost, stored innermost");
        let (view, shape) = base.laid_out(map, Layout::Tokens);
        let tokens = view.reshape(&[1, 64, 35]).unwrap().transpose(&[0, 2, 1]);
        assert!(tokens.is_tokens(shape) && tokens.0[1] == whole(shape, &[Row]));
        assert!(base.reshape(&[1, 32, 70]).is_some() && base.reshape(&[1, 128, 3, 6]).is_none());
    }
}
