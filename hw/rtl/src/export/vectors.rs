//! Memory images and expectations as `$readmemh` reads them.

use std::fmt::Write as _;

use bitgauge_arch::Program;
use bitgauge_arch::validate::Validated;

/// Beats that are not zero, with their addresses.
#[must_use]
pub fn memory(bytes: &[u8], bus_bytes: usize) -> String {
    let mut text = String::new();
    let mut next = usize::MAX;
    for (index, beat) in bytes.chunks(bus_bytes.max(1)).enumerate() {
        if beat.iter().all(|&byte| byte == 0) {
            continue;
        }
        if index != next {
            let _ = writeln!(text, "@{index:x}");
        }
        next = index + 1;
        for byte in beat.iter().rev() {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    if text.is_empty() { "@0\n0\n".to_owned() } else { text }
}

/// What `$writememh` did not write as it does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Neither an address nor a beat.
    #[error("line {line} is neither an address nor a beat")]
    Line {
        /// Counted from 1.
        line: usize,
    },
    /// No line has this beat, as where the file is cut off.
    #[error("beat {index} of {beats} is missing")]
    Missing {
        /// The first, counted from 0.
        index: usize,
        /// Beats that the memory has.
        beats: usize,
    },
}

/// Reads what `$writememh` wrote: every beat of the memory, though not in every case each once and in order. Beats
/// behind the first `bytes` are left out, as a bench's memory is a power of two.
///
/// # Errors
/// A line that is not one of its lines; a beat that no line has.
pub fn parse_memory(text: &str, bus_bytes: usize, bytes: usize) -> Result<Vec<u8>, Unreadable> {
    let mut memory = vec![0; bytes];
    let mut missing = vec![true; bytes.div_ceil(bus_bytes.max(1))];
    let mut index = 0;
    for (number, line) in text.lines().enumerate() {
        let unreadable = |_| Unreadable::Line { line: number + 1 };
        for word in line.split("//").next().unwrap_or("").split_whitespace() {
            if let Some(address) = word.strip_prefix('@') {
                index = usize::from_str_radix(address, 16).map_err(unreadable)?;
                continue;
            }
            let beat = u128::from_str_radix(word, 16).map_err(unreadable)?.to_le_bytes();
            if word.len() != 2 * bus_bytes {
                return Err(Unreadable::Line { line: number + 1 });
            }
            if let Some(missing) = missing.get_mut(index) {
                *missing = false;
                let targets = memory.iter_mut().skip(index * bus_bytes).take(bus_bytes);
                targets.zip(beat).for_each(|(target, byte)| *target = byte);
            }
            index = index.saturating_add(1);
        }
    }
    match missing.iter().position(|missing| *missing) {
        Some(index) => Err(Unreadable::Missing { index, beats: missing.len() }),
        None => Ok(memory),
    }
}

/// Where a valid program begins, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    command_address: u64,
    command_words: u64,
}

impl Start {
    /// That of a program.
    #[must_use]
    pub fn new(program: &Validated<Program>) -> Start {
        Start { command_address: program.command_address, command_words: program.words.len() as u64 }
    }
}

/// What a run is given and what it must show, one 64-bit number a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The program.
    pub start: Start,
    /// Cycles of the run.
    pub cycles: u64,
    /// Counters in the order of the register map.
    pub counters: Vec<u64>,
}

impl Run {
    /// The text for `run.hex`.
    #[must_use]
    pub fn text(&self) -> String {
        let head = [self.start.command_address, self.start.command_words, self.cycles];
        head.iter().chain(&self.counters).fold(String::new(), |mut text, value| {
            let _ = writeln!(text, "{value:016x}");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `$writememh` writes: every beat, one a line.
    fn written(bytes: &[u8], bus: usize) -> String {
        let hex = |beat: &[u8]| beat.iter().rev().map(|byte| format!("{byte:02x}")).collect::<String>();
        bytes.chunks(bus).map(|beat| hex(beat) + "\n").collect()
    }

    #[test]
    fn memories_come_back() {
        for bus in [4, 8, 16] {
            let mut bytes = vec![0u8; 256];
            bytes[3] = 7;
            bytes[64..96].fill(9);
            bytes[255] = 1;
            assert_eq!(parse_memory(&written(&bytes, bus), bus, 256), Ok(bytes.clone()));
            // Over a memory of zeros, what `$readmemh` gets gives the same.
            let zeros = written(&[0; 256], bus);
            assert_eq!(parse_memory(&format!("{zeros}{}", memory(&bytes, bus)), bus, 256), Ok(bytes));
        }
    }

    /// Verilator puts a comment with the first address before the beats.
    #[test]
    fn comments_addresses_and_beats_beyond_the_end_are_read() {
        let text = "// 0x00000000\n@1\n04030201\n@0\n08070605 // the first\n@2\nffffffff\n";
        assert_eq!(parse_memory(text, 4, 8), Ok(vec![5, 6, 7, 8, 1, 2, 3, 4]));
        assert_eq!(parse_memory(text, 4, 7), Ok(vec![5, 6, 7, 8, 1, 2, 3]));
        assert_eq!(parse_memory("@ffffffffffffffff\n01 02\n@0\n03", 1, 1), Ok(vec![3]));
    }

    #[test]
    fn a_missing_beat_is_an_error() {
        let whole = written(&[9; 64], 4);
        let cut = |lines: usize| whole.lines().take(lines).collect::<Vec<_>>().join("\n");
        assert_eq!(parse_memory(&cut(16), 4, 64), Ok(vec![9; 64]));
        for lines in 0..16 {
            assert_eq!(
                parse_memory(&cut(lines), 4, 64),
                Err(Unreadable::Missing { index: lines, beats: 16 })
            );
        }
        let hole = parse_memory("@0\n00000001\n@2\n00000001\n", 4, 12).unwrap_err();
        assert_eq!(hole.to_string(), "beat 1 of 3 is missing");
    }

    #[test]
    fn a_line_that_is_no_beat_is_an_error() {
        // The last three: cut off, too long, unknown bits.
        for word in ["zz", "@zz", "zzzzzzzz", "000000", "0000000000", "xxxxxxxx"] {
            let text = format!("00000000\n{word}\n");
            let error = parse_memory(&text, 4, 8).unwrap_err();
            assert_eq!(error.to_string(), "line 2 is neither an address nor a beat", "{text}");
        }
    }
}
