//! Do the vector kernels stay inside their operands, do all of them give the same bits, and which of them ran here?
//!
//! Operands end, or begin, at a page that may not be touched: one byte too far ends the process. Every choice of
//! `BITGAUGE_KERNEL` has a process of its own, and a sum over all results has to be the same in each.
#![cfg(unix)]
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod float;
mod guarded;

use std::hash::Hasher as _;
use std::process::{Command, Output};

use bitgauge_arch::arith::depthwise::{accumulate_tap, accumulate_taps};
use bitgauge_arch::arith::gemm::{Kernel, PackedMatrix, matmul};
use bitgauge_arch::arith::host::{KERNELS, Vectors, vectors};
use bitgauge_arch::arith::rows::{
    Emit, Rescaled, Scales, emit, emit_rows, emit_sum, narrow, requantize, widen,
};
use bitgauge_arch::arith::windows::Depthwise;
use bitgauge_arch::arith::{ChannelParameter, Post, Requant, Signedness};
use bitgauge_arch::code::Container;
use bitgauge_models::float::gemm::{MatRef, sgemm};
use bitgauge_testing::Random;
use bitgauge_tests::skipped;
use fnv::FnvHasher;

use guarded::{Edge, Guarded};

const EDGES: [Edge; 2] = [Edge::First, Edge::Last];
const SIGNS: [Signedness; 2] = [Signedness::Signed, Signedness::Unsigned];

/// FNV-1a over all results.
struct Sum(FnvHasher);

impl Sum {
    fn add(&mut self, bytes: impl IntoIterator<Item = u8>) {
        bytes.into_iter().for_each(|byte| self.0.write_u8(byte));
    }

    fn add_all(&mut self, values: &[i32]) {
        self.add(values.iter().flat_map(|value| value.to_le_bytes()));
    }
}

fn bytes(random: &mut Random, count: usize, edge: Edge) -> Guarded<u8> {
    let bytes: Vec<u8> = (0..count).map(|_| random.below(256) as u8).collect();
    Guarded::new(&bytes, edge)
}

fn sums(random: &mut Random, count: usize, edge: Edge) -> Guarded<i32> {
    let sums: Vec<i32> = (0..count).map(|_| random.within(0, 1 << 20) as i32 - (1 << 19)).collect();
    Guarded::new(&sums, edge)
}

fn scales(random: &mut Random, count: usize) -> Scales {
    let entry = |random: &mut Random| ChannelParameter {
        bias: random.within(0, 1 << 16) as i32 - (1 << 15),
        requant: Requant {
            mantissa: random.within(0x8000, 0xffff) as u16,
            shift: random.within(20, 30) as u8,
        },
        negate: random.below(4) == 0,
        channel_shift: 0,
    };
    let bytes: Vec<u8> = (0..count).flat_map(|_| entry(random).to_bytes()).collect();
    let mut scales = Scales::default();
    scales.read(&bytes);
    scales
}

fn products(random: &mut Random, sum: &mut Sum, edge: Edge) {
    let kernels = Kernel::available();
    for round in 0..80usize {
        let [m, n, k] = [1 + random.below(30) as usize, random.below(70) as usize, random.below(75) as usize];
        let (a_stride, out_stride) = (k + round % 3, n + round % 2);
        let a = bytes(random, (m - 1) * a_stride + k, edge);
        let b = bytes(random, n * k, edge);
        for sign in SIGNS {
            let mut first: Option<Vec<i32>> = None;
            for &kernel in &kernels {
                let packed = PackedMatrix::pack_for(kernel, n, k, |row| &b[row * k..][..k]);
                let mut out = Guarded::new(&vec![0; (m - 1) * out_stride + n], edge);
                matmul(&a, a_stride, sign, m, &packed, &mut out, out_stride);
                assert_eq!(first.get_or_insert_with(|| out.to_vec())[..], out[..], "{kernel:?}");
            }
            sum.add_all(&first.unwrap());
        }
    }
}

fn rows(random: &mut Random, sum: &mut Sum, edge: Edge) {
    let post = Post { zero_point: -3, clamp_low: -128, clamp_high: 127 };
    for columns in 1..70usize {
        let scales = scales(random, columns);
        let (rows, stride) = (1 + columns % 4, columns + columns % 5);
        let values = sums(random, rows * columns, edge);
        let codes = bytes(random, columns, edge);
        let requant = Requant { mantissa: 0xb123, shift: 15 };
        let residual = Rescaled { codes: &codes, signed: columns % 2 == 0, zero_point: 7, requant };
        let mut wide = Guarded::new(&vec![0; columns], edge);
        requantize(&values[..columns], &scales, &mut wide);
        sum.add_all(&wide);
        for most in [1 << 19, u32::MAX] {
            let emit = Emit { scales: &scales, residual: None, post, most };
            let mut out = Guarded::new(&vec![0; (rows - 1) * stride + columns], edge);
            emit_rows(&values, columns, &emit, (&mut out, stride));
            sum.add(out.iter().copied());
            let mut out = Guarded::new(&vec![0; columns], edge);
            let one = Guarded::new(&values[..columns], edge);
            emit_rows(&one, columns, &Emit { residual: Some(&residual), ..emit }, (&mut out, columns));
            sum.add(out.iter().copied());
        }
        for second in [None, Some(&residual)] {
            let mut out = Guarded::new(&vec![0; columns], edge);
            emit_sum(&residual, second, &post, &mut out);
            sum.add(out.iter().copied());
        }
        for is_wide in [false, true] {
            let mut out = Guarded::new(&vec![0; columns * (1 + usize::from(is_wide))], edge);
            let mut emitted = Guarded::new(&wide[..], edge);
            emit(&mut emitted, &post, Container::of_flag(u32::from(is_wide)), &mut out);
            sum.add(out.iter().copied());
            narrow(&wide, Container::of_flag(u32::from(is_wide)), &mut out);
            let mut back = Guarded::new(&vec![0; columns], edge);
            widen(&out, Container::of_flag(u32::from(is_wide)), columns % 3 == 0, &mut back);
            sum.add_all(&back);
        }
    }
}

fn taps(random: &mut Random, sum: &mut Sum, edge: Edge) {
    for channels in 1..120usize {
        for sign in SIGNS {
            let operands: Vec<[Guarded<u8>; 2]> =
                (0..1 + channels % 9).map(|_| [(); 2].map(|()| bytes(random, channels, edge))).collect();
            let pairs: Vec<(&[u8], &[u8])> = operands.iter().map(|[a, w]| (&a[..], &w[..])).collect();
            let mut out = sums(random, channels, edge);
            accumulate_taps(&mut out, sign, &pairs);
            accumulate_tap(&mut out, pairs[0].0, sign, pairs[0].1);
            sum.add_all(&out);
        }
    }
}

/// Whole tiles; they are only for hosts with vectors, so their results stand beside those of single windows.
fn windows(random: &mut Random, edge: Edge) -> usize {
    let post = Post { zero_point: 3, clamp_low: -100, clamp_high: 120 };
    let mut done = 0;
    for (kernel, channels) in [(3usize, 16usize), (3, 48), (5, 32), (5, 16), (3, 32), (3, 80), (5, 112)] {
        let (taps, cols, rows) = (kernel * kernel, 12, kernel);
        let codes = bytes(random, rows * cols * channels, edge);
        let weights = bytes(random, taps * channels, edge);
        let scales = scales(random, channels);
        for sign in SIGNS {
            let job =
                Depthwise { weights: &weights, step: channels, taps, channels, sign, scales: &scales, post };
            if !job.is_ready() {
                continue;
            }
            done += 1;
            let offsets: Vec<usize> =
                (0..taps).map(|tap| (tap / kernel * cols + tap % kernel) * channels).collect();
            let window = |pixel: usize, tap: usize| &codes[pixel * channels + offsets[tap]..][..channels];
            let pixels = cols - kernel + 1;
            let mut expected = Vec::new();
            for pixel in 0..pixels {
                let pairs: Vec<(&[u8], &[u8])> = (0..taps)
                    .map(|tap| (window(pixel, tap), &weights[tap * channels..][..channels]))
                    .collect();
                let mut sums = vec![0; channels];
                accumulate_taps(&mut sums, sign, &pairs);
                let mut out = vec![0; channels];
                emit_rows(
                    &sums,
                    channels,
                    &Emit { scales: &scales, residual: None, post, most: u32::MAX },
                    (&mut out, channels),
                );
                expected.extend(out);
            }
            let mut out = Guarded::new(&vec![0; pixels * channels], edge);
            job.regular(&codes, &offsets, channels, pixels, &mut out);
            assert_eq!(out[..], expected[..]);
            let order: Vec<usize> = (0..pixels).rev().collect();
            let each: Vec<Guarded<u8>> = order
                .iter()
                .flat_map(|&pixel| (0..taps).map(move |tap| (pixel, tap)))
                .map(|(pixel, tap)| Guarded::new(window(pixel, tap), edge))
                .collect();
            let each: Vec<&[u8]> = each.iter().map(|codes| &codes[..]).collect();
            let mut out = Guarded::new(&vec![0; pixels * channels], edge);
            job.listed(&each, &order, &mut out);
            assert_eq!(out[..], expected[..]);
        }
    }
    done
}

/// The float product, whose rounding is the host's: only that it keeps to its operands.
fn float_products(random: &mut Random, edge: Edge) {
    for round in 0..60 {
        let [m, k, n] = [(); 3].map(|()| 1 + random.below(40) as usize);
        let m = if round % 4 == 0 { 1 } else { m };
        let ones = |count: usize| Guarded::new(&vec![1f32; count], edge);
        let (a, b, mut c) = (ones(m * k), ones(k * n), ones(m * n));
        let right = if round % 2 == 0 { MatRef::row_major(&b, n) } else { MatRef::row_major(&b, k).t() };
        sgemm([m, k, n], MatRef::row_major(&a, k), right, 1.0, &mut c, n).unwrap();
        assert!(c.iter().all(|&value| value == 1.0 + k as f32));
    }
}

/// What a child process is asked to run.
const CHILD: &str = "operands_at_the_edge_of_what_may_be_touched";

#[test]
fn operands_at_the_edge_of_what_may_be_touched() {
    let mut sum = Sum(FnvHasher::default());
    let mut random = Random(3);
    for edge in EDGES {
        products(&mut random, &mut sum, edge);
        rows(&mut random, &mut sum, edge);
        taps(&mut random, &mut sum, edge);
        let done = windows(&mut random, edge);
        assert_eq!(done > 0, vectors() > Vectors::Plain, "{done} kinds of windows");
        float_products(&mut random, edge);
    }
    float::layers(&mut random, &mut sum);
    println!("sum {:016x}", sum.0.finish());
}

/// Runs one of these tests in a process of its own.
fn child(test: &str, kernel: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command.env("BITGAUGE_KERNEL", kernel).output().unwrap()
}

#[test]
fn every_choice_of_instructions_gives_the_same_bits() {
    let sums = KERNELS.map(|(kernel, _)| {
        let output = child(CHILD, kernel);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let talk = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{kernel}: {:?}\n{said}{talk}", output.status);
        let sum = said.lines().find_map(|line| line.split("sum ").nth(1).map(str::to_owned));
        sum.unwrap_or_else(|| panic!("{kernel} gave no sum:\n{said}"))
    });
    assert!(sums.iter().all(|sum| *sum == sums[0]), "{sums:?}");
}

/// Kernels that do not run in this process, one line each.
fn missing() -> Vec<String> {
    let how = "run the tests on a host that has them, with BITGAUGE_KERNEL unset";
    let mut missing = Vec::new();
    for (what, runs) in [
        ("AVX2 and FMA", vectors() >= Vectors::Avx2),
        ("AVX-512 (F, BW, DQ, VL)", vectors() >= Vectors::Avx512),
        ("AVX-512 VNNI", Kernel::detect() == Kernel::Vnni),
    ] {
        if !runs {
            missing.push(format!(
                "kernels of {what}, which this host lacks or BITGAUGE_KERNEL leaves out; {how}"
            ));
        }
    }
    missing
}

/// One loud line for each set of instructions whose kernels no test of this host has run.
#[test]
fn kernels_that_cannot_run_here_are_named() {
    missing().iter().for_each(|what| skipped(what));
}

#[test]
fn a_host_with_fewer_instructions_says_so() {
    let lines = |kernel: &str| {
        let output = child("kernels_that_cannot_run_here_are_named", kernel);
        assert!(output.status.success());
        let talk = String::from_utf8_lossy(&output.stderr).into_owned();
        talk.lines().filter(|line| line.starts_with("SKIPPED: ")).count()
    };
    assert_eq!(lines("portable"), 3);
    assert_eq!(lines("avx2"), 2 + usize::from(vectors() < Vectors::Avx2));
}
