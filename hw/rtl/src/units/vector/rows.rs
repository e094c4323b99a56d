//! Softmax and LayerNorm.
