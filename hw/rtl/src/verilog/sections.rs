//! The sections of a module around its logic: declarations, instances, registers, unread bits.

use super::Reset;
use super::assemble::{comment, has_reset, range};
use super::body::{BodyPrinter, key};
use super::collect::{Body, Node};
use super::names;
use super::tokens::literal;
use crate::signal::Ty;
use rust_hdl::prelude::AtomKind;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The reset of the parts of a unit with a restart.
pub(super) const RESET_OF_PARTS: &str = "reset_of_parts";

impl BodyPrinter<'_> {
    /// The comment of a field, at its first element only.
    fn field_comment(&self, name: &str) -> String {
        let field = name.split('$').next().unwrap_or_default();
        let first = name.split('$').skip(1).all(|index| index == "0");
        let doc = self.context.node.port_docs.get(field).filter(|_| first);
        doc.map(|doc| comment(doc, "  ")).unwrap_or_default()
    }

    fn declare(&self, name: &str, ty: Ty) -> String {
        let kind = if self.procedural.contains(name) { "reg" } else { "wire" };
        format!("  {kind} {}{name};\n", range(ty))
    }

    /// Constants, local signals, signals at the ports of the parts, registers, intermediate values.
    pub(super) fn declarations(&self) -> String {
        let mut out = String::new();
        for (name, (value, width)) in &self.printer.variants {
            let range = range(Ty { width: *width, signed: false });
            let _ = writeln!(out, "  localparam {range}{name} = {};", literal(*value, false, *width));
        }
        for atom in self.context.node.atoms.iter().filter(|atom| atom.kind == AtomKind::LocalSignal) {
            if let Some(symbol) = self.scope.symbols.get(&atom.name) {
                out += &self.field_comment(&atom.name);
                out += &self.declare(&symbol.name, symbol.ty);
            }
        }
        for (child, _) in self.context.children {
            let mut comment = self.field_comment(&child.instance);
            for port in child.ports() {
                let Some(symbol) = self.scope.symbols.get(&key(child, port)) else { continue };
                if self.aliases.contains_key(&symbol.name) {
                    continue;
                }
                out += &std::mem::take(&mut comment);
                let (name, ty) = (&symbol.name, symbol.ty);
                match child.body {
                    Body::Register(value) if port.name == "q" && self.context.reset == Reset::Initial => {
                        let value = literal(value, ty.signed, ty.width);
                        let _ = writeln!(out, "  reg {}{name} = {value};", range(ty));
                    }
                    Body::Register(_) if port.name == "q" => {
                        let _ = writeln!(out, "  reg {}{name};", range(ty));
                    }
                    _ => out += &self.declare(name, ty),
                }
            }
        }
        for (name, ty) in &self.temporaries {
            let _ = writeln!(out, "  reg {}{name};", range(*ty));
        }
        for wire in &self.printer.wires {
            let _ = writeln!(out, "  wire {}{} = {};", range(wire.ty), wire.name, wire.text);
        }
        out
    }

    /// The parts that are modules.
    pub(super) fn instances(&mut self) -> String {
        let mut out = String::new();
        if let Some(restart) = &self.context.node.restart {
            self.printer.use_whole(&restart.signal);
            let _ = writeln!(out, "  wire {RESET_OF_PARTS} = reset | {};", restart.signal);
        }
        for (child, module) in self.context.children {
            let Some(module) = module else { continue };
            let mut connections = vec![];
            for port in child.ports() {
                let Some(symbol) = self.scope.symbols.get(&key(child, port)) else { continue };
                connections.push((names::legal(&port.name), self.resolve(&symbol.name)));
            }
            if has_reset(child, self.context.reset) {
                let restarted = self.context.node.restart.as_ref().is_some_and(|by| by.reaches(child));
                connections.push(("reset".into(), if restarted { RESET_OF_PARTS } else { "reset" }.into()));
            }
            let connections: Vec<_> =
                connections.iter().map(|(port, signal)| format!("    .{port}({signal})")).collect();
            let instance = self.printer.fresh(&format!("u_{}", child.instance));
            let _ = writeln!(out, "  {module} {instance} (\n{}\n  );", connections.join(",\n"));
        }
        out
    }

    /// One `always` block for each clock.
    pub(super) fn registers(&mut self) -> String {
        let mut clocks: BTreeMap<String, Vec<(String, String, String)>> = BTreeMap::new();
        for (child, _) in self.context.children {
            let Body::Register(value) = child.body else { continue };
            let port = |name: &str| self.scope.symbols.get(&format!("{}${name}", child.instance));
            let (Some(clock), Some(d), Some(q)) = (port("clock"), port("d"), port("q")) else { continue };
            let reset = literal(value, q.ty.signed, q.ty.width);
            let (clock, d) = (self.resolve(&clock.name), self.resolve(&d.name));
            clocks.entry(clock).or_default().push((q.name.clone(), d, reset));
        }
        let mut out = String::new();
        for (clock, registers) in clocks {
            self.printer.use_whole(&clock);
            let list = |indent: &str, pick: &dyn Fn(&(String, String, String)) -> String| {
                registers.iter().fold(String::new(), |out, register| {
                    format!("{out}{indent}{} <= {};\n", register.0, pick(register))
                })
            };
            let edge = if self.context.reset == Reset::Asynchronous { " or posedge reset" } else { "" };
            let _ = writeln!(out, "  always @(posedge {clock}{edge}) begin");
            if self.context.reset == Reset::Initial {
                out += &list("    ", &|register| register.1.clone());
            } else {
                let (values, next) = (list("      ", &|r| r.2.clone()), list("      ", &|r| r.1.clone()));
                let _ = writeln!(out, "    if (reset) begin\n{values}    end else begin\n{next}    end");
            }
            out += "  end\n";
        }
        out
    }

    /// Takes the bits that nobody reads, so that linters see it is meant.
    pub(super) fn sink(&self) -> String {
        let mut unread = vec![];
        let mut look = |name: &str, ty: Ty| {
            let used = self.printer.used.get(name).copied().unwrap_or(0);
            let mut bit = 0;
            while bit < ty.width {
                let low = bit;
                while bit < ty.width && (used >> bit) & 1 == 0 {
                    bit += 1;
                }
                match bit - low {
                    0 => bit += 1,
                    count if count == ty.width => unread.push(name.to_string()),
                    1 => unread.push(format!("{name}[{low}]")),
                    _ => unread.push(format!("{name}[{}:{low}]", bit - 1)),
                }
            }
        };
        let readable = |node: &Node, own: bool| {
            let kinds: &[AtomKind] = if own {
                &[AtomKind::InputParameter, AtomKind::LocalSignal]
            } else {
                &[AtomKind::OutputParameter]
            };
            node.atoms.iter().filter(|atom| kinds.contains(&atom.kind)).cloned().collect::<Vec<_>>()
        };
        for atom in readable(self.context.node, true) {
            if let Some(symbol) = self.scope.symbols.get(&atom.name) {
                look(&symbol.name, symbol.ty);
            }
        }
        for (child, _) in self.context.children {
            for port in readable(child, false) {
                if let Some(symbol) = self.scope.symbols.get(&key(child, &port)) {
                    look(&symbol.name, symbol.ty);
                }
            }
        }
        self.printer.wires.iter().for_each(|wire| look(&wire.name, wire.ty));
        self.temporaries.iter().for_each(|(name, ty)| look(name, *ty));
        if unread.is_empty() {
            return String::new();
        }
        let mut text = String::from("  wire unused = &{1'b0");
        let mut column = text.len();
        for name in unread {
            let gap = if column + name.len() > 100 { ",\n    " } else { ", " };
            column = if gap.len() > 2 { 4 } else { column + 2 } + name.len();
            text = text + gap + &name;
        }
        text + "};\n"
    }
}
