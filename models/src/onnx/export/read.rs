//! Back: the integer network of a file that [`export_exact`](super::export_exact) wrote.
//!
//! The file says what it holds twice: in operators of ONNX, which a runtime computes, and in its metadata, where
//! the integer network stands without weights and constants; those are initializers as they are. A checksum ties
//! both together: a file whose operators were changed by somebody else is not read as if they were not.

use std::sync::Arc;

use thiserror::Error;

use super::file::File;
use crate::integer::{FileError, IntGraph, IntOp, Weights, checksum};
use crate::onnx::generated::{GraphProto, ModelProto};
use crate::onnx::outline::{Source, outline};
use prost::Message as _;

/// The integer network without weights and constants, in hexadecimal digits.
const NETWORK: &str = "bitgauge.network";
/// The initializers that hold those.
const STORED: &str = "bitgauge.stored";
/// A checksum of the graph and of the two others.
const CHECKSUM: &str = "bitgauge.checksum";

/// Why a file's integer network cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("{0}")]
    Read(String),
    /// Its operators or its metadata are not those that were written.
    #[error("the file is not as Bitgauge wrote it: {0}")]
    Changed(&'static str),
    /// What its metadata hold is no network.
    #[error(transparent)]
    Network(#[from] FileError),
}

/// Whether a model holds an integer network.
pub fn is_integer(model: &ModelProto) -> bool {
    model.metadata_props.iter().any(|property| property.key() == NETWORK)
}

/// Writes down what the file holds; `stored` are the places of weights and constants among the initializers.
pub fn describe(file: &mut File, graph: &IntGraph, stored: &[usize]) {
    let mut bare = graph.clone();
    each_stored(&mut bare, |part| {
        match part {
            Stored::Weights(weight) => weight.codes = Arc::from([]),
            Stored::Constant(constant) => *constant = Arc::from([]),
        }
        Ok(())
    })
    .unwrap_or_default();
    let digits: String = bare.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let stored = stored.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    file.sign(CHECKSUM, &graph.name, |graph| sum(graph, &digits, &stored));
    file.property(NETWORK, digits);
    file.property(STORED, stored);
}

fn sum(graph: &GraphProto, network: &str, stored: &str) -> String {
    let mut bytes = graph.encode_to_vec();
    bytes.extend(network.bytes());
    bytes.extend(stored.bytes());
    format!("{:016x}", checksum(&bytes))
}

/// The integer network of a file; `None` where the file says nothing of one.
///
/// # Errors
/// The file cannot be read, or is not as it was written.
pub fn integer_network(source: &dyn Source) -> Result<Option<IntGraph>, ReadError> {
    // Whoever imports a file that cannot be read says why.
    let Ok(Some(outline)) = outline(source) else { return Ok(None) };
    match ModelProto::decode(&outline.bytes[..]) {
        Ok(model) if is_integer(&model) => {}
        _ => return Ok(None),
    }
    drop(outline);
    let length = usize::try_from(source.length()).unwrap_or(usize::MAX);
    let bytes = source.read(0, length).map_err(ReadError::Read)?;
    let model = ModelProto::decode(&bytes[..]).map_err(|error| ReadError::Read(error.to_string()))?;
    let property = |key: &'static str| {
        let found = model.metadata_props.iter().find(|property| property.key() == key);
        found.map(|property| property.value()).ok_or(ReadError::Changed("metadata are missing"))
    };
    let graph = model.graph.as_ref().ok_or(ReadError::Changed("it has no graph"))?;
    if sum(graph, property(NETWORK)?, property(STORED)?) != property(CHECKSUM)? {
        return Err(ReadError::Changed("its graph or its metadata have another checksum"));
    }
    let changed = ReadError::Changed("its metadata are damaged");
    let network = digits(property(NETWORK)?).ok_or_else(|| changed.clone())?;
    let places: Option<Vec<usize>> =
        property(STORED)?.split_whitespace().map(|place| place.parse().ok()).collect();
    let mut places = places.ok_or_else(|| changed.clone())?.into_iter();
    let mut network = IntGraph::from_bytes_unchecked(&network)?;
    each_stored(&mut network, |part| {
        let place = places.next().and_then(|place| graph.initializer.get(place));
        let bytes = place.map(|tensor| tensor.raw_data()).ok_or_else(|| changed.clone())?;
        match part {
            Stored::Weights(weight) => weight.codes = bytes.iter().map(|&byte| byte as i8).collect(),
            Stored::Constant(constant) => *constant = Arc::from(bytes),
        }
        Ok(())
    })?;
    if places.next().is_some() {
        return Err(changed);
    }
    network.checked().map(Some).map_err(ReadError::Network)
}

/// What is stored as an initializer.
enum Stored<'a> {
    Weights(&'a mut Weights),
    Constant(&'a mut Arc<[u8]>),
}

/// Visits constants and then weights, in the order of the graph.
fn each_stored(
    graph: &mut IntGraph,
    mut visit: impl FnMut(Stored<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    for constant in graph.tensors.iter_mut().filter_map(|tensor| tensor.constant.as_mut()) {
        visit(Stored::Constant(constant))?;
    }
    for node in &mut graph.nodes {
        if let IntOp::Conv { weight, .. } | IntOp::Depthwise { weight, .. } | IntOp::Phased { weight, .. } =
            &mut node.op
        {
            visit(Stored::Weights(weight))?;
        }
    }
    Ok(())
}

fn digits(text: &str) -> Option<Vec<u8>> {
    let value = |digit: &u8| char::from(*digit).to_digit(16);
    let pair = |pair: &[u8]| Some((value(pair.first()?)? * 16 + value(pair.get(1)?)?) as u8);
    text.as_bytes().chunks(2).map(pair).collect()
}
