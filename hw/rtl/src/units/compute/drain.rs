//! Drain and post-processor.
