//! The container: description, memory, segments, symbols.

use super::Problem;
use crate::Program;
use crate::codec::Codec;
use crate::command::{Decoded, Word};
use crate::program::TensorSymbol;

/// Largest external memory: addresses have 32 bits.
const MEMORY_LIMIT: u64 = 1 << 32;

pub(super) fn check(program: &Program, problems: &mut Vec<Problem>) {
    let mut complain = |message: String| problems.push(Problem::Container(message));
    if let Err(problem) = program.accelerator.check() {
        return complain(format!("accelerator [{}] {}: {}", problem.table, problem.key, problem.message));
    }
    let memory = program.memory_bytes;
    if memory > MEMORY_LIMIT {
        complain(format!("{memory} bytes of memory; addresses have 32 bits"));
    }
    let mut end = 0;
    for segment in &program.segments {
        let length = segment.bytes.len() as u64;
        match segment.address.checked_add(length) {
            Some(after) if after <= memory && segment.address >= end => end = after,
            _ => complain(format!(
                "segment at {} of {length} bytes lies outside memory or over another",
                segment.address
            )),
        }
    }
    let words = program.words.len() as u64 * Word::BYTES as u64;
    let commands = program.command_address..program.command_address.saturating_add(words);
    let bus = u64::from(program.accelerator.bus_bytes());
    if !program.command_address.is_multiple_of(bus) || commands.end > memory {
        complain(format!(
            "commands at {} lie outside memory or not on a multiple of {bus}, the bytes of a beat",
            program.command_address
        ));
    }
    if program.segments.iter().any(|segment| {
        segment.address < commands.end
            && commands.start < segment.address.saturating_add(segment.bytes.len() as u64)
    }) {
        complain("commands lie over a segment".to_owned());
    }
    let ends = program.words.iter().filter(|word| word.decode() == Some(Decoded::End)).count();
    if ends != 1 || program.words.last().and_then(|word| word.decode()) != Some(Decoded::End) {
        complain("the last word, and no other, must be `end`".to_owned());
    }
    let execs =
        program.words.iter().filter(|word| matches!(word.decode(), Some(Decoded::Exec { .. }))).count();
    if execs != program.commands.len() {
        complain(format!("{execs} exec words but {} command symbols", program.commands.len()));
    }
    if program.commands.iter().any(|symbol| symbol.layer as usize >= program.layers.len()) {
        complain("a command symbol names a layer that does not exist".to_owned());
    }
    let bus = u64::from(program.accelerator.bus_bytes());
    for tensor in &program.tensors {
        if let Some(message) = tensor_problem(tensor, memory, bus) {
            complain(format!("tensor `{}` {message}", tensor.name));
        }
    }
    for output in &program.outputs {
        let tensor = usize::try_from(output.tensor).ok().and_then(|index| program.tensors.get(index));
        let elements = tensor.and_then(|tensor| {
            let sizes = [tensor.groups, tensor.rows, tensor.cols, tensor.channels];
            sizes.into_iter().try_fold(1u64, u64::checked_mul)
        });
        if !elements.is_some_and(|elements| output.order.covers(elements)) {
            complain(format!("output `{}` is no tensor, or its order is not the tensor's", output.name));
        }
    }
}

fn tensor_problem(tensor: &TensorSymbol, memory: u64, bus: u64) -> Option<&'static str> {
    let extent = || {
        let row_codes = tensor.cols.checked_mul(tensor.channels)?;
        row_codes.checked_mul(16)?;
        let slot = tensor.format().raw_bytes(row_codes).checked_next_multiple_of(bus)?;
        let group = tensor.rows.checked_sub(1)?.checked_mul(tensor.row_stride)?.checked_add(slot)?;
        let all = tensor.groups.checked_sub(1)?.checked_mul(tensor.group_stride)?.checked_add(group)?;
        let table =
            tensor.rows.checked_mul(tensor.groups)?.checked_mul(2)?.checked_add(tensor.length_table)?;
        let tabled = tensor.codec != Codec::Zvc || table <= memory;
        let apart = (slot <= tensor.row_stride || tensor.rows == 1)
            && (group <= tensor.group_stride || tensor.groups == 1);
        (row_codes > 0).then_some((tensor.address.checked_add(all)?, tabled, apart))
    };
    if !crate::footprint::format_is_valid(tensor.format(), tensor.codec.code()) {
        return Some("has a format that the hardware does not have");
    }
    match extent() {
        None => Some("is empty or absurdly large"),
        Some((end, tabled, _)) if end > memory || !tabled => Some("lies outside memory"),
        Some((_, _, false)) => Some("has rows or groups that overlap"),
        Some(_) => None,
    }
}
