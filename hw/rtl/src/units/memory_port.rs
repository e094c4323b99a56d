//! Arbiter of the memory bus and AXI4 master.
