//! Schedule expressions and the points in time they mean (docs/formats.md §8).

use cosmos_agent::schedule::Schedule;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::said;

/// An expression, after eight bytes that say when: each next point is later, and none lies between two.
pub fn schedule(bytes: &[u8]) {
    let Some((when, text)) = bytes.split_first_chunk() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let schedule: Schedule = match text.parse() {
        Ok(schedule) => schedule,
        Err(error) => return said::error(&error),
    };
    assert_eq!(schedule.as_str(), text);
    assert_eq!(text.parse(), Ok(schedule.clone()));
    // Within the years that hosts live in.
    let seconds = u64::from_le_bytes(*when) % 4_000_000_000;
    let now = Timestamp::from_second(seconds.try_into().expect("below 2^32")).expect("before 2100");
    for zone in [TimeZone::UTC, TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone")] {
        let next = schedule.next_after(now, &zone).expect("some year has a matching day");
        assert!(next > now && next.as_second() % 60 == 0, "{next} is not after {now}, or within a minute");
        let before = Timestamp::from_second(next.as_second() - 1).expect("not the first second ever");
        assert_eq!(schedule.next_after(before, &zone), Some(next));
        let middle = Timestamp::from_second(now.as_second().midpoint(next.as_second()));
        let middle = middle.expect("between two that exist");
        assert!(middle == next || schedule.next_after(middle, &zone) == Some(next), "a point was left out");
    }
}
