//! The compute unit's first stage against the cycle contract and a plain model of addresses and values.
#![allow(clippy::unwrap_used)]

mod common;

use bitgauge_arch::Accelerator;
use bitgauge_arch::code::OperandContainer;
use bitgauge_arch::command::{Compute, RegisterFile};
use bitgauge_arch::description::MacKind;
use bitgauge_arch::timing::{COMPUTE_SETUP, FEED_LATENCY, compute};
use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::units::Shape;
use bitgauge_rtl::units::compute::feed::Feed;
use bitgauge_rtl::units::mac::{MacShape, flag, mode};
use bitgauge_rtl::verilog::{Options, Reset, elaborate};
use rust_hdl::prelude::{Block, simulate};
use std::collections::BTreeMap;

struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 16) % u64::from(end.max(1))) as u32
    }
    fn of(&mut self, choices: &[u32]) -> u32 {
        choices[self.below(choices.len() as u32) as usize]
    }
}

fn accelerator(rows: u32, cols: u32, lanes: u32, bus: u32) -> Accelerator {
    let mut a = Accelerator::from_toml(include_str!("../../../designs/reference-16x16.toml")).unwrap();
    (a.array.rows, a.array.cols, a.post.lanes) = (rows, cols, lanes);
    a.memory.bus_bits = 8 * bus;
    a.vector.lanes = 1;
    a.check().unwrap();
    a
}

/// What a scratchpad holds: a byte of a line, of activations (0) or weights (1).
fn byte(space: u32, line: u32, index: usize) -> u8 {
    let mut x = (u64::from(space) << 40) + (u64::from(line) << 8) + index as u64;
    x = (x ^ (x >> 17)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (x >> 37) as u8
}

fn command(random: &mut Random, line: u32, cols: u32) -> Compute {
    let mut c = Compute {
        activation_line: random.below(1 << 24),
        weight_line: random.below(1 << 24),
        out_rows: 1 + random.below(4),
        out_cols: 1 + random.below(5),
        in_rows: 1 + random.below(5),
        in_cols: 1 + random.below(6),
        kernel_rows: 1 + random.below(3),
        kernel_cols: 1 + random.below(3),
        stride_rows: random.of(&[1, 1, 2, 3, 255]),
        stride_cols: random.of(&[1, 1, 2, 3, 255]),
        pad_top: random.of(&[0, 1, 2, 255]),
        pad_left: random.of(&[0, 1, 2]),
        dilation_rows: random.below(3),
        dilation_cols: random.below(3),
        channels: 1 + random.below(2 * line + 2),
        segments: 1 + random.below(2),
        segment_stride: random.below(1 << 24),
        pad_code: random.below(256),
        row_stride: random.below(1 << 24),
        activation_signed: random.below(2),
        grouped: random.below(2),
        pixel_stride: random.below(1 << 16),
        outputs: 1 + random.below(2 * cols + 2),
        weight_stride: random.below(1 << 16),
        output_wide: random.below(2),
        residual_enable: random.below(2),
        residual_wide: random.below(2),
        activation_bits: random.of(&[0, 0, 2, 3, 4, 5, 6, 7, 8]),
        weight_bits: random.of(&[0, 0, 2, 3, 4, 5, 6, 7, 8]),
        ..Compute::default()
    };
    match random.below(8) {
        // Short sums, so that the drain sets the pace.
        0..=3 => {
            (c.kernel_rows, c.kernel_cols, c.segments) = (1, 1 + random.below(2), 1);
            c.channels = 1 + random.below(line);
        }
        4 => [&mut c.out_rows, &mut c.out_cols, &mut c.outputs]
            .into_iter()
            .nth(random.below(3) as usize)
            .map_or((), |count| *count = 0),
        _ => {}
    }
    c
}

/// What the ports show in a cycle; what is absent does not happen, or is of no matter.
#[derive(Default)]
struct Expected {
    read: [Option<u32>; 2],
    /// By row: what the elements get, unless the row does not exist.
    rows: BTreeMap<usize, Option<Vec<i128>>>,
    /// By row: what goes with it, where it is not nothing.
    modes: BTreeMap<usize, i128>,
    /// By row: place in the fold; sign and place of the term where it is not nothing.
    flags: BTreeMap<usize, (i128, Option<i128>)>,
    cols: BTreeMap<usize, Vec<i128>>,
    push: Option<bool>,
    fold: Option<(u32, u32, bool)>,
    fed: bool,
    taken: bool,
    busy: bool,
}

#[derive(Default)]
struct Model {
    cycles: BTreeMap<u64, Expected>,
    shadow_free: u64,
    drain_free: u64,
    /// Cycles of waiting for the drain.
    waits: u64,
}

impl Model {
    fn at(&mut self, cycle: u64) -> &mut Expected {
        self.cycles.entry(cycle).or_default()
    }

    /// Plans a command that starts at `start`; the cycle from which the stage is free.
    fn plan(&mut self, accelerator: &Accelerator, c: &Compute, start: u64) -> u64 {
        let timing = compute(accelerator, c);
        let setup_end = start + COMPUTE_SETUP;
        let empty = timing.folds() == 0;
        self.at(start + 1).push = Some(empty);
        for cycle in start..setup_end {
            self.at(cycle).busy = true;
        }
        let mut free = setup_end;
        if !empty {
            let end = self.shadow_free.max(self.drain_free.saturating_sub(timing.drain_offset));
            let feed_start = setup_end.max(end.saturating_sub(FEED_LATENCY + timing.beats));
            free = feed_start + timing.feed_cycles();
            self.waits += feed_start - setup_end;
            let last = feed_start + timing.last_fold_end();
            self.shadow_free = last + timing.drain_interval;
            self.drain_free = last + timing.drain_offset + timing.drain_cycles;
            for fold in 0..timing.folds() {
                self.fold(accelerator, c, fold, feed_start + fold * timing.interval);
            }
        }
        self.at(free - 1).fed = true;
        for cycle in start..free {
            self.at(cycle).taken = true;
        }
        free
    }

    fn fold(&mut self, accelerator: &Accelerator, c: &Compute, fold: u64, start: u64) {
        let timing = compute(accelerator, c);
        let line = accelerator.line_bytes();
        let (rows, cols) = (accelerator.array.rows, accelerator.array.cols);
        // Narrow codes lie two or four to a byte.
        let segment_bytes = c.channels.div_ceil(1 << c.container);
        let words = segment_bytes.div_ceil(line);
        let column = (fold / timing.row_folds) as u32 * cols;
        let pixel = (fold % timing.row_folds) as u32 * rows;
        for cycle in 0..timing.beats {
            self.at(start + cycle).busy = true;
        }
        self.at(start + timing.beats + FEED_LATENCY).fold = Some((pixel, column, fold + 1 == timing.folds()));
        let total = c.kernel_rows * c.kernel_cols * c.segments * words;
        let b = accelerator.line_beats(c.operands(), c.operand_container(), u64::from(c.channels)) as u32;
        let mac = MacShape::of(&accelerator.array);
        for j in 0..total {
            let (word, rest) = (j % words, j / words);
            let (segment, rest) = (rest % c.segments, rest / c.segments);
            let (s, r) = (rest % c.kernel_cols, rest / c.kernel_cols);
            let codes = ((segment_bytes - word * line).min(line) << c.container) as usize;
            let narrow = |byte: &dyn Fn(usize) -> u8, k: usize| narrow(c, byte, k);
            for slot in 0..b.max(rows).max(cols) {
                let read_at = start + u64::from(j * b + slot);
                let value_at = |k: usize| read_at + 2 + k as u64;
                if slot < rows {
                    let pixel = pixel + slot;
                    let exists = pixel < c.out_rows * c.out_cols;
                    let (y, x) = (pixel / c.out_cols, pixel % c.out_cols);
                    let iy = i64::from(y * c.stride_rows + r * c.dilation_rows) - i64::from(c.pad_top);
                    let ix = i64::from(x * c.stride_cols + s * c.dilation_cols) - i64::from(c.pad_left);
                    let inside =
                        (0..i64::from(c.in_rows)).contains(&iy) && (0..i64::from(c.in_cols)).contains(&ix);
                    let group = if c.grouped == 1 { column / (line << c.container) } else { 0 };
                    let address = i64::from(c.activation_line)
                        + iy * i64::from(c.row_stride)
                        + ix * i64::from(c.pixel_stride)
                        + i64::from(segment) * i64::from(c.segment_stride)
                        + i64::from(word + group);
                    let address = address.rem_euclid(1 << 24) as u32;
                    if exists && inside {
                        self.at(read_at).read[0] = Some(address);
                    }
                    let value = |k: usize| match (k < codes, inside) {
                        (false, _) => 0,
                        (_, false) => narrow(&|_| c.pad_code as u8, k),
                        _ => narrow(&|at| byte(0, address, at), k),
                    };
                    for k in 0..b as usize {
                        let dealt = dealt(&mac, line as usize, c, k);
                        let at = value_at(k);
                        let codes = dealt.row(&mac, value);
                        self.at(at).rows.insert(slot as usize, exists.then_some(codes));
                        let first = j == 0 && k == 0;
                        let last = j + 1 == total && k + 1 == b as usize;
                        let place = 1 << flag::VALID
                            | i128::from(first) << flag::FIRST
                            | i128::from(last) << flag::LAST;
                        if dealt.live {
                            self.at(at).modes.insert(slot as usize, dealt.mode);
                        }
                        let place_of = if exists { dealt.place(&mac, value) } else { 0 };
                        let term = dealt.live.then_some(dealt.flags | place_of);
                        self.at(at + 1).flags.insert(slot as usize, (place, term));
                    }
                }
                if slot < cols && column + slot < c.outputs {
                    let address = u64::from(c.weight_line)
                        + u64::from(column + slot) * u64::from(c.weight_stride)
                        + u64::from(j);
                    let address = (address % (1 << 24)) as u32;
                    self.at(read_at).read[1] = Some(address);
                    let value = |k: usize| if k < codes { narrow(&|at| byte(1, address, at), k) } else { 0 };
                    for k in 0..b as usize {
                        let dealt = dealt(&mac, line as usize, c, k);
                        self.at(value_at(k)).cols.insert(slot as usize, dealt.column(&mac, value));
                    }
                }
            }
        }
    }
}

/// What the lanes deal at a position of a line.
struct Dealt {
    /// There are codes left.
    live: bool,
    /// First code, and how many are taken at once.
    first: usize,
    together: usize,
    /// `fusible`: digits of an activation and of a weight.
    digits: [usize; 2],
    /// Place of the activations' bit, and of the weights' slice.
    plane: usize,
    slice_low: usize,
    /// Bits of a container.
    bits: usize,
    /// Of codes of two scales: where the tag is, whether the payload has a sign, the shift, and whether the pass takes
    /// coarse codes (`None` where one pass takes all).
    tag: Option<(usize, bool, u32, Option<bool>)>,
    mode: i128,
    flags: i128,
}

/// Digits of two bits that codes have.
fn digits(bits: usize) -> usize {
    match bits {
        0..=2 => 1,
        3..=4 => 2,
        _ => 4,
    }
}

fn dealt(mac: &MacShape, line: usize, c: &Compute, position: usize) -> Dealt {
    let signed = c.activation_signed == 1;
    let operands = c.operands();
    let (tagged, bits) = (c.tag_shift > 0, operands.activation_bits as usize);
    let (planes, slices) = match mac.kind {
        MacKind::Fixed | MacKind::Fusible => (1, 1),
        MacKind::Serial => (bits - usize::from(tagged), (operands.weight_bits as usize).div_ceil(mac.slice)),
    };
    let split = tagged && (mac.kind != MacKind::Fixed || mac.lanes > 1);
    let passes = if split { 2 } else { 1 };
    let (group, rest) = (position / (passes * planes * slices), position % (passes * planes * slices));
    let (coarse, rest) = (rest / (planes * slices) == 1, rest % (planes * slices));
    let tag = tagged.then_some((bits - 1, signed, c.tag_shift, split.then_some(coarse)));
    let raised = if coarse { i128::from(c.tag_shift) } else { 0 };
    let (slice, plane) = (slices - 1 - rest / planes, planes - 1 - rest % planes);
    let codes = (c.channels as usize).min(line << c.container);
    let digits = [bits - usize::from(tagged), operands.weight_bits as usize].map(digits);
    let together = match mac.kind {
        // Sixteen products of digits, of 32 bits of codes.
        MacKind::Fusible => (16 / (digits[0] * digits[1])).min(4 << c.container),
        _ => mac.lanes,
    };
    // `serial` alone ends with the codes; the others go on to the line's end, where codes are zero.
    let end = if mac.kind == MacKind::Serial { codes } else { line << c.container };
    let (mode, flags) = match mac.kind {
        MacKind::Fixed => (i128::from(signed) << mode::SIGNED, raised << flag::FIXED_SHIFT),
        MacKind::Fusible => {
            let joined = |most: usize, bit: usize, of: usize| i128::from(digits[of] > most) << bit;
            let join = joined(1, mode::I0, 0)
                | joined(2, mode::I1, 0)
                | joined(1, mode::J0, 1)
                | joined(2, mode::J1, 1);
            (i128::from(signed) << mode::SIGNED | join << mode::JOIN, raised << flag::FIXED_SHIFT)
        }
        MacKind::Serial => {
            let (first, top) = (plane + 1 == planes, slice + 1 == slices);
            let negative = (first && signed) != (mac.slice == 1 && top);
            let place = (plane + slice * mac.slice) as i128 + raised;
            (
                i128::from(first) << mode::LOAD | i128::from(top) << mode::TOP,
                i128::from(negative) << flag::NEGATE | place << flag::SHIFT,
            )
        }
    };
    let first = group * together;
    let bits = 8 >> c.container;
    Dealt {
        live: first < end,
        first,
        together,
        digits,
        plane,
        slice_low: slice * mac.slice,
        bits,
        tag,
        mode,
        flags,
    }
}

impl Dealt {
    /// What counts of a code: all of it, or its payload where the pass takes it.
    fn payload(&self, code: u8) -> u8 {
        let Some((tag, signed, _, coarse)) = self.tag else { return code };
        if coarse.is_some_and(|coarse| coarse != (code >> tag & 1 == 1)) {
            return 0;
        }
        let unused = 8 - tag;
        if signed { ((code << unused) as i8 >> unused) as u8 } else { code << unused >> unused }
    }

    /// The place of a single code's term, as flags.
    fn place(&self, mac: &MacShape, code: impl Fn(usize) -> u8) -> i128 {
        match self.tag {
            Some((tag, _, shift, None)) if self.live && code(self.first) >> tag & 1 == 1 => {
                i128::from(shift) << mac.shift_low()
            }
            _ => 0,
        }
    }

    fn row(&self, mac: &MacShape, code: impl Fn(usize) -> u8) -> Vec<i128> {
        let code = |k: usize| self.payload(code(k));
        let codes = (self.first..self.first + self.together).map(|k| if self.live { code(k) } else { 0 });
        match mac.kind {
            MacKind::Fixed => codes.map(|code| i128::from(code) & ((1 << mac.operand) - 1)).collect(),
            MacKind::Fusible => vec![self.digits_of(&codes.collect::<Vec<u8>>(), false)],
            MacKind::Serial => vec![joined(codes.map(|code| code >> self.plane & 1))],
        }
    }

    /// Digits of sixteen products. The bits of a product's place say, from the highest on, which digit it takes: i1 of the
    /// activation, j1 of the weight, i0, j0. Those that are no digit's tell codes apart.
    fn digits_of(&self, codes: &[u8], of_weight: bool) -> i128 {
        let [a, w] = self.digits;
        let mut word = 0;
        for place in 0..16usize {
            let bits = [place & 1, place >> 1 & 1, place >> 2 & 1, place >> 3 & 1];
            let is_digit = [w > 1, a > 1, w > 2, a > 2];
            let digit = |low: usize| {
                let high = if is_digit[low + 2] { 2 * bits[low + 2] } else { 0 };
                high + if is_digit[low] { bits[low] } else { 0 }
            };
            let free = (0..4).filter(|&bit| !is_digit[bit]).enumerate();
            let number: usize = free.map(|(weight, bit)| bits[bit] << weight).sum();
            let digit = digit(usize::from(!of_weight));
            let code = codes.get(number).copied().unwrap_or(0);
            word |= i128::from(code >> (2 * digit) & 3) << (2 * place);
        }
        word
    }

    fn column(&self, mac: &MacShape, code: impl Fn(usize) -> u8) -> Vec<i128> {
        let codes = (self.first..self.first + self.together).map(|k| if self.live { code(k) } else { 0 });
        if mac.kind == MacKind::Fusible {
            return vec![self.digits_of(&codes.collect::<Vec<u8>>(), true)];
        }
        let extended = |code: u8| i32::from((code << (8 - self.bits)) as i8 >> (8 - self.bits));
        let slice = codes.map(|code| ((extended(code) >> self.slice_low) & ((1 << mac.slice) - 1)) as u8);
        match mac.kind {
            MacKind::Fixed => (self.first..self.first + mac.lanes)
                .map(|k| {
                    let unused = 8 - mac.operand;
                    if self.live { i128::from((code(k) << unused) as i8 >> unused) } else { 0 }
                })
                .collect(),
            MacKind::Fusible => Vec::new(),
            MacKind::Serial if mac.slice == 1 => vec![joined(slice)],
            MacKind::Serial => slice.map(i128::from).collect(),
        }
    }
}

/// Code number `k` of a line of bytes.
fn narrow(c: &Compute, byte: &dyn Fn(usize) -> u8, k: usize) -> u8 {
    let bits = 8 >> c.container;
    let mask = (0xff >> (8 - bits)) as u8;
    byte(k >> c.container) >> (k % (1 << c.container) * bits) & mask
}

fn joined(bits: impl Iterator<Item = u8>) -> i128 {
    bits.enumerate().map(|(lane, bit)| i128::from(bit) << lane).sum()
}

/// Plays commands; returns the cycles and how many of them waited for the drain before a first fold.
fn play(accelerator: &Accelerator, commands: &[Compute], reset: Reset, tools: bool, seed: u64) -> (u64, u64) {
    let shape = Shape::of(accelerator);
    let mut feed = Feed::new(&shape);
    feed.connect_all();
    let design = elaborate(&feed, &Options { reset, ..Options::default() }).unwrap();
    let mut bench = Bench::new(&design);
    let mut random = Random(seed);
    let mut model = Model::default();
    let (mut free, mut next, mut gap) = (0u64, 0, 0);
    let mut asked = [None, None];
    let mut now = 0;
    while next < commands.len() || now < free + 80 {
        let start = next < commands.len() && now >= free + gap;
        feed.start.next = start;
        let ports = [&mut feed.activation_rdata, &mut feed.weight_rdata];
        for (space, (port, line)) in ports.into_iter().zip(asked).enumerate() {
            for (index, signal) in port.iter_mut().enumerate() {
                let value = match line {
                    Some(line) => byte(space as u32, line, index),
                    None => random.below(256) as u8,
                };
                signal.next = i64::from(value).into();
            }
        }
        if start {
            free = model.plan(accelerator, &commands[next], now);
            gap = if random.below(3) == 0 { u64::from(random.below(60)) } else { 0 };
        }
        feed.clock.next.clk = false;
        assert!(simulate(&mut feed, 1000));
        let expected = model.cycles.remove(&now).unwrap_or_default();
        check(&feed, &expected, now, now >= free || (start && expected.taken));
        let port = |enabled: bool, line: i128| enabled.then_some(line as u32);
        asked = [
            port(feed.activation_re.val(), feed.activation_raddr.val().value()),
            port(feed.weight_re.val(), feed.weight_raddr.val().value()),
        ];
        if tools {
            bench.capture(&feed);
        }
        feed.clock.next.clk = true;
        assert!(simulate(&mut feed, 1000));
        // Registers change in the cycle after the start.
        if start {
            for (port, value) in feed.registers.iter_mut().zip(commands[next].to_registers().unwrap()) {
                port.next = i64::from(value).into();
            }
            next += 1;
        }
        now += 1;
    }
    if tools {
        common::icarus(&design, &bench);
        common::verilator(&design);
        common::yosys(&design);
    }
    (now, model.waits)
}

fn check(feed: &Feed, expected: &Expected, now: u64, ready: bool) {
    let port = |enabled: bool, line: i128| enabled.then_some(line as u32);
    let reads = [
        port(feed.activation_re.val(), feed.activation_raddr.val().value()),
        port(feed.weight_re.val(), feed.weight_raddr.val().value()),
    ];
    assert_eq!(reads, expected.read, "reads in {now}");
    let rows = feed.flags.len();
    let words = feed.a.len() / rows;
    for row in 0..rows {
        let seen = feed.flags[row].val().value();
        let (place, term) = expected.flags.get(&row).copied().unwrap_or((0, None));
        // Of what does not belong to a fold nothing else matters.
        let places = if place == 0 { 1 << flag::VALID } else { (1 << flag::NEGATE) - 1 };
        assert_eq!(seen & places, place, "place of row {row} in {now}");
        if let Some(term) = term {
            assert_eq!(seen - place, term, "term of row {row} in {now}");
        }
        if let Some(mode) = expected.modes.get(&row) {
            assert_eq!(feed.mode[row].val().value(), *mode, "mode of row {row} in {now}");
        }
        if let Some(codes) = expected.rows.get(&row) {
            let seen: Vec<i128> =
                feed.a[row * words..][..words].iter().map(|signal| signal.val().value()).collect();
            assert_eq!(seen, codes.clone().unwrap_or(vec![0; words]), "row {row} in {now}");
        }
    }
    for (col, codes) in &expected.cols {
        let words = codes.len();
        let seen: Vec<i128> =
            feed.w[*col * words..][..words].iter().map(|signal| signal.val().value()).collect();
        assert_eq!(seen, *codes, "column {col} in {now}");
    }
    assert_eq!(feed.push.val().then(|| feed.push_empty.val()), expected.push, "push in {now}");
    let fold = feed.fold_end.val().then(|| {
        let number = |value: i128| value as u32;
        let (pixel, column) = (feed.fold_pixel.val().value(), feed.fold_column.val().value());
        (number(pixel), number(column), feed.fold_last.val())
    });
    assert_eq!(fold, expected.fold, "fold end in {now}");
    assert_eq!(feed.fed.val(), expected.fed, "fed in {now}");
    assert_eq!(feed.ready.val(), ready, "ready in {now}");
    assert_eq!(feed.stage_taken.val(), expected.taken, "taken in {now}");
    assert_eq!(feed.busy_stage.val(), expected.busy, "busy in {now}");
    assert_eq!(feed.waits_drain.val(), expected.taken && !expected.busy, "waiting in {now}");
}

fn commands(accelerator: &Accelerator, count: usize, seed: u64) -> Vec<Compute> {
    let mut random = Random(seed);
    let one = |_| {
        let mut c = command(&mut random, accelerator.line_bytes(), accelerator.array.cols);
        if accelerator.array.mac == MacKind::Fixed {
            c.container = OperandContainer::of_bits(accelerator.array.operand_bits).code();
        } else {
            c.container = random.below(3);
            let most = 8 >> c.container;
            (c.activation_bits, c.weight_bits) = (2 + random.below(most - 1), 2 + random.below(most - 1));
            c.channels += random.below(2) * c.container * accelerator.line_bytes();
        }
        let most = (8u32 >> c.container).min(accelerator.array.widest());
        if accelerator.array.tag_shift > 0 && most > 2 && random.below(4) > 0 {
            c.tag_shift = 1 + random.below(accelerator.array.tag_shift);
            c.activation_bits = 3 + random.below(most - 2);
        }
        c
    };
    (0..count).map(one).collect()
}

#[test]
fn random_commands_keep_contract_and_values() {
    for (rows, cols, lanes, bus, count) in
        [(2, 2, 2, 4, 60), (4, 4, 4, 4, 40), (8, 4, 1, 4, 8), (4, 3, 1, 8, 12)]
    {
        let accelerator = accelerator(rows, cols, lanes, bus);
        let seed = u64::from(rows * 100 + cols);
        play(&accelerator, &commands(&accelerator, count, seed), Reset::Initial, false, seed);
    }
}

/// An accelerator whose elements are of another kind.
fn of_kind(mac: MacKind, lanes: u32, slice: u32, port: u32, [rows, cols, bus]: [u32; 3]) -> Accelerator {
    let mut accelerator = accelerator(rows, cols, 1, bus);
    let array = &mut accelerator.array;
    (array.mac, array.lanes, array.slice_bits, array.port_bits) = (mac, lanes, slice, port);
    accelerator.check().unwrap();
    accelerator
}

#[test]
fn every_kind_keeps_contract_and_values() {
    use MacKind::{Fixed, Fusible, Serial};
    for (mac, lanes, slice, port, sizes, count) in [
        (Fusible, 1, 1, 8, [2, 3, 4], 20),
        (Fusible, 1, 1, 0, [4, 4, 4], 20),
        // Lines that take longer than they have codes for, and lines that rows are read from at leisure.
        (Fixed, 4, 1, 8, [4, 4, 4], 20),
        (Fixed, 2, 1, 0, [3, 4, 4], 20),
        (Fixed, 8, 1, 0, [4, 2, 8], 12),
        (Serial, 8, 1, 8, [2, 3, 4], 12),
        (Serial, 8, 8, 8, [4, 4, 8], 16),
        (Serial, 16, 2, 0, [4, 4, 4], 8),
        (Serial, 8, 4, 16, [5, 3, 16], 10),
        (Serial, 64, 1, 0, [2, 2, 4], 4),
    ] {
        let accelerator = of_kind(mac, lanes, slice, port, sizes);
        let seed = u64::from(lanes * 1000 + slice * 100 + sizes[0]);
        let commands = commands(&accelerator, count, seed);
        play(&accelerator, &commands, Reset::Initial, false, seed);
        play(&accelerator, &commands[..3], Reset::Synchronous, true, seed + 1);
    }
    for (operand, lanes, sizes) in
        [(4, 1, [4, 4, 4]), (3, 2, [8, 3, 4]), (2, 4, [4, 4, 8]), (6, 1, [3, 4, 4])]
    {
        let mut accelerator = accelerator(sizes[0], sizes[1], 1, sizes[2]);
        let array = &mut accelerator.array;
        (array.operand_bits, array.lanes, array.port_bits) = (operand, lanes, 0);
        accelerator.check().unwrap();
        let seed = u64::from(operand * 1000 + lanes);
        let commands = commands(&accelerator, 15, seed);
        play(&accelerator, &commands, Reset::Initial, false, seed);
        play(&accelerator, &commands[..3], Reset::Synchronous, true, seed + 1);
    }
}

#[test]
fn codes_of_two_scales_keep_contract_and_values() {
    use MacKind::{Fixed, Fusible, Serial};
    for (mac, operand, lanes, slice, port, sizes, shift) in [
        (Fixed, 8, 1, 1, 0, [4, 4, 4], 8),
        (Fixed, 4, 1, 1, 0, [4, 3, 4], 1),
        (Fixed, 8, 4, 1, 8, [4, 4, 4], 5),
        (Fixed, 6, 2, 1, 0, [3, 4, 4], 2),
        (Serial, 8, 8, 1, 8, [2, 3, 4], 8),
        (Serial, 8, 8, 8, 8, [4, 4, 8], 3),
        (Serial, 8, 16, 2, 0, [4, 4, 4], 1),
        (Fusible, 8, 1, 1, 0, [3, 4, 4], 6),
    ] {
        let mut accelerator = of_kind(mac, lanes, slice, port, sizes);
        (accelerator.array.operand_bits, accelerator.array.tag_shift) = (operand, shift);
        accelerator.check().unwrap();
        let seed = u64::from(lanes * 1000 + slice * 100 + operand * 10 + shift);
        let commands = commands(&accelerator, 14, seed);
        assert!(commands.iter().any(|c| c.tag_shift > 0) && commands.iter().any(|c| c.tag_shift == 0));
        play(&accelerator, &commands, Reset::Initial, false, seed);
        play(&accelerator, &commands[..3], Reset::Synchronous, true, seed + 1);
    }
}

#[test]
fn short_commands_wait_for_the_drain() {
    // Shapes whose wide outputs take two cycles a row, after and before those that take one.
    let mut waits = [0; 3];
    for (wait, (rows, cols, lanes, bus)) in waits.iter_mut().zip([(4, 4, 4, 4), (8, 8, 8, 8), (8, 8, 1, 4)]) {
        let accelerator = accelerator(rows, cols, lanes, bus);
        let mut random = Random(u64::from(rows * 10 + lanes));
        let line = accelerator.line_bytes();
        let short: Vec<_> = (0..50)
            .map(|_| Compute {
                kernel_rows: 1,
                kernel_cols: 1 + random.below(2),
                segments: 1,
                channels: 1 + random.below(line),
                out_rows: 1,
                out_cols: 1 + random.below(rows + 1),
                outputs: 1 + random.below(cols + 1),
                ..command(&mut random, line, cols)
            })
            .collect();
        *wait = play(&accelerator, &short, Reset::Initial, false, 5).1;
    }
    assert!(waits[1] > 20 && waits[2] > 100, "{waits:?}");
}

#[test]
fn printed_feeds_agree_with_icarus() {
    for (rows, cols, lanes, bus, reset, count) in [
        (2, 2, 2, 4, Reset::Synchronous, 30),
        (4, 6, 2, 8, Reset::Asynchronous, 12),
        (3, 8, 8, 16, Reset::Initial, 6),
        (8, 8, 8, 8, Reset::Synchronous, 8),
    ] {
        let accelerator = accelerator(rows, cols, lanes, bus);
        let seed = u64::from(rows * 1000 + cols);
        play(&accelerator, &commands(&accelerator, count, seed), reset, true, seed);
    }
}

#[test]
fn positions_far_outside_stay_outside() {
    let accelerator = accelerator(2, 2, 2, 4);
    let command = Compute {
        out_rows: 400,
        out_cols: 1,
        in_rows: 65_535,
        in_cols: 1,
        kernel_rows: 2,
        kernel_cols: 1,
        stride_rows: 255,
        stride_cols: 1,
        dilation_rows: 255,
        channels: 3,
        segments: 1,
        row_stride: 77,
        outputs: 1,
        ..Compute::default()
    };
    let across = Compute {
        out_rows: 1,
        out_cols: 400,
        in_rows: 1,
        in_cols: 65_535,
        kernel_rows: 1,
        kernel_cols: 2,
        stride_cols: 255,
        dilation_cols: 255,
        pad_left: 255,
        pixel_stride: 3,
        ..command.clone()
    };
    play(&accelerator, &[command, across], Reset::Initial, false, 1);
}
