//! Ranges and combinations that the types alone do not enforce.

use super::types::Accelerator;

/// The longest line of a scratchpad.
const MOST_LINE_BYTES: u32 = 64;

/// One rule that a description breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Table of the key at fault.
    pub table: &'static str,
    /// The key at fault.
    pub key: &'static str,
    /// What is wrong and what is allowed.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Accelerator {
    /// Checks every rule; the first broken one is returned.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn check(&self) -> Result<(), Problem> {
        let array = &self.array;
        range("array", "rows", array.rows, 2, 64)?;
        range("array", "cols", array.cols, 2, 64)?;
        array.check_mac()?;
        only(
            "array",
            "accumulator_bits",
            array.accumulator_bits,
            32,
            "other accumulator widths are not modelled yet",
        )?;
        if array.port_bits != 0 {
            power("array", "port_bits", array.port_bits, 2, 64)?;
        }
        one_of("memory", "bus_bits", self.memory.bus_bits, &[32, 64, 128])?;
        if self.line_bytes() > MOST_LINE_BYTES {
            return Err(Problem {
                table: "array",
                key: "port_bits",
                message: format!(
                    "{} bits for each of {} rows or columns make a scratchpad line of {} bytes, and a line has at most \
                     {MOST_LINE_BYTES}",
                    array.port_bits(),
                    array.rows.max(array.cols),
                    self.line_bytes()
                ),
                hint: format!(
                    "use at most {} bits, or a smaller array",
                    8 * MOST_LINE_BYTES / array.rows.max(array.cols).next_power_of_two()
                ),
            });
        }
        range("memory", "latency_cycles", self.memory.latency_cycles, 1, 1000)?;
        power("memory", "max_burst_beats", self.memory.max_burst_beats, 1, 256)?;

        one_of("scratchpad", "banks", self.scratchpad.banks, &[4, 8])?;
        one_of("scratchpad", "weight_banks", self.scratchpad.weight_banks, &[2, 4, 8])?;
        power("scratchpad", "activation_kib", self.scratchpad.activation_kib, 4, 65_536)?;
        power("scratchpad", "weight_kib", self.scratchpad.weight_kib, 2, 65_536)?;

        power("post", "lanes", self.post.lanes, 1, 64)?;
        if !array.cols.is_multiple_of(self.post.lanes) {
            return Err(Problem {
                table: "post",
                key: "lanes",
                message: format!("{} lanes do not divide {} columns", self.post.lanes, array.cols),
                hint: format!("the largest that does is {}", 1u32 << array.cols.trailing_zeros()),
            });
        }
        power("post", "parameter_entries", self.post.parameter_entries, 64, 16_384)?;
        power("vector", "lanes", self.vector.lanes, 1, 64)?;
        if self.vector.lanes > self.line_bytes() {
            return Err(Problem {
                table: "vector",
                key: "lanes",
                message: format!(
                    "{} lanes, but a scratchpad line holds {} codes",
                    self.vector.lanes,
                    self.line_bytes()
                ),
                hint: format!("use at most {}", self.line_bytes()),
            });
        }
        power("compression", "lanes", self.compression.lanes, 1, 8)?;
        power("controller", "queue_words", self.controller.queue_words, 4, 128)?;
        power("controller", "prefetch_words", self.controller.prefetch_words, 4, 1024)?;
        let burst_words = (self.memory.max_burst_beats * self.bus_bytes()).div_ceil(16);
        if self.controller.prefetch_words < burst_words {
            return Err(Problem {
                table: "controller",
                key: "prefetch_words",
                message: format!("{} words do not hold one burst", self.controller.prefetch_words),
                hint: format!("use at least {burst_words}, or lower memory.max_burst_beats"),
            });
        }
        range("clock", "mhz", self.clock.mhz, 1, 10_000)?;
        Ok(())
    }
}

fn range(table: &'static str, key: &'static str, value: u32, low: u32, high: u32) -> Result<(), Problem> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(Problem {
        table,
        key,
        message: format!("{value} is out of range"),
        hint: format!("allowed: {low} to {high}"),
    })
}

fn power(table: &'static str, key: &'static str, value: u32, low: u32, high: u32) -> Result<(), Problem> {
    range(table, key, value, low, high)?;
    if value.is_power_of_two() {
        return Ok(());
    }
    Err(Problem {
        table,
        key,
        message: format!("{value} is not a power of two"),
        hint: format!("nearest: {} or {}", value.next_power_of_two() / 2, value.next_power_of_two()),
    })
}

fn one_of(table: &'static str, key: &'static str, value: u32, choices: &[u32]) -> Result<(), Problem> {
    if choices.contains(&value) {
        return Ok(());
    }
    Err(Problem {
        table,
        key,
        message: format!("{value} is not supported"),
        hint: format!("choices: {choices:?}"),
    })
}

fn only(table: &'static str, key: &'static str, value: u32, choice: u32, why: &str) -> Result<(), Problem> {
    if value == choice {
        return Ok(());
    }
    Err(Problem {
        table,
        key,
        message: format!("{value} is not supported: {why}"),
        hint: format!("use {choice}"),
    })
}
