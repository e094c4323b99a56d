//! Patches of a map, cut out by views or gathers, before constant weights.

use crate::net::{Attribute, Net, X};
use crate::sound::sound;

/// Patches of 4 x 4 pixels of the image of 32 x 32, as rows.
fn patches(net: &mut Net, perm: &[i64]) -> String {
    let cut = net.reshape(X, &[1, 3, 8, 4, 8, 4]);
    let turned = net.transpose(&cut, perm);
    net.reshape(&turned, &[1, 64, 48])
}

/// Mean of normalized tokens, and ten classes.
fn head(net: &mut Net, x: &str) -> String {
    let y = net.norm(x, 32);
    let y = net.op("ReduceMean", &[&y], &[("axes", Attribute::Ints(&[1])), ("keepdims", Attribute::Int(0))]);
    net.linear(&y, [32, 10])
}

#[test]
fn rearranged() {
    for perm in [[0, 2, 4, 1, 3, 5], [0, 2, 4, 3, 5, 1], [0, 2, 4, 5, 1, 3]] {
        for normalized in [false, true] {
            let mut net = Net::new(&[1, 3, 32, 32]);
            let mut y = patches(&mut net, &perm);
            if normalized {
                y = net.norm(&y, 48);
            }
            let y = net.linear(&y, [48, 32]);
            let y = head(&mut net, &y);
            sound(&net.model(&[&y]), [32, 32, 3]);
        }
    }
}

#[test]
fn unfolded() {
    // nn.Unfold: indices of rows and columns, with and without overlap.
    for (kernel, stride) in [(4, 4), (7, 5)] {
        let mut net = Net::new(&[1, 3, 32, 32]);
        let places = (32 - kernel) / stride + 1;
        let indices: Vec<i64> = (0..kernel).flat_map(|k| (0..places).map(move |p| k + p * stride)).collect();
        let indices = net.matrix(&[kernel as usize, places as usize], &indices);
        let rows = net.op("Gather", &[X, &indices], &[("axis", Attribute::Int(2))]);
        let both = net.op("Gather", &[&rows, &indices], &[("axis", Attribute::Int(4))]);
        let turned = net.transpose(&both, &[0, 1, 2, 4, 3, 5]);
        let width = 3 * kernel * kernel;
        let columns = net.reshape(&turned, &[1, width, places * places]);
        let tokens = net.transpose(&columns, &[0, 2, 1]);
        let y = net.linear(&tokens, [width as usize, 32]);
        let y = head(&mut net, &y);
        sound(&net.model(&[&y]), [32, 32, 3]);
    }
}

#[test]
fn flattened_in_another_order() {
    // Keras flattens with the channels last.
    let mut net = Net::new(&[1, 3, 16, 16]);
    let y = net.conv(X, [3, 8], 3, 2);
    let y = net.op("Relu", &[&y], &[]);
    let y = net.transpose(&y, &[0, 2, 3, 1]);
    let y = net.reshape(&y, &[1, -1]);
    let y = net.linear(&y, [512, 10]);
    sound(&net.model(&[&y]), [16, 16, 3]);
}
