//! The next point of a schedule after a moment, across the hours that daylight saving skips and repeats.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

use super::expression::Schedule;

/// How many days ahead a match is looked for: 29 February comes again after eight years at most.
const DAYS_AHEAD: usize = 8 * 366 + 1;

impl Schedule {
    /// Returns the first point of the schedule after `now` in `zone`.
    ///
    /// A local time that is skipped runs at the next one that exists. One that comes twice runs once, the first
    /// time, unless every hour is meant (`*`): then both passes count, as the clock on the wall shows nothing odd.
    ///
    /// `None` only at the end of the calendar.
    #[must_use]
    pub fn next_after(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        // A day before today's, since a repeated hour may lie on both sides of midnight.
        let first = now.to_zoned(zone.clone()).date().yesterday().ok()?;
        let mut next: Option<Timestamp> = None;
        let mut days = first.series(1.day()).take(DAYS_AHEAD).filter(|day| self.has_day(*day));
        for day in &mut days {
            let found = next;
            next = self.points(day, zone).filter(|point| *point > now).chain(next).min();
            // One day more is looked at than needed, for the same reason.
            if found.is_some() {
                break;
            }
        }
        next
    }

    fn has_day(&self, date: Date) -> bool {
        let day = self.days.has(u32::from(date.day().unsigned_abs()));
        let weekday = self.weekdays.has(u32::from(date.weekday().to_sunday_zero_offset().unsigned_abs()));
        let either = self.days.restricted && self.weekdays.restricted;
        self.months.has(u32::from(date.month().unsigned_abs())) && if either { day || weekday } else { day && weekday }
    }

    fn points<'s>(&'s self, day: Date, zone: &'s TimeZone) -> impl Iterator<Item = Timestamp> + 's {
        let times = self.hours.values().flat_map(|hour| self.minutes.values().map(move |minute| (hour, minute)));
        times.flat_map(move |(hour, minute)| {
            let [hour, minute] = [hour, minute].map(|value| i8::try_from(value).expect("fields are below 60"));
            self.moments(day.at(hour, minute, 0, 0), zone)
        })
    }

    /// Returns when the clock on the wall shows `local`: once, or twice when the hour repeats and all hours count.
    fn moments(&self, local: DateTime, zone: &TimeZone) -> impl Iterator<Item = Timestamp> {
        let ambiguous = zone.to_ambiguous_timestamp(local);
        let [first, second] = match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => [ambiguous.compatible().ok(), None],
            AmbiguousOffset::Gap { .. } => {
                let after = ambiguous.later().ok();
                [after.and_then(|after| zone.preceding(after).next().map(|change| change.timestamp())), None]
            }
            AmbiguousOffset::Fold { .. } => {
                let again = if self.hours.restricted { None } else { ambiguous.later().ok() };
                [ambiguous.earlier().ok(), again]
            }
        };
        first.into_iter().chain(second)
    }
}
