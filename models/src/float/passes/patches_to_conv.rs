//! Writes a linear layer over patches of a map, which views or gathers cut out, as a convolution: a permutation before
//! constant weights is one of the weights.

use crate::float::graph::{FloatGraph, Node, NodeId, ValueId};
use crate::float::nodes::Links;
use crate::float::ops::conv::Conv;
use crate::float::ops::window::Window;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

use super::chain::Chain;
use super::channels_last::is_map;
use super::replace_each;

/// Elements of the largest map that is looked at; indices up to it are exact in floats.
const LIMIT: usize = 1 << 24;

/// `Linear(views(x[1, C, H, W]))`, where each row has the same pixels of another place of x (vit-pytorch's rearrange,
/// nn.Unfold) => `Conv(x)` and views; `LayerNorm` between the two => views in the order in which pixels are stored,
/// and the columns of the weights in that order
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    Ok(replace_each(graph, convolution)? + replace_each(graph, stored_order)?)
}

/// Rows of the same pixels at the places of a grid.
struct Patches {
    /// The map, `[1, C, H, W]`.
    x: ValueId,
    /// `[channel, row, column]` of each element of the first row.
    taps: Vec<[usize; 3]>,
    /// Places along rows and columns.
    grid: [usize; 2],
    /// Pixels from one place to the next.
    stride: [usize; 2],
    /// Rows and columns from the first one of the map to the last one of the first patch.
    kernel: [usize; 2],
}

impl Patches {
    /// What `value[.., K]` has of a map behind views and gathers.
    fn of(graph: &FloatGraph, links: &Links, value: ValueId) -> Result<Option<Patches>, OpError> {
        let (mut x, mut views, mut moves) = (value, Vec::new(), false);
        while let Some(NodeId(at)) = links.producer(x) {
            let node = &graph.nodes[at];
            match node.op {
                Op::Transpose(_) | Op::Gather(_) => moves = true,
                Op::Reshape(_) | Op::Identity(_) => {}
                _ => break,
            }
            views.push(at);
            x = node.inputs[0];
        }
        let &[1, c, h, w] = graph.shape(x) else { return Ok(None) };
        let depth = graph.shape(value).last().copied().unwrap_or(1);
        let total: usize = graph.shape(value).iter().product();
        if !moves || c * h * w > LIMIT || total > LIMIT || depth == c || !is_map(graph, links, x) {
            return Ok(None);
        }
        let mut indices = Tensor::new(vec![1, c, h, w], (0..c * h * w).map(|i| i as f32).collect())?;
        for &at in views.iter().rev() {
            let Some(next) = graph.nodes[at].op.operator().eval(&[&indices])?.pop() else { return Ok(None) };
            indices = next;
        }
        let place = |index: usize| [index / (h * w), index / w % h, index % w];
        let at = |row: usize, k: usize| place(indices.data()[row * depth + k] as usize);
        let taps: Vec<[usize; 3]> = (0..depth).map(|k| at(0, k)).collect();
        let rows = total / depth.max(1);
        // The first element of each row tells the grid.
        let shift = |row: usize| {
            let [channel, y, x] = at(row, 0);
            let moved = [y.checked_sub(taps[0][1])?, x.checked_sub(taps[0][2])?];
            (channel == taps[0][0]).then_some(moved)
        };
        let across = (1..rows).find(|&row| shift(row).is_none_or(|[y, _]| y > 0)).unwrap_or(rows);
        let down = rows / across.max(1);
        let kernel = [1, 2].map(|axis| taps.iter().map(|tap| tap[axis] + 1).max().unwrap_or(1));
        let step = |row: usize, axis: usize, more: bool| match more {
            true => shift(row).map_or(0, |moved| moved[axis]),
            false => kernel[axis],
        };
        let stride = [step(across, 0, down > 1), step(1, 1, across > 1)];
        let window = Window { kernel, strides: stride, ..Window::POINT };
        if stride.contains(&0) || across * down != rows || window.output([h, w]) != Ok([down, across]) {
            return Ok(None);
        }
        let regular = (0..rows).all(|row| {
            let [y, x] = [row / across * stride[0], row % across * stride[1]];
            (0..depth).all(|k| at(row, k) == [taps[k][0], taps[k][1] + y, taps[k][2] + x])
        });
        Ok(regular.then_some(Patches { x, taps, grid: [down, across], stride, kernel }))
    }

    /// Whether each patch is a whole tile of the map with all its channels.
    fn tiles(&self, channels: usize) -> bool {
        let mut all = self.taps.clone();
        all.sort_unstable();
        all.dedup();
        self.kernel == self.stride && all.len() == channels * self.kernel[0] * self.kernel[1]
    }
}

/// The convolution that a layer is.
fn convolution(graph: &mut FloatGraph, i: usize) -> Result<Vec<Node>, OpError> {
    let node = graph.nodes[i].clone();
    let (Op::Linear(_), &[value, w, ref bias @ ..], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..])
    else {
        return Ok(Vec::new());
    };
    let links = graph.links();
    let Some(patches) = Patches::of(graph, &links, value)? else { return Ok(Vec::new()) };
    let Some(weight) = graph.constant(w).cloned() else { return Ok(Vec::new()) };
    let (channels, [kh, kw]) = (graph.shape(patches.x)[1], patches.kernel);
    let &[n, depth] = weight.shape() else { return Ok(Vec::new()) };
    if n.saturating_mul(channels * kh * kw) > LIMIT.max(2 * n * depth) {
        return Ok(Vec::new());
    }
    let mut kernel = Tensor::full(vec![n, channels, kh, kw], 0.0)?;
    let size = channels * kh * kw;
    for (to, from) in kernel.data_mut().chunks_exact_mut(size).zip(weight.data().chunks_exact(depth)) {
        for (&[c, y, x], weight) in patches.taps.iter().zip(from) {
            to[(c * kh + y) * kw + x] += weight;
        }
    }
    let window = Window { kernel: patches.kernel, strides: patches.stride, ..Window::POINT };
    let (out, places) = (graph.shape(y).to_vec(), patches.grid[0] * patches.grid[1]);
    let mut chain = Chain::new(graph, &node.name);
    let mut inputs = vec![patches.x, chain.constant("kernel", kernel)];
    inputs.extend(bias);
    let map = chain.step("", Op::Conv(Conv { window, groups: 1 }), &inputs)?;
    let flat = chain.reshape("flat", map, &[1, n, places])?;
    let tokens = chain.transpose("tokens", flat, &[0, 2, 1])?;
    chain.reshape("dims", tokens, &out)?;
    Ok(chain.finish(y))
}

/// A normalization of patches in the order in which the map is stored, and the layers behind it likewise.
fn stored_order(graph: &mut FloatGraph, i: usize) -> Result<Vec<Node>, OpError> {
    let node = graph.nodes[i].clone();
    let (Op::LayerNorm(norm), &[value, ref parameters @ ..], &[y]) =
        (&node.op, &node.inputs[..], &node.outputs[..])
    else {
        return Ok(Vec::new());
    };
    let (links, shape) = (graph.links(), graph.shape(value).to_vec());
    let readers: Vec<usize> = links.consumers(y).iter().map(|id| id.0).collect();
    let layers = readers.iter().all(|&at| {
        let inputs = &graph.nodes[at].inputs;
        matches!(graph.nodes[at].op, Op::Linear(_)) && inputs[0] == y && graph.constant(inputs[1]).is_some()
    });
    if !layers || readers.is_empty() || links.is_output(y) || norm.axis + 1 != shape.len() {
        return Ok(Vec::new());
    }
    let Some(patches) = Patches::of(graph, &links, value)? else { return Ok(Vec::new()) };
    let (channels, [kh, kw], [down, across]) = (graph.shape(patches.x)[1], patches.kernel, patches.grid);
    // Pixels one after the other, each with its channels.
    let mut order: Vec<usize> = (0..patches.taps.len()).collect();
    order.sort_by_key(|&k| [patches.taps[k][1], patches.taps[k][2], patches.taps[k][0]]);
    if !patches.tiles(channels) || order.iter().copied().eq(0..order.len()) {
        return Ok(Vec::new());
    }
    let ordered = |t: &Tensor| {
        let rows = t.data().chunks_exact(order.len());
        Tensor::new(t.shape().to_vec(), rows.flat_map(|row| order.iter().map(|&k| row[k])).collect())
    };
    for at in readers {
        let weight = graph.nodes[at].inputs[1];
        let Some(turned) = graph.constant(weight).map(|t| ordered(t)).transpose()? else {
            return Ok(Vec::new());
        };
        let name = format!("{}.weight_ordered", graph.nodes[at].name);
        let turned = graph.add_constant(&name, turned);
        graph.nodes[at].inputs[1] = turned;
    }
    let mut turned = Vec::new();
    for &parameter in parameters {
        let Some(t) = graph.constant(parameter).map(|t| ordered(t)).transpose()? else {
            return Ok(Vec::new());
        };
        turned.push(t);
    }
    let mut chain = Chain::new(graph, &node.name);
    let cut = chain.reshape("cut", patches.x, &[1, channels, down, kh, across, kw])?;
    let pixels = chain.transpose("pixels", cut, &[0, 2, 4, 3, 5, 1])?;
    let mut inputs = vec![chain.reshape("rows", pixels, &shape)?];
    for (part, t) in ["scale_ordered", "bias_ordered"].into_iter().zip(turned) {
        inputs.push(chain.constant(part, t));
    }
    chain.step("", node.op.clone(), &inputs)?;
    Ok(chain.finish(y))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::gather::Gather;
    use crate::float::ops::layer_norm::LayerNorm;
    use crate::float::ops::linear::Linear;
    use crate::float::ops::reshape::Reshape;
    use crate::float::ops::transpose::Transpose;
    use crate::float::passes::testing::Sketch;

    fn numbers(count: usize) -> Vec<f32> {
        (0..count).map(|i| (i * 7 % 11) as f32 / 4.0 - 1.0).collect()
    }

    /// `b c (h p1) (w p2) -> b (h w) (c p1 p2)` of a map of 2 x 4 x 6, patches of 2 x 3.
    fn rearranged(s: &mut Sketch, perm: [usize; 6]) -> ValueId {
        let x = s.input(&[1, 2, 4, 6]);
        let cut = s.node(Op::Reshape(Reshape { shape: vec![1, 2, 2, 2, 2, 3] }), &[x]);
        let turned = s.node(Op::Transpose(Transpose { perm: perm.to_vec() }), &[cut]);
        s.node(Op::Reshape(Reshape { shape: vec![1, 4, 12] }), &[turned])
    }

    #[test]
    fn rearranged_patches() {
        for perm in [[0, 2, 4, 1, 3, 5], [0, 2, 4, 3, 5, 1]] {
            let mut s = Sketch::new();
            let y = rearranged(&mut s, perm);
            let w = s.constant(&[3, 12], &numbers(36));
            let y = s.node(Op::Linear(Linear), &[y, w]);
            let clean = |graph: &mut FloatGraph| run(graph).inspect(|_| graph.remove_dead_nodes());
            s.check(&[y], clean, &["Conv", "Reshape", "Transpose"]);
        }
    }

    #[test]
    fn unfolded_windows() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 2, 5, 5]);
        let gather = |axis| {
            let indices = vec![0, 2, 1, 3, 2, 4];
            Op::Gather(Gather { axis, indices, index_shape: vec![3, 2] })
        };
        let rows = s.node(gather(2), &[x]);
        let both = s.node(gather(4), &[rows]);
        let turned = s.node(Op::Transpose(Transpose { perm: vec![0, 1, 2, 4, 3, 5] }), &[both]);
        let columns = s.node(Op::Reshape(Reshape { shape: vec![1, 18, 4] }), &[turned]);
        let tokens = s.node(Op::Transpose(Transpose { perm: vec![0, 2, 1] }), &[columns]);
        let w = s.constant(&[3, 18], &numbers(54));
        let b = s.constant(&[3], &[1.0, -1.0, 0.5]);
        let y = s.node(Op::Linear(Linear), &[tokens, w, b]);
        let clean = |graph: &mut FloatGraph| run(graph).inspect(|_| graph.remove_dead_nodes());
        s.check(&[y], clean, &["Conv", "Reshape", "Transpose"]);
    }

    #[test]
    fn normalized_patches() {
        let mut s = Sketch::new();
        let y = rearranged(&mut s, [0, 2, 4, 1, 3, 5]);
        let [scale, bias] = [1, 2].map(|more| s.constant(&[12], &numbers(12 + more)[more..]));
        let y = s.node(Op::LayerNorm(LayerNorm { axis: 2, epsilon: 1e-5 }), &[y, scale, bias]);
        let w = s.constant(&[3, 12], &numbers(36));
        let y = s.node(Op::Linear(Linear), &[y, w]);
        let clean = |graph: &mut FloatGraph| run(graph).inspect(|_| graph.remove_dead_nodes());
        s.check(&[y], clean, &["Reshape", "Transpose", "Reshape", "LayerNorm", "Linear"]);
    }

    #[test]
    fn tokens_and_whole_maps_stay() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 2, 4, 6]);
        let flat = s.node(Op::Reshape(Reshape { shape: vec![1, 2, 24] }), &[x]);
        let tokens = s.node(Op::Transpose(Transpose { perm: vec![0, 2, 1] }), &[flat]);
        let w = s.constant(&[3, 2], &numbers(6));
        let y = s.node(Op::Linear(Linear), &[tokens, w]);
        let whole = s.node(Op::Reshape(Reshape { shape: vec![1, 48] }), &[x]);
        let w = s.constant(&[3, 48], &numbers(144));
        let z = s.node(Op::Linear(Linear), &[whole, w]);
        assert_eq!(run(&mut s.graph(&[y, z])).unwrap(), 0);
    }
}
