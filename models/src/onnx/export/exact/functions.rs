//! Softmax, LayerNorm and pools, as [`bitgauge_arch::arith`] defines them.

use bitgauge_arch::arith::layernorm::FRACTION_BITS;
use bitgauge_arch::arith::{ChannelParameter, Post, Requant};

use super::super::file::int;
use super::nodes::Nodes;
use super::{Place, layers};
use crate::integer::Window;
use crate::onnx::generated::tensor_proto::DataType;

/// Sums of magnitudes below this are exact in single precision in any order.
pub const SINGLE: i64 = 1 << 24;

impl Nodes<'_> {
    /// Over the channels, keeping the axis.
    fn reduced(&mut self, op: &str, x: &str) -> String {
        let axes = self.sizes("axes", &[3]);
        self.op(op, &[x, &axes], vec![int("keepdims", 1)])
    }

    /// How many of `limits` a number passes by `op`, as an index.
    fn passed(&mut self, op: &str, x: &str, limits: &str) -> String {
        let passes = self.op(op, &[x, limits], vec![]);
        let passes = self.cast(&passes, DataType::Int32);
        self.reduced("ReduceSum", &passes)
    }

    /// [`bitgauge_arch::arith::softmax::softmax_row`]: every number has at most 46 bits. The quotient of the
    /// normalizer, of 16 bits over a divisor of 31, is nowhere so near to an integer that rounding reaches it.
    pub fn softmax(&mut self, table: &[u16; 256], place: &Place<'_>, result: &str) {
        let bits = i32::from(place.to.code.bits);
        let levels = f64::from((1u32 << bits) - 1);
        let codes = self.cast(&place.x, DataType::Int32);
        let greatest = self.reduced("ReduceMax", &codes);
        let below = self.op("Sub", &[&greatest, &codes], vec![]);
        let table: Vec<f64> = table.iter().map(|&entry| f64::from(entry)).collect();
        let table = self.doubles("exponentials", &[256], &table);
        let exponentials = self.op("Gather", &[&table, &below], vec![]);
        let sum = self.reduced("ReduceSum", &exponentials);
        // The length of the sum in bits is how many powers of two it reaches.
        let powers: Vec<f64> = (0..32).map(|bit| 2f64.powi(bit)).collect();
        let powers = self.doubles("powers", &[32], &powers);
        let length = self.passed("GreaterOrEqual", &sum, &powers);
        let shifts: Vec<f64> = (0..=32).map(|length| 2f64.powi(length + 15 - bits)).collect();
        let shifts = self.doubles("shifts", &[33], &shifts);
        let shift = self.op("Gather", &[&shifts, &length], vec![]);
        let levels_name = self.number(levels);
        let dividend = self.op("Mul", &[&shift, &levels_name], vec![]);
        let quotient = self.op("Div", &[&dividend, &sum], vec![]);
        let quotient = self.op("Floor", &[&quotient], vec![]);
        let product = self.op("Mul", &[&exponentials, &quotient], vec![]);
        // By a power of two, which is exact.
        let share = self.op("Div", &[&product, &shift], vec![]);
        let share = self.rounded(&share);
        let share = self.clip(&share, 0.0, levels);
        self.store(&share, place.to, result);
    }

    /// [`bitgauge_arch::arith::layernorm::layernorm_token`]: variance and root in 64-bit integers, the rest of at
    /// most 50 bits in double precision.
    pub fn layer_norm(
        &mut self,
        parameters: &[ChannelParameter],
        epsilon: u64,
        post: &Post,
        place: &Place<'_>,
        result: &str,
    ) {
        let channels = self.integer(place.from.shape.channels as i64);
        let codes = self.cast(&place.x, DataType::Int64);
        let sum = self.reduced("ReduceSum", &codes);
        let squares = self.op("Mul", &[&codes, &codes], vec![]);
        let squares = self.reduced("ReduceSum", &squares);
        let squares = self.op("Mul", &[&squares, &channels], vec![]);
        let square = self.op("Mul", &[&sum, &sum], vec![]);
        let variance = self.op("Sub", &[&squares, &square], vec![]);
        let most = (1i64 << 60) - 1;
        let epsilon = self.integer(i64::try_from(epsilon).unwrap_or(most).min(most));
        let variance = self.op("Add", &[&variance, &epsilon], vec![]);
        let (one, most) = (self.integer(1), self.integer(most));
        let variance = self.op("Clip", &[&variance, &one, &most], vec![]);
        let (reciprocal, half_shift) = self.reciprocal_root(&variance);
        let numerator = self.op("Mul", &[&codes, &channels], vec![]);
        let numerator = self.op("Sub", &[&numerator, &sum], vec![]);
        let [numerator, reciprocal] = [numerator, reciprocal].map(|x| self.double(&x));
        let product = self.op("Mul", &[&numerator, &reciprocal], vec![]);
        let shift = 45 - FRACTION_BITS as i32;
        let shifts: Vec<f64> = (0..30).map(|half_shift| 2f64.powi(half_shift - shift)).collect();
        let shifts = self.doubles("shifts", &[30], &shifts);
        let shift = self.op("Gather", &[&shifts, &half_shift], vec![]);
        let normalized = self.op("Mul", &[&product, &shift], vec![]);
        let normalized = self.rounded(&normalized);
        let x = self.requantized(&normalized, parameters, &[1, 1, 1, parameters.len()], &[]);
        let x = self.finished(&x, post);
        self.store(&x, place.to, result);
    }

    /// [`bitgauge_arch::arith::sqrt`]: the 16-bit reciprocal of the root of a variance that is brought to 2^58 and
    /// more, and half the shift that brings it there.
    fn reciprocal_root(&mut self, variance: &str) -> (String, String) {
        let integers = |nodes: &mut Self, what: &str, values: Vec<i64>| {
            let label = nodes.label(what);
            nodes.file.indices(&label, &[values.len()], &values)
        };
        let limits = integers(self, "limits", (1..30).map(|half| 1i64 << (60 - 2 * half)).collect());
        let half_shift = self.passed("Less", variance, &limits);
        let powers = integers(self, "powers", (0..30).map(|half| 1i64 << (2 * half)).collect());
        let power = self.op("Gather", &[&powers, &half_shift], vec![]);
        let value = self.op("Mul", &[variance, &power], vec![]);
        // A root in double precision is off by less than one; two comparisons put it right.
        let root = self.double(&value);
        let root = self.op("Sqrt", &[&root], vec![]);
        let root = self.op("Floor", &[&root], vec![]);
        let root = self.cast(&root, DataType::Int64);
        let one = self.integer(1);
        let square = self.op("Mul", &[&root, &root], vec![]);
        let above = self.op("Greater", &[&square, &value], vec![]);
        let above = self.cast(&above, DataType::Int64);
        let root = self.op("Sub", &[&root, &above], vec![]);
        let next = self.op("Add", &[&root, &one], vec![]);
        let square = self.op("Mul", &[&next, &next], vec![]);
        let below = self.op("LessOrEqual", &[&square, &value], vec![]);
        let below = self.cast(&below, DataType::Int64);
        let root = self.op("Add", &[&root, &below], vec![]);
        let unit = self.integer(1 << 45);
        let reciprocal = self.op("Div", &[&unit, &root], vec![]);
        let (zero, most) = (self.integer(0), self.integer(0xffff));
        (self.op("Clip", &[&reciprocal, &zero, &most], vec![]), half_shift)
    }

    pub fn greatest(&mut self, window: &Window, place: &Place<'_>, result: &str) {
        let x = self.cast(&place.x, DataType::Float);
        let x = self.transpose(&x, &[0, 3, 1, 2]);
        let x = self.op("MaxPool", &[&x], layers::geometry(window));
        // A window that steps over the map has no code.
        let [low, high] = <[i32; 2]>::from(place.to.code.range()).map(|end| self.single(end as f32));
        let x = self.op("Clip", &[&x, &low, &high], vec![]);
        let x = self.transpose(&x, &[0, 2, 3, 1]);
        self.store(&x, place.to, result);
    }

    /// Sums over windows are convolutions of ones, each channel by itself; of 16-bit codes over large windows, the
    /// high and the low part of each.
    pub fn average(
        &mut self,
        window: &Window,
        requant: Requant,
        post: &Post,
        place: &Place<'_>,
        result: &str,
    ) {
        let (from, code) = (place.from.shape, place.from.code);
        let taps = window.kernel[0] * window.kernel[1];
        let x = self.cast(&place.x, DataType::Float);
        let x = self.counted_from(&x, code.zero_point);
        let x = self.transpose(&x, &[0, 3, 1, 2]);
        let x = self.reshape(&x, &[from.channels, 1, from.rows, from.cols]);
        let ones: Vec<u8> = (0..taps).flat_map(|_| 1f32.to_le_bytes()).collect();
        let label = self.label("ones");
        let ones =
            self.file.tensor(&label, DataType::Float, &[1, 1, window.kernel[0], window.kernel[1]], ones);
        let sums = if layers::farthest(&code) * taps as i64 <= SINGLE {
            let sums = self.op("Conv", &[&x, &ones], layers::geometry(window));
            self.double(&sums)
        } else {
            let (size, part) = (self.single(256.0), self.single(1.0 / 256.0));
            let high = self.op("Mul", &[&x, &part], vec![]);
            let high = self.op("Floor", &[&high], vec![]);
            let whole = self.op("Mul", &[&high, &size], vec![]);
            let low = self.op("Sub", &[&x, &whole], vec![]);
            let [high, low] = [high, low].map(|x| {
                let sums = self.op("Conv", &[&x, &ones], layers::geometry(window));
                self.double(&sums)
            });
            let size = self.number(256.0);
            let high = self.op("Mul", &[&high, &size], vec![]);
            self.op("Add", &[&high, &low], vec![])
        };
        let x = self.rescaled(&sums, requant);
        let x = self.finished(&x, post);
        let [rows, cols] = window.output(from.rows, from.cols).unwrap_or([0, 0]);
        let x = self.reshape(&x, &[1, from.channels, rows, cols]);
        let x = self.transpose(&x, &[0, 2, 3, 1]);
        self.store(&x, place.to, result);
    }
}
