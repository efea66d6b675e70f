//! `skimmer run`: all stages.

use anyhow::bail;
use clap::Args;
use skimlog::pipeline::Findings;
use skimlog::stages::{self, STAGES, StageRef};

use super::output::print;
use super::running::run_stages;
use super::{Common, report, values};

/// Run all stages, skipping what is up to date.
///
/// It can be stopped or killed at any moment and started again.
#[derive(Args)]
#[command(after_help = "\
Examples:
  skimmer run --config config.yaml
  skimmer run --from features --to train")]
pub(super) struct Run {
    /// The first stage to run.
    #[arg(long, value_name = "STAGE", default_value = STAGES[0].name(), value_parser = values::stage())]
    from: StageRef,
    /// The last stage to run.
    #[arg(long, value_name = "STAGE", default_value = STAGES[STAGES.len() - 1].name(), value_parser = values::stage())]
    to: StageRef,
    /// Do everything anew, even what is up to date.
    #[arg(long)]
    force: bool,
}

impl Run {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let Self { from, to, force } = *self;
        if stages::position(from) > stages::position(to) {
            let (from, to, order) = (from.name(), to.name(), stages::order());
            bail!("--from {from} comes after --to {to}: the stages run in the order {order}");
        }
        let config = common.load_config()?;
        let chosen = stages::chosen(&config, from, to)?;
        chosen.iter().filter_map(|stage| stage.caution(&config)).for_each(|caution| tracing::warn!("{caution}"));
        let outcome = run_stages(common, &config, &chosen, force)?;
        if stages::position(to) >= stages::position(&stages::Train) {
            let report = report::write(&config, None)?;
            tracing::info!("report: {}", report.display());
        }
        if !common.json
            && let Some(Findings { subject, table }) = outcome.findings
        {
            print(format_args!("{subject}\n{table}\n"))?;
        }
        Ok(())
    }
}
