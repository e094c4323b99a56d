//! The stable text form of a float graph, for debugging and for comparing two graphs with `diff`.

use std::fmt::Write as _;

use super::graph::{FloatGraph, ValueId};

impl FloatGraph {
    /// One line per input, node and output; the same graph gives the same bytes.
    /// Constants appear as `name[shape]!`, without their data.
    #[must_use]
    pub fn to_text(&self) -> String {
        let show = |v: &ValueId| {
            let value = self.value(*v);
            let mark = if value.constant.is_some() { "!" } else { "" };
            let dims: Vec<String> = value.shape.iter().map(ToString::to_string).collect();
            format!("{}[{}]{mark}", value.name, dims.join("x"))
        };
        let list = |vs: &[ValueId]| vs.iter().map(show).collect::<Vec<_>>().join(", ");
        let mut out = format!("graph {}\n", self.name);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "inputs {}", list(&self.inputs));
        for f in &self.fixed_dims {
            let _ = writeln!(out, "fixed {} axis {} was {}", f.input, f.axis, f.was);
        }
        for (node, macs) in self.nodes.iter().zip(self.macs()) {
            let (outs, ins) = (list(&node.outputs), list(&node.inputs));
            let _ = write!(out, "{}: {outs} = {:?} ({ins})", node.name, node.op);
            if macs > 0 {
                let _ = write!(out, " macs {macs}");
            }
            out.push('\n');
        }
        let _ = writeln!(out, "outputs {}", list(&self.outputs));
        out
    }
}
