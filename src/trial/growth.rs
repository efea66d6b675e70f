//! From what was measured on ever more records to what all of them will take: pure arithmetic.
//!
//! Little of what is counted grows in proportion to the records: different pairs get fewer a record, counts get larger
//! and take more bytes. On a logarithmic scale the slopes change slowly, so they are taken to go on changing as they
//! did. There are three estimates, from the last slope, the last two and the last three; the middle one is expected,
//! and how far they are apart says how sure it is.

use serde::Serialize;

/// Something measured on so many records.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Records.
    pub records: f64,
    /// Seconds or bytes, of all of them together.
    pub value: f64,
}

/// What is expected, and between which values the three estimates lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// The middle one.
    pub expected: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Estimate {
    /// Something that is proportional, or known.
    pub fn sure(value: f64) -> Self {
        Self { expected: value, least: value, most: value }
    }

    fn of(mut estimates: [f64; 3]) -> Self {
        estimates.sort_by(f64::total_cmp);
        let [least, expected, most] = estimates;
        Self { expected, least, most }
    }

    /// So many times this.
    pub fn times(self, factor: f64) -> Self {
        Self { expected: self.expected * factor, least: self.least * factor, most: self.most * factor }
    }

    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        let (least, most) = (self.least + other.least, self.most + other.most);
        Self { expected: self.expected + other.expected, least, most }
    }
}

/// How the slopes of a curve may go on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Slopes {
    least: f64,
    most: f64,
    /// Whether they may become steeper.
    steeper: bool,
}

/// The value at so many records of something that grows with a power of them, the power itself becoming smaller as it
/// did; it stays within `least` and `most`.
pub fn power(points: &[Point], records: f64, least: f64, most: f64) -> Estimate {
    let curve: Vec<(f64, f64)> = logarithms(points, |point| point.value.ln());
    let Some(&last) = curve.last() else {
        return points.last().map_or_else(Estimate::default, |last| Estimate::sure(last.value));
    };
    let slopes = Slopes { least, most, steeper: false };
    Estimate::of([1, 2, 3].map(|slopes_used| extend(&curve, slopes_used, slopes, 1.0, records.ln(), last).exp()))
}

/// The same of something of which a record has ever more, from next to nothing up to `limit`: a logistic curve.
pub fn saturating(points: &[Point], records: f64, limit: f64) -> Estimate {
    let share = |point: &Point| (point.value / point.records / limit).clamp(1e-9, 1.0 - 1e-9);
    let curve = logarithms(points, |point| (share(point) / (1.0 - share(point))).ln());
    let Some(&last) = curve.last() else {
        return points.last().map_or_else(Estimate::default, |last| Estimate::sure(last.value));
    };
    let slopes = Slopes { least: 0.0, most: 4.0, steeper: true };
    let odds = |slopes_used| extend(&curve, slopes_used, slopes, 0.0, records.ln(), last).exp();
    let estimate = Estimate::of([1, 2, 3].map(|used| odds(used) / (1.0 + odds(used)) * limit * records));
    // At the most it doubles with the records: numbers that were equal may all become different.
    let doubling = points.last().map_or(0.0, |last| last.value * (records / last.records).powi(2));
    Estimate { most: estimate.most.max(doubling.min(limit * records)), ..estimate }
}

/// The seconds at so many records of work that grows with a power of them: the line through the logarithms of the last
/// four measurements, for a single one is disturbed by whatever else the machine does, and longer ones less so. The
/// power stays within `least` and `most`.
pub fn seconds(points: &[Point], records: f64, least: f64, most: f64) -> f64 {
    let curve = logarithms(points, |point| point.value.ln());
    let last = &curve[curve.len().saturating_sub(4)..];
    if last.is_empty() {
        return 0.0;
    }
    let sum = |of: &dyn Fn(&(f64, f64)) -> f64| last.iter().map(|point| point.1.exp() * of(point)).sum::<f64>();
    let weight = sum(&|_| 1.0);
    let (at, height) = (sum(&|point| point.0) / weight, sum(&|point| point.1) / weight);
    let spread = sum(&|point| (point.0 - at).powi(2));
    let rise = sum(&|point| (point.0 - at) * (point.1 - height));
    let slope = if spread > 0.0 { rise / spread } else { 1.0 };
    (height + slope.clamp(least, most) * (records.ln() - at)).exp()
}

/// How long work takes for a second that all threads compute together, from the trials' seconds and CPU seconds: in the
/// least disturbed of the last three. How CPU seconds grow is the better known of the two, for other programs lengthen
/// only the wait.
pub fn wait(trials: impl DoubleEndedIterator<Item = [f64; 2]>) -> f64 {
    let measured = trials.rev().take(3).filter(|[_, cpu_seconds]| *cpu_seconds > 0.0);
    measured.map(|[seconds, cpu_seconds]| seconds / cpu_seconds).min_by(f64::total_cmp).unwrap_or(1.0)
}

/// The value at so many records on the line that fits the last three measurements best, never less than at the last:
/// two of them alone, one of which a busy machine disturbed, tell too little of how steep it is.
pub fn line(points: &[Point], records: f64) -> f64 {
    let used = &points[points.len().saturating_sub(3)..];
    let Some(last) = used.last() else { return 0.0 };
    let mean = |of: &dyn Fn(&Point) -> f64| used.iter().map(of).sum::<f64>() / used.len() as f64;
    let (at, height) = (mean(&|point| point.records), mean(&|point| point.value));
    let spread = mean(&|point| (point.records - at).powi(2));
    let rise = mean(&|point| (point.records - at) * (point.value - height));
    if rise <= 0.0 {
        return last.value;
    }
    last.value.max(height + rise / spread * (records - at))
}

/// A curve over the logarithm of the records, without what was too little to measure.
fn logarithms(points: &[Point], height: impl Fn(&Point) -> f64) -> Vec<(f64, f64)> {
    let measured = points.iter().filter(|point| point.records > 0.0 && point.value > 0.0);
    measured.map(|point| (point.records.ln(), height(point))).collect()
}

/// Extends a curve from `last` to `to`: its slope goes on along the line through its last `used` slopes. `alone` is the
/// slope of a curve of one point.
fn extend(curve: &[(f64, f64)], used: usize, slopes: Slopes, alone: f64, to: f64, last: (f64, f64)) -> f64 {
    const STEPS: u32 = 64;
    let measured: Vec<(f64, f64)> = curve
        .windows(2)
        .map(|pair| ((pair[0].0 + pair[1].0) / 2.0, (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0)))
        .filter(|(_, slope)| slope.is_finite())
        .collect();
    let measured = &measured[measured.len().saturating_sub(used)..];
    let count = measured.len() as f64;
    let (at, mean) = match measured {
        [] => (last.0, alone),
        some => (some.iter().map(|one| one.0).sum::<f64>() / count, some.iter().map(|one| one.1).sum::<f64>() / count),
    };
    let spread: f64 = measured.iter().map(|one| (one.0 - at).powi(2)).sum();
    let bend: f64 = measured.iter().map(|one| (one.0 - at) * (one.1 - mean)).sum();
    let bend = if spread > 0.0 { bend / spread } else { 0.0 };
    let bend = if slopes.steeper { bend } else { bend.min(0.0) };
    let step = (to - last.0) / f64::from(STEPS);
    let slope = |x: f64| (mean + bend * (x - at)).clamp(slopes.least, slopes.most);
    last.1 + (0..STEPS).map(|number| step * slope(last.0 + (f64::from(number) + 0.5) * step)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: impl Fn(f64) -> f64) -> Vec<Point> {
        [1e5, 2e5, 4e5, 8e5].map(|records| Point { records, value: values(records) }).into()
    }

    fn close(estimate: Estimate, value: f64, tolerance: f64) {
        assert!((estimate.expected / value - 1.0).abs() < tolerance, "{estimate:?}, really {value}");
        assert!(estimate.least <= estimate.expected && estimate.expected <= estimate.most, "{estimate:?}");
    }

    #[test]
    fn what_is_proportional_or_a_power_is_found_exactly() {
        for exponent in [0.4, 0.75, 1.0] {
            close(power(&points(|n| 3.0 * n.powf(exponent)), 64e6, 0.0, 1.0), 3.0 * 64e6_f64.powf(exponent), 1e-9);
        }
    }

    #[test]
    fn different_things_among_a_million_are_foreseen_within_a_tenth() {
        // Of a million equally likely things, so many are different among n drawn: the exponent falls from 1 to 0.
        let drawn = |n: f64| 1e6 * (1.0 - (-n / 1e6).exp());
        close(power(&points(drawn), 1.6e6, 0.0, 1.0), drawn(1.6e6), 0.1);
        // Bounds hold: never less than is there already.
        assert!(power(&points(drawn), 1e9, 0.0, 1.0).least >= drawn(8e5) * (1.0 - 1e-9));
    }

    #[test]
    fn a_logistic_curve_is_found_and_bounded() {
        let logistic = |n: f64| n * 16.0 / (1.0 + (n / 4e6).powf(-1.3));
        close(saturating(&points(logistic), 32e6, 16.0), logistic(32e6), 1e-6);
        assert!(saturating(&points(logistic), 1e12, 16.0).most <= 16e12);
    }

    #[test]
    fn one_measurement_is_taken_to_be_proportional() {
        let one = [Point { records: 1e5, value: 5e5 }];
        close(power(&one, 1e6, 0.0, 1.0), 5e6, 1e-9);
        close(saturating(&one, 1e6, 16.0), 5e6, 1e-9);
        assert!((seconds(&one, 1e6, 1.0, 2.0) - 5e6).abs() < 1.0);
        assert!((line(&one, 1e6) - 5e5).abs() < 1e-9);
        assert_eq!(power(&[], 1e6, 0.0, 1.0), Estimate::default());
        assert_eq!((seconds(&[], 1e6, 1.0, 2.0), line(&[], 1e6)), (0.0, 0.0));
        let nothing = [Point { records: 1e5, value: 0.0 }];
        assert_eq!(power(&nothing, 1e6, 0.0, 1.0), Estimate::sure(0.0));
    }

    #[test]
    fn seconds_follow_a_bounded_power_through_the_noise() {
        let noisy = |n: f64| 1e-6 * n.powf(1.2) * if n == 2e5 { 1.1 } else { 1.0 };
        let found = seconds(&points(noisy), 3.2e6, 1.0, 1.5);
        assert!((found / noisy(3.2e6) - 1.0).abs() < 0.12, "{found}");
        // Faster on more records: noise, and no less than proportional.
        let faster = seconds(&points(|n| n.powf(0.5)), 1.6e6, 1.0, 2.0);
        assert!(faster > 2.0 * 8e5_f64.powf(0.5));
    }

    #[test]
    fn a_disturbed_trial_does_not_lengthen_the_wait() {
        let trials = [[0.5, 2.0], [0.6, 1.0], [1.2, 2.0], [7.6, 4.0]];
        assert!((wait(trials.into_iter()) - 0.6).abs() < 1e-9);
        assert!((wait([].into_iter()) - 1.0).abs() < 1e-9);
        assert!((wait([[1.0, 0.0]].into_iter()) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn memory_goes_on_along_a_line_and_never_falls() {
        assert!((line(&points(|n| 5e7 + 100.0 * n), 1e6) - 1.5e8).abs() < 1.0);
        assert!((line(&points(|n| 5e7 - n), 1e6) - (5e7 - 8e5)).abs() < 1.0);
    }

    #[test]
    fn a_disturbed_trial_bends_a_line_but_little() {
        let disturbed = |n: f64| 1e-4 * n * if n == 4e5 { 0.8 } else { 1.0 };
        let found = line(&points(disturbed), 32e6);
        assert!((found / disturbed(32e6) - 1.0).abs() < 0.05, "{found}");
    }
}
