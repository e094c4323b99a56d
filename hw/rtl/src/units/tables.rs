//! The lookup tables.
