//! The text form of a program: a header in TOML, the commands line by line, and the constants as a binary
//! section of their own, named by a hash.
//!
//! ```text
//! bitgauge-program 1
//! image = "sha256:..."
//! ...            the header: memory, segments, tensors, layers, commands, accelerator
//! --- commands
//! load set 1 ...
//! ```

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{CommandSymbol, LayerSymbol, Program, Segment, TensorSymbol};
use crate::Accelerator;
use crate::command;

const MAGIC: &str = "bitgauge-program 1";
const SEPARATOR: &str = "--- commands";

/// Why a text is not a program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProgramTextError {
    /// Not a program of this version.
    #[error("not a Bitgauge program: the first line should read `{MAGIC}`")]
    Magic,
    /// Malformed header.
    #[error("program header: {0}")]
    Header(String),
    /// Malformed command.
    #[error("program commands: {0}")]
    Command(#[from] command::TextError),
    /// The binary section does not have the size that the header says.
    #[error("program image has {found} bytes, the header says {expected}")]
    Image {
        /// By the header.
        expected: u64,
        /// Given.
        found: u64,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    image: String,
    command_address: u64,
    memory_bytes: u64,
    segments: Vec<(u64, u64)>,
    accelerator: Accelerator,
    tensors: Vec<TensorSymbol>,
    layers: Vec<LayerSymbol>,
    commands: Vec<CommandSymbol>,
}

/// The text and the binary section (the segments' bytes, one after the other). `image` names the section.
#[must_use]
pub fn to_text(program: &Program, image: &str) -> (String, Vec<u8>) {
    let header = Header {
        image: image.to_owned(),
        command_address: program.command_address,
        memory_bytes: program.memory_bytes,
        segments: program
            .segments
            .iter()
            .map(|segment| (segment.address, segment.bytes.len() as u64))
            .collect(),
        accelerator: program.accelerator.clone(),
        tensors: program.tensors.clone(),
        layers: program.layers.clone(),
        commands: program.commands.clone(),
    };
    // Plain numbers, strings and enums: serialization into a string cannot fail.
    let header = toml::to_string(&header).unwrap_or_default();
    let text = format!("{MAGIC}\n{header}{SEPARATOR}\n{}", command::to_text(&program.words));
    (text, program.segments.iter().flat_map(|segment| segment.bytes.iter().copied()).collect())
}

/// Reads a program back.
///
/// # Errors
/// What is malformed, with its place.
pub fn from_text(text: &str, image: &[u8]) -> Result<Program, ProgramTextError> {
    let body = text.strip_prefix(MAGIC).ok_or(ProgramTextError::Magic)?;
    let (header, commands) = body
        .split_once(SEPARATOR)
        .ok_or_else(|| ProgramTextError::Header(format!("no line `{SEPARATOR}`")))?;
    let header: Header =
        toml::from_str(header).map_err(|error| ProgramTextError::Header(error.to_string()))?;
    let expected = header.segments.iter().fold(0u64, |sum, (_, length)| sum.saturating_add(*length));
    if expected != image.len() as u64 {
        return Err(ProgramTextError::Image { expected, found: image.len() as u64 });
    }
    let mut rest = image;
    let mut segments = Vec::with_capacity(header.segments.len());
    for (address, length) in header.segments {
        let (bytes, after) = rest.split_at(length as usize);
        segments.push(Segment { address, bytes: bytes.to_vec() });
        rest = after;
    }
    Ok(Program {
        accelerator: header.accelerator,
        words: command::from_text(commands)?,
        command_address: header.command_address,
        memory_bytes: header.memory_bytes,
        segments,
        tensors: header.tensors,
        layers: header.layers,
        commands: header.commands,
    })
}
