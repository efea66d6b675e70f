//! `skimmer plan`.

use clap::Args;
use skimmer::pipeline::plan::{self, Options};

use super::{Common, set_threads};

/// Say what a run will take on this machine: time, memory and disk of every stage, and what to change if it does not fit.
///
/// Takes the first records of the first part through the stages, in a temporary folder in the working directory, and
/// extrapolates to all parts by their sizes. Takes a minute or two.
///
/// Example: skimmer plan --config config.yaml
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Plan {
    /// Training records to try the stages on; more of them make a better plan.
    #[arg(long, value_name = "N", default_value_t = plan::RECORDS)]
    records: u64,
}

impl Plan {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let config = common.load_config()?;
        set_threads(config.threads())?;
        let plan = plan::plan(&config, Options { records: self.records }, &common.terminal())?;
        if common.json {
            return common.summarize(&plan, String::new);
        }
        // The plan is the result: it is told with --quiet, too.
        print!("{plan}");
        Ok(())
    }
}
