//! Random kernels: statements and expressions that keep the rules.

use crate::random::Random;
use crate::unit::Unit;
use bitgauge_rtl::prelude::*;
use rust_hdl::core::ast::{
    VerilogBlock, VerilogBlockOrConditional, VerilogCase, VerilogConditional, VerilogExpression as Ast,
    VerilogLoop, VerilogMatch, VerilogOp, VerilogOpUnary, VerilogStatement as Statement,
};

fn signal(name: &str) -> Ast {
    Ast::Signal(name.into())
}

fn literal(value: u64) -> Ast {
    Ast::Literal(value.into())
}

fn set(target: &str, value: Ast) -> Statement {
    Statement::Assignment(signal(&format!("{target}$next")), value)
}

pub struct Kernel<'a> {
    random: &'a mut Random,
    /// What can be read here, with its width.
    names: Vec<(String, usize)>,
    loops: usize,
    /// Exact values stay within this many bits.
    limit: usize,
}

impl<'a> Kernel<'a> {
    pub fn new(random: &'a mut Random, limit: usize) -> Kernel<'a> {
        Kernel { random, names: vec![], loops: 0, limit }
    }

    pub fn all(mut self, unit: &Unit) -> VerilogBlock {
        let width = |signal: &Sig| signal.ty().width;
        self.names.extend(unit.inputs.iter().map(|(name, port)| (name.clone(), width(port))));
        self.names.extend(unit.registers.iter().map(|(name, r, _)| (format!("{name}$q"), width(&r.q))));
        let mut kernel = vec![];
        let mut targets = vec![];
        if let Some(memory) = &unit.memory {
            self.names.push(("memory$rdata".into(), width(&memory.rdata)));
            kernel.push(set("memory$clock", signal("clock")));
            for port in ["we", "waddr", "wdata", "re", "raddr"] {
                let value = if port == "re" { self.condition(2) } else { self.word(3) };
                kernel.push(set(&format!("memory${port}"), value));
            }
        }
        for (name, _, _) in &unit.registers {
            kernel.push(set(&format!("{name}$clock"), signal("clock")));
            let value = if self.random.below(3) == 0 { self.word(2) } else { signal(&format!("{name}$q")) };
            kernel.push(set(&format!("{name}$d"), value));
            targets.push(format!("{name}$d"));
        }
        for (name, local) in &unit.locals {
            let value = self.word(3);
            kernel.push(set(name, value));
            self.names.push((name.clone(), width(local)));
            targets.push(name.clone());
        }
        let (plain, procedural) = unit.outputs.split_at(10);
        for (name, _) in procedural {
            kernel.push(set(name, literal(0)));
            targets.push(name.clone());
        }
        for _ in 0..6 {
            self.statement(&targets, 2, &mut kernel);
        }
        for (name, _) in plain {
            let value = self.word(4);
            kernel.push(set(name, value));
        }
        kernel
    }

    fn block(&mut self, targets: &[String], depth: u32) -> VerilogBlock {
        let mut block = vec![];
        for _ in 0..1 + self.random.below(3) {
            self.statement(targets, depth, &mut block);
        }
        block
    }

    fn statement(&mut self, targets: &[String], depth: u32, out: &mut VerilogBlock) {
        let kind = if depth == 0 { 0 } else { self.random.below(8) };
        match kind {
            1..=3 => {
                let statement = self.conditional(targets, depth);
                out.push(statement);
            }
            4 => {
                let labels: &[&str] = match self.random.below(3) {
                    0 => &["Mode$Idle", "Mode$Run", "Mode$Drain"],
                    1 => &["Mode$Drain", "default"],
                    _ => &["Mode$Run", "Mode$Idle", "default"],
                };
                let case = |label: &&str| VerilogCase {
                    condition: (*label).into(),
                    block: self.block(targets, depth - 1),
                };
                let cases = labels.iter().map(case).collect();
                out.push(Statement::Match(VerilogMatch { test: signal("mode"), cases }));
            }
            5 => {
                let index = format!("n{}", self.loops);
                self.loops += 1;
                let known = self.names.len();
                self.names.push((index.clone(), 2));
                let block = self.block(targets, depth - 1);
                self.names.truncate(known);
                let (from, to) = (0u64.into(), (1 + self.random.below(3)).into());
                out.push(Statement::Loop(VerilogLoop { index, from, to, block }));
            }
            _ => {
                let target = self.random.pick(targets).clone();
                let value = self.word(3);
                out.push(set(&target, value));
            }
        }
    }

    fn conditional(&mut self, targets: &[String], depth: u32) -> Statement {
        let test = self.condition(2);
        let then = self.block(targets, depth - 1);
        let otherwise = match self.random.below(3) {
            0 => VerilogBlockOrConditional::None,
            1 => VerilogBlockOrConditional::Block(self.block(targets, depth - 1)),
            _ => {
                let next = self.random.below(2) == 0 && depth > 1;
                let next = if next { self.conditional(targets, depth - 1) } else { self.last(targets) };
                VerilogBlockOrConditional::Conditional(Box::new(next))
            }
        };
        Statement::If(VerilogConditional { test, then, otherwise })
    }

    fn last(&mut self, targets: &[String]) -> Statement {
        let (test, then) = (self.condition(2), self.block(targets, 0));
        Statement::If(VerilogConditional { test, then, otherwise: VerilogBlockOrConditional::None })
    }

    fn word(&mut self, depth: u32) -> Ast {
        self.tree(depth).0
    }

    /// A flag.
    fn condition(&mut self, depth: u32) -> Ast {
        use VerilogOp::{Eq, Ge, Gt, Le, LogicalAnd, LogicalOr, Lt, Ne};
        match self.random.below(if depth == 0 { 6 } else { 9 }) {
            0 => Ast::Unary(VerilogOpUnary::Any, Box::new(self.word(depth))),
            1 => Ast::Index(Box::new(self.word(depth)), Box::new(self.amount())),
            2..=5 => {
                let operator = self.random.pick(&[Eq, Ne, Lt, Le, Gt, Ge]).clone();
                let (a, b) = (self.word(depth.saturating_sub(1)), self.word(depth.saturating_sub(1)));
                Ast::Paren(Box::new(Ast::Binary(Box::new(a), operator, Box::new(b))))
            }
            6 => Ast::Unary(VerilogOpUnary::Not, Box::new(self.condition(depth - 1))),
            _ => {
                let operator = self.random.pick(&[LogicalAnd, LogicalOr]).clone();
                let (a, b) = (self.condition(depth - 1), self.condition(depth - 1));
                Ast::Paren(Box::new(Ast::Binary(Box::new(a), operator, Box::new(b))))
            }
        }
    }

    /// A number that is small and not negative.
    fn amount(&mut self) -> Ast {
        match self.random.below(4) {
            0 | 1 => literal(self.random.below(12)),
            2 => Ast::Cast(Box::new(self.leaf().0), 1 + self.random.below(3) as usize),
            _ => Ast::Cast(Box::new(self.tree(1).0), 1 + self.random.below(3) as usize),
        }
    }

    fn leaf(&mut self) -> (Ast, usize) {
        if self.random.below(5) == 0 {
            return (literal(self.random.below(70)), 7);
        }
        let (name, width) = self.random.pick(&self.names).clone();
        (signal(&name), width)
    }

    /// An expression, and bits that hold its value and its sign.
    fn tree(&mut self, depth: u32) -> (Ast, usize) {
        use VerilogOp::{Add, BitAnd, BitOr, BitXor, Mul, Shl, Shr, Sub};
        if depth == 0 || self.random.below(8) == 0 {
            let (leaf, width) = self.leaf();
            return (leaf, width + 1);
        }
        let (a, width) = self.tree(depth - 1);
        let a = Box::new(a);
        let (tree, width) = match self.random.below(15) {
            0..=5 => {
                let operator = self.random.pick(&[Add, Sub, Mul, BitAnd, BitOr, BitXor]).clone();
                let (b, other) = self.tree(depth - 1);
                let more = if matches!(operator, Mul) { width + other } else { width.max(other) + 1 };
                (Ast::Paren(Box::new(Ast::Binary(a, operator, Box::new(b)))), more)
            }
            6 => {
                let amount = self.amount();
                let most = if matches!(amount, Ast::Cast(..)) { 7 } else { 12 };
                (Ast::Binary(a, Shl, Box::new(amount)), width + most)
            }
            7 | 8 => (Ast::Binary(a, Shr, Box::new(self.amount())), width),
            9 => {
                let bits = 1 + self.random.below(14) as usize;
                (Ast::Cast(a, bits), bits + 1)
            }
            10 | 11 => {
                let bits = 1 + self.random.below(14) as usize;
                (Ast::Signed(Box::new(Ast::Cast(a, bits))), bits + 1)
            }
            12 => (Ast::Unary(VerilogOpUnary::Neg, a), width + 1),
            13 => {
                let bits = 1 + self.random.below(9) as usize;
                (Ast::Slice(a, bits, Box::new(self.amount())), bits + 1)
            }
            _ => (self.condition(depth - 1), 2),
        };
        if width <= self.limit { (tree, width) } else { (Ast::Cast(Box::new(tree), 30), 31) }
    }
}
