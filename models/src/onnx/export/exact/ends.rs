//! Where reals become codes and codes reals again.

use bitgauge_arch::program::ElementOrder;

use super::super::codes::element;
use super::super::file::int;
use super::super::{ExportError, Written};
use super::nodes::Nodes;
use super::{Exact, stored};
use crate::float::FloatGraph;
use crate::float::heads::{HeadFunction, HeadStep};
use crate::integer::IntTensor;
use crate::onnx::generated::tensor_proto::DataType;

impl Exact<'_> {
    /// Images to codes, as [`crate::integer::CodeType::encode`] rounds them.
    pub fn inputs(&mut self, float: &FloatGraph) -> Written<()> {
        if float.inputs.len() != self.graph.inputs.len() {
            return Err(ExportError::Foreign(float.name.clone()));
        }
        for (&value, &id) in float.inputs.iter().zip(&self.graph.inputs) {
            let value = float.value(value);
            let tensor = self.graph.tensor(id);
            self.file.input(&value.name, &value.shape);
            let result = self.name(id);
            let order = tensor.float_source.as_ref().map(|source| source.order.clone());
            let order = order.unwrap_or_else(|| tensor.shape.stored());
            let mut nodes = Nodes::new(&mut self.file, &value.name);
            let codes = nodes.encoded(&value.name, tensor);
            nodes.in_storage_order(&codes, &order, &stored(tensor), &result);
        }
        Ok(())
    }

    /// Codes to reals in the network's own dimensions; functions at the end that the host computes, in float.
    pub fn outputs(&mut self, float: &FloatGraph) -> Written<()> {
        if float.outputs.len() != self.graph.outputs.len() {
            return Err(ExportError::Foreign(float.name.clone()));
        }
        let graph = self.graph;
        for (&value, output) in float.outputs.iter().zip(&graph.outputs) {
            let value = float.value(value);
            let tensor = graph.tensor(output.tensor);
            let codes = self.codes(output.tensor)?;
            let mut nodes = Nodes::new(&mut self.file, &value.name);
            let x = nodes.in_onnx_order(&codes, &output.order);
            let kind = match output.head.last().map(|step| step.function) {
                Some(HeadFunction::ArgMax { .. }) => DataType::Int64,
                _ => DataType::Float,
            };
            if output.head.is_empty() {
                nodes.decoded(&x, tensor, Some(&value.name));
            } else {
                let mut x = x;
                for (index, step) in output.head.iter().enumerate() {
                    // Codes are brought to the first step's dimensions: ONNX Runtime moves DequantizeLinear behind a
                    // Reshape, and of unsigned codes makes a file there that it refuses itself (1.32).
                    x = nodes.reshape(&x, &[step.outer, step.size, step.inner]);
                    x = if index == 0 { nodes.decoded(&x, tensor, None) } else { x };
                    x = nodes.head(&x, step);
                }
                let shape = nodes.sizes("shape", &value.shape);
                nodes.named("Reshape", &[&x, &shape], vec![], &value.name);
            }
            self.file.output(&value.name, &value.shape, kind);
        }
        Ok(())
    }
}

impl Nodes<'_> {
    /// Codes of reals: divided by the step in double precision, the nearest integer with halves away from zero.
    fn encoded(&mut self, reals: &str, tensor: &IntTensor) -> String {
        let code = &tensor.code;
        let x = self.double(reals);
        let step = self.number(code.scale);
        let x = self.op("Div", &[&x, &step], vec![]);
        let sign = self.op("Sign", &[&x], vec![]);
        let size = self.op("Abs", &[&x], vec![]);
        // Adding a half first would round what is just below one up.
        let whole = self.op("Floor", &[&size], vec![]);
        let part = self.op("Sub", &[&size, &whole], vec![]);
        let half = self.number(0.5);
        let up = self.op("GreaterOrEqual", &[&part, &half], vec![]);
        let up = self.double(&up);
        let size = self.op("Add", &[&whole, &up], vec![]);
        let x = self.op("Mul", &[&size, &sign], vec![]);
        let x = self.plus(&x, f64::from(code.zero_point), "Add");
        let (low, high) = code.range();
        let x = self.clip(&x, f64::from(low), f64::from(high));
        self.cast(&x, element(code))
    }

    fn decoded(&mut self, codes: &str, tensor: &IntTensor, result: Option<&str>) -> String {
        let code = &tensor.code;
        let scale = self.single(code.scale as f32);
        let zero = super::super::codes::pack(&[code.zero_point], element(code));
        let label = self.label("zero_point");
        let zero = self.file.tensor(&label, element(code), &[], zero);
        let inputs = [codes, &scale, &zero];
        match result {
            Some(result) => {
                self.named("DequantizeLinear", &inputs, vec![], result);
                result.to_owned()
            }
            None => self.op("DequantizeLinear", &inputs, vec![]),
        }
    }

    /// From the order of ONNX to that of storage.
    fn in_storage_order(&mut self, x: &str, order: &ElementOrder, shape: &[usize], result: &str) {
        let (counts, perm) = loops(order);
        let x = match perm.is_sorted() {
            true => x.to_owned(),
            false => {
                let x = self.reshape(x, &counts);
                self.transpose(&x, &perm)
            }
        };
        let shape = self.sizes("shape", shape);
        self.named("Reshape", &[&x, &shape], vec![], result);
    }

    /// From the order of storage to that of ONNX.
    fn in_onnx_order(&mut self, x: &str, order: &ElementOrder) -> String {
        let (counts, perm) = loops(order);
        let x = match perm.is_sorted() {
            true => x.to_owned(),
            false => {
                let stored: Vec<usize> = perm.iter().map(|&at| counts[at]).collect();
                let x = self.reshape(x, &stored);
                let mut back = vec![0; perm.len()];
                perm.iter().enumerate().for_each(|(to, &from)| back[from] = to);
                self.transpose(&x, &back)
            }
        };
        let dims: Vec<usize> = order.dims.iter().map(|&d| d as usize).collect();
        self.reshape(&x, &dims)
    }

    fn head(&mut self, x: &str, step: &HeadStep) -> String {
        let axis = vec![int("axis", 1)];
        match step.function {
            HeadFunction::Sigmoid => self.op("Sigmoid", &[x], vec![]),
            HeadFunction::ArgMax { last } => {
                self.op("ArgMax", &[x], [axis, vec![int("select_last_index", i64::from(last))]].concat())
            }
            function => self.op(function.name(), &[x], axis),
        }
    }
}

/// Sizes of the loops in the order of ONNX, and which of them storage has first, second, ...
fn loops(order: &ElementOrder) -> (Vec<usize>, Vec<usize>) {
    let counts = order.loops.iter().map(|&[count, _]| count as usize).collect();
    let mut perm: Vec<usize> = (0..order.loops.len()).collect();
    perm.sort_by_key(|&at| std::cmp::Reverse(order.loops[at][1]));
    (counts, perm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_of_a_map_that_lies_channels_last() {
        let order = ElementOrder::new(vec![1, 4, 2, 3], [[4, 1], [2, 12], [3, 4]]);
        assert_eq!(loops(&order), (vec![4, 6], vec![1, 0]));
    }
}
