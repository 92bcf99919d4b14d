//! Tables of cron's: cron passes over one that it does not like, and says so in its own log only.

use alloc::format;
use alloc::string::String;

use crate::escape::for_terminal;
use crate::path::RelPath;

/// Returns what cron would not like about the table at `path`.
#[must_use]
pub fn fault(path: &RelPath, text: &[u8], mode: u32) -> Option<String> {
    let name = path.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    // Packages keep their folders with a hidden file, which cron is not to read.
    if name.starts_with(b".") {
        return None;
    }
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !name.iter().all(plain) {
        return Some(format!("cron passes over '{path}': its name may have letters, digits, '_' and '-' only"));
    }
    if mode & 0o022 != 0 {
        return Some(format!("cron passes over '{path}': its mode {mode:04o} lets others write"));
    }
    if !text.is_empty() && !text.ends_with(b"\n") {
        return Some(format!("cron passes over '{path}': its last line has no end"));
    }
    let lines = text.split(|byte| *byte == b'\n').enumerate();
    lines.map(|(number, line)| (number + 1, line)).find_map(|(number, line)| {
        let line = line.trim_ascii();
        let why = if line.is_empty() || line[0] == b'#' { None } else { line_fault(line) }?;
        Some(format!("'{path}' line {number}: {why}"))
    })
}

fn line_fault(line: &[u8]) -> Option<String> {
    if is_variable(line) {
        return None;
    }
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    if line[0] == b'@' {
        let word = words.next().unwrap_or_default();
        let known =
            [&b"@reboot"[..], b"@yearly", b"@annually", b"@monthly", b"@weekly", b"@daily", b"@midnight", b"@hourly"];
        if !known.contains(&word) {
            return Some(format!("'{}' is no time of cron's", for_terminal(word)));
        }
    } else {
        for field in &FIELDS {
            let Some(word) = words.next() else { return Some(String::from("a time has five fields")) };
            if !word.split(|byte| *byte == b',').all(|part| field.takes(part)) {
                return Some(format!("'{}' is no {} of cron's", for_terminal(word), field.name));
            }
        }
    }
    if words.next().is_none() || words.next().is_none() {
        return Some(String::from("after the time stand a user and a command"));
    }
    None
}

fn is_variable(line: &[u8]) -> bool {
    let Some(sign) = line.iter().position(|byte| *byte == b'=') else { return false };
    let name = line[..sign].trim_ascii();
    let quoted = name.len() > 1 && matches!(name[0], b'"' | b'\'') && name.last() == name.first();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    quoted || (!name.is_empty() && !name[0].is_ascii_digit() && name.iter().all(plain))
}

/// One field of a time.
struct Field {
    name: &'static str,
    low: u32,
    high: u32,
    names: &'static [&'static [u8]],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", low: 0, high: 59, names: &[] },
    Field { name: "hour", low: 0, high: 23, names: &[] },
    Field { name: "day of month", low: 1, high: 31, names: &[] },
    Field {
        name: "month",
        low: 1,
        high: 12,
        names: &[b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"],
    },
    Field { name: "day of week", low: 0, high: 7, names: &[b"sun", b"mon", b"tue", b"wed", b"thu", b"fri", b"sat"] },
];

impl Field {
    /// Tells whether `part` is `*`, a value or a range, perhaps with a step.
    fn takes(&self, part: &[u8]) -> bool {
        let mut halves = part.splitn(2, |byte| *byte == b'/');
        let span = halves.next().unwrap_or_default();
        let step = halves.next().map(number);
        let is_span = span == b"*" || {
            let mut ends = span.splitn(2, |byte| *byte == b'-').map(|end| self.value(end));
            match (ends.next().flatten(), ends.next()) {
                (Some(_), None) => step.is_none(),
                (Some(low), Some(Some(high))) => low <= high,
                _ => false,
            }
        };
        is_span && step.is_none_or(|step| step.is_some_and(|step| (1..=self.high).contains(&step)))
    }

    fn value(&self, text: &[u8]) -> Option<u32> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = named.and_then(|position| u32::try_from(position).ok()).map(|position| position + self.low);
        value.or_else(|| number(text)).filter(|value| (self.low..=self.high).contains(value))
    }
}

fn number(text: &[u8]) -> Option<u32> {
    let digits = !text.is_empty() && text.len() <= 3 && text.iter().all(u8::is_ascii_digit);
    core::str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}
