//! What a kernel means, written a second time: a plain interpreter of the syntax tree in exact integers.

use crate::unit::{DEPTH, Unit};
use bitgauge_rtl::prelude::*;
use rust_hdl::core::ast::{
    VerilogBlockOrConditional, VerilogExpression as Ast, VerilogLiteral, VerilogOp, VerilogOpUnary,
    VerilogStatement as Statement,
};
use std::collections::HashMap;

/// The state of a unit while it runs.
pub struct Machine<'a> {
    unit: &'a Unit,
    types: HashMap<String, Ty>,
    values: HashMap<String, i128>,
    words: Vec<i128>,
}

impl<'a> Machine<'a> {
    pub fn new(unit: &'a Unit) -> Machine<'a> {
        let mut types: HashMap<String, Ty> = HashMap::new();
        let mut values = HashMap::new();
        for (name, signal) in unit.inputs.iter().chain(&unit.outputs).chain(&unit.locals) {
            types.insert(name.clone(), signal.ty());
        }
        for (name, register, value) in &unit.registers {
            types.insert(format!("{name}$d"), register.d.ty());
            values.insert(format!("{name}$q"), *value);
        }
        if let Some(memory) = &unit.memory {
            let ports = [("we", &memory.we), ("waddr", &memory.waddr), ("wdata", &memory.wdata)];
            for (port, signal) in ports.into_iter().chain([("raddr", &memory.raddr)]) {
                types.insert(format!("memory${port}"), signal.ty());
            }
            types.insert("memory$re".into(), u(1));
            values.insert("memory$rdata".into(), 0);
        }
        Machine { unit, types, values, words: vec![0; DEPTH] }
    }

    /// Runs the kernel on inputs; returns the outputs.
    pub fn settle(&mut self, mode: i128, inputs: &[i128]) -> Vec<i128> {
        self.values.insert("mode".into(), mode);
        for ((name, _), value) in self.unit.inputs.iter().zip(inputs) {
            self.values.insert(name.clone(), *value);
        }
        self.block(&self.unit.kernel);
        self.unit.outputs.iter().map(|(name, _)| self.values[name]).collect()
    }

    /// The clock edge.
    pub fn tick(&mut self) {
        for (name, _, _) in &self.unit.registers {
            let next = self.values[&format!("{name}$d")];
            self.values.insert(format!("{name}$q"), next);
        }
        if let Some(memory) = &self.unit.memory {
            let port = |name: &str| self.values[&format!("memory${name}")];
            let (we, waddr, wdata) = (port("we"), port("waddr") as usize, port("wdata"));
            let read = (port("re") != 0).then(|| self.words[port("raddr") as usize]);
            if let Some(read) = read {
                self.values.insert("memory$rdata".into(), read);
            }
            let ty = memory.wdata.ty();
            let lane = ty.width / self.unit.lanes;
            for bit in 0..ty.width {
                if (we >> (bit / lane)) & 1 == 1 {
                    let cleared = self.words[waddr] & !(1 << bit);
                    self.words[waddr] = cleared | (wdata & (1 << bit));
                }
            }
            self.words[waddr] = cut(self.words[waddr], ty);
        }
    }

    fn block(&mut self, block: &[Statement]) {
        for statement in block {
            match statement {
                Statement::Assignment(Ast::Signal(target), value) => {
                    let target = target.trim_end_matches("$next");
                    if let Some(ty) = self.types.get(target) {
                        let value = cut(self.evaluate(value), *ty);
                        self.values.insert(target.into(), value);
                    }
                }
                Statement::If(conditional) => {
                    if self.evaluate(&conditional.test) != 0 {
                        self.block(&conditional.then);
                    } else {
                        match &conditional.otherwise {
                            VerilogBlockOrConditional::Block(block) => self.block(block),
                            VerilogBlockOrConditional::Conditional(next) => {
                                self.block(std::slice::from_ref(next))
                            }
                            VerilogBlockOrConditional::None => {}
                        }
                    }
                }
                Statement::Match(choice) => {
                    let subject = self.evaluate(&choice.test);
                    let label = ["Mode$Idle", "Mode$Run", "Mode$Drain"][subject as usize];
                    let arm = choice.cases.iter().find(|case| case.condition == label);
                    let arm = arm.or_else(|| choice.cases.iter().find(|case| case.condition == "default"));
                    self.block(&arm.unwrap().block);
                }
                Statement::Loop(unrolled) => {
                    for index in unrolled.from.as_usize()..unrolled.to.as_usize() {
                        self.values.insert(unrolled.index.clone(), index as i128);
                        self.block(&unrolled.block);
                    }
                }
                other => unreachable!("{other:?}"),
            }
        }
    }

    fn evaluate(&self, expression: &Ast) -> i128 {
        match expression {
            Ast::Signal(name) => self.values[name],
            Ast::Literal(value) => number(value),
            Ast::Paren(a) => self.evaluate(a),
            Ast::Cast(a, width) => cut(self.evaluate(a), u(*width)),
            Ast::Signed(a) => match &**a {
                Ast::Cast(a, width) => cut(self.evaluate(a), s(*width)),
                other => unreachable!("{other:?}"),
            },
            Ast::Slice(a, width, low) => cut(self.evaluate(a) >> self.evaluate(low), u(*width)),
            Ast::Index(a, index) => (self.evaluate(a) >> self.evaluate(index)) & 1,
            Ast::Unary(VerilogOpUnary::Neg, a) => -self.evaluate(a),
            Ast::Unary(VerilogOpUnary::Not, a) => i128::from(self.evaluate(a) == 0),
            Ast::Unary(VerilogOpUnary::Any, a) => i128::from(self.evaluate(a) != 0),
            Ast::Binary(a, operator, b) => {
                let (a, b) = (self.evaluate(a), self.evaluate(b));
                match operator {
                    VerilogOp::Add => a + b,
                    VerilogOp::Sub => a - b,
                    // The generator cuts what is wider at once, so the low bits are enough.
                    VerilogOp::Mul => a.wrapping_mul(b),
                    VerilogOp::BitAnd => a & b,
                    VerilogOp::BitOr => a | b,
                    VerilogOp::BitXor => a ^ b,
                    VerilogOp::Shl => a << b,
                    VerilogOp::Shr => a >> b,
                    VerilogOp::LogicalAnd => i128::from(a != 0 && b != 0),
                    VerilogOp::LogicalOr => i128::from(a != 0 || b != 0),
                    VerilogOp::Eq => i128::from(a == b),
                    VerilogOp::Ne => i128::from(a != b),
                    VerilogOp::Lt => i128::from(a < b),
                    VerilogOp::Le => i128::from(a <= b),
                    VerilogOp::Gt => i128::from(a > b),
                    VerilogOp::Ge => i128::from(a >= b),
                }
            }
            other => unreachable!("{other:?}"),
        }
    }
}

/// Modulo arithmetic, unlike the crate's shifts.
pub fn cut(value: i128, ty: Ty) -> i128 {
    let low = value.rem_euclid(1 << ty.width);
    if ty.signed && low >= 1 << (ty.width - 1) { low - (1 << ty.width) } else { low }
}

fn number(literal: &VerilogLiteral) -> i128 {
    literal.as_usize() as i128
}
