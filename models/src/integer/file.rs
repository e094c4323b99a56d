//! The file of an integer graph: magic, version, fields little endian in declaration order, checksum.
//!
//! Contract: what is written reads back equal; bytes that are no such file are an error, never a
//! panic; what is read has passed [`validate`](super::validate()).

mod operators;

use std::sync::Arc;

use bitgauge_arch::arith::Signedness;
use bitgauge_arch::program::ElementOrder;
use thiserror::Error;

use super::graph::{CodeType, FloatSource, IntGraph, IntNode, IntOutput, IntTensor, Shape, TensorId};
use super::validate::{ValidateError, validate};
use crate::float::heads::{HeadFunction, HeadStep};

const MAGIC: &[u8; 8] = b"BITGAUGE";
/// 3: outputs and float values with the order of their elements.
const VERSION: u32 = 6;

/// Why bytes are no integer graph.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FileError {
    /// The first bytes are others.
    #[error("not a quantized model (the magic bytes are missing)")]
    Magic,
    /// Written by another version.
    #[error("version {0} of the file is not supported (supported: {VERSION}); quantize the model again")]
    Version(u32),
    /// The end is missing, or a length field is wrong.
    #[error("the file is truncated or damaged in {0}")]
    Truncated(&'static str),
    /// A field holds a value without meaning.
    #[error("the file is damaged: {what} is {value}")]
    Value {
        /// The field.
        what: &'static str,
        /// Its value.
        value: u64,
    },
    /// The checksum is another.
    #[error("the file is damaged: its checksum does not fit")]
    Checksum,
    /// The graph is not valid.
    #[error(transparent)]
    Invalid(#[from] ValidateError),
}

/// FNV-1a over 64 bits: against accidents, not against attackers.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }
    fn number(&mut self, value: usize) {
        self.0.extend((value as u64).to_le_bytes());
    }
    fn i32(&mut self, value: i32) {
        self.0.extend(value.to_le_bytes());
    }
    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.extend(bytes);
    }
}

struct Reader<'a>(&'a [u8]);

type Read<T> = Result<T, FileError>;

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize, what: &'static str) -> Read<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(FileError::Truncated(what))?;
        self.0 = tail;
        Ok(head)
    }
    fn array<const N: usize>(&mut self, what: &'static str) -> Read<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk().ok_or(FileError::Truncated(what))?;
        self.0 = tail;
        Ok(*head)
    }
    fn u8(&mut self, what: &'static str) -> Read<u8> {
        Ok(u8::from_le_bytes(self.array(what)?))
    }
    fn u64(&mut self, what: &'static str) -> Read<u64> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }
    fn i32(&mut self, what: &'static str) -> Read<i32> {
        Ok(i32::from_le_bytes(self.array(what)?))
    }
    fn number(&mut self, what: &'static str) -> Read<usize> {
        let value = self.u64(what)?;
        usize::try_from(value).map_err(|_| FileError::Value { what, value })
    }
    /// A number of items of at least `size` bytes each, which must still be there.
    fn count(&mut self, size: usize, what: &'static str) -> Read<usize> {
        let count = self.number(what)?;
        if count > self.0.len() / size.max(1) {
            return Err(FileError::Truncated(what));
        }
        Ok(count)
    }
    fn bytes(&mut self, what: &'static str) -> Read<&'a [u8]> {
        let count = self.count(1, what)?;
        self.take(count, what)
    }
    fn text(&mut self, what: &'static str) -> Read<String> {
        String::from_utf8(self.bytes(what)?.to_vec()).map_err(|_| FileError::Truncated(what))
    }
    fn flag(&mut self, what: &'static str) -> Read<bool> {
        match self.u8(what)? {
            0 => Ok(false),
            1 => Ok(true),
            value => Err(FileError::Value { what, value: value.into() }),
        }
    }
    fn list<T>(&mut self, what: &'static str, item: impl Fn(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let count = self.count(1, what)?;
        (0..count).map(|_| item(self)).collect()
    }
}

impl IntGraph {
    /// The file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.0.extend(MAGIC);
        w.0.extend(VERSION.to_le_bytes());
        w.bytes(self.name.as_bytes());
        w.number(self.tensors.len());
        for tensor in &self.tensors {
            write_tensor(&mut w, tensor);
        }
        w.number(self.nodes.len());
        for node in &self.nodes {
            w.bytes(node.name.as_bytes());
            write_ids(&mut w, &node.inputs);
            w.number(node.output.0);
            operators::write(&mut w, &node.op);
        }
        write_ids(&mut w, &self.inputs);
        w.number(self.outputs.len());
        for IntOutput { name, tensor, order, head } in &self.outputs {
            w.bytes(name.as_bytes());
            w.number(tensor.0);
            write_order(&mut w, order);
            w.number(head.len());
            for step in head {
                w.u8(HeadFunction::ALL.iter().position(|&known| known == step.function).unwrap_or(0) as u8);
                [step.outer, step.size, step.inner].into_iter().for_each(|d| w.number(d));
            }
        }
        let sum = checksum(&w.0);
        w.0.extend(sum.to_le_bytes());
        w.0
    }

    /// Reads and validates a file.
    pub fn from_bytes(bytes: &[u8]) -> Result<IntGraph, FileError> {
        IntGraph::from_bytes_unchecked(bytes)?.checked()
    }

    /// Validates what was put together.
    pub(crate) fn checked(self) -> Result<IntGraph, FileError> {
        validate(&self)?;
        Ok(self)
    }

    /// Reads a file, of which parts may be missing.
    pub(crate) fn from_bytes_unchecked(bytes: &[u8]) -> Result<IntGraph, FileError> {
        let mut r = Reader(bytes);
        if r.take(8, "magic").ok() != Some(MAGIC) {
            return Err(FileError::Magic);
        }
        match u32::from_le_bytes(r.array("version")?) {
            VERSION => {}
            other => return Err(FileError::Version(other)),
        }
        let (body, sum) = bytes.split_last_chunk::<8>().ok_or(FileError::Truncated("checksum"))?;
        if body.len() < 12 || checksum(body) != u64::from_le_bytes(*sum) {
            return Err(FileError::Checksum);
        }
        let mut r = Reader(&body[12..]);
        let graph = IntGraph {
            name: r.text("name")?,
            tensors: r.list("tensors", read_tensor)?,
            nodes: r.list("nodes", |r| {
                Ok(IntNode {
                    name: r.text("node name")?,
                    inputs: read_ids(r)?,
                    output: TensorId(r.number("output")?),
                    op: operators::read(r)?,
                })
            })?,
            inputs: read_ids(&mut r)?,
            outputs: r.list("outputs", |r| {
                let (name, tensor) = (r.text("output name")?, TensorId(r.number("output")?));
                let order = read_order(r)?;
                Ok(IntOutput { name, tensor, order, head: r.list("head", read_step)? })
            })?,
        };
        if !r.0.is_empty() {
            return Err(FileError::Value { what: "number of bytes too many", value: r.0.len() as u64 });
        }
        Ok(graph)
    }
}

fn write_ids(w: &mut Writer, ids: &[TensorId]) {
    w.number(ids.len());
    ids.iter().for_each(|id| w.number(id.0));
}

fn read_ids(r: &mut Reader<'_>) -> Read<Vec<TensorId>> {
    r.list("ids", |r| Ok(TensorId(r.number("id")?)))
}

fn write_tensor(w: &mut Writer, tensor: &IntTensor) {
    w.bytes(tensor.name.as_bytes());
    let Shape { groups, rows, cols, channels } = tensor.shape;
    [groups, rows, cols, channels].into_iter().for_each(|d| w.number(d));
    w.u8(tensor.code.bits);
    w.u8(u8::from(tensor.code.sign == Signedness::Signed));
    w.0.extend(tensor.code.scale.to_le_bytes());
    w.i32(tensor.code.zero_point);
    w.u8(tensor.code.tag_shift);
    w.bytes(tensor.channel_shifts.as_deref().unwrap_or_default());
    w.u8(u8::from(tensor.constant.is_some()));
    if let Some(bytes) = &tensor.constant {
        w.bytes(bytes);
    }
    w.u8(u8::from(tensor.float_source.is_some()));
    if let Some(FloatSource { value, order }) = &tensor.float_source {
        w.bytes(value.as_bytes());
        write_order(w, order);
    }
}

fn write_order(w: &mut Writer, order: &ElementOrder) {
    w.number(order.dims.len());
    order.dims.iter().for_each(|&dim| w.number(dim as usize));
    w.number(order.loops.len());
    order.loops.iter().flatten().for_each(|&number| w.number(number as usize));
}

fn read_step(r: &mut Reader<'_>) -> Read<HeadStep> {
    let index = r.u8("head")?;
    let known = HeadFunction::ALL.get(usize::from(index));
    let &function = known.ok_or(FileError::Value { what: "head", value: index.into() })?;
    let [outer, size, inner] = [r.number("head")?, r.number("head")?, r.number("head")?];
    Ok(HeadStep { function, outer, size, inner })
}

fn read_order(r: &mut Reader<'_>) -> Read<ElementOrder> {
    let dims = r.list("dimensions", |r| r.u64("dimension"))?;
    let loops = r.list("order", |r| Ok([r.u64("count")?, r.u64("step")?]))?;
    Ok(ElementOrder { dims, loops })
}

fn read_tensor(r: &mut Reader<'_>) -> Read<IntTensor> {
    let name = r.text("tensor name")?;
    let [groups, rows, cols, channels] =
        [r.number("groups")?, r.number("rows")?, r.number("columns")?, r.number("channels")?];
    let bits = r.u8("bits")?;
    let sign = if r.flag("sign")? { Signedness::Signed } else { Signedness::Unsigned };
    let scale = f64::from_le_bytes(r.array("scale")?);
    let code = CodeType { bits, sign, scale, zero_point: r.i32("zero point")?, tag_shift: r.u8("scales")? };
    let shifts = r.bytes("channel shifts")?;
    let channel_shifts = (!shifts.is_empty()).then(|| Arc::from(shifts));
    let constant = if r.flag("constant")? { Some(Arc::from(r.bytes("constant")?)) } else { None };
    let float_source = if r.flag("float value")? {
        Some(FloatSource { value: r.text("float value")?, order: read_order(r)? })
    } else {
        None
    };
    let shape = Shape { groups, rows, cols, channels };
    Ok(IntTensor { name, shape, code, channel_shifts, constant, float_source })
}
