//! How the demonstration speaks: headings, sentences, command lines and what was checked.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use crate::shell;

/// Width of the text and of headings, in columns.
const WIDTH: usize = 96;

const BOLD: &str = "1";
const GREEN: &str = "32";
const DIM: &str = "2";

/// Speaks on standard output, in colour on a terminal.
#[derive(Debug, Clone, Copy)]
pub struct Narrator {
    colour: bool,
}

impl Narrator {
    /// Returns one that suits standard output.
    #[must_use]
    pub fn for_terminal() -> Self {
        let dumb =
            std::env::var_os("NO_COLOR").is_some() || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { colour: io::stdout().is_terminal() && !dumb }
    }

    /// Starts a chapter.
    pub fn chapter(&self, number: usize, title: &str) {
        let heading = format!("{number}. {title} ");
        println!("\n{}", self.painted(BOLD, &format!("{heading}{}", "-".repeat(WIDTH.saturating_sub(heading.len())))));
    }

    /// Says a few sentences in a paragraph of their own.
    pub fn say(&self, text: &str) {
        println!();
        self.text(text);
    }

    /// Says a few sentences, wrapped.
    pub fn text(&self, text: &str) {
        for line in wrapped(text, WIDTH) {
            println!("{line}");
        }
    }

    /// Shows lines as they are, set in from the left.
    pub fn show(&self, lines: &[String]) {
        for line in lines {
            println!("    {line}");
        }
    }

    /// Shows a command line as it would be typed.
    pub fn command(&self, words: &[String]) {
        println!("\n{}", self.painted(BOLD, &format!("$ {}", broken(words).join(" \\\n      "))));
        // What the command prints on standard error must not overtake this line.
        let _ = io::stdout().flush();
    }

    /// Says that something was looked at and is as it should be.
    pub fn checked(&self, what: impl fmt::Display) {
        println!("{} {what}", self.painted(GREEN, "ok:"));
    }

    /// Says something beside the story.
    pub fn aside(&self, text: &str) {
        println!("\n{}", self.painted(DIM, text));
    }

    fn painted(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Returns `text` in lines of at most `width` columns.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.len() + 1 + word.len() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// Returns a command line in pieces that a shell would join: a long one is broken before its options.
fn broken(words: &[String]) -> Vec<String> {
    let words: Vec<String> = words.iter().map(|word| shell::word(word)).collect();
    let whole = words.join(" ");
    if whole.len() + 2 <= WIDTH {
        return vec![whole];
    }
    words.into_iter().fold(Vec::new(), |mut lines: Vec<String>, word| {
        match lines.last_mut() {
            Some(line) if !word.starts_with("--") => *line = format!("{line} {word}"),
            _ => lines.push(word),
        }
        lines
    })
}

#[cfg(test)]
mod tests {
    use super::{broken, wrapped};

    #[test]
    fn sentences_are_wrapped_between_words() {
        assert_eq!(wrapped("one two  three\n four", 9), ["one two", "three", "four"]);
    }

    #[test]
    fn a_long_command_line_is_broken_before_its_options_and_stays_one_command() {
        let long = "x".repeat(60);
        let words = ["cosmos", "clone", &long, "--trust", &long, "--fqdn", "web1"].map(String::from);
        assert_eq!(
            broken(&words),
            [format!("cosmos clone {long}"), format!("--trust {long}"), "--fqdn web1".to_owned()]
        );
        assert_eq!(broken(&words[..2]), ["cosmos clone"]);
    }
}
