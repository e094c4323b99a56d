//! Layers with weights: sums of products in single precision, exact because they stay below 2^24.
//!
//! Where the weights of an output are too large for that, each is cut into digits of a few bits, and each digit has
//! a convolution of its own; double precision puts the sums together.

use bitgauge_arch::arith::Residual;

use super::super::file::{int, ints};
use super::Place;
use super::functions::SINGLE;
use super::nodes::Nodes;
use crate::integer::{CodeType, IntOp, IntTensor, Window, phases};
use crate::onnx::generated::AttributeProto;
use crate::onnx::generated::tensor_proto::DataType;

/// The greatest distance of a code from the zero point.
pub fn farthest(code: &CodeType) -> i64 {
    let (low, high) = code.range();
    i64::from((code.zero_point - low).max(high - code.zero_point))
}

/// What a window says of itself.
pub fn geometry(window: &Window) -> Vec<AttributeProto> {
    vec![
        ints("dilations", &window.dilation),
        ints("kernel_shape", &window.kernel),
        ints("pads", &window.pad),
        ints("strides", &window.stride),
    ]
}

/// Into how many bits weights are cut so that no sum passes what single precision holds; `None`: not at all.
/// `outputs` are the weights of each output.
fn digit_bits<'a>(outputs: impl Iterator<Item = Vec<i8>> + Clone + 'a, farthest: i64) -> Option<u32> {
    let fits = |digits: &dyn Fn(i8) -> i64| {
        outputs.clone().all(|weights| weights.iter().map(|&w| digits(w)).sum::<i64>() * farthest <= SINGLE)
    };
    if fits(&|weight| i64::from(weight.unsigned_abs())) {
        return None;
    }
    // The greatest of all digits of a weight, which is more than any one of them.
    let most = |bits: u32| {
        move |weight: i8| {
            let weight = i64::from(weight);
            (0..8 / bits).map(|at| digit(weight, bits, at).abs()).max().unwrap_or(0)
        }
    };
    [4, 2].into_iter().find(|&bits| fits(&most(bits))).or(Some(1))
}

/// One digit of a weight; the last has the sign.
fn digit(weight: i64, bits: u32, at: u32) -> i64 {
    let above = weight >> (bits * at);
    if (at + 1) * bits >= 8 { above } else { above & ((1 << bits) - 1) }
}

impl Nodes<'_> {
    /// Single precision, counted from a zero point.
    pub fn counted_from(&mut self, x: &str, zero_point: i32) -> String {
        if zero_point == 0 {
            return x.to_owned();
        }
        let zero = self.single(zero_point as f32);
        self.op("Sub", &[x, &zero], vec![])
    }

    /// The map of a convolution, `1 x channels x rows x columns`.
    fn map(&mut self, place: &Place<'_>) -> String {
        let shape = place.from.shape;
        let x = self.cast(&place.x, DataType::Float);
        let x = self.counted_from(&x, place.from.code.zero_point);
        let x = self.transpose(&x, &[0, 3, 1, 2]);
        match shape.groups {
            1 => x,
            _ => self.reshape(&x, &[1, shape.flat_channels(), shape.rows, shape.cols]),
        }
    }

    /// Sums of products of distances from the zero point and weights (`1 x outputs x rows x columns`).
    fn sums(
        &mut self,
        map: &str,
        weights: &str,
        bits: Option<u32>,
        window: &Window,
        groups: usize,
    ) -> String {
        let mut attributes = geometry(window);
        attributes.push(int("group", groups as i64));
        let Some(bits) = bits else {
            let sums = self.op("Conv", &[map, weights], attributes);
            return self.double(&sums);
        };
        let (size, part) = (self.single(2f32.powi(bits as i32)), self.single(2f32.powi(-(bits as i32))));
        let mut rest = weights.to_owned();
        let mut total = String::new();
        for at in 0..8 / bits {
            let digit = if (at + 1) * bits >= 8 {
                rest.clone()
            } else {
                let above = self.op("Mul", &[&rest, &part], vec![]);
                let above = self.op("Floor", &[&above], vec![]);
                let whole = self.op("Mul", &[&above, &size], vec![]);
                let digit = self.op("Sub", &[&rest, &whole], vec![]);
                rest = above;
                digit
            };
            let sums = self.op("Conv", &[map, &digit], attributes.clone());
            let sums = self.double(&sums);
            let unit = self.number(2f64.powi((at * bits) as i32));
            let sums = self.op("Mul", &[&sums, &unit], vec![]);
            total = if at == 0 { sums } else { self.op("Add", &[&total, &sums], vec![]) };
        }
        total
    }

    /// Weights as the integer network stores them; the place of the initializer, and its name.
    fn weights(&mut self, weight: &[i8], shape: &[usize]) -> (usize, String) {
        let bytes = weight.iter().map(|&w| w as u8).collect();
        let name = self.label("weight");
        let name = self.file.unique(&name);
        (self.file.own_tensor(&name, DataType::Int8, shape, bytes), name)
    }

    /// A convolution, depthwise or not; gives the place of its weights.
    pub fn convolution(
        &mut self,
        op: &IntOp,
        place: &Place<'_>,
        other: Option<(String, &IntTensor)>,
        result: &str,
    ) -> usize {
        let (window, weight, parameters, post) = match op {
            IntOp::Conv { window, weight, parameters, post, .. }
            | IntOp::Depthwise { window, weight, parameters, post } => (window, weight, parameters, post),
            _ => return 0,
        };
        let (table, residual, transposed, parts) = match op {
            IntOp::Conv { table, residual, transposed, parts, .. } => {
                (table.as_deref(), residual.as_ref(), *transposed, (*parts).max(1))
            }
            _ => (None, None, false, place.from.shape.channels),
        };
        let (n, [rows, cols]) = (parameters.len(), window.kernel);
        let depthwise = matches!(op, IntOp::Depthwise { .. });
        let each = weight.len() / n.max(1);
        let outputs = (0..n).map(|n| match depthwise {
            true => weight[n..].iter().step_by(parameters.len()).copied().collect(),
            false => weight[n * each..][..each].to_vec(),
        });
        let bits = digit_bits(outputs.clone(), farthest(&place.from.code));
        let zero = i64::from(place.from.code.zero_point);
        let zero_sums: Vec<i64> = outputs
            .map(|weights: Vec<i8>| zero * weights.iter().map(|&w| i64::from(w)).sum::<i64>())
            .collect();
        let channels = each / (rows * cols).max(1);
        let (stored, weights) = match depthwise {
            true => self.weights(weight, &[rows, cols, n, 1]),
            false => self.weights(weight, &[n, rows, cols, channels]),
        };
        let weights = self.cast(&weights, DataType::Float);
        let weights = self.transpose(&weights, if depthwise { &[2, 3, 0, 1] } else { &[0, 3, 1, 2] });
        let map = self.map(place);
        let sums = self.sums(&map, &weights, bits, window, parts);
        let x = self.requantized(&sums, parameters, &[n, 1, 1], &zero_sums);
        // Channels last, but for outputs that are rows.
        let x = if transposed { x } else { self.channels_last(&x, window, place) };
        let x = match residual.zip(other) {
            Some((residual, (codes, _))) => self.with_residual(&x, residual, &codes, place),
            None => x,
        };
        let x = self.finished(&x, post);
        match table {
            None => self.store(&x, place.to, result),
            Some(table) => {
                let x = self.reshape(&x, &super::stored(place.to));
                self.looked_up(&x, table, &place.to.code, result);
            }
        }
        stored
    }

    fn with_residual(&mut self, x: &str, residual: &Residual, codes: &str, place: &Place<'_>) -> String {
        let x = self.reshape(x, &super::stored(place.to));
        let other = self.residual(codes, residual);
        self.op("Add", &[&x, &other], vec![])
    }

    /// From `1 x groups * channels x rows x columns` to groups, rows, columns, channels.
    fn channels_last(&mut self, x: &str, window: &Window, place: &Place<'_>) -> String {
        let [rows, cols] = window.output(place.from.shape.rows, place.from.shape.cols).unwrap_or([0, 0]);
        let to = place.to.shape;
        let x = match to.groups {
            1 => x.to_owned(),
            _ => self.reshape(x, &[to.groups, to.channels, rows, cols]),
        };
        self.transpose(&x, &[0, 2, 3, 1])
    }

    /// Convolutions whose pixels interleave; gives the place of their weights.
    pub fn phased(&mut self, op: &IntOp, place: &Place<'_>, result: &str) -> usize {
        let IntOp::Phased { phases: along, weight, post, parameters, windows } = op else { return 0 };
        let n = parameters.len() / windows.len().max(1);
        let (from, to) = (place.from.shape, place.to.shape);
        let pixels = to.cols * to.channels / n.max(1);
        // Phases of one size, of which the last rows and pixels may be too many.
        let [rows_each, pixels_each] = [to.rows.div_ceil(along[0]), pixels.div_ceil(along[1])];
        let (stored, all) = self.weights(weight, &[weight.len()]);
        let map = self.map(place);
        let zero = i64::from(place.from.code.zero_point);
        let mut first = 0;
        let mut rows = Vec::new();
        let mut row: Vec<String> = Vec::new();
        for phase in phases(op) {
            let [height, width] = phase.window.kernel;
            let each = phase.weight.len() / n.max(1);
            let outputs = phase.weight.chunks_exact(each.max(1)).map(<[i8]>::to_vec);
            let bits = digit_bits(outputs.clone(), farthest(&place.from.code));
            let sum = |weights: Vec<i8>| zero * weights.iter().map(|&w| i64::from(w)).sum::<i64>();
            let zero_sums: Vec<i64> = outputs.map(sum).collect();
            let weights = self.part(&all, &[[first, first + phase.weight.len()]]);
            first += phase.weight.len();
            let weights = self.cast(&weights, DataType::Float);
            let weights = self.reshape(&weights, &[n, height, width, each / (height * width).max(1)]);
            let weights = self.transpose(&weights, &[0, 3, 1, 2]);
            let sums = self.sums(&map, &weights, bits, &phase.window, 1);
            let x = self.requantized(&sums, phase.parameters, &[n, 1, 1], &zero_sums);
            let x = self.finished(&x, post);
            let x = self.transpose(&x, &[0, 2, 3, 1]);
            let given = phase.window.output(from.rows, from.cols).unwrap_or([0, 0]);
            let wanted = phase.map(*along, to);
            let x = self.part(&x, &[[0, 1], [0, wanted[0].min(given[0])], [0, wanted[1].min(given[1])]]);
            let ends = [0, 0, 0, 0, 0, rows_each - wanted[0], pixels_each - wanted[1], 0];
            let x = if ends == [0; 8] {
                x
            } else {
                let ends = self.sizes("ends", &ends);
                self.op("Pad", &[&x, &ends], vec![])
            };
            row.push(self.reshape(&x, &[rows_each, 1, pixels_each, 1, n]));
            if row.len() == along[1] {
                let parts: Vec<&str> = row.iter().map(String::as_str).collect();
                rows.push(self.op("Concat", &parts, vec![int("axis", 3)]));
                row.clear();
            }
        }
        let parts: Vec<&str> = rows.iter().map(String::as_str).collect();
        let x = self.op("Concat", &parts, vec![int("axis", 1)]);
        let x = self.reshape(&x, &[rows_each * along[0], pixels_each * along[1], n]);
        let x = self.part(&x, &[[0, to.rows], [0, pixels]]);
        self.store(&x, place.to, result);
        stored
    }

    /// From here to there along the first axes.
    fn part(&mut self, x: &str, ranges: &[[usize; 2]]) -> String {
        let starts: Vec<usize> = ranges.iter().map(|range| range[0]).collect();
        let ends: Vec<usize> = ranges.iter().map(|range| range[1]).collect();
        let [starts, ends] = [self.sizes("starts", &starts), self.sizes("ends", &ends)];
        self.op("Slice", &[x, &starts, &ends], vec![])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_make_the_weight() {
        for weight in -128..128i64 {
            for bits in [4, 2, 1] {
                let sum: i64 = (0..8 / bits).map(|at| digit(weight, bits, at) << (at * bits)).sum();
                assert_eq!(sum, weight, "{bits} bits");
            }
        }
    }

    #[test]
    fn sums_stay_where_single_precision_is_exact() {
        let weights = |count: usize, weight: i8| std::iter::once(vec![weight; count]);
        assert_eq!(digit_bits(weights(1024, -128), 128), None);
        assert_eq!(digit_bits(weights(1025, -128), 128), Some(4));
        // Of 127 the digits of four bits are 15 and 7.
        assert_eq!(digit_bits(weights(8738, 127), 128), Some(4));
        assert_eq!(digit_bits(weights(8739, 127), 128), Some(2));
        assert_eq!(digit_bits(weights(130_000, 127), 128), Some(1));
    }
}
