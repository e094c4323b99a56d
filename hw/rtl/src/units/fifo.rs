//! A first-word-fall-through FIFO on block RAM.
