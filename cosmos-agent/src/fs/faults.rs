//! Faults for tests: the n-th change of the file system made by this thread fails.

use std::cell::Cell;

use nix::errno::Errno;

#[derive(Clone, Copy)]
struct Fault {
    after: usize,
    errno: Errno,
    /// Whether every later change fails too, as after a kill.
    for_ever: bool,
}

thread_local! {
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
    static MADE: Cell<usize> = const { Cell::new(0) };
}

/// Lets the change number `after` (from 0) fail with `errno`, and all later ones if `for_ever`.
pub(crate) fn arm(after: usize, errno: Errno, for_ever: bool) {
    FAULT.set(Some(Fault { after, errno, for_ever }));
    MADE.set(0);
}

/// Ends the faults and returns how many changes were tried since [`arm`].
pub(crate) fn disarm() -> usize {
    FAULT.set(None);
    MADE.get()
}

pub(super) fn count() -> nix::Result<()> {
    let number = MADE.get();
    MADE.set(number + 1);
    match FAULT.get() {
        Some(fault) if number == fault.after || (fault.for_ever && number > fault.after) => Err(fault.errno),
        _ => Ok(()),
    }
}
