//! Broken ONNX files: every one ends in an error that names the place, none in a panic.

// Helpers outside of #[test] functions fail the test by panicking, and say what is skipped.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use bitgauge_models::float::passes;
use bitgauge_models::onnx::generated::*;
use bitgauge_models::onnx::{ImportOptions, import, import_with};
use prost::Message as _;

fn tensor_value(name: &str, dims: &[i64]) -> ValueInfoProto {
    use tensor_shape_proto::{Dimension, dimension::Value};
    let dim = |&d: &i64| Dimension { value: Some(Value::DimValue(d)), denotation: None };
    let tensor = type_proto::Tensor {
        elem_type: Some(1),
        shape: Some(TensorShapeProto { dim: dims.iter().map(dim).collect() }),
    };
    let r#type = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: Some(name.into()), r#type: Some(r#type), ..Default::default() }
}

fn float(name: &str, dims: &[i64]) -> TensorProto {
    let n = dims.iter().product::<i64>();
    TensorProto {
        name: Some(name.into()),
        dims: dims.to_vec(),
        data_type: Some(1),
        float_data: (0..n).map(|i| i as f32 * 0.25 - 1.0).collect(),
        ..Default::default()
    }
}

fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto {
        name: Some(format!("the_{op}")),
        op_type: Some(op.into()),
        input: inputs.iter().map(ToString::to_string).collect(),
        output: outputs.iter().map(ToString::to_string).collect(),
        ..Default::default()
    }
}

fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    use attribute_proto::AttributeType::Ints;
    AttributeProto {
        name: Some(name.into()),
        r#type: Some(Ints as i32),
        ints: ints.to_vec(),
        ..Default::default()
    }
}

/// Conv -> Relu -> GlobalAveragePool -> Flatten -> Gemm on `[N, 2, 4, 4]`.
fn model() -> ModelProto {
    let mut conv = node("Conv", &["x", "w"], &["a"]);
    conv.attribute = vec![ints("pads", &[1, 1, 1, 1]), ints("strides", &[1, 1])];
    let graph = GraphProto {
        node: vec![
            conv,
            node("Relu", &["a"], &["b"]),
            node("GlobalAveragePool", &["b"], &["c"]),
            node("Flatten", &["c"], &["d"]),
            node("Gemm", &["d", "v"], &["y"]),
        ],
        name: Some("g".into()),
        initializer: vec![float("w", &[3, 2, 3, 3]), float("v", &[3, 2])],
        input: vec![tensor_value("x", &[1, 2, 4, 4])],
        output: vec![tensor_value("y", &[1, 2])],
        ..Default::default()
    };
    let opset = OperatorSetIdProto { domain: None, version: Some(17) };
    ModelProto { graph: Some(graph), opset_import: vec![opset], ..Default::default() }
}

/// The error of the model after `change`.
fn refused(change: impl FnOnce(&mut ModelProto, &mut GraphProto)) -> String {
    let mut m = model();
    let mut g = m.graph.take().unwrap();
    change(&mut m, &mut g);
    m.graph = Some(g);
    import(&m.encode_to_vec()).unwrap_err().to_string()
}

#[test]
fn the_model_itself_is_fine() {
    let g = import(&model().encode_to_vec()).unwrap();
    assert_eq!(g.shape(g.inputs[0]), [1, 2, 4, 4]);
    assert_eq!(g.macs(), [3 * 16 * 18, 0, 0, 0, 6]);
    assert!(g.to_text().contains("the_Gemm: y[1x2] = Gemm"));
}

#[test]
fn errors_name_the_place() {
    let e = refused(|_, g| g.node[1].op_type = Some("Einsum".into()));
    assert!(e.contains("the_Relu") && e.contains("`Einsum`") && e.contains("AveragePool, "), "{e}");
    let e = refused(|_, g| {
        let transposed = AttributeProto {
            name: Some("transB".into()),
            r#type: Some(attribute_proto::AttributeType::Int as i32),
            i: Some(2),
            ..Default::default()
        };
        g.node[4].attribute.push(transposed);
    });
    assert!(e.contains("the_Gemm") && e.contains("`transB` is 2, not 0 or 1"), "{e}");
    let e = refused(|_, g| g.node[1].attribute.push(ints("twist", &[1])));
    assert!(e.contains("the_Relu") && e.contains("`twist`"), "{e}");
    let e = refused(|_, g| g.node[0].input[0] = "b".into());
    assert!(e.contains("cycle"), "{e}");
    let e = refused(|_, g| g.node[1].input[0] = "nothing".into());
    assert!(e.contains("the_Relu") && e.contains("`nothing`"), "{e}");
    let e = refused(|_, g| g.node[2].output[0] = "b".into());
    assert!(e.contains("`b` is defined twice"), "{e}");
    let e = refused(|_, g| g.initializer[0].float_data[5] = f32::NAN);
    assert!(e.contains("tensor `w`") && e.contains("element 5"), "{e}");
    let e = refused(|_, g| g.initializer[0].float_data.truncate(5));
    assert!(e.contains("need 54 elements"), "{e}");
    let e = refused(|_, g| g.initializer[0].dims = vec![1 << 40, 1 << 40]);
    assert!(e.contains("more than"), "{e}");
    let e = refused(|_, g| g.initializer[0].data_location = Some(1));
    assert!(e.contains("no location is given"), "{e}");
    let e = refused(|_, g| g.node[0].attribute[0].ints = vec![1 << 40; 4]);
    assert!(e.contains("the_Conv") && e.contains("pads"), "{e}");
    let e = refused(|_, g| g.input = vec![tensor_value("x", &[1, 2, 1 << 30, 1 << 30])]);
    assert!(e.contains("more than"), "{e}");
    let e = refused(|_, g| g.input = vec![tensor_value("x", &[1, 2, 0, 4])]);
    assert!(e.contains("dimension 2"), "{e}");
    let e = refused(|m, _| m.opset_import[0].version = Some(10));
    assert!(e.contains("11 to 21"), "{e}");
}

#[test]
fn weights_beside_the_model() {
    let entry = |key: &str, value: &str| StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
    };
    let mut m = model();
    let w = &mut m.graph.as_mut().unwrap().initializer[0];
    let file: Vec<u8> = w.float_data.drain(..).flat_map(f32::to_le_bytes).collect();
    w.data_location = Some(1);
    w.external_data = vec![entry("location", "model.data"), entry("offset", "64"), entry("length", "216")];
    let bytes = m.encode_to_vec();
    let read = |location: &str, offset: u64, length: usize| {
        assert_eq!((location, offset, length), ("model.data", 64, 216));
        Ok(file.clone())
    };
    let with = |external| import_with(&bytes, &ImportOptions { external, ..ImportOptions::default() });
    assert_eq!(with(Some(&read)), import(&model().encode_to_vec()));
    let short = |_: &str, _: u64, _: usize| Ok(vec![0; 8]);
    let e = with(Some(&short)).unwrap_err().to_string();
    assert!(e.contains("tensor `w`") && e.contains("needs 216 bytes of `model.data`"), "{e}");
    let e = with(None).unwrap_err().to_string();
    assert!(e.contains("without its folder"), "{e}");
}

#[test]
fn unsupported_uses_say_what_is_supported() {
    let text = |name: &str, s: &str| AttributeProto {
        name: Some(name.into()),
        r#type: Some(attribute_proto::AttributeType::String as i32),
        s: Some(s.into()),
        ..Default::default()
    };
    let e = refused(|_, g| g.node[0].attribute.push(text("auto_pad", "SOMEHOW")));
    assert!(e.contains("the_Conv") && e.contains("NOTSET, VALID, SAME_UPPER, SAME_LOWER"), "{e}");
    let e = refused(|_, g| {
        g.node[2] = node("Resize", &["b", "", "w"], &["c"]);
        g.node[2].attribute.push(text("mode", "sharp"));
    });
    assert!(e.contains("the_Resize") && e.contains("nearest, linear, cubic"), "{e}");
    let e = refused(|_, g| {
        g.node[2] = node("QuantizeLinear", &["b", "a"], &["c"]);
    });
    assert!(e.contains("the_QuantizeLinear") && e.contains("must be a constant"), "{e}");
}

#[test]
fn mutations_and_truncations_do_not_panic() {
    let bytes = model().encode_to_vec();
    for n in 0..bytes.len() {
        let _ = import(&bytes[..n]);
    }
    // A fixed linear congruential generator: the same mutations on every run.
    let mut state = 1u64;
    let mut random = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % n
    };
    for _ in 0..20_000 {
        let mut broken = bytes.clone();
        for _ in 0..=random(4) {
            let at = random(broken.len());
            broken[at] ^= 1 << random(8);
        }
        if let Ok(mut graph) = import(&broken) {
            let _ = passes::simplify(&mut graph);
        }
    }
}
