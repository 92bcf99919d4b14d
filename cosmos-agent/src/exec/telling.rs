//! What a program tells of its work while it runs, on a pipe of its own, line by line.

use std::io::{self, PipeReader, PipeWriter};
use std::ops::ControlFlow;
use std::os::fd::{AsRawFd as _, RawFd};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};

use super::turn;

/// The longest line that is heard, in bytes; a longer one is not.
const LONGEST: usize = 4096;

/// A pipe on which a program is going to tell how far it is.
#[derive(Debug)]
pub struct Telling {
    reader: PipeReader,
    writer: PipeWriter,
}

impl Telling {
    /// Makes the pipe; only the program that is started with it inherits its other end.
    ///
    /// # Errors
    /// Returns the kernel's answer.
    pub fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(Self { reader, writer })
    }

    /// Returns the number by which the program knows its end.
    #[must_use]
    pub fn number(&self) -> RawFd {
        self.writer.as_raw_fd()
    }

    /// Lets the next program that is started inherit its end, which is closed here when `started` has returned.
    pub(super) fn inherited<T>(self, started: impl FnOnce() -> io::Result<T>) -> io::Result<(PipeReader, T)> {
        fcntl(&self.writer, FcntlArg::F_SETFD(FdFlag::empty()))?;
        started().map(|child| (self.reader, child))
    }
}

/// The end that is listened to.
pub(super) struct Ear<'a> {
    pub(super) reader: PipeReader,
    pub(super) lines: Lines,
    pub(super) hear: &'a dyn Fn(&[u8]),
}

impl Ear<'_> {
    /// Hands on the lines that are there; breaks off when there can be no more.
    pub(super) fn listen(&mut self) -> ControlFlow<()> {
        turn::read(&mut self.reader, |bytes| self.lines.push(bytes, self.hear))
    }
}

/// Cuts bytes into lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
    /// Whether what has begun is too long already.
    is_lost: bool,
}

impl Lines {
    fn push(&mut self, bytes: &[u8], hear: &dyn Fn(&[u8])) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            self.is_lost |= self.begun.len() + text.len() > LONGEST;
            if self.is_lost {
                self.begun.clear();
            } else {
                self.begun.extend_from_slice(text);
            }
            if ends {
                if !self.is_lost {
                    hear(&self.begun);
                }
                self.begun.clear();
                self.is_lost = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn a_program_tells_on_a_pipe_of_its_own_and_what_it_leaves_running_holds_nobody_up() {
        let telling = Telling::new().unwrap();
        let script = format!("echo said; echo told >&{0}; sleep 60 & echo more >&{0}", telling.number());
        let heard = RefCell::new(Vec::new());
        let program = crate::exec::Program {
            path: std::path::Path::new("/bin/sh"),
            arguments: &["-c".into(), script.into()],
            environment: &[("PATH".into(), "/usr/bin:/bin".into())].into(),
            folder: std::path::Path::new("/"),
            limit: None,
            output: 4096,
        };
        let hear = |line: &[u8]| heard.borrow_mut().push(String::from_utf8(line.to_vec()).unwrap());
        let finished = crate::exec::run_telling(&program, telling, &hear).unwrap();
        assert_eq!((finished.ended, finished.output.bytes()), (crate::exec::Ended::Exit(0), b"said\n".to_vec()));
        assert_eq!(*heard.borrow(), ["told", "more"]);
        assert!(finished.duration < std::time::Duration::from_secs(30));
    }

    #[test]
    fn lines_are_heard_whole_and_one_that_is_too_long_is_not() {
        let heard = RefCell::new(Vec::new());
        let hear = |line: &[u8]| heard.borrow_mut().push(String::from_utf8(line.to_vec()).unwrap());
        let mut lines = Lines::default();
        let long = "x".repeat(LONGEST + 1);
        for piece in ["a", "b\nc\n\n", &long, &long, " end\nd\nlost"] {
            lines.push(piece.as_bytes(), &hear);
            assert!(lines.begun.len() <= LONGEST);
        }
        assert_eq!(*heard.borrow(), ["ab", "c", "", "d"]);
    }
}
