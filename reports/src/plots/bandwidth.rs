//! Bytes per cycle over time, by operand, against what the bus can do.

use std::fmt::Write as _;

use bitgauge_arch::program::Operand;
use bitgauge_sim::result::Burst;

use super::{Context, Plot, operand_colour};
use crate::number::count;
use crate::svg::{Anchor, Axis, Frame, Svg, legend, n, style};
use crate::{ReportError, tables};

/// Windows at most.
const WINDOWS: u64 = 280;

/// Bytes by operand in windows of equal length.
pub struct Windows {
    /// Cycles of a window.
    pub cycles: u64,
    /// Bytes per window and operand.
    pub bytes: Vec<[u64; 7]>,
}

impl Windows {
    /// Cuts the run into at most `most` windows of a round number of cycles, 16 at least.
    pub fn new(bursts: &[Burst], run_cycles: u64, bus_bytes: u64, most: u64) -> Windows {
        let cycles = round_up(run_cycles.div_ceil(most.max(1)).max(16));
        // A trace that goes on after the run's last cycle is broken; its tail is put into the last window.
        let windows = run_cycles.div_ceil(cycles) as usize;
        let mut bytes = vec![[0; 7]; windows];
        let Some(last) = windows.checked_sub(1) else { return Windows { cycles, bytes } };
        for burst in bursts {
            let (mut at, mut left) = (burst.cycle, u64::from(burst.beats));
            while left > 0 {
                let window = ((at / cycles) as usize).min(last);
                let until = if window == last { u64::MAX } else { (window as u64 + 1) * cycles };
                let beats = left.min(until - at);
                if let Some(row) = bytes.get_mut(window) {
                    row[burst.operand as usize] += beats * bus_bytes;
                }
                at += beats;
                left -= beats;
            }
        }
        Windows { cycles, bytes }
    }

    /// Cycles of a window; the last may be cut short by the run's end.
    pub fn length(&self, window: usize, run_cycles: u64) -> u64 {
        (run_cycles - (window as u64 * self.cycles).min(run_cycles)).min(self.cycles).max(1)
    }
}

/// The next of 1, 2, 5 times a power of ten.
fn round_up(value: u64) -> u64 {
    let mut decade: u64 = 1;
    loop {
        for step in [decade, decade.saturating_mul(2), decade.saturating_mul(5)] {
            if step >= value || step == u64::MAX {
                return step;
            }
        }
        decade = decade.saturating_mul(10);
    }
}

pub fn plot(context: Context<'_>) -> Result<Plot, ReportError> {
    let run = context.input.run;
    let accelerator = &context.input.program.accelerator;
    let bus_bytes = u64::from(accelerator.bus_bytes());
    let windows = Windows::new(&run.bursts, run.cycles, bus_bytes, WINDOWS);
    let title = "Bandwidth over time".to_owned();
    let mut header = vec!["first_cycle".to_owned(), "cycles".to_owned()];
    header.extend(Operand::ALL.iter().map(|operand| format!("{} bytes", operand.name())));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let data = tables::csv(
        &header,
        windows.bytes.iter().enumerate().map(|(index, bytes)| {
            let start = index as u64 * windows.cycles;
            let length = windows.length(index, run.cycles);
            [start, length].iter().chain(bytes).map(u64::to_string).collect::<Vec<String>>()
        }),
    )?;
    if run.bursts.is_empty() || run.cycles == 0 {
        let svg = Svg::empty("no bursts, or the trace was switched off");
        return Ok(Plot {
            name: "bandwidth",
            title,
            caption: "The run kept no trace of bursts.".to_owned(),
            svg,
            data,
        });
    }

    let present: Vec<Operand> = Operand::ALL
        .into_iter()
        .filter(|operand| windows.bytes.iter().any(|bytes| bytes[*operand as usize] > 0))
        .collect();
    let mut svg = Svg::new(0.0);
    let entries: Vec<(&str, String)> =
        present.iter().map(|operand| (operand_colour(*operand), operand.name().to_owned())).collect();
    let below = legend(&mut svg, 12.0, 6.0, &entries);
    let frame = Frame {
        left: 64.0,
        top: below + 8.0,
        width: svg.width - 64.0 - 72.0,
        height: 250.0,
        x: Axis::linear(0.0, run.cycles as f64),
        y: Axis::linear(0.0, bus_bytes as f64 * 1.12),
    };
    svg.height = frame.bottom() + 50.0;
    frame.x_axis(&mut svg, "cycle");
    frame.y_axis(&mut svg, "bytes per cycle", 6);
    frame.y_axis_scaled(&mut svg, "GB/s", f64::from(accelerator.clock.mhz) / 1000.0);
    let mut base = vec![0.0; windows.bytes.len()];
    for operand in present {
        let mut path = String::new();
        for (index, bytes) in windows.bytes.iter().enumerate() {
            let length = windows.length(index, run.cycles);
            let value = bytes[operand as usize] as f64 / length as f64;
            if value > 0.0 {
                let start = (index as u64 * windows.cycles) as f64;
                let (x, right) = (frame.px(start), frame.px(start + length as f64));
                let (top, bottom) = (frame.py(base[index] + value), frame.py(base[index]));
                let _ = write!(path, "M{} {}H{}V{}H{}z", n(x), n(top), n(right), n(bottom), n(x));
            }
            base[index] += value;
        }
        svg.path(&style::fill(operand_colour(operand)), &path);
    }
    let limit = frame.py(bus_bytes as f64);
    svg.line("limit", [frame.left, limit, frame.right(), limit]);
    let text = format!("bus limit: {bus_bytes} bytes per cycle");
    svg.text("", frame.right() - 6.0, limit - 5.0, Anchor::End, &text);
    frame.border(&mut svg);
    Ok(Plot {
        name: "bandwidth",
        title,
        caption: format!(
            "Mean over windows of {} cycles, stacked; beats times the bus width. Reads and writes share the bus.",
            count(windows.cycles)
        ),
        svg,
        data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_kept_across_windows() {
        let burst = Burst {
            cycle: 10,
            address: 0,
            beats: 16,
            bytes: 256,
            write: false,
            operand: Operand::Weight,
            layer: 0,
        };
        let windows = Windows::new(&[burst, Burst { cycle: 95, ..burst }], 100, 16, 10);
        let total: u64 = windows.bytes.iter().flatten().sum();
        assert_eq!(total, 2 * 16 * 16);
        assert_eq!(windows.cycles, 20);
        assert_eq!(windows.bytes[0][Operand::Weight as usize], 160);
        assert_eq!(round_up(21), 50);
        assert!(Windows::new(&[burst], 0, 16, 10).bytes.is_empty());
    }
}
