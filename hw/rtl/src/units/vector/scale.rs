//! The lanes' requantizers.
