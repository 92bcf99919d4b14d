//! What the operator told git about themselves: name, address, key, and the gpg to use.
//!
//! Settings come from the operator's own files and environment, and from the clone's `.git/config` alone: what that
//! file includes may lie in the work tree, where a commit could have put it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::programs::last_words;
use super::{OperatorError, Programs, WorkTree};

/// Which settings are read.
const KEYS: &str = r"^(user\.(name|email|signingkey)|gpg\.(program|format|openpgp\.program))$";

/// Settings by key, in lower case; the clone's own win.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GitSettings(BTreeMap<String, String>);

impl GitSettings {
    /// Asks git, in a folder that has nothing to do with the repository.
    ///
    /// # Errors
    /// Returns [`OperatorError`] when git is missing or cannot read the files.
    pub fn read(programs: &Programs, clone: &WorkTree, mirror: &Path) -> Result<Self, OperatorError> {
        let git = programs.find("git")?;
        let mut settings = BTreeMap::new();
        let own = [OsString::from("--git-dir"), mirror.into(), "config".into()];
        let file = clone.git_folder().join("config");
        let local = [OsString::from("config"), "--no-includes".into(), "--file".into(), file.into()];
        for place in [&own[..], &local[..]] {
            let words = ["--null", "--get-regexp", KEYS].map(OsString::from);
            let arguments: Vec<OsString> = place.iter().cloned().chain(words).collect();
            let answer = programs.ask(&git, &arguments, &[], mirror, b"")?;
            // Status 1 is git's "nothing found".
            if answer.status > 1 {
                return Err(OperatorError::Program {
                    action: "read git's settings",
                    reason: last_words(&answer.complaint),
                });
            }
            let text = String::from_utf8_lossy(&answer.output).into_owned();
            let pairs = text.split('\0').filter_map(|entry| entry.split_once('\n'));
            settings.extend(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())));
        }
        Ok(Self(settings))
    }

    /// Returns one setting; an empty one is none.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns who the operator is, as git writes it into tags and commits: `NAME <ADDRESS>`.
    ///
    /// # Errors
    /// Returns [`OperatorError::NoIdentity`].
    pub fn identity(&self, programs: &Programs) -> Result<String, OperatorError> {
        let variable =
            |name: &str| programs.variable(name).and_then(|value| value.to_str()).filter(|one| !one.is_empty());
        let name = variable("GIT_COMMITTER_NAME").or_else(|| self.get("user.name"));
        let email = variable("GIT_COMMITTER_EMAIL").or_else(|| self.get("user.email")).or_else(|| variable("EMAIL"));
        let plain = |text: &str| {
            let kept = text.chars().filter(|one| !one.is_control() && !"<>".contains(*one));
            kept.collect::<String>().trim().to_owned()
        };
        match (name.map(plain), email.map(plain)) {
            (Some(name), Some(email)) if !name.is_empty() && !email.is_empty() => Ok(format!("{name} <{email}>")),
            _ => Err(OperatorError::NoIdentity),
        }
    }
}
