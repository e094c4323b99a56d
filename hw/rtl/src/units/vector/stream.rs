//! Copy, add, table, pools, depthwise convolution, patches.
