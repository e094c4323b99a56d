//! The store unit.
