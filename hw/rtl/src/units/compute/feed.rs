//! Sequencer and feeders.
