//! The text of a Liberty file: groups in groups, with attributes. What they mean is the library's affair.

use super::LibertyError;

/// `name (arguments) { attributes, groups }`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// What kind of group: `cell`, `pin`, `timing`.
    pub name: String,
    /// What stands in the parentheses.
    pub arguments: Vec<String>,
    /// Line on which it begins, from 1.
    pub line: usize,
    /// `name : value;` and `name (values);`, in order.
    pub attributes: Vec<Attribute>,
    /// The groups inside, in order.
    pub groups: Vec<Group>,
}

/// `name : value;` or `name (value, value);`.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// Name.
    pub name: String,
    /// One value, or those in the parentheses.
    pub values: Vec<String>,
    /// Line, from 1.
    pub line: usize,
}

impl Group {
    /// The values of an attribute.
    #[must_use]
    pub fn values(&self, name: &str) -> Option<&[String]> {
        self.attributes.iter().find(|one| one.name == name).map(|one| one.values.as_slice())
    }

    /// The first value of an attribute.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values(name)?.first().map(String::as_str)
    }

    /// The first argument.
    #[must_use]
    pub fn argument(&self) -> &str {
        self.arguments.first().map_or("", String::as_str)
    }

    /// The groups of a kind.
    pub fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Group> {
        self.groups.iter().filter(move |group| group.name == name)
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Text(String),
    Mark(char),
}

type Token = (Word, usize);

/// Words, marks and their lines; comments and continued lines are gone.
fn tokens(text: &str) -> Result<Vec<Token>, LibertyError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("/*") {
            let end = after.find("*/").ok_or(LibertyError::Syntax { line, what: "a comment has no end" })?;
            line += after[..end].matches('\n').count();
            rest = &after[end + 2..];
        } else if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if let Some(after) = rest.strip_prefix('"') {
            let end = after.find('"').ok_or(LibertyError::Syntax { line, what: "a string has no end" })?;
            let inside = &after[..end];
            tokens.push((Word::Text(inside.replace("\\\n", " ").replace("\\\r\n", " ")), line));
            line += inside.matches('\n').count();
            rest = &after[end + 1..];
        } else if first.is_whitespace() || first == '\\' {
            line += usize::from(first == '\n');
            rest = &rest[first.len_utf8()..];
        } else if "(){};:,".contains(first) {
            tokens.push((Word::Mark(first), line));
            rest = &rest[1..];
        } else {
            let end = rest.find(|c: char| c.is_whitespace() || "(){};:,\"\\".contains(c));
            let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
            tokens.push((Word::Text(word.to_owned()), line));
            rest = after;
        }
    }
    Ok(tokens)
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

/// Groups may lie in so many others: more is no library, and would take the stack.
const DEEPEST: usize = 32;

impl Reader {
    fn line(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |token| token.1)
    }

    fn fault(&self, what: &'static str) -> LibertyError {
        LibertyError::Syntax { line: self.line(), what }
    }

    fn mark(&self) -> Option<char> {
        match self.tokens.get(self.at) {
            Some((Word::Mark(mark), _)) => Some(*mark),
            _ => None,
        }
    }

    fn take(&mut self, mark: char) -> bool {
        let found = self.mark() == Some(mark);
        self.at += usize::from(found);
        found
    }

    fn text(&mut self) -> Option<(String, usize)> {
        let (Word::Text(text), line) = self.tokens.get(self.at)? else { return None };
        let found = (text.clone(), *line);
        self.at += 1;
        Some(found)
    }

    /// The values up to `)`.
    fn arguments(&mut self) -> Result<Vec<String>, LibertyError> {
        let mut arguments: Vec<String> = Vec::new();
        loop {
            if self.take(')') {
                return Ok(arguments);
            }
            if self.take(',') {
                continue;
            }
            match self.text() {
                Some((text, _)) => arguments.push(text),
                // Bits of a bus, `A[3:0]`.
                None if self.take(':') => {
                    let (after, _) =
                        self.text().ok_or_else(|| self.fault("a `:` in parentheses stands alone"))?;
                    let before = arguments
                        .last_mut()
                        .ok_or(LibertyError::Syntax { line: 0, what: "a `:` stands alone" })?;
                    *before = format!("{before}:{after}");
                }
                None => return Err(self.fault("`)` is missing")),
            }
        }
    }

    /// What follows `name :`, to the semicolon, or to the line's end where there is none.
    fn simple(&mut self) -> Vec<String> {
        let line = self.line();
        let mut parts: Vec<String> = Vec::new();
        while self.at < self.tokens.len() && self.line() == line && !matches!(self.mark(), Some(';' | '}')) {
            match self.text() {
                Some((text, _)) => parts.push(text),
                None => {
                    parts.extend(self.mark().map(String::from));
                    self.at += 1;
                }
            }
        }
        self.take(';');
        vec![parts.join(" ")]
    }

    fn inside(&mut self, group: &mut Group, depth: usize) -> Result<(), LibertyError> {
        while !self.take('}') {
            if self.take(';') {
                continue;
            }
            let Some((name, line)) = self.text() else {
                return Err(self.fault("a group has no end: `}` is missing"));
            };
            if self.take(':') {
                let values = self.simple();
                group.attributes.push(Attribute { name, values, line });
            } else if self.take('(') {
                let arguments = self.arguments()?;
                if self.take('{') {
                    if depth == DEEPEST {
                        return Err(self.fault("groups lie too deep in each other"));
                    }
                    let mut inner = Group { name, arguments, line, ..Group::default() };
                    self.inside(&mut inner, depth + 1)?;
                    group.groups.push(inner);
                } else {
                    self.take(';');
                    group.attributes.push(Attribute { name, values: arguments, line });
                }
            } else {
                return Err(self.fault("after a name comes `:` or `(`"));
            }
        }
        Ok(())
    }
}

/// Reads the outermost group, `library (name) { ... }`.
///
/// # Errors
/// Text that is no Liberty, with its line.
pub fn read(text: &str) -> Result<Group, LibertyError> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0 };
    let Some((name, line)) = reader.text() else {
        return Err(reader.fault("the file does not begin with `library (name) {`"));
    };
    if name != "library" || !reader.take('(') {
        return Err(LibertyError::Syntax { line, what: "the file does not begin with `library (name) {`" });
    }
    let arguments = reader.arguments()?;
    if !reader.take('{') {
        return Err(reader.fault("after `library (name)` comes `{`"));
    }
    let mut library = Group { name, arguments, line, ..Group::default() };
    reader.inside(&mut library, 0)?;
    Ok(library)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_attributes_and_continued_lines_are_read() {
        let text = "/* head */ library (toy) {\n  time_unit : \"1ns\"\n  unit (1, pf);\n  cell (A) { // note\n    area : 2;\n    \
                    values ( \\\n \"1, 2\", \\\n \"3, 4\");\n  }\n}\n";
        let library = read(text).unwrap();
        assert_eq!((library.argument(), library.value("time_unit")), ("toy", Some("1ns")));
        assert_eq!(library.values("unit").unwrap(), ["1", "pf"]);
        let cell = library.of("cell").next().unwrap();
        assert_eq!((cell.line, cell.value("area")), (4, Some("2")));
        assert_eq!(cell.values("values").unwrap(), ["1, 2", "3, 4"]);
    }

    #[test]
    fn what_is_no_liberty_is_refused_with_its_line() {
        for (text, line, what) in [
            ("", 1, "does not begin"),
            ("module (a) {}", 1, "does not begin"),
            ("library (a) {\n cell (b) {", 2, "no end"),
            ("library (a) {\n x\n y : 1; }", 3, "after a name"),
            ("library (a) {\n /* x", 2, "comment"),
            ("library (a) {\n\n x : \"", 3, "string"),
            ("library (a) {\n x (1; }", 2, "`)` is missing"),
        ] {
            let said = read(text).unwrap_err().to_string();
            assert!(said.contains(&format!("line {line}")) && said.contains(what), "{text:?}: {said}");
        }
    }
}
