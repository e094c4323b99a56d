//! How an error looks: `error: ...`, the place with a caret where there is one, and `hint: ...`.

use std::fmt::{self, Write as _};

use bitgauge_arch::description::DescriptionError;
use bitgauge_flow::FlowError;
use bitgauge_sim::SimError;

use crate::exit::ExitStatus;

/// An error that knows its place, what to do about it and which exit code it deserves.
#[derive(Debug)]
pub struct Failure {
    /// What is wrong.
    pub message: String,
    /// File, or file:line:column.
    pub place: Option<String>,
    /// Lines of the input with a caret under the text at fault.
    pub excerpt: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Malformed input unless said otherwise.
    pub status: ExitStatus,
}

impl Failure {
    /// A malformed input.
    pub fn new(message: impl Into<String>) -> Failure {
        Failure {
            message: message.into(),
            place: None,
            excerpt: None,
            hint: None,
            status: ExitStatus::Failure,
        }
    }

    /// A finding: the inputs are well formed and the answer is no.
    pub fn finding(message: impl Into<String>) -> Failure {
        Failure { status: ExitStatus::Finding, ..Failure::new(message) }
    }

    /// Names the file at fault.
    #[must_use]
    pub fn at(self, place: impl fmt::Display) -> Failure {
        Failure { place: Some(place.to_string()), ..self }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Failure {
        Failure { hint: Some(hint.into()), ..self }
    }

    /// A description that was refused.
    pub fn description(file: &str, error: DescriptionError) -> Failure {
        let caret =
            Caret { line: error.line, column: error.column, length: error.length, text: &error.source_line };
        Failure { hint: error.hint.clone(), ..caret.failure(file, error.message.clone()) }
    }

    /// TOML that is not what it should be.
    pub fn toml(file: &str, text: &str, error: &toml::de::Error) -> Failure {
        let span = error.span().unwrap_or(0..0);
        let before = text.get(..span.start).unwrap_or("");
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or("");
        let column = before.len() - start;
        let caret = Caret {
            line: Some(before.matches('\n').count() + 1),
            column: Some(before[start..].chars().count() + 1),
            length: span.len().clamp(1, line.len().saturating_sub(column).max(1)),
            text: line,
        };
        caret.failure(file, error.message().trim().to_owned())
    }
}

impl From<FlowError> for Failure {
    fn from(error: FlowError) -> Failure {
        let status = if error.is_finding() { ExitStatus::Finding } else { ExitStatus::Failure };
        Failure { status, hint: error.hint(), ..Failure::new(error.to_string()) }
    }
}

impl From<SimError> for Failure {
    fn from(error: SimError) -> Failure {
        FlowError::from(error).into()
    }
}

/// A place in a text.
struct Caret<'a> {
    line: Option<usize>,
    column: Option<usize>,
    length: usize,
    text: &'a str,
}

impl Caret<'_> {
    fn failure(&self, file: &str, message: String) -> Failure {
        let (Some(line), Some(column)) = (self.line, self.column) else {
            return Failure::new(message).at(file);
        };
        let number = line.to_string();
        let pad = " ".repeat(number.len());
        let indent = " ".repeat(column - 1);
        let caret = "^".repeat(self.length);
        let excerpt = format!("{pad} |\n{number} | {}\n{pad} | {indent}{caret}", self.text);
        Failure { excerpt: Some(excerpt), ..Failure::new(message).at(format!("{file}:{line}:{column}")) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The exit code that an error deserves.
pub fn status(error: &anyhow::Error) -> ExitStatus {
    find(error).map_or(ExitStatus::Failure, |failure| failure.status)
}

/// The text for people: the contexts from the outside in, then place, excerpt and hint of the innermost
/// cause that has them.
pub fn render(error: &anyhow::Error) -> String {
    let mut chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    // Causes that only repeat what stands before them say nothing new.
    chain.dedup_by(|cause, context| context.ends_with(cause.as_str()));
    let mut text = format!("error: {}", chain.join(": "));
    if let Some(failure) = find(error) {
        if let Some(place) = &failure.place {
            let _ = write!(text, "\n --> {place}");
        }
        if let Some(excerpt) = &failure.excerpt {
            let _ = write!(text, "\n{excerpt}");
        }
        if let Some(hint) = &failure.hint {
            let _ = write!(text, "\nhint: {hint}");
        }
    }
    text
}

fn find(error: &anyhow::Error) -> Option<&Failure> {
    error.chain().find_map(|cause| cause.downcast_ref::<Failure>())
}
