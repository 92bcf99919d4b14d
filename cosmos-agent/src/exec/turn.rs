//! One turn at a pipe of a program that runs: what is there is read, and then others have theirs.

use std::io::{ErrorKind, Read};
use std::ops::ControlFlow;

/// How much is read before anything else is looked at: a background process may write for ever.
const TURN: usize = 1 << 20;

/// Hands on what can be read now; breaks off when nothing can ever be read again.
pub(super) fn read(from: &mut impl Read, mut take: impl FnMut(&[u8])) -> ControlFlow<()> {
    let mut chunk = [0; 8192];
    let mut read = 0;
    while read < TURN {
        match from.read(&mut chunk) {
            Ok(0) => return ControlFlow::Break(()),
            Ok(count) => {
                take(&chunk[..count]);
                read += count;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(_) => return ControlFlow::Break(()),
        }
    }
    ControlFlow::Continue(())
}
