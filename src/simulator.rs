//! The simulator's errors as the command line means them.

use bitgauge_sim::SimError;

use crate::failure::Failure;

/// A broken law or a deadlock is a fault of ours or of a hand-written program; anything else is a
/// malformed input.
pub fn failure(error: SimError) -> Failure {
    let message = format!("cannot simulate the program: {error}");
    match error {
        SimError::Conservation { .. } => Failure::finding(message)
            .hint("this is a fault of Bitgauge; please report it with the model and the description"),
        SimError::Deadlock { .. } | SimError::TokenOverflow { .. } | SimError::CycleLimit { .. } => {
            Failure::finding(message)
        }
        SimError::NeedsData { .. } => Failure::new(message).hint("leave out --timing-only and give --input"),
        _ => Failure::new(message),
    }
}
