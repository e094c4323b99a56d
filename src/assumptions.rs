//! What every result assumes: printed with it, so that no number travels without them.

/// One sentence each.
pub const ASSUMPTIONS: &[&str] = &[
    "One inference at a time, batch 1; nothing overlaps with the inference before or after.",
    "Weights, parameters and commands lie in external memory at the start and are loaded within the inference.",
    "External memory answers every burst after a constant latency and then moves one beat per cycle; it has no banks, no refresh and no other master.",
    "Cycles are exact for the machine of the cycle contract (docs/reference/cycles.md); a real design may need more pipeline stages to reach its clock.",
    "Sparsity saves no cycles in the array: a multiplication by the zero code is carried out and counted.",
    "Energy is counted actions times the prices of the named table; leakage, clock distribution, control and wires between units are not in it.",
    "Registers of the array's elements are priced by the bits that values and ends of folds write; what the clock costs them in other cycles is not in it.",
    "Padding in the array is counted and priced apart from useful multiply-accumulates.",
    "Accuracy is the integer interpreter's, whose outputs the simulator equals bit for bit on the images simulated.",
];
