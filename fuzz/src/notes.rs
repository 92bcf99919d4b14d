//! What programs beside the agent say: notes of modules, and how far apt is.

use cosmos_agent::notes::Note;
use cosmos_agent::packages::Progress;

use crate::{choose, said};

/// A note (docs/formats.md §30), or with a first byte that is odd a line of apt (§25): what is shown is short and safe,
/// and a note is written so that it reads the same.
pub fn note(bytes: &[u8]) {
    match choose(bytes) {
        Some((first, line)) if first & 1 == 1 => {
            let Some(progress) = Progress::of_line(line) else { return };
            assert!(progress.percent <= 100 && progress.doing.chars().count() <= "installing ".len() + 24);
            said::words(&progress.doing);
        }
        Some((_, text)) => match Note::parse(text) {
            Ok(note) => {
                assert!(note.text.chars().count() <= 200);
                said::words(&note.text);
                let again = serde_json::to_vec(&note).expect("a note");
                assert_eq!(Note::parse(&again).expect("a note reads what it wrote"), note);
            }
            Err(error) => said::error(&error),
        },
        None => {}
    }
}
