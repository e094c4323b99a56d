//! Decisions that need a look ahead: the codes of a value and the layout of a producer.

use super::lower::Lowering;
use super::scale::factors;
use super::view::{Atom, Axis, Layout, View, joined, whole};
use crate::float::ops::binary::Binary;
use crate::float::{NodeId, Op, ValueId};
use crate::integer::graph::{CodeType, Shape};
use crate::integer::ranges::{CodeKind, RangeRule};
use bitgauge_arch::code::Container;

/// 16-bit codes have levels to spare: twice the range seen costs one bit and saves unseen outliers.
const WIDE_HEADROOM: f64 = 2.0;

impl Lowering<'_> {
    /// Nodes that compute with a value, read through views, and the operand's position in each.
    pub fn readers(&self, value: ValueId) -> Vec<(NodeId, usize)> {
        let mut found = Vec::new();
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            for &id in self.links.consumers(value) {
                let node = self.float.node(id);
                let is_view = match node.op {
                    Op::Reshape(_) | Op::Transpose(_) | Op::Identity(_) => true,
                    Op::Binary(_) => super::lower::scalar_factor(self.float, node).is_some(),
                    _ => false,
                };
                if is_view {
                    open.push(node.outputs[0]);
                } else {
                    let position = node.inputs.iter().position(|&v| v == value);
                    found.push((id, position.unwrap_or(0)));
                }
            }
        }
        found
    }

    /// The codes for a value that a node is about to compute.
    pub fn code_for(&self, value: ValueId) -> CodeType {
        // What is joined must have the join's code: it is copied.
        for (id, _) in self.readers(value) {
            let node = self.float.node(id);
            if matches!(node.op, Op::Concat(_)) {
                return self.code_for(node.outputs[0]);
            }
        }
        if let Some(code) = self.shifted_code(value) {
            return code;
        }
        let kind = self.kind_for(value);
        self.given(value).unwrap_or_else(|| self.by_calibration(value, kind))
    }

    /// Codes of one byte: the model's, or by what calibration saw.
    pub fn calibrated(&self, value: ValueId, kind: CodeKind) -> CodeType {
        let given = self.given(value).filter(|code| code.container() == Container::Byte);
        given.unwrap_or_else(|| self.by_calibration(value, kind))
    }

    /// Codes of a kind by what calibration saw.
    pub fn by_calibration(&self, value: ValueId, kind: CodeKind) -> CodeType {
        let wide = matches!(kind, CodeKind::Symmetric { bits: 16 });
        let rule = if wide { RangeRule::MinMax } else { self.options.range };
        let headroom = if wide { WIDE_HEADROOM } else { 1.0 };
        let (low, high) = self.calibration.of(value).map_or((0.0, 0.0), |seen| seen.range(rule, kind));
        if (low, high) == (0.0, 0.0)
            && let Some(code) = self.of_zero(value, kind)
        {
            return code;
        }
        kind.code((low * headroom, high * headroom))
    }

    /// How much coarser the second scale of a value is to be, which only products may read; 0: it has one.
    pub fn tag_shift(&self, value: ValueId) -> u8 {
        let readers = self.readers(value);
        let row = |(id, position): &(NodeId, usize)| {
            let product = match &self.float.node(*id).op {
                Op::MatMul(_) | Op::Linear(_) => true,
                Op::Conv(conv) => conv.groups == 1,
                _ => false,
            };
            product && *position == 0
        };
        let own = self.given(value).is_some();
        let fits = !readers.is_empty() && readers.iter().all(row) && !self.links.is_output(value) && !own;
        if fits { self.options.bits.two_scale(&self.float.value(value).name) } else { 0 }
    }

    /// The codes for what a table makes: bytes, of two scales where they are asked for.
    pub fn code_of_table(&self, value: ValueId, otherwise: CodeKind) -> CodeType {
        let code = match self.code_for(value) {
            code if code.container() == Container::Byte => code,
            _ => self.calibrated(value, otherwise),
        };
        let tag_shift = self.tag_shift(value);
        if tag_shift == 0 {
            return code;
        }
        let kind = CodeKind::Affine { bits: code.bits };
        let seen = self.calibration.of(value).map_or((0.0, 0.0), |seen| seen.range(self.options.range, kind));
        // Products of two activations know no zero points.
        let factor = |(id, _): &(NodeId, usize)| matches!(self.float.node(*id).op, Op::MatMul(_));
        if seen.0 < 0.0 && self.readers(value).iter().any(factor) {
            return code;
        }
        CodeType::of_two_scales(code.bits, tag_shift, seen)
    }

    /// Bits of a value's codes, where they are bytes.
    pub fn bits(&self, value: ValueId) -> u8 {
        self.options.bits.of_tensor(&self.float.value(value).name)
    }

    fn kind_for(&self, value: ValueId) -> CodeKind {
        let bits = self.bits(value);
        let computed_by = self.links.producer(value).map(|id| &self.float.node(id).op);
        let adds = matches!(
            computed_by,
            Some(
                Op::Conv(_)
                    | Op::ConvTranspose(_)
                    | Op::Linear(_)
                    | Op::Binary(Binary::Add)
                    | Op::ReduceMean(_)
                    | Op::GlobalAveragePool(_)
            )
        );
        if self.links.is_output(value) && self.links.consumers(value).is_empty() && adds {
            return CodeKind::Symmetric { bits: self.options.bits.outputs };
        }
        let readers = self.readers(value);
        if self.options.bits.stream == 16 && self.has_norm && self.is_stream(value) {
            return CodeKind::Symmetric { bits: 16 };
        }
        let centred = |(id, _): &(NodeId, usize)| {
            let node = self.float.node(*id);
            matches!(node.op, Op::MatMul(_) | Op::Softmax(_)) || factors(self.float, node).is_some()
        };
        if readers.iter().any(centred) { CodeKind::Symmetric { bits } } else { CodeKind::Affine { bits } }
    }

    /// Whether only LayerNorm and additions read a value, if need be after its rows were joined or cut.
    fn is_stream(&self, value: ValueId) -> bool {
        let readers = self.readers(value);
        let wide = |(id, _): &(NodeId, usize)| {
            let node = self.float.node(*id);
            match node.op {
                Op::LayerNorm(_) | Op::Binary(Binary::Add) => true,
                Op::Concat(_) | Op::Slice(_) | Op::Gather(_) => self.is_stream(node.outputs[0]),
                _ => false,
            }
        };
        !readers.is_empty() && !self.links.is_output(value) && readers.iter().all(wide)
    }

    /// The layout in which a producer of `value` serves the reader behind the views that follow;
    /// `view` and `shape` are those of [`Layout::Map`].
    pub fn layout_for(&self, value: ValueId, view: &View, shape: Shape) -> Layout {
        let (mut at, mut view) = (value, view.clone());
        while let Some(id) = self.links.sole_consumer(at) {
            let node = self.float.node(id);
            let Some(after) = self.view_after(node, &view) else { break };
            (at, view) = (node.outputs[0], after);
        }
        let consumers = self.links.consumers(at);
        // Nobody reads it but the host, and that knows where each element is.
        if consumers.is_empty() {
            return Layout::Map;
        }
        let product = consumers.iter().map(|&id| self.float.node(id)).find(|n| matches!(n.op, Op::MatMul(_)));
        let pixels = |dim: &[Atom]| dim.iter().all(|a| matches!(a.axis, Axis::Row | Axis::Col));
        if let (Some(product), [.., rows, cols]) = (product, &view.0[..]) {
            // The sums run over channels of both operands, so in1 is stored transposed.
            let (rows, sums) = if product.inputs[0] == at { (rows, cols) } else { (cols, rows) };
            let inner = |dim: &[Atom]| match *dim {
                [] => Some(1),
                [Atom { axis: Axis::Channel, stride: 1, size }] => Some(size),
                _ => None,
            };
            // Windows are groups of their own: what is cut into heads and windows is ordered at the product.
            let all = |dim: &[Atom]| joined(dim.iter().copied()) == whole(shape, &[Axis::Row, Axis::Col]);
            if let Some(size) = inner(sums).filter(|_| all(rows)) {
                return Layout::Heads(shape.channels / size);
            }
            if let Some(size) = inner(rows).filter(|_| all(sums)) {
                return Layout::Transposed(shape.channels / size);
            }
        }
        if let Some(layout) = self.transposed_for(value, at, &view, shape) {
            return layout;
        }
        let merged = |dim: &Vec<Atom>| dim.len() > 1 && pixels(dim);
        if view.0.iter().any(merged) { Layout::Tokens } else { Layout::Map }
    }

    /// The layout with the channels outermost, if `at`, which shows `value` as `view`, is read in such an order.
    fn transposed_for(&self, value: ValueId, at: ValueId, view: &View, shape: Shape) -> Option<Layout> {
        let pixels = |dim: &[Atom]| dim.iter().all(|a| matches!(a.axis, Axis::Row | Axis::Col));
        let is_channels = |dim: &[Atom]| shape.channels > 1 && *dim == whole(shape, &[Axis::Channel]);
        let mut ops = self.links.consumers(at).iter().map(|&id| &self.float.node(id).op);
        match &view.0[..] {
            // A layer over what was the pixels.
            [.., last] if ops.any(|op| matches!(op, Op::Linear(_))) => {
                (shape.channels > 1 && !last.is_empty() && pixels(last)).then_some(Layout::Transposed(1))
            }
            _ if at == value => None,
            // A map whose channels were pixels, and whose rows were channels.
            [first, channels, rows, cols] if first.is_empty() && is_channels(rows) => {
                let order = joined(cols.iter().chain(channels).copied());
                let all = whole(shape, &[Axis::Row, Axis::Col]);
                let cols = cols.iter().map(|atom| atom.size).product();
                (order == all).then_some(Layout::TransposedMap(cols))
            }
            // Tokens that were channels.
            [lead @ .., rows, cols] => {
                let tokens = is_channels(rows) && !cols.is_empty() && pixels(cols);
                (tokens && lead.iter().all(Vec::is_empty)).then_some(Layout::Transposed(1))
            }
            _ => None,
        }
    }
}
