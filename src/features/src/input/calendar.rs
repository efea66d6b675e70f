//! UTC days and hours of unix seconds.

use std::fmt;

/// Seconds of a day.
pub(super) const SECONDS: i64 = 86_400;

/// A UTC calendar day, as whole days since 1 January 1970; negative before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

/// UTC hour, 0–23, of a time in unix seconds.
pub const fn hour(seconds: i64) -> u8 {
    (seconds.rem_euclid(SECONDS) / 3_600) as u8
}

impl Day {
    /// The day of a time in unix seconds.
    pub const fn of(seconds: i64) -> Self {
        Self(seconds.div_euclid(SECONDS))
    }

    /// Year, month (1–12) and day of the month (1–31) in the Gregorian calendar, which is extended to all times. The
    /// year 0 is 1 BC.
    ///
    /// ```
    /// use skimlog_features::input::Day;
    /// assert_eq!(Day::of(1_612_469_171).date(), (2021, 2, 4));
    /// ```
    pub const fn date(self) -> (i64, u8, u8) {
        // Years are counted from 1 March, so that the leap day comes last, in cycles of 400 years (146,097 days).
        let days = self.0.saturating_add(719_468);
        let (cycle, day_of_cycle) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let leap_days = day_of_cycle / 1_460 + day_of_cycle / 146_096 - day_of_cycle / 36_524;
        let year_of_cycle = (day_of_cycle - leap_days) / 365;
        let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = cycle * 400 + year_of_cycle + (month <= 2) as i64;
        (year, month as u8, day_of_month as u8)
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
        let (mut year, mut month, mut day) = (1570, 1, 1);
        for number in -146_097..=50_000 {
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
        assert_eq!(Day(0).to_string(), "1970-01-01");
        assert_eq!(Day::of(u32::MAX.into()).to_string(), "2106-02-07");
        assert_eq!(Day::of(-4_665_600).to_string(), "1969-11-08");
    }

    #[test]
    fn every_time_has_a_day_and_an_hour() {
        for seconds in [i64::MIN, i64::MIN + 1, -1, i64::MAX] {
            let (_, month, day) = Day::of(seconds).date();
            assert!((1..=12).contains(&month) && (1..=31).contains(&day) && hour(seconds) < 24);
        }
        // The last second of a 64-bit clock.
        assert_eq!(Day::of(i64::MAX).date(), (292_277_026_596, 12, 4));
        assert_eq!(hour(i64::MAX), 15);
    }

    #[test]
    fn hours_of_a_day() {
        assert_eq!([0, 3_599, 3_600, 86_399, 86_400, -1, -3_601].map(hour), [0, 0, 1, 23, 0, 23, 22]);
    }
}
