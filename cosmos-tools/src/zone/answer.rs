//! What a name server answers, asked by `drill` over TCP.

use std::ffi::OsString;
use std::time::Duration;

use super::tool::Tool;
use crate::program::Answer;
use crate::text::shown;

/// How long a name server has.
const LIMIT: Duration = Duration::from_secs(20);

/// A record of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Whose it is, in lower case, without a dot at its end.
    pub owner: String,
    /// Its type.
    pub kind: String,
    /// What follows the type.
    pub words: Vec<String>,
}

/// An answer that is one: the name is there, or is known not to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// Whether the server speaks for the zone, and is no cache.
    pub authentic: bool,
    /// The records of its answer.
    pub records: Vec<Record>,
}

/// Asks `server`, or the resolver of this host, for the records `kind` of `name`, signatures included.
///
/// # Errors
/// Returns in words why there is no answer.
pub fn records(drill: Tool<'_>, name: &str, kind: &str, server: Option<&str>) -> Result<Said, String> {
    let mut arguments: Vec<OsString> = ["-t", "-D", kind].map(OsString::from).into();
    arguments.push(format!("{name}.").into());
    arguments.extend(server.map(|server| OsString::from(format!("@{server}"))));
    match drill.ask(&arguments, LIMIT) {
        Ok(Answer { status: 0, output, .. }) => read(&output),
        Ok(answer) => Err(shown(&format!("{}{}", answer.complaint, answer.output))),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads what `drill` prints.
///
/// # Errors
/// Returns in words why that is no answer.
pub fn read(text: &str) -> Result<Said, String> {
    let code = text.lines().find_map(|line| line.split_once("rcode: ")?.1.split(',').next());
    match code {
        Some("NOERROR" | "NXDOMAIN") => (),
        Some(other) => return Err(format!("it says {}", shown(other))),
        None => return Err("it gave no answer".to_owned()),
    }
    let flags = text.lines().find_map(|line| line.strip_prefix(";; flags: ")?.split(';').next()).unwrap_or_default();
    let answer = text.lines().skip_while(|line| !line.starts_with(";; ANSWER")).skip(1);
    let answer = answer.take_while(|line| !line.starts_with(";;"));
    Ok(Said { authentic: flags.split(' ').any(|flag| flag == "aa"), records: answer.filter_map(record).collect() })
}

fn record(line: &str) -> Option<Record> {
    let line = line.split(';').next().unwrap_or_default();
    let mut words = line.split_whitespace();
    let (owner, _, _, kind) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let owner = owner.trim_end_matches('.').to_ascii_lowercase();
    Some(Record { owner, kind: kind.to_owned(), words: words.map(str::to_owned).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = ";; ->>HEADER<<- opcode: QUERY, rcode: NOERROR, id: 43745\n\
        ;; flags: qr aa rd ; QUERY: 1, ANSWER: 1, AUTHORITY: 1, ADDITIONAL: 0 \n\
        ;; QUESTION SECTION:\n;; Ods.example.\tIN\tDS\n\n;; ANSWER SECTION:\n\
        Ods.example.\t1\tIN\tDS\t7929 13 2 84702a01 ; comment\n\n;; AUTHORITY SECTION:\n\
        example.\t1\tIN\tDS\t1 13 2 00\n";

    #[test]
    fn the_answer_alone_counts() {
        let said = read(ANSWER).unwrap();
        let words = ["7929", "13", "2", "84702a01"].map(str::to_owned).into();
        assert_eq!(said.records, [Record { owner: "ods.example".into(), kind: "DS".into(), words }]);
        assert!(said.authentic);
        assert!(!read(&ANSWER.replace(" aa ", " ")).unwrap().authentic, "a cache");
    }

    #[test]
    fn a_server_that_fails_has_not_answered() {
        assert_eq!(read(&ANSWER.replace("NOERROR", "SERVFAIL")), Err("it says SERVFAIL".into()));
        assert_eq!(read("Error: nobody"), Err("it gave no answer".into()));
        assert_eq!(read(&ANSWER.replace("NOERROR", "NXDOMAIN")).map(|said| said.records.len()), Ok(1));
    }
}
