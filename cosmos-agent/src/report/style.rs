//! Colour, where standard output is a terminal that wants it.

use std::io::IsTerminal as _;

use anstyle::{AnsiColor, Style};

/// The styles of one stream; all plain when it is no terminal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Palette {
    /// Created.
    pub created: Style,
    /// Changed.
    pub changed: Style,
    /// Removed, refused, failed.
    pub removed: Style,
    /// Less important.
    pub faint: Style,
    /// Headings.
    pub strong: Style,
}

impl Palette {
    /// Returns the palette for standard output: plain with `NO_COLOR`, `TERM=dumb` or when it is no terminal.
    #[must_use]
    pub fn for_stdout() -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if std::io::stdout().is_terminal() && !dumb && !refused { Self::coloured() } else { Self::default() }
    }

    fn coloured() -> Self {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        Self {
            created: colour(AnsiColor::Green),
            changed: colour(AnsiColor::Yellow),
            removed: colour(AnsiColor::Red),
            faint: Style::new().dimmed(),
            strong: Style::new().bold(),
        }
    }

    /// Returns `text` in `style`.
    #[must_use]
    pub fn paint(style: Style, text: &str) -> String {
        format!("{style}{text}{style:#}")
    }
}
