//! Import: ONNX bytes -> validated float graph with all shapes inferred.
//!
//! Contract: no panic and no recursion over the graph on any input; every refusal names the node,
//! its operator and what is supported. Source: the ONNX specification, opset 11 to 21.

use prost::Message as _;

use super::constants::{Elsewhere, decode};
use super::error::ImportError;
use super::external::External;
use super::generated::{ModelProto, NodeProto};
use super::importer::Importer;
use super::infinities;
use super::order::topological_order;
use super::outline::{Outline, Source, outline};
use super::reader::Operand;
use crate::float::graph::FloatGraph;

/// Oldest operator set that import reads.
pub const MIN_OPSET: i64 = 11;
/// Newest operator set that import reads.
pub const MAX_OPSET: i64 = 21;

/// What a caller decides about an import; the default is [`import`]'s.
#[derive(Clone, Copy, Default)]
pub struct ImportOptions<'a> {
    /// Leaves axis 0 of the inputs as the file has it, where it is a number. Quantization needs batch 1.
    pub keep_batch: bool,
    /// How to read tensors that are stored beside the model.
    pub external: External<'a>,
}

/// Reads an ONNX model that has all data inside. A symbolic batch (axis 0 of every graph input) becomes 1
/// and is recorded in [`FloatGraph::fixed_dims`]; one above 1 is an error; integer tensors, and small float tensors that depend on constants
/// alone, are folded away; nothing else is simplified.
pub fn import(bytes: &[u8]) -> Result<FloatGraph, ImportError> {
    import_with(bytes, &ImportOptions::default())
}

/// As [`import`], with options.
pub fn import_with(bytes: &[u8], options: &ImportOptions<'_>) -> Result<FloatGraph, ImportError> {
    import_from(&bytes, options)
}

/// As [`import_with`], from a file that is read part by part: large tensors are read once, into what they become.
pub fn import_from(source: &dyn Source, options: &ImportOptions<'_>) -> Result<FloatGraph, ImportError> {
    let Outline { bytes, mut parts } = match outline(source).map_err(ImportError::Read)? {
        Some(outline) => outline,
        None => {
            let length = usize::try_from(source.length()).unwrap_or(usize::MAX);
            let bytes = source.read(0, length).map_err(ImportError::Read)?.into_owned();
            Outline { bytes, ..Outline::default() }
        }
    };
    let model = ModelProto::decode(&bytes[..])?;
    drop(bytes);
    if super::export::is_integer(&model) {
        return Err(ImportError::Unsupported(
            "it holds the integer network that Bitgauge wrote, and no trained one; `run`, `compile` and `check` take it \
             as it is, and `quantize --export-style qdq` writes a network that can be quantized again"
                .to_owned(),
        ));
    }
    let opset = opset(&model)?;
    if !model.functions.is_empty() {
        return Err(ImportError::Unsupported(
            "model-local functions are not supported; inline them (onnx.inliner.inline_local_functions)"
                .to_owned(),
        ));
    }
    let graph = model.graph.as_ref().ok_or(ImportError::NoGraph)?;
    if !graph.sparse_initializer.is_empty() {
        return Err(ImportError::Unsupported("sparse initializers are not supported".to_owned()));
    }
    let mut importer = Importer::new(opset, options.keep_batch, graph);
    for (index, t) in graph.initializer.iter().enumerate() {
        let inside = parts.remove(&index).map(|part| (source, part));
        let constant = decode(t, Elsewhere { external: options.external, inside })
            .map_err(|reason| ImportError::Tensor { name: t.name().to_owned(), reason })?;
        importer.define_constant("initializer", t.name(), constant)?;
    }
    for input in &graph.input {
        importer.input(input)?;
    }
    for index in topological_order(graph)? {
        importer.node(index, &graph.node[index])?;
    }
    for output in &graph.output {
        let undefined =
            || ImportError::Undefined { node: "output".to_owned(), input: output.name().to_owned() };
        match importer.names.get(output.name()).ok_or_else(undefined)? {
            Operand::Float { id, .. } => importer.graph.outputs.push(*id),
            Operand::Int(_) | Operand::Empty => {
                return Err(ImportError::Unsupported(format!(
                    "output `{}` is an integer constant or has no elements; only float outputs are supported",
                    output.name()
                )));
            }
        }
    }
    if importer.graph.outputs.is_empty() {
        return Err(ImportError::Unsupported("the graph has no outputs".to_owned()));
    }
    infinities::bound(&mut importer.graph)?;
    importer.graph.validate()?;
    Ok(importer.graph)
}

fn opset(model: &ModelProto) -> Result<i64, ImportError> {
    let default = model.opset_import.iter().find(|o| matches!(o.domain(), "" | "ai.onnx"));
    match default.map(|o| o.version()) {
        Some(v) if (MIN_OPSET..=MAX_OPSET).contains(&v) => Ok(v),
        Some(v) => Err(ImportError::Opset { found: v.to_string() }),
        None => Err(ImportError::Opset { found: "(none)".to_owned() }),
    }
}

/// The name by which errors call a node.
pub(super) fn node_name(node: &NodeProto, index: usize) -> String {
    match node.name() {
        "" => format!("{}_{index}", node.op_type()),
        name => name.to_owned(),
    }
}
