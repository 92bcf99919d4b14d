//! Settings text of a repository: TOML read so that every mistake is found at once, each with its line and column.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;
use core::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One mistake in a repository: where it is, what it is, and what to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The file, and the line and column where it has them.
    pub place: String,
    /// What is wrong.
    pub text: String,
    /// What to try; empty when the text says it already.
    pub hint: String,
}

impl Mistake {
    /// Makes a mistake that has no line.
    pub(crate) fn at(place: impl Into<String>, text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { place: place.into(), text: text.into(), hint: hint.into() }
    }
}

/// By file, line and column, as somebody reads who mends them.
impl Ord for Mistake {
    fn cmp(&self, other: &Self) -> Ordering {
        let rest = |one: &Self| [one.place.clone(), one.text.clone(), one.hint.clone()];
        position(&self.place).cmp(&position(&other.place)).then_with(|| rest(self).cmp(&rest(other)))
    }
}

impl PartialOrd for Mistake {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Takes a place apart into the file and the numbers behind it.
fn position(place: &str) -> (&str, Vec<u64>) {
    let (mut file, mut numbers) = (place, Vec::new());
    while let Some((rest, number)) = file.rsplit_once(':').and_then(|(rest, last)| Some((rest, last.parse().ok()?))) {
        numbers.insert(0, number);
        file = rest;
    }
    (file, numbers)
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// A value with where it stands in the text.
pub(crate) type Value<'t> = Spanned<DeValue<'t>>;

/// A text being read, and the mistakes found so far.
pub(crate) struct Document<'t> {
    file: &'t str,
    /// Where each line begins.
    lines: Vec<usize>,
    pub(crate) mistakes: Vec<Mistake>,
}

impl<'t> Document<'t> {
    /// Reads `text` as TOML; what cannot be read is a mistake already, the rest is still looked at.
    pub(crate) fn read(file: &'t str, text: &'t str) -> (Self, Spanned<DeTable<'t>>) {
        let (table, errors) = DeTable::parse_recoverable(text);
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = core::iter::once(0).chain(ends.map(|(end, _)| end + 1)).collect();
        let mut document = Self { file, lines, mistakes: Vec::new() };
        for error in errors {
            document.mistake(error.span().unwrap_or(0..0), error.message(), "see the format's page, docs/formats.md");
        }
        (document, table)
    }

    /// Notes a mistake at a place of the text.
    pub(crate) fn mistake(&mut self, span: Range<usize>, text: impl Into<String>, hint: impl Into<String>) {
        self.mistakes.push(Mistake::at(self.place(&span), text, hint));
    }

    /// Returns the file, line and column at which `span` begins.
    pub(crate) fn place(&self, span: &Range<usize>) -> String {
        let line = self.lines.partition_point(|start| *start <= span.start);
        let column = span.start - self.lines[line - 1] + 1;
        format!("{}:{line}:{column}", self.file)
    }

    /// Refuses every key of `table` that is not in `known`; keys in `later` are refused by name.
    pub(crate) fn only(&mut self, table: &DeTable<'_>, within: &str, known: &[&str], later: &[&str]) {
        for (key, _) in table {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            let shown = crate::escape::for_terminal(format!("{within}{name}").as_bytes());
            if later.contains(&name) {
                let text = format!("'{shown}' is not supported by this version of cosmos");
                self.mistake(key.span(), text, "remove it, or install a newer agent");
            } else {
                let text = format!("unknown key '{shown}'");
                self.mistake(key.span(), text, format!("known here: {}", known.join(", ")));
            }
        }
    }

    /// Reads an optional string.
    pub(crate) fn string<'v>(&mut self, table: &'v DeTable<'t>, key: &str) -> Option<(&'v str, Range<usize>)> {
        let value = table.get(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some((text, value.span())),
            None => self.wrong_type(value, key, "a string", "\"…\""),
        }
    }

    /// Reads an optional whole number.
    pub(crate) fn integer(&mut self, table: &DeTable<'t>, key: &str) -> Option<(u64, Range<usize>)> {
        let value = table.get(key)?;
        let number = value.get_ref().as_integer().and_then(|number| match number.radix() {
            10 => number.as_str().parse().ok(),
            _ => None,
        });
        match number {
            Some(number) => Some((number, value.span())),
            None => self.wrong_type(value, key, "a whole number that is not negative", "1"),
        }
    }

    /// Reads an optional list of strings.
    pub(crate) fn strings<'v>(&mut self, table: &'v DeTable<'t>, key: &str) -> Vec<(&'v str, Range<usize>)> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            return self.wrong_type(value, key, "a list of strings", "[\"…\"]").unwrap_or_default();
        };
        let mut strings = Vec::new();
        for item in list {
            match item.get_ref().as_str() {
                Some(text) => strings.push((text, item.span())),
                None => self.wrong_type::<()>(item, key, "a list of strings", "[\"…\"]").unwrap_or_default(),
            }
        }
        strings
    }

    /// Reads an optional table.
    pub(crate) fn table<'v>(&mut self, table: &'v DeTable<'t>, key: &str) -> Option<&'v DeTable<'t>> {
        let value = table.get(key)?;
        self.as_table(value, key)
    }

    /// Reads a value that must be a table.
    pub(crate) fn as_table<'v>(&mut self, value: &'v Value<'t>, key: &str) -> Option<&'v DeTable<'t>> {
        match value.get_ref().as_table() {
            Some(inner) => Some(inner),
            None => self.wrong_type(value, key, "a table", &format!("[{key}]")),
        }
    }

    /// Reads an optional list of tables, each with where it stands.
    pub(crate) fn tables<'v>(&mut self, table: &'v DeTable<'t>, key: &str) -> Vec<(&'v DeTable<'t>, Range<usize>)> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            return self.wrong_type(value, key, "a list of tables", &format!("[[{key}]]")).unwrap_or_default();
        };
        list.iter().filter_map(|item| Some((self.as_table(item, key)?, item.span()))).collect()
    }

    /// Reads an optional truth value.
    pub(crate) fn boolean(&mut self, table: &DeTable<'t>, key: &str) -> Option<bool> {
        let value = table.get(key)?;
        match value.get_ref().as_bool() {
            Some(truth) => Some(truth),
            None => self.wrong_type(value, key, "true or false", "true"),
        }
    }

    /// Reads an optional duration in seconds, at least one of them: a number and one of `s m h d`.
    pub(crate) fn duration(&mut self, table: &DeTable<'t>, key: &str) -> Option<u64> {
        let (text, span) = self.string(table, key)?;
        let seconds = seconds(text);
        if seconds.is_none() {
            let shown = crate::escape::for_terminal(text.as_bytes());
            self.mistake(span, format!("'{key}' must be a duration, not '{shown}'"), "such as \"90s\" or \"2h\"");
        }
        seconds
    }

    fn wrong_type<T>(&mut self, value: &Value<'t>, key: &str, wanted: &str, example: &str) -> Option<T> {
        let text = format!("'{key}' must be {wanted}, this is {}", with_article(value.get_ref().type_str()));
        self.mistake(value.span(), text, format!("write {example}"));
        None
    }
}

/// The longest duration a repository may ask for, in seconds: a month.
const LONGEST: u64 = 31 * 86_400;

fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| digits)?;
    number.checked_mul(unit).filter(|seconds| (1..=LONGEST).contains(seconds))
}

fn with_article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'i', 'o']) { "an" } else { "a" };
    [article, kind].join(" ").to_string()
}
