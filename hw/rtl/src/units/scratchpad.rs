//! A banked scratchpad.
