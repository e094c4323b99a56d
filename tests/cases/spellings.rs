//! Operators under another name, over another axis, of another rank, or with results that nobody reads.

use crate::folder::{Data, Folder};
use crate::net::{Attribute, Net, X};
use crate::sound::sound;

#[test]
fn gelu_of_onnx_runtime() {
    let mut net = Net::new(&[1, 1, 16, 16]);
    let x = net.reshape(X, &[1, 16, 16]);
    let y = net.linear(&x, [16, 32]);
    let y = net.op("com.microsoft.Gelu", &[&y], &[]);
    let y = net.linear(&y, [32, 8]);
    sound(&net.model(&[&y]), [16, 16, 1]);
}

#[test]
fn codes_of_onnx_runtime() {
    let mut net = Net::new(&[1, 3, 8, 8]);
    let (scale, zero) = (net.scalar(0.002), net.bytes(&[], &[3]));
    let y = net.conv(X, [3, 8], 3, 1);
    let codes = net.op("com.microsoft.QuantizeLinear", &[&y, &scale, &zero], &[]);
    let y = net.op("com.microsoft.DequantizeLinear", &[&codes, &scale, &zero], &[]);
    let y = net.conv(&y, [8, 8], 3, 1);
    // The model's step is so small that most values are at the ends of its codes, which shows that they are taken.
    let folder = Folder::new(&net.model(&[&y]), &Data { count: 8, image: [8, 8, 3], labels: None });
    let answer = folder.quantize(&[]);
    let at_ends = answer["tensors"][1]["at_ends"].as_f64().unwrap();
    assert!(at_ends > 0.5, "{at_ends} of the codes are at the ends of what the model gives: {answer}");
    folder.run();
}

#[test]
fn softmax_over_tokens() {
    // Sequence pooling: one weight for each token.
    let mut net = Net::new(&[1, 3, 32, 32]);
    let (x, _) = net.tokens(32, 3, 4, 32);
    let y = net.norm(&x, 32);
    let a = net.linear(&y, [32, 1]);
    let a = net.op("Softmax", &[&a], &[("axis", Attribute::Int(1))]);
    let a = net.transpose(&a, &[0, 2, 1]);
    let y = net.op("MatMul", &[&a, &y], &[]);
    let one = net.ints(&[1]);
    let y = net.op("Squeeze", &[&y, &one], &[]);
    let y = net.linear(&y, [32, 10]);
    sound(&net.model(&[&y]), [32, 32, 3]);
}

#[test]
fn softmax_over_channels_and_rows() {
    for axis in [1, 2, -2] {
        let mut net = Net::new(&[1, 3, 16, 16]);
        let y = net.conv(X, [3, 8], 3, 2);
        let y = net.op("Softmax", &[&y], &[("axis", Attribute::Int(axis))]);
        let y = net.conv(&y, [8, 8], 1, 1);
        sound(&net.model(&[&y]), [16, 16, 3]);
    }
    let mut net = Net::new(&[1, 3, 16, 16]);
    let y = net.conv(X, [3, 8], 3, 2);
    let y = net.op("GlobalAveragePool", &[&y], &[]);
    let y = net.op("Softmax", &[&y], &[("axis", Attribute::Int(1))]);
    let y = net.conv(&y, [8, 8], 1, 1);
    sound(&net.model(&[&y]), [16, 16, 3]);
}

#[test]
fn results_that_nobody_reads() {
    let mut net = Net::new(&[1, 3, 16, 16]).opset(13);
    let y = net.conv(X, [3, 8], 3, 1);
    let ones = [1.0; 8];
    let p: Vec<String> =
        [0.5, 0.1, 0.2, 2.0].iter().map(|v| net.floats(&[8], &ones.map(|one| one * v))).collect();
    let y = net.ops("BatchNormalization", &[&y, &p[0], &p[1], &p[2], &p[3]], &[], 5).remove(0);
    let window = [("kernel_shape", Attribute::Ints(&[2, 2])), ("strides", Attribute::Ints(&[2, 2]))];
    let y = net.ops("MaxPool", &[&y], &window, 2).remove(0);
    let y = net.ops("Dropout", &[&y], &[], 2).remove(0);
    let y = net.op("GlobalAveragePool", &[&y], &[]);
    let y = net.op("Flatten", &[&y], &[]);
    let y = net.linear(&y, [8, 10]);
    sound(&net.model(&[&y]), [16, 16, 3]);

    let mut net = Net::new(&[1, 3, 16, 16]);
    let (x, _) = net.tokens(16, 3, 4, 16);
    let [scale, shift] = [net.noise(&[16], 1.0, 0.2), net.noise(&[16], 0.0, 0.2)];
    let y = net.ops("LayerNormalization", &[&x, &scale, &shift], &[], 3).remove(0);
    let y = net.linear(&y, [16, 8]);
    sound(&net.model(&[&y]), [16, 16, 3]);
}

#[test]
fn results_that_are_read_are_refused_by_name() {
    let mut net = Net::new(&[1, 3, 16, 16]);
    let window = [("kernel_shape", Attribute::Ints(&[2, 2]))];
    let both = net.ops("MaxPool", &[X], &window, 2);
    let model = net.model(&[&both[0], &both[1]]);
    let error = bitgauge_models::onnx::import(&model).unwrap_err().to_string();
    assert!(
        error.contains("MaxPool_1") && error.contains(&both[1]) && error.contains("only the first"),
        "{error}"
    );
}

#[test]
fn batch_normalization_of_other_ranks() {
    let norm = |net: &mut Net, x: &str, channels: usize| {
        let p = [
            net.noise(&[channels], 1.0, 0.2),
            net.noise(&[channels], 0.0, 0.2),
            net.noise(&[channels], 0.0, 0.2),
        ];
        let variance = vec![0.8; channels];
        let variance = net.floats(&[channels], &variance);
        net.op("BatchNormalization", &[x, &p[0], &p[1], &p[2], &variance], &[])
    };
    // A signal of one axis: behind a convolution, and behind an activation.
    let mut net = Net::new(&[1, 1, 8, 16]);
    let x = net.reshape(X, &[1, 8, 16]);
    let w = net.noise(&[16, 8, 3], 0.0, 0.2);
    let y = net.op("Conv", &[&x, &w], &[("kernel_shape", Attribute::Ints(&[3]))]);
    let y = norm(&mut net, &y, 16);
    let y = net.op("Relu", &[&y], &[]);
    let y = norm(&mut net, &y, 16);
    let y = net.op("GlobalAveragePool", &[&y], &[]);
    let y = net.op("Flatten", &[&y], &[]);
    let y = net.linear(&y, [16, 8]);
    let y = net.op("Relu", &[&y], &[]);
    let y = norm(&mut net, &y, 8);
    sound(&net.model(&[&y]), [8, 16, 1]);
}

#[test]
fn pools_and_means_of_rank_3() {
    let window = [("kernel_shape", Attribute::Ints(&[2])), ("strides", Attribute::Ints(&[2]))];
    for (pool, last) in
        [("MaxPool", "GlobalAveragePool"), ("AveragePool", "ReduceMean"), ("MaxPool", "GlobalMaxPool")]
    {
        let mut net = Net::new(&[1, 1, 8, 16]);
        let x = net.reshape(X, &[1, 8, 16]);
        let w = net.noise(&[16, 8, 3], 0.0, 0.2);
        let y = net.op("Conv", &[&x, &w], &[("pads", Attribute::Ints(&[1, 1]))]);
        let y = net.op("Relu", &[&y], &[]);
        let y = net.op(pool, &[&y], &window);
        let y = match last {
            "ReduceMean" => net.op(last, &[&y], &[("axes", Attribute::Ints(&[2]))]),
            _ => net.op(last, &[&y], &[]),
        };
        let y = net.op("Flatten", &[&y], &[]);
        let y = net.linear(&y, [16, 8]);
        sound(&net.model(&[&y]), [8, 16, 1]);
    }
}

#[test]
fn averages_that_leave_out_the_padding() {
    for (kernel, stride, pads, ceil) in [(3, 1, 1, 0), (3, 2, 1, 0), (5, 1, 2, 0), (3, 2, 0, 1)] {
        let mut net = Net::new(&[1, 3, 16, 16]);
        let y = net.conv(X, [3, 16], 3, 1);
        let y = net.op("Relu", &[&y], &[]);
        let attributes = [
            ("kernel_shape", Attribute::Ints(&[kernel, kernel])),
            ("strides", Attribute::Ints(&[stride, stride])),
            ("pads", Attribute::Ints(&[pads; 4])),
            ("ceil_mode", Attribute::Int(ceil)),
            ("count_include_pad", Attribute::Int(0)),
        ];
        let y = net.op("AveragePool", &[&y], &attributes);
        let y = net.conv(&y, [16, 8], 1, 1);
        sound(&net.model(&[&y]), [16, 16, 3]);
    }
}

#[test]
fn a_batch_above_1_says_what_to_do() {
    let mut net = Net::new(&[4, 3, 8, 8]);
    let y = net.conv(X, [3, 8], 3, 1);
    let data = Data { count: 8, image: [8, 8, 3], labels: None };
    let folder = Folder::new(&net.model(&[&y]), &data);
    let all = ["quantize", "--model", "model.onnx", "--data", "data.toml", "--output", "net.bgq"];
    let said = folder.refusal(&all, 2);
    assert!(said.contains("batch, is 4") && said.contains("export the model with batch 1"), "{said}");
}

#[test]
fn messages_have_the_words_of_the_file() {
    let data = Data { count: 8, image: [8, 8, 3], labels: None };
    let all = ["quantize", "--model", "model.onnx", "--data", "data.toml", "--output", "net.bgq"];
    let mut net = Net::new(&[1, 3, 8, 8]);
    let a = net.conv(X, [3, 8], 3, 1);
    let b = net.conv(X, [3, 8], 3, 1);
    let y = net.op("Mul", &[&a, &b], &[]);
    let said = Folder::new(&net.model(&[&y]), &data).refusal(&all, 2);
    assert!(said.contains("`Mul_7` (Mul)") && !said.contains("Binary"), "{said}");
}
