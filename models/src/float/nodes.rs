//! The nodes of a float graph, and an index of who makes and who reads each value.
//!
//! Contract: what `Nodes::links` says is what a look at every node would find. The index follows the changes: a
//! node that is changed in place, added at the end or buried costs its own values; what moves nodes costs a new
//! index when it is next asked for. So a pass over a deep network takes time in proportion to its depth.

use std::ops::{Deref, DerefMut, Index, IndexMut};
use std::sync::{Arc, Mutex, PoisonError};

use super::graph::{Node, NodeId, ValueId};
use super::ops::Op;
use super::ops::identity::Identity;

/// Nodes in order. A `Vec` in all but that it knows what changed since it was last asked for its links.
#[derive(Debug, Default)]
pub struct Nodes {
    list: Vec<Node>,
    index: Mutex<LinkIndex>,
}

/// Who makes and who reads each value: a snapshot, indexed by [`ValueId`].
#[derive(Debug, Clone)]
pub struct Links {
    uses: Arc<Uses>,
    outputs: Vec<ValueId>,
}

/// Nodes that make and that read each value, in order, once per use.
#[derive(Debug, Clone, Default)]
struct Uses {
    makers: Vec<Vec<NodeId>>,
    readers: Vec<Vec<NodeId>>,
}

/// What is known of the nodes.
#[derive(Debug, Default)]
struct LinkIndex {
    uses: Arc<Uses>,
    /// Inputs and outputs of each node that `uses` knows.
    seen: Vec<[Vec<ValueId>; 2]>,
    /// Nodes that may have changed since.
    changed: Vec<usize>,
    /// Whether nodes may have moved since.
    moved: bool,
}

impl Links {
    /// The node that makes `value`; `None` for inputs and constants.
    #[must_use]
    pub fn producer(&self, value: ValueId) -> Option<NodeId> {
        self.uses.makers.get(value.0)?.last().copied()
    }

    /// The nodes that read `value`, in order, once per use.
    #[must_use]
    pub fn consumers(&self, value: ValueId) -> &[NodeId] {
        self.uses.readers.get(value.0).map_or(&[], Vec::as_slice)
    }

    /// Whether `value` is a graph output.
    #[must_use]
    pub fn is_output(&self, value: ValueId) -> bool {
        self.outputs.contains(&value)
    }

    /// The only reader of `value`, if it has exactly one and is no graph output.
    #[must_use]
    pub fn sole_consumer(&self, value: ValueId) -> Option<NodeId> {
        match self.consumers(value) {
            [one] if !self.is_output(value) => Some(*one),
            _ => None,
        }
    }
}

impl Nodes {
    /// Adds a node at the end.
    pub fn push(&mut self, node: Node) {
        let at = self.list.len();
        self.index().changed.push(at);
        self.list.push(node);
    }

    /// Takes a node away and leaves one without operands and results in its place, which
    /// [`remove_dead_nodes`](super::FloatGraph::remove_dead_nodes) takes away: the others keep their places.
    pub fn bury(&mut self, at: usize) -> Node {
        let (name, op) = (String::new(), Op::Identity(Identity));
        std::mem::replace(&mut self[at], Node { name, op, inputs: Vec::new(), outputs: Vec::new() })
    }

    /// Keeps the nodes of `order`, in that order.
    pub fn reorder(&mut self, order: &[usize]) {
        let mut old: Vec<Option<Node>> = std::mem::take(&mut **self).into_iter().map(Some).collect();
        self.list = order.iter().filter_map(|&at| old.get_mut(at)?.take()).collect();
    }

    /// Producers and consumers of the first `values` values, as the nodes are now, in a graph with these outputs.
    pub(super) fn links(&self, values: usize, outputs: &[ValueId]) -> Links {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        index.refresh(&self.list, values);
        Links { uses: Arc::clone(&index.uses), outputs: outputs.to_vec() }
    }

    fn index(&mut self) -> &mut LinkIndex {
        self.index.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LinkIndex {
    fn refresh(&mut self, nodes: &[Node], values: usize) {
        if std::mem::take(&mut self.moved) {
            (self.uses, self.seen) = (Arc::default(), Vec::new());
            self.changed = (0..nodes.len()).collect();
        }
        self.changed.sort_unstable();
        self.changed.dedup();
        if self.changed.is_empty() && self.uses.makers.len() == values {
            return;
        }
        let Uses { makers, readers } = Arc::make_mut(&mut self.uses);
        makers.resize(values, Vec::new());
        readers.resize(values, Vec::new());
        self.seen.resize(nodes.len(), Default::default());
        for &at in &self.changed {
            let [inputs, outputs] = std::mem::take(&mut self.seen[at]);
            inputs.iter().for_each(|v| forget(readers, *v, at));
            outputs.iter().for_each(|v| forget(makers, *v, at));
        }
        for at in self.changed.drain(..) {
            let Node { inputs, outputs, .. } = &nodes[at];
            inputs.iter().for_each(|v| learn(readers, *v, at));
            outputs.iter().for_each(|v| learn(makers, *v, at));
            self.seen[at] = [inputs.clone(), outputs.clone()];
        }
    }
}

/// Takes a node off a value's list.
fn forget(lists: &mut [Vec<NodeId>], value: ValueId, at: usize) {
    if let Some(list) = lists.get_mut(value.0) {
        list.retain(|id| id.0 != at);
    }
}

/// Puts a node on a value's list.
fn learn(lists: &mut [Vec<NodeId>], value: ValueId, at: usize) {
    if let Some(list) = lists.get_mut(value.0) {
        list.insert(list.partition_point(|id| id.0 <= at), NodeId(at));
    }
}

impl Deref for Nodes {
    type Target = Vec<Node>;

    fn deref(&self) -> &Vec<Node> {
        &self.list
    }
}

impl DerefMut for Nodes {
    fn deref_mut(&mut self) -> &mut Vec<Node> {
        self.index().moved = true;
        &mut self.list
    }
}

impl Index<usize> for Nodes {
    type Output = Node;

    fn index(&self, at: usize) -> &Node {
        &self.list[at]
    }
}

impl IndexMut<usize> for Nodes {
    fn index_mut(&mut self, at: usize) -> &mut Node {
        self.index().changed.push(at);
        &mut self.list[at]
    }
}

impl<'a> IntoIterator for &'a Nodes {
    type Item = &'a Node;
    type IntoIter = std::slice::Iter<'a, Node>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

impl Clone for Nodes {
    fn clone(&self) -> Self {
        Self::from(self.list.clone())
    }
}

impl PartialEq for Nodes {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl From<Vec<Node>> for Nodes {
    fn from(list: Vec<Node>) -> Self {
        Self { list, index: Mutex::new(LinkIndex { moved: true, ..LinkIndex::default() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: usize = 12;

    fn node(state: &mut usize) -> Node {
        let mut draw = |most: usize| {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*state >> 33) % most
        };
        let inputs = (0..draw(4)).map(|_| ValueId(draw(VALUES))).collect();
        let outputs = (0..draw(3)).map(|_| ValueId(draw(VALUES))).collect();
        Node { name: String::new(), op: Op::Identity(Identity), inputs, outputs }
    }

    /// By a look at every node, as the index was made before it followed changes.
    fn looked_up(nodes: &Nodes) -> Vec<Vec<NodeId>> {
        let reads = |v: ValueId| {
            move |(i, n): (usize, &Node)| {
                std::iter::repeat_n(NodeId(i), n.inputs.iter().filter(|&&x| x == v).count())
            }
        };
        (0..VALUES).map(|v| nodes.iter().enumerate().flat_map(reads(ValueId(v))).collect()).collect()
    }

    #[test]
    fn the_index_follows_every_kind_of_change() {
        let (mut nodes, mut state) = (Nodes::default(), 1);
        for turn in 0..2000 {
            let made = node(&mut state);
            let at = state % nodes.len().max(1);
            match turn % 8 {
                0 | 1 => nodes.push(made),
                _ if nodes.is_empty() => {}
                2 => nodes[at] = made,
                3 => nodes[at].inputs = made.inputs,
                4 => drop(nodes.bury(at)),
                5 => nodes.insert(at, made),
                6 => nodes.reorder(&(0..nodes.len()).rev().filter(|i| i % 9 > 0).collect::<Vec<_>>()),
                _ => drop(nodes.remove(at)),
            }
            let links = nodes.links(VALUES, &[ValueId(3)]);
            for (v, readers) in looked_up(&nodes).iter().enumerate() {
                assert_eq!(links.consumers(ValueId(v)), readers, "turn {turn}, value {v}");
                let maker = nodes.iter().rposition(|n| n.outputs.contains(&ValueId(v))).map(NodeId);
                assert_eq!(links.producer(ValueId(v)), maker, "turn {turn}, value {v}");
            }
        }
        assert!(!nodes.is_empty());
    }
}
