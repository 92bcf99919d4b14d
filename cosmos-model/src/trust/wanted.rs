//! Which refs a host asks for (F2): matched by our own code, fetched by full name.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::pattern::TagPattern;
use super::tag_refs::{COSIGN, role};
use super::{Mode, TrustPolicy};
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
        let testing_branch = host.filter(|_| branch.is_some()).map(|host| format!("refs/heads/testing/{host}"));
        let testing_tags = host.filter(|_| branch.is_none()).map(|host| format!("testing/{host}/"));
        let is_wanted = |one: &&RemoteRef| match one.tag_name() {
            Some(name) => {
                let testing = testing_tags.as_ref().is_some_and(|prefix| name.starts_with(prefix.as_str()));
                testing || role(name, pattern.as_ref()).is_some()
            }
            None => [&branch, &testing_branch].into_iter().flatten().any(|name| one.name == name.as_bytes()),
        };
        refs.iter().filter(is_wanted).cloned().collect()
    }

    /// Returns the prefixes that narrow a listing by protocol v2; what comes back is still matched by [`Self::wanted`].
    #[must_use]
    pub fn ls_refs_prefixes(&self) -> Vec<String> {
        let release = match &self.mode {
            Mode::Commits { branch } => format!("refs/heads/{branch}"),
            Mode::Tags { .. } => {
                let pattern = self.tag_pattern();
                format!("refs/tags/{}", pattern.map(|pattern| pattern.literal_prefix()).unwrap_or_default())
            }
        };
        alloc::vec![release, format!("refs/tags/{COSIGN}")]
    }

    /// Returns the release pattern; `None` in `commits` mode, or when the text is no pattern, which [`Self::judge`] reports.
    fn tag_pattern(&self) -> Option<TagPattern> {
        match &self.mode {
            Mode::Commits { .. } => None,
            Mode::Tags { pattern, classic } => TagPattern::parse(pattern, *classic).ok(),
        }
    }
}
