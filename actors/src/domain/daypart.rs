//! The hours of the week in which a campaign runs.
//!
//! Days and hours are those of one fixed offset from UTC: nothing here knows of summer time, so a brand in a
//! country that has it moves its offset twice a year.

use super::time::{Millis, UnixMillis};
use std::fmt;
use std::str::FromStr;

const DAY: u16 = 24 * 60;
const WEEK: i64 = 7 * 24 * 60;
/// The first of January 1970 was a Thursday, and a week begins on Monday.
const EPOCH: i64 = 3 * 24 * 60;

/// Windows of one campaign at most.
pub const DAYPARTS_MAX: usize = 50;
/// Offsets from UTC that are in use on Earth, in minutes.
pub const UTC_OFFSETS: std::ops::RangeInclusive<i16> = -720..=840;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    /// From Monday on.
    pub const ALL: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }

    /// The day of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|day| day.code() == code)
    }
}

/// A window that opens on some days of the week. It belongs to the day on which it opens, and passes midnight
/// when it closes at or before the minute at which it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Daypart {
    days: [bool; 7],
    from: u16,
    to: u16,
}

impl Daypart {
    /// A window from `from` up to, and not with, `to`, each `HH:MM`; `to` may be `24:00`, and a window that
    /// closes at the minute at which it opens lasts a day. None without a day, or for what is no time.
    #[must_use]
    pub fn new(days: &[Day], from: &str, to: &str) -> Option<Self> {
        let (from, to) = (minute(from).filter(|from| *from < DAY)?, minute(to)?);
        (!days.is_empty()).then(|| Self { days: Day::ALL.map(|day| days.contains(&day)), from, to })
    }

    /// The days on which it opens.
    pub fn days(&self) -> impl Iterator<Item = Day> + '_ {
        Day::ALL.into_iter().zip(self.days).filter_map(|(day, opens)| opens.then_some(day))
    }

    /// When it opens, as `HH:MM`.
    #[must_use]
    pub fn from(&self) -> String {
        clock(self.from)
    }

    /// When it closes, as `HH:MM`.
    #[must_use]
    pub fn to(&self) -> String {
        clock(self.to)
    }

    /// How many minutes it is open.
    fn length(&self) -> i64 {
        let passes_midnight = self.to <= self.from;
        i64::from(self.to) - i64::from(self.from) + if passes_midnight { i64::from(DAY) } else { 0 }
    }

    /// Whether it is open at a minute of the week.
    fn covers(&self, minute: i64) -> bool {
        let length = self.length();
        let opens = (0_i64..).zip(self.days).filter(|(_, opens)| *opens);
        let mut opens = opens.map(|(day, _)| day * i64::from(DAY) + i64::from(self.from));
        opens.any(|opens| (minute - opens).rem_euclid(WEEK) < length)
    }
}

/// A minute of the day from `HH:MM`, up to 24:00.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| -> Option<u16> {
        (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (minutes < 60).then_some(hours * 60 + minutes).filter(|minute| *minute <= DAY)
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// As the database has it: `mon,tue 18:00-02:00`.
impl fmt::Display for Daypart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<&str> = self.days().map(Day::code).collect();
        write!(f, "{} {}-{}", days.join(","), self.from(), self.to())
    }
}

/// Not a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a window of the week is mon,tue 18:00-02:00")]
pub struct NotADaypart;

impl FromStr for Daypart {
    type Err = NotADaypart;

    fn from_str(text: &str) -> Result<Self, NotADaypart> {
        let read = || {
            let (days, times) = text.split_once(' ')?;
            let (from, to) = times.split_once('-')?;
            let days: Option<Vec<Day>> = days.split(',').map(Day::from_code).collect();
            Self::new(&days?, from, to)
        };
        read().ok_or(NotADaypart)
    }
}

/// The windows of a campaign. Without one it runs at all hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dayparts {
    /// Any of which has to be open.
    pub windows: Vec<Daypart>,
    /// What their clock is ahead of UTC, in minutes.
    pub utc_offset: i16,
}

impl Dayparts {
    /// Whether the campaign runs at this moment.
    #[must_use]
    pub fn covers(&self, now: UnixMillis) -> bool {
        let minute = now.0.div_euclid(60_000) + i64::from(self.utc_offset) + EPOCH;
        let minute = minute.rem_euclid(WEEK);
        self.windows.is_empty() || self.windows.iter().any(|window| window.covers(minute))
    }

    /// The open minutes of each step of the week, which begins as time did, on a Thursday at midnight of UTC.
    /// `step` is a whole number of minutes that divides the week.
    #[must_use]
    pub fn open_minutes(&self, step: Millis) -> Vec<u64> {
        let minutes = usize::try_from(WEEK).unwrap_or(0);
        let mut open = vec![self.windows.is_empty(); minutes];
        for window in &self.windows {
            for (day, _) in (0_i64..).zip(window.days).filter(|(_, opens)| *opens) {
                let opens = day * i64::from(DAY) + i64::from(window.from);
                let from = (opens - EPOCH - i64::from(self.utc_offset)).rem_euclid(WEEK);
                let from = usize::try_from(from).unwrap_or(0);
                let length = usize::try_from(window.length()).unwrap_or(0);
                // What passes the end of the week is at its beginning.
                let (most, over) = ((from + length).min(minutes), (from + length).saturating_sub(minutes));
                open.get_mut(from..most).into_iter().for_each(|part| part.fill(true));
                open.get_mut(..over).into_iter().for_each(|part| part.fill(true));
            }
        }
        let step = usize::try_from(step.0 / 60_000).unwrap_or(0).max(1);
        let count = |minutes: &[bool]| minutes.iter().map(|open| u64::from(*open)).sum();
        open.chunks(step).map(count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The second of January 2023 was a Monday.
    const MONDAY: i64 = 1_672_617_600_000;

    fn part(text: &str) -> Daypart {
        text.parse().unwrap()
    }

    fn at(windows: &[&str], utc_offset: i16, minutes: i64) -> bool {
        let windows = windows.iter().map(|text| part(text)).collect();
        Dayparts { windows, utc_offset }.covers(UnixMillis(MONDAY + minutes * 60_000))
    }

    #[test]
    fn a_window_is_open_from_its_first_minute_and_not_at_its_last() {
        let evening = ["mon,wed 18:00-22:30"];
        assert!(!at(&evening, 0, 18 * 60 - 1) && at(&evening, 0, 18 * 60));
        assert!(at(&evening, 0, 22 * 60 + 29) && !at(&evening, 0, 22 * 60 + 30));
        assert!(!at(&evening, 0, 24 * 60 + 18 * 60) && at(&evening, 0, 48 * 60 + 18 * 60));
        assert!(at(&[], 0, 7), "without a window at all hours");
        assert!(at(&["mon 00:00-24:00"], 0, 24 * 60 - 1) && !at(&["mon 00:00-24:00"], 0, 24 * 60));
        assert!(at(&["mon 18:00-18:00"], 0, 42 * 60 - 1) && !at(&["mon 18:00-18:00"], 0, 42 * 60));
    }

    #[test]
    fn a_window_passes_midnight_and_the_end_of_the_week() {
        let night = ["sun 22:00-02:00"];
        assert!(at(&night, 0, -120) && at(&night, 0, 119) && !at(&night, 0, 120) && !at(&night, 0, -121));
        // Half past five in India is midnight in London.
        assert!(at(&["mon 05:30-05:31"], 330, 0) && !at(&["mon 05:30-05:31"], 330, 1));
        assert!(at(&["sun 23:00-24:00"], -60, 0), "still Sunday in the west");
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for bad in [
            "",
            "mon",
            "mon 18:00",
            "mon 18-22",
            "mon 18:60-22:00",
            "mon 24:00-01:00",
            "mon 1:00-02:00",
            "mon 00:00-24:01",
            "monday 18:00-22:00",
            " 18:00-22:00",
            "mon, 18:00-22:00",
            "mon 18:00-+2:00",
        ] {
            assert_eq!(bad.parse::<Daypart>(), Err(NotADaypart), "{bad}");
        }
        assert_eq!(Daypart::new(&[], "18:00", "22:00"), None);
    }

    /// The windows of a week minute by minute: what the arithmetic has to agree with.
    fn naive(days: &[bool], from: i64, to: i64) -> Vec<bool> {
        let mut open = vec![false; 7 * 1440];
        for day in (0..7).filter(|day| days[*day]) {
            let mut minute = from;
            loop {
                let at = (i64::try_from(day).unwrap() * 1440 + minute) % (7 * 1440);
                open[usize::try_from(at).unwrap()] = true;
                minute += 1;
                if minute % 1440 == to % 1440 {
                    break;
                }
            }
        }
        open
    }

    proptest! {
        #[test]
        fn every_minute_of_a_week_is_as_it_would_be_counted_by_hand(
            days in proptest::collection::vec(any::<bool>(), 7),
            from in 0_i64..1440, to in 0_i64..=1440, offset in UTC_OFFSETS, weeks in -3000_i64..3000,
        ) {
            let named = Day::ALL.into_iter().zip(&days).filter(|(_, on)| **on).map(|(day, _)| day);
            let named: Vec<Day> = named.collect();
            let text = |m: i64| format!("{:02}:{:02}", m / 60, m % 60);
            let window = Daypart::new(&named, &text(from), &text(to));
            prop_assert_eq!(window.is_some(), !named.is_empty());
            let Some(window) = window else { return Ok(()) };
            prop_assert_eq!(window.to_string().parse(), Ok(window));
            let open = naive(&days, from, to);
            let dayparts = Dayparts { windows: vec![window], utc_offset: offset };
            for (local, open) in open.iter().enumerate() {
                let minute = i64::try_from(local).unwrap() - i64::from(offset) + weeks * 7 * 1440;
                let now = UnixMillis(MONDAY + minute * 60_000);
                prop_assert_eq!(dayparts.covers(now), *open, "minute {} of the week", local);
                prop_assert_eq!(dayparts.covers(UnixMillis(now.0 + 59_999)), *open);
            }
            let quarters = dayparts.open_minutes(Millis::minutes(15));
            prop_assert_eq!(quarters.len(), 672);
            for (quarter, open) in (0_i64..).zip(quarters) {
                let minutes = (0..15).map(|minute| UnixMillis((quarter * 15 + minute) * 60_000));
                let counted = minutes.filter(|minute| dayparts.covers(*minute)).count();
                prop_assert_eq!(open, u64::try_from(counted).unwrap());
            }
        }
    }
}
