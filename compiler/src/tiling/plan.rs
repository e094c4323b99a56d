//! A chosen tiling of a product.

use super::cost::Work;
use super::geometry::{ChannelTile, Geometry};
use crate::scratch::Regions;

/// Which loop is outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// For each pixel tile all output channels; whole pixels are stored.
    Pixels,
    /// For each tile of output channels all pixels; slices of pixels are stored.
    Channels,
}

/// A chosen tiling.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub order: Order,
    /// Output rows of a tile.
    pub rows: u64,
    pub tiles: Vec<ChannelTile>,
    pub regions: Regions,
    /// Slots of inputs, outputs, residuals, weights, raw rows of a patch. The regions of the activation
    /// scratchpad are inputs, outputs, residuals, raw rows.
    pub slots: [u64; 5],
    /// Lines of a slot of each.
    pub lines: [u64; 5],
    /// Lines of an output's weights.
    pub weight_lines: u64,
    pub work: Work,
    pub double: bool,
    /// Sums are made in parts.
    pub parts: Option<Parts>,
}

/// How the channels of a segment are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub count: u64,
    /// Lines of a segment that a part has; the last may have fewer.
    pub lines: u64,
}

impl Parts {
    /// The channels of part `index` of a segment of `channels`.
    pub fn channels(&self, index: u64, channels: u64, line_codes: u64) -> (u64, u64) {
        let first = index * self.lines * line_codes;
        (first, (first + self.lines * line_codes).min(channels))
    }
}

impl Plan {
    pub fn cycles(&self) -> u64 {
        self.work.cycles(self.double)
    }
}

/// What the smallest tiling would need, where none fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shortage {
    pub what: &'static str,
    pub needed: u64,
    pub available: u64,
    pub hint: &'static str,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_ends_with_the_channels() {
        let parts = Parts { count: 3, lines: 2 };
        assert_eq!([0, 1, 2].map(|part| parts.channels(part, 90, 16)), [(0, 32), (32, 64), (64, 90)]);
    }
}
