//! Memory images and expectations as `$readmemh` reads them.

use std::fmt::Write as _;

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

/// Reads what `$writememh` wrote.
///
/// # Errors
/// The line that is not one of its lines.
pub fn parse_memory(text: &str, bus_bytes: usize, bytes: usize) -> Result<Vec<u8>, usize> {
    let mut memory = vec![0; bytes];
    let mut index = 0;
    for (number, line) in text.lines().enumerate() {
        for word in line.split("//").next().unwrap_or("").split_whitespace() {
            if let Some(address) = word.strip_prefix('@') {
                index = usize::from_str_radix(address, 16).map_err(|_| number + 1)?;
                continue;
            }
            let beat = u128::from_str_radix(word, 16).map_err(|_| number + 1)?.to_le_bytes();
            let at = index * bus_bytes;
            for (target, byte) in memory.iter_mut().skip(at).take(bus_bytes).zip(beat) {
                *target = byte;
            }
            index += 1;
        }
    }
    Ok(memory)
}

/// What a run is given and what it must show, one 64-bit number a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Byte address of the program.
    pub command_address: u64,
    /// Its words.
    pub command_words: u64,
    /// Cycles of the run.
    pub cycles: u64,
    /// Counters in the order of the register map.
    pub counters: Vec<u64>,
}

impl Run {
    /// The text for `run.hex`.
    #[must_use]
    pub fn text(&self) -> String {
        let head = [self.command_address, self.command_words, self.cycles];
        head.iter().chain(&self.counters).fold(String::new(), |mut text, value| {
            let _ = writeln!(text, "{value:016x}");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_come_back() {
        for bus in [4, 8, 16] {
            let mut bytes = vec![0u8; 256];
            bytes[3] = 7;
            bytes[64..96].fill(9);
            bytes[255] = 1;
            assert_eq!(parse_memory(&memory(&bytes, bus), bus, 256), Ok(bytes));
        }
        assert_eq!(parse_memory("zz", 4, 4), Err(1));
        assert_eq!(parse_memory(&memory(&[0; 16], 4), 4, 16), Ok(vec![0; 16]));
    }
}
