//! Brings an input that is an image in another order to the order of maps, `[1, C, H, W]`.

use crate::float::graph::{FloatGraph, Node, NodeId, ValueId};
use crate::float::ops::reshape::Reshape;
use crate::float::ops::transpose::Transpose;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

/// `x[1, H, W, C]` => `Transpose(x[1, C, H, W])`, behind what computes element by element; `x[1, H * W]` and
/// `x[1, H, W]` of one channel, `x[1, C * H * W]` and `x[1, C, H * W]` => `Reshape(x[1, C, H, W])`. Whether it did;
/// what takes the image as it is, or cannot take it, stays. To be run before [`super::simplify`].
pub fn image_input(graph: &mut FloatGraph, image: [usize; 4]) -> Result<bool, OpError> {
    let &[input] = &graph.inputs[..] else { return Ok(false) };
    let given = graph.shape(input).to_vec();
    let [_, channels, rows, cols] = image;
    let lead = given.iter().take_while(|&&size| size == 1).count();
    let flat = match given[lead..] {
        [all] => all == channels * rows * cols,
        [a, b] => [a, b] == [channels, rows * cols] || (channels == 1 && [a, b] == [rows, cols]),
        _ => false,
    };
    let perm = vec![0, 2, 3, 1];
    let op = match given[..] {
        _ if given == image => return Ok(false),
        [1, h, w, c] if [c, h, w] == [channels, rows, cols] => Op::Transpose(Transpose { perm }),
        _ if flat => Op::Reshape(Reshape { shape: given.clone() }),
        _ => return Ok(false),
    };
    // The image keeps the input's name.
    let name = std::mem::take(&mut graph.values[input.0].name);
    let taken = graph.add_value(&name, image.to_vec());
    graph.values[input.0].name = format!("{name}.as_given");
    graph.values[taken.0].name.clone_from(&name);
    graph.inputs = vec![taken];
    let turned = matches!(op, Op::Transpose(_));
    graph
        .nodes
        .insert(0, Node { name: format!("{name}.image"), op, inputs: vec![taken], outputs: vec![input] });
    let mut at = Some(0).filter(|_| turned);
    while let Some(view) = at {
        at = sink(graph, view)?;
    }
    Ok(true)
}

/// Exchanges the transposition at `view` with the element-wise node that alone reads it; where it stands then.
fn sink(graph: &mut FloatGraph, view: usize) -> Result<Option<usize>, OpError> {
    let links = graph.links();
    let (Op::Transpose(transpose), &[x], &[y]) =
        (graph.nodes[view].op.clone(), &graph.nodes[view].inputs[..], &graph.nodes[view].outputs[..])
    else {
        return Ok(None);
    };
    let Some(NodeId(next)) = links.sole_consumer(y) else { return Ok(None) };
    let node = graph.nodes[next].clone();
    let &[z] = &node.outputs[..] else { return Ok(None) };
    let alone = match &node.op {
        Op::Unary(_) | Op::Clip(_) | Op::Identity(_) => true,
        Op::QuantizeLinear(op) => op.scheme.scale.len() == 1,
        Op::DequantizeLinear(op) => op.scheme.scale.len() == 1,
        Op::Binary(_) => false,
        _ => return Ok(None),
    };
    let mut inputs: Vec<ValueId> = Vec::new();
    for &operand in &node.inputs {
        if operand == y {
            inputs.push(x);
            continue;
        }
        let Some(constant) = graph.constant(operand).filter(|_| !alone) else { return Ok(None) };
        let Some(turned) = turned(constant, &transpose.perm)? else { return Ok(None) };
        inputs.push(graph.add_constant(&format!("{}.turned", node.name), turned));
    }
    if graph.shape(z) != graph.shape(y) {
        return Ok(None);
    }
    let inner = graph.add_value(&format!("{}.map", node.name), graph.shape(x).to_vec());
    let name = std::mem::replace(&mut graph.nodes[view].name, node.name);
    graph.nodes[view] =
        Node { op: node.op, inputs, outputs: vec![inner], name: std::mem::take(&mut graph.nodes[view].name) };
    graph.nodes[next] = Node { name, op: Op::Transpose(transpose), inputs: vec![inner], outputs: vec![z] };
    Ok(Some(next))
}

/// The constant whose transposition by `perm` is this one, broadcast; `None` where it has more axes.
fn turned(constant: &Tensor, perm: &[usize]) -> Result<Option<Tensor>, OpError> {
    let Some(lead) = perm.len().checked_sub(constant.shape().len()) else { return Ok(None) };
    let shape: Vec<usize> = std::iter::repeat_n(1, lead).chain(constant.shape().iter().copied()).collect();
    let mut inverse = vec![0; perm.len()];
    perm.iter().enumerate().for_each(|(to, &from)| inverse[from] = to);
    let op = Op::Transpose(Transpose { perm: inverse });
    Ok(op.operator().eval(&[&constant.reshaped(&shape)?])?.pop())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::binary::Binary;
    use crate::float::ops::unary::Unary;
    use crate::float::passes::testing::Sketch;
    use crate::float::run;

    #[test]
    fn channels_last() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 2, 3, 4]);
        let c = s.constant(&[4], &[1.0, 2.0, -1.0, 0.5]);
        let y = s.node(Op::Binary(Binary::Sub), &[c, x]);
        let y = s.node(Op::Unary(Unary::Relu), &[y]);
        let mut graph = s.graph(&[y]);
        let given =
            Tensor::new(vec![1, 2, 3, 4], (0..24).map(|i| (i * 7 % 11) as f32 - 5.0).collect()).unwrap();
        let before = run(&graph, std::slice::from_ref(&given)).unwrap();
        assert!(image_input(&mut graph, [1, 4, 2, 3]).unwrap());
        graph.validate().unwrap();
        let kinds: Vec<&str> = graph.nodes.iter().map(|node| node.op.kind()).collect();
        assert_eq!(kinds, ["Binary", "Unary", "Transpose"]);
        let map = Op::Transpose(Transpose { perm: vec![0, 3, 1, 2] }).operator().eval(&[&given]).unwrap();
        assert_eq!(run(&graph, &map).unwrap(), before);
        assert_eq!(graph.value(graph.inputs[0]).name, "x");
    }

    #[test]
    fn flat() {
        let cases = [
            (&[1, 12][..], [1, 1, 3, 4], true),
            (&[1, 3, 4], [1, 1, 3, 4], true),
            (&[1, 24], [1, 2, 3, 4], true),
            (&[1, 2, 12], [1, 2, 3, 4], true),
            (&[1, 12, 2], [1, 2, 3, 4], false),
            (&[1, 2, 3, 4], [1, 2, 3, 4], false),
            (&[1, 13], [1, 1, 3, 4], false),
        ];
        for (given, image, taken) in cases {
            let mut s = Sketch::new();
            let x = s.input(given);
            let y = s.node(Op::Unary(Unary::Relu), &[x]);
            let mut graph = s.graph(&[y]);
            assert_eq!(image_input(&mut graph, image).unwrap(), taken, "{given:?}");
            graph.validate().unwrap();
        }
    }
}
