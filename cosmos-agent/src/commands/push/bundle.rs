//! A git bundle of what one host lacks: the refs it asks for, and every object that what it has does not reach.

use cosmos_model::object::tag::Tag;
use cosmos_model::object::{self, ObjectKind};
use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;
use git2::Repository;

use crate::exit::{Failure, Status};
use crate::operator::WorkTree;
use crate::store::oid;

/// Writes the bundle for a host that has `have` and all below it.
///
/// # Errors
/// Returns a [`Failure`] when libgit2 cannot read or pack the objects.
pub fn write(clone: &WorkTree, refs: &[RemoteRef], have: Option<ObjectId>) -> Result<Vec<u8>, Failure> {
    let mut bundle = b"# v2 git bundle\n".to_vec();
    bundle.extend(have.iter().flat_map(|have| format!("-{have} \n").into_bytes()));
    for reference in refs {
        bundle.extend_from_slice(format!("{} ", reference.id).as_bytes());
        bundle.extend_from_slice(&reference.name);
        bundle.push(b'\n');
    }
    bundle.push(b'\n');
    let packed = pack(clone, refs, have).map_err(|error| {
        let message = format!("cannot pack the objects of '{}': {}", clone.folder().display(), error.message());
        Failure::of(Status::Failed, message, "see what 'git fsck' says in the clone")
    })?;
    bundle.extend(packed);
    Ok(bundle)
}

fn pack(clone: &WorkTree, refs: &[RemoteRef], have: Option<ObjectId>) -> Result<Vec<u8>, git2::Error> {
    let repository = Repository::open(clone.git_folder())?;
    let mut builder = repository.packbuilder()?;
    let mut walk = repository.revwalk()?;
    for reference in refs {
        match target(clone, reference.id) {
            Some(commit) => {
                // A tag is small, and a host that has its commit may lack it still.
                builder.insert_object(oid(reference.id), None)?;
                walk.push(oid(commit))?;
            }
            None if object::read(clone, reference.id, ObjectKind::Commit).is_ok() => walk.push(oid(reference.id))?,
            // The host refuses a tag of anything else (T7); it has to see it for that.
            None => builder.insert_recursive(oid(reference.id), None)?,
        }
    }
    if let Some(have) = have {
        walk.hide(oid(have))?;
    }
    builder.insert_walk(&mut walk)?;
    let mut bytes = git2::Buf::new();
    builder.write_buf(&mut bytes)?;
    Ok(bytes.to_vec())
}

/// Returns the commit an annotated tag is about.
fn target(clone: &WorkTree, tag: ObjectId) -> Option<ObjectId> {
    let text = object::read(clone, tag, ObjectKind::Tag).ok()?;
    Tag::parse(&text).ok().filter(|tag| tag.kind == ObjectKind::Commit).map(|tag| tag.target)
}
