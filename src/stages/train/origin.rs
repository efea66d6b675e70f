//! What a model's manifest says of where it comes from.

use std::collections::BTreeMap;

use skimlog_features::input::Day;
use skimlog_formats::columnar::{ColumnarError, Reader, Scalar};
use skimlog_model::bundle::{Counted, Origin, TrainedOn};

use super::settings::{recipe, settings};
use crate::config::Config;
use crate::pipeline::examples::{Examples, StoredExamples, StoredPart};

/// Column of the time at which a tweet was written.
const TWEET_TIME: &str = "tweet_time";

/// Where a model comes from whose counts are of these records and whose network has learned from `trained`.
///
/// # Errors
/// [`ColumnarError`] if a part cannot be read.
pub(super) fn origin(
    config: &Config,
    examples: &StoredExamples,
    parts: &[StoredPart],
    trained: TrainedOn,
) -> Result<Origin, ColumnarError> {
    let recipe = recipe(config);
    let mut configuration: BTreeMap<String, String> =
        settings(&recipe).into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    configuration.extend(
        [
            ("train.hidden_size", config.train.hidden_size.to_string()),
            ("train.recipe", format!("{:?}", config.train.recipe).to_lowercase()),
            ("sketch_width", config.sketch_width.to_string()),
            ("sketch_depth", config.sketch_depth.to_string()),
            ("vocabulary_size", config.vocabulary_size.to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value)),
    );
    let origin = Origin {
        skimmer: Some(env!("CARGO_PKG_VERSION").to_owned()),
        trained: Some(trained),
        configuration,
        ..Origin::default()
    };
    counted_again(origin, config, examples, parts)
}

/// The same with the counts of these records.
///
/// # Errors
/// [`ColumnarError`] if a part cannot be read.
pub(super) fn counted_again(
    mut origin: Origin,
    config: &Config,
    examples: &StoredExamples,
    parts: &[StoredPart],
) -> Result<Origin, ColumnarError> {
    let survey = examples.survey();
    let last = survey.days.last_key_value().map(|(&day, _)| day);
    origin.date = source_date().or(last).map(|day| day.to_string());
    origin.counted = Some(Counted {
        tweets: tweet_days(parts)?.map(|days| days.map(|day| day.to_string())),
        training: survey.days.values().map(|tally| tally.records).sum(),
        finetune: survey.finetune,
        hold_out: survey.hold_out,
    });
    let held_out = match &config.validation_split {
        Some(_) => ("validation_split", "a file".to_owned()),
        None => ("validation_percentage", config.validation_percentage.to_string()),
    };
    let counting = [
        ("authors_similarity_top_N", config.authors_similarity_top_n.to_string()),
        ("authors_similarity_threshold", config.authors_similarity_threshold.to_string()),
        ("num_validation_chunks", config.num_validation_chunks.to_string()),
        ("seed", config.seed.to_string()),
        held_out,
    ];
    for key in ["validation_split", "validation_percentage"] {
        origin.configuration.remove(key);
    }
    origin.configuration.extend(counting.map(|(key, value)| (key.to_owned(), value)));
    Ok(origin)
}

/// The day that a reproducible build's environment names.
fn source_date() -> Option<Day> {
    let seconds = std::env::var("SOURCE_DATE_EPOCH").ok()?;
    seconds.trim().parse().ok().map(Day::of)
}

/// First and last day on which a tweet of these parts was written. Reads what the parts say of their chunks.
fn tweet_days(parts: &[StoredPart]) -> Result<Option<[Day; 2]>, ColumnarError> {
    let mut range: Option<[Day; 2]> = None;
    for StoredPart { part, .. } in parts {
        let reader = Reader::open(part)?;
        let field = reader.field(TWEET_TIME)?;
        for block in 0..reader.blocks() {
            let Some((Scalar::Signed(first), Scalar::Signed(last))) = reader.chunk_info(block, field)?.range else {
                continue;
            };
            let [first, last] = [first, last].map(Day::of);
            range = Some(range.map_or([first, last], |[least, most]| [least.min(first), most.max(last)]));
        }
    }
    Ok(range)
}
