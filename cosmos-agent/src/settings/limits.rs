//! `[limits]` of both settings files (F2): the trust settings set them, the agent settings may only lower them.

use crate::fetch::Limits;

use super::document::Section;
use super::mistake::{Located, Mistakes};
use super::units::{Seconds, Size};

/// Limits as written; what is absent is not said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LimitsFile {
    transfer: Option<u64>,
    objects: Option<u32>,
    object_size: Option<u64>,
    refs: Option<u32>,
    connect: Option<Seconds>,
    look: Option<Seconds>,
    fetch: Option<Seconds>,
}

impl LimitsFile {
    /// Reads the table. Zero is refused: it must not come to mean "no limit" (T17).
    pub(super) fn read(mut section: Section<'_>, mistakes: &mut Mistakes) -> Self {
        let read = Self {
            transfer: take::<Size>(&mut section, "transfer", mistakes).map(|size| size.0),
            objects: take::<u32>(&mut section, "objects", mistakes),
            object_size: take::<Size>(&mut section, "object-size", mistakes).map(|size| size.0),
            refs: take::<u32>(&mut section, "refs", mistakes),
            connect: take::<Seconds>(&mut section, "connect", mistakes),
            look: take::<Seconds>(&mut section, "look", mistakes),
            fetch: take::<Seconds>(&mut section, "fetch", mistakes),
        };
        section.finish(mistakes);
        read
    }

    /// Returns these limits where something later says nothing.
    pub(super) fn under(self, later: Self) -> Self {
        Self {
            transfer: later.transfer.or(self.transfer),
            objects: later.objects.or(self.objects),
            object_size: later.object_size.or(self.object_size),
            refs: later.refs.or(self.refs),
            connect: later.connect.or(self.connect),
            look: later.look.or(self.look),
            fetch: later.fetch.or(self.fetch),
        }
    }

    /// Returns the limits, with defaults where nothing was said: the administrator's word.
    #[must_use]
    pub fn set(&self) -> Limits {
        let default = Limits::default();
        Limits {
            transfer: self.transfer.unwrap_or(default.transfer),
            objects: self.objects.unwrap_or(default.objects),
            object_size: self.object_size.unwrap_or(default.object_size),
            refs: self.refs.unwrap_or(default.refs),
            connect: self.connect.map_or(default.connect, Seconds::duration),
            look: self.look.map_or(default.look, Seconds::duration),
            fetch: self.fetch.map_or(default.fetch, Seconds::duration),
        }
    }

    /// Returns `upper`, lowered where this file says less: a layer's word. What says more changes nothing.
    #[must_use]
    pub fn lower(&self, upper: &Limits) -> Limits {
        fn least<T: Ord + Copy>(upper: T, said: Option<T>) -> T {
            said.map_or(upper, |said| said.min(upper))
        }
        let sooner = |upper, said: Option<Seconds>| least(upper, said.map(Seconds::duration));
        Limits {
            transfer: least(upper.transfer, self.transfer),
            objects: least(upper.objects, self.objects),
            object_size: least(upper.object_size, self.object_size),
            refs: least(upper.refs, self.refs),
            connect: sooner(upper.connect, self.connect),
            look: sooner(upper.look, self.look),
            fetch: sooner(upper.fetch, self.fetch),
        }
    }
}

/// A number that can be compared with nothing at all.
trait Amount: serde::de::DeserializeOwned + Copy {
    fn amount(self) -> u64;
}

impl Amount for u32 {
    fn amount(self) -> u64 {
        u64::from(self)
    }
}

impl Amount for Size {
    fn amount(self) -> u64 {
        self.0
    }
}

impl Amount for Seconds {
    fn amount(self) -> u64 {
        self.0
    }
}

fn take<T: Amount>(section: &mut Section<'_>, key: &'static str, mistakes: &mut Mistakes) -> Option<T> {
    let Located { value, place } = section.take::<T>(key, mistakes)?;
    if value.amount() == 0 {
        mistakes.add(
            &place,
            "a limit of zero",
            "there is no value for \"unlimited\"; leave the key out for its default",
        );
        return None;
    }
    Some(value)
}
