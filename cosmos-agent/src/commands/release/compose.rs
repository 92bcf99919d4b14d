//! The text of tags and commits, as git writes it.

use cosmos_model::object_id::ObjectId;

use crate::operation;

/// Returns a tag's text, up to where its signature begins.
pub fn tag(name: &str, commit: ObjectId, who: &str, message: &str) -> String {
    let message = message.trim_end();
    format!("object {commit}\ntype commit\ntag {name}\ntagger {}\n\n{message}\n", dated(who))
}

/// Returns somebody with the present time, as in a header.
pub fn dated(who: &str) -> String {
    format!("{who} {} +0000", operation::now().seconds())
}

/// Returns the headers of a new commit.
pub fn headers(tree: ObjectId, parents: &[ObjectId], who: &str) -> Vec<u8> {
    let parents: String = parents.iter().map(|parent| format!("parent {parent}\n")).collect();
    let when = dated(who);
    format!("tree {tree}\n{parents}author {when}\ncommitter {when}\n").into_bytes()
}

/// Returns the headers of a commit with another committer, whoever wrote it staying its author.
pub fn recommitted(text: &[u8], who: &str) -> Vec<u8> {
    let mut headers = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n').take_while(|line| *line != b"\n") {
        if line.starts_with(b"committer ") {
            headers.extend_from_slice(format!("committer {}\n", dated(who)).as_bytes());
        } else {
            headers.extend_from_slice(line);
        }
    }
    headers
}

/// Returns what is signed of a commit.
pub fn payload(headers: &[u8], message: &str) -> Vec<u8> {
    [headers, b"\n", message.as_bytes()].concat()
}

/// Returns a commit with its signature in a header.
pub fn signed(headers: &[u8], message: &str, signature: &str) -> Vec<u8> {
    let folded = signature.trim_end().replace('\n', "\n ");
    [headers, b"gpgsig ", folded.as_bytes(), b"\n\n", message.as_bytes()].concat()
}
