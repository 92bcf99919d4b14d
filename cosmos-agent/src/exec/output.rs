//! The output of a program, bounded: its head and its tail, with a note of what is missing between.

use std::collections::VecDeque;
use std::io::Read;
use std::ops::ControlFlow;

use super::turn;

/// What was written: the first and the last bytes, and how many there were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    half: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
}

impl Output {
    /// Keeps up to `bytes`: one half of them from the start, one from the end.
    pub(super) const fn keeping(bytes: usize) -> Self {
        Self { half: bytes / 2, head: Vec::new(), tail: VecDeque::new(), total: 0 }
    }

    /// Returns how many bytes were written.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Returns what is kept, with one line in place of what is not.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let kept = self.head.len() + self.tail.len();
        let missing = self.total - kept as u64;
        let mut bytes = self.head.clone();
        if missing > 0 {
            bytes.extend_from_slice(format!("\n[{missing} bytes left out]\n").as_bytes());
        }
        bytes.extend(&self.tail);
        bytes
    }

    fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let (first, rest) = bytes.split_at(bytes.len().min(self.half - self.head.len()));
        self.head.extend_from_slice(first);
        let rest = &rest[rest.len().saturating_sub(self.half)..];
        let excess = (self.tail.len() + rest.len()).saturating_sub(self.half);
        self.tail.drain(..excess);
        self.tail.extend(rest);
    }

    /// Takes what can be read now; breaks off when nothing can ever be read again.
    pub(super) fn drain(&mut self, reader: &mut impl Read) -> ControlFlow<()> {
        turn::read(reader, |bytes| self.push(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_and_tail_are_kept_and_the_middle_counted() {
        let mut output = Output::keeping(8);
        for piece in ["a", "bcdefgh", "ij", "k"] {
            let _ = output.drain(&mut piece.as_bytes());
        }
        assert_eq!(String::from_utf8(output.bytes()).unwrap(), "abcd\n[3 bytes left out]\nhijk");
        assert_eq!(output.total(), 11);
    }

    #[test]
    fn short_output_is_kept_whole() {
        let mut output = Output::keeping(8);
        let _ = output.drain(&mut "abcdefgh".as_bytes());
        assert_eq!(output.bytes(), b"abcdefgh");
    }
}
