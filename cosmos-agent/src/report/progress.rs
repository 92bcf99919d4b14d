//! Progress of long work, drawn on a terminal and nowhere else.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::{Duration, Instant};

use crate::agent::Agent;
use crate::fetch::Progress;

/// Shorter work draws nothing: a bar that flashes by tells nobody anything.
const DELAY: Duration = Duration::from_millis(300);
/// How long a line stands at least: a fetch reports a thousand times a second, and nobody reads that fast.
const PAUSE: Duration = Duration::from_millis(50);
/// Columns of the bar; with its words a line takes less than 72 of them.
const WIDTH: usize = 30;
/// Goes back to the first column and erases the line.
const ERASE: &str = "\r\x1b[K";

/// A line about fetching and storing, drawn over itself until the work ends.
pub struct Bar {
    visible: bool,
    next: Instant,
    drawn: bool,
}

/// Returns the bar of a fetch: silent with `--json`, without a terminal, and for work that is quick.
#[must_use]
pub fn bar(agent: &Agent) -> Bar {
    let visible = stderr().is_terminal() && !agent.options.json;
    Bar { visible, next: Instant::now() + DELAY, drawn: false }
}

impl Bar {
    fn draw(&mut self, line: impl FnOnce() -> String) {
        let now = Instant::now();
        if self.visible && now >= self.next {
            self.next = now + PAUSE;
            self.drawn = true;
            // A terminal that went away is no reason to stop fetching.
            let _ = write!(stderr(), "{ERASE}{}", line());
        }
    }
}

fn storing(objects: u32, of: u32) -> String {
    let done = usize::try_from(u64::from(objects) * WIDTH as u64 / u64::from(of.max(1))).unwrap_or(WIDTH).min(WIDTH);
    let head = if done < WIDTH { ">" } else { "" };
    format!("storing objects [{:<WIDTH$}] {objects}/{of}", "=".repeat(done) + head)
}

impl Progress for Bar {
    fn received(&mut self, bytes: u64, _objects: u32) {
        self.draw(|| format!("fetching, {} KiB", bytes / 1024));
    }

    fn stored(&mut self, objects: u32, of: u32) {
        self.draw(|| storing(objects, of));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.drawn {
            let _ = write!(stderr(), "{ERASE}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_grows_with_the_objects_and_keeps_its_width() {
        let lines: Vec<String> = [0, 5, 10].into_iter().map(|objects| storing(objects, 10)).collect();
        assert_eq!(
            lines,
            [
                "storing objects [>                             ] 0/10",
                "storing objects [===============>              ] 5/10",
                "storing objects [==============================] 10/10",
            ]
        );
    }

    #[test]
    fn a_server_that_counts_wrongly_does_not_break_the_bar() {
        assert_eq!(storing(9, 0), "storing objects [==============================] 9/0");
        assert_eq!(storing(u32::MAX, u32::MAX).len(), "storing objects [] /".len() + WIDTH + 20);
    }
}
