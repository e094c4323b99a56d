//! Address against cycle, one panel per operand, each over its own addresses.

use bitgauge_arch::program::Operand;
use plotters::chart::ChartBuilder;
use plotters::style::FontTransform;

use super::raster::{Drawn, Panel, addresses, marks};
use super::{Context, Plot};
use crate::draw::palette::TEXT;
use crate::draw::text::TEXT_SIZE;
use crate::draw::{
    Addresses, Canvas, Drawing, MIDDLE, WIDTH, border, label, look, strong, tick_label, units,
};
use crate::number::{count, si};
use crate::{ReportError, tables};

/// Pixels: a panel, its heading and the space above it, the axis below the last.
const PANEL: f64 = 96.0;
const HEADING: f64 = 30.0;
const BELOW: f64 = 46.0;

/// What one operand did.
struct Own {
    operand: Operand,
    low: u64,
    high: u64,
    bytes: u64,
    bursts: usize,
    writes: usize,
}

pub fn plot(context: Context<'_>) -> Result<Plot, ReportError> {
    let name = "memory_access_by_operand";
    let title = "Memory accesses by operand".to_owned();
    let bursts = &context.input.run.bursts;
    let bus_bytes = u64::from(context.input.program.accelerator.bus_bytes());
    let operands: Vec<Own> =
        Operand::ALL.into_iter().filter_map(|operand| own(context, operand, bus_bytes)).collect();
    let data = tables::csv(
        &["operand", "first_address", "end_address", "bus_bytes", "bursts", "of_them_writes"],
        operands.iter().map(|own| {
            [
                own.operand.name().to_owned(),
                own.low.to_string(),
                own.high.to_string(),
                own.bytes.to_string(),
                own.bursts.to_string(),
                own.writes.to_string(),
            ]
        }),
    )?;
    if operands.is_empty() {
        let drawing = Drawing::empty("no bursts, or the trace was switched off")?;
        return Ok(Plot {
            name,
            title,
            caption: "The run kept no trace of bursts.".to_owned(),
            drawing,
            data,
        });
    }
    let mut drawn = Drawn::Single;
    let drawing = Drawing::new((PANEL + HEADING) * operands.len() as f64 + BELOW, |canvas| {
        let last = operands.len() - 1;
        let panels: Vec<(Operand, Panel<'_>)> = operands
            .iter()
            .enumerate()
            .map(|(index, own)| Ok((own.operand, panel(context, canvas, own, index, index == last)?)))
            .collect::<Result<_, ReportError>>()?;
        let middle = (units(14.0), units((PANEL + HEADING) * operands.len() as f64 / 2.0));
        let style = label(TEXT_SIZE, TEXT).transform(FontTransform::Rotate270).pos(MIDDLE);
        canvas.draw_text("byte address", &style, middle)?;
        let of = |operand| panels.iter().find(|(own, _)| *own == operand).map(|(_, panel)| panel);
        drawn = marks(canvas, bursts, bus_bytes, of)?;
        panels.iter().try_for_each(|(_, panel)| border(panel))
    })?;
    let caption = format!(
        "The same bursts, each operand over its own range of addresses, which makes reuse and order visible \
         that the common axis hides. {}",
        drawn.caption(bursts.len())
    );
    Ok(Plot { name, title, caption, drawing, data })
}

fn own(context: Context<'_>, operand: Operand, bus_bytes: u64) -> Option<Own> {
    let bursts = || context.input.run.bursts.iter().filter(|burst| burst.operand == operand);
    let (low, high) = addresses(bursts(), bus_bytes)?;
    Some(Own {
        operand,
        low,
        high,
        bytes: bursts().map(|burst| u64::from(burst.beats) * bus_bytes).sum(),
        bursts: bursts().count(),
        writes: bursts().filter(|burst| burst.write).count(),
    })
}

/// Heading, axes and grid of a panel; only the last has cycles below it.
fn panel<'a>(
    context: Context<'_>,
    canvas: &Canvas<'a>,
    own: &Own,
    index: usize,
    last: bool,
) -> Result<Panel<'a>, ReportError> {
    let top = (PANEL + HEADING) * index as f64;
    let below = if last { BELOW } else { 0.0 };
    let place = canvas.clone().shrink((0, units(top)), (units(WIDTH), units(HEADING + PANEL + below)));
    let heading = format!(
        "{}: {} in {} bursts over {} of addresses",
        own.operand.name(),
        si(own.bytes as f64, "B"),
        count(own.bursts as u64),
        si((own.high - own.low) as f64, "B"),
    );
    place.draw_text(&heading, &strong(TEXT_SIZE, TEXT), (units(112.0), units(HEADING - 12.0)))?;
    let mut chart = ChartBuilder::on(&place)
        .margin_top(units(HEADING))
        .margin_left(units(8.0))
        .margin_right(units(20.0))
        .x_label_area_size(units(below))
        .y_label_area_size(units(104.0))
        .build_cartesian_2d(0.0..context.input.run.cycles.max(1) as f64, Addresses::new(own.low, own.high))?;
    let mut mesh = chart.configure_mesh();
    look(&mut mesh);
    mesh.x_labels(9).y_labels(3).x_label_formatter(&tick_label).x_desc("cycle").draw()?;
    Ok(chart.plotting_area().clone())
}
