//! The reference page of operators, written from the tables that import itself goes by.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::import::{MAX_OPSET, MIN_OPSET};
use super::shape_arithmetic::{self, FOLDED, MAX_INTS};
use crate::float::ops::{self, MICROSOFT, MICROSOFT_DOMAIN};
use crate::integer::UNITS;

/// Every operator name that import accepts, sorted.
#[must_use]
pub fn operator_names() -> Vec<&'static str> {
    let all = ops::onnx_operators().map(|o| o.name).chain(FOLDED.iter().map(|f| f.name));
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// `docs/reference/operators.md`: Markdown, the same bytes from the same tables.
#[must_use]
pub fn operators_page() -> String {
    let mut out = format!(
        "# Operators\n\n\
         <!-- Written by `cargo xtask operators`. Do not edit. -->\n\n\
         What Bitgauge reads of ONNX, opset {MIN_OPSET} to {MAX_OPSET}. *Versions* are those of the operator that a \
         file of these opsets may mean; each is read as its own specification says. *Float* is the float graph with \
         its interpreter; *shape arithmetic* is what import computes of integer constants (at most {MAX_INTS} \
         elements), so that no integer is left in the graph. *Accelerator* is the unit that quantization lowers it to; \
         empty where it refuses the operator. *Limits* are what is left out of the float operator; \
         a file that goes beyond them ends in an error with the node's name. Of the domain {MICROSOFT_DOMAIN}, {} are \
         read, as ONNX's operators of these names.\n\n\
         | operator | versions | float | shape arithmetic | accelerator | limits |\n\
         | --- | --- | --- | --- | --- | --- |\n",
        MICROSOFT.join(", "),
    );
    let float: BTreeMap<_, _> = ops::onnx_operators().map(|o| (o.name, o)).collect();
    let mark = |there: bool| if there { "yes" } else { "" };
    for name in operator_names() {
        let operator = float.get(name);
        let versions = match (operator, FOLDED.iter().find(|f| f.name == name)) {
            (Some(o), _) => o.versions,
            (None, Some(f)) => f.versions,
            (None, None) => &[],
        };
        let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "| {name} | {} | {} | {} | {} | {} |",
            versions.join(", "),
            mark(operator.is_some()),
            mark(shape_arithmetic::is_folded(name)),
            UNITS.iter().find(|(n, _)| *n == name).map_or("", |(_, unit)| unit),
            operator.map_or("folded constants only", |o| o.limits),
        );
    }
    out
}
