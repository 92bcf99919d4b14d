//! Patterns for paths (docs/formats.md §4) and host names (§3).
//!
//! Matching walks the set of positions that a prefix of the pattern can reach, so that no pattern is slow.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use crate::host_name::HostName;

/// What one element of a pattern matches.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// Any run without this byte.
    Run(u8),
    /// Any run.
    AnyRun,
    /// One character but this byte.
    One(u8),
    /// One of these bytes, given as inclusive ranges.
    Class(Box<[(u8, u8)]>),
    /// A decimal number between two, of a fixed width when the ends have one.
    Number {
        low: u64,
        high: u64,
        width: Option<usize>,
    },
    Alternatives(Box<[Vec<Token>]>),
}

/// A pattern of `[files]`: paths relative to the root.
///
/// One with wildcards means files and symlinks, and directories only when it ends in a slash; one without means what
/// has that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    tokens: Vec<Token>,
    directories: bool,
    others: bool,
}

/// A list of host patterns, the last that matches decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostPatterns(Vec<(bool, Vec<Token>)>);

/// Why a pattern was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing to match.
    #[error("the pattern is empty")]
    Empty,
    /// A bracket or brace has no end.
    #[error("a '[' or '{{' is not closed")]
    Unclosed,
    /// A range is none.
    #[error("a range must be like [1-20]")]
    Range,
    /// A path pattern that can match nothing.
    #[error("a path pattern is relative to the root, without leading slash, '.' and '..'")]
    NotRelative,
    /// A character that no host name has.
    #[error("the pattern has a character that no host name has")]
    NotAHost,
}

impl PathPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Returns [`PatternError`] when it is absolute, empty, has a `.` or `..` component, or an open bracket.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let (body, only_directories) = match text.strip_suffix('/') {
            Some(body) => (body, true),
            None => (text, false),
        };
        if body.is_empty() {
            return Err(PatternError::Empty);
        }
        if body.split('/').any(|component| matches!(component, "" | "." | "..")) {
            return Err(PatternError::NotRelative);
        }
        let tokens = path_tokens(body.as_bytes())?;
        let literal = tokens.iter().all(|token| matches!(token, Token::Byte(_)));
        Ok(Self { tokens, directories: only_directories || literal, others: !only_directories })
    }

    /// Tells whether the pattern means `path`.
    #[must_use]
    pub fn matches(&self, path: &[u8], is_directory: bool) -> bool {
        (if is_directory { self.directories } else { self.others }) && matches(&self.tokens, path)
    }
}

impl HostPatterns {
    /// Adds a pattern.
    ///
    /// # Errors
    /// Returns [`PatternError`] when it is not one.
    pub fn push(&mut self, text: &str) -> Result<(), PatternError> {
        let (takes_out, body) = match text.strip_prefix('!') {
            Some(body) => (true, body),
            None => (false, text),
        };
        if body.is_empty() {
            return Err(PatternError::Empty);
        }
        self.0.push((!takes_out, host_tokens(&body.to_ascii_lowercase())?));
        Ok(())
    }

    /// Tells whether the list means `host`.
    #[must_use]
    pub fn matches(&self, host: &HostName) -> bool {
        let last = self.0.iter().rev().find(|(_, tokens)| matches(tokens, host.as_str().as_bytes()));
        last.is_some_and(|(takes_in, _)| *takes_in)
    }
}

fn path_tokens(mut rest: &[u8]) -> Result<Vec<Token>, PatternError> {
    let mut tokens = Vec::with_capacity(rest.len());
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        tokens.push(match first {
            b'*' => match tail.strip_prefix(b"*") {
                Some(after) => {
                    rest = after;
                    Token::AnyRun
                }
                None => Token::Run(b'/'),
            },
            b'?' => Token::One(b'/'),
            b'[' => {
                let end = closing(tail, b']')?;
                rest = &tail[end + 1..];
                Token::Class(class(&tail[..end])?)
            }
            byte => Token::Byte(byte),
        });
    }
    Ok(tokens)
}

fn class(body: &[u8]) -> Result<Box<[(u8, u8)]>, PatternError> {
    let mut ranges = Vec::new();
    let mut rest = body;
    while let Some((&low, tail)) = rest.split_first() {
        match tail {
            [b'-', high, after @ ..] if *high >= low => {
                ranges.push((low, *high));
                rest = after;
            }
            [b'-', _, ..] => return Err(PatternError::Range),
            _ => {
                ranges.push((low, low));
                rest = tail;
            }
        }
    }
    if ranges.is_empty() { Err(PatternError::Empty) } else { Ok(ranges.into()) }
}

fn host_tokens(text: &str) -> Result<Vec<Token>, PatternError> {
    let mut tokens = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        tokens.push(match first {
            b'*' if tail.starts_with(b"*") => {
                rest = &tail[1..];
                Token::AnyRun
            }
            b'*' => Token::Run(b'.'),
            b'?' => Token::One(b'.'),
            b'[' => {
                let end = closing(tail, b']')?;
                rest = &tail[end + 1..];
                number_range(&tail[..end])?
            }
            b'{' => {
                let end = closing(tail, b'}')?;
                rest = &tail[end + 1..];
                alternatives(&tail[..end])?
            }
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.') => Token::Byte(byte),
            _ => return Err(PatternError::NotAHost),
        });
    }
    Ok(tokens)
}

fn closing(rest: &[u8], bracket: u8) -> Result<usize, PatternError> {
    rest.iter().position(|byte| *byte == bracket).ok_or(PatternError::Unclosed)
}

fn number_range(body: &[u8]) -> Result<Token, PatternError> {
    let text = core::str::from_utf8(body).map_err(|_| PatternError::Range)?;
    let (low_text, high_text) = text.split_once('-').ok_or(PatternError::Range)?;
    let number = |digits: &str| match digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => digits.parse::<u64>().map_err(|_| PatternError::Range),
        false => Err(PatternError::Range),
    };
    let (low, high) = (number(low_text)?, number(high_text)?);
    let padded = low_text.len() > 1 && low_text.starts_with('0');
    if low > high || (padded && low_text.len() != high_text.len()) {
        return Err(PatternError::Range);
    }
    let width = (low_text.len() == high_text.len()).then_some(low_text.len());
    Ok(Token::Number { low, high, width })
}

fn alternatives(body: &[u8]) -> Result<Token, PatternError> {
    let text = core::str::from_utf8(body).map_err(|_| PatternError::NotAHost)?;
    let parts: Result<Vec<_>, _> = text.split(',').map(host_tokens).collect();
    Ok(Token::Alternatives(parts?.into()))
}

fn matches(tokens: &[Token], text: &[u8]) -> bool {
    // Most patterns of a layer differ from most paths in their first bytes.
    let literal = tokens.iter().zip(text).take_while(|(token, _)| matches!(token, Token::Byte(_)));
    if literal.into_iter().any(|(token, byte)| *token != Token::Byte(*byte)) {
        return false;
    }
    let mut positions = vec![false; text.len() + 1];
    positions[0] = true;
    advance(tokens, text, positions)[text.len()]
}

/// Returns the positions reachable from `positions` by all of `tokens`.
fn advance(tokens: &[Token], text: &[u8], mut positions: Vec<bool>) -> Vec<bool> {
    for token in tokens {
        let mut next = vec![false; text.len() + 1];
        match token {
            Token::AnyRun => extend(&positions, &mut next, text, |_| true),
            Token::Run(stop) => extend(&positions, &mut next, text, |byte| byte != *stop),
            Token::Alternatives(parts) => {
                for part in parts {
                    let reached = advance(part, text, positions.clone());
                    next.iter_mut().zip(reached).for_each(|(old, new)| *old |= new);
                }
            }
            Token::Number { low, high, width } => {
                for start in reached(&positions) {
                    number_ends(&text[start..], *low, *high, *width).for_each(|length| next[start + length] = true);
                }
            }
            single => {
                for start in reached(&positions) {
                    if let Some(length) = single_length(single, &text[start..]) {
                        next[start + length] = true;
                    }
                }
            }
        }
        positions = next;
    }
    positions
}

fn reached(positions: &[bool]) -> impl Iterator<Item = usize> + '_ {
    positions.iter().enumerate().filter(|(_, reached)| **reached).map(|(position, _)| position)
}

fn extend(from: &[bool], to: &mut [bool], text: &[u8], may_pass: impl Fn(u8) -> bool) {
    let mut running = false;
    for position in 0..=text.len() {
        running = from[position] || (running && may_pass(text[position - 1]));
        to[position] = running;
    }
}

/// Returns how many bytes a token that stands for one character takes at the start of `rest`.
fn single_length(token: &Token, rest: &[u8]) -> Option<usize> {
    let first = *rest.first()?;
    match token {
        Token::Byte(byte) => (first == *byte).then_some(1),
        Token::One(stop) => (first != *stop).then(|| character_length(rest)),
        Token::Class(ranges) => ranges.iter().any(|(low, high)| (*low..=*high).contains(&first)).then_some(1),
        _ => None,
    }
}

/// Returns the length of the first character, a byte where the text is not UTF-8.
fn character_length(rest: &[u8]) -> usize {
    let longest = rest.len().min(4);
    (1..=longest).find(|length| core::str::from_utf8(&rest[..*length]).is_ok()).unwrap_or(1)
}

fn number_ends(rest: &[u8], low: u64, high: u64, width: Option<usize>) -> impl Iterator<Item = usize> + '_ {
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count().min(20);
    // A number ends where the digits do: [1-2] does not mean the first digit of 15.
    let whole = (digits > 0).then_some(digits).into_iter();
    whole.filter(move |length| {
        let text = core::str::from_utf8(&rest[..*length]).expect("digits are text");
        let padded = *length > 1 && rest[0] == b'0';
        let fits = width.map_or(!padded, |width| *length == width);
        fits && text.parse::<u64>().is_ok_and(|number| (low..=high).contains(&number))
    })
}
