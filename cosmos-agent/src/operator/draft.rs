//! Objects of a release before it is published: what was just made, over the clone's and the store's.

use std::collections::BTreeMap;

use cosmos_model::object::{self, ObjectKind, ObjectSource, RawObject};
use cosmos_model::object_id::ObjectId;

use super::{OperatorError, WorkTree};
use crate::store::Store;

/// What would be published. Nothing of it is written until [`Draft::keep`].
pub struct Draft<'a> {
    store: &'a Store,
    clone: &'a WorkTree,
    made: BTreeMap<ObjectId, RawObject>,
}

impl<'a> Draft<'a> {
    /// Starts with nothing made.
    #[must_use]
    pub const fn new(store: &'a Store, clone: &'a WorkTree) -> Self {
        Self { store, clone, made: BTreeMap::new() }
    }

    /// Adds an object and returns its name.
    ///
    /// # Panics
    /// Panics for bytes made to collide, which nobody writes by accident.
    pub fn add(&mut self, kind: ObjectKind, bytes: Vec<u8>) -> ObjectId {
        let id = object::hash(kind, &bytes).expect("text made here is no collision attack");
        self.made.insert(id, RawObject { kind, bytes });
        id
    }

    /// Writes what was made into the clone.
    ///
    /// # Errors
    /// Returns [`OperatorError::Library`].
    pub fn keep(&self) -> Result<(), OperatorError> {
        self.made.values().try_for_each(|object| self.clone.write(object.kind, &object.bytes))
    }
}

impl ObjectSource for Draft<'_> {
    fn object(&self, id: ObjectId) -> Result<Option<RawObject>, String> {
        if let Some(made) = self.made.get(&id) {
            return Ok(Some(made.clone()));
        }
        match self.store.object(id)? {
            Some(object) => Ok(Some(object)),
            None => self.clone.object(id),
        }
    }
}
