//! A product of the array: operands and parameters.

use bitgauge_arch::Accelerator;
use bitgauge_arch::arith::{ChannelParameter, Post, Residual};
use bitgauge_arch::code::OperandContainer;
use bitgauge_arch::codec::Codec;
use bitgauge_arch::mac::Operands;
use bitgauge_arch::program::{Bytes, Operand};
use bitgauge_arch::timing;
use bitgauge_models::integer::Window;

use crate::tiling::blocks::Blocks;
use crate::tiling::geometry::Geometry;
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

    /// Chooses what the operands lie in on their way to the array: what takes the fewest cycles, and of equals the
    /// narrowest, which takes the least room.
    pub fn choose_container(&mut self, accelerator: &Accelerator) -> Result<(), String> {
        let array = &accelerator.array;
        let shift = self.geometry.input.tag_shift;
        if shift > array.tag_shift {
            return Err(format!(
                "its input has codes of two scales, the second {shift} bits coarser, and the array shifts by up to {}; \
                 raise [array] tag_shift to {shift}, or give the tensor one scale",
                array.tag_shift
            ));
        }
        let line = u64::from(accelerator.line_bytes());
        let Operands { activation_bits, weight_bits, .. } = self.geometry.operands;
        let too_wide = activation_bits.max(weight_bits) > array.widest();
        let mut best: Option<(u64, OperandContainer)> = None;
        for container in OperandContainer::ALL {
            if !array.takes(container) || too_wide || !self.fits(container, line) {
                continue;
            }
            let mut geometry = self.geometry.clone();
            geometry.input.operand = container;
            let beats = timing::compute(accelerator, &geometry.command(1, 1)).beats;
            if best.is_none_or(|(least, _)| beats <= least) {
                best = Some((beats, container));
            }
        }
        let (_, container) = best.ok_or_else(|| {
            let most = array.widest();
            if too_wide {
                format!(
                    "it multiplies codes of {activation_bits} by {weight_bits} bits, and the array's elements take up \
                     to {most}; give it fewer bits, or raise [array] operand_bits"
                )
            } else {
                format!(
                    "it multiplies codes that lie in bytes, and the array's elements of {most} bits read dense ones; \
                     raise [array] operand_bits to 5 or more"
                )
            }
        })?;
        self.geometry.input.operand = container;
        let views = [
            self.geometry.weights.as_mut(),
            match &mut self.weights {
                Weights::Tensor(view) => Some(view),
                Weights::Constant(_) => None,
            },
        ];
        views.into_iter().flatten().for_each(|view| view.operand = container);
        Ok(())
    }

    /// Whether both operands can be loaded into such containers.
    fn fits(&self, container: OperandContainer, line: u64) -> bool {
        let geometry = &self.geometry;
        let Operands { activation_bits, weight_bits, .. } = geometry.operands;
        let wide = activation_bits.max(weight_bits) > container.bits();
        if wide || container == OperandContainer::Bits8 {
            return !wide;
        }
        let dense = |view: &View| view.codec == Codec::Pack && view.value_bits <= container.bits();
        // A block starts on a line.
        let whole =
            |blocks: Blocks| !blocks.walked && blocks.channels.is_multiple_of(container.codes_of(line));
        dense(&geometry.input)
            && geometry.weights.as_ref().is_none_or(dense)
            && (geometry.weights.is_some() || geometry.weight_bits <= u64::from(container.bits()))
            && geometry.patch.is_none()
            && geometry.blocks.is_none_or(whole)
    }
}
