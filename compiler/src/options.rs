//! What the user may choose.

/// How internal activations are written in external memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CodecChoice {
    /// Whole containers.
    #[default]
    None,
    /// Codes of less than 8 bits without padding.
    Pack,
}

/// Options of [`crate::compile()`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Give the memory of dead tensors to later ones. Without it every tensor keeps its place until the
    /// end of the run, so that all of them can be compared with the interpreter's.
    pub reuse_memory: bool,
    /// Codec of internal tensors.
    pub codec: CodecChoice,
    /// Also write tensors to external memory that fused layers keep on chip. No layers are fused yet, so all
    /// tensors are written anyway.
    pub observe: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { reuse_memory: true, codec: CodecChoice::None, observe: false }
    }
}
