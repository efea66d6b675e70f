//! Times of a log as unix seconds: numbers in a unit, ISO 8601, local times in a zone.

use std::str::FromStr;

use arrow_array::timezone::Tz;
use chrono::{DateTime, Offset, TimeZone};

/// What a time that is a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TimeUnit {
    /// Seconds.
    #[default]
    Second,
    /// Milliseconds.
    Millisecond,
    /// Microseconds.
    Microsecond,
    /// Nanoseconds.
    Nanosecond,
}

impl TimeUnit {
    /// How many of it a second has.
    pub const fn per_second(self) -> i64 {
        match self {
            Self::Second => 1,
            Self::Millisecond => 1_000,
            Self::Microsecond => 1_000_000,
            Self::Nanosecond => 1_000_000_000,
        }
    }

    /// The unit of this name: `s`, `ms`, `us` (`µs`), `ns`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "s" => Some(Self::Second),
            "ms" => Some(Self::Millisecond),
            "us" | "µs" | "μs" => Some(Self::Microsecond),
            "ns" => Some(Self::Nanosecond),
            _ => None,
        }
    }
}

/// How the times of a column are read.
#[derive(Clone, Debug, Default)]
pub struct TimeFormat {
    /// What numbers count; `None`: seconds, and numbers that cannot be seconds of this age are refused.
    pub unit: Option<TimeUnit>,
    /// The zone of local times; `None`: a time without a zone is refused.
    pub zone: Option<Zone>,
}

/// A time zone: `UTC`, an offset such as `+02:00`, or a name such as `Europe/Berlin`.
#[derive(Clone, Debug)]
pub struct Zone {
    zone: Tz,
    name: String,
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name.parse::<Tz>() {
            Ok(zone) => Ok(Self { zone, name: name.to_owned() }),
            Err(_) => Err(format!("`{name}` is no time zone: write UTC, an offset (+02:00) or a name (Europe/Berlin)")),
        }
    }
}

impl Zone {
    /// The unix seconds of a local time that is given as seconds since 1970-01-01T00:00:00 local; the earlier of two.
    ///
    /// # Errors
    /// A time that clocks in this zone skipped.
    pub fn to_utc(&self, local: i64) -> Result<i64, String> {
        let naive = DateTime::from_timestamp(local, 0).ok_or(OUT_OF_RANGE)?.naive_utc();
        let offset = self.zone.offset_from_local_datetime(&naive).earliest();
        let offset = offset
            .ok_or_else(|| format!("the clocks of {} skipped the time {naive}: correct it or the zone", self.name))?;
        Ok(local - i64::from(offset.fix().local_minus_utc()))
    }
}

/// What is wrong with a time that no record holds.
pub(crate) const OUT_OF_RANGE: &str = "the time is out of range: correct it, or say what it counts (`unit: ms`)";

/// Seconds beyond which a number without a unit is no time in seconds: the year 5138.
const NO_SECONDS: u64 = 100_000_000_000;

impl TimeFormat {
    /// Unix seconds of a number, rounded down.
    ///
    /// # Errors
    /// A number too large for seconds, where no unit is given.
    pub fn of_number(&self, number: i64) -> Result<i64, String> {
        match self.unit {
            Some(unit) => Ok(number.div_euclid(unit.per_second())),
            None if number.unsigned_abs() >= NO_SECONDS => Err(format!(
                "{number} is no time in seconds: say what it counts (`unit: ms`, `us` or `ns`; `unit: s` takes it \
                 as it is)"
            )),
            None => Ok(number),
        }
    }

    /// Unix seconds of local seconds since 1970.
    ///
    /// # Errors
    /// No zone, or a time that the zone does not have.
    pub fn of_local(&self, local: i64) -> Result<i64, String> {
        match &self.zone {
            Some(zone) => zone.to_utc(local),
            None => Err("the time has no zone: say which it is in (`zone: UTC`, `+02:00` or `Europe/Berlin`)".into()),
        }
    }

    /// Unix seconds of a date, which is given as its first second since 1970: that of the zone, or of UTC.
    ///
    /// # Errors
    /// As [`Zone::to_utc`].
    pub fn of_date(&self, local: i64) -> Result<i64, String> {
        self.zone.as_ref().map_or(Ok(local), |zone| zone.to_utc(local))
    }

    /// Unix seconds of a text: a number, or ISO 8601.
    ///
    /// # Errors
    /// A text that is no time, and as [`TimeFormat::of_number`] and [`TimeFormat::of_local`].
    pub fn of_text(&self, text: &str) -> Result<i64, String> {
        let no_time = || format!("`{text}` is no time: a number or ISO 8601 (2024-05-17T08:30:00Z) is");
        if let Ok(number) = text.parse::<i64>() {
            return self.of_number(number);
        }
        if let Some(iso) = Iso::parse(text.as_bytes()) {
            return match iso.offset {
                Some(offset) => Ok(iso.local - offset),
                None if iso.is_date => self.of_date(iso.local),
                None => self.of_local(iso.local),
            };
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => self.of_float(number),
            _ => Err(no_time()),
        }
    }

    /// Unix seconds of a number with a fraction, rounded down.
    ///
    /// # Errors
    /// As [`TimeFormat::of_number`], and what is no number.
    pub fn of_float(&self, number: f64) -> Result<i64, String> {
        if !number.is_finite() || number.abs() >= 9.2e18 {
            return Err(OUT_OF_RANGE.into());
        }
        let Some(unit) = self.unit else { return self.of_number(number.floor() as i64) };
        Ok((number / unit.per_second() as f64).floor() as i64)
    }
}

/// A time in ISO 8601: `2024-05-17`, `2024-05-17T08:30`, `2024-05-17 08:30:00.123+02:00`, `2024-05-17T08:30:00Z`.
struct Iso {
    /// Seconds since 1970-01-01T00:00:00 in its own zone.
    local: i64,
    /// Seconds east of Greenwich, if it says so.
    offset: Option<i64>,
    /// Whether it has no time of day.
    is_date: bool,
}

impl Iso {
    fn parse(text: &[u8]) -> Option<Self> {
        let mut rest = text;
        let year = number(&mut rest, 4)?;
        sign(&mut rest, b"-")?;
        let month = number(&mut rest, 2)?;
        sign(&mut rest, b"-")?;
        let day = number(&mut rest, 2)?;
        if !(1..=12).contains(&month) || day < 1 || day > days_of_month(year, month) {
            return None;
        }
        let (mut seconds, is_date) = (0, rest.is_empty());
        if sign(&mut rest, b"Tt ").is_some() {
            let hour = number(&mut rest, 2)?;
            sign(&mut rest, b":")?;
            let minute = number(&mut rest, 2)?;
            let second = match sign(&mut rest, b":") {
                Some(_) => number(&mut rest, 2)?,
                None => 0,
            };
            // A leap second is the first one of the next minute.
            if hour > 23 || minute > 59 || second > 60 {
                return None;
            }
            seconds = hour * 3600 + minute * 60 + second;
            if sign(&mut rest, b".,").is_some() {
                let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                rest = rest.get(digits..).filter(|_| digits > 0)?;
            }
            // PostgreSQL and others write a space before the zone.
            rest = rest.strip_prefix(b" ").unwrap_or(rest);
        }
        let offset = offset(&mut rest)?;
        rest.is_empty().then_some(Self { local: days_from_civil(year, month, day) * 86_400 + seconds, offset, is_date })
    }
}

fn offset(rest: &mut &[u8]) -> Option<Option<i64>> {
    if rest.is_empty() {
        return Some(None);
    }
    if rest.eq_ignore_ascii_case(b"Z") || rest.eq_ignore_ascii_case(b"UTC") {
        *rest = &[];
        return Some(Some(0));
    }
    let east = sign(rest, b"+-")? == b'+';
    let hours = number(rest, 2)?;
    let _ = sign(rest, b":");
    let minutes = if rest.is_empty() { 0 } else { number(rest, 2)? };
    let seconds = hours * 3600 + minutes * 60;
    (hours <= 23 && minutes <= 59).then_some(Some(if east { seconds } else { -seconds }))
}

/// Takes so many digits.
fn number(rest: &mut &[u8], digits: usize) -> Option<i64> {
    let (taken, after) = rest.split_at_checked(digits)?;
    *rest = after;
    let digit = |value: i64, byte: &u8| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'));
    taken.iter().try_fold(0, digit)
}

/// Takes one of these characters.
fn sign(rest: &mut &[u8], allowed: &[u8]) -> Option<u8> {
    let (&first, after) = rest.split_first().filter(|(first, _)| allowed.contains(first))?;
    *rest = after;
    Some(first)
}

const fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date
/// algorithms").
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn in_zone(zone: &str) -> TimeFormat {
        TimeFormat { unit: None, zone: Some(zone.parse().unwrap()) }
    }

    #[test]
    fn iso_8601_in_its_usual_forms() {
        let none = TimeFormat::default();
        for text in [
            "2024-05-17T08:30:00Z",
            "2024-05-17T10:30:00+02:00",
            "2024-05-17 08:30:00.999 UTC",
            "2024-05-17T08:30Z",
            "2024-05-17T04:30:00,5-0400",
            "2024-05-17 10:30:00+02",
            "1715934600",
            "1715934600.75",
        ] {
            assert_eq!(none.of_text(text), Ok(1_715_934_600), "{text}");
        }
        assert_eq!(none.of_text("2024-05-17"), Ok(1_715_904_000));
        assert_eq!(in_zone("+02:00").of_text("2024-05-17"), Ok(1_715_896_800));
        assert_eq!(none.of_text("1969-12-31T23:59:59.5Z"), Ok(-1));
        for text in [
            "2024-13-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-05-17T24:00:00Z",
            "17.05.2024",
            "",
            "x",
            "2024-05-17T08:30:00+",
            "2024-05-17T08:30:00Zx",
            "NaN",
            "+2024-05-17",
        ] {
            assert!(none.of_text(text).unwrap_err().ends_with("(2024-05-17T08:30:00Z) is"), "{text}");
        }
    }

    #[test]
    fn local_times_need_a_zone() {
        assert!(TimeFormat::default().of_text("2024-05-17T08:30:00").unwrap_err().contains("has no zone"));
        assert_eq!(in_zone("Europe/Berlin").of_text("2024-05-17T10:30:00"), Ok(1_715_934_600));
        assert_eq!(in_zone("-04:00").of_text("2024-05-17T04:30:00"), Ok(1_715_934_600));
        // The hour between 2 and 3 exists twice, and not at all.
        assert_eq!(in_zone("Europe/Berlin").of_text("2024-10-27T02:30:00"), Ok(1_729_989_000));
        let skipped = in_zone("Europe/Berlin").of_text("2024-03-31T02:30:00").unwrap_err();
        assert_eq!(skipped, "the clocks of Europe/Berlin skipped the time 2024-03-31 02:30:00: correct it or the zone");
        assert!("Mars/Base".parse::<Zone>().unwrap_err().starts_with("`Mars/Base` is no time zone"));
    }

    #[test]
    fn numbers_count_what_they_are_said_to() {
        let with = |unit| TimeFormat { unit: TimeUnit::named(unit), zone: None };
        assert_eq!(with("ms").of_number(-1), Ok(-1));
        assert_eq!(with("us").of_number(1_715_934_600_999_999), Ok(1_715_934_600));
        assert_eq!(with("ns").of_text("1715934600999999999"), Ok(1_715_934_600));
        assert_eq!(with("s").of_number(1_715_934_600_999), Ok(1_715_934_600_999));
        assert_eq!(with("ms").of_float(1500.7), Ok(1));
        assert!(TimeFormat::default().of_number(1_715_934_600_999).unwrap_err().contains("`unit: ms`"));
        assert_eq!(TimeFormat::default().of_number(-5), Ok(-5));
    }

    proptest! {
        #[test]
        fn agrees_with_chrono(seconds in -62_135_596_800i64..253_402_300_799) {
            let text = DateTime::from_timestamp(seconds, 0).unwrap().to_rfc3339();
            prop_assert_eq!(TimeFormat::default().of_text(&text), Ok(seconds));
        }
    }
}
