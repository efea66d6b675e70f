//! From two measurements to any size: pure arithmetic.

/// Something measured on so many records.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    /// Records.
    pub(super) records: f64,
    /// Seconds or bytes.
    pub(super) value: f64,
}

/// A fixed cost and one for each record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Line {
    /// What no records cost.
    pub(super) fixed: f64,
    /// What one more costs.
    pub(super) each: f64,
}

impl Line {
    /// The line through two measurements. Where noise would make a cost negative, all is put down to the records.
    pub(super) fn through(small: Point, large: Point) -> Self {
        let each = (large.value - small.value) / (large.records - small.records);
        let fixed = large.value - each * large.records;
        if each > 0.0 && each.is_finite() && fixed >= 0.0 {
            Self { fixed, each }
        } else {
            Self { fixed: 0.0, each: large.value / large.records.max(1.0) }
        }
    }

    /// The value at so many records.
    pub(super) fn at(self, records: f64) -> f64 {
        self.fixed + self.each * records
    }
}

/// A cost that grows with a power of the records.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Power {
    /// The larger measurement.
    pub(super) measured: Point,
    /// The power.
    pub(super) exponent: f64,
}

impl Power {
    /// The power law through two measurements, its exponent kept within `least` and `most`.
    pub(super) fn through(small: Point, large: Point, least: f64, most: f64) -> Self {
        let exponent = (large.value / small.value).ln() / (large.records / small.records).ln();
        let exponent = if exponent.is_finite() { exponent } else { 1.0 };
        Self { measured: large, exponent: exponent.clamp(least, most) }
    }

    /// The value at so many records.
    pub(super) fn at(self, records: f64) -> f64 {
        self.measured.value * (records / self.measured.records.max(1.0)).powf(self.exponent)
    }
}

/// Bytes of a shuffle that go to disk, of so many, when a pool holds the rest.
pub(super) fn spilled(bytes: f64, pool: f64) -> f64 {
    (bytes - pool).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(records: f64, value: f64) -> Point {
        Point { records, value }
    }

    #[test]
    fn a_line_separates_what_is_fixed() {
        let line = Line::through(point(100.0, 7.0), point(400.0, 13.0));
        assert!((line.fixed - 5.0).abs() < 1e-9 && (line.each - 0.02).abs() < 1e-12, "{line:?}");
        assert!((line.at(1000.0) - 25.0).abs() < 1e-9);
    }

    #[test]
    fn noise_makes_no_negative_cost() {
        // Slower on less, a negative fixed cost, and two samples of one size.
        for (small, large) in [((100.0, 9.0), (400.0, 8.0)), ((100.0, 1.0), (400.0, 8.0)), ((400.0, 8.0), (400.0, 8.0))]
        {
            let line = Line::through(point(small.0, small.1), point(large.0, large.1));
            assert_eq!(line, Line { fixed: 0.0, each: 0.02 });
        }
    }

    #[test]
    fn a_power_is_found_and_bounded() {
        let power = Power::through(point(100.0, 1.0), point(400.0, 8.0), 1.0, 2.0);
        assert!((power.exponent - 1.5).abs() < 1e-9);
        assert!((power.at(1600.0) - 64.0).abs() < 1e-6);
        assert_eq!(Power::through(point(100.0, 1.0), point(400.0, 1e9), 1.0, 2.0).exponent, 2.0);
        assert_eq!(Power::through(point(100.0, 0.0), point(400.0, 0.0), 0.5, 2.0).exponent, 1.0);
    }

    #[test]
    fn only_what_the_pool_cannot_hold_is_spilled() {
        assert_eq!((spilled(10.0, 12.0), spilled(12.0, 10.0)), (0.0, 2.0));
    }
}
