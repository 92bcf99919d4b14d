//! What is said about paths that are only reported: once when one begins to differ, once when it ends.

use std::fmt;

use cosmos_model::path::RelPath;
use cosmos_model::snapshot::Stat;
use cosmos_model::time::Time;
use serde::{Deserialize, Serialize};

/// A path of the policy `report`, as the state keeps it between runs (docs/formats.md §9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reported {
    /// How it looked when it was last compared with the model; none where nothing was there.
    pub seen: Option<Stat>,
    /// How it differs, if it does.
    pub differs: Option<Differs>,
}

/// How a path differs from what the model says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Differs {
    /// In words: `has other content`.
    pub what: String,
    /// Since when that is known.
    pub since: Time,
    /// Whether an unattended run said it; what was seen at a terminal only was not.
    pub spoken: bool,
}

/// A path that began to differ in a run, or ended to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Which.
    pub path: RelPath,
    /// How it differs now, if it began.
    pub began: Option<String>,
    /// How it had differed, if that ended.
    pub ended: Option<Differs>,
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.began, &self.ended) {
            (Some(what), _) => write!(f, "'{}' {what}; nothing more is said until that ends", self.path),
            (None, Some(Differs { what, since, .. })) => {
                write!(f, "'{}' is as the model says again; since {since} it had differed: {what}", self.path)
            }
            (None, None) => write!(f, "'{}' is as the model says", self.path),
        }
    }
}

/// Returns what an unattended run has to say: ends of what was spoken of, and beginnings that were not yet.
pub fn speak<'s>(news: &[News], reported: impl Iterator<Item = (&'s RelPath, &'s mut Reported)>) -> Vec<News> {
    let was_spoken_of = |one: &&News| one.ended.as_ref().is_some_and(|differs| differs.spoken);
    let mut said: Vec<News> = news.iter().filter(was_spoken_of).cloned().collect();
    for (path, reported) in reported {
        if let Some(differs) = reported.differs.as_mut().filter(|differs| !differs.spoken) {
            differs.spoken = true;
            said.push(News { path: path.clone(), began: Some(differs.what.clone()), ended: None });
        }
    }
    said
}
