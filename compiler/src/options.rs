//! What the user may choose.

use bitgauge_arch::codec::Codec;

/// Options of [`crate::compile()`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Give the memory of dead tensors to later ones. Without it every tensor keeps its place until the
    /// end of the run, so that all of them can be compared with the interpreter's.
    pub reuse_memory: bool,
    /// How codes of less than 8 bits lie in external memory, those of weights and of tensors between layers: dense
    /// (`pack`, where the accelerator has it), or in bytes (`none`).
    pub codec: Codec,
    /// Also write tensors to external memory that fused layers keep on chip. No layers are fused yet, so all
    /// tensors are written anyway.
    pub observe: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { reuse_memory: true, codec: Codec::Pack, observe: false }
    }
}
