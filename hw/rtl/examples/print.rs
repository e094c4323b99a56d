//! Writes the Verilog of an array and a requantizer to a folder: `print FOLDER ROWS COLS LANES`.
#![allow(clippy::print_stdout)]

use bitgauge_rtl::units::Requantizer;
use bitgauge_rtl::units::array::{Array, ArrayShape};
use bitgauge_rtl::units::mac::MacShape;
use bitgauge_rtl::verilog::{Options, Reset, elaborate};
use rust_hdl::prelude::Block;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "verilog".into());
    let options = Options {
        reset: Reset::Synchronous,
        header: "Bitgauge, MIT OR Apache-2.0".into(),
        ..Options::default()
    };
    let number =
        |position: usize| std::env::args().nth(position).and_then(|text| text.parse().ok()).unwrap_or(4);
    let shape = ArrayShape { rows: number(2), cols: number(3), lanes: number(4) };
    let mut array = Array::new(shape, &MacShape::multiplier(8, 32));
    let mut requantizer = Requantizer::default();
    array.connect_all();
    requantizer.connect_all();
    std::fs::create_dir_all(&folder)?;
    for design in [elaborate(&array, &options)?, elaborate(&requantizer, &options)?] {
        for module in &design.modules {
            std::fs::write(format!("{folder}/{}", module.file()), &module.text)?;
        }
        std::fs::write(format!("{folder}/{}.f", design.top), design.file_list())?;
        println!("{}: {} modules", design.top, design.modules.len());
    }
    Ok(())
}
