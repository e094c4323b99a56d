//! What the array's and the vector unit's commands touch.

use super::{Collector, Port, Space};
use crate::Accelerator;
use crate::code::Container;
use crate::command::{Compute, Vector, VectorFunction};

pub(super) fn of_compute(collector: &mut Collector<'_>, accelerator: &Accelerator, compute: &Compute) {
    let line = u64::from(accelerator.line_bytes());
    let words = compute.segment_lines(line);
    let codes = compute.operand_container().codes_of(line);
    let pixels = u64::from(compute.out_rows) * u64::from(compute.out_cols);
    let outputs = u64::from(compute.outputs);
    if pixels == 0 || outputs == 0 || words == 0 || compute.segments == 0 {
        return;
    }
    let folds = outputs.div_ceil(u64::from(accelerator.array.cols));
    let group_offset =
        if compute.grouped == 1 { (folds - 1) * u64::from(accelerator.array.cols) / codes } else { 0 };
    let pixel = u64::from(compute.segments - 1) * u64::from(compute.segment_stride) + words + group_offset;
    let row = u64::from(compute.in_cols).saturating_sub(1) * u64::from(compute.pixel_stride) + pixel;
    // Rows and columns of the map that exist are all taken to be read.
    let (start, rows) = (u64::from(compute.activation_line), u64::from(compute.in_rows));
    if u64::from(compute.pixel_stride) <= pixel {
        collector.strided(Space::Activation, Port::Read, start, rows, u64::from(compute.row_stride), row);
    } else {
        for index in 0..rows {
            let at = start + index * u64::from(compute.row_stride);
            collector.strided(
                Space::Activation,
                Port::Read,
                at,
                u64::from(compute.in_cols),
                u64::from(compute.pixel_stride),
                pixel,
            );
        }
    }
    let positions =
        u64::from(compute.kernel_rows) * u64::from(compute.kernel_cols) * u64::from(compute.segments);
    collector.strided(
        Space::Weight,
        Port::Read,
        u64::from(compute.weight_line),
        outputs,
        u64::from(compute.weight_stride),
        positions * words,
    );
    let parameters = if compute.parameter_per_row == 1 { pixels } else { outputs };
    collector.push(Space::PostParameter, Port::Read, u64::from(compute.parameter_base), parameters);
    if compute.table_enable == 1 {
        collector.push(Space::PostTable, Port::Read, u64::from(compute.table_select), 1);
    }
    if compute.accumulate == 1 {
        return;
    }
    if let Some(residual) = compute.residual() {
        let lines = residual.lines(outputs, line);
        let stride = u64::from(compute.residual_pixel_stride);
        collector.strided(
            Space::Activation,
            Port::Residual,
            u64::from(compute.residual_line),
            pixels,
            stride,
            lines,
        );
    }
    let lines = compute.output().lines(outputs, line);
    let stride = u64::from(compute.output_pixel_stride);
    collector.strided(Space::Activation, Port::Write, u64::from(compute.output_line), pixels, stride, lines);
}

pub(super) fn of_vector(collector: &mut Collector<'_>, accelerator: &Accelerator, vector: &Vector) {
    let line = u64::from(accelerator.line_bytes());
    let channels = u64::from(vector.channels);
    let pixels = u64::from(vector.out_rows) * u64::from(vector.out_cols);
    let lines = |container: Container| container.lines(channels, line);
    let Some(function) = vector.function() else { return };
    if pixels == 0 || channels == 0 {
        return;
    }
    let source = u64::from(vector.source_line);
    match function {
        VectorFunction::MaxPool | VectorFunction::AveragePool | VectorFunction::Depthwise => {
            let row = u64::from(vector.in_cols).saturating_sub(1) * u64::from(vector.pixel_stride)
                + lines(Container::Byte);
            let rows = u64::from(vector.in_rows);
            collector.strided(Space::Activation, Port::Read, source, rows, u64::from(vector.row_stride), row);
        }
        VectorFunction::Patch => {
            let row = u64::from(vector.row_bytes).div_ceil(line);
            let rows = u64::from(vector.in_rows);
            collector.strided(Space::Activation, Port::Read, source, rows, u64::from(vector.row_stride), row);
        }
        _ => {
            let stride = u64::from(vector.pixel_stride);
            collector.strided(Space::Activation, Port::Read, source, pixels, stride, lines(vector.source()));
        }
    }
    match function {
        VectorFunction::Add if vector.second_enable == 1 => {
            let stride = u64::from(vector.second_pixel_stride);
            let second = u64::from(vector.second_line);
            collector.strided(
                Space::Activation,
                Port::Read,
                second,
                pixels,
                stride,
                lines(Container::of_flag(vector.second_wide)),
            );
        }
        VectorFunction::Depthwise => {
            let taps = u64::from(vector.kernel_rows) * u64::from(vector.kernel_cols);
            collector.push(
                Space::Weight,
                Port::Read,
                u64::from(vector.second_line),
                taps * lines(Container::Byte),
            );
            collector.push(Space::VectorParameter, Port::Read, u64::from(vector.parameter_base), channels);
        }
        VectorFunction::LayerNorm => {
            collector.push(Space::VectorParameter, Port::Read, u64::from(vector.parameter_base), channels);
        }
        VectorFunction::Softmax | VectorFunction::Table => {
            collector.push(Space::VectorTable, Port::Read, u64::from(vector.table_select), 1);
        }
        _ => {}
    }
    let written = match function {
        VectorFunction::Patch => (u64::from(vector.kernel_rows) * u64::from(vector.run_bytes)).div_ceil(line),
        VectorFunction::Copy => lines(vector.source()),
        _ => lines(vector.output()),
    };
    let space = if function == VectorFunction::Copy && vector.to_weight == 1 {
        Space::Weight
    } else {
        Space::Activation
    };
    let stride = u64::from(vector.output_pixel_stride);
    collector.strided(space, Port::Write, u64::from(vector.output_line), pixels, stride, written);
}
