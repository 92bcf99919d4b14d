//! Schedules: the grammar, the next point across daylight saving, and each host's stable delay.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use cosmos_agent::schedule::{Schedule, stable_delay};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

/// Stockholm's rule since 1996, written out so that the test needs no time zone files.
fn stockholm() -> TimeZone {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
}

/// Returns the `count` next points after `start`, in local time with the offset.
fn points(schedule: &str, start: &str, count: usize) -> Vec<String> {
    let schedule: Schedule = schedule.parse().unwrap();
    let zone = stockholm();
    let mut now: Timestamp = start.parse().unwrap();
    let mut found = Vec::new();
    for _ in 0..count {
        now = schedule.next_after(now, &zone).unwrap();
        found.push(now.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %:z").to_string());
    }
    found
}

#[test]
fn fields_are_numbers_words_lists_ranges_and_steps() {
    assert_eq!(
        points("*/20 8-9,23 * jan,2 mon-fri", "2026-01-02T22:00:00Z", 4),
        [
            "Fri 2026-01-02 23:20 +01:00",
            "Fri 2026-01-02 23:40 +01:00",
            "Mon 2026-01-05 08:00 +01:00",
            "Mon 2026-01-05 08:20 +01:00"
        ]
    );
    assert_eq!(points("5 4 * * 7", "2026-01-01T00:00:00Z", 1), ["Sun 2026-01-04 04:05 +01:00"]);
    assert_eq!(
        points("5 4 * * 5-7/2", "2026-01-01T00:00:00Z", 2),
        ["Fri 2026-01-02 04:05 +01:00", "Sun 2026-01-04 04:05 +01:00"]
    );
    assert_eq!(points("@weekly", "2026-01-01T00:00:00Z", 1), ["Sun 2026-01-04 00:00 +01:00"]);
    assert_eq!(
        points("50/4 0 1 1 *", "2026-01-01T00:00:00Z", 2),
        ["Fri 2027-01-01 00:50 +01:00", "Fri 2027-01-01 00:54 +01:00"]
    );
    assert_eq!(points("0 0 29 2 *", "2096-03-01T00:00:00Z", 1), ["Fri 2104-02-29 00:00 +01:00"]);
}

#[test]
fn either_day_field_may_match_when_both_are_restricted() {
    assert_eq!(
        points("0 12 13 * fri", "2026-02-01T00:00:00Z", 3),
        ["Fri 2026-02-06 12:00 +01:00", "Fri 2026-02-13 12:00 +01:00", "Fri 2026-02-20 12:00 +01:00"]
    );
    assert_eq!(points("0 12 13 * *", "2026-02-14T00:00:00Z", 1), ["Fri 2026-03-13 12:00 +01:00"]);
}

#[test]
fn a_time_that_spring_skips_runs_at_the_next_minute_that_exists() {
    assert_eq!(
        points("30 2 * * *", "2026-03-28T12:00:00Z", 2),
        ["Sun 2026-03-29 03:00 +02:00", "Mon 2026-03-30 02:30 +02:00"]
    );
    assert_eq!(
        points("*/30 * * * *", "2026-03-29T00:15:00Z", 3),
        ["Sun 2026-03-29 01:30 +01:00", "Sun 2026-03-29 03:00 +02:00", "Sun 2026-03-29 03:30 +02:00"]
    );
}

#[test]
fn a_time_that_autumn_repeats_runs_once_unless_every_hour_is_meant() {
    assert_eq!(
        points("30 2 * * *", "2026-10-24T12:00:00Z", 2),
        ["Sun 2026-10-25 02:30 +02:00", "Mon 2026-10-26 02:30 +01:00"]
    );
    assert_eq!(
        points("*/30 * * * *", "2026-10-25T00:15:00Z", 4),
        [
            "Sun 2026-10-25 02:30 +02:00",
            "Sun 2026-10-25 02:00 +01:00",
            "Sun 2026-10-25 02:30 +01:00",
            "Sun 2026-10-25 03:00 +01:00"
        ]
    );
}

#[test]
fn what_is_no_schedule_is_refused_with_its_field() {
    let refused = |text: &str| text.parse::<Schedule>().unwrap_err().to_string();
    let grammar = "lists, ranges, '*' and '/step'";
    assert_eq!(refused("60 * * * *"), format!("'60' is no minute: 0 to 59, {grammar}"));
    assert_eq!(refused("* 5-3 * * *"), format!("'5-3' is no hour: 0 to 23, {grammar}"));
    assert_eq!(refused("* * 0 * *"), format!("'0' is no day of month: 1 to 31, {grammar}"));
    assert_eq!(refused("* * * foo *"), format!("'foo' is no month: 1 to 12, {grammar}"));
    assert_eq!(refused("* * * * 8"), format!("'8' is no day of week: 0 to 7, {grammar}"));
    for wrong in
        ["*/0 * * * *", "1,,2 * * * *", "+1 * * * *", "? * * * *", "L * * * *", "1-2-3 * * * *", "\u{1b} * * * *"]
    {
        assert!(refused(wrong).ends_with(grammar) && !refused(wrong).contains('\u{1b}'), "{wrong}");
    }
    assert_eq!(
        refused("0 */15 * * * *"),
        "'0 */15 * * * *' has 6 fields, a schedule has five: minute, hour, day of month, month, day of week"
    );
    assert_eq!(refused("@reboot"), "'@reboot' is unknown: there are @hourly, @daily and @weekly");
    assert_eq!(refused("0 0 30 2 *"), "'0 0 30 2 *' names a day that never comes");
}

#[test]
fn a_hosts_delay_is_its_own_and_stays() {
    let splay = Duration::from_secs(300);
    let first = stable_delay("0123456789abcdef0123456789abcdef\n", splay);
    assert_eq!(first, stable_delay("0123456789abcdef0123456789abcdef", splay));
    assert_eq!(stable_delay("0123456789abcdef0123456789abcdef", Duration::ZERO), Duration::ZERO);
    let delays: std::collections::BTreeSet<Duration> =
        (0..1000).map(|host| stable_delay(&format!("{host:032x}"), splay)).collect();
    assert!(delays.len() > 270 && delays.last().unwrap() < &splay, "{} different delays", delays.len());
}

/// Tells by counting minutes whether `moment` is a point, where no hour is skipped or repeated.
fn is_point(minute: i8, hour: i8, moment: &jiff::Zoned) -> bool {
    moment.minute() == minute && moment.hour() == hour && moment.second() == 0
}

proptest! {
    #[test]
    fn the_next_point_is_the_first_minute_that_matches(
        minute in 0..60_i8,
        hour in 0..24_i8,
        start in 0..4_000_000_000_i64,
    ) {
        let schedule: Schedule = format!("{minute} {hour} * * *").parse().unwrap();
        let start = Timestamp::from_second(start).unwrap();
        let next = schedule.next_after(start, &TimeZone::UTC).unwrap();
        let mut minutes = (1..=1440).map(|minute| start.as_second().div_euclid(60) * 60 + minute * 60);
        let expected = minutes.find(|second| {
            is_point(minute, hour, &Timestamp::from_second(*second).unwrap().to_zoned(TimeZone::UTC))
        });
        prop_assert_eq!(Some(next.as_second()), expected);
    }
}
