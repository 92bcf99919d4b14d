//! Times in the OpenPGP library's types and in ours.

use openpgp::types::Timestamp;
use sequoia_openpgp as openpgp;

use crate::time::Time;

/// Returns a library time in ours.
pub fn time_of(stamp: Timestamp) -> Time {
    Time::from_seconds(i64::from(u32::from(stamp)))
}

/// Returns `time` in the library's type.
pub fn stamp(time: Time) -> Timestamp {
    let seconds = time.seconds().clamp(0, i64::from(u32::MAX));
    Timestamp::from(u32::try_from(seconds).expect("clamped to the range of u32"))
}

/// Returns `time` in the type of `like`, which is the standard library's clock type and cannot be named without `std`.
pub fn instant<T: From<Timestamp>>(_like: T, time: Time) -> T {
    stamp(time).into()
}
