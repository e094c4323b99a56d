//! Nodes without trained parameters: operators of the float graph to operators of ONNX.

use super::file::{File, float, int, ints, text};
use super::{Written, refuse};
use crate::float::ops::binary::Binary;
use crate::float::ops::clip::Clip;
use crate::float::ops::function::{Function, Source};
use crate::float::ops::pool::{Pool, PoolKind};
use crate::float::ops::slice::Range;
use crate::float::ops::unary::Unary;
use crate::float::{Node, Op, Tensor};
use crate::onnx::generated::AttributeProto;

/// Writes `node`, whose operands have these names and whose result is to be `raw`.
pub fn write(
    file: &mut File,
    node: &Node,
    shape: &[usize],
    mut operands: Vec<String>,
    raw: &str,
) -> Written<()> {
    let name = &node.name;
    let (op, attributes): (&str, Vec<AttributeProto>) = match &node.op {
        Op::MatMul(_) => ("MatMul", vec![]),
        Op::Softmax(softmax) => ("Softmax", vec![int("axis", softmax.axis as i64)]),
        Op::LogSoftmax(softmax) => ("LogSoftmax", vec![int("axis", softmax.axis as i64)]),
        Op::ArgMax(arg_max) => {
            let [keep, last] = [arg_max.keep_dims, arg_max.last].map(i64::from);
            let axis = int("axis", arg_max.axis as i64);
            ("ArgMax", vec![axis, int("keepdims", keep), int("select_last_index", last)])
        }
        Op::Gelu(gelu) => ("Gelu", vec![text("approximate", if gelu.tanh { "tanh" } else { "none" })]),
        Op::Function(function) => return steps(file, node, function, shape, &operands, raw),
        Op::Clip(clip) => {
            operands.extend(bounds(file, name, clip));
            ("Clip", vec![])
        }
        Op::Unary(Unary::Silu) => {
            let gate = file.unique(&format!("{raw}_sigmoid"));
            file.node("Sigmoid", &gate, operands.clone(), &gate, vec![]);
            operands.push(gate);
            ("Mul", vec![])
        }
        Op::Unary(unary) => function(*unary),
        Op::Binary(binary) => (
            match binary {
                Binary::Add => "Add",
                Binary::Div => "Div",
                Binary::Max => "Max",
                Binary::Min => "Min",
                Binary::Mul => "Mul",
                Binary::PRelu => "PRelu",
                Binary::Pow => "Pow",
                Binary::Sub => "Sub",
            },
            vec![],
        ),
        Op::ReduceMean(mean) => {
            let axes: Vec<i64> = mean.axes.iter().map(|&axis| axis as i64).collect();
            operands.push(file.indices(&format!("{name}_axes"), &[axes.len()], &axes));
            ("ReduceMean", vec![int("keepdims", i64::from(mean.keep_dims))])
        }
        Op::Pool(pool) if pool.kind != PoolKind::Max && is_dilated(pool) => {
            // ONNX Runtime's integer operator for averages knows no dilations, and it refuses what it made itself.
            let window = &pool.window;
            let channels = shape.get(1).copied().unwrap_or(1);
            let taps: usize = window.kernel.iter().product();
            let mut dims = vec![channels, 1];
            dims.extend(&window.kernel);
            let ones = Tensor::new(dims, vec![1.0 / taps as f32; channels * taps]);
            let ones = ones.map_err(|error| refuse(node, error.to_string()))?;
            operands.push(file.floats(&format!("{name}_average"), &ones));
            (
                "Conv",
                vec![
                    ints("dilations", &window.dilations),
                    int("group", channels as i64),
                    ints("kernel_shape", &window.kernel),
                    ints("pads", &window.pads),
                    ints("strides", &window.strides),
                ],
            )
        }
        Op::Pool(pool) => {
            let window = &pool.window;
            let mut attributes = vec![
                int("ceil_mode", i64::from(window.ceil_mode)),
                ints("dilations", &window.dilations),
                ints("kernel_shape", &window.kernel),
                ints("pads", &window.pads),
                ints("strides", &window.strides),
            ];
            match pool.kind {
                PoolKind::Max => ("MaxPool", attributes),
                PoolKind::Average { count_include_pad } => {
                    attributes.insert(1, int("count_include_pad", i64::from(count_include_pad)));
                    ("AveragePool", attributes)
                }
            }
        }
        Op::GlobalAveragePool(_) => ("GlobalAveragePool", vec![]),
        Op::Concat(concat) => ("Concat", vec![int("axis", concat.axis as i64)]),
        Op::Slice(slice) => {
            operands.extend(ranges(file, name, &slice.ranges));
            ("Slice", vec![])
        }
        Op::Gather(gather) => {
            let indices: Vec<i64> = gather.indices.iter().map(|&i| i as i64).collect();
            operands.push(file.indices(&format!("{name}_indices"), &gather.index_shape, &indices));
            ("Gather", vec![int("axis", gather.axis as i64)])
        }
        Op::Reshape(_) => {
            let sizes: Vec<i64> = shape.iter().map(|&d| d as i64).collect();
            operands.push(file.indices(&format!("{name}_shape"), &[sizes.len()], &sizes));
            ("Reshape", vec![])
        }
        Op::Transpose(transpose) => ("Transpose", vec![ints("perm", &transpose.perm)]),
        Op::Identity(_) => ("Identity", vec![]),
        _ => return Err(refuse(node, "no form of it has codes".to_owned())),
    };
    file.node(op, name, operands, raw, attributes);
    Ok(())
}

/// Whether an average is one of taps that lie apart, each window's of as many.
fn is_dilated(pool: &Pool) -> bool {
    let window = &pool.window;
    let whole =
        window.pads.iter().all(|&pad| pad == 0) || pool.kind == PoolKind::Average { count_include_pad: true };
    // Where each window follows the one before, none hangs over the end.
    let inside = !window.ceil_mode || window.strides.iter().all(|&stride| stride == 1);
    whole && inside && window.dilations.iter().any(|&dilation| dilation != 1)
}

/// A function of one operand by its name and attributes.
fn function(unary: Unary) -> (&'static str, Vec<AttributeProto>) {
    let name = match unary {
        Unary::Abs => "Abs",
        Unary::Ceil => "Ceil",
        Unary::Cos => "Cos",
        Unary::Elu { alpha } => return ("Elu", vec![float("alpha", alpha)]),
        Unary::Erf => "Erf",
        Unary::Exp => "Exp",
        Unary::Floor => "Floor",
        Unary::HardSigmoid { alpha, beta } => {
            return ("HardSigmoid", vec![float("alpha", alpha), float("beta", beta)]);
        }
        Unary::HardSwish => "HardSwish",
        Unary::LeakyRelu { alpha } => return ("LeakyRelu", vec![float("alpha", alpha)]),
        Unary::Log => "Log",
        Unary::Mish => "Mish",
        Unary::Neg => "Neg",
        Unary::Reciprocal => "Reciprocal",
        Unary::Relu => "Relu",
        Unary::Round => "Round",
        Unary::Sigmoid => "Sigmoid",
        Unary::Sign => "Sign",
        // Written as a product by the caller.
        Unary::Silu => "Mul",
        Unary::Sin => "Sin",
        Unary::Softplus => "Softplus",
        Unary::Sqrt => "Sqrt",
        Unary::Tanh => "Tanh",
    };
    (name, vec![])
}

/// Writes the steps of a function as nodes of their own.
fn steps(
    file: &mut File,
    node: &Node,
    function: &Function,
    shape: &[usize],
    operands: &[String],
    raw: &str,
) -> Written<()> {
    let mut results: Vec<String> = Vec::new();
    for (at, step) in function.steps.iter().enumerate() {
        let source = |source: &Source| match *source {
            Source::Operand => operands.first().cloned(),
            Source::Step(before) => results.get(before).cloned(),
            Source::Number(number) => {
                Some(file.floats(&format!("{}_number", node.name), &Tensor::scalar(number)))
            }
        };
        let names: Option<Vec<String>> = step.operands.iter().map(source).collect();
        let names = names.ok_or_else(|| refuse(node, format!("step {at} reads what is not there")))?;
        let last = at + 1 == function.steps.len();
        let name = if last { node.name.clone() } else { file.unique(&format!("{}_{at}", node.name)) };
        let result = if last { raw.to_owned() } else { file.unique(&format!("{raw}_{at}")) };
        let part = Node { name, op: step.op.clone(), inputs: Vec::new(), outputs: Vec::new() };
        write(file, &part, shape, names, &result)?;
        results.push(result);
    }
    Ok(())
}

/// The bounds of a Clip as operands; what is no bound is left out.
fn bounds(file: &mut File, name: &str, clip: &Clip) -> Vec<String> {
    let mut operand = |what: &str, bound: f32| match bound.abs() < f32::MAX {
        true => file.floats(&format!("{name}_{what}"), &Tensor::scalar(bound)),
        false => String::new(),
    };
    vec![operand("low", clip.min), operand("high", clip.max)]
}

/// Starts, ends, axes and steps.
fn ranges(file: &mut File, name: &str, ranges: &[Range]) -> Vec<String> {
    let end = |range: &Range| match range.start as i64 + range.len as i64 * range.step as i64 {
        // Below zero would count from the end.
        end if end < 0 => i64::MIN,
        end => end,
    };
    let lists: [(&str, Vec<i64>); 4] = [
        ("starts", ranges.iter().map(|r| r.start as i64).collect()),
        ("ends", ranges.iter().map(end).collect()),
        ("axes", ranges.iter().map(|r| r.axis as i64).collect()),
        ("steps", ranges.iter().map(|r| r.step as i64).collect()),
    ];
    lists
        .into_iter()
        .map(|(what, data)| file.indices(&format!("{name}_{what}"), &[data.len()], &data))
        .collect()
}
