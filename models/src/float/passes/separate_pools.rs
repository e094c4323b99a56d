//! Makes two pools of one over a large window: along the columns first, and then along the rows.

use super::replace_each;
use crate::float::graph::{FloatGraph, Node};
use crate::float::ops::pool::{Pool, PoolKind};
use crate::float::ops::reduce_mean::ReduceMean;
use crate::float::ops::window::Window;
use crate::float::ops::{Op, OpError};

/// Pixels up to which a window stays whole: the accelerator has to hold all of a window's rows on chip, and adds up to
/// 32767 codes. What lies between the two pools has a step of its own.
const MOST_PIXELS: usize = 4096;

/// `Pool`, `GlobalAveragePool` or `ReduceMean` over a map, with a window of more than 4096 pixels => `Pool` along the
/// columns, and the same along the rows
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    replace_each(graph, |graph, i| {
        let node = graph.nodes[i].clone();
        let &[x] = &node.inputs[..] else { return Ok(Vec::new()) };
        let &[n, c, h, w] = graph.shape(x) else { return Ok(Vec::new()) };
        let whole = Pool {
            kind: PoolKind::Average { count_include_pad: true },
            window: Window { kernel: [h, w], ..Window::POINT },
        };
        let (pool, rest) = match &node.op {
            Op::Pool(pool) => (pool.clone(), Op::Pool(axis(pool, 0))),
            Op::GlobalAveragePool(_) => (whole, node.op.clone()),
            Op::ReduceMean(ReduceMean { axes, .. }) if *axes == [2, 3] => (whole, node.op.clone()),
            _ => return Ok(Vec::new()),
        };
        let [rows, cols] = pool.window.kernel;
        if rows == 1 || cols == 1 || rows * cols <= MOST_PIXELS {
            return Ok(Vec::new());
        }
        let along = axis(&pool, 1);
        let [height, width] = along.window.output([h, w])?;
        let between = graph.add_value(&format!("{}.columns", node.name), vec![n, c, height, width]);
        let name = format!("{}.columns", node.name);
        let first = Node { name, op: Op::Pool(along), inputs: vec![x], outputs: vec![between] };
        Ok(vec![first, Node { op: rest, inputs: vec![between], ..node }])
    })
}

/// The pool along one axis, 0 for rows and 1 for columns.
fn axis(pool: &Pool, axis: usize) -> Pool {
    let from = &pool.window;
    let mut window = Window { ceil_mode: from.ceil_mode, ..Window::POINT };
    window.kernel[axis] = from.kernel[axis];
    window.strides[axis] = from.strides[axis];
    window.dilations[axis] = from.dilations[axis];
    window.pads[axis] = from.pads[axis];
    window.pads[axis + 2] = from.pads[axis + 2];
    Pool { kind: pool.kind, window }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::global_average_pool::GlobalAveragePool;
    use crate::float::passes::testing::Sketch;

    #[test]
    fn large_windows_become_two() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 2, 70, 65]);
        let y = s.node(Op::GlobalAveragePool(GlobalAveragePool), &[x]);
        s.check(&[y], run, &["Pool", "GlobalAveragePool"]);
        for keep_dims in [false, true] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 2, 70, 65]);
            let y = s.node(Op::ReduceMean(ReduceMean { axes: vec![2, 3], keep_dims }), &[x]);
            s.check(&[y], run, &["Pool", "ReduceMean"]);
        }
        for kind in [PoolKind::Max, PoolKind::Average { count_include_pad: false }] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 2, 90, 95]);
            let (strides, dilations, pads) = ([3, 2], [1, 1], [5, 0, 20, 7]);
            let window = Window { kernel: [66, 64], strides, dilations, pads, ceil_mode: true };
            let y = s.node(Op::Pool(Pool { kind, window }), &[x]);
            s.check(&[y], run, &["Pool", "Pool"]);
        }
    }

    #[test]
    fn others_stay() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 2, 64, 64]);
        let y = s.node(Op::GlobalAveragePool(GlobalAveragePool), &[x]);
        assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
    }
}
