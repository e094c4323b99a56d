//! A small network as an ONNX file, written node by node: what users bring, in the words of ONNX.

use bitgauge_models::onnx::generated::attribute_proto::AttributeType;
use bitgauge_models::onnx::generated::tensor_proto::DataType;
use bitgauge_models::onnx::generated::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto, tensor_shape_proto, type_proto,
};
use prost::Message as _;

use bitgauge_testing::Random;

/// An attribute of a node.
pub enum Attribute<'a> {
    Int(i64),
    Float(f32),
    Ints(&'a [i64]),
}

/// A network under construction; its one input is `x`.
pub struct Net {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    shape: Vec<i64>,
    opset: i64,
    count: usize,
    pub random: Random,
}

/// The input's name.
pub const X: &str = "x";

impl Net {
    /// A network of opset 17 with an input of this shape.
    pub fn new(shape: &[i64]) -> Net {
        Net {
            nodes: Vec::new(),
            constants: Vec::new(),
            shape: shape.to_vec(),
            opset: 17,
            count: 0,
            random: Random(1),
        }
    }

    /// The same of another operator set.
    pub fn opset(mut self, opset: i64) -> Net {
        self.opset = opset;
        self
    }

    fn constant(&mut self, kind: DataType, shape: &[usize], raw: Vec<u8>) -> String {
        self.count += 1;
        let name = format!("c{}", self.count);
        self.constants.push(TensorProto {
            name: Some(name.clone()),
            dims: shape.iter().map(|&n| n as i64).collect(),
            data_type: Some(kind as i32),
            raw_data: Some(raw),
            ..TensorProto::default()
        });
        name
    }

    /// Real numbers; their count is the product of the shape.
    pub fn floats(&mut self, shape: &[usize], values: &[f32]) -> String {
        assert_eq!(shape.iter().product::<usize>(), values.len());
        self.constant(DataType::Float, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// One real number.
    pub fn scalar(&mut self, value: f32) -> String {
        self.floats(&[], &[value])
    }

    /// A vector of 64-bit integers: shapes, axes, indices.
    pub fn ints(&mut self, values: &[i64]) -> String {
        self.constant(DataType::Int64, &[values.len()], values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// 64-bit integers of a shape.
    pub fn matrix(&mut self, shape: &[usize], values: &[i64]) -> String {
        self.constant(DataType::Int64, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// One 64-bit integer without dimensions: an index that takes its axis away.
    pub fn index(&mut self, value: i64) -> String {
        self.constant(DataType::Int64, &[], value.to_le_bytes().to_vec())
    }

    /// Signed bytes.
    pub fn bytes(&mut self, shape: &[usize], values: &[i8]) -> String {
        self.constant(DataType::Int8, shape, values.iter().map(|&v| v as u8).collect())
    }

    /// Truth values, 0 or 1.
    pub fn bools(&mut self, shape: &[usize], values: &[i8]) -> String {
        self.constant(DataType::Bool, shape, values.iter().map(|&v| v as u8).collect())
    }

    /// Normal numbers with a deviation.
    pub fn noise(&mut self, shape: &[usize], mean: f32, deviation: f32) -> String {
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|_| mean + deviation * self.random.normal()).collect();
        self.floats(shape, &values)
    }

    /// A node with one result.
    pub fn op(&mut self, kind: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) -> String {
        self.ops(kind, inputs, attributes, 1).remove(0)
    }

    /// A node with several results; `DOMAIN.Name` names a domain.
    pub fn ops(
        &mut self,
        kind: &str,
        inputs: &[&str],
        attributes: &[(&str, Attribute)],
        outputs: usize,
    ) -> Vec<String> {
        self.count += 1;
        let (domain, op) = kind.rsplit_once('.').unwrap_or(("", kind));
        let names: Vec<String> = (0..outputs).map(|i| format!("{op}{}_{i}", self.count)).collect();
        self.nodes.push(NodeProto {
            name: Some(format!("{op}_{}", self.count)),
            op_type: Some(op.to_owned()),
            domain: Some(domain.to_owned()),
            input: inputs.iter().map(|&s| s.to_owned()).collect(),
            output: names.clone(),
            attribute: attributes.iter().map(attribute).collect(),
            ..NodeProto::default()
        });
        names
    }

    /// A convolution with random weights and bias; the map keeps its size at odd kernels and stride 1.
    pub fn conv(&mut self, x: &str, [cin, cout]: [usize; 2], kernel: usize, stride: i64) -> String {
        let fan = (cin * kernel * kernel) as f32;
        let w = self.noise(&[cout, cin, kernel, kernel], 0.0, fan.powf(-0.5));
        let b = self.noise(&[cout], 0.0, 0.1);
        let (k, pad) = (kernel as i64, (kernel / 2) as i64);
        self.op(
            "Conv",
            &[x, &w, &b],
            &[
                ("kernel_shape", Attribute::Ints(&[k, k])),
                ("strides", Attribute::Ints(&[stride, stride])),
                ("pads", Attribute::Ints(&[pad; 4])),
            ],
        )
    }

    /// A linear layer with random weights and bias, as PyTorch writes it for tokens: MatMul and Add.
    pub fn linear(&mut self, x: &str, [cin, cout]: [usize; 2]) -> String {
        let w = self.noise(&[cin, cout], 0.0, (cin as f32).powf(-0.5));
        let y = self.op("MatMul", &[x, &w], &[]);
        let b = self.noise(&[cout], 0.0, 0.1);
        self.op("Add", &[&y, &b], &[])
    }

    /// LayerNormalization over the last axis with random scale and shift.
    pub fn norm(&mut self, x: &str, channels: usize) -> String {
        let scale = self.noise(&[channels], 1.0, 0.2);
        let shift = self.noise(&[channels], 0.0, 0.2);
        let attributes = [("axis", Attribute::Int(-1)), ("epsilon", Attribute::Float(1e-5))];
        self.op("LayerNormalization", &[x, &scale, &shift], &attributes)
    }

    /// Reshape to a shape.
    pub fn reshape(&mut self, x: &str, shape: &[i64]) -> String {
        let shape = self.ints(shape);
        self.op("Reshape", &[x, &shape], &[])
    }

    /// Transpose by a permutation.
    pub fn transpose(&mut self, x: &str, perm: &[i64]) -> String {
        self.op("Transpose", &[x], &[("perm", Attribute::Ints(perm))])
    }

    /// The input image as tokens: 1 x tokens x dim, and how many tokens.
    pub fn tokens(&mut self, side: usize, cin: usize, patch: usize, dim: usize) -> (String, usize) {
        let w = self.noise(&[dim, cin, patch, patch], 0.0, ((cin * patch * patch) as f32).powf(-0.5));
        let b = self.noise(&[dim], 0.0, 0.1);
        let sides = [patch as i64; 2];
        let attributes = [("kernel_shape", Attribute::Ints(&sides)), ("strides", Attribute::Ints(&sides))];
        let y = self.op("Conv", &[X, &w, &b], &attributes);
        let n = (side / patch) * (side / patch);
        let y = self.reshape(&y, &[1, dim as i64, n as i64]);
        (self.transpose(&y, &[0, 2, 1]), n)
    }

    /// Attention of tokens; `mask` is added to the scores, 1 x 1 x n x n or what broadcasts to them.
    pub fn attention(&mut self, x: &str, n: usize, dim: usize, heads: usize, mask: Option<&str>) -> String {
        let each = dim / heads;
        let split = [1, n as i64, heads as i64, each as i64];
        let part = |net: &mut Net, perm: &[i64]| {
            let y = net.linear(x, [dim, dim]);
            let y = net.reshape(&y, &split);
            net.transpose(&y, perm)
        };
        let q = part(self, &[0, 2, 1, 3]);
        let k = part(self, &[0, 2, 3, 1]);
        let v = part(self, &[0, 2, 1, 3]);
        let s = self.op("MatMul", &[&q, &k], &[]);
        let scale = self.scalar((each as f32).powf(-0.5));
        let mut s = self.op("Mul", &[&s, &scale], &[]);
        if let Some(mask) = mask {
            s = self.op("Add", &[&s, mask], &[]);
        }
        let s = self.op("Softmax", &[&s], &[("axis", Attribute::Int(-1))]);
        let y = self.op("MatMul", &[&s, &v], &[]);
        let y = self.transpose(&y, &[0, 2, 1, 3]);
        let y = self.reshape(&y, &[1, n as i64, dim as i64]);
        self.linear(&y, [dim, dim])
    }

    /// QuantizeLinear and DequantizeLinear with signed bytes.
    pub fn pair(&mut self, x: &str, scale: f32, zero: i8) -> String {
        let scale = self.scalar(scale);
        let zero = self.bytes(&[], &[zero]);
        let codes = self.op("QuantizeLinear", &[x, &scale, &zero], &[]);
        self.op("DequantizeLinear", &[&codes, &scale, &zero], &[])
    }

    /// Random signed weights as codes with one scale.
    pub fn codes(&mut self, shape: &[usize], scale: f32) -> String {
        let count = shape.iter().product();
        let values: Vec<i8> = (0..count).map(|_| self.random.below(255) as u8 as i8).collect();
        let values: Vec<i8> = values.into_iter().map(|v| v.max(-127)).collect();
        let weights = self.bytes(shape, &values);
        let (scale, zero) = (self.scalar(scale), self.bytes(&[], &[0]));
        self.op("DequantizeLinear", &[&weights, &scale, &zero], &[])
    }

    /// The file.
    pub fn model(self, outputs: &[&str]) -> Vec<u8> {
        let domains: std::collections::BTreeSet<String> =
            self.nodes.iter().filter_map(|node| node.domain.clone()).filter(|d| !d.is_empty()).collect();
        let own = OperatorSetIdProto { domain: Some(String::new()), version: Some(self.opset) };
        let others = domains.into_iter().map(|d| OperatorSetIdProto { domain: Some(d), version: Some(1) });
        ModelProto {
            ir_version: Some(8),
            opset_import: std::iter::once(own).chain(others).collect(),
            producer_name: Some("case".to_owned()),
            graph: Some(GraphProto {
                name: Some("case".to_owned()),
                node: self.nodes,
                initializer: self.constants,
                input: vec![value(X, Some(&self.shape))],
                output: outputs.iter().map(|name| value(name, None)).collect(),
                ..GraphProto::default()
            }),
            ..ModelProto::default()
        }
        .encode_to_vec()
    }
}

fn attribute((name, value): &(&str, Attribute)) -> AttributeProto {
    let mut made = AttributeProto { name: Some((*name).to_owned()), ..AttributeProto::default() };
    let kind = match value {
        Attribute::Int(i) => {
            made.i = Some(*i);
            AttributeType::Int
        }
        Attribute::Float(f) => {
            made.f = Some(*f);
            AttributeType::Float
        }
        Attribute::Ints(ints) => {
            made.ints = ints.to_vec();
            AttributeType::Ints
        }
    };
    made.r#type = Some(kind as i32);
    made
}

fn value(name: &str, shape: Option<&[i64]>) -> ValueInfoProto {
    let dimension = |&n: &i64| tensor_shape_proto::Dimension {
        value: Some(tensor_shape_proto::dimension::Value::DimValue(n)),
        ..Default::default()
    };
    let tensor = type_proto::Tensor {
        elem_type: Some(DataType::Float as i32),
        shape: shape.map(|s| TensorShapeProto { dim: s.iter().map(dimension).collect() }),
    };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            value: Some(type_proto::Value::TensorType(tensor)),
            ..TypeProto::default()
        }),
        ..ValueInfoProto::default()
    }
}
