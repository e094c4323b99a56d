//! One node test: its model, prepared as the manifest says and imported, and its sets of tensors.

use std::collections::BTreeMap;
use std::path::Path;

use bitgauge_models::float::{FloatGraph, Tensor};
use bitgauge_models::onnx::constants::{Constant, Elsewhere, decode};
use bitgauge_models::onnx::generated::attribute_proto::AttributeType;
use bitgauge_models::onnx::generated::tensor_proto::DataType;
use bitgauge_models::onnx::generated::{
    AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, type_proto,
};
use bitgauge_models::onnx::{ImportOptions, import_with};
use prost::Message as _;

use super::manifest::Prepare;

/// A model with constants set in, its inputs and what it must give.
pub struct Case {
    pub graph: FloatGraph,
    pub inputs: Vec<Tensor>,
    pub wanted: Vec<Tensor>,
}

/// The operators of a test's model, in order; with their domain where it is not ONNX's own.
pub fn operators(test: &Path) -> Result<Vec<String>, String> {
    let name = |n: &NodeProto| match n.domain() {
        "" | "ai.onnx" => n.op_type().to_owned(),
        domain => format!("{domain}.{}", n.op_type()),
    };
    Ok(model(test)?.graph.unwrap_or_default().node.iter().map(name).collect())
}

fn model(test: &Path) -> Result<ModelProto, String> {
    let bytes = std::fs::read(test.join("model.onnx")).map_err(|e| e.to_string())?;
    ModelProto::decode(&bytes[..]).map_err(|e| e.to_string())
}

fn stored(set: &Path, kind: &str, i: usize) -> Result<TensorProto, String> {
    let path = set.join(format!("{kind}_{i}.pb"));
    let bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    TensorProto::decode(&bytes[..]).map_err(|e| format!("{}: {e}", path.display()))
}

fn tensor(t: &TensorProto) -> Result<Tensor, String> {
    match decode(t, Elsewhere::default())? {
        Constant::Float(t) => Ok(Tensor::clone(&t)),
        Constant::Int(t) => Tensor::new(t.shape.clone(), t.floats()).map_err(|e| e.to_string()),
    }
}

/// Every set of tensors of a test; `coded`: for a runtime that computes on codes.
pub fn cases(test: &Path, name: &str, prepare: &Prepare, coded: bool) -> Result<Vec<Case>, String> {
    let mut found = Vec::new();
    while let Some(set) = Some(test.join(format!("test_data_set_{}", found.len()))).filter(|s| s.is_dir()) {
        found.push(case(model(test)?, &set, name, prepare, coded)?);
    }
    if found.is_empty() {
        return Err("has no test_data_set".to_owned());
    }
    Ok(found)
}

/// The bytes of a test's model with its integer inputs set in.
pub fn prepared(test: &Path) -> Result<Vec<u8>, String> {
    let mut model = model(test)?;
    let graph = model.graph.as_mut().ok_or("has no graph")?;
    let mut kept = Vec::new();
    for (i, value) in std::mem::take(&mut graph.input).into_iter().enumerate() {
        if element(&value) == DataType::Float as i32 {
            kept.push(value);
        } else {
            let mut t = stored(&test.join("test_data_set_0"), "input", i)?;
            t.name = value.name;
            graph.initializer.push(t);
        }
    }
    graph.input = kept;
    if let Some(opset) = model.opset_import.first_mut() {
        opset.version = Some(opset.version().max(11));
    }
    Ok(model.encode_to_vec())
}

fn case(
    mut model: ModelProto,
    set: &Path,
    name: &str,
    prepare: &Prepare,
    coded: bool,
) -> Result<Case, String> {
    for opset in &mut model.opset_import {
        if opset.domain().is_empty() {
            opset.version = Some(opset.version().max(prepare.opset_floor));
        }
    }
    let mut graph = model.graph.take().ok_or("has no graph")?;
    if let [node] = &mut graph.node[..]
        && prepare.first_output_only.contains(node.op_type())
    {
        node.output.truncate(1);
        graph.output.truncate(1);
    }
    let mut inputs = Vec::new();
    let mut kept = Vec::new();
    for (i, mut value) in std::mem::take(&mut graph.input).into_iter().enumerate() {
        let mut t = stored(set, "input", i)?;
        if prepare.data_as_float.contains(name) && i == 0 {
            t = as_float(&t)?;
            retype(&mut value);
        }
        let is_float = t.data_type() == DataType::Float as i32;
        if is_float && !is_constant(&graph, value.name(), prepare, coded) {
            inputs.push(tensor(&t)?);
            kept.push(value);
        } else {
            t.name = value.name.clone();
            graph.initializer.push(t);
        }
    }
    graph.input = kept;
    let mut wanted = Vec::new();
    for i in 0..graph.output.len() {
        wanted.push(tensor(&stored(set, "output", i)?)?);
        cast_output(&mut graph, i);
    }
    model.graph = Some(graph);
    let options = ImportOptions { keep_batch: true, ..ImportOptions::default() };
    let graph = import_with(&model.encode_to_vec(), &options).map_err(|e| e.to_string())?;
    Ok(Case { graph, inputs, wanted })
}

/// Whether the manifest makes a constant of the operand.
fn is_constant(graph: &GraphProto, input: &str, prepare: &Prepare, coded: bool) -> bool {
    graph.node.iter().any(|node| {
        let of = |map: &BTreeMap<String, Vec<usize>>| map.get(node.op_type()).cloned().unwrap_or_default();
        let mut positions = of(&prepare.constants);
        if coded {
            positions.extend(of(&prepare.coded_constants));
        }
        positions.iter().any(|&i| node.input.get(i).is_some_and(|name| name == input))
    })
}

fn as_float(t: &TensorProto) -> Result<TensorProto, String> {
    let data = tensor(t)?.into_data();
    let data_type = Some(DataType::Float as i32);
    Ok(TensorProto { dims: t.dims.clone(), data_type, float_data: data, ..TensorProto::default() })
}

fn element(value: &ValueInfoProto) -> i32 {
    match value.r#type.as_ref().and_then(|t| t.value.as_ref()) {
        Some(type_proto::Value::TensorType(t)) => t.elem_type(),
        _ => 0,
    }
}

fn retype(value: &mut ValueInfoProto) {
    if let Some(type_proto::Value::TensorType(t)) = value.r#type.as_mut().and_then(|t| t.value.as_mut()) {
        t.elem_type = Some(DataType::Float as i32);
    }
}

/// Puts a cast to float behind an output of another type.
fn cast_output(graph: &mut GraphProto, i: usize) {
    let output = &mut graph.output[i];
    if matches!(element(output), e if e == DataType::Float as i32 || e == 0) {
        return;
    }
    let (from, to) = (output.name().to_owned(), format!("{} as float", output.name()));
    retype(output);
    output.name = Some(to.clone());
    let attribute = AttributeProto {
        name: Some("to".to_owned()),
        r#type: Some(AttributeType::Int as i32),
        i: Some(DataType::Float as i64),
        ..AttributeProto::default()
    };
    graph.node.push(NodeProto {
        name: Some(format!("cast of {from}")),
        op_type: Some("Cast".to_owned()),
        input: vec![from],
        output: vec![to],
        attribute: vec![attribute],
        ..NodeProto::default()
    });
}
