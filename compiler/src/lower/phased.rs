//! Convolutions whose pixels interleave: one product for each phase, stored at a stride.

use bitgauge_arch::program::{Bytes, Operand};
use bitgauge_models::integer::{IntOp, phases};

use super::{Context, Lowered};
use crate::error::CompileError;
use crate::tiling::cost::Work;
use crate::tiling::geometry::Geometry;
use crate::tiling::plan::describe;
use crate::view::View;
use crate::write::{Parameters, Product, Weights};

pub(crate) fn lower(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    let node = context.node;
    let IntOp::Phased { phases: along, post, weight, .. } = &node.op else {
        return Err(context.unsupported("not a convolution of phases"));
    };
    let (input, output) = (context.input(0)?, context.output());
    let (mut work, mut mapping) = (Work::default(), String::new());
    let (mut pixels, mut products, mut outputs, mut depth) = (0, 0, 0, 0);
    let mut from = 0;
    for phase in phases(&node.op) {
        let codes = Bytes::of_codes(&weight.codes, from..from + phase.weight.len());
        from += phase.weight.len();
        outputs = phase.parameters.len() as u64;
        let [rows, cols] = phase.map(*along, context.graph.tensor(node.output).shape).map(|n| n as u64);
        let view = part(&output, phase.first, *along, [rows, cols], outputs);
        let bus = context.emitter.bus();
        if along[1] > 1 && !(view.pixel_bytes().is_multiple_of(bus) && output.row_stride.is_multiple_of(bus))
        {
            return Err(context.unsupported(format!(
                "pixels of {} bytes do not start on the bus's {bus}; as one phase of columns they need not",
                view.pixel_bytes()
            )));
        }
        let mut product = Product {
            geometry: Geometry {
                input,
                window: phase.window,
                output: view,
                residual: None,
                outputs,
                weights: None,
                weight_bits: context.emitter.stored_bits(weight.bits),
                operands: context.operands_with(weight.bits),
                parameter_per_row: false,
                patch: None,
                long: None,
                blocks: None,
            },
            weights: Weights::Constant(&codes),
            parameters: Parameters::Each(phase.parameters),
            post: *post,
            residual: None,
            pad_code: u32::from(context.graph.tensor(node.inputs[0]).code.zero_point as u8),
            table: None,
            input_operand: Operand::Input,
            weight_operand: Operand::Weight,
        };
        product
            .choose_container(context.emitter.accelerator)
            .map_err(|reason| context.unsupported(reason))?;
        let plan = context.plan(&product)?;
        product.emit(context.emitter, &plan);
        work = work.then(&plan.work);
        pixels += rows * cols;
        depth = product.geometry.positions() * input.groups * input.channels;
        products += rows * cols * depth;
        if mapping.is_empty() {
            mapping = format!("{} phases: {}", along[0] * along[1], describe(&plan, &product.geometry));
        }
    }
    // Phases of unlike windows differ in K, and are no single product then.
    let product = (pixels * depth == products).then_some([pixels, outputs, depth]);
    Ok(Lowered { operator: "phased_conv", product, mapping, work })
}

/// The pixels of one phase in the output.
fn part(output: &View, first: [usize; 2], along: [usize; 2], [rows, cols]: [u64; 2], channels: u64) -> View {
    let pixel = channels * output.code_bits();
    let [down, right] = along.map(|step| step as u64);
    View {
        address: output.address + first[0] as u64 * output.row_stride + first[1] as u64 * pixel / 8,
        rows,
        cols,
        channels,
        row_stride: down * output.row_stride,
        col_bits: right * pixel,
        ..*output
    }
}
