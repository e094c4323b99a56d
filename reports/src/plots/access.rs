//! Address against cycle, all operands in one plot.

use bitgauge_arch::program::Operand;

use super::raster::{address_ticks, addresses, marks};
use super::{Context, Plot, operand_colour};
use crate::ReportError;
use crate::svg::{Axis, Frame, Svg, legend};
use crate::tables;

pub fn plot(context: Context<'_>) -> Result<Plot, ReportError> {
    let run = context.input.run;
    let bus_bytes = u64::from(context.input.program.accelerator.bus_bytes());
    let Some((low, high)) = addresses(run.bursts.iter(), bus_bytes) else {
        return Ok(Plot {
            name: "memory_access",
            title: "Memory accesses: address against cycle".to_owned(),
            caption: "The run kept no trace of bursts.".to_owned(),
            svg: Svg::empty("no bursts, or the trace was switched off"),
            data: tables::bursts(context.input)?,
        });
    };
    let mut svg = Svg::new(0.0);
    let present: Vec<(&str, String)> = Operand::ALL
        .into_iter()
        .filter(|operand| run.bursts.iter().any(|burst| burst.operand == *operand))
        .map(|operand| (operand_colour(operand), operand.name().to_owned()))
        .collect();
    let below = legend(&mut svg, 12.0, 6.0, &present);
    let frame = Frame {
        left: 104.0,
        top: below + 4.0,
        width: svg.width - 104.0 - 20.0,
        height: 380.0,
        x: Axis::linear(0.0, run.cycles.max(1) as f64),
        y: Axis::linear(low as f64, high as f64),
    };
    svg.height = frame.bottom() + 50.0;
    frame.x_axis(&mut svg, "cycle");
    address_ticks(&mut svg, &frame, 8);
    svg.text_upwards(16.0, frame.top + frame.height / 2.0, "byte address");
    let drawn = marks(&mut svg, &run.bursts, bus_bytes, |_| Some(&frame));
    frame.border(&mut svg);
    Ok(Plot {
        name: "memory_access",
        title: "Memory accesses: address against cycle".to_owned(),
        caption: format!(
            "{} Read it like a score: a rising line is a stream, a flat one is data that is read again, a gap is a \
             bus that waits. Marks are widened to be visible.",
            drawn.caption(run.bursts.len())
        ),
        svg,
        data: tables::bursts(context.input)?,
    })
}
