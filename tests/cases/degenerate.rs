//! Data and networks that cannot give what is asked for: is the user told, and what to change?

use serde_json::Value;

use crate::folder::{Data, Folder};
use crate::net::{Attribute, Net, X};

const IMAGE: [usize; 3] = [8, 8, 3];
const DATA: Data = Data { count: 8, image: IMAGE, labels: None };
const QUANTIZE: [&str; 7] =
    ["quantize", "--model", "model.onnx", "--data", "data.toml", "--output", "net.bgq"];

/// A convolution and a linear layer of ten outputs.
fn classifier(last: &[(&str, &[(&str, Attribute)])]) -> Vec<u8> {
    let mut net = Net::new(&[1, 3, 8, 8]);
    let y = net.conv(X, [3, 4], 3, 1);
    let y = net.op("Flatten", &[&y], &[]);
    let mut y = net.linear(&y, [256, 10]);
    for (kind, attributes) in last {
        y = net.op(kind, &[&y], attributes);
    }
    net.model(&[&y])
}

fn notes(answer: &Value) -> String {
    let notes = answer["notes"].as_array().unwrap();
    notes.iter().map(|note| note.as_str().unwrap().to_owned() + "\n").collect()
}

#[test]
fn a_sound_network_has_no_notes() {
    let answer = Folder::new(&classifier(&[]), &DATA).quantize(&[]);
    assert_eq!(notes(&answer), "");
    // The input's codes are the pixels: no error, and no `null` for it.
    assert_eq!(answer["tensors"][0]["decibels"], "infinite");
    assert!(answer.get("accuracy").is_none());
    assert!(answer["not_measured"].as_str().unwrap().contains("labels"));
}

#[test]
fn what_is_not_a_number_is_named_where_it_begins() {
    let mut net = Net::new(&[1, 3, 8, 8]);
    let y = net.conv(X, [3, 8], 3, 1);
    let y = net.op("Relu", &[&y], &[]);
    let log = net.op("Log", &[&y], &[]);
    let y = net.conv(&log, [8, 4], 3, 1);
    let folder = Folder::new(&net.model(&[&y]), &DATA);
    for command in [&QUANTIZE[..], &["run", "--model", "model.onnx", "--data", "data.toml"]] {
        let said = folder.refusal(command, 2);
        for part in ["not a number", &format!("`{log}`"), "-inf", "image 0"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}

#[test]
fn the_root_of_a_negative_number() {
    let mut net = Net::new(&[1, 3, 8, 8]);
    let y = net.conv(X, [3, 8], 3, 1);
    let root = net.op("Sqrt", &[&y], &[]);
    let said = Folder::new(&net.model(&[&root]), &DATA).refusal(&QUANTIZE, 2);
    assert!(said.contains("not a number") && said.contains(&format!("`{root}`")), "{said}");
}

#[test]
fn labels_beyond_the_outputs() {
    let folder = Folder::new(&classifier(&[]), &DATA);
    folder.labels(&[0, 9, 1, 2, 3, 4, 5, 6]);
    folder.quantize(&[]);
    let file = ["run", "--quantized", "net.bgq", "--data", "data.toml"];
    for (label, image) in [(1003, 0), (10, 5), (-1, 7)] {
        let mut labels = [0, 9, 1, 2, 3, 4, 5, 6];
        labels[image] = label;
        folder.labels(&labels);
        for command in [&QUANTIZE[..], &file] {
            let said = folder.refusal(command, 2);
            let wanted = format!("label {label} of image {image} is beyond the 10 outputs");
            assert!(said.contains(&wanted) && said.contains("lab.npy"), "{said}");
        }
    }
}

#[test]
fn labels_of_an_index() {
    let folder = Folder::new(&classifier(&[("ArgMax", &[("axis", Attribute::Int(1))])]), &DATA);
    folder.labels(&[9; 8]);
    folder.quantize(&[]);
    folder.labels(&[10; 8]);
    assert!(folder.refusal(&QUANTIZE, 2).contains("label 10 of image 0 is beyond the 10 outputs"));
    // An index for each pixel is no class of the image.
    let mut net = Net::new(&[1, 3, 8, 8]);
    let y = net.conv(X, [3, 4], 3, 1);
    let y = net.op("ArgMax", &[&y], &[("axis", Attribute::Int(1))]);
    let folder = Folder::new(&net.model(&[&y]), &DATA);
    folder.quantize(&[]);
    folder.labels(&[1; 8]);
    assert!(folder.refusal(&QUANTIZE, 2).contains("leave `labels` out"));
}

#[test]
fn calibration_images_that_are_alike() {
    let folder = Folder::new(&classifier(&[]), &DATA);
    let one: Vec<u8> = (0..192).map(|at| (at * 7 % 256) as u8).collect();
    folder.images("cal.npy", IMAGE, &one.repeat(8));
    assert!(notes(&folder.quantize(&[])).contains("all 8 calibration images are alike"));
    // One image has nothing to be like.
    assert_eq!(notes(&folder.quantize(&["--calibration-images", "1"])), "");
    folder.images("cal.npy", IMAGE, &[7; 8 * 192]);
    assert!(notes(&folder.quantize(&[])).contains("every pixel of the calibration images is 7"));
}

#[test]
fn mean_and_deviation_of_another_scale() {
    let folder = Folder::new(&classifier(&[]), &DATA);
    let text = String::from_utf8(folder.read("data.toml")).unwrap();
    let with = |mean: &str, std: &str| {
        let text = text.replace("[128.0, 128.0, 128.0]", mean).replace("[64.0, 64.0, 64.0]", std);
        folder.write("data.toml", text.as_bytes());
        notes(&folder.quantize(&[]))
    };
    let said = with("[0.485, 0.456, 0.406]", "[0.229, 0.224, 0.225]");
    assert!(said.contains("multiply both by 255") && said.contains("123.675"), "{said}");
    assert!(with("[0.5, 0.5, 0.5]", "[127.5, 127.5, 127.5]").contains("multiply both by 255"));
    assert!(with("[300.0, 128.0, 128.0]", "[64.0, 64.0, 64.0]").contains("beyond all bytes"));
    assert_eq!(with("[0.0, 0.0, 0.0]", "[255.0, 255.0, 255.0]"), "");
    assert_eq!(with("[0.0, 0.0, 0.0]", "[1.0, 1.0, 1.0]"), "");
    assert_eq!(with("[123.675, 116.28, 103.53]", "[58.395, 57.12, 57.375]"), "");
    folder.images("cal.npy", IMAGE, &[0, 1].repeat(4 * 192));
    folder.images("img.npy", IMAGE, &[0, 1].repeat(4 * 192));
    assert!(with("[123.675, 116.28, 103.53]", "[58.395, 57.12, 57.375]").contains("no pixel is above 1"));
}

#[test]
fn a_channel_far_beyond_the_others() {
    let build = |times: f32| {
        let mut net = Net::new(&[1, 3, 8, 8]);
        let weights: Vec<f32> = (0..6 * 27)
            .map(|at| net.random.normal() * 0.2 * if at / 27 == 4 { times } else { 1.0 })
            .collect();
        let w = net.floats(&[6, 3, 3, 3], &weights);
        let y = net.op("Conv", &[X, &w], &[("kernel_shape", Attribute::Ints(&[3, 3]))]);
        let loud = net.op("Relu", &[&y], &[]);
        let y = net.conv(&loud, [6, 4], 3, 1);
        (net.model(&[&y]), loud)
    };
    let (model, loud) = build(1000.0);
    let said = notes(&Folder::new(&model, &DATA).quantize(&[]));
    assert!(said.contains(&format!("`{loud}`: channel 4 reaches")), "{said}");
    assert_eq!(notes(&Folder::new(&build(4.0).0, &DATA).quantize(&[])), "");
}
