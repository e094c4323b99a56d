//! Operators of ONNX for one node of the integer network, and the arithmetic that all of them share.

use bitgauge_arch::arith::requantize::{OUTPUT_MAX, OUTPUT_MIN};
use bitgauge_arch::arith::{ChannelParameter, Post, Requant, Residual, Signedness};

use super::super::codes::element;
use super::super::file::{File, int, ints};
use crate::integer::{CodeType, IntTensor};
use crate::onnx::generated::AttributeProto;
use crate::onnx::generated::tensor_proto::DataType;

/// Writes the operators of one node, under names that begin with its own.
pub struct Nodes<'a> {
    pub file: &'a mut File,
    name: &'a str,
}

impl<'a> Nodes<'a> {
    pub fn new(file: &'a mut File, name: &'a str) -> Self {
        Self { file, name }
    }

    /// Adds an operator; gives the name of its result.
    pub fn op(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        let result = self.file.unique(&format!("{}/{op}", self.name));
        self.named(op, inputs, attributes, &result);
        result
    }

    /// Adds an operator whose result has a name.
    pub fn named(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>, result: &str) {
        let inputs = inputs.iter().map(|&input| input.to_owned()).collect();
        self.file.node(op, result, inputs, result, attributes);
    }

    /// A name for an initializer of the node.
    pub fn label(&self, what: &str) -> String {
        format!("{}_{what}", self.name)
    }

    pub fn cast(&mut self, x: &str, to: DataType) -> String {
        self.op("Cast", &[x], vec![int("to", to as i64)])
    }

    pub fn double(&mut self, x: &str) -> String {
        self.cast(x, DataType::Double)
    }

    pub fn reshape(&mut self, x: &str, shape: &[usize]) -> String {
        let shape = self.sizes("shape", shape);
        self.op("Reshape", &[x, &shape], vec![])
    }

    pub fn transpose(&mut self, x: &str, perm: &[usize]) -> String {
        match perm.is_sorted() {
            true => x.to_owned(),
            false => self.op("Transpose", &[x], vec![ints("perm", perm)]),
        }
    }

    /// An operand of sizes.
    pub fn sizes(&mut self, what: &str, sizes: &[usize]) -> String {
        let sizes: Vec<i64> = sizes.iter().map(|&d| d as i64).collect();
        let label = self.label(what);
        self.file.indices(&label, &[sizes.len()], &sizes)
    }

    pub fn doubles(&mut self, what: &str, shape: &[usize], values: &[f64]) -> String {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let label = self.label(what);
        self.file.tensor(&label, DataType::Double, shape, bytes)
    }

    pub fn number(&mut self, value: f64) -> String {
        self.file.tensor("number", DataType::Double, &[], value.to_le_bytes().to_vec())
    }

    pub fn single(&mut self, value: f32) -> String {
        self.file.tensor("number", DataType::Float, &[], value.to_le_bytes().to_vec())
    }

    pub fn integer(&mut self, value: i64) -> String {
        self.file.tensor("number", DataType::Int64, &[], value.to_le_bytes().to_vec())
    }

    /// Codes as reals of double precision, counted from a zero point.
    pub fn distances(&mut self, codes: &str, zero_point: i32) -> String {
        let x = self.double(codes);
        self.plus(&x, f64::from(zero_point), "Sub")
    }

    /// Adds or subtracts a number, where it is not zero.
    pub fn plus(&mut self, x: &str, value: f64, op: &str) -> String {
        if value == 0.0 {
            return x.to_owned();
        }
        let value = self.number(value);
        self.op(op, &[x, &value], vec![])
    }

    pub fn clip(&mut self, x: &str, low: f64, high: f64) -> String {
        let [low, high] = [low, high].map(|end| self.number(end));
        self.op("Clip", &[x, &low, &high], vec![])
    }

    /// [`ChannelParameter::requantize`] of sums of double precision; parameters lie along dimensions of `shape`.
    /// `zero_sums` are what each channel's sum lacks because it is one of distances from a zero point.
    pub fn requantized(
        &mut self,
        sums: &str,
        parameters: &[ChannelParameter],
        shape: &[usize],
        zero_sums: &[i64],
    ) -> String {
        let bias = |(index, p): (usize, &ChannelParameter)| {
            (i64::from(p.bias) + zero_sums.get(index).copied().unwrap_or(0)) as f64
        };
        let biases: Vec<f64> = parameters.iter().enumerate().map(bias).collect();
        let factor = |p: &ChannelParameter| if p.negate { -p.requant.to_real() } else { p.requant.to_real() };
        let factors: Vec<f64> = parameters.iter().map(factor).collect();
        let mut x = sums.to_owned();
        if biases.iter().any(|&bias| bias != 0.0) {
            let biases = self.doubles("bias", shape, &biases);
            x = self.op("Add", &[&x, &biases], vec![]);
        }
        let factors = self.doubles("factor", shape, &factors);
        self.scaled(&x, &factors)
    }

    /// [`Requant::apply`]: `floor(x * factor + 1/2)`, saturated to 18 bits. `x` has 34 bits and the mantissa 16, so
    /// that the product, and the half added to it, are exact in double precision.
    fn scaled(&mut self, x: &str, factors: &str) -> String {
        let product = self.op("Mul", &[x, factors], vec![]);
        let rounded = self.rounded(&product);
        self.clip(&rounded, f64::from(OUTPUT_MIN), f64::from(OUTPUT_MAX))
    }

    /// The nearest integer, halves up.
    pub fn rounded(&mut self, x: &str) -> String {
        let half = self.number(0.5);
        let x = self.op("Add", &[x, &half], vec![]);
        self.op("Floor", &[&x], vec![])
    }

    /// One factor for all.
    pub fn rescaled(&mut self, x: &str, requant: Requant) -> String {
        let factor = self.number(requant.to_real());
        self.scaled(x, &factor)
    }

    /// [`Residual::rescale`].
    pub fn residual(&mut self, codes: &str, residual: &Residual) -> String {
        let x = self.distances(codes, residual.zero_point);
        self.rescaled(&x, residual.requant)
    }

    /// [`Post::finish`].
    pub fn finished(&mut self, x: &str, post: &Post) -> String {
        let x = self.plus(x, f64::from(post.zero_point), "Add");
        self.clip(&x, f64::from(post.clamp_low), f64::from(post.clamp_high))
    }

    /// Codes of a tensor from their values, in the dimensions of its storage.
    pub fn store(&mut self, x: &str, to: &IntTensor, result: &str) {
        let x = self.reshape(x, &super::stored(to));
        self.named("Cast", &[&x], vec![int("to", element(&to.code) as i64)], result);
    }

    /// Looks codes up; an index below zero counts from the table's end, as the low byte of a code does.
    pub fn looked_up(&mut self, codes: &str, table: &[u8; 256], code: &CodeType, result: &str) {
        let index = self.cast(codes, DataType::Int32);
        let element = if code.sign == Signedness::Signed { DataType::Int8 } else { DataType::Uint8 };
        let label = self.label("table");
        let table = self.file.tensor(&label, element, &[256], table.to_vec());
        self.named("Gather", &[&table, &index], vec![], result);
    }
}
