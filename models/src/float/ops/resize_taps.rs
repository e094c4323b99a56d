//! Where each pixel of a resized axis comes from: input pixels with weights.

use super::resize::{Coordinate, Interpolation, Nearest, Resize};

/// Input indices and weights of one output pixel; empty where it lies outside and takes the extrapolation
/// value.
pub type Taps = Vec<(usize, f32)>;

/// The taps of every output pixel along `axis`, from `size` to `out` pixels.
pub fn taps(op: &Resize, axis: usize, size: usize, out: usize) -> Vec<Taps> {
    (0..out).map(|i| at(op, coordinate(op, axis, size, out, i), size, op.scales[axis])).collect()
}

/// The place of output pixel `i` among the input pixels.
fn coordinate(op: &Resize, axis: usize, size: usize, out: usize, i: usize) -> f64 {
    let (scale, x, length) = (op.scales[axis], i as f64, size as f64);
    // Where scales are given, the specification's resized length has a fraction.
    let resized = scale * length;
    match op.coordinate {
        Coordinate::HalfPixel => (x + 0.5) / scale - 0.5,
        Coordinate::HalfPixelSymmetric => {
            let adjustment = out as f64 / resized;
            length / 2.0 * (1.0 - adjustment) + (x + 0.5) / scale - 0.5
        }
        Coordinate::PytorchHalfPixel if out > 1 => (x + 0.5) / scale - 0.5,
        Coordinate::PytorchHalfPixel => 0.0,
        Coordinate::AlignCorners if out > 1 => x * (length - 1.0) / (resized - 1.0),
        Coordinate::AlignCorners => 0.0,
        Coordinate::Asymmetric => x / scale,
        Coordinate::TfHalfPixelForNn => (x + 0.5) / scale,
        Coordinate::TfCropAndResize => {
            let [start, end] = op.roi[axis];
            let inside = if out > 1 { x * (end - start) / (out as f64 - 1.0) } else { (end - start) / 2.0 };
            (start + inside) * (length - 1.0)
        }
    }
}

/// The taps of a place.
fn at(op: &Resize, x: f64, size: usize, scale: f64) -> Taps {
    let last = size as f64 - 1.0;
    if op.coordinate == Coordinate::TfCropAndResize && !(0.0..=last).contains(&x) {
        return Taps::new();
    }
    let inside = |i: f64| i.clamp(0.0, last) as usize;
    let (floor, narrow) = (x.floor(), if op.antialias { scale.min(1.0) } else { 1.0 });
    let (reach, weight): (f64, &dyn Fn(f64) -> f64) = match op.interpolation {
        Interpolation::Nearest(mode) => {
            let i = match mode {
                Nearest::RoundPreferFloor => (x - 0.5).ceil(),
                Nearest::RoundPreferCeil => (x + 0.5).floor(),
                Nearest::Floor => floor,
                Nearest::Ceil => x.ceil(),
            };
            return vec![(inside(i), 1.0)];
        }
        Interpolation::Linear => (1.0, &|d: f64| (1.0 - d.abs()).max(0.0)),
        Interpolation::Cubic { a } => (2.0, &move |d: f64| cubic(f64::from(a), d.abs())),
    };
    let start = (-reach / narrow).floor() + 1.0;
    let count = (2.0 - 2.0 * start) as i64;
    let mut found: Vec<(usize, f64)> = Vec::new();
    for k in 0..count {
        let i = floor + start + k as f64;
        let outside = i < 0.0 || i > last;
        let w = if outside && op.exclude_outside { 0.0 } else { weight((i - x) * narrow) };
        match found.iter_mut().find(|(j, _)| *j == inside(i)) {
            Some((_, sum)) => *sum += w,
            None => found.push((inside(i), w)),
        }
    }
    let sum: f64 = found.iter().map(|(_, w)| w).sum();
    let sum = if sum == 0.0 { 1.0 } else { sum };
    found.into_iter().filter(|(_, w)| *w != 0.0).map(|(i, w)| (i, (w / sum) as f32)).collect()
}

/// Keys' cubic convolution at a distance.
fn cubic(a: f64, d: f64) -> f64 {
    if d <= 1.0 {
        ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0
    } else if d < 2.0 {
        ((d - 5.0) * d + 8.0) * d * a - 4.0 * a
    } else {
        0.0
    }
}
