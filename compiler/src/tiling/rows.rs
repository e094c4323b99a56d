//! How many output rows a tile of a product may have.

use bitgauge_arch::Accelerator;
use bitgauge_models::integer::Window;

use super::cost::part_sizes;
use super::geometry::{Geometry, band_rows};
use crate::view::MOST;

/// Output rows of a tile that are worth trying.
pub(super) fn row_sizes(geometry: &Geometry, accelerator: &Accelerator) -> Vec<u64> {
    let bus = u64::from(accelerator.bus_bytes());
    let output = &geometry.output;
    let step = row_step(geometry, bus);
    let flat = output.cols == 1 && geometry.window == Window::POINT;
    let fold = if flat { step.max(u64::from(accelerator.array.rows).next_power_of_two()) } else { step };
    let mut sizes = part_sizes(output.rows, fold);
    if sizes.last().is_some_and(|&last| last > step) {
        sizes.push(step);
    }
    sizes.retain(|&rows| {
        let reach = band_rows(&geometry.window, geometry.input.rows, rows);
        let entries = u64::from(accelerator.post.parameter_entries);
        let raw = geometry.patch.as_ref().map_or(0, |patch| band_rows(&patch.window, patch.map.rows, rows));
        rows * output.cols <= MOST
            && (geometry.long.is_none() || rows == 1)
            && raw <= MOST
            && reach * geometry.input.cols <= MOST
            && (!geometry.parameter_per_row || rows <= entries)
    });
    sizes
}

/// Least number of output rows after which a tile may start.
pub(super) fn row_step(geometry: &Geometry, bus: u64) -> u64 {
    let step = geometry.output.row_step(bus).max(geometry.residual.map_or(1, |view| view.row_step(bus)));
    let flat = geometry.output.cols == 1 && geometry.window == Window::POINT;
    if flat { step.max(geometry.input.row_step(bus)) } else { step }
}
