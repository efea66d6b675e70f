//! `skimmer finetune`.

use clap::Args;
use skimlog::stages;

use super::running::run_single;
use super::{Common, values};

/// Train the text model on the parts' token ids: tokens are hidden, and it guesses them (distilbert/checkpoint-N/).
///
/// Starts from a Hugging Face DistilBERT (distilbert.model in the configuration) or from random weights
/// (distilbert.from_scratch). Interrupted with Ctrl-C, it leaves a checkpoint first; killed, it has the last one it
/// made; the same command goes on from there as if nothing had happened.
#[derive(Args)]
#[command(after_help = "\
Examples:
  skimmer finetune --config config.yaml
  skimmer finetune --max-steps 20000")]
pub(super) struct Finetune {
    /// Start anew, even if there is a checkpoint to go on from.
    #[arg(long)]
    force: bool,
    /// How many steps to take [default: distilbert.finetune.max_steps of the configuration, else its epochs].
    #[arg(long, value_name = "N", value_parser = values::whole::<u64>(1..=u64::MAX), allow_negative_numbers = true)]
    max_steps: Option<u64>,
}

impl Finetune {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let mut config = common.load_config()?;
        config.distilbert.finetune.max_steps = self.max_steps.or(config.distilbert.finetune.max_steps);
        run_single(common, &config, &stages::Finetune, self.force)
    }
}
