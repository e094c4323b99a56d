//! Gives rows and columns of zeros around a map to the convolution that reads it.

use crate::float::graph::{FloatGraph, NodeId};
use crate::float::ops::{Op, OpError};

/// `Conv(Pad(x))`, zeros around rows and columns and no other reader => `Conv(x)` with more padding
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    for i in 0..graph.nodes.len() {
        if !matches!(graph.nodes[i].op, Op::Conv(_)) {
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
        if pad.value != 0.0 || links.sole_consumer(padded) != Some(NodeId(i)) {
            continue;
        }
        let Op::Conv(conv) = &mut graph.nodes[i].op else { continue };
        let more = conv.window.pads.iter().zip([top, left, bottom, right]);
        let sums: Option<Vec<usize>> = more.map(|(&own, more)| own.checked_add(more)).collect();
        let Some(Ok(pads)) = sums.map(<[usize; 4]>::try_from) else { continue };
        conv.window.pads = pads;
        graph.nodes[i].inputs[0] = x;
        count += 1;
    }
    graph.remove_dead_nodes();
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::conv::Conv;
    use crate::float::ops::pad::Pad;
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
    fn other_pads_stay() {
        let (s, y) = sketch([0, 0, 1, 2], 1.0);
        assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
    }
}
