//! A product of the array: operands, parameters, how it is planned and described.

use bitgauge_arch::arith::{ChannelParameter, Post, Residual};
use bitgauge_arch::program::{Bytes, Operand};
use bitgauge_models::integer::Window;

use super::Context;
use super::geometry::Geometry;
use super::plan::{Order, Plan, Shortage, plan};
use super::run::Run;
use crate::emit::Emitter;
use crate::error::CompileError;
use crate::view::View;

/// The columns operand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Weights<'a> {
    /// `[n][position][segment][channel]`.
    Constant(&'a Bytes),
    /// Rows are n, groups are segments.
    Tensor(View),
}

/// Parameters of N outputs, or of M rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parameters<'a> {
    Each(&'a [ChannelParameter]),
    Same(ChannelParameter),
}

/// A product to emit.
#[derive(Clone, Debug)]
pub(crate) struct Product<'a> {
    pub geometry: Geometry,
    pub weights: Weights<'a>,
    pub parameters: Parameters<'a>,
    pub post: Post,
    pub residual: Option<Residual>,
    pub pad_code: u32,
    /// Which of the post-processor's tables.
    pub table: Option<u32>,
    pub input_operand: Operand,
    pub weight_operand: Operand,
}

impl Product<'_> {
    /// Flattens a pointwise product to rows of one column where all strides allow it.
    pub fn flatten(&mut self) {
        let geometry = &mut self.geometry;
        if geometry.window != Window::POINT || geometry.patch.is_some() {
            return;
        }
        let residual = geometry.residual.map(|view| view.flat());
        let (Some(input), Some(output)) = (geometry.input.flat(), geometry.output.flat()) else { return };
        if residual.is_none_or(|view| view.is_some()) {
            geometry.input = input;
            geometry.output = output;
            geometry.residual = residual.flatten();
        }
    }

    /// Plans; the caller may plan once for several equal products.
    pub fn plan(&self, context: &Context<'_, '_>) -> Result<Plan, CompileError> {
        let emitter = &context.emitter;
        let planned = emitter
            .plans
            .of(&self.geometry, &emitter.area, |shape| plan(shape, emitter.accelerator, &emitter.area));
        planned.map_err(|Shortage { what, needed, available, hint }| {
            context.does_not_fit(what, needed, available, hint)
        })
    }

    /// Emits all commands of the plan.
    pub fn emit(&self, emitter: &mut Emitter<'_>, plan: &Plan) {
        if emitter.trial {
            return;
        }
        let mut run = Run::new(self, emitter, plan);
        let parts = self.geometry.output.rows.div_ceil(plan.rows);
        let count = plan.tiles.len() as u64;
        match plan.order {
            Order::Pixels => (0..parts).for_each(|part| (0..count).for_each(|tile| run.step(part, tile))),
            Order::Channels => (0..count).for_each(|tile| (0..parts).for_each(|part| run.step(part, tile))),
        }
        run.finish();
    }
}

/// One line for people.
pub(crate) fn describe(plan: &Plan, geometry: &Geometry) -> String {
    let order = match plan.order {
        Order::Pixels => "pixels outside",
        Order::Channels => "channels outside",
    };
    let weights = match plan.parts {
        Some(parts) => format!("sums in {} parts, weights streamed for each fold", parts.count),
        None if plan.slots[3] as usize >= plan.tiles.len() => "weights resident".to_owned(),
        None => "weights streamed".to_owned(),
    };
    format!(
        "{}array, {}{} tiles of {} pixels, {} of {} channels, {order}, {weights}{}",
        if geometry.patch.is_some() { "vector unit gathers windows, " } else { "" },
        if geometry.blocks.is_some() { "block-diagonal, " } else { "" },
        geometry.output.rows.div_ceil(plan.rows),
        plan.rows * geometry.output.cols,
        plan.tiles.len(),
        plan.tiles.first().map_or(0, |tile| tile.count),
        if plan.double { "" } else { ", single buffers" },
    )
}
