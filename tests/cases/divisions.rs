//! Division by constants: of any sign, per channel, and as part of normalization inside of the model.

use crate::net::{Net, X};
use crate::sound::sound;

const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];

#[test]
fn normalization_of_the_image() {
    for kernel in [3, 1] {
        let mut net = Net::new(&[1, 3, 16, 16]);
        let [scale, mean, std] =
            [net.scalar(255.0), net.floats(&[1, 3, 1, 1], &MEAN), net.floats(&[1, 3, 1, 1], &STD)];
        let y = net.op("Div", &[X, &scale], &[]);
        let y = net.op("Sub", &[&y, &mean], &[]);
        let y = net.op("Div", &[&y, &std], &[]);
        let y = net.conv(&y, [3, 8], kernel, 1);
        sound(&net.model(&[&y]), [16, 16, 3]);
    }
}

#[test]
fn normalization_that_is_the_network() {
    let mut net = Net::new(&[1, 3, 8, 8]);
    let [mean, std] = [net.floats(&[3, 1, 1], &MEAN), net.floats(&[3, 1, 1], &STD)];
    let y = net.op("Sub", &[X, &mean], &[]);
    let y = net.op("Div", &[&y, &std], &[]);
    sound(&net.model(&[&y]), [8, 8, 3]);
}

#[test]
fn of_maps() {
    for (shape, values) in [(&[][..], &[-4.0][..]), (&[1], &[0.5]), (&[1, 4, 1, 1], &[2.0, -0.5, 3.0, -1.0])]
    {
        let mut net = Net::new(&[1, 3, 8, 8]);
        let y = net.conv(X, [3, 4], 3, 1);
        let y = net.op("Relu", &[&y], &[]);
        let c = net.floats(shape, values);
        let y = net.op("Div", &[&y, &c], &[]);
        let y = net.conv(&y, [4, 8], 3, 2);
        sound(&net.model(&[&y]), [8, 8, 3]);
    }
}

#[test]
fn of_tokens() {
    let factors: Vec<f32> = (0..16).map(|i| if i % 3 == 0 { -2.0 } else { 0.5 + i as f32 / 8.0 }).collect();
    for (shape, values) in [(&[][..], &[-4.0][..]), (&[16], &factors), (&[1, 1, 16], &factors)] {
        let mut net = Net::new(&[1, 3, 16, 16]);
        let (x, _) = net.tokens(16, 3, 4, 16);
        let y = net.op("Relu", &[&x], &[]);
        let c = net.floats(shape, values);
        let y = net.op("Div", &[&y, &c], &[]);
        let y = net.op("Tanh", &[&y], &[]);
        let y = net.linear(&y, [16, 8]);
        sound(&net.model(&[&y]), [16, 16, 3]);
    }
}

#[test]
fn of_a_constant() {
    let mut net = Net::new(&[1, 3, 8, 8]);
    let y = net.conv(X, [3, 4], 3, 1);
    let y = net.op("Exp", &[&y], &[]);
    let one = net.scalar(1.0);
    let y = net.op("Add", &[&y, &one], &[]);
    let y = net.op("Div", &[&one, &y], &[]);
    sound(&net.model(&[&y]), [8, 8, 3]);
}
