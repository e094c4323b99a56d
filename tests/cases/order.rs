//! Outputs that are maps, flattened maps or transposed: is what leaves the integers in the order of ONNX?
//!
//! The networks copy their input, each in another order, and every image has one bright pixel in one channel:
//! which element of the output is the greatest follows from the order of ONNX alone.

use bitgauge_models::npy::{self, NpyData};

use crate::folder::{Data, Folder};
use crate::net::{Attribute, Net, X};

/// Height, width, channels: no two alike, and channels that fill no line of a scratchpad.
const IMAGE: [usize; 3] = [4, 6, 5];
const COUNT: usize = 24;

/// Row, column, channel of image `index`'s bright pixel.
fn bright(index: usize) -> [usize; 3] {
    let [height, width, channels] = IMAGE;
    [index % height, (index / 2 + 1) % width, (index * 3 + 1) % channels]
}

/// A convolution that copies each channel.
fn copied(net: &mut Net) -> String {
    let channels = IMAGE[2];
    let identity: Vec<f32> =
        (0..channels * channels).map(|at| f32::from(u8::from(at % (channels + 1) == 0))).collect();
    let w = net.floats(&[channels, channels, 1, 1], &identity);
    net.op("Conv", &[X, &w], &[("kernel_shape", Attribute::Ints(&[1, 1]))])
}

/// Folder of a network of which `at` says where row, column and channel are in the output.
fn folder(net: Net, outputs: &[&str], at: impl Fn([usize; 3]) -> usize) -> Folder {
    let labels = (0..COUNT).map(|index| at(bright(index)) as i64).collect();
    let folder = Folder::new(&net.model(outputs), &Data { count: COUNT, image: IMAGE, labels: Some(labels) });
    let [height, width, channels] = IMAGE;
    let mut pixels: Vec<u8> = (0..COUNT * height * width * channels).map(|at| (at * 37 % 91) as u8).collect();
    for (index, image) in pixels.chunks_mut(height * width * channels).enumerate() {
        let [row, col, channel] = bright(index);
        image[(row * width + col) * channels + channel] = 250;
    }
    folder.images("cal.npy", IMAGE, &pixels);
    folder.images("img.npy", IMAGE, &pixels);
    folder
}

fn greatest(codes: &[i32]) -> usize {
    (0..codes.len()).rev().max_by_key(|&at| codes[at]).unwrap()
}

/// Accuracy of the network itself, of its file, and what the simulator writes.
fn check(folder: &Folder, dims: &[usize], at: impl Fn([usize; 3]) -> usize) {
    let answer = folder.quantize(&[]);
    let accuracy = &answer["accuracy"];
    for key in ["integer_top1", "float_top1", "integer_top5", "agreement"] {
        assert_eq!(accuracy[key], 1.0, "{key}: {accuracy}");
    }
    for row in answer["tensors"].as_array().unwrap() {
        let decibels = &row["decibels"];
        assert!(decibels == "infinite" || decibels.as_f64().unwrap() > 30.0, "{row}");
    }

    folder.answer(&["compile", "--quantized", "net.bgq", "--output", "program"]);
    let [height, width, channels] = IMAGE;
    let Ok(images) = npy::read(&std::fs::read(folder.path().join("img.npy")).unwrap()) else { panic!() };
    let NpyData::U8(pixels) = images.data else { panic!() };
    for index in [0, 7] {
        let size = height * width * channels;
        // Codes of pixels whose mean is 128: signed, 128 less.
        let codes: Vec<u8> = pixels[index * size..][..size].iter().map(|pixel| pixel ^ 0x80).collect();
        folder.images("codes.npy", IMAGE, &codes);
        folder.answer(&["simulate", "program/program.bgp", "--input", "codes.npy", "--output", "simulated"]);
        let output = npy::read(&std::fs::read(folder.path().join("simulated/output_0_u8.npy")).unwrap());
        let output = output.unwrap();
        let NpyData::U8(bytes) = output.data else { panic!() };
        let wide = bytes.len() == 2 * size;
        assert_eq!(output.shape, [dims, if wide { &[2] } else { &[][..] }].concat());
        let codes: Vec<i32> = match wide {
            true => bytes.chunks(2).map(|pair| i32::from(i16::from_le_bytes([pair[0], pair[1]]))).collect(),
            false => bytes.iter().map(|&byte| i32::from(byte as i8)).collect(),
        };
        assert_eq!(greatest(&codes), at(bright(index)), "image {index}");
    }
}

/// In a map: channel, row, column.
fn of_map([row, col, channel]: [usize; 3]) -> usize {
    (channel * IMAGE[0] + row) * IMAGE[1] + col
}

/// In tokens or a map with the channels last.
fn of_tokens([row, col, channel]: [usize; 3]) -> usize {
    (row * IMAGE[1] + col) * IMAGE[2] + channel
}

fn image_input() -> Net {
    Net::new(&[1, 5, 4, 6])
}

#[test]
fn a_map() {
    let mut net = image_input();
    let y = copied(&mut net);
    check(&folder(net, &[&y], of_map), &[1, 5, 4, 6], of_map);
}

#[test]
fn a_map_of_bytes() {
    let mut net = image_input();
    let y = copied(&mut net);
    let y = net.op("Relu", &[&y], &[]);
    check(&folder(net, &[&y], of_map), &[1, 5, 4, 6], of_map);
}

#[test]
fn a_flattened_map() {
    let mut net = image_input();
    let y = copied(&mut net);
    let y = net.op("Flatten", &[&y], &[]);
    check(&folder(net, &[&y], of_map), &[1, 120], of_map);
}

#[test]
fn a_map_with_its_channels_last() {
    let mut net = image_input();
    let y = copied(&mut net);
    let y = net.transpose(&y, &[0, 2, 3, 1]);
    check(&folder(net, &[&y], of_tokens), &[1, 4, 6, 5], of_tokens);
}

#[test]
fn a_map_turned_over() {
    let turned = |[row, col, channel]: [usize; 3]| (col * IMAGE[2] + channel) * IMAGE[0] + row;
    let mut net = image_input();
    let y = copied(&mut net);
    let y = net.transpose(&y, &[0, 3, 1, 2]);
    check(&folder(net, &[&y], turned), &[1, 6, 5, 4], turned);
}

#[test]
fn channels_in_two_parts() {
    // Rows and channels of a map as one dimension, columns before them.
    let at = |[row, col, channel]: [usize; 3]| col * 20 + channel * 4 + row;
    let mut net = image_input();
    let y = copied(&mut net);
    let y = net.reshape(&y, &[1, 20, 6]);
    let y = net.transpose(&y, &[0, 2, 1]);
    check(&folder(net, &[&y], at), &[1, 6, 20], at);
}

#[test]
fn tokens() {
    let mut net = image_input();
    let y = copied(&mut net);
    let y = net.reshape(&y, &[1, 5, 24]);
    let y = net.transpose(&y, &[0, 2, 1]);
    check(&folder(net, &[&y], of_tokens), &[1, 24, 5], of_tokens);
}

#[test]
fn several_outputs_keep_their_order() {
    let mut net = image_input();
    let y = copied(&mut net);
    let first = net.op("Relu", &[&y], &[]);
    let second = net.op("Sigmoid", &[&first], &[]);
    let flat = net.op("Flatten", &[&first], &[]);
    // The output that is computed last comes first; one tensor is two outputs.
    let folder = folder(net, &[&second, &flat, &first], of_map);
    check(&folder, &[1, 5, 4, 6], of_map);
    let shape = |index: usize| {
        let path = folder.path().join(format!("simulated/output_{index}_u8.npy"));
        npy::read(&std::fs::read(path).unwrap()).unwrap().shape
    };
    assert_eq!((shape(1), shape(2)), (vec![1, 120], vec![1, 5, 4, 6]));
}

/// A network that was quantized before knows its labels' order, and its accuracy is measured.
#[test]
fn a_network_quantized_before() {
    let mut net = image_input();
    let y = copied(&mut net);
    let y = net.op("Flatten", &[&y], &[]);
    let folder = folder(net, &[&y], of_map);
    folder.quantize(&[]);
    let file =
        ["run", "--quantized", "net.bgq", "--data", "data.toml", "--images", "1", "--output", "report"];
    let answer = folder.answer(&file);
    assert_eq!(answer["accuracy"]["integer_top1"], 1.0);
    assert!(answer["accuracy"].get("float_top1").is_none(), "no float network is there");

    // What an earlier version wrote does not say the order.
    let mut old = std::fs::read(folder.path().join("net.bgq")).unwrap();
    old[8] = 2;
    folder.write("old.bgq", &old);
    let said = folder.refusal(&["compile", "--quantized", "old.bgq", "--output", "program"], 2);
    assert!(said.contains("version 2") && said.contains("quantize the model again"), "{said}");
}
