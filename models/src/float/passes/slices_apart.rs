//! Cuts slices of several axes into simple ones: runs along one axis each, and what skips rows and columns.

use crate::float::graph::{FloatGraph, Node};
use crate::float::ops::slice::{Range, Slice};
use crate::float::ops::{Op, OpError};

use super::chain::Chain;
use super::replace_each;

/// `Slice(x)` => one `Slice` for each axis of which a run is taken, then one that takes every nth of one or more axes,
/// from an index below n on to the end, then one for each axis that is read backwards
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    replace_each(graph, apart)
}

fn apart(graph: &mut FloatGraph, i: usize) -> Result<Vec<Node>, OpError> {
    let node = graph.nodes[i].clone();
    let (Op::Slice(slice), &[x], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..]) else {
        return Ok(Vec::new());
    };
    let shape = graph.shape(x).to_vec();
    let (mut runs, mut every, mut turned) = (Vec::new(), Vec::new(), Vec::new());
    for range in &slice.ranges {
        let (size, axis) = (shape[range.axis], range.axis);
        let Ok(step) = usize::try_from(range.step) else {
            turned.push(range.clone());
            continue;
        };
        // What is skipped before and behind is cut off first.
        let first = range.start / step.max(1) * step;
        let end = range.start + (range.len - 1) * step + 1;
        let reaches = range.len == (size - range.start).div_ceil(step.max(1));
        let (first, end) = if reaches { (first, size) } else { (first, end) };
        if (first, end) != (0, size) {
            runs.push(Range { axis, start: first, len: end - first, step: 1 });
        }
        if step > 1 {
            every.push(Range { axis, start: range.start - first, len: range.len, step: range.step });
        }
    }
    let alone = |range: Range| vec![range];
    let mut parts: Vec<Vec<Range>> = runs.into_iter().map(alone).collect();
    parts.extend(Some(every).filter(|every| !every.is_empty()));
    parts.extend(turned.into_iter().map(alone));
    if parts.len() < 2 && parts.first().is_none_or(|only| *only == slice.ranges) {
        return Ok(Vec::new());
    }
    let mut chain = Chain::new(graph, &node.name);
    let mut at = x;
    let last = parts.len() - 1;
    for (index, ranges) in parts.into_iter().enumerate() {
        let name = if index == last { String::new() } else { format!("part_{index}") };
        at = chain.step(&name, Op::Slice(Slice { ranges }), &[at])?;
    }
    Ok(chain.finish(y))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::passes::testing::Sketch;

    fn slice(ranges: &[(usize, usize, usize, isize)]) -> Op {
        let ranges = ranges.iter().map(|&(axis, start, len, step)| Range { axis, start, len, step });
        Op::Slice(Slice { ranges: ranges.collect() })
    }

    #[test]
    fn several_axes() {
        type Case = (&'static [(usize, usize, usize, isize)], usize);
        let cases: [Case; 4] = [
            (&[(1, 1, 2, 1), (2, 0, 3, 1), (3, 2, 4, 1)], 3),
            (&[(2, 3, 2, 2), (3, 0, 3, 2)], 2),
            (&[(2, 1, 2, 2)], 2),
            (&[(1, 2, 3, -1), (3, 1, 3, 2)], 2),
        ];
        for (ranges, parts) in cases {
            let mut s = Sketch::new();
            let x = s.input(&[1, 3, 8, 6]);
            let y = s.node(slice(ranges), &[x]);
            s.check(&[y], run, &["Slice"].repeat(parts));
        }
    }

    #[test]
    fn simple_ones_stay() {
        for ranges in [&[(2, 1, 4, 1)][..], &[(2, 1, 4, 2), (3, 0, 3, 2)], &[(1, 2, 3, -1)]] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 3, 8, 6]);
            let y = s.node(slice(ranges), &[x]);
            assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
        }
    }
}
