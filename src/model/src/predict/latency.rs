//! Percentiles of latencies, in constant memory.

use std::time::Duration;

/// Bins of a doubling: two neighbouring bins differ by 2.2 %.
const PER_DOUBLING: f64 = 32.0;
/// Bins: 1 µs to 19 hours.
const BINS: usize = 36 * PER_DOUBLING as usize;

/// How long records took, in constant memory: a bin for each 2.2 %.
#[derive(Clone, Debug)]
pub struct Latencies {
    bins: Vec<u64>,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { bins: vec![0; BINS] }
    }
}

impl Latencies {
    /// Counts records that took this long.
    pub fn add(&mut self, latency: Duration, records: u64) {
        let microseconds = (latency.as_nanos() as f64 / 1000.0).max(1.0);
        self.bins[((microseconds.log2() * PER_DOUBLING) as usize).min(BINS - 1)] += records;
    }

    /// Upper end of the bin with this quantile, in milliseconds; nothing without any record.
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        let rank = (self.bins.iter().sum::<u64>() as f64 * quantile).ceil() as u64;
        let mut seen = 0;
        let bin = self.bins.iter().position(|&count| {
            seen += count;
            seen >= rank && rank > 0
        });
        bin.map(|bin| ((bin + 1) as f64 / PER_DOUBLING).exp2() / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_near() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.quantile(0.99), None);
        latencies.add(Duration::from_millis(2), 98);
        latencies.add(Duration::from_millis(50), 2);
        assert!(latencies.quantile(0.5).is_some_and(|median| (2.0..2.05).contains(&median)), "{latencies:?}");
        assert!(latencies.quantile(0.99).is_some_and(|p99| (50.0..51.2).contains(&p99)), "{latencies:?}");
        latencies.add(Duration::MAX, 1);
        latencies.add(Duration::ZERO, 1);
    }
}
