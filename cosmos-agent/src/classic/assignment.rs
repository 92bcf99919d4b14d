//! Lines of `cosmos.conf`: shell assignments, read and never executed (C1, docs/formats.md §17).

use cosmos_model::escape::for_terminal;

/// What a value may refer to.
pub trait Surroundings {
    /// Returns the value `name` has at this line, or `None` when nothing set it.
    fn variable(&self, name: &str) -> Option<Vec<u8>>;

    /// Returns what `hostname` (or `hostname -f`, when `full`) would print, or `None` when the host cannot tell.
    fn host_name(&self, full: bool) -> Option<String>;
}

/// A line that is no assignment this parser can read, and the line to put in its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Mistake {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
    /// What to write there instead; `None` means that the line has to go.
    pub instead: Option<String>,
}

/// Text of a `cosmos.conf`, read assignment by assignment.
pub struct Assignments<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Assignments<'a> {
    /// Starts at the first line of `text`.
    #[must_use]
    pub const fn new(text: &'a [u8]) -> Self {
        Self { rest: text, line: 1 }
    }

    /// Reads the next assignment, looking up what its value refers to; `None` at the end of the text.
    pub fn next(&mut self, surroundings: &dyn Surroundings) -> Option<Result<(String, Vec<u8>), Mistake>> {
        loop {
            self.skip_blanks();
            match self.peek()? {
                b'#' => self.skip_line(),
                b'\n' => self.advance(1),
                _ => return Some(self.statement(surroundings)),
            }
        }
    }

    fn statement(&mut self, surroundings: &dyn Surroundings) -> Result<(String, Vec<u8>), Mistake> {
        let line = self.line;
        let whole = self.line_text().to_vec();
        if let Some(after) = self.rest.strip_prefix(b"export")
            && after.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'))
        {
            self.advance("export".len());
            self.skip_blanks();
        }
        let Some(name) = name_before_equals(self.rest) else {
            self.skip_line();
            return Err(Mistake { line, what: not_an_assignment(&whole), instead: spaced_assignment(&whole) });
        };
        self.advance(name.len() + 1);
        let mut value = Value::default();
        self.value(&mut value, surroundings);
        match value.problem {
            None => Ok((name, value.bytes)),
            Some(what) => {
                self.skip_line();
                let instead = Some(format!("{name}=\"{}\"", for_terminal(&value.source).replace("\\\\", "\\")));
                Err(Mistake { line, what, instead })
            }
        }
    }

    /// Reads one value up to the blank, comment or end of line after it.
    fn value(&mut self, value: &mut Value, surroundings: &dyn Surroundings) {
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => return,
                b' ' | b'\t' => return self.after_value(value),
                b'\'' => self.single_quoted(value),
                b'"' => self.double_quoted(value, surroundings),
                b'\\' => self.escaped(value, |_| true),
                b'$' => self.dollar(value, surroundings),
                b'`' => self.backquoted(value),
                b'~' if matches!(value.bytes.last(), None | Some(b':')) => {
                    value.foreign(b"<the home directory>", "'~' is replaced by the shell, not here".into());
                    self.advance(1);
                }
                b'|' | b'&' | b';' | b'<' | b'>' | b'(' | b')' | b'\r' => return self.metacharacter(value, byte),
                _ => {
                    value.literal(byte);
                    self.advance(1);
                }
            }
        }
    }

    /// Accepts a comment or nothing after a value; anything else means that quotes were forgotten.
    fn after_value(&mut self, value: &mut Value) {
        let blanks = self.rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        match self.rest.get(blanks) {
            None | Some(b'\n' | b'#') => {
                self.advance(blanks);
                if self.peek() == Some(b'#') {
                    self.skip_line();
                }
            }
            Some(_) => {
                let rest = self.line_text().to_vec();
                value.problem("the value ends at the blank; quotes are missing".into());
                value.literals(rest.trim_ascii_end());
            }
        }
    }

    fn metacharacter(&mut self, value: &mut Value, byte: u8) {
        let rest = self.line_text().to_vec();
        value.problem(match byte {
            b'\r' => "the line ends in a carriage return".into(),
            _ => format!("'{}' means something to a shell outside quotes", char::from(byte)),
        });
        let kept = if matches!(byte, b'\r' | b';') { &b""[..] } else { rest.trim_ascii_end() };
        value.literals(kept);
    }

    fn single_quoted(&mut self, value: &mut Value) {
        self.advance(1);
        while let Some(byte) = self.peek() {
            match byte {
                b'\'' => return self.advance(1),
                b'\n' => break,
                _ => value.literal(byte),
            }
            self.advance(1);
        }
        value.problem("a quote is not closed on its line".into());
    }

    fn double_quoted(&mut self, value: &mut Value, surroundings: &dyn Surroundings) {
        self.advance(1);
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => return self.advance(1),
                b'\n' => break,
                b'\\' => self.escaped(value, |next| matches!(next, b'$' | b'"' | b'\\' | b'`')),
                b'$' => self.dollar(value, surroundings),
                b'`' => self.backquoted(value),
                _ => {
                    value.literal(byte);
                    self.advance(1);
                }
            }
        }
        value.problem("a quote is not closed on its line".into());
    }

    /// Reads a backslash: it joins lines, or takes the meaning from the next byte if that has one here.
    fn escaped(&mut self, value: &mut Value, special: fn(u8) -> bool) {
        match self.rest.get(1) {
            Some(b'\n') => self.advance(2),
            Some(&next) if special(next) => {
                value.literal(next);
                self.advance(2);
            }
            _ => {
                value.literal(b'\\');
                self.advance(1);
            }
        }
    }

    /// Reads what follows a `$`: a variable, a host name, or something that only a shell can answer.
    fn dollar(&mut self, value: &mut Value, surroundings: &dyn Surroundings) {
        let text = self.rest;
        let (written, name) = match text.get(1) {
            Some(b'(') => return self.command(value, surroundings),
            Some(b'{') => {
                let end = self.line_text().iter().position(|byte| *byte == b'}').map_or(2, |end| end + 1);
                (&text[..end], &text[2..end.saturating_sub(1).max(2)])
            }
            Some(byte) if byte.is_ascii_alphabetic() || *byte == b'_' => {
                let end = 1 + name_length(&text[1..]);
                (&text[..end], &text[1..end])
            }
            Some(byte) if byte.is_ascii_digit() || b"$?!@*#-".contains(byte) => (&text[..2], &b""[..]),
            _ => {
                value.literal(b'$');
                return self.advance(1);
            }
        };
        match plain_name(name).map(|name| (name, surroundings.variable(name))) {
            Some((_, Some(found))) => value.reference(written, &found),
            Some((name, None)) => {
                value.foreign(&placeholder(written), format!("'{name}' is set neither here above nor by default"));
            }
            None => {
                value.foreign(&placeholder(written), format!("only a shell can expand '{}'", for_terminal(written)))
            }
        }
        self.advance(written.len());
    }

    fn command(&mut self, value: &mut Value, surroundings: &dyn Surroundings) {
        let end = closing_parenthesis(self.line_text());
        let written = &self.rest[..end];
        let words: Vec<&[u8]> = written[2..end.saturating_sub(1).max(2)].split(u8::is_ascii_whitespace).collect();
        let words: Vec<&[u8]> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let name = match words[..] {
            [b"hostname"] => surroundings.host_name(false),
            [b"hostname", b"-f" | b"--fqdn"] => surroundings.host_name(true),
            _ => {
                let what = format!("'{}' would have to be executed", for_terminal(written));
                value.foreign(&placeholder(written), what);
                return self.advance(end);
            }
        };
        match name {
            Some(name) => value.reference(written, name.as_bytes()),
            None => value.foreign(&placeholder(written), "this host does not know its own full name".into()),
        }
        self.advance(end);
    }

    fn backquoted(&mut self, value: &mut Value) {
        let line = self.line_text();
        let end = line[1..].iter().position(|byte| *byte == b'`').map_or(line.len(), |end| end + 2);
        let written = &self.rest[..end];
        let inside = written[1..].strip_suffix(b"`").unwrap_or(&written[1..]).trim_ascii();
        let suggestion = match inside {
            b"hostname" | b"hostname -f" | b"hostname --fqdn" => [b"$(", inside, b")"].concat(),
            _ => placeholder(written),
        };
        value.foreign(&suggestion, format!("'{}' would have to be executed", for_terminal(written)));
        self.advance(end);
    }

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Returns what is left of the current line.
    fn line_text(&self) -> &'a [u8] {
        self.rest.split(|byte| *byte == b'\n').next().unwrap_or(&[])
    }

    fn advance(&mut self, count: usize) {
        let (passed, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        self.rest = rest;
    }

    fn skip_blanks(&mut self) {
        self.advance(self.rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count());
    }

    fn skip_line(&mut self) {
        self.advance(self.line_text().len());
    }
}

/// A value while it is read: its bytes, and how to write it in double quotes.
#[derive(Default)]
struct Value {
    bytes: Vec<u8>,
    source: Vec<u8>,
    problem: Option<String>,
}

impl Value {
    fn literal(&mut self, byte: u8) {
        self.bytes.push(byte);
        if matches!(byte, b'$' | b'"' | b'\\' | b'`') {
            self.source.push(b'\\');
        }
        self.source.push(byte);
    }

    fn literals(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.literal(*byte));
    }

    fn reference(&mut self, written: &[u8], found: &[u8]) {
        self.bytes.extend_from_slice(found);
        self.source.extend_from_slice(written);
    }

    fn foreign(&mut self, suggestion: &[u8], what: String) {
        self.source.extend_from_slice(suggestion);
        self.problem(what);
    }

    /// Keeps the first problem of a line: later ones often follow from it.
    fn problem(&mut self, what: String) {
        self.problem.get_or_insert(what);
    }
}

fn placeholder(written: &[u8]) -> Vec<u8> {
    [b"<the value of ", written, b">"].concat()
}

fn name_length(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count()
}

fn plain_name(text: &[u8]) -> Option<&str> {
    let sound = !text.is_empty() && !text[0].is_ascii_digit() && name_length(text) == text.len();
    sound.then(|| std::str::from_utf8(text).expect("letters, digits and underscores are ASCII"))
}

fn name_before_equals(text: &[u8]) -> Option<String> {
    let length = name_length(text);
    (text.get(length) == Some(&b'=')).then(|| plain_name(&text[..length]).map(str::to_owned)).flatten()
}

/// Returns the length of `$(…)` with its closing parenthesis, or of the line when it is never closed.
fn closing_parenthesis(line: &[u8]) -> usize {
    let mut depth = 0_usize;
    for (index, byte) in line.iter().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 1 => return index + 1,
            b')' => depth -= 1,
            _ => {}
        }
    }
    line.len()
}

fn not_an_assignment(line: &[u8]) -> String {
    let word = line.split(u8::is_ascii_whitespace).next().unwrap_or(line);
    match word {
        b"export" => "'export' without a value; every variable set here is exported anyway".into(),
        _ => format!("'{}' is no assignment; this file is read, not executed", for_terminal(line.trim_ascii_end())),
    }
}

/// Returns the assignment that `NAME = VALUE` was meant to be.
fn spaced_assignment(line: &[u8]) -> Option<String> {
    let equals = line.iter().position(|byte| *byte == b'=')?;
    let name = plain_name(line[..equals].trim_ascii())?;
    Some(format!("{name}={}", for_terminal(line[equals + 1..].trim_ascii())))
}
