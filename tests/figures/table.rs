//! Tables of text, and their comparison column by column.

use crate::cases::Case;

/// What a cell has to hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Text(String),
    /// Equal but for the rounding of a few operations.
    Number(f64),
    Nothing,
}

impl From<u64> for Cell {
    fn from(value: u64) -> Cell {
        Cell::Number(value as f64)
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Cell {
        Cell::Number(value)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Cell {
        Cell::Text(value.to_owned())
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Cell {
        Cell::Text(value)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Cell {
        value.map_or(Cell::Nothing, Into::into)
    }
}

/// Equal but for the rounding of a few operations.
pub fn close(found: f64, wanted: f64) -> bool {
    found == wanted || (found - wanted).abs() <= 1e-9 * wanted.abs()
}

impl Cell {
    pub fn is(&self, found: &str) -> bool {
        match self {
            Cell::Text(text) => found == text,
            Cell::Number(wanted) => found.parse::<f64>().is_ok_and(|found| close(found, *wanted)),
            Cell::Nothing => found.is_empty(),
        }
    }
}

/// Header and rows of a CSV file.
#[derive(Clone, Debug)]
pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub fn read(text: &str) -> Table {
        let mut rows: Vec<Vec<String>> = Vec::new();
        let (mut row, mut cell, mut quoted) = (Vec::new(), String::new(), false);
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '"' if quoted && characters.peek() == Some(&'"') => cell.extend(characters.next()),
                '"' => quoted = !quoted,
                ',' if !quoted => row.push(std::mem::take(&mut cell)),
                '\n' if !quoted => {
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                }
                other => cell.push(other),
            }
        }
        Table { header: rows.remove(0), rows }
    }

    pub fn column(&self, name: &str) -> Vec<&str> {
        let at = self.header.iter().position(|known| known == name);
        let at = at.unwrap_or_else(|| panic!("no column `{name}` in {:?}", self.header));
        self.rows.iter().map(|row| row[at].as_str()).collect()
    }

    pub fn numbers(&self, name: &str) -> Vec<f64> {
        self.column(name).iter().map(|cell| cell.parse().unwrap()).collect()
    }
}

/// Holds a CSV file of a report to columns: their names, their order, each cell.
pub fn hold(case: &Case, path: &str, header: &[&str], wanted: &[Vec<Cell>]) {
    let found = case.table(path);
    assert_eq!(found.header, header, "{}: {path}", case.name);
    assert_eq!(found.rows.len(), wanted.len(), "{}: rows of {path}", case.name);
    for (number, (found, wanted)) in found.rows.iter().zip(wanted).enumerate() {
        assert_eq!(found.len(), wanted.len(), "{}: {path}, row {number}", case.name);
        for ((name, found), wanted) in header.iter().zip(found).zip(wanted) {
            assert!(wanted.is(found), "{}: {path}, row {number}, {name}: {found}, not {wanted:?}", case.name);
        }
    }
}
