//! Slices with offsets, steps and several axes; what is gathered, split and joined along any axis.

use crate::net::{Attribute, Net, X};
use crate::sound::sound;

const END: i64 = i64::MAX;

/// Slice by `(axis, start, end, step)`.
fn slice(net: &mut Net, x: &str, ranges: &[(i64, i64, i64, i64)]) -> String {
    let column = |of: fn(&(i64, i64, i64, i64)) -> i64| ranges.iter().map(of).collect::<Vec<_>>();
    let lists = [column(|r| r.1), column(|r| r.2), column(|r| r.0), column(|r| r.3)];
    let inputs: Vec<String> = lists.iter().map(|list| net.ints(list)).collect();
    net.op("Slice", &[x, &inputs[0], &inputs[1], &inputs[2], &inputs[3]], &[])
}

fn concat(net: &mut Net, parts: &[String], axis: i64) -> String {
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    net.op("Concat", &parts, &[("axis", Attribute::Int(axis))])
}

#[test]
fn focus() {
    for (kernel, together) in [(1, false), (3, true)] {
        let mut net = Net::new(&[1, 3, 16, 16]);
        let mut parts = Vec::new();
        for (row, col) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            parts.push(if together {
                slice(&mut net, X, &[(-2, row, END, 2), (-1, col, END, 2)])
            } else {
                let y = slice(&mut net, X, &[(2, row, END, 2)]);
                slice(&mut net, &y, &[(3, col, END, 2)])
            });
        }
        let y = concat(&mut net, &parts, 1);
        let y = net.conv(&y, [12, 16], kernel, 1);
        sound(&net.model(&[&y]), [16, 16, 3]);
    }
}

#[test]
fn patch_merging() {
    let mut net = Net::new(&[1, 3, 32, 32]);
    let (x, _) = net.tokens(32, 3, 4, 16);
    let x = net.norm(&x, 16);
    let x = net.linear(&x, [16, 16]);
    let x = net.reshape(&x, &[1, 8, 8, 16]);
    let parts: Vec<String> = [(0, 0), (1, 0), (0, 1), (1, 1)]
        .map(|(row, col)| {
            let y = slice(&mut net, &x, &[(1, row, END, 2)]);
            slice(&mut net, &y, &[(2, col, END, 2)])
        })
        .to_vec();
    let y = concat(&mut net, &parts, -1);
    let y = net.reshape(&y, &[1, 16, 64]);
    let y = net.norm(&y, 64);
    let y = net.linear(&y, [64, 32]);
    sound(&net.model(&[&y]), [32, 32, 3]);
}

#[test]
fn of_maps() {
    let ranges: [&[(i64, i64, i64, i64)]; 6] = [
        &[(2, 1, END, 2)],
        &[(2, 2, END, 3), (3, 1, END, 2)],
        &[(2, 3, 13, 2), (3, 0, 12, 1)],
        &[(1, 2, 6, 1), (2, 4, 12, 1), (3, 2, 14, 1)],
        &[(3, -1, -17, -1)],
        &[(2, 0, 8, 1)],
    ];
    for ranges in ranges {
        let mut net = Net::new(&[1, 3, 16, 16]);
        let y = net.conv(X, [3, 8], 3, 1);
        let y = net.op("Relu", &[&y], &[]);
        let y = slice(&mut net, &y, ranges);
        let channels = ranges.iter().find(|r| r.0 == 1).map_or(8, |r| (r.2 - r.1) as usize);
        let y = net.conv(&y, [channels, 8], 3, 1);
        sound(&net.model(&[&y]), [16, 16, 3]);
    }
}

#[test]
fn of_tokens() {
    let ranges: [&[(i64, i64, i64, i64)]; 4] =
        [&[(1, 1, END, 1)], &[(1, 0, END, 2)], &[(1, 2, 10, 1), (2, 8, 24, 1)], &[(2, 1, END, 3)]];
    for ranges in ranges {
        let mut net = Net::new(&[1, 3, 16, 16]);
        let (x, _) = net.tokens(16, 3, 4, 32);
        let y = net.norm(&x, 32);
        let y = slice(&mut net, &y, ranges);
        let width = match ranges.iter().find(|r| r.0 == 2) {
            Some(&(_, start, end, step)) => ((end.min(32) - start) as usize).div_ceil(step as usize),
            None => 32,
        };
        let y = net.linear(&y, [width, 8]);
        sound(&net.model(&[&y]), [16, 16, 3]);
    }
}

#[test]
fn gathered_and_split() {
    let mut net = Net::new(&[1, 3, 16, 16]);
    let (x, _) = net.tokens(16, 3, 4, 32);
    let y = net.norm(&x, 32);
    let indices = net.ints(&[5, 0, 3, 3]);
    let y = net.op("Gather", &[&y, &indices], &[("axis", Attribute::Int(1))]);
    let y = net.op("Relu", &[&y], &[]);
    let sizes = net.ints(&[20, 12]);
    let parts = net.ops("Split", &[&y, &sizes], &[("axis", Attribute::Int(2))], 2);
    let y = net.op("Sigmoid", &[&parts[1]], &[]);
    let y = net.linear(&y, [12, 8]);
    sound(&net.model(&[&y]), [16, 16, 3]);
}

#[test]
fn class_and_mean_joined() {
    let mut net = Net::new(&[1, 3, 16, 16]);
    let (x, _) = net.tokens(16, 3, 4, 32);
    let class = net.noise(&[1, 1, 32], 0.0, 0.5);
    let y = concat(&mut net, &[class, x], 1);
    let y = net.norm(&y, 32);
    let zero = net.index(0);
    let a = net.op("Gather", &[&y, &zero], &[("axis", Attribute::Int(1))]);
    let b = slice(&mut net, &y, &[(1, 1, 1000, 1)]);
    let attributes = [("axes", Attribute::Ints(&[1])), ("keepdims", Attribute::Int(0))];
    let b = net.op("ReduceMean", &[&b], &attributes);
    let y = concat(&mut net, &[a, b], 1);
    let y = net.linear(&y, [64, 10]);
    sound(&net.model(&[&y]), [16, 16, 3]);
}

#[test]
fn joined_channels_of_tokens() {
    // Read by a function and by two layers.
    for relu in [true, false] {
        let mut net = Net::new(&[1, 3, 16, 16]);
        let (x, _) = net.tokens(16, 3, 4, 32);
        let x = net.norm(&x, 32);
        let parts = [net.linear(&x, [32, 16]), net.linear(&x, [32, 8])];
        let y = concat(&mut net, &parts, -1);
        let y = if relu { net.op("Relu", &[&y], &[]) } else { y };
        let (a, b) = (net.linear(&y, [24, 8]), net.linear(&y, [24, 8]));
        let b = net.op("Tanh", &[&b], &[]);
        let y = net.op("Add", &[&a, &b], &[]);
        sound(&net.model(&[&y]), [16, 16, 3]);
    }
}
