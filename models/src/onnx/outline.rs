//! The outline of a model file: the file without the bytes of its large tensors, and where those lie.
//!
//! Contract: decoded with prost, the outline is the file but for `raw_data` of the initializers of which
//! [`Outline::parts`] tells the place. So a network's weights are read once, each into the tensor that it becomes,
//! and the file is never held. A file that is not well-formed has no outline; decoding all of it says what is wrong.
//! Source: the wire format of Protocol Buffers; field numbers of `onnx.proto`.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// A file that can be read part by part.
pub trait Source {
    /// Its bytes.
    fn length(&self) -> u64;

    /// Reads `length` bytes from `offset` on.
    ///
    /// # Errors
    /// A sentence, where they cannot be read or are not there.
    fn read(&self, offset: u64, length: usize) -> Result<Cow<'_, [u8]>, String>;
}

impl Source for &[u8] {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, offset: u64, length: usize) -> Result<Cow<'_, [u8]>, String> {
        let start = usize::try_from(offset).ok();
        let part = start.and_then(|start| self.get(start..start.checked_add(length)?));
        part.map(Cow::Borrowed).ok_or_else(|| format!("ends before byte {offset} + {length}"))
    }
}

/// Where bytes lie in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The first byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: usize,
}

/// A model file without large tensors.
#[derive(Debug, Default)]
pub struct Outline {
    /// A `ModelProto`.
    pub bytes: Vec<u8>,
    /// `raw_data` of initializers, by their place among all of them.
    pub parts: BTreeMap<usize, Part>,
}

/// Smaller tensors stay in the outline.
const LARGE: u64 = 1 << 16;
/// Bytes that are read at once where fields are looked at.
const WINDOW: usize = 1 << 16;
/// Bytes that are copied at once.
const COPIED: u64 = 1 << 24;

/// Messages on the way from a file to the data of a tensor.
#[derive(Clone, Copy, PartialEq)]
enum Message {
    Model,
    Graph,
    Tensor,
}

impl Message {
    /// The message, or data, on the way that a field of this message holds.
    fn field(self, number: u64) -> Option<Field> {
        match (self, number) {
            (Message::Model, 7) => Some(Field::Inner(Message::Graph)),
            (Message::Graph, 5) => Some(Field::Inner(Message::Tensor)),
            (Message::Tensor, 9) => Some(Field::Data),
            _ => None,
        }
    }
}

enum Field {
    Inner(Message),
    Data,
}

/// The outline of a file; `None` where it is not well-formed.
///
/// # Errors
/// What [`Source::read`] says.
pub fn outline(source: &dyn Source) -> Result<Option<Outline>, String> {
    let mut walk = Walk { source, window: (0, Vec::new()), initializers: 0, parts: BTreeMap::new() };
    let bytes = walk.message(Message::Model, 0, source.length())?;
    Ok(bytes.map(|bytes| Outline { bytes, parts: walk.parts }))
}

struct Walk<'a> {
    source: &'a dyn Source,
    /// Bytes of the file from an offset on.
    window: (u64, Vec<u8>),
    initializers: usize,
    parts: BTreeMap<usize, Part>,
}

impl Walk<'_> {
    /// The outline of the message in `start..end`.
    fn message(&mut self, kind: Message, start: u64, end: u64) -> Result<Option<Vec<u8>>, String> {
        let mut bytes = Vec::new();
        // What is taken over as it is begins here.
        let (mut kept, mut at) = (start, start);
        while at < end {
            let field = at;
            let Some(key) = self.varint(&mut at, end)? else { return Ok(None) };
            let length = match key & 7 {
                0 => {
                    if self.varint(&mut at, end)?.is_none() {
                        return Ok(None);
                    }
                    continue;
                }
                1 => 8,
                2 => match self.varint(&mut at, end)? {
                    Some(length) => length,
                    None => return Ok(None),
                },
                5 => 4,
                _ => return Ok(None),
            };
            let payload = at;
            at = match at.checked_add(length) {
                Some(next) if next <= end => next,
                _ => return Ok(None),
            };
            let Some(inner) = kind.field(key >> 3).filter(|_| key & 7 == 2) else { continue };
            let place = self.initializers;
            self.initializers += usize::from(matches!(inner, Field::Inner(Message::Tensor)));
            let made = match inner {
                Field::Inner(Message::Tensor) if length < LARGE => continue,
                Field::Inner(inner) => match self.message(inner, payload, at)? {
                    Some(made) => Some(made),
                    None => return Ok(None),
                },
                Field::Data => {
                    // Of the tensor that is being looked at, which was counted before its fields were.
                    let Ok(length) = usize::try_from(length) else { return Ok(None) };
                    self.parts.insert(place - 1, Part { offset: payload, length });
                    None
                }
            };
            self.copy(kept, field, &mut bytes)?;
            if let Some(made) = made {
                put_varint(key, &mut bytes);
                put_varint(made.len() as u64, &mut bytes);
                bytes.extend_from_slice(&made);
            }
            kept = at;
        }
        self.copy(kept, end, &mut bytes)?;
        Ok(Some(bytes))
    }

    fn copy(&self, mut start: u64, end: u64, into: &mut Vec<u8>) -> Result<(), String> {
        while start < end {
            let length = (end - start).min(COPIED);
            into.extend_from_slice(&self.source.read(start, length as usize)?);
            start += length;
        }
        Ok(())
    }

    /// A number at `at`, which then is behind it; `None` where it does not end before `end`.
    fn varint(&mut self, at: &mut u64, end: u64) -> Result<Option<u64>, String> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            if *at >= end {
                return Ok(None);
            }
            let byte = self.byte(*at)?;
            *at += 1;
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                // The tenth byte has room for one bit.
                return Ok((shift < 63 || byte < 2).then_some(value));
            }
        }
        Ok(None)
    }

    fn byte(&mut self, at: u64) -> Result<u8, String> {
        let (start, bytes) = &self.window;
        if let Some(&byte) = at.checked_sub(*start).and_then(|i| bytes.get(usize::try_from(i).ok()?)) {
            return Ok(byte);
        }
        let length = (self.source.length().saturating_sub(at)).min(WINDOW as u64) as usize;
        self.window = (at, self.source.read(at, length)?.into_owned());
        self.window.1.first().copied().ok_or_else(|| format!("ends before byte {at}"))
    }
}

fn put_varint(mut value: u64, into: &mut Vec<u8>) {
    while value >= 128 {
        into.push(value as u8 | 128);
        value >>= 7;
    }
    into.push(value as u8);
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::onnx::generated::tensor_proto::DataType;
    use crate::onnx::generated::{GraphProto, ModelProto, NodeProto, TensorProto};

    fn tensor(name: &str, elements: usize) -> TensorProto {
        TensorProto {
            dims: vec![elements as i64],
            data_type: Some(DataType::Float as i32),
            name: Some(name.to_owned()),
            raw_data: Some((0..4 * elements).map(|i| (i * 7) as u8).collect()),
            ..TensorProto::default()
        }
    }

    fn model() -> ModelProto {
        let initializer = vec![tensor("a", 3), tensor("b", 40_000), tensor("c", 5), tensor("d", 20_000)];
        let node = vec![NodeProto { op_type: Some("Relu".to_owned()), ..NodeProto::default() }];
        let graph = GraphProto { initializer, node, ..GraphProto::default() };
        ModelProto { ir_version: Some(8), graph: Some(graph), ..ModelProto::default() }
    }

    #[test]
    fn outline_and_parts_are_the_file() {
        let whole = model();
        let bytes = whole.encode_to_vec();
        let source = &bytes[..];
        let outline = outline(&source).unwrap().unwrap();
        assert!(outline.bytes.len() < 1000, "{}", outline.bytes.len());
        assert_eq!(outline.parts.keys().collect::<Vec<_>>(), [&1, &3]);
        let mut found = ModelProto::decode(&outline.bytes[..]).unwrap();
        for (index, part) in &outline.parts {
            let data = source.read(part.offset, part.length).unwrap().into_owned();
            found.graph.as_mut().unwrap().initializer[*index].raw_data = Some(data);
        }
        assert_eq!(found, whole);
    }

    #[test]
    fn what_is_cut_short_has_no_outline() {
        let bytes = model().encode_to_vec();
        for length in [1, 5, 1000, bytes.len() - 1] {
            assert!(outline(&&bytes[..length]).unwrap().is_none(), "{length}");
        }
        assert!(outline(&&b"no ONNX file at all"[..]).unwrap().is_none());
        assert!(
            outline(&&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f][..])
                .unwrap()
                .is_none()
        );
    }
}
