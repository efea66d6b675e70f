//! UTC days and hours of unix seconds.

use std::fmt;

/// Seconds of a day.
pub(super) const SECONDS: u32 = 86_400;

/// A UTC calendar day, as whole days since 1 January 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u32);

/// UTC hour, 0–23, of a time in unix seconds.
pub const fn hour(seconds: u32) -> u8 {
    (seconds % SECONDS / 3_600) as u8
}

impl Day {
    /// The day of a time in unix seconds.
    pub const fn of(seconds: u32) -> Self {
        Self(seconds / SECONDS)
    }

    /// Year, month (1–12) and day of the month (1–31) in the Gregorian calendar.
    ///
    /// ```
    /// use skimmer::features::Day;
    /// assert_eq!(Day::of(1_612_469_171).date(), (2021, 2, 4));
    /// ```
    pub const fn date(self) -> (u32, u8, u8) {
        // Years are counted from 1 March, so that the leap day comes last, in cycles of 400 years (146,097 days).
        let days = self.0 as u64 + 719_468;
        let (cycle, day_of_cycle) = (days / 146_097, days % 146_097);
        let leap_days = day_of_cycle / 1_460 + day_of_cycle / 146_096 - day_of_cycle / 36_524;
        let year_of_cycle = (day_of_cycle - leap_days) / 365;
        let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = cycle * 400 + year_of_cycle + (month <= 2) as u64;
        (year as u32, month as u8, day_of_month as u8)
    }

    /// Day of the month, 1–31.
    pub const fn day_of_month(self) -> u8 {
        self.date().2
    }
}

/// The date as `2021-02-04`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for number in 0..=u32::MAX / SECONDS {
            assert_eq!(Day(number).date(), (year, month, day));
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let days = match month {
                2 => 28 + u8::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > days {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        assert_eq!(Day(u32::MAX / SECONDS).to_string(), "2106-02-07");
    }

    #[test]
    fn hours_of_a_day() {
        assert_eq!([0, 3_599, 3_600, 86_399, 86_400].map(hour), [0, 0, 1, 23, 0]);
    }
}
