//! Bytes per cycle over time, by operand, against what the bus can do.

use bitgauge_arch::program::Operand;
use bitgauge_sim::result::Burst;
use plotters::chart::ChartBuilder;
use plotters::element::{DashedPathElement, Rectangle};
use plotters::style::Color;

use super::{Context, Plot, operand_colour};
use crate::draw::palette::TEXT;
use crate::draw::text::TEXT_SIZE;
use crate::draw::{Drawing, END, Legend, border, label, look, right_axis, tick_label, units};
use crate::number::count;
use crate::{ReportError, tables};

/// Windows at most.
const WINDOWS: u64 = 280;
/// Of the plot without its legend, pixels.
const HEIGHT: f64 = 300.0;

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
        let drawing = Drawing::empty("no bursts, or the trace was switched off")?;
        let caption = "The run kept no trace of bursts.".to_owned();
        return Ok(Plot { name: "bandwidth", title, caption, drawing, data });
    }
    let caption = format!(
        "Mean over windows of {} cycles, stacked; beats times the bus width. Reads and writes share the bus.",
        count(windows.cycles)
    );
    Ok(Plot { name: "bandwidth", title, caption, drawing: draw(context, &windows)?, data })
}

fn draw(context: Context<'_>, windows: &Windows) -> Result<Drawing, ReportError> {
    let run = context.input.run;
    let accelerator = &context.input.program.accelerator;
    let bus = f64::from(accelerator.bus_bytes());
    let moved = |operand: &Operand| windows.bytes.iter().any(|bytes| bytes[*operand as usize] > 0);
    let present: Vec<Operand> = Operand::ALL.into_iter().filter(moved).collect();
    let name = |operand: &Operand| (operand_colour(*operand), operand.name().to_owned());
    let legend = Legend::new(present.iter().map(name))?;
    let top = legend.below + 8.0;
    Drawing::new(top + HEIGHT, |canvas| {
        legend.draw(canvas)?;
        let (cycles, high) = (run.cycles as f64, bus * 1.12);
        let gigabytes = f64::from(accelerator.clock.mhz) / 1000.0;
        let mut chart = ChartBuilder::on(canvas)
            .margin_top(units(top))
            .margin_left(units(8.0))
            .margin_right(units(8.0))
            .x_label_area_size(units(46.0))
            .y_label_area_size(units(56.0))
            .right_y_label_area_size(units(64.0))
            .build_cartesian_2d(0.0..cycles, 0.0..high)?
            .set_secondary_coord(0.0..cycles, 0.0..high * gigabytes);
        let mut mesh = chart.configure_mesh();
        look(&mut mesh);
        mesh.x_labels(9)
            .y_labels(7)
            .x_label_formatter(&tick_label)
            .y_label_formatter(&tick_label)
            .x_desc("cycle")
            .y_desc("bytes per cycle")
            .draw()?;
        right_axis(&mut chart, "GB/s", 6)?;
        let area = chart.plotting_area();
        let mut base = vec![0.0; windows.bytes.len()];
        for operand in present {
            let style = operand_colour(operand).filled();
            for (index, bytes) in windows.bytes.iter().enumerate() {
                let length = windows.length(index, run.cycles);
                let start = (index as u64 * windows.cycles) as f64;
                let low = base[index];
                base[index] += bytes[operand as usize] as f64 / length as f64;
                if base[index] > low {
                    let corners = [(start, base[index]), (start + length as f64, low)];
                    area.draw(&Rectangle::new(corners, style))?;
                }
            }
        }
        let [dash, gap] = [units(6.0), units(4.0)];
        let limit = [(0.0, bus), (cycles, bus)];
        area.draw(&DashedPathElement::new(limit, dash, gap, TEXT.line(1.5)))?;
        let (x, y) = area.map_coordinate(&(cycles, bus));
        let style = label(TEXT_SIZE, TEXT).pos(END);
        canvas.draw_text(
            &format!("bus limit: {bus} bytes per cycle"),
            &style,
            (x - units(6.0), y - units(9.0)),
        )?;
        border(area)
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
