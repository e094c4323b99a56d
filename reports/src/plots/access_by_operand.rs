//! Address against cycle, one panel per operand, each over its own addresses.

use bitgauge_arch::program::Operand;
use bitgauge_sim::result::Burst;

use super::raster::{address_ticks, addresses, marks};
use super::{Context, Plot};
use crate::svg::{Anchor, Axis, Frame, Svg};
use crate::{ReportError, tables};

const PANEL: f64 = 96.0;
const GAP: f64 = 30.0;

pub fn plot(context: Context<'_>) -> Result<Plot, ReportError> {
    let run = context.input.run;
    let bus_bytes = u64::from(context.input.program.accelerator.bus_bytes());
    let mut svg = Svg::new(0.0);
    let mut panels: Vec<(Operand, Frame)> = Vec::new();
    let mut rows = Vec::new();
    for operand in Operand::ALL {
        let own = || run.bursts.iter().filter(|burst| burst.operand == operand);
        let Some((low, high)) = addresses(own(), bus_bytes) else { continue };
        let frame = Frame {
            left: 104.0,
            top: 24.0 + panels.len() as f64 * (PANEL + GAP),
            width: svg.width - 104.0 - 20.0,
            height: PANEL,
            x: Axis::linear(0.0, run.cycles.max(1) as f64),
            y: Axis::linear(low as f64, high as f64),
        };
        let bytes: u64 = own().map(|burst| u64::from(burst.beats) * bus_bytes).sum();
        let writes = own().filter(|burst| burst.write).count();
        let bursts = own().count();
        address_ticks(&mut svg, &frame, 3);
        let heading = format!(
            "{}: {} in {} bursts over {} of addresses",
            operand.name(),
            crate::number::si(bytes as f64, "B"),
            crate::number::count(bursts as u64),
            crate::number::si((high - low) as f64, "B"),
        );
        svg.text("strong", frame.left, frame.top - 8.0, Anchor::Start, &heading);
        rows.push([
            operand.name().to_owned(),
            low.to_string(),
            high.to_string(),
            bytes.to_string(),
            bursts.to_string(),
            writes.to_string(),
        ]);
        panels.push((operand, frame));
    }
    let title = "Memory accesses by operand".to_owned();
    let data = tables::csv(
        &["operand", "first_address", "end_address", "bus_bytes", "bursts", "of_them_writes"],
        rows,
    )?;
    let Some((_, last)) = panels.last().copied() else {
        return Ok(Plot {
            name: "memory_access_by_operand",
            title,
            caption: "The run kept no trace of bursts.".to_owned(),
            svg: Svg::empty("no bursts, or the trace was switched off"),
            data,
        });
    };
    svg.height = last.bottom() + 50.0;
    for (index, (_, frame)) in panels.iter().enumerate() {
        if index + 1 == panels.len() {
            frame.x_axis(&mut svg, "cycle");
        } else {
            for tick in frame.x.ticks(8) {
                svg.line("grid", [frame.px(tick), frame.top, frame.px(tick), frame.bottom()]);
            }
        }
    }
    let frame_of =
        |burst: &Burst| panels.iter().find(|(operand, _)| *operand == burst.operand).map(|(_, frame)| frame);
    let drawn = marks(&mut svg, &run.bursts, bus_bytes, frame_of);
    for (_, frame) in &panels {
        frame.border(&mut svg);
    }
    svg.text_upwards(16.0, (24.0 + last.bottom()) / 2.0, "byte address");
    Ok(Plot {
        name: "memory_access_by_operand",
        title,
        caption: format!(
            "The same bursts, each operand over its own range of addresses, which makes reuse and order visible \
             that the common axis hides. {}",
            drawn.caption(run.bursts.len())
        ),
        svg,
        data,
    })
}
