//! Writes reshapes and transpositions that order a map's channels, or trade them for pixels, as convolutions whose
//! weights are 0 and 1: the shuffle of channels, DepthToSpace and SpaceToDepth.

use crate::float::graph::{FloatGraph, NodeId, ValueId};
use crate::float::ops::conv::Conv;
use crate::float::ops::conv_transpose::ConvTranspose;
use crate::float::ops::window::Window;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

/// Elements of the largest selection; indices up to it are exact in floats.
const LIMIT: usize = 1 << 24;

/// `Reshape`, `Transpose`, `Reshape` from map to map => `Conv`, or `ConvTranspose` where the map grows
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    for i in 0..graph.nodes.len() {
        let Some(x) = source(graph, i) else { continue };
        let y = graph.nodes[i].outputs[0];
        let (&[1, c, h, w], &[1, d, oh, ow]) = (graph.shape(x), graph.shape(y)) else { continue };
        let Some(moved) = moved(graph, x, i)? else { continue };
        let Some((op, weight)) = selection(&moved, [c, h, w], [d, oh, ow])? else { continue };
        let name = format!("{}.selection", graph.nodes[i].name);
        let weight = graph.add_constant(&name, weight);
        (graph.nodes[i].op, graph.nodes[i].inputs) = (op, vec![x, weight]);
        count += 1;
    }
    graph.remove_dead_nodes();
    Ok(count)
}

/// The map at the start of three views of which `i` is the last.
fn source(graph: &FloatGraph, i: usize) -> Option<ValueId> {
    let links = graph.links();
    let before = |at: usize| {
        let &[x] = &graph.nodes[at].inputs[..] else { return None };
        let NodeId(node) = links.producer(x)?;
        (links.sole_consumer(x) == Some(NodeId(at))).then_some(node)
    };
    let reshape = |at: usize| matches!(graph.nodes[at].op, Op::Reshape(_));
    let transpose = before(i).filter(|&at| reshape(i) && matches!(graph.nodes[at].op, Op::Transpose(_)))?;
    let first = before(transpose).filter(|&at| reshape(at))?;
    let &[x] = &graph.nodes[first].inputs[..] else { return None };
    let elements: usize = graph.shape(x).iter().product();
    (elements <= LIMIT && graph.constant(x).is_none()).then_some(x)
}

/// For each element of the last view, the element of `x` that it is.
fn moved(graph: &FloatGraph, x: ValueId, last: usize) -> Result<Option<Vec<usize>>, OpError> {
    let shape = graph.shape(x).to_vec();
    let elements: usize = shape.iter().product();
    let mut tensor = Tensor::new(shape, (0..elements).map(|i| i as f32).collect())?;
    let links = graph.links();
    let mut chain = vec![last];
    while let Some(&at) = chain.last()
        && graph.nodes[at].inputs != [x]
    {
        let Some(NodeId(before)) = links.producer(graph.nodes[at].inputs[0]) else { return Ok(None) };
        chain.push(before);
    }
    for &at in chain.iter().rev() {
        let Some(next) = graph.nodes[at].op.operator().eval(&[&tensor])?.pop() else { return Ok(None) };
        tensor = next;
    }
    Ok(Some(tensor.data().iter().map(|&x| x as usize).collect()))
}

/// The convolution that moves the elements so, if there is one.
fn selection(
    moved: &[usize],
    [c, h, w]: [usize; 3],
    [d, oh, ow]: [usize; 3],
) -> Result<Option<(Op, Tensor)>, OpError> {
    let grows = oh > h;
    let (large, small) = if grows { ([oh, ow], [h, w]) } else { ([h, w], [oh, ow]) };
    let block = [large[0] / small[0].max(1), large[1] / small[1].max(1)];
    let fits = block[0] * small[0] == large[0] && block[1] * small[1] == large[1];
    let area = block[0] * block[1];
    if !fits || area == 0 || c.saturating_mul(d).saturating_mul(area) > LIMIT {
        return Ok(None);
    }
    // Weights [D, C, BH, BW] of a convolution, [C, D, BH, BW] of a transposed one.
    let shape = if grows { [c, d] } else { [d, c] };
    let mut weight = Tensor::full(vec![shape[0], shape[1], block[0], block[1]], 0.0)?;
    for (at, &from) in moved.iter().enumerate() {
        let (to, y, x) = (at / (oh * ow), at / ow % oh, at % ow);
        let (channel, row, col) = (from / (h * w), from / w % h, from % w);
        // The pixel of the large map inside the block that is one pixel of the small one.
        let (near, far) = if grows { ([y, x], [row, col]) } else { ([row, col], [y, x]) };
        if near[0] / block[0] != far[0] || near[1] / block[1] != far[1] {
            return Ok(None);
        }
        let pair = if grows { channel * d + to } else { to * c + channel };
        weight.data_mut()[pair * area + near[0] % block[0] * block[1] + near[1] % block[1]] = 1.0;
    }
    // Every output element is one input element, at every pixel the same one.
    if weight.data().iter().filter(|&&x| x == 1.0).count() != if grows { d * area } else { d } {
        return Ok(None);
    }
    let window = Window { kernel: block, strides: block, ..Window::POINT };
    let op = if grows {
        Op::ConvTranspose(ConvTranspose { window, output_padding: [0; 2], groups: 1 })
    } else {
        Op::Conv(Conv { window, groups: 1 })
    };
    Ok(Some((op, weight)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::reshape::Reshape;
    use crate::float::ops::transpose::Transpose;
    use crate::float::passes::testing::Sketch;

    fn sketch(from: &[usize], cut: &[usize], perm: &[usize], to: &[usize]) -> (Sketch, ValueId) {
        let mut s = Sketch::new();
        let x = s.input(from);
        let cut = s.node(Op::Reshape(Reshape { shape: cut.to_vec() }), &[x]);
        let turned = s.node(Op::Transpose(Transpose { perm: perm.to_vec() }), &[cut]);
        let y = s.node(Op::Reshape(Reshape { shape: to.to_vec() }), &[turned]);
        (s, y)
    }

    #[test]
    fn moves_between_channels_and_pixels() {
        let shuffle = sketch(&[1, 6, 2, 3], &[1, 2, 3, 2, 3], &[0, 2, 1, 3, 4], &[1, 6, 2, 3]);
        let to_depth = sketch(&[1, 2, 4, 6], &[1, 2, 2, 2, 3, 2], &[0, 3, 5, 1, 2, 4], &[1, 8, 2, 3]);
        for (s, y) in [shuffle, to_depth] {
            s.check(&[y], run, &["Conv"]);
        }
        let (s, y) = sketch(&[1, 8, 2, 3], &[1, 2, 2, 2, 2, 3], &[0, 3, 4, 1, 5, 2], &[1, 2, 4, 6]);
        s.check(&[y], run, &["ConvTranspose"]);
    }

    #[test]
    fn other_moves_stay() {
        // Rows become columns.
        let (s, y) = sketch(&[1, 2, 3, 3], &[1, 2, 3, 3], &[0, 1, 3, 2], &[1, 2, 3, 3]);
        assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
        // Pixels move among each other.
        let (s, y) = sketch(&[1, 2, 4, 3], &[1, 2, 2, 2, 3], &[0, 1, 3, 2, 4], &[1, 2, 4, 3]);
        assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
    }
}
