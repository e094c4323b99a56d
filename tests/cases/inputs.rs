//! Inputs that have the image in another order than maps have.

use crate::folder::{Data, Folder};
use crate::net::{Net, X};
use crate::sound::least_decibels;

/// Quantizes and runs a network on images of this size.
fn runs(net: Net, y: &str, image: [usize; 3]) {
    let folder = Folder::new(&net.model(&[y]), &Data { count: 8, image, labels: None });
    least_decibels(&folder.quantize(&[]));
    folder.run();
}

#[test]
fn channels_last() {
    let mut net = Net::new(&[1, 16, 12, 3]);
    let y = net.transpose(X, &[0, 3, 1, 2]);
    let y = net.conv(&y, [3, 8], 3, 2);
    let y = net.op("Relu", &[&y], &[]);
    let y = net.reshape(&y, &[1, -1]);
    let y = net.linear(&y, [8 * 8 * 6, 10]);
    runs(net, &y, [16, 12, 3]);
}

#[test]
fn channels_last_and_normalized() {
    let mut net = Net::new(&[1, 16, 16, 3]);
    let scale = net.scalar(255.0);
    let mean = net.floats(&[3], &[0.485, 0.456, 0.406]);
    let std = net.floats(&[1, 1, 1, 3], &[0.229, 0.224, 0.225]);
    let y = net.op("Div", &[X, &scale], &[]);
    let y = net.op("Sub", &[&y, &mean], &[]);
    let y = net.op("Div", &[&y, &std], &[]);
    let y = net.transpose(&y, &[0, 3, 1, 2]);
    let y = net.conv(&y, [3, 8], 3, 2);
    let y = net.op("Relu", &[&y], &[]);
    runs(net, &y, [16, 16, 3]);
}

#[test]
fn flat() {
    for shape in [&[1, 784][..], &[1, 28, 28], &[1, 1, 784]] {
        let mut net = Net::new(shape);
        let y = net.reshape(X, &[1, 784]);
        let y = net.linear(&y, [784, 32]);
        let y = net.op("Relu", &[&y], &[]);
        let y = net.linear(&y, [32, 10]);
        runs(net, &y, [28, 28, 1]);
    }
    let mut net = Net::new(&[1, 784]);
    let y = net.reshape(X, &[1, 1, 28, 28]);
    let y = net.conv(&y, [1, 8], 3, 2);
    runs(net, &y, [28, 28, 1]);
    let mut net = Net::new(&[1, 3 * 64]);
    let y = net.linear(X, [3 * 64, 10]);
    runs(net, &y, [8, 8, 3]);
}

#[test]
fn another_size_is_refused() {
    let mut net = Net::new(&[1, 16, 16, 3]);
    let y = net.transpose(X, &[0, 3, 1, 2]);
    let y = net.conv(&y, [3, 8], 3, 2);
    let folder = Folder::new(&net.model(&[&y]), &Data { count: 8, image: [8, 16, 3], labels: None });
    let all = ["quantize", "--model", "model.onnx", "--data", "data.toml", "--output", "net.bgq"];
    let said = folder.refusal(&all, 2);
    assert!(said.contains("the model takes [1, 16, 16, 3], the images give [1, 3, 8, 16]"), "{said}");
    // The data set was named: the hint does not ask for it.
    assert!(said.contains("hint: give images of the size") && !said.contains("with --data"), "{said}");
    let said = folder.refusal(&["quantize", "--model", "model.onnx", "--output", "net.bgq"], 2);
    assert!(said.contains("give the network's data set with --data"), "{said}");
}
