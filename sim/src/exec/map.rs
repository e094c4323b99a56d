//! Vector functions over the windows of a map: pools, depthwise convolutions, patches.

use bitgauge_arch::arith::depthwise::accumulate_taps;
use bitgauge_arch::arith::rows::{emit, narrow, requantize};
use bitgauge_arch::arith::windows::Depthwise;
use bitgauge_arch::arith::{Signedness, pool};
use bitgauge_arch::code::Container;
use bitgauge_arch::command::{Vector, VectorFunction};

use super::State;
use super::compute::requant;
use super::deferred::Place;
use super::vector::post;

impl State {
    /// Max pool, average pool and depthwise convolution.
    pub(super) fn map(&mut self, v: &Vector, function: VectorFunction, line: usize) {
        let channels = v.channels as usize;
        let container = v.output();
        let length = channels * container.bytes();
        let mut output = std::mem::take(&mut self.buffers.bytes);
        let pixels = v.out_rows as usize * v.out_cols as usize;
        output.resize(pixels * length, 0);
        let signed = v.source_signed == 1;
        let sign = if signed { Signedness::Signed } else { Signedness::Unsigned };
        let buffers = &mut self.buffers;
        let base = 8 * v.parameter_base as usize;
        let entries = if function == VectorFunction::Depthwise { base..base + 8 * channels } else { 0..0 };
        let scales = buffers.scales.find(&self.vector_parameter[entries]);
        let scales = &buffers.scales[scales];
        buffers.rows.clear();
        buffers.rows.resize(channels, v.pad_code as u8);
        buffers.codes.resize(channels, 0);
        buffers.sums.resize(channels, 0);
        let taps = v.kernel_rows as usize * v.kernel_cols as usize;
        let weight_step = channels.next_multiple_of(line);
        let weight_start = v.second_line as usize * line;
        let mut tap_weights: &[u8] = &[];
        if function == VectorFunction::Depthwise {
            let end = weight_start + taps.saturating_sub(1) * weight_step + channels;
            let place = self.weights.waiting.place(weight_start, end);
            if place == Place::Mixed {
                self.weights.waiting.settle(&mut self.weight, &self.memory);
            }
            tap_weights = match place {
                Place::Outside(start) => &self.memory[start..],
                _ => &self.weight[weight_start..],
            };
        }
        // Windows of whole tiles at once, where there is a way.
        let together = (function == VectorFunction::Depthwise && container == Container::Byte && taps > 0)
            .then(|| Depthwise {
                weights: &tap_weights[..(taps - 1) * weight_step + channels],
                step: weight_step,
                taps,
                channels,
                sign,
                scales,
                post: post(v),
            })
            .filter(Depthwise::is_ready);
        // Ones as weights turn a depthwise sum into a pool's.
        let ones = vec![1u8; if function == VectorFunction::AveragePool { channels } else { 0 }];
        let mut window: Vec<(&[u8], &[u8])> = Vec::with_capacity(taps);
        let average = requant(v.source_mantissa, v.source_shift);
        // Weights of each tap, and its distance from the first tap in bytes.
        let weights: Vec<(&[u8], usize)> = (0..taps as u32)
            .map(|tap| {
                let weights = match function {
                    VectorFunction::Depthwise => &tap_weights[tap as usize * weight_step..][..channels],
                    _ => &ones[..],
                };
                let (r, s) = (tap / v.kernel_cols, tap % v.kernel_cols);
                let rows = (r * v.dilation_rows) as usize * v.row_stride as usize;
                let cols = (s * v.dilation_cols) as usize * v.pixel_stride as usize;
                (weights, (rows + cols) * line)
            })
            .collect();
        let span = |taps: u32, dilation: u32| i64::from((taps - 1) * dilation);
        let inner = (
            i64::from(v.in_rows) - span(v.kernel_rows.max(1), v.dilation_rows),
            i64::from(v.in_cols) - span(v.kernel_cols.max(1), v.dilation_cols),
        );
        if let Some(job) = together {
            let inside = |pixel: i64, stride: u32, pad: u32, inner: i64| {
                let at = pixel * i64::from(stride) - i64::from(pad);
                at >= 0 && at < inner
            };
            let offsets: Vec<usize> = weights.iter().map(|&(_, at)| at).collect();
            let step = v.stride_cols as usize * v.pixel_stride as usize * line;
            let (mut windows, mut rest) = (Vec::new(), Vec::new());
            let columns = 0..i64::from(v.out_cols);
            let whole = |&x: &i64| inside(x, v.stride_cols, v.pad_left, inner.1);
            let first = columns.clone().find(whole).unwrap_or(columns.end);
            let last = columns.clone().rev().find(whole).map_or(first, |x| x + 1);
            for y in 0..i64::from(v.out_rows) {
                let top = y * i64::from(v.stride_rows) - i64::from(v.pad_top);
                let row = y as usize * v.out_cols as usize;
                let run = if inside(y, v.stride_rows, v.pad_top, inner.0) { first..last } else { 0..0 };
                if !run.is_empty() {
                    let left = run.start * i64::from(v.stride_cols) - i64::from(v.pad_left);
                    let at = v.source_line as usize
                        + top as usize * v.row_stride as usize
                        + left as usize * v.pixel_stride as usize;
                    let target = &mut output[(row + run.start as usize) * channels..];
                    let count = (run.end - run.start) as usize;
                    let codes = self.activation.get(at * line..).unwrap_or_default();
                    job.regular(codes, &offsets, step, count, target);
                }
                for x in columns.clone().filter(|x| !run.contains(x)) {
                    let left = x * i64::from(v.stride_cols) - i64::from(v.pad_left);
                    rest.push(row + x as usize);
                    for r in 0..v.kernel_rows {
                        let iy = top + i64::from(r * v.dilation_rows);
                        for s in 0..v.kernel_cols {
                            let ix = left + i64::from(s * v.dilation_cols);
                            let there = (0..i64::from(v.in_rows)).contains(&iy)
                                && (0..i64::from(v.in_cols)).contains(&ix);
                            let at = v.source_line as i64
                                + iy * i64::from(v.row_stride)
                                + ix * i64::from(v.pixel_stride);
                            windows.push(if there {
                                &self.activation[at as usize * line..][..channels]
                            } else {
                                &buffers.rows[..]
                            });
                        }
                    }
                }
            }
            job.listed(&windows, &rest, &mut output);
            self.scatter(v, line, length, &output);
            self.buffers.bytes = output;
            return;
        }
        for (pixel, target) in output.chunks_exact_mut(length).enumerate() {
            window.clear();
            let (y, x) = (pixel as u32 / v.out_cols, pixel as u32 % v.out_cols);
            let top = i64::from(y * v.stride_rows) - i64::from(v.pad_top);
            let left = i64::from(x * v.stride_cols) - i64::from(v.pad_left);
            let line_of = |iy: i64, ix: i64| {
                v.source_line as usize
                    + iy as usize * v.row_stride as usize
                    + ix as usize * v.pixel_stride as usize
            };
            if top >= 0 && left >= 0 && top < inner.0 && left < inner.1 {
                // The whole window lies inside the map; one without taps may lie anywhere, and reads nothing.
                let codes = self.activation.get(line_of(top, left) * line..).unwrap_or_default();
                window.extend(weights.iter().map(|&(weights, at)| (&codes[at..][..channels], weights)));
            } else {
                for (tap, &(weights, _)) in (0..).zip(&weights) {
                    let (r, s) = (tap / v.kernel_cols, tap % v.kernel_cols);
                    let (iy, ix) =
                        (top + i64::from(r * v.dilation_rows), left + i64::from(s * v.dilation_cols));
                    if (0..i64::from(v.in_rows)).contains(&iy) && (0..i64::from(v.in_cols)).contains(&ix) {
                        window.push((&self.activation[line_of(iy, ix) * line..][..channels], weights));
                    } else if function != VectorFunction::MaxPool {
                        window.push((&buffers.rows, weights));
                    }
                }
            }
            if function == VectorFunction::MaxPool {
                greatest(&window, signed, container, target);
                continue;
            }
            buffers.sums.fill(0);
            accumulate_taps(&mut buffers.sums, sign, &window);
            if function == VectorFunction::Depthwise {
                requantize(&buffers.sums, scales, &mut buffers.codes);
                emit(&mut buffers.codes, &post(v), container, target);
                continue;
            }
            for (code, &sum) in buffers.codes.iter_mut().zip(&buffers.sums) {
                *code = pool::average(i64::from(sum), taps as i64, v.source_zero_point, average, &post(v));
            }
            narrow(&buffers.codes, container, target);
        }
        self.scatter(v, line, length, &output);
        self.buffers.bytes = output;
    }

    /// Gathers kernel windows of a dense byte map.
    pub(super) fn patch(&mut self, v: &Vector, line: usize) {
        let run = v.run_bytes as usize;
        let length = v.kernel_rows as usize * run;
        if length == 0 {
            return;
        }
        let pixels = v.out_rows as usize * v.out_cols as usize;
        let mut output = std::mem::take(&mut self.buffers.bytes);
        output.resize(pixels * length, 0);
        let pad = v.pad_code as u8;
        let mut rows: Vec<Option<&[u8]>> = Vec::with_capacity(v.kernel_rows as usize);
        for (y, targets) in (0..).zip(output.chunks_exact_mut(v.out_cols as usize * length)) {
            rows.clear();
            rows.extend((0..v.kernel_rows).map(|r| {
                let iy = i64::from(y * v.stride_rows + r * v.dilation_rows) - i64::from(v.pad_top);
                (0..i64::from(v.in_rows)).contains(&iy).then(|| {
                    &self.activation[(v.source_line as usize + iy as usize * v.row_stride as usize) * line..]
                })
            }));
            let mut at = 0;
            for x in 0..v.out_cols {
                let start = i64::from(x) * i64::from(v.run_step_bytes) - i64::from(v.pad_left);
                let from = start.clamp(0, i64::from(v.row_bytes));
                let to = (start + run as i64).clamp(0, i64::from(v.row_bytes));
                for row in &rows {
                    let target = &mut targets[at..];
                    at += run;
                    match row {
                        Some(row) if from < to => {
                            let codes = &row[from as usize..];
                            if to - from == run as i64 {
                                copy_run(codes, run, target);
                                continue;
                            }
                            target[..run].fill(pad);
                            target[(from - start) as usize..(to - start) as usize]
                                .copy_from_slice(&codes[..(to - from) as usize]);
                        }
                        _ => target[..run].fill(pad),
                    }
                }
            }
        }
        self.scatter(v, line, length, &output);
        self.buffers.bytes = output;
    }

    /// Dense pixels to their lines.
    fn scatter(&mut self, v: &Vector, line: usize, length: usize, output: &[u8]) {
        for (pixel, bytes) in output.chunks_exact(length).enumerate() {
            let to = (v.output_line as usize + pixel * v.output_pixel_stride as usize) * line;
            self.activation[to..to + length].copy_from_slice(bytes);
        }
    }
}

/// Copies the first `run` codes. Short runs take a copy of a fixed length, which is much faster, where one too long
/// does no harm: what lies behind `run` in `target` is yet to be written.
fn copy_run(codes: &[u8], run: usize, target: &mut [u8]) {
    const SHORT: usize = 16;
    match (codes.first_chunk::<SHORT>(), target.first_chunk_mut::<SHORT>()) {
        (Some(codes), Some(target)) if run <= SHORT => *target = *codes,
        _ => target[..run].copy_from_slice(&codes[..run]),
    }
}

/// Greatest codes of a window; the least code where the window is empty.
fn greatest(window: &[(&[u8], &[u8])], signed: bool, container: Container, target: &mut [u8]) {
    let flip = if signed { 0x80u8 } else { 0 };
    if container == Container::Byte {
        target.fill(flip);
        for (codes, _) in window {
            for (greatest, code) in target.iter_mut().zip(*codes) {
                *greatest = (*greatest ^ flip).max(code ^ flip) ^ flip;
            }
        }
        return;
    }
    for index in 0..target.len() / 2 {
        let code = window.iter().map(|(codes, _)| codes[index] ^ flip).max().unwrap_or(0) ^ flip;
        Container::Word.write(target, index, if signed { i32::from(code as i8) } else { i32::from(code) });
    }
}
