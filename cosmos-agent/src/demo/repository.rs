//! A repository built in process: files become trees, trees become commits and tags, signed or deliberately not.

use std::path::Path;

use anyhow::Context;
use git2::build::{CheckoutBuilder, TreeUpdateBuilder};
use git2::{FileMode, ObjectType, Oid, RepositoryInitOptions, Signature, Tree};

use super::example::ExampleFile;
use super::operator::Operator;

/// The branch hosts follow.
pub const BRANCH: &str = "main";

/// An operator's working repository, and the bare one on "the server" that hosts fetch from.
pub struct Repository {
    work: git2::Repository,
    server: git2::Repository,
}

impl Repository {
    /// Opens the operator's repository in `work` and makes an empty bare one in `server`.
    ///
    /// # Errors
    /// Returns what git says when either cannot be made.
    pub fn new(work: &Path, server: &Path) -> anyhow::Result<Self> {
        let mut options = RepositoryInitOptions::new();
        options.initial_head(BRANCH).mkpath(true).external_template(false);
        let mut open = |path: &Path, bare: bool| {
            git2::Repository::init_opts(path, options.bare(bare))
                .with_context(|| format!("cannot make the repository '{}'", path.display()))
        };
        Ok(Self { work: open(work, false)?, server: open(server, true)? })
    }

    /// Commits `files` on top of the branch's head and moves the branch; what an operator does with `git commit -S`.
    ///
    /// # Errors
    /// Returns what git or the signer says.
    pub fn commit(&self, files: &[ExampleFile<'_>], message: &str, signer: &Operator) -> anyhow::Result<Oid> {
        let parent = self.head()?;
        let id = self.write_commit(parent, files, message, signer, true)?;
        self.point_branch(id)?;
        self.work.checkout_head(Some(CheckoutBuilder::new().force()))?;
        Ok(id)
    }

    /// Commits `files` on top of the branch's head under somebody's name, but without a signature, and pushes it to the
    /// server only: what an attacker does who broke into the server.
    ///
    /// # Errors
    /// Returns what git says.
    pub fn forge(&self, files: &[ExampleFile<'_>], message: &str, name: &Operator) -> anyhow::Result<Oid> {
        let id = self.write_commit(self.head()?, files, message, name, false)?;
        self.push_object(id, BRANCH)?;
        Ok(id)
    }

    /// Tags `commit` as a release, signed; what an operator does with `git tag --sign`.
    ///
    /// # Errors
    /// Returns what git or the signer says.
    pub fn tag(&self, name: &str, commit: Oid, signer: &Operator) -> anyhow::Result<()> {
        let who = signature(signer)?;
        let seconds = who.when().seconds();
        let text = format!(
            "object {commit}\ntype commit\ntag {name}\ntagger {} <{}> {seconds} +0000\n\nRelease {name}\n",
            signer.name(),
            signer.email(),
        );
        let object = format!("{text}{}\n", signer.sign(&text)?);
        let id = self.work.odb()?.write(ObjectType::Tag, object.as_bytes())?;
        self.work.reference(&format!("refs/tags/{name}"), id, true, "tag")?;
        self.push(&format!("refs/tags/{name}:refs/tags/{name}"))
    }

    /// Publishes a tag object that is there already under another name, on the server only.
    ///
    /// # Errors
    /// Returns what git says.
    pub fn republish_tag(&self, old: &str, new: &str) -> anyhow::Result<()> {
        let object = self.server.refname_to_id(&format!("refs/tags/{old}"))?;
        self.server.reference(&format!("refs/tags/{new}"), object, true, "republish")?;
        Ok(())
    }

    /// Pushes the operator's branch to the server, over whatever is there.
    ///
    /// # Errors
    /// Returns what git says.
    pub fn publish(&self) -> anyhow::Result<()> {
        self.push(&format!("+refs/heads/{BRANCH}:refs/heads/{BRANCH}"))
    }

    /// Points the server's branch at `commit`, which is there already: a force-push, or a restored backup.
    ///
    /// # Errors
    /// Returns what git says.
    pub fn set_server_branch(&self, commit: Oid) -> anyhow::Result<()> {
        self.server.reference(&format!("refs/heads/{BRANCH}"), commit, true, "force")?;
        Ok(())
    }

    fn head(&self) -> anyhow::Result<Option<Oid>> {
        match self.work.refname_to_id(&format!("refs/heads/{BRANCH}")) {
            Ok(id) => Ok(Some(id)),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error).context("cannot read the branch"),
        }
    }

    fn write_commit(
        &self,
        parent: Option<Oid>,
        files: &[ExampleFile<'_>],
        message: &str,
        who: &Operator,
        signed: bool,
    ) -> anyhow::Result<Oid> {
        let parent = parent.map(|id| self.work.find_commit(id)).transpose()?;
        let before = parent.as_ref().map(git2::Commit::tree).transpose()?;
        let tree = self.write_tree(before, files)?;
        let name = signature(who)?;
        let parents: Vec<_> = parent.iter().collect();
        let content = self.work.commit_create_buffer(&name, &name, &format!("{message}\n"), &tree, &parents)?;
        let content = content.as_str().context("a commit that is not UTF-8")?;
        if signed {
            return Ok(self.work.commit_signed(content, &who.sign(content)?, None)?);
        }
        Ok(self.work.odb()?.write(ObjectType::Commit, content.as_bytes())?)
    }

    fn write_tree(&self, before: Option<Tree<'_>>, files: &[ExampleFile<'_>]) -> anyhow::Result<Tree<'_>> {
        let before = match before {
            Some(tree) => tree,
            None => self.work.find_tree(self.work.treebuilder(None)?.write()?)?,
        };
        let mut update = TreeUpdateBuilder::new();
        for file in files {
            let mode = if file.executable { FileMode::BlobExecutable } else { FileMode::Blob };
            update.upsert(file.path, self.work.blob(file.content.as_bytes())?, mode);
        }
        Ok(self.work.find_tree(update.create_updated(&self.work, &before)?)?)
    }

    fn point_branch(&self, commit: Oid) -> anyhow::Result<()> {
        self.work.reference(&format!("refs/heads/{BRANCH}"), commit, true, "commit")?;
        Ok(())
    }

    fn push_object(&self, commit: Oid, branch: &str) -> anyhow::Result<()> {
        let stolen = "refs/heads/forged";
        let mut reference = self.work.reference(stolen, commit, true, "forge")?;
        self.push(&format!("+{stolen}:refs/heads/{branch}"))?;
        reference.delete()?;
        Ok(())
    }

    fn push(&self, refspec: &str) -> anyhow::Result<()> {
        let url = self.server.path().to_str().context("the server's path is not UTF-8")?;
        self.work.remote_anonymous(url)?.push(&[refspec], None).context("cannot push to the server")
    }
}

fn signature(who: &Operator) -> anyhow::Result<Signature<'static>> {
    Ok(Signature::now(who.name(), who.email())?)
}
