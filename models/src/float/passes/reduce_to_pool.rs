//! Writes sums and maxima over axes as means and pools, which the accelerator has.

use crate::float::graph::{FloatGraph, Node};
use crate::float::ops::binary::Binary;
use crate::float::ops::pool::{Pool, PoolKind};
use crate::float::ops::reduce::ReduceKind;
use crate::float::ops::reduce_mean::ReduceMean;
use crate::float::ops::window::Window;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

/// `ReduceSum(x)` => `ReduceMean(x)` times the number of elements; `ReduceMax(x[N, C, H, W])` over the map, whose
/// axes stay => `MaxPool` with one window
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    let mut i = 0;
    while i < graph.nodes.len() {
        let node = &graph.nodes[i];
        let (Op::Reduce(reduce), &[x], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..]) else {
            i += 1;
            continue;
        };
        let (reduce, shape) = (reduce.clone(), graph.shape(x));
        match (reduce.kind, &reduce.axes[..], shape) {
            (ReduceKind::Sum, [_, ..], _) => {
                let elements: usize = reduce.axes.iter().map(|&axis| shape[axis]).product();
                let (name, out) = (node.name.clone(), graph.shape(y).to_vec());
                let mean = graph.add_value(&format!("{name}.mean"), out);
                let times = graph.add_constant(&format!("{name}.elements"), Tensor::scalar(elements as f32));
                graph.nodes[i].op =
                    Op::ReduceMean(ReduceMean { axes: reduce.axes, keep_dims: reduce.keep_dims });
                graph.nodes[i].outputs = vec![mean];
                let op = Op::Binary(Binary::Mul);
                let product =
                    Node { name: format!("{name}.sum"), op, inputs: vec![mean, times], outputs: vec![y] };
                graph.nodes.insert(i + 1, product);
                count += 1;
            }
            (ReduceKind::Max, [2, 3], &[_, _, h, w]) if reduce.keep_dims => {
                let window = Window { kernel: [h, w], ..Window::POINT };
                graph.nodes[i].op = Op::Pool(Pool { kind: PoolKind::Max, window });
                count += 1;
            }
            _ => {}
        }
        i += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::reduce::Reduce;
    use crate::float::passes::testing::Sketch;

    fn reduced(kind: ReduceKind, keep_dims: bool) -> (Sketch, crate::float::ValueId) {
        let mut s = Sketch::new();
        let x = s.input(&[1, 3, 4, 5]);
        let y = s.node(Op::Reduce(Reduce { kind, axes: vec![2, 3], keep_dims }), &[x]);
        (s, y)
    }

    #[test]
    fn sums_and_maxima() {
        let (s, y) = reduced(ReduceKind::Sum, false);
        s.check(&[y], run, &["ReduceMean", "Binary"]);
        let (s, y) = reduced(ReduceKind::Max, true);
        s.check(&[y], run, &["Pool"]);
    }

    #[test]
    fn others_stay() {
        for (kind, keep_dims) in [(ReduceKind::Max, false), (ReduceKind::L1, true)] {
            let (s, y) = reduced(kind, keep_dims);
            assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
        }
    }
}
