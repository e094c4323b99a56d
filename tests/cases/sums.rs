//! Sums whose operands are far greater than they: the step of a sum holds its operands.

use crate::exports::{self, agrees};
use crate::folder::{Data, Folder, last_decibels};
use crate::net::{Attribute, Net, X};

const MAP: [usize; 3] = [16, 16, 3];

/// Two convolutions whose biases lie `offset` apart from zero on either side, and what joins them.
fn cancelling(offset: f32, join: impl Fn(&mut Net, &str, &str) -> String) -> Folder {
    let mut net = Net::new(&[1, 3, 16, 16]);
    let branch = |net: &mut Net, bias: f32| {
        let w = net.noise(&[8, 3, 3, 3], 0.0, 27f32.powf(-0.5));
        let b = net.floats(&[8], &[bias; 8]);
        let pads = ("pads", Attribute::Ints(&[1; 4]));
        net.op("Conv", &[X, &w, &b], &[("kernel_shape", Attribute::Ints(&[3, 3])), pads])
    };
    let a = branch(&mut net, offset);
    let b = branch(&mut net, -offset);
    let y = join(&mut net, &a, &b);
    Folder::new(&net.model(&[&y]), &Data { count: 8, image: MAP, labels: None })
}

fn added(net: &mut Net, a: &str, b: &str) -> String {
    net.op("Add", &[a, b], &[])
}

/// One bit of an operand of eight bits is 6 dB; the sum has what the operands' steps leave.
#[test]
fn each_doubling_of_the_offset_costs_one_bit() {
    let decibels =
        [32.0, 64.0, 128.0, 256.0].map(|offset| last_decibels(&cancelling(offset, added).quantize(&[])));
    assert!(decibels[1] > 24.0, "{decibels:?}");
    for pair in decibels.windows(2) {
        assert!((5.0..7.0).contains(&(pair[0] - pair[1])), "{decibels:?}");
    }
}

#[test]
fn what_cannot_be_held_is_named() {
    let said = |offset: f32| {
        let folder = cancelling(offset, added);
        let all = ["quantize", "--model", "model.onnx", "--data", "data.toml", "--output", "net.bgq"];
        folder.refusal(&all, 0)
    };
    assert!(!said(64.0).contains("cancel"));
    for offset in [256.0, 5000.0, 1e6] {
        let said = said(offset);
        assert!(said.contains("note: the operands of `Add_") && said.contains("cancel each other"), "{said}");
    }
}

/// In ONNX Runtime the operands do not saturate either.
#[test]
fn the_export_is_the_same_network() {
    for offset in [32.0, 64.0, 5000.0] {
        agrees(&format!("cancelling {offset}"), &cancelling(offset, added), exports::CANCELLING);
    }
    agrees("zeros", &zero_bias(&[16, 16], "Add"), exports::TOKENS);
}

/// Subtraction, and what is written as sums: the operands are as far apart.
#[test]
fn other_operators_of_two_operands() {
    let difference = cancelling(64.0, |net, a, b| {
        let b = net.op("Neg", &[b], &[]);
        net.op("Sub", &[a, &b], &[])
    });
    assert!(last_decibels(&difference.quantize(&[])) > 20.0);
    for kind in ["Max", "Min"] {
        let folder = cancelling(64.0, |net, a, b| net.op(kind, &[a, b], &[]));
        assert!(last_decibels(&folder.quantize(&[])) > 40.0, "{kind}");
    }
    let mean = cancelling(64.0, |net, a, b| net.op("Mean", &[a, b], &[]));
    assert!(last_decibels(&mean.quantize(&[])) > 20.0);
}

/// The sum goes on: codes of a byte, an activation, a function, a linear layer.
#[test]
fn within_a_network() {
    let folder = cancelling(64.0, |net, a, b| {
        let y = net.op("Add", &[a, b], &[]);
        let y = net.op("Relu", &[&y], &[]);
        net.conv(&y, [8, 8], 3, 1)
    });
    assert!(last_decibels(&folder.quantize(&[])) > 20.0);
    folder.run();
    let folder = cancelling(64.0, |net, a, b| {
        let y = net.op("Add", &[a, b], &[]);
        let y = net.op("Sigmoid", &[&y], &[]);
        net.op("GlobalAveragePool", &[&y], &[])
    });
    assert!(last_decibels(&folder.quantize(&[])) > 20.0);
}

/// A stream of tokens with a few activations that are hundreds of times the others, and goes without them at the end.
#[test]
fn massive_activations() {
    let mut net = Net::new(&[1, 3, 16, 16]);
    let (x, n) = net.tokens(16, 3, 4, 32);
    let mut far = vec![0.0; 32];
    far[5] = 300.0;
    let there = net.floats(&[32], &far);
    far[5] = -300.0;
    let back = net.floats(&[32], &far);
    let y = net.op("Add", &[&x, &there], &[]);
    let z = net.norm(&y, 32);
    let z = net.attention(&z, n, 32, 2, None);
    let y = net.op("Add", &[&y, &z], &[]);
    let y = net.op("Add", &[&y, &back], &[]);
    let y = net.norm(&y, 32);
    let y = net.linear(&y, [32, 10]);
    let folder = Folder::new(&net.model(&[&y]), &Data { count: 8, image: MAP, labels: None });
    assert!(last_decibels(&folder.quantize(&[])) > 25.0);
    folder.run();
}

/// Attention of scores near zero with a bias of zeros.
fn zero_bias(bias: &[usize], kind: &str) -> Folder {
    let mut net = Net::new(&[1, 1, 16, 16]);
    let x = net.reshape(X, &[1, 16, 16]);
    let w = [net.noise(&[16, 16], 0.0, 0.005), net.noise(&[16, 16], 0.0, 0.005)];
    let [q, k] = w.map(|w| net.op("MatMul", &[&x, &w], &[]));
    let k = net.transpose(&k, &[0, 2, 1]);
    let s = net.op("MatMul", &[&q, &k], &[]);
    let zeros = net.floats(bias, &vec![0.0; bias.iter().product()]);
    let s = net.op(kind, &[&s, &zeros], &[]);
    let s = net.op("Softmax", &[&s], &[("axis", Attribute::Int(-1))]);
    let v = net.linear(&x, [16, 16]);
    let y = net.op("MatMul", &[&s, &v], &[]);
    Folder::new(&net.model(&[&y]), &Data { count: 16, image: [16, 16, 1], labels: None })
}

#[test]
fn adding_a_constant_zero_is_nothing() {
    for (bias, kind) in [(&[1, 16, 16][..], "Add"), (&[16], "Add"), (&[], "Sub")] {
        let folder = zero_bias(bias, kind);
        assert!(last_decibels(&folder.quantize(&[])) > 25.0, "{kind} {bias:?}");
    }
    zero_bias(&[16, 16], "Add").run();
}

/// A dead branch: zero-initialized weights, an activation that never fires, a difference of equal values; in sums
/// of every size.
#[test]
fn an_operand_that_is_always_zero() {
    for size in [1e-6, 1.0, 1e6] {
        for dead in ["weights", "relu", "scale"] {
            let mut net = Net::new(&[1, 3, 16, 16]);
            let scale =
                net.floats(&[8, 3, 1, 1], &(0..24).map(|i| size * (i as f32 - 11.0)).collect::<Vec<_>>());
            let live = net.op("Conv", &[X, &scale], &[]);
            let zero = match dead {
                "weights" => {
                    let w = net.floats(&[8, 3, 1, 1], &[0.0; 24]);
                    net.op("Conv", &[X, &w], &[])
                }
                "relu" => {
                    let x = net.op("Abs", &[X], &[]);
                    let w = net.floats(&[8, 3, 1, 1], &[-1.0; 24]);
                    let b = net.floats(&[8], &[-1.0; 8]);
                    let y = net.op("Conv", &[&x, &w, &b], &[]);
                    net.op("Relu", &[&y], &[])
                }
                _ => {
                    let gamma = net.floats(&[8, 1, 1], &[0.0; 8]);
                    let y = net.conv(X, [3, 8], 3, 1);
                    net.op("Mul", &[&y, &gamma], &[])
                }
            };
            let y = net.op("Add", &[&live, &zero], &[]);
            let folder = Folder::new(&net.model(&[&y]), &Data { count: 8, image: MAP, labels: None });
            assert!(last_decibels(&folder.quantize(&[])) > 35.0, "{dead} {size}");
        }
    }
}

/// A joined operand that is always zero has the codes of what it is joined with.
#[test]
fn zeros_joined_with_tokens() {
    let mut net = Net::new(&[1, 3, 16, 16]);
    let (x, _) = net.tokens(16, 3, 4, 32);
    let w = net.floats(&[32, 32], &[0.0; 1024]);
    let dead = net.op("MatMul", &[&x, &w], &[]);
    let y = net.op("Concat", &[&x, &dead], &[("axis", Attribute::Int(1))]);
    let y = net.linear(&y, [32, 8]);
    let folder = Folder::new(&net.model(&[&y]), &Data { count: 8, image: MAP, labels: None });
    assert!(last_decibels(&folder.quantize(&[])) > 30.0);
    folder.run();
}
