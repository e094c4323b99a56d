//! A sketch of a graph for the passes' tests.

use super::Pass;
use crate::float::{FloatGraph, Node, Op, Tensor, ValueId, run};

pub struct Sketch(FloatGraph);

impl Sketch {
    pub fn new() -> Self {
        Self(FloatGraph::default())
    }

    pub fn input(&mut self, shape: &[usize]) -> ValueId {
        let v = self.0.add_value("x", shape.to_vec());
        self.0.inputs.push(v);
        v
    }

    pub fn constant(&mut self, shape: &[usize], data: &[f32]) -> ValueId {
        self.0.add_constant("c", Tensor::new(shape.to_vec(), data.to_vec()).unwrap())
    }

    pub fn node(&mut self, op: Op, inputs: &[ValueId]) -> ValueId {
        let mut node = Node {
            name: format!("n{}", self.0.nodes.len()),
            op,
            inputs: inputs.to_vec(),
            outputs: Vec::new(),
        };
        let shape = self.0.infer(&node).unwrap().remove(0);
        let y = self.0.add_value("y", shape);
        node.outputs.push(y);
        self.0.nodes.push(node);
        y
    }

    /// The graph with these outputs.
    pub fn graph(mut self, outputs: &[ValueId]) -> FloatGraph {
        self.0.outputs = outputs.to_vec();
        self.0.validate().unwrap();
        self.0
    }

    /// Runs the pass; the outputs must stay equal to 1e-5 and the nodes become `kinds`.
    pub fn check(mut self, outputs: &[ValueId], pass: Pass, kinds: &[&str]) {
        self.0.outputs = outputs.to_vec();
        self.0.validate().unwrap();
        let inputs: Vec<Tensor> = self.0.inputs.iter().map(|&v| noise(self.0.shape(v))).collect();
        let before = run(&self.0, &inputs).unwrap();
        assert!(pass(&mut self.0).unwrap() > 0, "the pattern was not found");
        self.0.compact();
        self.0.validate().unwrap();
        let found: Vec<&str> = self.0.nodes.iter().map(|n| n.op.kind()).collect();
        assert_eq!(found, kinds, "{}", self.0.to_text());
        for (a, b) in run(&self.0, &inputs).unwrap().iter().zip(&before) {
            assert!(a.relative_error(b) <= 1e-5, "{a:?} is not {b:?}");
        }
    }
}

fn noise(shape: &[usize]) -> Tensor {
    let n = shape.iter().product::<usize>();
    let data = (0..n).map(|i| ((i * 37 + 11) % 23) as f32 / 7.0 - 1.5).collect();
    Tensor::new(shape.to_vec(), data).unwrap()
}
