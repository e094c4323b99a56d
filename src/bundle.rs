//! A program on disk: its text, and beside it the constants as a file that bears its own hash as its name.

use std::path::Path;

use anyhow::{Context as _, Result};
use bitgauge_arch::Program;
use bitgauge_arch::program::{from_text, to_text};
use bitgauge_arch::validate::{Problem, Validated, validate};
use bitgauge_flow::hash::sha256;
use bitgauge_models::npy::{self, Npy, NpyData};

use crate::failure::Failure;
use crate::files::{self, OutputFolder};

/// Name of the text.
pub const PROGRAM: &str = "program.bgp";

/// Writes a program; gives back the name of the image's file.
pub fn write(folder: &OutputFolder, program: &Program) -> Result<String> {
    let image: Vec<u8> = program.segments.iter().flat_map(|segment| segment.bytes.iter().copied()).collect();
    let hash = sha256(&image);
    let (text, image) = to_text(program, &format!("sha256:{hash}"));
    let name = format!("{hash}.bin");
    folder.write(&name, &image)?;
    folder.write(PROGRAM, text.as_bytes())?;
    Ok(name)
}

/// One `.npy` of containers per output, in the network's order, each with the dimensions and the order of ONNX;
/// two bytes of a 16-bit code are a last dimension. `memory` is external memory after a run, `place` begins the
/// files' names.
pub fn write_outputs(folder: &OutputFolder, place: &str, program: &Program, memory: &[u8]) -> Result<()> {
    for (index, output) in program.outputs.iter().enumerate() {
        let codes = program.output(output, memory).context("an output is not in the program")?;
        let mut shape: Vec<usize> = output.order.dims.iter().map(|&size| size as usize).collect();
        let elements: usize = shape.iter().product();
        shape.extend((codes.len() > elements).then_some(2));
        let array = npy::write(&Npy { shape, data: NpyData::U8(codes) });
        folder.write(&format!("{place}output_{index}_u8.npy"), &array)?;
    }
    Ok(())
}

/// Reads a program and the image that its text names, which lies in the same folder.
pub fn read(path: &Path) -> Result<Validated<Program>> {
    let text = files::read_long_text(path)?;
    let refuse = |message: String| Failure::new(message).at(path.display());
    let named = text.lines().find_map(|line| line.strip_prefix("image = \"sha256:")?.strip_suffix('"'));
    let Some(hash) =
        named.filter(|hash| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
    else {
        let fault = refuse("not a Bitgauge program: it names no image `sha256:...`".to_owned());
        return Err(fault.hint("`bitgauge compile` writes programs").into());
    };
    let image_path = path.with_file_name(format!("{hash}.bin"));
    if !image_path.exists() {
        let fault = refuse(format!("the program's image {hash}.bin is not beside it"));
        return Err(fault
            .hint("`bitgauge compile` writes both files: keep them together, or compile again")
            .into());
    }
    let image = files::read(&image_path)?;
    if sha256(&image) != hash {
        return Err(Failure::new(
            "the image is not the one that the program was compiled with: its SHA-256 differs",
        )
        .at(image_path.display())
        .hint("compile again")
        .into());
    }
    let program = from_text(&text, &image).map_err(|error| refuse(error.to_string()))?;
    let invalid = |problems: Vec<Problem>| {
        let first = problems.first().map_or_else(String::new, ToString::to_string);
        refuse(format!("not a valid program ({} problems, the first: {first})", problems.len()))
    };
    Ok(validate(program).map_err(invalid)?)
}
