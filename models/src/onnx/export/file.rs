//! An ONNX model under construction: names, nodes, initializers.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;

use super::EXPORT_OPSET;
use crate::float::Tensor;
use crate::onnx::generated::attribute_proto::AttributeType;
use crate::onnx::generated::tensor_proto::DataType;
use crate::onnx::generated::tensor_shape_proto::{Dimension, dimension};
use crate::onnx::generated::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};

/// The version of the file format that came with opset 21.
const IR_VERSION: i64 = 10;

/// A model under construction.
pub struct File {
    graph: GraphProto,
    taken: BTreeSet<String>,
    properties: Vec<StringStringEntryProto>,
    /// Initializers that several nodes may read, by what they hold.
    shared: BTreeMap<Vec<u8>, String>,
}

impl File {
    /// An empty model in which these names are taken.
    pub fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let taken = names.map(str::to_owned).collect();
        Self { graph: GraphProto::default(), taken, properties: Vec::new(), shared: BTreeMap::new() }
    }

    /// A name that nothing bears yet.
    pub fn unique(&mut self, name: &str) -> String {
        let mut unique = name.to_owned();
        let mut suffix = 1;
        while !self.taken.insert(unique.clone()) {
            unique = format!("{name}_{suffix}");
            suffix += 1;
        }
        unique
    }

    /// Adds a node of one result; attributes that are the operator's own are left out.
    pub fn node(
        &mut self,
        op: &str,
        name: &str,
        inputs: Vec<String>,
        output: &str,
        attributes: Vec<AttributeProto>,
    ) {
        self.graph.node.push(NodeProto {
            op_type: Some(op.to_owned()),
            name: Some(name.to_owned()),
            input: inputs,
            output: vec![output.to_owned()],
            attribute: attributes.into_iter().filter(|attribute| !is_default(op, attribute)).collect(),
            ..NodeProto::default()
        });
    }

    /// Adds an initializer of these bytes.
    pub fn tensor(&mut self, name: &str, element: DataType, shape: &[usize], bytes: Vec<u8>) -> String {
        let mut tensor = TensorProto {
            dims: shape.iter().map(|&d| d as i64).collect(),
            data_type: Some(element as i32),
            raw_data: Some(bytes),
            ..TensorProto::default()
        };
        // Scales and zero points of one step stand at each of its pairs.
        let small = tensor.raw_data.as_ref().is_some_and(|raw| raw.len() <= 16);
        let key = tensor.encode_to_vec();
        if let Some(name) = self.shared.get(&key).filter(|_| small) {
            return name.clone();
        }
        let name = self.unique(name);
        if small {
            self.shared.insert(key, name.clone());
        }
        tensor.name = Some(name.clone());
        self.graph.initializer.push(tensor);
        name
    }

    /// Adds an initializer that is nobody else's, under a name that is taken for it; gives its place.
    pub fn own_tensor(&mut self, name: &str, element: DataType, shape: &[usize], bytes: Vec<u8>) -> usize {
        self.graph.initializer.push(TensorProto {
            name: Some(name.to_owned()),
            dims: shape.iter().map(|&d| d as i64).collect(),
            data_type: Some(element as i32),
            raw_data: Some(bytes),
            ..TensorProto::default()
        });
        self.graph.initializer.len() - 1
    }

    /// Says something of the model beside its graph.
    pub fn property(&mut self, key: &str, value: String) {
        self.properties.push(StringStringEntryProto { key: Some(key.to_owned()), value: Some(value) });
    }

    /// Says something that follows from the graph, which is complete but for its name.
    pub fn sign(&mut self, key: &str, name: &str, of: impl FnOnce(&GraphProto) -> String) {
        self.graph.name = Some(if name.is_empty() { "quantized".to_owned() } else { name.to_owned() });
        let value = of(&self.graph);
        self.property(key, value);
    }

    /// Adds a float initializer.
    pub fn floats(&mut self, name: &str, tensor: &Tensor) -> String {
        let bytes = tensor.data().iter().flat_map(|x| x.to_le_bytes()).collect();
        self.tensor(name, DataType::Float, tensor.shape(), bytes)
    }

    /// Adds an initializer of shape operands or indices.
    pub fn indices(&mut self, name: &str, shape: &[usize], data: &[i64]) -> String {
        let bytes = data.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.tensor(name, DataType::Int64, shape, bytes)
    }

    /// Names a graph input.
    pub fn input(&mut self, name: &str, shape: &[usize]) {
        self.graph.input.push(value(name, shape, DataType::Float));
    }

    /// Names a graph output.
    pub fn output(&mut self, name: &str, shape: &[usize], kind: DataType) {
        self.graph.output.push(value(name, shape, kind));
    }

    /// The file.
    pub fn into_bytes(mut self, name: &str) -> Vec<u8> {
        self.graph.name = Some(if name.is_empty() { "quantized".to_owned() } else { name.to_owned() });
        let model = ModelProto {
            ir_version: Some(IR_VERSION),
            producer_name: Some("bitgauge".to_owned()),
            producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            opset_import: vec![OperatorSetIdProto {
                domain: Some(String::new()),
                version: Some(EXPORT_OPSET),
            }],
            graph: Some(self.graph),
            metadata_props: self.properties,
            ..ModelProto::default()
        };
        model.encode_to_vec()
    }
}

fn value(name: &str, shape: &[usize], kind: DataType) -> ValueInfoProto {
    let dim = |&size: &usize| Dimension {
        value: Some(dimension::Value::DimValue(size as i64)),
        ..Dimension::default()
    };
    let tensor = type_proto::Tensor {
        elem_type: Some(kind as i32),
        shape: Some(TensorShapeProto { dim: shape.iter().map(dim).collect() }),
    };
    let r#type = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(r#type), ..ValueInfoProto::default() }
}

/// Whether an attribute says what the operator does without it. Such ones are left out: ONNX Runtime puts integer
/// operators of its own in the place of some, and those know fewer attributes (no `dilations` of an average pool).
fn is_default(op: &str, attribute: &AttributeProto) -> bool {
    let all = |value: i64| attribute.ints.iter().all(|&i| i == value);
    match (op, attribute.name()) {
        (_, "dilations" | "strides") => all(1),
        (_, "pads" | "output_padding") => all(0),
        (_, "group" | "keepdims") | ("DequantizeLinear", "axis") => attribute.i() == 1,
        (_, "ceil_mode" | "count_include_pad" | "select_last_index") | ("Gather", "axis") => {
            attribute.i() == 0
        }
        ("Gelu", "approximate") => attribute.s() == b"none",
        _ => false,
    }
}

/// An attribute of one integer.
pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { i: Some(value), ..attribute(name, AttributeType::Int) }
}

/// An attribute of several integers.
pub fn ints(name: &str, values: &[usize]) -> AttributeProto {
    let ints = values.iter().map(|&v| v as i64).collect();
    AttributeProto { ints, ..attribute(name, AttributeType::Ints) }
}

/// An attribute of one real.
pub fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { f: Some(value), ..attribute(name, AttributeType::Float) }
}

/// An attribute of a word.
pub fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { s: Some(value.as_bytes().to_vec()), ..attribute(name, AttributeType::String) }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), r#type: Some(kind as i32), ..AttributeProto::default() }
}
