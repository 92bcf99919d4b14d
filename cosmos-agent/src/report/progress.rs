//! Progress of long work, drawn on a terminal and nowhere else.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::agent::Agent;
use crate::fetch::Progress;

/// Shorter work draws nothing: a bar that flashes by tells nobody anything.
const DELAY: std::time::Duration = std::time::Duration::from_millis(300);

/// A bar over fetching and storing.
pub struct Bar {
    bar: ProgressBar,
    since: std::time::Instant,
    visible: bool,
}

/// Returns the bar of a fetch: silent with `--json`, without a terminal, and for work that is quick.
#[must_use]
pub fn bar(agent: &Agent) -> Bar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len}").expect("the template is fixed");
    bar.set_style(style.progress_chars("=> "));
    let visible = std::io::stderr().is_terminal() && !agent.options.json;
    Bar { bar, since: std::time::Instant::now(), visible }
}

impl Bar {
    fn show(&self) {
        if self.visible && self.bar.is_hidden() && self.since.elapsed() > DELAY {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

impl Progress for Bar {
    fn received(&mut self, bytes: u64, _objects: u32) {
        self.show();
        self.bar.set_message(format!("fetching, {} KiB", bytes / 1024));
        self.bar.tick();
    }

    fn stored(&mut self, objects: u32, of: u32) {
        self.show();
        self.bar.set_message("storing objects");
        self.bar.set_length(of.into());
        self.bar.set_position(objects.into());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
