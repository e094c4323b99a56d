//! Prints the inside of a module that has a kernel.

use super::assemble::{has_reset, ports};
use super::collect::{AtomInfo, Node};
use super::expr::Expr;
use super::flow::{self, Group};
use super::lower::{Scope, Symbol, lower};
use super::reduce;
use super::statement::Statement;
use super::text::Printer;
use super::tokens::literal;
use super::{Error, Reset};
use crate::signal::Ty;
use rust_hdl::core::ast::VerilogBlock;
use rust_hdl::prelude::AtomKind;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// What the body of a module is made from.
pub(super) struct Context<'a> {
    pub module: &'a str,
    pub node: &'a Node,
    /// The parts inside, with their module unless they are registers.
    pub children: &'a [(&'a Node, Option<String>)],
    pub reset: Reset,
}

impl Context<'_> {
    fn error(&self, message: String) -> Error {
        Error::Kernel { module: self.module.into(), message }
    }

    fn has_reset(&self) -> bool {
        has_reset(self.node, self.reset)
    }
}

/// Port list and body of a module, without its name.
pub(super) fn print(context: &Context, kernel: &VerilogBlock) -> Result<String, Error> {
    if let Some(restart) = &context.node.restart
        && !(context.has_reset() && context.node.atoms.iter().any(|atom| atom.name == restart.signal))
    {
        return Err(
            context.error(format!("to restart by `{}` it needs that signal and a reset", restart.signal))
        );
    }
    let (scope, taken) = scope(context)?;
    let statements = lower(&scope, kernel).map_err(|message| context.error(message))?;
    let groups = flow::groups(reduce::overwritten(statements)).map_err(|message| context.error(message))?;
    let groups = reduce::constants(groups);
    let mut body = BodyPrinter {
        context,
        scope: &scope,
        printer: Printer::new(context.module, taken),
        aliases: aliases(context, &scope, &groups),
        procedural: BTreeSet::new(),
        temporaries: vec![],
        logic: String::new(),
    };
    body.check_driven(&groups)?;
    for group in &groups {
        body.group(group)?;
    }
    let instances = body.instances();
    let registers = body.registers();
    let sink = body.sink();
    let list = ports(context.node, &|name| body.procedural.contains(name), context.has_reset());
    let sections = [body.declarations(), instances, std::mem::take(&mut body.logic), registers, sink];
    let sections: Vec<_> = sections.into_iter().filter(|section| !section.is_empty()).collect();
    Ok(format!("(\n{list});\n{}", sections.join("\n")))
}

/// The key of a child's port in the scope.
pub(super) fn key(child: &Node, port: &AtomInfo) -> String {
    format!("{}${}", child.instance, port.name)
}

/// What the kernel can name: its own signals and the ports of its children.
fn scope(context: &Context) -> Result<(Scope, BTreeSet<String>), Error> {
    let mut scope = Scope { variants: context.node.variants.clone(), ..Scope::default() };
    let mut taken = BTreeSet::from(["unused".to_string()]);
    if context.has_reset() {
        taken.insert("reset".into());
    }
    if context.node.restart.is_some() {
        taken.insert(super::sections::RESET_OF_PARTS.into());
    }
    let mut add = |scope: &mut Scope, key: String, ty: Ty, driven: bool, port: bool| {
        let wanted = super::names::legal(&key);
        let mut name = wanted.clone();
        while !taken.insert(name.clone()) {
            name.push('_');
        }
        // The name of a port is known outside.
        if port && name != wanted {
            return Err(context.error(format!("two ports would be called `{wanted}`")));
        }
        scope.symbols.insert(key, Symbol { name, ty, driven });
        Ok(())
    };
    for atom in &context.node.atoms {
        if atom.kind == AtomKind::Constant {
            scope.constants.insert(atom.name.clone(), atom.value);
        } else {
            let (driven, port) = (atom.kind != AtomKind::InputParameter, atom.kind.is_parameter());
            add(&mut scope, atom.name.clone(), atom.ty, driven, port)?;
        }
    }
    for (child, _) in context.children {
        for port in child.ports() {
            add(&mut scope, key(child, port), port.ty, port.kind == AtomKind::InputParameter, false)?;
        }
    }
    Ok((scope, taken))
}

/// Inputs of children that a signal of the same type drives: they need no wire of their own.
fn aliases(context: &Context, scope: &Scope, groups: &[Group]) -> BTreeMap<String, String> {
    let mut inputs = BTreeSet::new();
    for (child, _) in context.children {
        let ports = child.ports().filter(|port| port.kind == AtomKind::InputParameter);
        inputs
            .extend(ports.filter_map(|port| scope.symbols.get(&key(child, port))).map(|symbol| &symbol.name));
    }
    let mut read = BTreeSet::new();
    for statement in groups.iter().flatten() {
        statement.reads(&mut |name| {
            read.insert(name);
        });
    }
    let mut aliases = BTreeMap::new();
    for group in groups {
        if let [Statement::Set { target, ty, value: Expr::Part { name, whole, ty: part, .. } }] =
            group.as_slice()
            && (ty, part) == (whole, whole)
            && !read.contains(target.as_str())
            && inputs.contains(target)
        {
            aliases.insert(target.clone(), name.clone());
        }
    }
    aliases
}

/// The printer of one module's body.
pub(super) struct BodyPrinter<'a> {
    pub context: &'a Context<'a>,
    pub scope: &'a Scope,
    pub printer: Printer,
    pub aliases: BTreeMap<String, String>,
    /// The signals that `always` blocks assign.
    pub procedural: BTreeSet<String>,
    /// Intermediate values inside `always` blocks.
    pub temporaries: Vec<(String, Ty)>,
    logic: String,
}

impl BodyPrinter<'_> {
    fn check_driven(&self, groups: &[Group]) -> Result<(), Error> {
        let driven: BTreeSet<String> = groups.iter().flat_map(|group| flow::targets(group)).collect();
        let open = self.scope.symbols.values().find(|symbol| symbol.driven && !driven.contains(&symbol.name));
        match open {
            Some(symbol) => Err(self.context.error(format!("`{}` is never assigned", symbol.name))),
            None => Ok(()),
        }
    }

    fn group(&mut self, group: &Group) -> Result<(), Error> {
        if let [Statement::Set { target, ty, value }] = group.as_slice() {
            if let Some(source) = self.aliases.get(target) {
                self.printer.use_whole(source);
            } else {
                let value = self.printer.assigned(value, ty.width)?;
                let _ = writeln!(self.logic, "  assign {target} = {value};");
            }
            return Ok(());
        }
        self.printer.volatile = flow::targets(group);
        let first = self.temporaries.len();
        let mut text = String::new();
        self.block(group, "    ", &mut text)?;
        self.procedural.append(&mut self.printer.volatile);
        let _ = writeln!(self.logic, "  always @* begin");
        for (name, ty) in &self.temporaries[first..] {
            let _ = writeln!(self.logic, "    {name} = {};", literal(0, ty.signed, ty.width));
        }
        self.logic += &text;
        self.logic += "  end\n";
        Ok(())
    }

    /// Prints the intermediate values that the next statement needs.
    fn pending(&mut self, indent: &str, out: &mut String) {
        for temporary in std::mem::take(&mut self.printer.pending) {
            let _ = writeln!(out, "{indent}{} = {};", temporary.name, temporary.text);
            self.temporaries.push((temporary.name, temporary.ty));
        }
    }

    fn block(&mut self, block: &[Statement], indent: &str, out: &mut String) -> Result<(), Error> {
        for statement in block {
            match statement {
                Statement::Set { target, ty, value } => {
                    let value = self.printer.assigned(value, ty.width)?;
                    self.pending(indent, out);
                    let _ = writeln!(out, "{indent}{target} = {value};");
                }
                Statement::If(condition, then, otherwise) => {
                    let condition = self.printer.condition(condition)?;
                    self.pending(indent, out);
                    let _ = writeln!(out, "{indent}if ({condition}) begin");
                    self.block(then, &format!("{indent}  "), out)?;
                    self.otherwise(otherwise, indent, out)?;
                }
                Statement::Case(subject, arms) => {
                    let subject = self.printer.subject(subject)?;
                    self.pending(indent, out);
                    let _ = writeln!(out, "{indent}case ({subject})");
                    for (number, (label, arm)) in arms.iter().enumerate() {
                        let label = self.label(label, number + 1 == arms.len());
                        let _ = writeln!(out, "{indent}  {label} begin");
                        self.block(arm, &format!("{indent}    "), out)?;
                        let _ = writeln!(out, "{indent}  end");
                    }
                    let _ = writeln!(out, "{indent}endcase");
                }
            }
        }
        Ok(())
    }

    /// The rest of an `if` after its first branch.
    fn otherwise(&mut self, mut block: &[Statement], indent: &str, out: &mut String) -> Result<(), Error> {
        while let [Statement::If(condition, then, otherwise)] = block {
            let text = self.printer.condition(condition)?;
            if !self.printer.pending.is_empty() {
                // Its intermediate values have to be assigned first.
                let _ = writeln!(out, "{indent}end else begin");
                let inner = format!("{indent}  ");
                self.pending(&inner, out);
                let _ = writeln!(out, "{inner}if ({text}) begin");
                self.block(then, &format!("{inner}  "), out)?;
                self.otherwise(otherwise, &inner, out)?;
                let _ = writeln!(out, "{indent}end");
                return Ok(());
            }
            let _ = writeln!(out, "{indent}end else if ({text}) begin");
            self.block(then, &format!("{indent}  "), out)?;
            block = otherwise;
        }
        if !block.is_empty() {
            let _ = writeln!(out, "{indent}end else begin");
            self.block(block, &format!("{indent}  "), out)?;
        }
        let _ = writeln!(out, "{indent}end");
        Ok(())
    }

    /// The last arm takes every other code too, so that a case is always complete.
    fn label(&mut self, label: &str, last: bool) -> String {
        let name = super::lower::variant_name(label);
        match self.scope.variants.get(label) {
            Some((number, width)) if !last => {
                self.printer.variants.insert(name.clone(), (*number as i128, *width));
                format!("{name}:")
            }
            Some(_) => format!("default: /* {name} */"),
            None => "default:".into(),
        }
    }

    pub fn resolve(&self, name: &str) -> String {
        let mut name = name;
        while let Some(source) = self.aliases.get(name) {
            name = source;
        }
        name.into()
    }
}
