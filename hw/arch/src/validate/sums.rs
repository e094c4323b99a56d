//! Sums that stay in the array from one compute command to the next.

use super::commands::require;
use crate::command::Operation;

/// What the array holds, walking program order.
#[derive(Default)]
pub(super) struct Sums {
    /// The word of the command that left sums, and their pixels and outputs.
    kept: Option<(usize, [u64; 2])>,
}

impl Sums {
    /// The next command: one that follows sums takes them up.
    pub fn visit(&mut self, operation: &Operation, word: usize) -> Result<(), String> {
        let Operation::Compute(compute) = operation else { return Ok(()) };
        let own @ [pixels, outputs] =
            [u64::from(compute.out_rows) * u64::from(compute.out_cols), u64::from(compute.outputs)];
        let before = self.kept.take();
        if compute.accumulate == 1 {
            self.kept = Some((word, own));
        }
        require(before.is_none_or(|(_, of)| of == own), || {
            format!("{pixels} pixels of {outputs} outputs do not take up the sums that were kept")
        })
    }

    /// The command whose sums are left.
    pub fn left(&self) -> Option<usize> {
        self.kept.map(|(word, _)| word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Compute;

    fn problems(commands: &[(u32, u32, u32)]) -> (Vec<bool>, Option<usize>) {
        let mut sums = Sums::default();
        let of = |&(out_cols, outputs, accumulate): &(u32, u32, u32)| {
            Operation::Compute(Compute { out_rows: 2, out_cols, outputs, accumulate, ..Compute::default() })
        };
        let wrong =
            commands.iter().enumerate().map(|(word, command)| sums.visit(&of(command), word).is_err());
        (wrong.collect(), sums.left())
    }

    #[test]
    fn sums_are_taken_up_by_as_many_pixels_and_outputs() {
        assert_eq!(problems(&[(3, 8, 1), (3, 8, 1), (3, 8, 0), (1, 1, 0)]), (vec![false; 4], None));
        assert_eq!(problems(&[(3, 8, 1), (2, 8, 0)]).0, [false, true]);
        assert_eq!(problems(&[(3, 8, 1), (3, 7, 0)]).0, [false, true]);
        assert_eq!(problems(&[(3, 8, 0), (3, 8, 1)]), (vec![false; 2], Some(1)));
    }
}
