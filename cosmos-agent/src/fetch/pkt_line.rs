//! git's pkt-lines: four hexadecimal digits of length, then the bytes.

use std::io::{self, Read};

use super::transport::TransportError;

/// The longest packet, its length included.
const LONGEST: usize = 65_520;

/// One packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    /// `0000`, the end of a message.
    Flush,
    /// `0001`, the end of a section.
    Delimiter,
    /// `0002`, the end of a stateless answer.
    End,
    /// A line.
    Line(&'a [u8]),
}

/// Reads packets, and counts bytes against the transfer limit.
pub(super) struct PacketReader<R> {
    input: R,
    line: Vec<u8>,
    left: u64,
    limit: u64,
}

impl<R: Read> PacketReader<R> {
    /// Reads from `input`, at most `limit` bytes in all.
    pub(super) fn new(input: R, limit: u64) -> Self {
        Self { input, line: Vec::new(), left: limit, limit }
    }

    /// Returns the stream below, to write to it.
    pub(super) fn get_mut(&mut self) -> &mut R {
        &mut self.input
    }

    /// Reads one packet, with a line's final newline removed. An `ERR` line is the server's refusal.
    pub(super) fn read(&mut self) -> Result<Packet<'_>, TransportError> {
        let packet = self.read_raw()?;
        let Packet::Line(line) = packet else { return Ok(packet) };
        if let Some(reason) = line.strip_prefix(b"ERR ") {
            return Err(TransportError::refused(reason));
        }
        Ok(Packet::Line(line.strip_suffix(b"\n").unwrap_or(line)))
    }

    /// Reads one packet as it is.
    pub(super) fn read_raw(&mut self) -> Result<Packet<'_>, TransportError> {
        let mut digits = [0; 4];
        self.fill(&mut digits)?;
        match length(digits)? {
            0 => Ok(Packet::Flush),
            1 => Ok(Packet::Delimiter),
            2 => Ok(Packet::End),
            length => {
                let mut line = std::mem::take(&mut self.line);
                line.resize(length - 4, 0);
                let filled = self.fill(&mut line);
                self.line = line;
                filled?;
                Ok(Packet::Line(&self.line))
            }
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), TransportError> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(TransportError::Transfer(self.limit))?;
        self.input.read_exact(bytes).map_err(|error| {
            let hung_up = error.kind() == io::ErrorKind::UnexpectedEof;
            TransportError::Broken(if hung_up { io::Error::other("the server hung up") } else { error })
        })
    }
}

/// Reads the four digits of a packet's length; 3 is no length, nor is anything above [`LONGEST`].
fn length(digits: [u8; 4]) -> Result<usize, TransportError> {
    let malformed = || TransportError::malformed("packet length", &digits);
    let text = std::str::from_utf8(&digits).map_err(|_| malformed())?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(malformed());
    }
    match usize::from_str_radix(text, 16).map_err(|_| malformed())? {
        3 => Err(malformed()),
        length if length > LONGEST => Err(malformed()),
        length => Ok(length),
    }
}

/// Appends one line.
pub(super) fn push(message: &mut Vec<u8>, line: &[u8]) {
    let length = line.len() + 4;
    assert!(length <= LONGEST, "our own lines are short");
    message.extend_from_slice(format!("{length:04x}").as_bytes());
    message.extend_from_slice(line);
}

/// A flush packet.
pub(super) const FLUSH: &[u8] = b"0000";
/// A delimiter packet.
pub(super) const DELIMITER: &[u8] = b"0001";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_again(line in proptest::collection::vec(any::<u8>(), 0..2000)) {
            prop_assume!(!line.starts_with(b"ERR ") && !line.ends_with(b"\n"));
            let mut message = Vec::new();
            push(&mut message, &line);
            message.extend_from_slice(FLUSH);
            let mut reader = PacketReader::new(&message[..], 1 << 20);
            prop_assert_eq!(reader.read().ok(), Some(Packet::Line(&line)));
            prop_assert_eq!(reader.read().ok(), Some(Packet::Flush));
            prop_assert!(reader.read().is_err());
        }

        #[test]
        fn any_bytes_end_in_a_packet_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = PacketReader::new(&bytes[..], 100);
            while reader.read().is_ok() {}
        }
    }

    #[test]
    fn odd_lengths_are_refused() {
        for bytes in [b"0003", b"fff1", b"+005", b"zzzz", b" 004"] {
            assert!(matches!(length(*bytes), Err(TransportError::Malformed { .. })), "{bytes:?}");
        }
    }
}
