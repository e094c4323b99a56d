//! Walks a block and gathers what each module holds.

use super::Error;
use crate::memory::MEMORY_MARK;
use crate::module::{NAME_MARK, RESTART_MARK};
use crate::register::REGISTER_MARK;
use crate::signal::Ty;
use crate::value::{Value, cut};
use rust_hdl::core::ast::{Verilog, VerilogBlock, VerilogLiteral};
use rust_hdl::core::type_descriptor::TypeKind;
use rust_hdl::prelude::{Atom, AtomKind, Block, Probe};
use std::collections::BTreeMap;

/// A port, local signal or constant of a module.
#[derive(Clone, Debug)]
pub(super) struct AtomInfo {
    pub name: String,
    pub kind: AtomKind,
    pub ty: Ty,
    /// The value of a constant.
    pub value: Value,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Body {
    /// A unit with a kernel.
    Kernel(VerilogBlock),
    /// A register with its reset value.
    Register(Value),
    /// A memory.
    Memory { depth: usize, lanes: usize, collides: bool },
    /// Anything else.
    Foreign,
}

/// A signal that resets the parts of a unit.
#[derive(Debug)]
pub(super) struct Restart {
    pub signal: String,
    /// Parts that it leaves as they are.
    spared: Vec<String>,
}

impl Restart {
    /// From what follows the mark: the signal, then the parts that are spared.
    fn parse(text: &str) -> Restart {
        let mut words = text.split_whitespace().map(str::to_owned);
        Restart { signal: words.next().unwrap_or_default(), spared: words.collect() }
    }

    pub fn reaches(&self, part: &Node) -> bool {
        !self.spared.contains(&part.instance)
    }
}

/// A block of the hierarchy.
#[derive(Debug)]
pub(super) struct Node {
    /// The name of the instance.
    pub instance: String,
    /// The name of the module, if it has a `Named`.
    pub module: Option<String>,
    pub restart: Option<Restart>,
    pub doc: String,
    pub port_docs: BTreeMap<String, String>,
    pub atoms: Vec<AtomInfo>,
    /// The variants of the enums that its ports and its children's ports have: number and width.
    pub variants: Variants,
    pub body: Body,
    pub children: Vec<Node>,
}

impl Node {
    pub fn is_register(&self) -> bool {
        matches!(self.body, Body::Register(_))
    }

    /// Ports in the order of declaration.
    pub fn ports(&self) -> impl Iterator<Item = &AtomInfo> {
        self.atoms.iter().filter(|atom| atom.kind.is_parameter())
    }

    /// Whether it or something inside it has a register.
    pub fn has_register(&self) -> bool {
        self.is_register() || self.children.iter().any(Node::has_register)
    }
}

/// Gathers the hierarchy below a block.
pub(super) fn collect(top: &dyn Block) -> Result<Node, Error> {
    let mut walk = Walk::default();
    top.accept("top", &mut walk);
    match (walk.error, walk.root) {
        (Some(error), _) => Err(error),
        (None, Some(root)) => Ok(root),
        (None, None) => Err(Error::Kernel { module: "top".into(), message: "the top is no block".into() }),
    }
}

#[derive(Default)]
struct Walk {
    stack: Vec<Node>,
    namespaces: Vec<String>,
    root: Option<Node>,
    error: Option<Error>,
}

impl Probe for Walk {
    fn visit_start_scope(&mut self, name: &str, node: &dyn Block) {
        self.stack.push(Node {
            instance: name.into(),
            module: None,
            restart: None,
            doc: String::new(),
            port_docs: BTreeMap::new(),
            atoms: vec![],
            variants: BTreeMap::new(),
            body: body(node.hdl()),
            children: vec![],
        });
    }

    fn visit_end_scope(&mut self, _: &str, _: &dyn Block) {
        let Some(node) = self.stack.pop() else { return };
        match self.stack.last_mut() {
            Some(parent) => {
                let conflict = merge(&mut parent.variants, &node.variants);
                parent.children.push(node);
                self.conflict(conflict);
            }
            None => self.root = Some(node),
        }
    }

    fn visit_start_namespace(&mut self, name: &str, _: &dyn Block) {
        self.namespaces.push(name.into());
    }

    fn visit_end_namespace(&mut self, _: &str, _: &dyn Block) {
        self.namespaces.pop();
    }

    fn visit_atom(&mut self, name: &str, atom: &dyn Atom) {
        let path: Vec<_> = self.stack.iter().map(|node| node.instance.as_str()).collect();
        let path = format!("{}.{name}", path.join("."));
        let Some(node) = self.stack.last_mut() else { return };
        let descriptor = atom.descriptor();
        let mut conflict = None;
        if let (Some(module), TypeKind::Enum(texts)) =
            (descriptor.name.strip_prefix(NAME_MARK), &descriptor.kind)
        {
            let (module, restart) = module.split_once(RESTART_MARK).unwrap_or((module, ""));
            node.module = Some(module.into());
            node.restart = (!restart.is_empty()).then(|| Restart::parse(restart));
            node.doc = texts.first().cloned().unwrap_or_default();
            let ports = texts.iter().skip(1).step_by(2).zip(texts.iter().skip(2).step_by(2));
            node.port_docs = ports.map(|(port, text)| (port.clone(), text.clone())).collect();
            return;
        }
        if let TypeKind::Enum(variants) = &descriptor.kind {
            let key = |variant: &String| variant.replace("::", "$");
            let numbered = variants.iter().enumerate();
            let new = numbered.map(|(number, variant)| (key(variant), (number, atom.bits()))).collect();
            conflict = merge(&mut node.variants, &new);
        }
        let direct = [AtomKind::InputParameter, AtomKind::OutputParameter, AtomKind::LocalSignal];
        if !direct.contains(&atom.kind()) && atom.kind() != AtomKind::Constant && self.error.is_none() {
            let message = format!("`{path}` is neither an input, an output, a local signal nor a constant");
            self.error = Some(Error::Kernel { module: node.instance.clone(), message });
        }
        let signed = matches!(descriptor.kind, TypeKind::Signed(_));
        let ty = Ty { width: atom.bits(), signed };
        if !ty.is_valid() && self.error.is_none() {
            let signal = path.replace('$', "_");
            self.error = Some(Error::Width { signal, width: ty.width });
        }
        let name: Vec<_> = self.namespaces.iter().map(String::as_str).chain([name]).collect();
        let value = literal(&atom.verilog()).unwrap_or(0);
        let value = if signed { cut(value, ty.width, true) } else { value };
        node.atoms.push(AtomInfo { name: name.join("$"), kind: atom.kind(), ty, value });
        self.conflict(conflict);
    }
}

impl Walk {
    /// Notes that two enums use a name differently.
    fn conflict(&mut self, variant: Option<String>) {
        if let (Some(variant), None, Some(node)) = (variant, &self.error, self.stack.last()) {
            let variant = variant.replace('$', "::");
            let message = format!("two enums have a variant `{variant}` with different codes: rename one");
            self.error = Some(Error::Kernel { module: node.instance.clone(), message });
        }
    }
}

/// The variants of enums: number and width of each.
type Variants = BTreeMap<String, (usize, usize)>;

/// Adds variants; returns one that is there with another code.
fn merge(variants: &mut Variants, new: &Variants) -> Option<String> {
    let mut conflict = None;
    for (variant, code) in new {
        if variants.insert(variant.clone(), *code).is_some_and(|old| old != *code) {
            conflict = Some(variant.clone());
        }
    }
    conflict
}

fn body(code: Verilog) -> Body {
    match code {
        Verilog::Combinatorial(block) => Body::Kernel(block),
        Verilog::Custom(text) => custom(&text).unwrap_or(Body::Foreign),
        _ => Body::Foreign,
    }
}

/// Reads the marks that registers and memories leave.
fn custom(text: &str) -> Option<Body> {
    if let Some(value) = text.strip_prefix(REGISTER_MARK) {
        return Some(Body::Register(value.parse().ok()?));
    }
    let mut words = text.strip_prefix(MEMORY_MARK)?.split(' ');
    let (depth, lanes) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(Body::Memory { depth, lanes, collides: words.next()? == "old" })
}

/// The number in a literal, whose fields rust-hdl keeps private.
pub(crate) fn literal(literal: &VerilogLiteral) -> Option<Value> {
    let text = literal.to_string();
    let (_, digits) = text.split_once('\'')?;
    let radix = match digits.chars().next()? {
        'h' => 16,
        'b' => 2,
        _ => return None,
    };
    Value::from_str_radix(digits.get(1..)?, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_read_back() {
        for value in [0u64, 1, 5, 255, 1 << 40] {
            assert_eq!(literal(&value.into()), Some(Value::from(value)));
        }
        assert_eq!(literal(&true.into()), Some(1));
    }

    #[test]
    fn variants_with_two_codes_are_noticed() {
        let mut variants = Variants::from([("Mode$Run".into(), (1, 2))]);
        let same = variants.clone();
        assert_eq!(merge(&mut variants, &same), None);
        let other = Variants::from([("Mode$Run".into(), (0, 2))]);
        assert_eq!(merge(&mut variants, &other).as_deref(), Some("Mode$Run"));
    }

    #[test]
    fn marks_are_read_back() {
        assert!(matches!(custom("bitgauge register -3"), Some(Body::Register(-3))));
        assert!(matches!(
            custom("bitgauge memory 16 2 old"),
            Some(Body::Memory { depth: 16, lanes: 2, collides: true })
        ));
        assert!(custom("something else").is_none());
    }
}
