//! Nodes that only move or look up codes, sums, and products of activations.

use bitgauge_arch::arith::{ChannelParameter, Post, Residual};

use super::super::file::int;
use super::nodes::Nodes;
use super::{Place, stored};
use crate::integer::IntTensor;

impl Nodes<'_> {
    pub fn sum(
        &mut self,
        first: &Residual,
        second: Option<(&Residual, &str)>,
        post: &Post,
        place: &Place<'_>,
        result: &str,
    ) {
        let mut x = self.residual(&place.x, first);
        if let Some((residual, codes)) = second {
            let y = self.residual(codes, residual);
            x = self.op("Add", &[&x, &y], vec![]);
        }
        let x = self.finished(&x, post);
        self.store(&x, place.to, result);
    }

    /// Rows of one activation times rows of another, group by group: at most 65,535 products of 8-bit codes, which
    /// double precision adds up exactly.
    pub fn product(
        &mut self,
        parameter: &ChannelParameter,
        post: &Post,
        place: &Place<'_>,
        (other, tensor): &(String, &IntTensor),
        result: &str,
    ) {
        let mut operand = |codes: &str, tensor: &IntTensor| {
            let shape = tensor.shape;
            let x = self.double(codes);
            self.reshape(&x, &[shape.groups, shape.rows, shape.channels])
        };
        let (a, b) = (operand(&place.x, place.from), operand(other, tensor));
        let b = self.transpose(&b, &[0, 2, 1]);
        let sums = self.op("MatMul", &[&a, &b], vec![]);
        let x = self.requantized(&sums, std::slice::from_ref(parameter), &[1, 1, 1], &[]);
        let x = self.finished(&x, post);
        self.store(&x, place.to, result);
    }

    pub fn scale(
        &mut self,
        parameter: &ChannelParameter,
        post: &Post,
        place: &Place<'_>,
        other: &str,
        result: &str,
    ) {
        let [x, y] = [&place.x, other].map(|codes| self.double(codes));
        let product = self.op("Mul", &[&x, &y], vec![]);
        let x = self.requantized(&product, std::slice::from_ref(parameter), &[1, 1, 1, 1], &[]);
        let x = self.finished(&x, post);
        self.store(&x, place.to, result);
    }

    pub fn table(&mut self, table: &[u8; 256], place: &Place<'_>, result: &str) {
        self.looked_up(&place.x, table, &place.to.code, result);
    }

    pub fn join(&mut self, operands: &[String], result: &str) {
        let operands: Vec<&str> = operands.iter().map(String::as_str).collect();
        self.named("Concat", &operands, vec![int("axis", 1)], result);
    }

    pub fn rows(&mut self, start: usize, place: &Place<'_>, result: &str) {
        let lists = [("starts", start), ("ends", start + place.to.shape.rows), ("axes", 1)]
            .map(|(what, number)| self.sizes(what, &[number]));
        let [starts, ends, axes] = &lists;
        self.named("Slice", &[&place.x, starts, ends, axes], vec![], result);
    }

    /// The same codes in other dimensions.
    pub fn view(&mut self, place: &Place<'_>, result: &str) {
        let shape = self.sizes("shape", &stored(place.to));
        self.named("Reshape", &[&place.x, &shape], vec![], result);
    }

    pub fn permuted(&mut self, dims: &[usize], order: &[usize], place: &Place<'_>, result: &str) {
        let x = self.reshape(&place.x, dims);
        let x = self.transpose(&x, order);
        let shape = self.sizes("shape", &stored(place.to));
        self.named("Reshape", &[&x, &shape], vec![], result);
    }
}
