//! Windows that are longer than a command's.
//!
//! A command counts at most [`MOST_TAPS`] rows and columns of a window. Nothing says that a row of the map on chip
//! must follow the one before it: where the command's rows start a few columns apart in one row of the map, its
//! window of `rows x cols` taps is one of `rows * cols` taps along that row, in the same order. No sum is made in
//! parts, so that nothing is rounded twice. A window that is the whole map, and one along a column of the map, are
//! windows along a row of the same pixels.

use bitgauge_models::integer::Window;

use crate::view::View;

/// Most rows, and most columns, of a command's window.
pub(crate) const MOST_TAPS: u64 = 255;

/// A window along one row of the map, as a command takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Long {
    /// Rows and columns of the command's window.
    pub kernel: [u64; 2],
    /// Columns of the map from one of the command's rows to the next.
    pub step: u64,
    /// Pixels behind the end of the row that the window has as well.
    pub behind: u64,
}

/// Whether a command takes the window as it is.
pub(crate) fn is_short(window: &Window) -> bool {
    window.kernel.iter().all(|&taps| taps as u64 <= MOST_TAPS)
}

impl Long {
    /// The window `[1, taps]` with each tap once; `None` where it has no such rows and columns.
    fn exact(taps: u64, dilation: u64) -> Option<Long> {
        let cols = (1..=MOST_TAPS.min(taps)).rev().find(|cols| taps.is_multiple_of(*cols))?;
        let kernel = [taps / cols, cols];
        (kernel[0] <= MOST_TAPS).then_some(Long { kernel, step: cols * dilation, behind: 0 })
    }

    /// The same with taps behind the row's end.
    fn beyond(taps: u64, dilation: u64) -> Option<Long> {
        let more = |behind| Some(Long { behind, ..Long::exact(taps + behind, dilation)? });
        (0..MOST_TAPS).find_map(more)
    }

    /// The same with taps that come twice.
    fn covering(taps: u64, dilation: u64) -> Option<Long> {
        let rows = |rows: u64| Long {
            kernel: [rows, taps - (rows - 1) * (taps / rows)],
            step: taps / rows * dilation,
            behind: 0,
        };
        (taps.div_ceil(MOST_TAPS)..=MOST_TAPS).map(rows).find(|long| long.kernel[1] <= MOST_TAPS)
    }

    /// Whether a tap of the window comes twice.
    pub fn is_twice(&self, window: &Window) -> bool {
        self.kernel[0] * self.kernel[1] != window.kernel[1] as u64
    }

    /// Columns that each of the command's rows has, of a map of `cols` columns.
    pub fn in_cols(&self, cols: u64) -> u64 {
        (cols + self.behind).saturating_sub((self.kernel[0] - 1) * self.step)
    }

    /// `[n][tap][codes]` as the command's window takes them: a tap that comes twice has zeros the first time.
    pub fn spread(&self, weight: &[i8], codes: usize, window: &Window) -> Vec<u8> {
        let (step, dilation) = (self.step as usize, window.dilation[1]);
        let [rows, cols] = self.kernel.map(|size| size as usize);
        let mut all = Vec::with_capacity(weight.len() / window.kernel[1].max(1) * rows * cols);
        for taps in weight.chunks_exact(window.kernel[1] * codes) {
            for (row, col) in (0..rows).flat_map(|row| (0..cols).map(move |col| (row, col))) {
                let again = row + 1 < rows && col * dilation >= step;
                let first = (row * step / dilation + col) * codes;
                match taps.get(first..first + codes).filter(|_| !again) {
                    Some(tap) => all.extend(tap.iter().map(|&code| code as u8)),
                    None => all.resize(all.len() + codes, 0),
                }
            }
        }
        all
    }
}

/// A map, its output and its window as a window along rows; `None` where they are none.
pub(crate) fn along_rows(input: &View, output: &View, window: &Window) -> Option<(View, View, Window)> {
    let [rows, cols] = window.kernel;
    let whole = [rows as u64, cols as u64] == [input.rows, input.cols] && window.dilation == [1, 1];
    if window.pad != [0; 4] {
        None
    } else if rows == 1 {
        Some((*input, *output, *window))
    } else if whole {
        let kernel = [1, rows * cols];
        Some((input.reshaped(1, input.rows * input.cols)?, *output, Window { kernel, ..Window::POINT }))
    } else if input.cols == 1 {
        let turned = |pair: [usize; 2]| [pair[1], pair[0]];
        let (stride, dilation) = (turned(window.stride), turned(window.dilation));
        let window = Window { kernel: [1, rows], stride, dilation, ..*window };
        Some((input.reshaped(1, input.rows)?, output.reshaped(1, output.rows)?, window))
    } else {
        None
    }
}

/// How often a window's taps may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taps {
    /// As often as one likes: a maximum, or weights that can be zero.
    Twice,
    /// Once, and zeros may come as well: a sum.
    Sum,
    /// Once.
    Once,
}

/// The command's window for one of more than [`MOST_TAPS`] columns along rows of `cols`. An error is a sentence.
pub(crate) fn long(window: &Window, cols: u64, taps: Taps) -> Result<Long, String> {
    let count = window.kernel[1] as u64;
    let dilation = window.dilation[1] as u64;
    let long = match taps {
        Taps::Twice => Long::exact(count, dilation).or_else(|| Long::covering(count, dilation)),
        // Behind the end of the row may be whatever adds nothing.
        Taps::Sum if count == cols => Long::beyond(count, dilation),
        Taps::Sum | Taps::Once => Long::exact(count, dilation),
    };
    long.ok_or_else(|| {
        format!(
            "a window of {count} pixels in a row; a command takes up to {MOST_TAPS}, and more where a mean is over \
             the whole row or they are a product of two numbers up to {MOST_TAPS}"
        )
    })
}

/// Why a window that is too long for a command cannot be taken along rows.
pub(crate) fn refusal(window: &Window) -> String {
    let [rows, cols] = window.kernel;
    format!(
        "a window of {rows} x {cols} pixels; a command takes up to {MOST_TAPS} rows and columns, and more only \
         where the window is the whole map, or along one row or column, without padding"
    )
}

/// A map that a window covers whole, with its bytes as few pixels of many channels: the same weights meet the same
/// codes, on fewer lines. `None` where nothing is gained, or the map's bytes have gaps.
pub(crate) fn as_channels(input: &View, window: &Window, most: u64, line: u64) -> Option<(View, Window)> {
    let [rows, cols] = window.kernel.map(|size| size as u64);
    let whole = [rows, cols] == [input.rows, input.cols] && window.pad == [0; 4];
    let plain = input.groups == 1 && input.container == 1 && input.contiguous();
    let even = (window.dilation[0] == 1 || rows == 1) && (window.dilation[1] == 1 || cols == 1);
    let fits = input.channels.is_multiple_of(line) || rows * cols == 1;
    if !whole || !plain || !even || fits && is_short(window) && input.channels <= most {
        return None;
    }
    let row = cols * input.channels;
    let dense = input.dense();
    // Positions, and the channels of each.
    let (positions, channels) = if dense {
        let all = rows * row;
        let bytes = |codes: u64| (codes * input.code_bits()).is_multiple_of(8);
        let even = |cut: u64| all.is_multiple_of(cut) && all / cut <= most && (cut == 1 || bytes(all / cut));
        let cut = (1..=MOST_TAPS).find(|&cut| even(cut))?;
        (cut, all / cut)
    } else {
        (rows, row)
    };
    let stride = if dense { input.block_bytes(channels) } else { input.row_stride };
    let kernel = match Long::exact(positions, 1) {
        Some(_) if positions <= MOST_TAPS => [positions, 1],
        Some(long) => long.kernel,
        None => return None,
    };
    let pixels =
        View { rows: positions, cols: 1, channels, row_stride: stride, col_bits: 8 * stride, ..*input };
    let window = Window { kernel: kernel.map(|size| size as usize), ..Window::POINT };
    Some((pixels.reshaped(kernel[0], kernel[1]).filter(|_| channels <= most)?, window))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns of the taps of a command's window, in its order.
    fn columns(long: Long, dilation: u64) -> Vec<u64> {
        let [rows, cols] = long.kernel;
        (0..rows).flat_map(|row| (0..cols).map(move |col| row * long.step + col * dilation)).collect()
    }

    #[test]
    fn a_long_window_has_each_tap_once_and_in_order() {
        for (taps, dilation) in [(256, 1), (300, 1), (1000, 3), (65_025, 1), (576, 2)] {
            let long = Long::exact(taps, dilation).unwrap();
            assert!(long.kernel.iter().all(|&size| size <= MOST_TAPS), "{long:?}");
            assert_eq!(columns(long, dilation), (0..taps).map(|tap| tap * dilation).collect::<Vec<_>>());
        }
        assert_eq!(Long::exact(257, 1), None);
        assert_eq!(Long::beyond(257, 1), Some(Long { kernel: [2, 129], step: 129, behind: 1 }));
    }

    #[test]
    fn a_tap_that_comes_twice_counts_once() {
        let window = Window { kernel: [1, 257], dilation: [1, 3], ..Window::POINT };
        let long = Long::covering(257, 3).unwrap();
        let weight: Vec<i8> = (0..2 * 257 * 2).map(|index| (index % 113 + 1) as i8).collect();
        let spread = long.spread(&weight, 2, &window);
        let columns = columns(long, 3);
        assert_eq!(spread.len(), 2 * 2 * columns.len());
        for output in 0..2 {
            let mut sums = vec![[0u32; 2]; 257];
            for (tap, &column) in columns.iter().enumerate() {
                for code in 0..2 {
                    sums[column as usize / 3][code] +=
                        u32::from(spread[(output * columns.len() + tap) * 2 + code]);
                }
            }
            let all: Vec<u32> = sums.into_iter().flatten().collect();
            let expected: Vec<u32> = weight[output * 514..][..514].iter().map(|&code| code as u32).collect();
            assert_eq!(all, expected);
        }
    }

    #[test]
    fn a_maximum_covers_any_number_of_taps() {
        for taps in [256, 257, 509, 1019, 5003, 40_009] {
            let mut seen = columns(Long::covering(taps, 2).unwrap(), 2);
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, (0..taps).map(|tap| tap * 2).collect::<Vec<_>>());
        }
    }
}
