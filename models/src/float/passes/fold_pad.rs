//! Gives rows and columns around a map to the convolution or max pool that reads them: zeros, or what never wins.

use crate::float::graph::{FloatGraph, NodeId};
use crate::float::ops::pool::PoolKind;
use crate::float::ops::unary::Unary;
use crate::float::ops::{Op, OpError};

/// A pad below this stands for no element: exporters write the least number of their type, 16 bits and up.
const NEVER_WINS: f32 = -6e4;

/// `Conv(Pad(x))`, zeros around rows and columns and no other reader => `Conv(x)` with more padding; `MaxPool(Pad(x))`
/// with a pad that is never the greatest likewise
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    for i in 0..graph.nodes.len() {
        if !matches!(graph.nodes[i].op, Op::Conv(_) | Op::Pool(_)) {
            continue;
        }
        let links = graph.links();
        let Some(&padded) = graph.nodes[i].inputs.first() else { continue };
        let Some(NodeId(before)) = links.producer(padded) else { continue };
        let &[x] = &graph.nodes[before].inputs[..] else { continue };
        let Op::Pad(pad) = &graph.nodes[before].op else { continue };
        let (&[0, 0, top, left], &[0, 0, bottom, right]) = (&pad.before[..], &pad.after[..]) else {
            continue;
        };
        let positive = links.producer(x).is_some_and(|id| is_positive(&graph.node(id).op));
        let loses = pad.value <= NEVER_WINS || (pad.value <= 0.0 && positive);
        let value = pad.value;
        if links.sole_consumer(padded) != Some(NodeId(i)) {
            continue;
        }
        let window = match &mut graph.nodes[i].op {
            Op::Conv(conv) if value == 0.0 => &mut conv.window,
            // A window all in the padding would have no element to take.
            Op::Pool(pool)
                if pool.kind == PoolKind::Max
                    && loses
                    && !pool.window.ceil_mode
                    && [top, left, bottom, right].iter().enumerate().all(|(side, more)| {
                        let axis = side % 2;
                        let span = (pool.window.kernel[axis] - 1) * pool.window.dilations[axis];
                        pool.window.pads[side].saturating_add(*more) <= span
                    }) =>
            {
                &mut pool.window
            }
            _ => continue,
        };
        let more = window.pads.iter().zip([top, left, bottom, right]);
        let sums: Option<Vec<usize>> = more.map(|(&own, more)| own.checked_add(more)).collect();
        let Some(Ok(pads)) = sums.map(<[usize; 4]>::try_from) else { continue };
        window.pads = pads;
        graph.nodes[i].inputs[0] = x;
        count += 1;
    }
    graph.remove_dead_nodes();
    Ok(count)
}

/// Whether an operator has no result below zero.
fn is_positive(op: &Op) -> bool {
    match op {
        Op::Unary(unary) => {
            matches!(unary, Unary::Relu | Unary::Abs | Unary::Sigmoid | Unary::Exp | Unary::Softplus)
        }
        Op::Clip(clip) => clip.min >= 0.0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::conv::Conv;
    use crate::float::ops::pad::Pad;
    use crate::float::ops::pool::Pool;
    use crate::float::ops::window::Window;
    use crate::float::passes::testing::Sketch;

    fn sketch(before: [usize; 4], value: f32) -> (Sketch, crate::float::ValueId) {
        let mut s = Sketch::new();
        let x = s.input(&[1, 1, 4, 5]);
        let w = s.constant(&[1, 1, 2, 2], &[1.0, 2.0, -1.0, 0.5]);
        let padded = s.node(Op::Pad(Pad { before: before.to_vec(), after: vec![0, 0, 0, 3], value }), &[x]);
        let window = Window { kernel: [2, 2], pads: [1, 0, 0, 1], ..Window::POINT };
        let y = s.node(Op::Conv(Conv { window, groups: 1 }), &[padded, w]);
        (s, y)
    }

    #[test]
    fn zeros_around_a_map() {
        let (s, y) = sketch([0, 0, 1, 2], 0.0);
        s.check(&[y], run, &["Conv"]);
    }

    #[test]
    fn what_never_wins_in_a_max_pool() {
        let window = Window { kernel: [3, 3], strides: [2, 2], ..Window::POINT };
        let pool = || Op::Pool(Pool { kind: PoolKind::Max, window: window.clone() });
        for (value, relu, folds) in [
            (f32::MIN, false, true),
            (-65504.0, false, true),
            (0.0, true, true),
            (0.0, false, false),
            (1.0, true, false),
        ] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 2, 6, 6]);
            let x = s.node(Op::Unary(if relu { Unary::Relu } else { Unary::Sin }), &[x]);
            let pad = Pad { before: vec![0, 0, 1, 1], after: vec![0, 0, 0, 1], value };
            let y = s.node(Op::Pad(pad), &[x]);
            let y = s.node(pool(), &[y]);
            match folds {
                true => s.check(&[y], run, &["Unary", "Pool"]),
                false => assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0, "{value}"),
            }
        }
    }

    #[test]
    fn other_pads_stay() {
        let (s, y) = sketch([0, 0, 1, 2], 1.0);
        assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
    }
}
