//! Contents that need not be read to be known: what managed paths were written from.

use cosmos_model::content::ContentHash;
use cosmos_model::object_id::ObjectId;
use cosmos_model::stage::KnownContent;

use super::{ManagedFile, record};

/// The contents of blobs that are known from the managed paths written from them.
#[derive(Debug)]
pub struct KnownBlobs<'a> {
    entries: &'a [u8],
    /// Each blob with where its record starts, sorted.
    places: Vec<(ObjectId, usize)>,
    /// The same for blobs in which a secret is encrypted: the hash is that of the secret.
    secrets: Vec<(ObjectId, usize)>,
}

impl<'a> KnownBlobs<'a> {
    /// Collects the blobs of `file`.
    #[must_use]
    pub fn of(file: &ManagedFile<'a>) -> Self {
        let mut rest = file.entries;
        let (mut places, mut secrets) = (Vec::with_capacity(file.count as usize), Vec::new());
        for _ in 0..file.count {
            let start = file.entries.len() - rest.len();
            let record = record(&mut rest).expect("parse checked every entry");
            // What a task changed afterwards has another hash than its blob.
            if record.blob != ObjectId::new([0; 20]) && !record.task_made {
                if record.secret { &mut secrets } else { &mut places }.push((record.blob, start));
            }
        }
        places.sort_unstable();
        secrets.sort_unstable();
        Self { entries: file.entries, places, secrets }
    }

    fn found(&self, places: &[(ObjectId, usize)], id: ObjectId) -> Option<(u64, ContentHash)> {
        let at = places.binary_search_by(|(blob, _)| blob.cmp(&id)).ok()?;
        let record = record(&mut &self.entries[places[at].1..])?;
        Some((record.stat.size, record.hash))
    }
}

impl KnownContent for KnownBlobs<'_> {
    fn content_of(&self, id: ObjectId) -> Option<(u64, ContentHash)> {
        self.found(&self.places, id)
    }

    fn secret_of(&self, id: ObjectId) -> Option<(u64, ContentHash)> {
        self.found(&self.secrets, id)
    }
}
