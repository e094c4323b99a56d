//! Functions of single pixels on the vector unit: softmax, LayerNorm, additions, tables.

use bitgauge_arch::arith::Post;
use bitgauge_arch::command::{Vector, VectorFunction};
use bitgauge_models::integer::IntOp;

use super::{Context, Lowered};
use crate::error::CompileError;
use crate::tiling::sweep::Sweep;
use crate::write::parameter_bytes;

fn with_post(function: VectorFunction, post: &Post) -> Vector {
    Vector {
        function: function.code(),
        zero_point: post.zero_point,
        clamp_low: post.clamp_low,
        clamp_high: post.clamp_high,
        ..Vector::default()
    }
}

fn sweep(
    context: &Context<'_, '_>,
    operator: &'static str,
    registers: Vector,
    inputs: usize,
) -> Result<Sweep, CompileError> {
    let inputs = (0..inputs).map(|index| context.input(index)).collect::<Result<_, _>>()?;
    let output = context.output();
    // A pixel function needs whole pixels; additions and tables do too, for longer blocks.
    Ok(Sweep {
        operator,
        inputs,
        output,
        window: None,
        long: None,
        registers,
        most_channels: u64::MAX,
        whole_pixels: true,
    })
}

pub(crate) fn softmax(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    let IntOp::Softmax { table } = &context.node.op else {
        return Err(context.unsupported("not a softmax"));
    };
    let table_select = context.emitter.vector_table(table.iter().copied());
    let code = &context.graph.tensor(context.node.output).code;
    let registers = Vector {
        function: VectorFunction::Softmax.code(),
        table_select,
        output_bits: u32::from(code.bits),
        tag_shift: u32::from(code.tag_shift),
        ..Vector::default()
    };
    sweep(context, "softmax", registers, 1)?.whole(context)
}

pub(crate) fn table(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    let IntOp::Table { table } = &context.node.op else {
        return Err(context.unsupported("not a table"));
    };
    let table_select = context.emitter.vector_table(table.iter().map(|&code| u16::from(code)));
    let registers = Vector { function: VectorFunction::Table.code(), table_select, ..Vector::default() };
    sweep(context, "table", registers, 1)?.whole(context)
}

pub(crate) fn layer_norm(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    let IntOp::LayerNorm { parameters, epsilon, post } = &context.node.op else {
        return Err(context.unsupported("not a LayerNorm"));
    };
    let entries = u64::from(context.emitter.accelerator.post.parameter_entries);
    if parameters.len() as u64 > entries {
        let hint = "raise [post] parameter_entries";
        return Err(context.does_not_fit(
            "parameter memory, entries",
            parameters.len() as u64,
            entries,
            hint,
        ));
    }
    let address = context.emitter.constant(parameter_bytes(parameters.iter().copied()));
    let parameter_base = context.emitter.load_parameters(address, parameters.len() as u64, true) as u32;
    let registers = Vector {
        parameter_base,
        epsilon_low: *epsilon as u32,
        epsilon_high: (*epsilon >> 32) as u32,
        ..with_post(VectorFunction::LayerNorm, post)
    };
    sweep(context, "layer_norm", registers, 1)?.whole(context)
}

pub(crate) fn add(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    let IntOp::Add { first, second, post } = &context.node.op else {
        return Err(context.unsupported("not an addition"));
    };
    let mut registers = Vector {
        source_zero_point: first.zero_point,
        source_mantissa: u32::from(first.requant.mantissa),
        source_shift: u32::from(first.requant.shift),
        ..with_post(VectorFunction::Add, post)
    };
    if let Some(second) = second {
        registers.second_enable = 1;
        registers.second_zero_point = second.zero_point;
        registers.second_mantissa = u32::from(second.requant.mantissa);
        registers.second_shift = u32::from(second.requant.shift);
    }
    let sweep = sweep(context, "add", registers, 1 + usize::from(second.is_some()))?;
    let mut bytes = sweep.inputs.iter().filter(|view| view.container == 1);
    if let (Some(first), Some(second)) = (bytes.next(), bytes.next())
        && first.signed != second.signed
    {
        return Err(context.unsupported("the 8-bit operands of an addition must have the same sign"));
    }
    sweep.whole(context)
}

impl Sweep {
    /// Runs with all channels of a pixel at once and nothing to load beside the tiles.
    fn whole(self, context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
        self.run(context, |_, _, _| {})
    }
}
