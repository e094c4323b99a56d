//! Sizes of activations under each codec, by counting codes.

use bitgauge_models::integer::Prepared;
use bitgauge_models::integer::evaluate::encode_inputs;

use crate::cases::{SIMULATED, cases};
use crate::table::{Cell, hold};

#[test]
fn activation_sizes() {
    let header = ["layer", "tensor", "raw_bytes", "packed_bytes", "zvc_bytes", "zero_fraction"];
    for case in cases() {
        let prepared = Prepared::new(&case.graph).unwrap();
        let mut sums = vec![[0u64; 4]; case.graph.nodes.len()];
        for index in 0..SIMULATED {
            let codes = encode_inputs(&case.graph, &[case.images.tensor(index)]).unwrap();
            let tensors = prepared.run(&codes).unwrap();
            for (node, sums) in case.graph.nodes.iter().zip(&mut sums) {
                let tensor = case.graph.tensor(node.output);
                let bytes = tensors[node.output.0].as_ref().unwrap();
                let (width, bits) = (tensor.code.container().bytes(), u64::from(tensor.code.bits));
                let zero = (tensor.code.zero_point as u32).to_le_bytes();
                let is_zero = |code: &[u8]| code == &zero[..width];
                // A block is a row of pixels, each block from a whole byte on.
                let block = tensor.shape.cols * tensor.shape.channels;
                for row in bytes.chunks(block * width) {
                    let codes = row.chunks(width);
                    let (count, zeros) =
                        (codes.len() as u64, codes.filter(|code| is_zero(code)).count() as u64);
                    let plain = count * width as u64;
                    sums[0] += plain;
                    let packed = if width == 1 { (count * bits).div_ceil(8) } else { plain };
                    sums[1] += packed;
                    // A mask of eight bits for each eight codes, and the codes that are not zero; codes of two bytes
                    // have no such form, and a block that saves no beat is packed.
                    let coded = (8 * count.div_ceil(8) + (count - zeros) * bits).div_ceil(8);
                    let saves = coded.div_ceil(case.hardware.bus()) < packed.div_ceil(case.hardware.bus());
                    sums[2] += if width == 1 && saves { coded } else { packed };
                    sums[3] += zeros;
                }
            }
        }
        let rows: Vec<Vec<Cell>> = case
            .graph
            .nodes
            .iter()
            .zip(&sums)
            .map(|(node, [raw, packed, zvc, zeros])| {
                let tensor = case.graph.tensor(node.output);
                let images = SIMULATED as u64;
                let zeros = *zeros as f64 / (tensor.shape.elements() as u64 * images) as f64;
                vec![
                    node.name.as_str().into(),
                    tensor.name.as_str().into(),
                    (raw / images).into(),
                    (packed / images).into(),
                    (zvc / images).into(),
                    zeros.into(),
                ]
            })
            .collect();
        hold(case, "data/activation_size.csv", &header, &rows);
        let listed = case.result["activation_sizes"].as_array().unwrap();
        assert_eq!(listed.len(), rows.len(), "{}", case.name);
        for (found, row) in listed.iter().zip(&rows) {
            for (name, cell) in header.iter().zip(row) {
                let value = &found[*name];
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                assert!(cell.is(&text), "{}: {name} of {found}", case.name);
            }
        }
    }
    // Somewhere the three sizes are three.
    let three = |row: &Vec<String>| row[2] != row[3] && row[3] != row[4] && row[2] != row[4];
    assert!(cases().iter().any(|case| case.table("data/activation_size.csv").rows.iter().any(three)));
}
