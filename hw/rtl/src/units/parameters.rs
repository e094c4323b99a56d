//! The parameter memories.
