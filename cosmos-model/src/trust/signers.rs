//! Who may sign: `openpgp-policy.toml` (docs/trust.md §6) and classic keys folders, parsed once per content.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use openpgp::Cert;
use openpgp::KeyID;
use openpgp::cert::CertParser;
use openpgp::parse::Parse as _;
use sequoia_openpgp as openpgp;

use super::refusal::Right;
use crate::content::ContentHash;
use crate::object_id::ObjectId;

/// The largest policy or key file that is parsed: 1 MiB.
pub const POLICY_LIMIT: usize = 1 << 20;

/// A set of rights.
pub type Rights = BTreeSet<Right>;

const ALL_RIGHTS: [Right; 6] =
    [Right::SignCommit, Right::SignTag, Right::SignArchive, Right::AddUser, Right::RetireUser, Right::Audit];

/// One `[authorization.NAME]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization {
    /// What its certificates may do.
    pub rights: Rights,
    /// The fingerprints of its certificates.
    pub members: BTreeSet<String>,
}

/// Everybody who may do something, with their certificates.
#[derive(Clone, Default)]
pub struct TrustSet {
    /// Commits somebody vouched for.
    pub goodlist: BTreeSet<ObjectId>,
    /// Who may do what, by name.
    pub authorizations: BTreeMap<String, Authorization>,
    /// The certificates by fingerprint.
    certificates: BTreeMap<String, Rc<Cert>>,
    /// Which certificates have a key with this id, signing or not. An id is only where to look, never who it is.
    by_key_id: BTreeMap<KeyID, Vec<String>>,
}

/// The policy file as written.
#[derive(serde::Deserialize)]
struct Written {
    version: u64,
    #[serde(default)]
    commit_goodlist: Vec<ObjectId>,
    #[serde(default)]
    authorization: BTreeMap<String, WrittenAuthorization>,
}

#[derive(serde::Deserialize)]
struct WrittenAuthorization {
    #[serde(default)]
    sign_commit: bool,
    #[serde(default)]
    sign_tag: bool,
    #[serde(default)]
    sign_archive: bool,
    #[serde(default)]
    add_user: bool,
    #[serde(default)]
    retire_user: bool,
    #[serde(default)]
    audit: bool,
    #[serde(default)]
    keyring: String,
}

impl WrittenAuthorization {
    fn rights(&self) -> Rights {
        let given = [self.sign_commit, self.sign_tag, self.sign_archive, self.add_user, self.retire_user, self.audit];
        ALL_RIGHTS.into_iter().zip(given).filter(|(_, given)| *given).map(|(right, _)| right).collect()
    }
}

impl TrustSet {
    /// Parses an `openpgp-policy.toml`.
    ///
    /// # Errors
    /// Returns a sentence when it is too large, no TOML of that shape, of another version, or holds a broken
    /// certificate.
    pub fn from_policy(bytes: &[u8]) -> Result<Self, String> {
        Self::from_policy_with(bytes, &mut Parsed::default())
    }

    /// As [`Self::from_policy`], parsing each keyring once.
    pub(crate) fn from_policy_with(bytes: &[u8], parsed: &mut Parsed) -> Result<Self, String> {
        if bytes.len() > POLICY_LIMIT {
            return Err(format!("it has {} bytes, more than {POLICY_LIMIT}", bytes.len()));
        }
        let text = core::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let written: Written = toml::from_str(text).map_err(|error| error.message().to_string())?;
        if written.version != 0 {
            return Err(format!("version {} is not 0", written.version));
        }
        let mut set = Self { goodlist: written.commit_goodlist.into_iter().collect(), ..Self::default() };
        for (name, authorization) in written.authorization {
            let certificates = parsed.certificates(authorization.keyring.as_bytes()).map_err(|error| {
                // The library's own words may have several lines.
                let reason = error.to_string().lines().collect::<Vec<_>>().join("; ");
                format!("the keyring of '{}': {reason}", crate::escape::for_terminal(name.as_bytes()))
            })?;
            set.authorize(name, authorization.rights(), certificates);
        }
        Ok(set)
    }

    /// Makes a set in which every certificate of `files` has every right (a classic keys folder, or a keyring).
    ///
    /// A file that cannot be read adds nobody, as in the original, where gpg skips it.
    #[must_use]
    pub(crate) fn from_keys<'a>(files: impl IntoIterator<Item = &'a [u8]>, parsed: &mut Parsed) -> Self {
        let mut set = Self::default();
        for file in files.into_iter().filter(|file| file.len() <= POLICY_LIMIT) {
            for certificate in parsed.certificates(file).unwrap_or_default() {
                let name = certificate.fingerprint().to_hex();
                set.authorize(name, ALL_RIGHTS.into_iter().collect(), [certificate]);
            }
        }
        set
    }

    fn authorize(&mut self, name: String, rights: Rights, certificates: impl IntoIterator<Item = Rc<Cert>>) {
        let mut members = BTreeSet::new();
        for certificate in certificates {
            members.insert(certificate.fingerprint().to_hex());
            self.learn(&certificate);
        }
        self.authorizations.insert(name, Authorization { rights, members });
    }

    /// Merges what `certificate` says into the copy here, or adds it; says nothing about rights.
    pub(crate) fn learn(&mut self, certificate: &Rc<Cert>) {
        let fingerprint = certificate.fingerprint().to_hex();
        let merged = match self.certificates.get(&fingerprint) {
            Some(known) => merge(known, certificate),
            None => Rc::clone(certificate),
        };
        self.put(fingerprint, merged);
    }

    /// Takes `certificate` as the copy that counts.
    pub(crate) fn put(&mut self, fingerprint: String, certificate: Rc<Cert>) {
        for key in certificate.keys() {
            let holders = self.by_key_id.entry(key.key().keyid()).or_default();
            if !holders.contains(&fingerprint) {
                holders.push(fingerprint.clone());
            }
        }
        self.certificates.insert(fingerprint, certificate);
    }

    /// Adds everybody of `other` who is not here yet, with their rights.
    pub(crate) fn join(&mut self, other: &Self, fingerprints: &BTreeSet<String>) {
        for (name, authorization) in &other.authorizations {
            let members: BTreeSet<String> = authorization.members.intersection(fingerprints).cloned().collect();
            for certificate in members.iter().filter_map(|member| other.certificates.get(member)) {
                self.learn(certificate);
            }
            if !members.is_empty() {
                self.authorizations
                    .insert(name.clone(), Authorization { rights: authorization.rights.clone(), members });
            }
        }
    }

    /// Returns the certificates by fingerprint.
    pub(crate) const fn certificates(&self) -> &BTreeMap<String, Rc<Cert>> {
        &self.certificates
    }

    /// Returns the certificates that have a key with this id.
    pub(crate) fn holders(&self, id: &KeyID) -> impl Iterator<Item = &Rc<Cert>> {
        let holders = self.by_key_id.get(id).into_iter().flatten();
        holders.filter_map(|fingerprint| self.certificates.get(fingerprint))
    }

    /// Returns what a certificate may do: the rights of all authorizations it is a member of.
    #[must_use]
    pub fn rights(&self, fingerprint: &str) -> Rights {
        let of = self.authorizations.values().filter(|authorization| authorization.members.contains(fingerprint));
        of.flat_map(|authorization| authorization.rights.iter().copied()).collect()
    }

    /// Returns a right out of `needed` that no authorization of a certificate gives along with the others; `None` when
    /// one gives all. Rights of several authorizations are not added up: each stands for a role of its own, as in
    /// sq-git.
    pub(crate) fn lacks(&self, fingerprint: &str, needed: &Rights) -> Option<Right> {
        let of = self.authorizations.values().filter(|authorization| authorization.members.contains(fingerprint));
        let missing = of.map(|one| needed.difference(&one.rights).copied().collect::<Rights>());
        missing.min_by_key(BTreeSet::len).unwrap_or_else(|| needed.clone()).first().copied()
    }

    /// Returns the fingerprints of everybody who holds `right`.
    #[must_use]
    pub fn holding(&self, right: Right) -> BTreeSet<String> {
        let of = self.authorizations.values().filter(|authorization| authorization.rights.contains(&right));
        of.flat_map(|authorization| authorization.members.iter().cloned()).collect()
    }

    /// Returns how many authorizations with a certificate hold `right`: the operators of T13.
    #[must_use]
    pub fn operators(&self, right: Right) -> usize {
        let counts = |one: &&Authorization| one.rights.contains(&right) && !one.members.is_empty();
        self.authorizations.values().filter(counts).count()
    }
}

/// Certificates by the hash of the text they were read from, so that a text that stays for years is parsed once.
#[derive(Default)]
pub(crate) struct Parsed(BTreeMap<ContentHash, Result<Vec<Rc<Cert>>, String>>);

impl Parsed {
    /// Reads every certificate in `bytes`, or remembers having done so.
    pub(crate) fn certificates(&mut self, bytes: &[u8]) -> Result<Vec<Rc<Cert>>, String> {
        let read = || certificates(bytes).map(|found| found.into_iter().map(Rc::new).collect());
        self.0.entry(ContentHash::of(bytes)).or_insert_with(read).clone()
    }
}

/// Merges two copies of one certificate; keeps the first when the library cannot.
pub(crate) fn merge(known: &Rc<Cert>, other: &Rc<Cert>) -> Rc<Cert> {
    if Rc::ptr_eq(known, other) || known == other {
        return Rc::clone(known);
    }
    match Cert::clone(known).merge_public(Cert::clone(other)) {
        Ok(merged) => Rc::new(merged),
        Err(_) => Rc::clone(known),
    }
}

/// Reads every certificate in `bytes`: binary, or any number of armored blocks with text between them.
///
/// # Errors
/// Returns the library's words for the first certificate it cannot read.
pub fn certificates(bytes: &[u8]) -> Result<Vec<Cert>, String> {
    const BEGIN: &[u8] = b"-----BEGIN PGP PUBLIC KEY BLOCK-----";
    let mut starts: Vec<usize> =
        bytes.windows(BEGIN.len()).enumerate().filter(|(_, window)| *window == BEGIN).map(|(at, _)| at).collect();
    if bytes.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    if starts.is_empty() {
        starts.push(0);
    }
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let mut certificates = Vec::new();
    for (start, end) in starts.iter().copied().zip(ends) {
        let parser = CertParser::from_bytes(&bytes[start..end]).map_err(|error| error.to_string())?;
        for certificate in parser {
            certificates.push(certificate.map_err(|error| error.to_string())?.strip_secret_key_material());
        }
    }
    Ok(certificates)
}
