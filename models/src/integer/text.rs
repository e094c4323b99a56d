//! The stable text form of an integer graph, for reading and for `diff`.

use std::fmt::Write as _;

use bitgauge_arch::arith::{ChannelParameter, Post, Residual, Signedness};

use super::file::checksum;
use super::graph::{CodeType, IntGraph, IntOp, IntOutput, IntTensor, Shape, TensorId, Weights, Window};
use crate::float::heads::HeadStep;

impl IntGraph {
    /// One line per input, constant, node and output. Weights, parameters and tables appear as their
    /// number and a checksum, so that equal text means equal graphs for all practical purposes.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = format!("graph {}\n", self.name);
        // Writing to a String cannot fail.
        for &id in &self.inputs {
            let _ = writeln!(out, "input {}", tensor(self.tensor(id)));
        }
        for t in &self.tensors {
            if let Some(bytes) = &t.constant {
                let _ = writeln!(out, "constant {} {}", tensor(t), digest(bytes));
            }
        }
        for node in &self.nodes {
            let name = |id: &TensorId| self.tensor(*id).name.as_str();
            let inputs: Vec<&str> = node.inputs.iter().map(name).collect();
            let inputs = inputs.join(", ");
            let _ = write!(
                out,
                "{}: {} = {}({inputs})",
                node.name,
                tensor(self.tensor(node.output)),
                node.op.kind()
            );
            let _ = write!(out, "{}", operator(&node.op));
            let macs = self.macs(node);
            if macs > 0 {
                let _ = write!(out, " macs {macs}");
            }
            out.push('\n');
        }
        for IntOutput { name, tensor, order, head } in &self.outputs {
            let (of, dims, loops) = (&self.tensor(*tensor).name, &order.dims, &order.loops);
            let _ = writeln!(out, "output {name}{dims:?} = {of} in order {loops:?}");
            for HeadStep { function, outer, size, inner } in head {
                let _ = writeln!(out, "  left to the host: {} {outer}x{size}x{inner}", function.name());
            }
        }
        out
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("{} bytes #{:016x}", bytes.len(), checksum(bytes))
}

fn tensor(tensor: &IntTensor) -> String {
    let Shape { groups, rows, cols, channels } = tensor.shape;
    format!("{}[{groups}x{rows}x{cols}x{channels} {}]", tensor.name, code(&tensor.code))
}

fn code(code: &CodeType) -> String {
    let sign = if code.sign == Signedness::Signed { 's' } else { 'u' };
    // The shortest decimal that reads back as the same number.
    let scales =
        if code.tag_shift > 0 { format!(" and {} bits coarser", code.tag_shift) } else { String::new() };
    format!("{sign}{} scale {:e}{scales} zero {}", code.bits, code.scale, code.zero_point)
}

fn window(window: &Window) -> String {
    let Window { kernel, stride, pad, dilation } = window;
    if *window == Window::POINT {
        return " point".to_owned();
    }
    format!(" kernel {kernel:?} stride {stride:?} pad {pad:?} dilation {dilation:?}")
}

fn post(post: &Post) -> String {
    format!(" zero {} clamp {}..={}", post.zero_point, post.clamp_low, post.clamp_high)
}

fn residual(residual: &Residual) -> String {
    let Residual { zero_point, requant } = residual;
    format!("({zero_point}, {}/2^{})", requant.mantissa, requant.shift)
}

fn parameters(list: &[ChannelParameter]) -> String {
    let bytes: Vec<u8> = list.iter().flat_map(|p| p.to_bytes()).collect();
    format!(" parameters {}", digest(&bytes))
}

fn weights(list: &Weights) -> String {
    let bytes: Vec<u8> = list.iter().map(|&w| w as u8).collect();
    let bits = if list.bits == 8 { String::new() } else { format!("{} bits ", list.bits) };
    format!(" weights {bits}{}", digest(&bytes))
}

fn operator(op: &IntOp) -> String {
    match op {
        IntOp::Conv { window: w, parts, weight, parameters: p, post: q, table, residual: r, transposed } => {
            let parts = if *parts > 1 { format!(" parts {parts}") } else { String::new() };
            let table = table.as_ref().map_or(String::new(), |t| format!(" table {}", digest(&t[..])));
            let added = r.as_ref().map_or(String::new(), |r| format!(" residual {}", residual(r)));
            let transposed = if *transposed { " transposed" } else { "" };
            let (window, weights) = (window(w), weights(weight));
            format!("{window}{parts}{weights}{}{}{added}{table}{transposed}", parameters(p), post(q))
        }
        IntOp::Depthwise { window: w, weight, parameters: p, post: q } => {
            format!("{}{}{}{}", window(w), weights(weight), parameters(p), post(q))
        }
        IntOp::Phased { phases, windows, weight, parameters: p, post: q } => {
            let windows: String = windows.iter().map(window).collect();
            format!(" phases {phases:?}{windows}{}{}{}", weights(weight), parameters(p), post(q))
        }
        IntOp::MatMul { parameter, post: q } | IntOp::Scale { parameter, post: q } => {
            format!("{}{}", parameters(std::slice::from_ref(parameter)), post(q))
        }
        IntOp::Softmax { table } => {
            let bytes: Vec<u8> = table.iter().flat_map(|v| v.to_le_bytes()).collect();
            format!(" table {}", digest(&bytes))
        }
        IntOp::LayerNorm { parameters: p, epsilon, post: q } => {
            format!(" epsilon {epsilon}{}{}", parameters(p), post(q))
        }
        IntOp::Add { first, second, post: q } => {
            let second = second.as_ref().map_or(String::new(), |r| format!(" second {}", residual(r)));
            format!(" first {}{second}{}", residual(first), post(q))
        }
        IntOp::MaxPool { window: w } => window(w),
        IntOp::AveragePool { window: w, requant, post: q } => {
            format!("{} factor {}/2^{}{}", window(w), requant.mantissa, requant.shift, post(q))
        }
        IntOp::Table { table } => format!(" table {}", digest(&table[..])),
        IntOp::ConcatRows | IntOp::Reshape => String::new(),
        IntOp::SliceRows { start } => format!(" start {start}"),
        IntOp::Permute { dims, order } => format!(" {dims:?} to {order:?}"),
    }
}
