//! Boolean expressions of Liberty as tables of truth.

/// Most inputs and states of a cell: their values are a bit each of an index into 64 bits.
pub const MOST_VARIABLES: usize = 6;

/// The value of an expression by the values of some variables: bit `i` holds where variable `k` has bit `k` of `i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth(pub u64);

impl Truth {
    /// Always.
    pub const ALWAYS: Truth = Truth(u64::MAX);

    /// Whether it holds where the variables have the bits of `state`.
    #[must_use]
    pub fn holds(self, state: usize) -> bool {
        self.0 >> (state % 64) & 1 == 1
    }

    /// Variable number `index`, below [`MOST_VARIABLES`].
    #[must_use]
    pub fn variable(index: usize) -> Truth {
        Truth((0..64).filter(|state| state >> index & 1 == 1).fold(0, |truth, state| truth | 1 << state))
    }
}

/// Reads an expression: `!A`, `A'`, `A * B`, `A & B`, `A B`, `A + B`, `A | B`, `A ^ B`, parentheses, 0 and 1. `named`
/// gives the value of a name.
///
/// # Errors
/// What is wrong with it.
pub fn truth(text: &str, named: &dyn Fn(&str) -> Option<Truth>) -> Result<Truth, String> {
    let mut parser = Parser { rest: text.trim(), named };
    let value = parser.or()?;
    if parser.rest.is_empty() { Ok(value) } else { Err(format!("`{text}`: `{}` is left over", parser.rest)) }
}

struct Parser<'a> {
    rest: &'a str,
    named: &'a dyn Fn(&str) -> Option<Truth>,
}

impl Parser<'_> {
    fn skip(&mut self, marks: &[char]) -> bool {
        let found = self.rest.starts_with(marks);
        if found {
            self.rest = self.rest[1..].trim_start();
        }
        found
    }

    fn or(&mut self) -> Result<Truth, String> {
        let mut value = self.and()?;
        while self.skip(&['+', '|']) {
            value = Truth(value.0 | self.and()?.0);
        }
        Ok(value)
    }

    fn and(&mut self) -> Result<Truth, String> {
        let mut value = self.exclusive()?;
        // Two factors side by side are a product too.
        while self.skip(&['*', '&'])
            || self.rest.starts_with(|c: char| c == '(' || c == '!' || c.is_alphanumeric() || c == '_')
        {
            value = Truth(value.0 & self.exclusive()?.0);
        }
        Ok(value)
    }

    fn exclusive(&mut self) -> Result<Truth, String> {
        let mut value = self.factor()?;
        while self.skip(&['^']) {
            value = Truth(value.0 ^ self.factor()?.0);
        }
        Ok(value)
    }

    fn factor(&mut self) -> Result<Truth, String> {
        let mut value = if self.skip(&['!']) {
            Truth(!self.factor()?.0)
        } else if self.skip(&['(']) {
            let value = self.or()?;
            if !self.skip(&[')']) {
                return Err("`)` is missing".to_owned());
            }
            value
        } else {
            let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
            let (name, rest) = self.rest.split_at(end);
            self.rest = rest.trim_start();
            match name {
                "" => return Err("an operand is missing".to_owned()),
                "0" => Truth(0),
                "1" => Truth::ALWAYS,
                _ => (self.named)(name).ok_or_else(|| format!("`{name}` is no pin and no state"))?,
            }
        };
        while self.skip(&['\'']) {
            value = Truth(!value.0);
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Truth, String> {
        truth(text, &|name| ["A", "B", "C"].iter().position(|known| *known == name).map(Truth::variable))
    }

    #[test]
    fn expressions_are_read_by_the_precedence_of_liberty() {
        let abc = |of: fn(bool, bool, bool) -> bool| {
            Truth(
                (0..64).filter(|i| of(i & 1 == 1, i & 2 == 2, i & 4 == 4)).fold(0, |truth, i| truth | 1 << i),
            )
        };
        for (text, expected) in [
            ("A", abc(|a, _, _| a)),
            ("(((A B)+(B C))+(C A))", abc(|a, b, c| a & b | b & c | c & a)),
            ("!A*B'", abc(|a, b, _| !a & !b)),
            ("A&B|C", abc(|a, b, c| a & b | c)),
            ("A^B C", abc(|a, b, c| (a ^ b) & c)),
            ("!(A + B)''", abc(|a, b, _| !(a | b))),
            ("A !B", abc(|a, b, _| a & !b)),
            ("1 & A + 0", abc(|a, _, _| a)),
        ] {
            assert_eq!(of(text), Ok(expected), "{text}");
        }
        for text in ["", "A +", "(A", "A)", "A & D"] {
            assert!(of(text).is_err(), "{text}");
        }
    }
}
