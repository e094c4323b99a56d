//! AXI4-Lite control, status and counters.
