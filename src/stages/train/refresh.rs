//! New counts for a trained model, without training.

use std::path::Path;

use serde::Serialize;
use skimlog_features::similar::SimilarAuthors;
use skimlog_model::bundle::{Bundle, Origin, Recount, Verify};
use skimlog_runtime::files::ensure_replaceable;

use super::freeze::freeze;
use super::origin::counted_again;
use super::stage::Inputs;
use crate::amounts;
use crate::pipeline::examples::StoredExamples;
use crate::pipeline::{Context, PipelineError};

/// What became of a model whose counts were made anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefreshSummary {
    /// Whether it holds other counts now; if not, nothing of it was touched.
    pub changed: bool,
    /// Number of keys in all count tables.
    pub keys: u64,
    /// Where the model comes from.
    pub origin: Origin,
}

/// Gives a model the counts and similar authors that the stages before the training have made; network, token codes and
/// languages stay. The new model takes the old one's place in one step.
///
/// # Errors
/// [`PipelineError`]: what is wrong with the model, or was not made yet. The model is as it was then.
pub fn refresh(context: &Context<'_>, model: &Path) -> Result<RefreshSummary, PipelineError> {
    let Context { config, workspace, progress, .. } = *context;
    let recount = Recount::begin(model)?;
    let Inputs { training, validation, similar } = Inputs::of(context)?;
    let examples = StoredExamples::open(training.clone(), validation)?;
    let similar = SimilarAuthors::open(&similar)?;
    let keys = freeze(&workspace.counts(), &similar, recount.counts(), progress)?;
    let before = recount.bundle().manifest().origin.clone().unwrap_or_default();
    let origin = counted_again(before.clone(), config, &examples, &training)?;
    differences(&before, &origin).iter().for_each(|difference| progress.warn(difference));
    let changed = recount.finish(origin.clone())?;
    Ok(RefreshSummary { changed, keys, origin })
}

/// Looks whether there is a model whose counts can be made anew, which is known at once.
///
/// # Errors
/// [`PipelineError`]: what is wrong with the model, or stands in the way of another one in its place.
pub fn expect_refreshable(model: &Path) -> Result<(), PipelineError> {
    Bundle::open(model, Verify::Sizes)?;
    Ok(ensure_replaceable(model)?)
}

/// In what the counts are others than those that the network was trained on, beside the records.
fn differences(before: &Origin, now: &Origin) -> Vec<String> {
    let changed = now.configuration.iter().filter_map(|(key, value)| {
        let before = before.configuration.get(key).filter(|before| *before != value)?;
        Some(format!("{key} is {value} and was {before}: the network was trained with counts of another meaning"))
    });
    let lost = before
        .counted
        .as_ref()
        .zip(now.counted.as_ref())
        .filter(|(before, now)| before.finetune > 0 && now.finetune == 0);
    let lost = lost.map(|(before, _)| {
        let records = amounts::counted(before.finetune, "validation record", "validation records");
        format!("there are no validation records now, and the model counted {records}")
    });
    changed.chain(lost).collect()
}

#[cfg(test)]
mod tests {
    use skimlog_model::bundle::Counted;

    use super::*;

    #[test]
    fn settings_that_change_what_a_count_means_are_named() {
        let origin = |top: &str, finetune| Origin {
            counted: Some(Counted { finetune, ..Counted::default() }),
            configuration: [("authors_similarity_top_N".to_owned(), top.to_owned())].into_iter().collect(),
            ..Origin::default()
        };
        assert!(differences(&origin("10", 7), &origin("10", 8)).is_empty());
        assert!(differences(&Origin::default(), &origin("10", 0)).is_empty());
        let [top, lost] = &differences(&origin("10", 7), &origin("5", 0))[..] else { panic!("two are expected") };
        assert!(top.starts_with("authors_similarity_top_N is 5 and was 10"), "{top}");
        assert!(lost.contains("7 validation records"), "{lost}");
    }
}
