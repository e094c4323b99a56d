//! What a classifier does last and no accelerator needs to: Softmax, LogSoftmax, Sigmoid, ArgMax.
//!
//! They keep the order of the classes, or pick the first of it, and cost precision where codes have 8 bits: a
//! softmax over a thousand classes is zero for most of them. So they are taken off before quantization; the
//! integer network gives what goes into them, and the host does the rest in float ([`finish`]).

use super::graph::{FloatGraph, Node, ValueId};
use super::ops::Op;
use super::ops::axis::around;
use super::ops::log_softmax::log_softmax;
use super::ops::unary::Unary;

/// A function at the end of a network, over the elements of the value in the order of ONNX: `outer x size x
/// inner` of them, the function running over `size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadStep {
    /// Which.
    pub function: HeadFunction,
    /// Product of the dimensions before the axis.
    pub outer: usize,
    /// Size of the axis.
    pub size: usize,
    /// Product of the dimensions behind it.
    pub inner: usize,
}

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadFunction {
    /// `e^x / sum(e^x)` over the axis.
    Softmax,
    /// Its logarithm.
    LogSoftmax,
    /// `1 / (1 + e^-x)` of each element.
    Sigmoid,
    /// The index of the greatest element of the axis; of equal ones the first, or the last.
    ArgMax {
        /// Whether the last.
        last: bool,
    },
}

impl HeadFunction {
    /// Every function, in the order of their codes in files.
    pub const ALL: [HeadFunction; 5] = [
        HeadFunction::Softmax,
        HeadFunction::LogSoftmax,
        HeadFunction::Sigmoid,
        HeadFunction::ArgMax { last: false },
        HeadFunction::ArgMax { last: true },
    ];

    /// Its name in ONNX.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            HeadFunction::Softmax => "Softmax",
            HeadFunction::LogSoftmax => "LogSoftmax",
            HeadFunction::Sigmoid => "Sigmoid",
            HeadFunction::ArgMax { .. } => "ArgMax",
        }
    }
}

impl HeadStep {
    /// Elements that it reads.
    #[must_use]
    pub fn elements(&self) -> Option<usize> {
        self.outer.checked_mul(self.size)?.checked_mul(self.inner)
    }

    /// Elements that it gives.
    #[must_use]
    pub fn results(&self) -> usize {
        match self.function {
            HeadFunction::ArgMax { .. } => self.outer * self.inner,
            _ => self.outer * self.size * self.inner,
        }
    }

    /// First element of each row along the axis.
    fn rows(&self) -> impl Iterator<Item = usize> {
        let HeadStep { outer, size, inner, .. } = *self;
        (0..outer).flat_map(move |o| (0..inner).map(move |i| o * size * inner + i))
    }

    fn log_softmax(&self, values: &mut [f64]) {
        let mut row = vec![0.0; self.size];
        for base in self.rows() {
            row.iter_mut().enumerate().for_each(|(j, x)| *x = values[base + j * self.inner]);
            log_softmax(&mut row);
            row.iter().enumerate().for_each(|(j, &x)| values[base + j * self.inner] = x);
        }
    }

    fn apply(&self, mut values: Vec<f64>) -> Vec<f64> {
        match self.function {
            HeadFunction::Softmax => {
                self.log_softmax(&mut values);
                values.iter_mut().for_each(|x| *x = libm::exp(*x));
            }
            HeadFunction::LogSoftmax => self.log_softmax(&mut values),
            HeadFunction::Sigmoid => values.iter_mut().for_each(|x| *x = 1.0 / (1.0 + libm::exp(-*x))),
            HeadFunction::ArgMax { last } => {
                let at = |base: usize, j: usize| values[base + j * self.inner];
                let better = |base: usize| {
                    move |best: usize, j: usize| {
                        let (a, b) = (at(base, best), at(base, j));
                        if b > a || (last && b == a) { j } else { best }
                    }
                };
                values = self.rows().map(|base| (0..self.size).fold(0, better(base)) as f64).collect();
            }
        }
        values
    }
}

/// What the host makes of the reals that the accelerator gives.
#[must_use]
pub fn finish(head: &[HeadStep], reals: &[f32]) -> Vec<f32> {
    let values = reals.iter().map(|&x| f64::from(x)).collect();
    head.iter().fold(values, |values, step| step.apply(values)).into_iter().map(|x| x as f32).collect()
}

/// How many classes an output tells apart, one label an image; `None` where an ArgMax gives several indices.
#[must_use]
pub fn classes(head: &[HeadStep], elements: usize) -> Option<usize> {
    match head.last() {
        Some(step) if matches!(step.function, HeadFunction::ArgMax { .. }) => {
            (step.results() == 1).then_some(step.size)
        }
        _ => Some(elements),
    }
}

/// Numbers that are in the order of the outputs and tell apart what those do not: of a softmax its logarithm, of
/// a sigmoid what goes into it. An ArgMax at the end leaves what it chooses from.
#[must_use]
pub fn scores(head: &[HeadStep], reals: &[f32]) -> Vec<f64> {
    let mut values: Vec<f64> = reals.iter().map(|&x| f64::from(x)).collect();
    for (index, step) in head.iter().enumerate() {
        match step.function {
            HeadFunction::Softmax | HeadFunction::LogSoftmax => step.log_softmax(&mut values),
            HeadFunction::Sigmoid if index + 1 == head.len() => {}
            HeadFunction::ArgMax { .. } => break,
            HeadFunction::Sigmoid => values = step.apply(values),
        }
    }
    values
}

/// A graph without its heads, and what was taken off each output, the first step first. Values keep their ids.
#[must_use]
pub fn take_off(float: &FloatGraph) -> (FloatGraph, Vec<Vec<HeadStep>>) {
    let mut bare = float.clone();
    let mut heads = Vec::with_capacity(float.outputs.len());
    for output in &mut bare.outputs {
        let (from, head) = head_of(float, *output);
        *output = from;
        heads.push(head);
    }
    if heads.iter().any(|head| !head.is_empty()) {
        bare.remove_dead_nodes();
    }
    (bare, heads)
}

/// A note for the user on each output whose head is left to the host.
#[must_use]
pub fn notes(float: &FloatGraph, bare: &FloatGraph, heads: &[Vec<HeadStep>]) -> Vec<String> {
    let outputs = float.outputs.iter().zip(&bare.outputs).zip(heads).filter(|(_, head)| !head.is_empty());
    outputs
        .map(|((&output, &from), head)| {
            let names: Vec<&str> = head.iter().map(|step| step.function.name()).collect();
            let (output, from) = (&float.value(output).name, &float.value(from).name);
            format!(
                "output `{output}`: {} at the end is left to the host; the accelerator gives `{from}`, which goes \
                 into it and ranks the classes alike",
                names.join(" and ")
            )
        })
        .collect()
}

/// What goes into the head of an output, and the head; the output itself and nothing where there is none, or
/// where nothing else is computed.
fn head_of(float: &FloatGraph, output: ValueId) -> (ValueId, Vec<HeadStep>) {
    let links = float.links();
    let producer = |value: ValueId| links.producer(value).map(|id| float.node(id));
    let mut head = Vec::new();
    let (mut at, mut from) = (output, output);
    // A logarithm that was met and waits for its softmax.
    let mut log = false;
    while let Some(node) = producer(at) {
        let operand = node.inputs[0];
        if keeps_order(float, node) {
            at = operand;
            continue;
        }
        let along = |function, axis| {
            let (outer, size, inner) = around(float.shape(operand), axis);
            HeadStep { function, outer, size, inner }
        };
        let step = match &node.op {
            Op::Softmax(softmax) if log => along(HeadFunction::LogSoftmax, softmax.axis),
            Op::Softmax(softmax) => along(HeadFunction::Softmax, softmax.axis),
            Op::Unary(Unary::Log) if !log => {
                (at, log) = (operand, true);
                continue;
            }
            _ if log => break,
            Op::LogSoftmax(softmax) => along(HeadFunction::LogSoftmax, softmax.axis),
            Op::ArgMax(arg_max) => along(HeadFunction::ArgMax { last: arg_max.last }, arg_max.axis),
            Op::Unary(Unary::Sigmoid) => {
                let size = float.shape(operand).iter().product();
                HeadStep { function: HeadFunction::Sigmoid, outer: 1, size, inner: 1 }
            }
            _ => break,
        };
        head.insert(0, step);
        log = false;
        (at, from) = (operand, operand);
    }
    // Something has to be left for the accelerator.
    let mut left = from;
    while let Some(node) = producer(left).filter(|node| keeps_order(float, node)) {
        left = node.inputs[0];
    }
    if producer(left).is_some() { (from, head) } else { (output, Vec::new()) }
}

/// Whether a node moves no element of its operand.
fn keeps_order(float: &FloatGraph, node: &Node) -> bool {
    match &node.op {
        Op::Reshape(_) | Op::Identity(_) => true,
        Op::Transpose(transpose) => {
            let shape = float.shape(node.inputs[0]);
            let moved = transpose.perm.iter().filter(|&&axis| shape[axis] != 1);
            moved.is_sorted()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_by_hand() {
        let softmax = HeadStep { function: HeadFunction::Softmax, outer: 1, size: 2, inner: 3 };
        let reals = [0.0, 1.0, 2.0, 3f32.ln(), 1.0, 2.0];
        let found = finish(&[softmax], &reals);
        for (found, wanted) in found.iter().zip([0.25, 0.5, 0.5, 0.75, 0.5, 0.5]) {
            assert!((found - wanted).abs() < 1e-6, "{found} {wanted}");
        }
        let arg_max = |last| HeadStep { function: HeadFunction::ArgMax { last }, ..softmax };
        assert_eq!(finish(&[softmax, arg_max(false)], &reals), [1.0, 0.0, 0.0]);
        assert_eq!(finish(&[arg_max(true)], &reals), [1.0, 1.0, 1.0]);
        // Far apart, and yet neither one nor zero.
        let wide = HeadStep { function: HeadFunction::Softmax, outer: 1, size: 3, inner: 1 };
        assert_eq!(finish(&[wide], &[0.0, 500.0, 300.0]), [0.0, 1.0, 0.0]);
        assert_eq!(scores(&[wide], &[0.0, 500.0, 300.0]), [-500.0, 0.0, -200.0]);
        let sigmoid = HeadStep { function: HeadFunction::Sigmoid, ..wide };
        assert_eq!(scores(&[sigmoid], &[90.0, 91.0, -1.0]), [90.0, 91.0, -1.0]);
    }
}
