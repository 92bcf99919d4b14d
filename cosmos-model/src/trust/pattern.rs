//! Which tag names are releases, and in what order names come (T7, docs/formats.md §6).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;

/// A pattern for release tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagPattern {
    parts: Vec<Part>,
    /// Whether `*` and `?` match `/` too.
    crosses: bool,
}

/// One element of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(u8),
    Any,
    Run,
    Set { negated: bool, ranges: Vec<(u8, u8)> },
}

/// Text that is no tag pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a tag pattern")]
pub struct InvalidPattern(pub String);

impl TagPattern {
    /// Reads a pattern of either grammar.
    ///
    /// # Errors
    /// Returns [`InvalidPattern`] as [`Self::native`] and [`Self::classic`] do.
    pub fn parse(text: &str, classic: bool) -> Result<Self, InvalidPattern> {
        if classic { Self::classic(text) } else { Self::native(text) }
    }

    /// Reads a native pattern: literals and `*`, with a literal before the first `*`.
    ///
    /// # Errors
    /// Returns [`InvalidPattern`] for anything else.
    pub fn native(text: &str) -> Result<Self, InvalidPattern> {
        if text.is_empty() || text.starts_with('*') || !text.bytes().all(|byte| byte == b'*' || is_literal(byte)) {
            return Err(InvalidPattern(crate::escape::for_terminal(text.as_bytes())));
        }
        let part = |byte| if byte == b'*' { Part::Run } else { Part::Literal(byte) };
        Ok(Self { parts: text.bytes().map(part).collect(), crosses: false })
    }

    /// Reads a classic shell glob: `*`, `?`, `[…]`, and a backslash before a literal.
    ///
    /// # Errors
    /// Returns [`InvalidPattern`] for an empty glob, an open bracket or a final backslash.
    pub fn classic(text: &str) -> Result<Self, InvalidPattern> {
        let invalid = || InvalidPattern(crate::escape::for_terminal(text.as_bytes()));
        let mut parts = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            parts.push(match byte {
                b'*' => Part::Run,
                b'?' => Part::Any,
                b'[' => {
                    let (set, tail) = set(rest).ok_or_else(invalid)?;
                    rest = tail;
                    set
                }
                b'\\' => {
                    let (&literal, tail) = rest.split_first().ok_or_else(invalid)?;
                    rest = tail;
                    Part::Literal(literal)
                }
                _ => Part::Literal(byte),
            });
        }
        if parts.is_empty() { Err(invalid()) } else { Ok(Self { parts, crosses: true }) }
    }

    /// Tells whether the whole `name`, without `refs/tags/`, matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name = name.as_bytes();
        let (mut at, mut part) = (0, 0);
        // Where to go on when a literal fails: one byte further inside the last run.
        let mut retry: Option<(usize, usize)> = None;
        while at < name.len() || part < self.parts.len() {
            match self.parts.get(part) {
                Some(Part::Run) => {
                    retry = Some((at, part));
                    part += 1;
                    continue;
                }
                Some(one) if name.get(at).is_some_and(|byte| self.accepts(one, *byte)) => {
                    at += 1;
                    part += 1;
                    continue;
                }
                _ => {}
            }
            match retry {
                Some((from, run)) if name.get(from).is_some_and(|byte| self.runs_over(*byte)) => {
                    retry = Some((from + 1, run));
                    (at, part) = (from + 1, run + 1);
                }
                _ => return false,
            }
        }
        true
    }

    fn accepts(&self, part: &Part, byte: u8) -> bool {
        match part {
            Part::Literal(literal) => *literal == byte,
            Part::Any => true,
            Part::Run => false,
            Part::Set { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&byte)) != *negated
            }
        }
    }

    fn runs_over(&self, byte: u8) -> bool {
        self.crosses || (is_literal(byte) && byte != b'/')
    }

    /// Returns the literal text every match starts with, to narrow a listing.
    #[must_use]
    pub fn literal_prefix(&self) -> String {
        let literals = self.parts.iter().map_while(|part| match part {
            Part::Literal(byte) if byte.is_ascii() => Some(char::from(*byte)),
            _ => None,
        });
        literals.collect()
    }
}

fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/')
}

/// Reads a bracket expression after its `[`.
fn set(text: &[u8]) -> Option<(Part, &[u8])> {
    let negated = matches!(text.first(), Some(b'!' | b'^'));
    let mut rest = &text[usize::from(negated)..];
    let mut ranges = Vec::new();
    loop {
        let (&low, tail) = rest.split_first()?;
        if low == b']' && !ranges.is_empty() {
            return Some((Part::Set { negated, ranges }, tail));
        }
        match tail {
            [b'-', high, after @ ..] if *high != b']' => {
                ranges.push((low, *high));
                rest = after;
            }
            _ => {
                ranges.push((low, low));
                rest = tail;
            }
        }
    }
}

/// Splits the `+FPR16` of a co-signature off a tag's name; `None` when the name has none.
#[must_use]
pub fn co_signed_name(name: &str) -> Option<&str> {
    let (release, signer) = name.rsplit_once('+')?;
    let upper_hex = |byte: u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
    (signer.len() == 16 && signer.bytes().all(upper_hex)).then_some(release)
}

/// Compares names run by run, runs of digits as numbers, so that `v99` comes before `v100`.
#[must_use]
pub fn compare_names(left: &str, right: &str) -> Ordering {
    let (left_runs, right_runs) = (runs(left), runs(right));
    for (one, other) in left_runs.iter().zip(&right_runs) {
        let order = if starts_with_digit(one) && starts_with_digit(other) {
            let (one_number, other_number) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
            let by_number = one_number.len().cmp(&other_number.len()).then_with(|| one_number.cmp(other_number));
            by_number.then_with(|| one.len().cmp(&other.len()))
        } else {
            one.as_bytes().cmp(other.as_bytes())
        };
        if order.is_ne() {
            return order;
        }
    }
    left_runs.len().cmp(&right_runs.len())
}

fn starts_with_digit(run: &str) -> bool {
    run.starts_with(|first: char| first.is_ascii_digit())
}

fn runs(name: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let end = rest.find(|next: char| next.is_ascii_digit() != digits).unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end);
        runs.push(run);
        rest = tail;
    }
    runs
}

/// A tag's name, ordered by [`compare_names`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NaturalName(pub String);

impl From<&str> for NaturalName {
    fn from(name: &str) -> Self {
        Self(name.to_string())
    }
}

impl Ord for NaturalName {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_names(&self.0, &other.0)
    }
}

impl PartialOrd for NaturalName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
