//! Printing that outlives its reader: `println!`, `print!` and `eprintln!` of this crate, in place of the standard
//! ones.
//!
//! Those panic when nobody reads any more, as after `cosmos run -v | head -1`. A run that is under way has to be
//! finished and remembered all the same.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether something printed was lost although there is a reader: a full disk, say.
static LOST: AtomicBool = AtomicBool::new(false);

macro_rules! print {
    ($($words:tt)*) => { $crate::printing::to_stdout(format_args!($($words)*)) };
}

macro_rules! println {
    () => { $crate::printing::to_stdout(format_args!("\n")) };
    ($($words:tt)*) => { $crate::printing::to_stdout(format_args!("{}\n", format_args!($($words)*))) };
}

macro_rules! eprintln {
    ($($words:tt)*) => { $crate::printing::to_stderr(format_args!("{}\n", format_args!($($words)*))) };
}

/// Writes to standard output. A reader that left is no failure; what is lost otherwise is said once, and
/// [`all_arrived`] tells.
pub fn to_stdout(words: fmt::Arguments<'_>) {
    match io::stdout().write_fmt(words) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe && !LOST.swap(true, Ordering::Relaxed) => {
            eprintln!("error: cannot write to standard output: {error}");
            eprintln!("hint: the command itself went on; repeat what only shows something where there is room");
        }
        _ => {}
    }
}

/// Writes to standard error; where that fails there is nobody left to tell.
pub fn to_stderr(words: fmt::Arguments<'_>) {
    let _ = io::stderr().write_fmt(words);
}

/// Tells whether everything printed found its reader, or the reader wanted no more.
#[must_use]
pub fn all_arrived() -> bool {
    !LOST.load(Ordering::Relaxed)
}
