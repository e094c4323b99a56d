//! The convolutions that an [`IntOp::Phased`] consists of.

use bitgauge_arch::arith::ChannelParameter;

use super::{IntOp, Shape, Window};

/// One convolution of an [`IntOp::Phased`].
#[derive(Clone, Copy, Debug)]
pub struct Phase<'a> {
    /// Row and pixel of the output where it begins.
    pub first: [usize; 2],
    /// Geometry.
    pub window: Window,
    /// `[n][kernel row][kernel col][flat input channel]`.
    pub weight: &'a [i8],
    /// One per n.
    pub parameters: &'a [ChannelParameter],
}

impl Phase<'_> {
    /// Rows of this phase and pixels of each, of `phases`, in an output of `shape`.
    #[must_use]
    pub fn map(&self, phases: [usize; 2], shape: Shape) -> [usize; 2] {
        let pixels = shape.cols * shape.channels / self.parameters.len().max(1);
        let part =
            |axis: usize, size: usize| size.saturating_sub(self.first[axis]).div_ceil(phases[axis].max(1));
        [part(0, shape.rows), part(1, pixels)]
    }
}

/// The convolutions of an [`IntOp::Phased`]; none for another operator.
pub fn phases(op: &IntOp) -> impl Iterator<Item = Phase<'_>> {
    let (across, windows, weight, parameters) = match op {
        IntOp::Phased { phases, windows, weight, parameters, .. } => {
            (phases[1].max(1), &windows[..], &weight[..], &parameters[..])
        }
        _ => (1, [].as_slice(), [].as_slice(), [].as_slice()),
    };
    let taps = |window: &Window| window.kernel[0] * window.kernel[1];
    let each = parameters.len() / windows.len().max(1);
    let per_tap = weight.len() / windows.iter().map(taps).sum::<usize>().max(1);
    let mut rest = weight;
    windows.iter().enumerate().map(move |(index, window)| {
        let (weight, after) = rest.split_at((taps(window) * per_tap).min(rest.len()));
        rest = after;
        let parameters = &parameters[index * each..][..each];
        Phase { first: [index / across, index % across], window: *window, weight, parameters }
    })
}
