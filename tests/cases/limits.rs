//! Layers larger than a command, a scratchpad or a field of either: they run, or a sentence says why not.

use crate::folder::{Data, Folder, last_decibels};
use crate::net::{Attribute, Net, X};

/// A folder of a few images of a shape `[H, W, C]`.
fn folder(net: Net, y: &str, image: [usize; 3]) -> Folder {
    Folder::new(&net.model(&[y]), &Data { count: 6, image, labels: None })
}

/// The network runs, bytes equal, and its output keeps at least 25 dB.
fn runs(net: Net, y: &str, image: [usize; 3]) {
    let folder = folder(net, y, image);
    let decibels = last_decibels(&folder.quantize(&[]));
    assert!(decibels > 25.0, "{decibels} dB");
    folder.run();
}

/// A linear layer over all pixels of a map.
fn flattened(height: usize, width: usize, channels: usize) -> (Net, String) {
    let mut net = Net::new(&[1, channels as i64, height as i64, width as i64]);
    let weight = net.noise(&[height * width * channels, 8], 0.0, 0.01);
    let y = net.op("Flatten", &[X], &[]);
    let y = net.op("MatMul", &[&y, &weight], &[]);
    (net, y)
}

#[test]
fn a_flattened_map_of_few_channels_is_read_as_many() {
    // Rows with gaps between them, more bytes than a pixel may have, more rows than a window.
    for [height, width, channels] in [[96, 96, 1], [100, 90, 1], [33, 31, 3], [300, 224, 1], [272, 30, 2]] {
        let (net, y) = flattened(height, width, channels);
        runs(net, &y, [height, width, channels]);
    }
}

#[test]
fn a_flattened_map_goes_through_a_function_before_its_linear_layer() {
    let mut net = Net::new(&[1, 1, 288, 256]);
    let y = net.op("Flatten", &[X], &[]);
    let y = net.op("Sigmoid", &[&y], &[]);
    let weight = net.noise(&[288 * 256, 4], 0.0, 0.01);
    let y = net.op("MatMul", &[&y, &weight], &[]);
    runs(net, &y, [288, 256, 1]);
}

#[test]
fn a_mean_of_many_tokens() {
    for side in [16, 18, 31] {
        let image = side * 4;
        let mut net = Net::new(&[1, 3, image as i64, image as i64]);
        let (x, _) = net.tokens(image, 3, 4, 16);
        let y = net.norm(&x, 16);
        let y =
            net.op("ReduceMean", &[&y], &[("axes", Attribute::Ints(&[1])), ("keepdims", Attribute::Int(0))]);
        let y = net.linear(&y, [16, 10]);
        runs(net, &y, [image, image, 3]);
    }
}

#[test]
fn a_global_pool_of_a_large_map() {
    for kind in ["GlobalAveragePool", "GlobalMaxPool"] {
        for [height, width] in [[256, 256], [300, 60], [1, 300], [257, 128]] {
            let mut net = Net::new(&[1, 3, height as i64, width as i64]);
            let y = net.op(kind, &[X], &[]);
            let y = net.op("Flatten", &[&y], &[]);
            let y = net.linear(&y, [3, 10]);
            let folder = folder(net, &y, [height, width, 3]);
            folder.quantize(&[]);
            folder.run();
        }
    }
}

#[test]
fn pools_along_a_row_longer_than_a_window() {
    let pool = |kind: &str, kernel: [i64; 2], shape: [usize; 2]| {
        let mut net = Net::new(&[1, 4, shape[0] as i64, shape[1] as i64]);
        let attributes = [("kernel_shape", Attribute::Ints(&kernel)), ("strides", Attribute::Ints(&[2, 2]))];
        let y = net.op(kind, &[X], &attributes);
        folder(net, &y, [shape[0], shape[1], 4])
    };
    for kind in ["AveragePool", "MaxPool"] {
        // Means of noise lie close together, and those of other images a little beside them: bytes are compared.
        for (kernel, shape) in [([1, 300], [1, 500]), ([1, 300], [3, 420]), ([300, 1], [430, 1])] {
            pool(kind, kernel, shape).run();
        }
    }
    // A maximum may take a pixel twice, a mean within a row may not: 257 is prime.
    pool("MaxPool", [1, 257], [1, 400]).run();
    let folder = pool("AveragePool", [1, 257], [1, 400]);
    let said = folder.refusal(&["run", "--model", "model.onnx", "--data", "data.toml"], 1);
    assert!(said.contains("window of 257 pixels"), "{said}");
}

#[test]
fn convolutions_along_a_row_longer_than_a_window() {
    for (kernel, shape, stride) in
        [([1, 300], [1, 500], [1, 1]), ([1, 320], [2, 640], [1, 5]), ([300, 1], [400, 1], [3, 1])]
    {
        let mut net = Net::new(&[1, 4, shape[0], shape[1]]);
        let weight = net.noise(&[16, 4, kernel[0], kernel[1]], 0.0, 0.03);
        let attributes = [("strides", Attribute::Ints(&stride))];
        let y = net.op("Conv", &[X, &weight], &attributes);
        runs(net, &y, [shape[0] as usize, shape[1] as usize, 4]);
    }
}

#[test]
fn what_no_command_can_say_is_a_sentence_about_the_layer() {
    let refused = |kernel: [usize; 2], pads: &[i64], stride: i64, shape: [usize; 2]| {
        let mut net = Net::new(&[1, 4, shape[0] as i64, shape[1] as i64]);
        let weight = net.noise(&[8, 4, kernel[0], kernel[1]], 0.0, 0.03);
        let strides = [stride, stride];
        let attributes = [("pads", Attribute::Ints(pads)), ("strides", Attribute::Ints(&strides))];
        let y = net.op("Conv", &[X, &weight], &attributes);
        let folder = folder(net, &y, [shape[0], shape[1], 4]);
        let said = folder.refusal(&["run", "--model", "model.onnx", "--data", "data.toml"], 1);
        for field in ["kernel_rows", "kernel_cols", "stride_rows", "stride_cols", "pad_left", "command:"] {
            assert!(!said.contains(field), "{said}");
        }
        said
    };
    let said = refused([1, 301], &[0, 150, 0, 150], 1, [1, 400]);
    assert!(said.contains("a window of 1 x 301 pixels"), "{said}");
    let said = refused([3, 3], &[0; 4], 300, [700, 700]);
    assert!(said.contains("300 rows from a window to the next; a command takes 0 to 255"), "{said}");
}
