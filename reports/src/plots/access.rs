//! Address against cycle, all operands in one plot.

use bitgauge_arch::program::Operand;
use plotters::chart::ChartBuilder;

use super::raster::{Drawn, addresses, marks};
use super::{Context, Plot, operand_colour};
use crate::draw::{Addresses, Drawing, Legend, border, look, tick_label, units};
use crate::{ReportError, tables};

/// Of the plot without its legend, pixels.
const HEIGHT: f64 = 430.0;

pub fn plot(context: Context<'_>) -> Result<Plot, ReportError> {
    let name = "memory_access";
    let title = "Memory accesses: address against cycle".to_owned();
    let data = tables::bursts(context.input)?;
    let run = context.input.run;
    let bus_bytes = u64::from(context.input.program.accelerator.bus_bytes());
    let Some((low, high)) = addresses(run.bursts.iter(), bus_bytes) else {
        let drawing = Drawing::empty("no bursts, or the trace was switched off")?;
        return Ok(Plot {
            name,
            title,
            caption: "The run kept no trace of bursts.".to_owned(),
            drawing,
            data,
        });
    };
    let happened = |operand: &Operand| run.bursts.iter().any(|burst| burst.operand == *operand);
    let present = Operand::ALL.into_iter().filter(happened);
    let legend = Legend::new(present.map(|operand| (operand_colour(operand), operand.name().to_owned())))?;
    let top = legend.below + 4.0;
    let mut drawn = Drawn::Single;
    let drawing = Drawing::new(top + HEIGHT, |canvas| {
        legend.draw(canvas)?;
        let mut chart = ChartBuilder::on(canvas)
            .margin_top(units(top))
            .margin_left(units(8.0))
            .margin_right(units(20.0))
            .x_label_area_size(units(46.0))
            .y_label_area_size(units(104.0))
            .build_cartesian_2d(0.0..run.cycles.max(1) as f64, Addresses::new(low, high))?;
        let mut mesh = chart.configure_mesh();
        look(&mut mesh);
        mesh.x_labels(9)
            .y_labels(8)
            .x_label_formatter(&tick_label)
            .x_desc("cycle")
            .y_desc("byte address")
            .draw()?;
        let area = chart.plotting_area();
        drawn = marks(canvas, &run.bursts, bus_bytes, |_| Some(area))?;
        border(area)
    })?;
    let caption = format!(
        "{} Read it like a score: a rising line is a stream, a flat one is data that is read again, a gap is a \
         bus that waits. Marks are widened to be visible.",
        drawn.caption(run.bursts.len())
    );
    Ok(Plot { name, title, caption, drawing, data })
}
