//! Schedules in five fields of cron, in a time zone.

use std::time::SystemTime;

use jiff::{Timestamp, ToSpan as _, Zoned, tz::TimeZone};

use crate::gemini::{errors::ApiError, resources::read};

/// The ranges of the fields: minute, hour, day of the month, month, day of the week.
const RANGES: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];
/// The names that months and days of the week have instead of numbers, by the number.
const MONTHS: &[&str] = &[
    "", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const NAMES: [&[&str]; 5] = [&[], &[], &[], MONTHS, WEEKDAYS];
/// A schedule that names no day within so many never does.
const MOST_DAYS: i32 = 8 * 366;

/// When something happens.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    zone: TimeZone,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    /// Sunday is 0.
    weekdays: u64,
    /// Whether each day field says more than "any".
    names_days: bool,
    names_weekdays: bool,
}

impl Schedule {
    /// Reads a schedule such as `0 9 * * 1-5`.
    pub(super) fn parse(text: &str, zone: &str) -> Result<Self, ApiError> {
        let zone = match zone {
            "UTC" | "Etc/UTC" => TimeZone::UTC,
            name => {
                TimeZone::get(name).map_err(|_| read::invalid("time_zone", "it is no time zone"))?
            }
        };
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let refused = || read::invalid("schedule", "it must be five fields of cron");
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(refused());
        };
        let field = |text: &str, at: usize| bits(text, RANGES[at], NAMES[at]).ok_or_else(refused);
        let weekdays = field(weekday, 4)?;
        Ok(Self {
            zone,
            minutes: field(minute, 0)?,
            hours: field(hour, 1)?,
            days: field(day, 2)?,
            months: field(month, 3)?,
            // Sunday is 7 as well.
            weekdays: (weekdays | weekdays >> 7) & 0x7f,
            names_days: *day != "*",
            names_weekdays: *weekday != "*",
        })
    }

    /// The first moment after `time`.
    pub(super) fn after(&self, time: SystemTime) -> Option<SystemTime> {
        let time = Timestamp::try_from(time).ok()?;
        let start = Zoned::new(time, self.zone.clone());
        for ahead in 0..MOST_DAYS {
            let date = start.date().checked_add(ahead.days()).ok()?;
            if !self.has_day(date) {
                continue;
            }
            for hour in (0..24_i8).filter(|hour| has(self.hours, *hour)) {
                for minute in (0..60_i8).filter(|minute| has(self.minutes, *minute)) {
                    let moment = date
                        .at(hour, minute, 0, 0)
                        .to_zoned(self.zone.clone())
                        .ok()?;
                    if moment.timestamp() > time {
                        return Some(moment.timestamp().into());
                    }
                }
            }
        }
        None
    }

    /// Of the two day fields either may fit when both say something, as in every cron.
    fn has_day(&self, date: jiff::civil::Date) -> bool {
        if !has(self.months, date.month()) {
            return false;
        }
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        if self.names_days && self.names_weekdays {
            day || weekday
        } else {
            day && weekday
        }
    }
}

fn has(bits: u64, number: i8) -> bool {
    u32::try_from(number).is_ok_and(|number| bits >> number & 1 == 1)
}

/// The numbers that a field names: `*`, `5`, `1-5`, `*/15`, `10-50/20`, `mon-fri` and lists of these.
fn bits(text: &str, (least, most): (u32, u32), names: &[&str]) -> Option<u64> {
    let number = |text: &str| -> Option<u32> {
        let named = names
            .iter()
            .position(|name| !name.is_empty() && name.eq_ignore_ascii_case(text));
        match named {
            Some(named) => u32::try_from(named).ok(),
            None => text.parse().ok(),
        }
    };
    let mut bits = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (
                range,
                Some(step.parse::<usize>().ok().filter(|step| *step > 0)?),
            ),
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((from, to)) => (number(from)?, number(to)?),
            None => {
                let number = number(range)?;
                (number, if step.is_some() { most } else { number })
            }
        };
        if from < least || to > most || from > to {
            return None;
        }
        for number in (from..=to).step_by(step.unwrap_or(1)) {
            bits |= 1 << number;
        }
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(schedule: &str, from: &str) -> String {
        let schedule = Schedule::parse(schedule, "UTC").expect("a schedule");
        let from: Timestamp = from.parse().expect("a time");
        let next = schedule.after(from.into()).expect("a moment");
        Timestamp::try_from(next).expect("a time").to_string()
    }

    #[test]
    fn the_next_moment_is_found() {
        // 2026-01-01 is a Thursday.
        for (schedule, from, expected) in [
            ("* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"),
            (
                "*/15 * * * *",
                "2026-01-01T00:16:00Z",
                "2026-01-01T00:30:00Z",
            ),
            (
                "0 9 * * 1-5",
                "2026-01-02T09:00:00Z",
                "2026-01-05T09:00:00Z",
            ),
            (
                "0 9 * FEB,mar Mon-FRI",
                "2026-01-02T09:00:00Z",
                "2026-02-02T09:00:00Z",
            ),
            ("0 9 * * 7", "2026-01-01T00:00:00Z", "2026-01-04T09:00:00Z"),
            (
                "30 6 29 2 *",
                "2026-01-01T00:00:00Z",
                "2028-02-29T06:30:00Z",
            ),
            ("0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
            (
                "10-50/20 0 1 1,7 *",
                "2026-01-01T00:10:00Z",
                "2026-01-01T00:30:00Z",
            ),
        ] {
            assert_eq!(next(schedule, from), expected, "{schedule}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in [
            "",
            "* * * *",
            "60 * * * *",
            "a * * * *",
            "*/0 * * * *",
            "5-1 * * * *",
            "* * * mon *",
        ] {
            assert!(Schedule::parse(bad, "UTC").is_err(), "{bad}");
        }
        let error = Schedule::parse("* * * * *", "Mars/Olympus").expect_err("refused");
        assert_eq!(
            error.message(),
            "Invalid value at 'time_zone': it is no time zone"
        );
        let never = Schedule::parse("0 0 31 2 *", "UTC").expect("a schedule");
        assert_eq!(never.after(SystemTime::UNIX_EPOCH), None);
    }

    #[test]
    fn zones_count() {
        let berlin = Schedule::parse("0 9 * * *", "Europe/Berlin").expect("a schedule");
        let from: Timestamp = "2026-07-01T00:00:00Z".parse().expect("a time");
        let next = berlin.after(from.into()).expect("a moment");
        assert_eq!(
            Timestamp::try_from(next).expect("a time").to_string(),
            "2026-07-01T07:00:00Z"
        );
    }
}
