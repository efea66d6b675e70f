//! `skimmer plan`.

use clap::Args;
use skimlog::plan::{self, PlanOptions};
use skimlog_runtime::machine;

use super::output::print;
use super::{Common, values};

/// Say what a run will take on this machine: time, memory and disk of every stage, and what to change if it does not
/// fit.
///
/// Takes records from all raw parts that are there (one is enough) through the stages, in a temporary folder in the
/// working directory, ever more of them until the time is up, and extends what it measures to all records.
#[derive(Args)]
#[command(after_help = "\
Examples:
  skimmer plan --config config.yaml
  skimmer plan --parts 650 --seconds 300")]
pub(super) struct Plan {
    /// Seconds to plan for, about; more of them make a better plan.
    #[arg(long, value_name = "N", default_value_t = plan::SECONDS, value_parser = seconds,
        allow_negative_numbers = true)]
    seconds: f64,
    /// Plan for so many training parts like those that are there.
    #[arg(long, value_name = "N", value_parser = values::whole::<u32>(1..=1_000_000), allow_negative_numbers = true)]
    parts: Option<u32>,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (1.0..=1e6).contains(seconds));
    seconds.ok_or_else(|| "must be a number of seconds from 1 to 1,000,000".into())
}

impl Plan {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let config = common.load_config()?;
        machine::start_workers(config.threads());
        let options = PlanOptions { seconds: self.seconds, parts: self.parts.map(|parts| parts as usize) };
        let plan = plan::plan(&config, options, &common.terminal())?;
        if common.json {
            return common.summarize(&plan, String::new);
        }
        // The plan is the result: it is printed with --quiet, too.
        Ok(print(plan)?)
    }
}
