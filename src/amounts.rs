//! Counts, sizes and durations as text for people. One definition for the command line, plans and summaries.

/// A whole number with its digits in threes: `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.char_indices() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of something: `1 record`, `1,234 records`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A number in two or three digits: `0.25`, `12`, `257 k`, `1.3 M`. For rates, whose last digits say nothing.
pub fn short(number: f64) -> String {
    let (number, unit) = scaled(number, &["", "k", "M", "G", "T"]);
    let digits = match number {
        0.0 => "0".into(),
        ..0.995 => format!("{number:.2}"),
        ..9.95 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    };
    if unit.is_empty() { digits } else { format!("{digits} {unit}") }
}

/// A number of bytes in powers of ten: `12 B`, `1.5 kB`, `85 MB`, `2.5 GB`.
pub fn bytes(bytes: f64) -> String {
    match scaled(bytes, &["B", "kB", "MB", "GB", "TB", "PB"]) {
        (number, "B") => format!("{number:.0} B"),
        // As many digits as tell a size from its neighbours on a disk.
        (number, unit @ ("GB" | "TB" | "PB")) => format!("{number:.1} {unit}"),
        (number, unit) if number < 9.95 => format!("{number:.1} {unit}"),
        (number, unit) => format!("{number:.0} {unit}"),
    }
}

/// A duration: `0.25 s`, `3.2 s`, `3 min 12 s`, `5 h 20 min`, `4 d 3 h`.
pub fn duration(seconds: f64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    match seconds {
        ..0.0005 => "0 s".into(),
        ..0.095 => format!("{seconds:.3} s"),
        ..0.95 => format!("{seconds:.2} s"),
        ..99.95 => format!("{seconds:.1} s"),
        _ => {
            // The smaller unit is rounded first, so that it never comes to a whole larger one.
            let round = |unit: u64| (seconds / unit as f64).round() as u64;
            match round(1) {
                whole if whole < 100 * MINUTE => format!("{} min {} s", whole / MINUTE, whole % MINUTE),
                _ if round(MINUTE) < 100 * 60 => format!("{} h {} min", round(MINUTE) / 60, round(MINUTE) % 60),
                _ => format!("{} d {} h", round(HOUR) / (DAY / HOUR), round(HOUR) % (DAY / HOUR)),
            }
        }
    }
}

/// The number in the largest unit of a thousand each in which it is at least 1, once rounded to three digits.
fn scaled<'a>(mut number: f64, units: &[&'a str]) -> (f64, &'a str) {
    let mut unit = 0;
    while number >= 999.5 && unit + 1 < units.len() {
        number /= 1000.0;
        unit += 1;
    }
    (number, units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_their_digits_in_threes() {
        let numbers = [0, 7, 999, 1000, 12_345, 999_999, 1_000_000, u64::MAX];
        let expected = "0 7 999 1,000 12,345 999,999 1,000,000 18,446,744,073,709,551,615";
        assert_eq!(numbers.map(count).join(" "), expected);
        let batches = [0, 1, 1000].map(|number| counted(number, "batch", "batches"));
        assert_eq!(batches.join("|"), "0 batches|1 batch|1,000 batches");
    }

    #[test]
    fn rates_are_short() {
        let numbers = [0.0, 0.254, 0.996, 3.0, 9.96, 999.4, 999.6, 1_300.0, 257_123.0, 999_600.0, 1_260_000.0, 8e15];
        assert_eq!(numbers.map(short).join("|"), "0|0.25|1.0|3.0|10|999|1.0 k|1.3 k|257 k|1.0 M|1.3 M|8000 T");
    }

    #[test]
    fn sizes_have_the_unit_they_are_read_in() {
        let sizes = [0.0, 12.0, 999.0, 1_500.0, 84_600.0, 999_600.0, 85e6, 999.4e6, 999.6e6, 2.54e9, 40e9, 1.25e12];
        let expected = "0 B|12 B|999 B|1.5 kB|85 kB|1.0 MB|85 MB|999 MB|1.0 GB|2.5 GB|40.0 GB|1.2 TB";
        assert_eq!(sizes.map(bytes).join("|"), expected);
    }

    #[test]
    fn long_durations_have_two_units() {
        let times = [0.0, 0.0123, 0.25, 0.96, 3.21, 99.94, 99.96, 192.0, 3599.6, 5999.4, 5999.6, 19_200.0, 359_999.0];
        let expected = "0 s|0.012 s|0.25 s|1.0 s|3.2 s|99.9 s|1 min 40 s|3 min 12 s|60 min 0 s|99 min 59 s|\
                        1 h 40 min|5 h 20 min|4 d 4 h";
        assert_eq!(times.map(duration).join("|"), expected);
    }
}
