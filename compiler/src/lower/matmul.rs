//! Matrix products of two tensors, group by group.

use bitgauge_arch::program::Operand;
use bitgauge_models::integer::{IntOp, Window};

use super::{Context, Lowered};
use crate::error::CompileError;
use crate::tiling::cost::Work;
use crate::tiling::geometry::Geometry;
use crate::tiling::plan::describe;
use crate::write::{Parameters, Product, Weights};

pub(crate) fn lower(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    let IntOp::MatMul { parameter, post } = &context.node.op else {
        return Err(context.unsupported("not a matrix product"));
    };
    let (left, right, output) = (context.input(0)?, context.input(1)?, context.output());
    let mut plan = None;
    let mut work = Work::default();
    for group in 0..output.groups {
        let weights = right.group(group);
        let mut product = Product {
            geometry: Geometry {
                input: left.group(group),
                window: Window::POINT,
                output: output.group(group),
                residual: None,
                outputs: output.channels,
                weights: Some(weights),
                weight_bits: 8,
                operands: context.operands(1),
                parameter_per_row: false,
                patch: None,
                long: None,
                blocks: None,
            },
            weights: Weights::Tensor(weights),
            parameters: Parameters::Same(*parameter),
            post: *post,
            residual: None,
            pad_code: 0,
            table: None,
            input_operand: Operand::Input,
            weight_operand: Operand::Input,
        };
        product
            .choose_container(context.emitter.accelerator)
            .map_err(|reason| context.unsupported(reason))?;
        // Groups differ in their addresses alone.
        let chosen = match plan.take() {
            Some(chosen) => chosen,
            None => context.plan(&product)?,
        };
        product.emit(context.emitter, &chosen);
        work = work.then(&chosen.work);
        plan = Some(chosen);
        if group + 1 == output.groups
            && let Some(plan) = &plan
        {
            return Ok(Lowered {
                operator: "matmul",
                product: Some([output.groups * output.rows, output.channels, left.channels]),
                mapping: format!("{} groups: {}", output.groups, describe(plan, &product.geometry)),
                work,
            });
        }
    }
    Err(context.unsupported("the output is empty"))
}
