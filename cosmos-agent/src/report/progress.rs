//! Progress of long work, drawn on a terminal and nowhere else.

use std::cell::Cell;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::{Duration, Instant};

use cosmos_model::object::{ObjectSource, RawObject};
use cosmos_model::object_id::ObjectId;

use crate::agent::Agent;
use crate::fetch::Progress;

/// Shorter work draws nothing: a bar that flashes by tells nobody anything.
const DELAY: Duration = Duration::from_millis(500);
/// How long a line stands at least: a fetch reports a thousand times a second, and nobody reads that fast.
const PAUSE: Duration = Duration::from_millis(50);
/// Columns of the bar; with its words a line takes less than 72 of them.
const WIDTH: usize = 30;
/// Goes back to the first column and erases the line.
const ERASE: &str = "\r\x1b[K";

/// A line about one piece of work, drawn over itself until the work ends.
pub struct Bar {
    visible: bool,
    next: Cell<Instant>,
    drawn: Cell<bool>,
}

/// Returns the bar of a piece of work that begins: silent with `--json`, without a terminal, and for work that is
/// quick.
#[must_use]
pub fn bar(agent: &Agent) -> Bar {
    let visible = stderr().is_terminal() && !agent.options.json;
    Bar { visible, next: Cell::new(Instant::now() + DELAY), drawn: Cell::new(false) }
}

impl Bar {
    fn draw(&self, line: impl FnOnce() -> String) {
        if !self.visible {
            return;
        }
        let now = Instant::now();
        if now >= self.next.get() {
            self.next.set(now + PAUSE);
            self.drawn.set(true);
            // A terminal that went away is no reason to stop working.
            let _ = write!(stderr(), "{ERASE}{}", line());
        }
    }

    /// Says what is being done by a program that does not tell how far it is.
    pub fn says(&self, what: &str) {
        self.next.set(Instant::now());
        self.draw(|| what.chars().take(WIDTH * 2).collect());
    }

    /// Tells whether anybody sees it.
    #[must_use]
    pub const fn is_visible(&self) -> bool {
        self.visible
    }

    /// Says how much of its work a program has done. Each word is drawn: there are few, and the last one before a long
    /// silence is the one that matters.
    pub fn reached(&self, doing: &str, percent: u8) {
        self.next.set(Instant::now());
        self.draw(|| format!("{doing} [{}] {percent}%", filling(percent.into(), 100)));
    }

    /// Says how many of a plan's steps are done.
    pub fn applied(&self, done: usize, of: usize) {
        self.draw(|| gauge("applying", done as u64, of as u64));
    }
}

fn gauge(doing: &str, done: u64, of: u64) -> String {
    format!("{doing} [{}] {done}/{of}", filling(done, of))
}

fn filling(done: u64, of: u64) -> String {
    let filled = usize::try_from(done.saturating_mul(WIDTH as u64) / of.max(1)).unwrap_or(WIDTH).min(WIDTH);
    let head = if filled < WIDTH { ">" } else { "" };
    format!("{:<WIDTH$}", "=".repeat(filled) + head)
}

/// Objects whose readers are told of on a terminal: the judge's and the stage's, of whose end nobody knows beforehand.
pub struct Watched<'a> {
    objects: &'a dyn ObjectSource,
    doing: &'static str,
    bar: Bar,
    seen: Cell<u64>,
}

impl<'a> Watched<'a> {
    /// Watches the reading of `objects` for what is being done, `verifying` or `staging`.
    #[must_use]
    pub fn new(agent: &Agent, objects: &'a dyn ObjectSource, doing: &'static str) -> Self {
        Self { objects, doing, bar: bar(agent), seen: Cell::new(0) }
    }
}

impl ObjectSource for Watched<'_> {
    fn object(&self, id: ObjectId) -> Result<Option<RawObject>, String> {
        self.seen.set(self.seen.get() + 1);
        self.bar.draw(|| format!("{}, {} objects read", self.doing, self.seen.get()));
        self.objects.object(id)
    }
}

impl Progress for Bar {
    fn received(&mut self, bytes: u64, _objects: u32) {
        self.draw(|| format!("fetching, {} KiB", bytes / 1024));
    }

    fn stored(&mut self, objects: u32, of: u32) {
        self.draw(|| gauge("storing objects", objects.into(), of.into()));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.drawn.get() {
            let _ = write!(stderr(), "{ERASE}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_grows_with_the_objects_and_keeps_its_width() {
        let lines: Vec<String> = [0, 5, 10].into_iter().map(|objects| gauge("storing objects", objects, 10)).collect();
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
        assert_eq!(gauge("storing objects", 9, 0), "storing objects [==============================] 9/0");
        assert_eq!(
            gauge("storing objects", u32::MAX.into(), u32::MAX.into()).len(),
            "storing objects [] /".len() + WIDTH + 20
        );
    }

    #[test]
    fn watched_objects_are_the_ones_behind_and_are_counted() {
        struct One;
        impl ObjectSource for One {
            fn object(&self, _: ObjectId) -> Result<Option<RawObject>, String> {
                Err("mine".to_owned())
            }
        }
        let bar = Bar { visible: true, next: Cell::new(Instant::now()), drawn: Cell::new(false) };
        let watched = Watched { objects: &One, doing: "staging", bar, seen: Cell::new(0) };
        assert_eq!(watched.object(ObjectId::new([1; 20])), Err("mine".to_owned()));
        assert_eq!((watched.seen.get(), watched.bar.drawn.get()), (1, true));
    }

    #[test]
    fn quick_work_and_work_without_a_terminal_draw_nothing() {
        let bar = |visible, begun: Instant| Bar { visible, next: Cell::new(begun + DELAY), drawn: Cell::new(false) };
        // As if it had begun in a minute: a machine that is busy stops for longer than the delay.
        let (later, earlier) = (Instant::now() + 120 * DELAY, Instant::now().checked_sub(2 * DELAY).unwrap());
        let drawn = [(true, later), (false, earlier), (true, earlier)].map(|(visible, begun)| {
            let bar = bar(visible, begun);
            bar.applied(1, 2);
            bar.drawn.get()
        });
        assert_eq!(drawn, [false, false, true]);
    }
}
