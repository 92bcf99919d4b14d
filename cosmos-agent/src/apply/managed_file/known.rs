//! Contents that need not be read to be known: what managed paths were written from.

use cosmos_model::content::ContentHash;
use cosmos_model::object_id::ObjectId;
use cosmos_model::stage::KnownContent;

use super::entry::Entry;
use super::{CHECKED, ManagedFile};

/// The contents of blobs that are known from the managed paths written from them.
#[derive(Debug)]
pub struct KnownBlobs<'a> {
    entries: &'a [u8],
    /// The first bytes of each blob with where its entry starts, sorted.
    places: Vec<(u32, u32)>,
}

impl<'a> KnownBlobs<'a> {
    /// Collects the blobs of `file`.
    #[must_use]
    pub fn of(file: &ManagedFile<'a>) -> Self {
        let mut rest = file.entries;
        let mut places = Vec::with_capacity(file.count as usize);
        for _ in 0..file.count {
            let start = u32::try_from(file.entries.len() - rest.len());
            let entry = Entry::next(&mut rest).expect(CHECKED);
            // Nothing that long is read: what lies further back would only not be known.
            if let (Some((blob, _)), Ok(start)) = (entry.blob(), start) {
                places.push((first(blob), start));
            }
        }
        places.sort_unstable();
        Self { entries: file.entries, places }
    }

    fn found(&self, wanted: (ObjectId, bool)) -> Option<(u64, ContentHash)> {
        let from = self.places.partition_point(|(blob, _)| *blob < first(wanted.0));
        let same = self.places[from..].iter().take_while(|(blob, _)| *blob == first(wanted.0));
        let entry = |place: &(u32, u32)| Entry::next(&mut &self.entries[place.1 as usize..]);
        let entry = same.filter_map(entry).find(|entry| entry.blob() == Some(wanted))?;
        entry.record().map(|record| (record.stat.size, record.hash))
    }
}

/// Returns the first bytes of an id, which are as good as random.
fn first(id: ObjectId) -> u32 {
    let [a, b, c, d, ..] = *id.as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

impl KnownContent for KnownBlobs<'_> {
    fn content_of(&self, id: ObjectId) -> Option<(u64, ContentHash)> {
        self.found((id, false))
    }

    fn secret_of(&self, id: ObjectId) -> Option<(u64, ContentHash)> {
        self.found((id, true))
    }
}
