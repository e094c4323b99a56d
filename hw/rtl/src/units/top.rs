//! The whole accelerator without its AXI names.
