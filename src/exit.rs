//! What the exit code says.

use std::process::ExitCode;

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// Done, nothing found.
    Success,
    /// Done, and the answer is bad news: does not fit, does not match.
    Finding,
    /// Malformed input, wrong usage, I/O error or a fault of the program.
    Failure,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> ExitCode {
        match status {
            ExitStatus::Success => ExitCode::SUCCESS,
            ExitStatus::Finding => ExitCode::from(1),
            ExitStatus::Failure => ExitCode::from(2),
        }
    }
}
