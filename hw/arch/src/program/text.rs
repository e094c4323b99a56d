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

use super::{CommandSymbol, LayerSymbol, OutputSymbol, Program, Segment, TensorSymbol};
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
    /// Programs of earlier versions do not say it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    outputs: Vec<OutputSymbol>,
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
        outputs: program.outputs.clone(),
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
        segments.push(Segment { address, bytes: bytes.to_vec().into() });
        rest = after;
    }
    Ok(Program {
        accelerator: header.accelerator,
        words: command::from_text(commands)?,
        command_address: header.command_address,
        memory_bytes: header.memory_bytes,
        segments,
        tensors: header.tensors,
        outputs: header.outputs,
        layers: header.layers,
        commands: header.commands,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::command::{Decoded, Unit, Word};
    use crate::program::{ElementOrder, Operand, TensorRole};

    fn program() -> Program {
        Program {
            accelerator: crate::description::tests_support::reference(),
            words: vec![
                Word::encode(Decoded::Set { unit: Unit::Load, group: 1, registers: [7, 0, 3] }),
                Word::encode(Decoded::Exec { unit: Unit::Load, wait: 2, signal: 4, registers: [64, 1, 2] }),
                Word::encode(Decoded::End),
            ],
            command_address: 4096,
            memory_bytes: 16_384,
            segments: vec![
                Segment { address: 0, bytes: vec![1, 2, 3].into() },
                Segment { address: 64, bytes: vec![4; 100].into() },
            ],
            tensors: vec![TensorSymbol {
                name: "a \"quoted\" name".to_owned(),
                role: TensorRole::Input,
                address: 0,
                groups: 1,
                rows: 2,
                cols: 3,
                channels: 4,
                value_bits: 8,
                signed: true,
                codec: Codec::Pack,
                zero_code: 0x80,
                row_stride: 16,
                group_stride: 32,
                length_table: 0,
                graph_tensor: 5,
            }],
            outputs: vec![OutputSymbol {
                name: "y".to_owned(),
                tensor: 0,
                order: ElementOrder::new(vec![4, 6], [[4, 1], [6, 4]]),
            }],
            layers: vec![LayerSymbol {
                name: "conv".to_owned(),
                operator: "conv".to_owned(),
                macs: 10,
                product: Some([1, 2, 5]),
                mapping: "one tile".to_owned(),
                bound_cycles: 9,
            }],
            commands: vec![CommandSymbol { layer: 0, operand: Operand::Weight }],
        }
    }

    #[test]
    fn a_program_survives_its_text() {
        let program = program();
        let (text, image) = to_text(&program, "sha256:0");
        assert_eq!(from_text(&text, &image).unwrap(), program);
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let (text, image) = to_text(&program(), "sha256:0");
        assert_eq!(from_text("hello", &image), Err(ProgramTextError::Magic));
        assert!(matches!(from_text(&text, &image[1..]), Err(ProgramTextError::Image { .. })));
        // A stream of commands that is cut is the validator's to refuse; a header that is cut is refused here.
        let header = text.find(SEPARATOR).unwrap();
        for cut in 0..text.len() {
            assert!(from_text(&text[..cut], &image).is_err() || cut >= header);
            let mut damaged = text.clone().into_bytes();
            damaged[cut] = damaged[cut].wrapping_add(1);
            if let Ok(damaged) = String::from_utf8(damaged) {
                let _ = from_text(&damaged, &image);
            }
        }
    }
}
