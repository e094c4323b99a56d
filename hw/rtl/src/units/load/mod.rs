//! The load unit.
