//! `openpgp-policy.toml`, edited in place: comments, order and layout stay (docs/formats.md §5).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use openpgp::Cert;
use sequoia_openpgp as openpgp;
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value, value};

use super::signer::Signer;
use super::{Entry, SignersError, armored, certificates, merged};
use crate::cli::RIGHTS;
use crate::fs::by_path;

/// The policy as a document.
pub struct PolicyFile {
    path: PathBuf,
    document: DocumentMut,
    read: String,
}

impl PolicyFile {
    /// Reads the file; `None` where there is none.
    pub fn read(path: &Path) -> Result<Option<Self>, SignersError> {
        let file = |source| SignersError::File { path: path.to_owned(), source };
        if path.symlink_metadata().is_err() {
            return Ok(None);
        }
        let read = std::fs::read_to_string(path).map_err(file)?;
        let wrong = |reason: String| SignersError::Policy { path: path.to_owned(), reason };
        // Whatever a host would refuse is not edited.
        cosmos_model::trust::TrustSet::from_policy(read.as_bytes()).map_err(wrong)?;
        let document = read.parse::<DocumentMut>().map_err(|error| wrong(error.message().to_owned()))?;
        Ok(Some(Self { path: path.to_owned(), document, read }))
    }

    fn people(&self) -> impl Iterator<Item = (&str, &dyn TableLike)> {
        let tables = self.document.get("authorization").and_then(Item::as_table_like);
        tables.into_iter().flat_map(|all| all.iter()).filter_map(|(name, one)| Some((name, one.as_table_like()?)))
    }

    fn people_mut(&mut self) -> impl Iterator<Item = (String, &mut dyn TableLike)> {
        let tables = self.document.get_mut("authorization").and_then(Item::as_table_like_mut);
        let all = tables.into_iter().flat_map(|all| all.iter_mut());
        all.filter_map(|(name, one)| Some((name.get().to_owned(), one.as_table_like_mut()?)))
    }

    /// Returns everybody in it.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (name, person) in self.people() {
            let may = |right: &&str| person.get(right).and_then(Item::as_bool).unwrap_or(false);
            let rights: BTreeSet<String> = RIGHTS.iter().filter(|right| may(right)).map(ToString::to_string).collect();
            for cert in keyring(name, person).unwrap_or_default() {
                let signer = Signer::of(cert, &self.path);
                entries.push(Entry { name: name.to_owned(), rights: rights.clone(), signer });
            }
        }
        entries
    }

    /// Merges `cert` into every keyring that holds the certificate.
    pub fn merge(&mut self, cert: &Cert) -> Result<bool, SignersError> {
        let mut found = false;
        for (name, person) in self.people_mut() {
            let mut certs = keyring(&name, person)?;
            for known in certs.iter_mut().filter(|known| known.fingerprint() == cert.fingerprint()) {
                *known = merged(&name, known.clone(), cert)?;
                found = true;
            }
            if certs.iter().any(|known| known.fingerprint() == cert.fingerprint()) {
                set_keyring(person, &certs);
            }
        }
        Ok(found)
    }

    /// Adds a certificate to the person called `name`, who is made where missing.
    pub fn add(&mut self, name: &str, rights: &BTreeSet<String>, signer: &Signer) -> Result<(), SignersError> {
        let wrong = |reason: &str| SignersError::Policy { path: self.path.clone(), reason: reason.to_owned() };
        let people = self.document.entry("authorization").or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        let people = people.as_table_mut().ok_or_else(|| wrong("'authorization' is no table"))?;
        if let Some(person) = people.get_mut(name).and_then(Item::as_table_like_mut) {
            let mut certs = keyring(name, person)?;
            certs.push(signer.cert().clone());
            set_keyring(person, &certs);
            return Ok(());
        }
        let mut person = Table::new();
        person.decor_mut().set_prefix(format!("\n# {}\n# {}\n", signer.user_id(), signer.fingerprint()));
        for right in RIGHTS.iter().filter(|right| rights.contains(**right)) {
            person.insert(right, value(true));
        }
        set_keyring(&mut person, &[signer.cert().clone()]);
        people.insert(name, Item::Table(person));
        Ok(())
    }

    /// Takes the certificate out of every keyring; who is left without one goes.
    pub fn remove(&mut self, fingerprint: &str) -> Result<(), SignersError> {
        let mut gone = Vec::new();
        for (name, person) in self.people_mut() {
            let certs = keyring(&name, person)?;
            let kept: Vec<Cert> =
                certs.iter().filter(|cert| cert.fingerprint().to_hex() != fingerprint).cloned().collect();
            if kept.len() == certs.len() {
                continue;
            }
            if kept.is_empty() {
                gone.push(name);
            } else {
                set_keyring(person, &kept);
            }
        }
        if let Some(people) = self.document.get_mut("authorization").and_then(Item::as_table_like_mut) {
            gone.iter().for_each(|name| drop(people.remove(name)));
        }
        Ok(())
    }

    /// Adds commits to the goodlist, each once, one a line.
    pub fn vouch(&mut self, commits: &BTreeSet<String>) -> Result<usize, SignersError> {
        let reason = || "'commit_goodlist' is no array".to_owned();
        let wrong = SignersError::Policy { path: self.path.clone(), reason: reason() };
        let list = self.document.entry("commit_goodlist").or_insert_with(|| value(Array::new()));
        let list = list.as_array_mut().ok_or(wrong)?;
        let known: BTreeSet<String> = list.iter().filter_map(Value::as_str).map(str::to_lowercase).collect();
        let mut added = 0;
        for commit in commits.iter().filter(|commit| !known.contains(*commit)) {
            let mut line = Value::from(commit.as_str());
            line.decor_mut().set_prefix("\n    ");
            list.push_formatted(line);
            added += 1;
        }
        if added > 0 {
            list.set_trailing_comma(true);
            list.set_trailing("\n");
        }
        Ok(added)
    }

    /// Writes the file if it changed.
    pub fn write(&self) -> Result<Option<PathBuf>, SignersError> {
        let text = self.document.to_string();
        if text == self.read {
            return Ok(None);
        }
        by_path::replace_file(&self.path, text.as_bytes(), 0o644)
            .map_err(|source| SignersError::File { path: self.path.clone(), source })?;
        Ok(Some(self.path.clone()))
    }
}

fn keyring(name: &str, person: &dyn TableLike) -> Result<Vec<Cert>, SignersError> {
    let text = person.get("keyring").and_then(Item::as_str).unwrap_or_default();
    certificates(&format!("authorization.{name}"), text.as_bytes())
}

/// Replaces a keyring as a text over several lines; what stands around the old one stays.
fn set_keyring(person: &mut dyn TableLike, certs: &[Cert]) {
    let text = format!("\"\"\"\n{}\"\"\"", armored(certs));
    let mut fresh: Value = text.parse().expect("armor holds nothing that TOML would have to escape");
    if let Some(old) = person.get("keyring").and_then(Item::as_value) {
        *fresh.decor_mut() = old.decor().clone();
    }
    person.insert("keyring", Item::Value(fresh));
}
