//! Are commands counted as the hardware does them, event by event?

use bitgauge_arch::description::MacKind;

use super::*;
use crate::random::{accelerator, alone, compute};
use bitgauge_testing::Random;

/// Position by position.
#[test]
fn positions_inside_a_map_are_counted_once_each() {
    let mut random = Random(9);
    for _ in 0..2000 {
        let [outputs, stride, taps, dilation, pad, size] =
            [9, 4, 5, 4, 7, 9].map(|bound| random.small(bound));
        let place = |output: u32, tap: u32| i64::from(output * stride + tap * dilation) - i64::from(pad);
        let all = (0..outputs).flat_map(|output| (0..taps).map(move |tap| (output, tap)));
        let count = all.filter(|&(output, tap)| (0..i64::from(size)).contains(&place(output, tap))).count();
        assert_eq!(inside(outputs, stride, taps, dilation, pad, size), count as u64);
    }
}

/// Fold by fold, entry by entry, as the hardware fills its lanes: each entry with the line that it was written in.
#[test]
fn parameters_are_read_once_per_fold() {
    let mut random = Random(8);
    let (mut several, mut checked) = ([0, 0], 0);
    while checked < 300 {
        let accelerator = accelerator(&mut random);
        let (rows, cols) = (accelerator.array.rows, accelerator.array.cols);
        let mut c = compute(&mut random);
        c.table_enable = random.small(2);
        let Some(program) = alone(accelerator, Operation::Compute(c.clone())) else { continue };
        let plan = Plan::new(&program);
        let mut counts = Tally::default();
        super::command(&plan, &plan.commands[0].operation, &plan.shapes[0], &mut counts);
        let (pixels, mut read) = (c.out_rows * c.out_cols, 0);
        for column in (0..c.outputs).step_by(cols as usize) {
            for pixel in (0..pixels).step_by(rows as usize) {
                let per_row = c.parameter_per_row == 1;
                read += plan.line.max(8) as u32
                    * if per_row { rows.min(pixels - pixel) } else { cols.min(c.outputs - column) };
                several[c.parameter_per_row as usize] += u32::from(pixel > 0 && column > 0);
            }
        }
        assert_eq!(counts.counts().get(Action::ParameterReadByte), u64::from(read), "{rows}x{cols} {c:?}");
        checked += 1;
    }
    assert!(several.iter().all(|&count| count > 20), "{several:?}");
}

/// Element by element and turn by turn: what the array's registers take in a fold, and which turns of the drain have
/// outputs.
#[test]
fn registers_and_turns_of_the_drain_are_counted_once_each() {
    let mut random = Random(11);
    let (mut checked, mut halves, mut serial, mut scaled) = (0, 0, 0, 0);
    while checked < 2000 {
        let accelerator = accelerator(&mut random);
        let mut c = compute(&mut random);
        c.table_enable = random.small(2);
        c.residual_enable = random.small(2);
        c.tag_shift = random.of(&[0, 0, 1, 2]);
        let Some(program) = alone(accelerator.clone(), Operation::Compute(c.clone())) else { continue };
        let plan = Plan::new(&program);
        let mut counts = Tally::default();
        super::command(&plan, &plan.commands[0].operation, &plan.shapes[0], &mut counts);
        let counts = counts.counts();
        let (rows, cols, lanes) = (accelerator.array.rows, accelerator.array.cols, accelerator.post.lanes);
        let line = u64::from(accelerator.line_bytes());
        let pixels = c.out_rows * c.out_cols;
        let array = &accelerator.array;
        let bits = |field: u32| if field == 0 { 8 } else { field };
        let (planes, weights) = (bits(c.activation_bits), bits(c.weight_bits));
        let (per_byte, bytes) = ([1, 2, 4][c.container as usize], accelerator.line_bytes());
        let twice = if c.tag_shift > 0 { 2 } else { 1 };
        let digits = |bits: u32| 4 >> [8, 4, 2].into_iter().rposition(|most| bits <= most).unwrap();
        let bricks = digits(planes - (twice - 1)) * digits(weights);
        // Products an element makes at once, and codes that come to it at once.
        let (lanes_used, together) = match array.mac {
            MacKind::Fusible => (16 / bricks, (16 / bricks).min(4 * per_byte)),
            _ => (array.lanes, array.lanes),
        };
        let groups = c.channels.min(per_byte * bytes).div_ceil(together);
        let segment_lines = u64::from(c.channels).div_ceil(u64::from(per_byte)).div_ceil(line);
        let (levels, slice) = (array.lanes.ilog2(), array.slice_bits);
        // Registers of an element: operands, what goes with them, flags, the term.
        let (passes, bit_products, registers) = match array.mac {
            MacKind::Fixed => {
                let bits = array.operand_bits;
                let products = if bits < 8 { bits * bits } else { 0 };
                // One code is shifted by its tag, several are dealt twice.
                let twice = if c.tag_shift > 0 && array.lanes > 1 { 2 } else { 1 };
                let place = (0..).find(|&place| 1 << place > array.tag_shift).unwrap();
                (twice, twice * products, 2 * array.lanes * bits + 1 + 3 + place + (2 * bits + 1 + levels))
            }
            MacKind::Fusible => {
                let place = (0..).find(|&place| 1 << place > array.tag_shift).unwrap();
                (twice, twice * 4 * bricks, 32 + 32 + 5 + 3 + place + 17)
            }
            MacKind::Serial => {
                let planes = if c.tag_shift > 0 { 2 * (planes - 1) } else { planes };
                let passes = planes * weights.div_ceil(slice);
                let term = if slice == 1 { 1 } else { slice + 1 } + levels;
                (
                    passes,
                    passes * slice,
                    array.lanes * (1 + slice) + 2 + 8 + u32::from(array.tag_shift > 0) + term,
                )
            }
        };
        let line_beats = (passes * groups).max(rows).max(cols).max(4);
        let lines = u64::from(c.kernel_rows * c.kernel_cols * c.segments) * segment_lines;
        let values = lines * u64::from(line_beats);
        let (mut register, mut accumulator, mut turns, mut elements) = (0, 0, 0, 0u64);
        let wide = |wide: u32| u64::from(lanes * (1 + wide)) > line;
        let two_steps = wide(c.output_wide) || (c.residual_enable == 1 && wide(c.residual_wide));
        for column in (0..c.outputs).step_by(cols as usize) {
            for pixel in (0..pixels).step_by(rows as usize) {
                for _element in 0..rows * cols {
                    elements += 1;
                    register += values * u64::from(registers);
                    accumulator += (values + 1) * 32;
                }
                for _row in pixel..pixels.min(pixel + rows) {
                    for group in (column..c.outputs.min(column + cols)).step_by(lanes as usize) {
                        let left = c.outputs.min(column + cols) - group;
                        turns += 1 + u64::from(two_steps && left > lanes / 2);
                        halves += u32::from(two_steps && left <= lanes / 2);
                    }
                }
            }
        }
        assert_eq!(counts.get(Action::PeRegisterBit), register, "{c:?}");
        // Products that the elements had time for, useful or not.
        let room = elements * values * u64::from(lanes_used) / u64::from(passes);
        let both = |useful, padding| counts.get(useful) + counts.get(padding);
        let whole = both(Action::ArrayMac, Action::ArrayPaddingMac);
        let by_bits = both(Action::ArrayBitProduct, Action::ArrayPaddingBitProduct);
        assert_eq!(
            (whole, by_bits),
            if bit_products == 0 {
                (room * u64::from(passes), 0)
            } else {
                (0, room * u64::from(bit_products))
            }
        );
        scaled += u32::from(c.tag_shift > 0);
        serial += u32::from(bit_products > 0);
        assert_eq!(counts.get(Action::PeAccumulatorBit), accumulator, "{c:?}");
        let tables = turns * u64::from(c.table_enable * (1 - c.accumulate) * lanes) * line;
        assert_eq!(counts.get(Action::TableReadByte), tables, "{c:?}");
        checked += 1;
    }
    assert!(halves > 5 && serial > 30 && scaled > 100, "{halves} {serial} {scaled}");
}
