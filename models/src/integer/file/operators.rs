//! Operators in the file: a tag byte and the fields in declaration order.

use std::sync::Arc;

use bitgauge_arch::arith::post::PARAMETER_BYTES;
use bitgauge_arch::arith::{ChannelParameter, Post, Requant, Residual};

use super::{FileError, Read, Reader, Writer};
use crate::integer::graph::{IntOp, Weights, Window};

/// Bytes of a window in the file.
const WINDOW_BYTES: usize = 10 * NUMBER_BYTES;
/// Bytes of a number in the file.
const NUMBER_BYTES: usize = 8;

pub fn write(w: &mut Writer, op: &IntOp) {
    match op {
        IntOp::Conv { window, parts, weight, parameters, post, table, residual, transposed } => {
            w.u8(0);
            write_window(w, window);
            w.number(*parts);
            write_weights(w, weight);
            write_parameters(w, parameters);
            write_post(w, post);
            w.u8(u8::from(table.is_some()));
            if let Some(table) = table {
                w.0.extend(&table[..]);
            }
            write_optional(w, residual);
            w.u8(u8::from(*transposed));
        }
        IntOp::Depthwise { window, weight, parameters, post } => {
            w.u8(1);
            write_window(w, window);
            write_weights(w, weight);
            write_parameters(w, parameters);
            write_post(w, post);
        }
        IntOp::MatMul { parameter, post } => {
            w.u8(2);
            w.0.extend(parameter.to_bytes());
            write_post(w, post);
        }
        IntOp::Scale { parameter, post } => {
            w.u8(13);
            w.0.extend(parameter.to_bytes());
            write_post(w, post);
        }
        IntOp::Softmax { table } => {
            w.u8(3);
            table.iter().for_each(|v| w.0.extend(v.to_le_bytes()));
        }
        IntOp::LayerNorm { parameters, epsilon, post } => {
            w.u8(4);
            write_parameters(w, parameters);
            w.0.extend(epsilon.to_le_bytes());
            write_post(w, post);
        }
        IntOp::Add { first, second, post } => {
            w.u8(5);
            write_residual(w, first);
            write_optional(w, second);
            write_post(w, post);
        }
        IntOp::MaxPool { window } => {
            w.u8(6);
            write_window(w, window);
        }
        IntOp::AveragePool { window, requant, post } => {
            w.u8(7);
            write_window(w, window);
            write_requant(w, *requant);
            write_post(w, post);
        }
        IntOp::Table { table } => {
            w.u8(8);
            w.0.extend(&table[..]);
        }
        IntOp::ConcatRows => w.u8(9),
        IntOp::SliceRows { start } => {
            w.u8(10);
            w.number(*start);
        }
        IntOp::Phased { phases, windows, weight, parameters, post } => {
            w.u8(11);
            phases.iter().for_each(|&p| w.number(p));
            w.number(windows.len());
            windows.iter().for_each(|window| write_window(w, window));
            write_weights(w, weight);
            write_parameters(w, parameters);
            write_post(w, post);
        }
        IntOp::Reshape => w.u8(12),
        IntOp::Permute { dims, order } => {
            w.u8(14);
            w.number(dims.len());
            dims.iter().for_each(|&size| w.number(size));
            w.number(order.len());
            order.iter().for_each(|&dim| w.number(dim));
        }
    }
}

pub fn read(r: &mut Reader<'_>) -> Read<IntOp> {
    Ok(match r.u8("operator")? {
        0 => IntOp::Conv {
            window: read_window(r)?,
            parts: r.number("parts")?,
            weight: read_weights(r)?,
            parameters: read_parameters(r)?,
            post: read_post(r)?,
            table: if r.flag("table")? { Some(Arc::new(r.array("table")?)) } else { None },
            residual: read_optional(r)?,
            transposed: r.flag("transposed")?,
        },
        1 => IntOp::Depthwise {
            window: read_window(r)?,
            weight: read_weights(r)?,
            parameters: read_parameters(r)?,
            post: read_post(r)?,
        },
        2 => IntOp::MatMul {
            parameter: ChannelParameter::from_bytes(r.array("parameter")?),
            post: read_post(r)?,
        },
        3 => {
            let bytes: [u8; 512] = r.array("exponentials")?;
            let table = std::array::from_fn(|i| u16::from_le_bytes([bytes[2 * i], bytes[2 * i + 1]]));
            IntOp::Softmax { table: Arc::new(table) }
        }
        4 => IntOp::LayerNorm {
            parameters: read_parameters(r)?,
            epsilon: r.u64("epsilon")?,
            post: read_post(r)?,
        },
        5 => IntOp::Add { first: read_residual(r)?, second: read_optional(r)?, post: read_post(r)? },
        6 => IntOp::MaxPool { window: read_window(r)? },
        7 => IntOp::AveragePool { window: read_window(r)?, requant: read_requant(r)?, post: read_post(r)? },
        8 => IntOp::Table { table: Arc::new(r.array("table")?) },
        13 => IntOp::Scale {
            parameter: ChannelParameter::from_bytes(r.array("parameter")?),
            post: read_post(r)?,
        },
        9 => IntOp::ConcatRows,
        10 => IntOp::SliceRows { start: r.number("start")? },
        11 => IntOp::Phased {
            phases: [r.number("phases")?, r.number("phases")?],
            windows: {
                let count = r.count(WINDOW_BYTES, "windows")?;
                (0..count).map(|_| read_window(r)).collect::<Read<_>>()?
            },
            weight: read_weights(r)?,
            parameters: read_parameters(r)?,
            post: read_post(r)?,
        },
        12 => IntOp::Reshape,
        14 => IntOp::Permute { dims: read_numbers(r, "dims")?, order: read_numbers(r, "order")? },
        value => return Err(FileError::Value { what: "operator", value: value.into() }),
    })
}

fn read_numbers(r: &mut Reader<'_>, what: &'static str) -> Read<Vec<usize>> {
    let count = r.count(NUMBER_BYTES, what)?;
    (0..count).map(|_| r.number(what)).collect()
}

fn write_window(w: &mut Writer, window: &Window) {
    let Window { kernel, stride, pad, dilation } = window;
    kernel.iter().chain(stride).chain(pad).chain(dilation).for_each(|&d| w.number(d));
}

fn read_window(r: &mut Reader<'_>) -> Read<Window> {
    let mut d = [0; 10];
    for d in &mut d {
        *d = r.number("window")?;
    }
    let [k0, k1, s0, s1, p0, p1, p2, p3, d0, d1] = d;
    Ok(Window { kernel: [k0, k1], stride: [s0, s1], pad: [p0, p1, p2, p3], dilation: [d0, d1] })
}

fn write_weights(w: &mut Writer, weight: &Weights) {
    w.u8(weight.bits);
    w.number(weight.len());
    w.0.extend(weight.iter().map(|&v| v as u8));
}

fn read_weights(r: &mut Reader<'_>) -> Read<Weights> {
    let bits = r.u8("bits of weights")?;
    Ok(Weights { bits, codes: r.bytes("weights")?.iter().map(|&v| v as i8).collect() })
}

fn write_parameters(w: &mut Writer, parameters: &[ChannelParameter]) {
    w.number(parameters.len());
    parameters.iter().for_each(|p| w.0.extend(p.to_bytes()));
}

fn read_parameters(r: &mut Reader<'_>) -> Read<Vec<ChannelParameter>> {
    let count = r.count(PARAMETER_BYTES, "parameters")?;
    (0..count).map(|_| Ok(ChannelParameter::from_bytes(r.array("parameters")?))).collect()
}

fn write_post(w: &mut Writer, post: &Post) {
    [post.zero_point, post.clamp_low, post.clamp_high].into_iter().for_each(|v| w.i32(v));
}

fn read_post(r: &mut Reader<'_>) -> Read<Post> {
    Ok(Post { zero_point: r.i32("zero point")?, clamp_low: r.i32("clamp")?, clamp_high: r.i32("clamp")? })
}

fn write_requant(w: &mut Writer, requant: Requant) {
    w.0.extend(requant.mantissa.to_le_bytes());
    w.u8(requant.shift);
}

fn read_requant(r: &mut Reader<'_>) -> Read<Requant> {
    Ok(Requant { mantissa: u16::from_le_bytes(r.array("factor")?), shift: r.u8("shift")? })
}

fn write_residual(w: &mut Writer, residual: &Residual) {
    w.i32(residual.zero_point);
    write_requant(w, residual.requant);
}

fn read_residual(r: &mut Reader<'_>) -> Read<Residual> {
    Ok(Residual { zero_point: r.i32("zero point")?, requant: read_requant(r)? })
}

fn write_optional(w: &mut Writer, residual: &Option<Residual>) {
    w.u8(u8::from(residual.is_some()));
    if let Some(residual) = residual {
        write_residual(w, residual);
    }
}

fn read_optional(r: &mut Reader<'_>) -> Read<Option<Residual>> {
    if r.flag("residual")? { Ok(Some(read_residual(r)?)) } else { Ok(None) }
}
