//! The twin of all cases: networks without any catch run, so that what fails in a case is the case's.

use crate::folder::{Data, Folder, last_decibels};
use crate::net::{Net, X};

#[test]
fn a_convolution_and_a_linear_layer() {
    let mut net = Net::new(&[1, 3, 8, 8]);
    let y = net.conv(X, [3, 8], 3, 1);
    let y = net.op("Relu", &[&y], &[]);
    let y = net.op("GlobalAveragePool", &[&y], &[]);
    let y = net.op("Flatten", &[&y], &[]);
    let y = net.linear(&y, [8, 10]);
    let folder = Folder::new(&net.model(&[&y]), &Data { count: 8, image: [8, 8, 3], labels: None });
    assert!(last_decibels(&folder.quantize(&[])) > 25.0);
    folder.run();
}

#[test]
fn attention() {
    let mut net = Net::new(&[1, 3, 16, 16]);
    let (x, n) = net.tokens(16, 3, 4, 32);
    let y = net.norm(&x, 32);
    let y = net.attention(&y, n, 32, 2, None);
    let folder = Folder::new(&net.model(&[&y]), &Data { count: 8, image: [16, 16, 3], labels: None });
    assert!(last_decibels(&folder.quantize(&[])) > 25.0);
}
