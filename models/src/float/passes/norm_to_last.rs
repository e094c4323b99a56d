//! Writes a LayerNorm over several axes as one over the last axis, which the accelerator has.

use crate::float::graph::FloatGraph;
use crate::float::ops::layer_norm::LayerNorm;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

use super::chain::Chain;
use super::replace_each;

/// `LayerNorm(x)` over the axes from another than the last on => `LayerNorm` of one axis between two `Reshape`
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    replace_each(graph, |graph, i| {
        let node = graph.nodes[i].clone();
        let (Op::LayerNorm(norm), &[x, ref parameters @ ..], &[y]) =
            (&node.op, &node.inputs[..], &node.outputs[..])
        else {
            return Ok(Vec::new());
        };
        let shape = graph.shape(x).to_vec();
        let (lead, tail) = shape.split_at(norm.axis);
        let elements = tail.iter().product();
        let flat: Option<Vec<Tensor>> =
            parameters.iter().map(|&p| graph.constant(p)?.reshaped(&[elements]).ok()).collect();
        let (Some(flat), true) = (flat, tail.len() > 1) else { return Ok(Vec::new()) };
        let rows = if lead.is_empty() { vec![1, elements] } else { [lead, &[elements]].concat() };
        let mut chain = Chain::new(graph, &node.name);
        let mut inputs = vec![chain.reshape("rows", x, &rows)?];
        for (part, t) in ["scale", "bias"].into_iter().zip(flat) {
            inputs.push(chain.constant(part, t));
        }
        let norm = LayerNorm { axis: rows.len() - 1, epsilon: norm.epsilon };
        let normal = chain.step("", Op::LayerNorm(norm), &inputs)?;
        chain.reshape("dims", normal, &shape)?;
        Ok(chain.finish(y))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::passes::testing::Sketch;

    #[test]
    fn several_axes() {
        for axis in [0, 1] {
            let mut s = Sketch::new();
            let shape = [2, 3, 2];
            let x = s.input(&shape);
            let count = shape[axis..].iter().product();
            let scale: Vec<f32> = (0..count).map(|i| i as f32 / 4.0 - 1.0).collect();
            let p = s.constant(&shape[axis..], &scale);
            let y = s.node(Op::LayerNorm(LayerNorm { axis, epsilon: 1e-3 }), &[x, p]);
            s.check(&[y], run, &["Reshape", "LayerNorm", "Reshape"]);
        }
    }
}
