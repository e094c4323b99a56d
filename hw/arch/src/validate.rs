//! The validator: a program that passes runs on simulator and hardware without panic, race or deadlock.
//!
//! It checks the container, every command by itself, and the order between commands:
//! - **liveness**: walking program order, no wait finds its counter at zero (so the oldest unfinished
//!   command can always run, at any queue depth) and no counter can pass [`TOKEN_MAX`](crate::command::TOKEN_MAX);
//! - **races**: by vector clocks, no two overlapping accesses, one of them a write, that tokens or the
//!   unit's own order do not order; and no feeder in a bank from which an earlier compute command may still
//!   read its residual;
//! - **sums** that stay in the array are taken up by the next compute command.

mod commands;
mod container;
#[cfg(test)]
mod limits;
mod order;
mod sums;

use std::ops::Deref;

use thiserror::Error;

use crate::Program;
use crate::command::Word;

/// One reason why a program was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// The container: addresses, sizes, counts.
    #[error("program: {0}")]
    Container(String),
    /// A command word.
    #[error("word {word}: {message} (`{text}`)")]
    Word {
        /// Index of the word.
        word: usize,
        /// What is wrong.
        message: String,
        /// The word's text form.
        text: String,
    },
    /// Two commands that are not ordered.
    #[error("words {first} and {second} race: both use {space} {start}..{end}, and no token orders them")]
    Race {
        /// Index of the earlier word.
        first: usize,
        /// Index of the later word.
        second: usize,
        /// Address space.
        space: &'static str,
        /// First unit that both use.
        start: u64,
        /// One past the last.
        end: u64,
    },
}

/// Most problems that are reported at once.
pub const MAX_PROBLEMS: usize = 20;

/// A value that has passed its validator: nothing makes one but [`validate`], and nothing changes it afterwards.
/// Simulator, cosimulation and export take programs in no other form.
#[derive(Clone, Debug, PartialEq)]
pub struct Validated<T>(T);

impl<T> Validated<T> {
    /// The value, to be changed and validated anew.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Validated<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Checks a program.
///
/// # Errors
/// What [`problems`] finds.
pub fn validate(program: Program) -> Result<Validated<Program>, Vec<Problem>> {
    let problems = problems(&program);
    if problems.is_empty() { Ok(Validated(program)) } else { Err(problems) }
}

/// The first [`MAX_PROBLEMS`] problems of a program, none where it is valid.
#[must_use]
pub fn problems(program: &Program) -> Vec<Problem> {
    let mut problems = Vec::new();
    container::check(program, &mut problems);
    if problems.is_empty() {
        commands::check(program, &mut problems);
    }
    // The order is only meaningful between commands that are well formed.
    if problems.is_empty() {
        order::check(program, &mut problems);
    }
    problems.truncate(MAX_PROBLEMS);
    problems
}

fn word_problem(program: &Program, word: usize, message: String) -> Problem {
    let text =
        program.words.get(word).map_or_else(String::new, |word: &Word| crate::command::to_text(&[*word]));
    Problem::Word { word, message, text: text.trim().to_owned() }
}
