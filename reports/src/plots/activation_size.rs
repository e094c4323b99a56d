//! Bytes of each activation: as containers, packed, and without zeros.

use super::bars::Bars;
use super::{Context, Plot};
use crate::draw::palette;
use crate::number::si;
use crate::{ReportError, tables};

pub fn plot(context: Context<'_>) -> Result<Plot, ReportError> {
    let sizes = &context.input.activation_sizes;
    let data = tables::csv(
        &["layer", "tensor", "raw_bytes", "packed_bytes", "zvc_bytes", "zero_fraction"],
        sizes.iter().map(|size| {
            [
                size.layer.clone(),
                size.tensor.clone(),
                size.raw_bytes.to_string(),
                size.packed_bytes.to_string(),
                size.zvc_bytes.to_string(),
                size.zero_fraction.to_string(),
            ]
        }),
    )?;
    let drawing = Bars {
        axis: "bytes of the activation",
        series: vec![
            (palette::GREY, "raw (whole containers)".to_owned()),
            (palette::BLUE, "packed".to_owned()),
            (palette::ORANGE, "zero-value compressed".to_owned()),
        ],
        rows: sizes
            .iter()
            .map(|size| {
                let values = [size.raw_bytes, size.packed_bytes, size.zvc_bytes];
                (context.tensor_label(&size.tensor, &size.layer), values.map(|bytes| bytes as f64).to_vec())
            })
            .collect(),
        grouped: true,
        total: |bytes| si(bytes, "B"),
        notes: Vec::new(),
    }
    .draw()?;
    Ok(Plot {
        name: "activation_size",
        title: "Activation size by codec".to_owned(),
        caption: "The number is the largest of the three. Zero-value compression pays where its bar is shorter than \
                  the packed one; its mask costs one bit per code."
            .to_owned(),
        drawing,
        data,
    })
}
