//! `skimmer refresh`.

use std::path::{Path, PathBuf};

use clap::Args;
use skimlog::amounts;
use skimlog::stages::train::{self, RefreshSummary};
use skimlog::stages::{self, StageRef};

use super::Common;
use super::running::run_stages_then;

/// Give a model the counts and similar authors of the records that are there now, without training.
///
/// Converts the parts that are new, counts anew (the stages convert, similar and features, as `skimmer run` does), and
/// puts the counts into the model folder. Network, token codes and languages stay. The model is replaced in one step:
/// interrupted, the old one is whole, and a `skimmer predict` that is running goes on with it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  skimmer refresh --model model --config config.yaml
  skimmer refresh --model /srv/skimmer/model --json")]
pub(super) struct Refresh {
    /// The model folder, as `skimmer train` makes it.
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
}

/// What makes the counts.
static COUNTING: [StageRef; 3] = [&stages::Convert, &stages::Similar, &stages::Features];

impl Refresh {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let config = common.load_config()?;
        // Before the counting: it takes minutes.
        train::expect_refreshable(&self.model)?;
        COUNTING.iter().try_for_each(|stage| stage.check(&config))?;
        let summary = run_stages_then(common, &config, &COUNTING, |context| train::refresh(context, &self.model))?;
        common.summarize(&summary, || sentence(&self.model, &summary))
    }
}

fn sentence(model: &Path, RefreshSummary { changed, keys, origin }: &RefreshSummary) -> String {
    let model = model.display();
    if !changed {
        return format!("{model} has these counts already: nothing was changed");
    }
    let records = origin.counted.as_ref().map_or(0, |counted| counted.training);
    format!(
        "{model} has the counts of {} up to {}, {}",
        amounts::counted(records, "training record", "training records"),
        origin.date.as_deref().unwrap_or("now"),
        amounts::counted(*keys, "key", "keys")
    )
}
