//! Writes sums and extremes over axes as means and pools, which the accelerator has.

use crate::float::graph::FloatGraph;
use crate::float::ops::pool::{Pool, PoolKind};
use crate::float::ops::reduce::ReduceKind;
use crate::float::ops::reduce_mean::ReduceMean;
use crate::float::ops::unary::Unary;
use crate::float::ops::window::Window;
use crate::float::ops::{Op, OpError};

use super::chain::Chain;
use super::replace_each;

/// `ReduceSum(x)` => `ReduceMean(x)` times the number of elements; `ReduceL1(x)` => the same of `Abs(x)`;
/// `ReduceMax(x)` => `MaxPool` with one window, of a map as it is, else of rows of elements; `ReduceMin(x)` => the same
/// between two `Neg`
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    replace_each(graph, |graph, i| {
        let node = graph.nodes[i].clone();
        let (Op::Reduce(reduce), &[x], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..]) else {
            return Ok(Vec::new());
        };
        let (shape, to) = (graph.shape(x).to_vec(), graph.shape(y).to_vec());
        let elements: usize = reduce.axes.iter().map(|&axis| shape[axis]).product();
        let mut chain = Chain::new(graph, &node.name);
        match reduce.kind {
            _ if reduce.axes.is_empty() => return Ok(Vec::new()),
            ReduceKind::Sum | ReduceKind::L1 => {
                let mut x = x;
                if reduce.kind == ReduceKind::L1 {
                    x = chain.step("sizes", Op::Unary(Unary::Abs), &[x])?;
                }
                let mean = ReduceMean { axes: reduce.axes.clone(), keep_dims: reduce.keep_dims };
                let mean = chain.step("", Op::ReduceMean(mean), &[x])?;
                chain.times("sum", mean, elements as f32)?;
            }
            ReduceKind::Max | ReduceKind::Min => {
                let turned = reduce.kind == ReduceKind::Min;
                let mut at = if turned { chain.step("turned", Op::Unary(Unary::Neg), &[x])? } else { x };
                let mut window = Window::POINT;
                if let (&[_, _, h, w], [2, 3]) = (&shape[..], &reduce.axes[..]) {
                    window.kernel = [h, w];
                } else {
                    let kept: Vec<usize> =
                        (0..shape.len()).filter(|axis| !reduce.axes.contains(axis)).collect();
                    let perm: Vec<usize> = kept.iter().chain(&reduce.axes).copied().collect();
                    let rows = kept.iter().map(|&axis| shape[axis]).product();
                    at = chain.transpose("order", at, &perm)?;
                    at = chain.reshape("rows", at, &[1, rows, 1, elements])?;
                    window.kernel = [1, elements];
                }
                at = chain.step("", Op::Pool(Pool { kind: PoolKind::Max, window }), &[at])?;
                at = chain.reshape("dims", at, &to)?;
                if turned {
                    chain.step("back", Op::Unary(Unary::Neg), &[at])?;
                }
            }
            _ => return Ok(Vec::new()),
        }
        Ok(chain.finish(y))
    })
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
        let (s, y) = reduced(ReduceKind::Max, false);
        s.check(&[y], run, &["Pool", "Reshape"]);
        let (s, y) = reduced(ReduceKind::L1, true);
        s.check(&[y], run, &["Unary", "ReduceMean", "Binary"]);
        let (s, y) = reduced(ReduceKind::Min, true);
        s.check(&[y], run, &["Unary", "Pool", "Unary"]);
        let mut s = Sketch::new();
        let x = s.input(&[2, 3, 4]);
        let y = s.node(Op::Reduce(Reduce { kind: ReduceKind::Max, axes: vec![1], keep_dims: false }), &[x]);
        s.check(&[y], run, &["Transpose", "Reshape", "Pool", "Reshape"]);
    }

    #[test]
    fn others_stay() {
        let (s, y) = reduced(ReduceKind::Prod, true);
        assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
    }
}
