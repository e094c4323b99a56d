//! Assembles modules: one for each distinct body, children first.

use super::body::{self, Context};
use super::collect::{Body, Node};
use super::names;
use super::{Error, Module, Options, Reset};
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

/// Prints modules and merges those whose text is the same.
pub(super) struct Assembler<'a> {
    options: &'a Options,
    modules: Vec<Module>,
    /// The name of each body printed so far.
    known: HashMap<String, String>,
    used: BTreeSet<String>,
}

impl<'a> Assembler<'a> {
    pub fn new(options: &'a Options) -> Assembler<'a> {
        Assembler { options, modules: vec![], known: HashMap::new(), used: BTreeSet::new() }
    }

    /// What was printed.
    pub fn into_modules(self) -> Vec<Module> {
        self.modules
    }

    /// Prints a node and what is inside it; returns the name of its module.
    pub fn module(&mut self, node: &Node, parent: &str) -> Result<String, Error> {
        let wanted = match &node.module {
            Some(name) => name.clone(),
            None => {
                let instance = node.instance.trim_end_matches(|c: char| c.is_ascii_digit() || c == '$');
                let prefix = if parent.is_empty() { String::new() } else { format!("{parent}_") };
                format!("{prefix}{instance}").to_lowercase()
            }
        };
        if !names::is_module_name(&wanted) {
            return Err(Error::Name { name: wanted });
        }
        let text = match &node.body {
            Body::Kernel(kernel) => {
                let mut children = vec![];
                for child in &node.children {
                    let module = if child.is_register() { None } else { Some(self.module(child, &wanted)?) };
                    children.push((child, module));
                }
                let context =
                    Context { module: &wanted, node, children: &children, reset: self.options.reset };
                body::print(&context, kernel)?
            }
            Body::Memory { depth, lanes, collides } => memory(node, (*depth, *lanes), *collides, &wanted)?,
            Body::Register(_) | Body::Foreign => {
                let message = "this is no unit with a kernel, so it cannot be a module".into();
                return Err(Error::Kernel { module: wanted, message });
            }
        };
        let memory = matches!(node.body, Body::Memory { .. });
        let wanted = self.options.naming.name(&wanted, &text, memory);
        Ok(self.add(wanted, comment(&node.doc, ""), text))
    }

    /// Adds a module unless its body is known.
    fn add(&mut self, wanted: String, doc: String, text: String) -> String {
        if let Some(name) = self.known.get(&text) {
            return name.clone();
        }
        let mut name = wanted.clone();
        let mut copy = 1;
        while !self.used.insert(name.clone()) {
            copy += 1;
            name = format!("{wanted}_{copy}");
        }
        let header = comment(&self.options.header, "");
        let gap = if header.is_empty() { "" } else { "\n" };
        let file = format!("{header}{gap}{doc}module {name} {text}endmodule\n");
        self.modules.push(Module { name: name.clone(), text: file });
        self.known.insert(text, name.clone());
        name
    }
}

/// Lines of comment.
pub(super) fn comment(text: &str, indent: &str) -> String {
    text.lines().fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "{}", format!("{indent}// {line}").trim_end());
        out
    })
}

/// `signed [7:0] ` and the like, before the name in a declaration.
pub(super) fn range(ty: crate::signal::Ty) -> String {
    let sign = if ty.signed { "signed " } else { "" };
    if ty.width == 1 { sign.into() } else { format!("{sign}[{}:0] ", ty.width - 1) }
}

/// The port list, each port with its comment.
pub(super) fn ports(node: &Node, is_reg: &dyn Fn(&str) -> bool, reset: bool) -> String {
    let mut lines: Vec<(String, String)> = vec![];
    for atom in node.ports() {
        let field = atom.name.split('$').next().unwrap_or_default();
        let first = atom.name == field || atom.name.strip_prefix(field) == Some("$0");
        let doc = node.port_docs.get(field).filter(|_| first).map(|doc| comment(doc, "  "));
        let name = names::legal(&atom.name);
        let direction = match atom.kind {
            rust_hdl::prelude::AtomKind::InputParameter => "input wire",
            _ if is_reg(&name) => "output reg",
            _ => "output wire",
        };
        lines.push((doc.unwrap_or_default(), format!("  {direction} {}{name}", range(atom.ty))));
    }
    if reset {
        lines.push(("  // reset of all registers, active high\n".into(), "  input wire reset".into()));
    }
    let count = lines.len();
    lines.into_iter().enumerate().fold(String::new(), |out, (number, (doc, port))| {
        let comma = if number + 1 == count { "" } else { "," };
        format!("{out}{doc}{port}{comma}\n")
    })
}

/// A memory: written in lanes, read old word first. Without collisions synthesis is told that a read of a
/// word that is just written may give anything, and a simulation can be told to give a wrong word.
fn memory(
    node: &Node,
    (depth, lanes): (usize, usize),
    collides: bool,
    module: &str,
) -> Result<String, Error> {
    let data = node.ports().find(|atom| atom.name == "wdata").map(|atom| atom.ty);
    let data = data.filter(|ty| depth >= 1 && lanes >= 1 && ty.width % lanes == 0);
    let Some(ty) = data else {
        let message = "a memory has words, and its lanes divide the width of a word".into();
        return Err(Error::Kernel { module: module.into(), message });
    };
    let mut text = format!("(\n{});\n", ports(node, &|name| name == "rdata", false));
    let attribute = if collides { "" } else { "(* no_rw_check *) " };
    let _ = writeln!(
        text,
        "  {attribute}reg {}words [0:{}];\n\n  always @(posedge clock) begin",
        range(ty),
        depth - 1
    );
    let bits = ty.width / lanes;
    let mut wrong = String::new();
    for lane in 0..lanes {
        let (enable, part) = match (lanes, bits) {
            (1, _) => ("we".into(), String::new()),
            (_, 1) => (format!("we[{lane}]"), format!("[{lane}]")),
            _ => (format!("we[{lane}]"), format!("[{}:{}]", (lane + 1) * bits - 1, lane * bits)),
        };
        let _ = writeln!(text, "    if ({enable}) words[waddr]{part} <= wdata{part};");
        let _ = writeln!(wrong, "    if (re && {enable} && waddr == raddr) rdata{part} <= ~wdata{part};");
    }
    text += "    if (re) rdata <= words[raddr];\n";
    if !collides {
        let _ = writeln!(text, "`ifdef BITGAUGE_COLLISIONS\n{wrong}`endif");
    }
    text += "  end\n";
    Ok(text)
}

/// Whether a node has the port `reset` in a design with this reset.
pub(super) fn has_reset(node: &Node, reset: Reset) -> bool {
    reset != Reset::Initial && node.has_register()
}
