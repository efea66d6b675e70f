//! Measures of a set of predictions, as data and as a table.

use std::fmt;

use serde::{Deserialize, Serialize};
use skimlog_formats::{PerReaction, Reaction};

use super::measures::{CalibrationBin, Measures, PrecisionRecall};

/// Measures of a set of predictions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Number of records.
    pub records: u64,
    /// Mean binary cross entropy over records and reactions, in nats: the network's loss.
    pub cross_entropy: f64,
    /// Measures over all records.
    #[serde(with = "per_reaction")]
    pub overall: PerReaction<Measures>,
    /// Measures by the popularity of the author, from the least popular on; groups without records are left out.
    pub quintiles: Vec<Quintile>,
    /// Means over the groups.
    #[serde(with = "per_reaction")]
    pub quintile_means: PerReaction<QuintileMeans>,
    /// Calibration by decile of the prediction, from the lowest on; deciles without records are left out.
    #[serde(with = "per_reaction")]
    pub calibration: PerReaction<Vec<CalibrationBin>>,
    /// Precision–recall curves, from the lowest recall on.
    #[serde(with = "per_reaction")]
    pub precision_recall: PerReaction<Vec<PrecisionRecall>>,
}

/// Measures over the records of one group of authors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quintile {
    /// 1 (least popular authors) to 5.
    pub number: usize,
    /// Number of records.
    pub records: u64,
    /// Most followers an author of the group may have; `None` for no limit.
    pub most_followers: Option<u32>,
    /// Measures of each reaction.
    #[serde(with = "per_reaction")]
    pub reactions: PerReaction<Measures>,
}

/// Means over the groups in which a measure has a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QuintileMeans {
    /// Mean average precision; `None` if it has a value in no group.
    pub average_precision: Option<f64>,
    /// Mean relative cross entropy in percent; `None` if it has a value in no group.
    pub relative_cross_entropy: Option<f64>,
}

impl QuintileMeans {
    pub(super) fn of(quintiles: &[Quintile], reaction: Reaction) -> Self {
        let mean = |measure: fn(&Measures) -> Option<f64>| {
            let values: Vec<f64> =
                quintiles.iter().filter_map(|quintile| measure(&quintile.reactions[reaction])).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        Self {
            average_precision: mean(|measures| measures.average_precision),
            relative_cross_entropy: mean(|measures| measures.relative_cross_entropy),
        }
    }
}

/// An aligned table, a line a reaction, with `–` for what has no value.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<8} {:>8} {:>11} {:>7} {:>8} {:>16} {:>17}",
            "reaction", "rate %", "predicted %", "AP", "RCE", "AP by quintile", "RCE by quintile"
        )?;
        for (reaction, measures) in self.overall.iter() {
            let means = &self.quintile_means[reaction];
            writeln!(
                f,
                "{reaction:<8} {:>8} {:>11} {:>7} {:>8} {:>16} {:>17}",
                number(measures.rate.map(|rate| rate * 100.0), 3),
                number(measures.mean_prediction.map(|mean| mean * 100.0), 3),
                number(measures.average_precision, 4),
                number(measures.relative_cross_entropy, 2),
                number(means.average_precision, 4),
                number(means.relative_cross_entropy, 2),
            )?;
        }
        write!(f, "{} records, mean cross entropy {:.5}", self.records, self.cross_entropy)
    }
}

fn number(value: Option<f64>, decimals: usize) -> String {
    value.filter(|value| value.is_finite()).map_or("–".into(), |value| format!("{value:.decimals$}"))
}

/// A [`PerReaction`] as a map from the reactions' names.
mod per_reaction {
    use std::collections::BTreeMap;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use skimlog_formats::{PerReaction, Reaction};

    pub(super) fn serialize<T: Serialize, S: Serializer>(
        values: &PerReaction<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(values.iter().map(|(reaction, value)| (reaction.name(), value)))
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<PerReaction<T>, D::Error> {
        let mut values = BTreeMap::<String, T>::deserialize(deserializer)?;
        let mut value = |reaction: Reaction| {
            values.remove(reaction.name()).ok_or_else(|| D::Error::custom(format!("nothing for {reaction}")))
        };
        let [like, reply, retweet, quote] = Reaction::ALL;
        Ok(PerReaction::from_count_order([value(like)?, value(reply)?, value(retweet)?, value(quote)?]))
    }
}
