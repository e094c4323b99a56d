//! What the command line says of compiling.

use bitgauge_arch::codec::Codec;
use bitgauge_compiler::Options;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// Options of every command that compiles.
#[derive(Clone, Debug, clap::Args)]
pub struct Compilation {
    /// How weights, and tensors between layers, of less than 8 bits lie in external memory
    #[arg(long, default_value = "pack", value_name = "CODEC", value_parser = codecs())]
    codec: Codec,
}

impl Compilation {
    /// The compiler's options.
    pub fn options(&self) -> Options {
        Options { codec: self.codec, ..Options::default() }
    }
}

/// The codecs that the compiler writes.
fn codecs() -> impl TypedValueParser<Value = Codec> {
    let values = [
        PossibleValue::new("none").help("In bytes"),
        PossibleValue::new("pack")
            .help("Dense: as many bits as a code has, where the accelerator has `pack`"),
    ];
    PossibleValuesParser::new(values).map(|name| if name == "none" { Codec::None } else { Codec::Pack })
}
