//! Which refs a host asks for (F2): matched by our own code, fetched by full name.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::pattern::TagPattern;
use super::tag_refs::{COSIGN, role};
use super::{Mode, TrustPolicy, testing};
use crate::host_name::HostName;
use crate::refs::RemoteRef;

impl TrustPolicy {
    /// Returns the refs of a listing that may concern this host, in the listing's order.
    ///
    /// With a `host` its own testing refs are among them.
    #[must_use]
    pub fn wanted(&self, refs: &[RemoteRef], host: Option<&HostName>) -> Vec<RemoteRef> {
        let pattern = self.tag_pattern();
        let branch = match &self.mode {
            Mode::Commits { branch } => Some(format!("refs/heads/{branch}")),
            Mode::Tags { .. } => None,
        };
        let testing_branch = host.filter(|_| branch.is_some()).map(testing::branch);
        let testing_tags = host.filter(|_| branch.is_none()).map(testing::tags);
        let is_wanted = |one: &&RemoteRef| match one.tag_name() {
            Some(name) => {
                let testing = testing_tags.as_ref().is_some_and(|prefix| one.name.starts_with(prefix.as_bytes()));
                testing || role(name, pattern.as_ref()).is_some()
            }
            None => [&branch, &testing_branch].into_iter().flatten().any(|name| one.name == name.as_bytes()),
        };
        refs.iter().filter(is_wanted).cloned().collect()
    }

    /// Returns the prefixes that narrow a listing by protocol v2; what comes back is still matched by [`Self::wanted`].
    #[must_use]
    pub fn ls_refs_prefixes(&self, host: Option<&HostName>) -> Vec<String> {
        let release = match &self.mode {
            Mode::Commits { branch } => format!("refs/heads/{branch}"),
            Mode::Tags { .. } => {
                let pattern = self.tag_pattern();
                format!("refs/tags/{}", pattern.map(|pattern| pattern.literal_prefix()).unwrap_or_default())
            }
        };
        let test = host.map(match &self.mode {
            Mode::Commits { .. } => testing::branch,
            Mode::Tags { .. } => testing::tags,
        });
        [release, format!("refs/tags/{COSIGN}")].into_iter().chain(test).collect()
    }

    /// Returns the release pattern; `None` in `commits` mode, or when the text is no pattern, which [`Self::judge`]
    /// reports.
    fn tag_pattern(&self) -> Option<TagPattern> {
        match &self.mode {
            Mode::Commits { .. } => None,
            Mode::Tags { pattern, classic } => TagPattern::parse(pattern, *classic).ok(),
        }
    }
}
