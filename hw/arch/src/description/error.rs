//! Errors of the description, drawn with the line and a caret.

use std::fmt;

use super::check::Problem;

/// Why a description was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescriptionError {
    /// One-based line, where known.
    pub line: Option<usize>,
    /// One-based column, where known.
    pub column: Option<usize>,
    /// Length of the text at fault, for the caret line.
    pub length: usize,
    /// The line's text.
    pub source_line: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl DescriptionError {
    pub(super) fn from_toml(text: &str, error: &toml::de::Error) -> DescriptionError {
        let message = error.message().trim().to_owned();
        match error.span() {
            Some(span) => DescriptionError::at(text, span.start, span.len(), message, None),
            None => DescriptionError {
                line: None,
                column: None,
                length: 0,
                source_line: String::new(),
                message,
                hint: Some("`bitgauge init` writes a complete description to start from".to_owned()),
            },
        }
    }

    pub(super) fn from_problem(text: &str, problem: Problem) -> DescriptionError {
        let message = format!("[{}] {}: {}", problem.table, problem.key, problem.message);
        let (offset, length) = find_key(text, problem.table, problem.key);
        DescriptionError::at(text, offset, length, message, Some(problem.hint))
    }

    fn at(
        text: &str,
        offset: usize,
        length: usize,
        message: String,
        hint: Option<String>,
    ) -> DescriptionError {
        let offset = (0..=offset.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        let before = &text[..offset];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let source_line = text[start..].lines().next().unwrap_or("").to_owned();
        DescriptionError {
            line: Some(before.matches('\n').count() + 1),
            column: Some(text[start..offset].chars().count() + 1),
            length: length.clamp(1, source_line.len().saturating_sub(offset - start).max(1)),
            source_line,
            message,
            hint,
        }
    }
}

/// Where `key` of `[table]` stands in the text; the table's header, or the start, where a default was
/// used.
fn find_key(text: &str, table: &str, key: &str) -> (usize, usize) {
    let mut inside = false;
    let mut header = (0, 1);
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        let indent = line.len() - line.trim_start().len();
        if trimmed.starts_with('[') {
            inside = trimmed.trim_start_matches('[').split(']').next().map(str::trim) == Some(table);
            if inside {
                header = (offset + indent, trimmed.len());
            }
        } else if inside && trimmed.split('=').next().map(str::trim) == Some(key) {
            return (offset + indent, trimmed.split('#').next().unwrap_or(trimmed).trim().len());
        }
        offset += line.len();
    }
    header
}

impl fmt::Display for DescriptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            let number = line.to_string();
            let pad = " ".repeat(number.len());
            write!(f, "\n{pad} |\n{number} | {}\n{pad} | ", self.source_line)?;
            write!(f, "{}{}", " ".repeat(column - 1), "^".repeat(self.length))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  = hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for DescriptionError {}
