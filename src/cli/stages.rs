//! `skimmer similar`, `features`, … one stage each: a loop over the list of stages.

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, Error, FromArgMatches, Subcommand};
use skimlog::pipeline::Stage;
use skimlog::stages::{self, STAGES, StageRef};

use super::Common;
use super::embed::Embed;
use super::evaluate::Evaluate;
use super::finetune::Finetune;
use super::running::run_single;

/// A single stage.
pub(super) enum StageCommand {
    /// One without options of its own.
    Plain(StageRef, Plain),
    Finetune(Finetune),
    Embed(Embed),
    Evaluate(Evaluate),
}

#[derive(Args)]
pub(super) struct Plain {
    /// Do it even if its results are up to date.
    #[arg(long)]
    force: bool,
}

/// A stage whose command has options of its own.
struct WithOptions {
    stage: StageRef,
    augment: fn(Command) -> Command,
    parse: fn(&ArgMatches) -> Result<StageCommand, Error>,
}

static WITH_OPTIONS: [WithOptions; 3] = [
    WithOptions {
        stage: &stages::Finetune,
        augment: Finetune::augment_args,
        parse: |matches| Finetune::from_arg_matches(matches).map(StageCommand::Finetune),
    },
    WithOptions {
        stage: &stages::Embed,
        augment: Embed::augment_args,
        parse: |matches| Embed::from_arg_matches(matches).map(StageCommand::Embed),
    },
    WithOptions {
        stage: &stages::Evaluate,
        augment: Evaluate::augment_args,
        parse: |matches| Evaluate::from_arg_matches(matches).map(StageCommand::Evaluate),
    },
];

fn with_options(stage: StageRef) -> Option<&'static WithOptions> {
    WITH_OPTIONS.iter().find(|one| one.stage.name() == stage.name())
}

/// The stages whose commands are here: all but `convert`, which also takes single parts.
fn stages_here() -> impl Iterator<Item = StageRef> {
    STAGES.into_iter().filter(|stage| stage.name() != stages::Convert.name())
}

fn named(name: &str) -> Option<StageRef> {
    stages_here().find(|stage| stage.name() == name)
}

impl StageCommand {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        match self {
            Self::Plain(stage, Plain { force }) => run_single(common, &common.load_config()?, *stage, *force),
            Self::Finetune(finetune) => finetune.run(common),
            Self::Embed(embed) => embed.run(common),
            Self::Evaluate(evaluate) => evaluate.run(common),
        }
    }
}

impl Subcommand for StageCommand {
    fn augment_subcommands(command: Command) -> Command {
        stages_here().fold(command, |command, stage| {
            let own = Command::new(stage.name());
            command.subcommand(match with_options(stage) {
                Some(WithOptions { augment, .. }) => augment(own),
                None => {
                    let examples = format!("Examples:\n  skimmer {} --config config.yaml", stage.name());
                    Plain::augment_args(own).about(stage.about()).after_help(examples)
                }
            })
        })
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        named(name).is_some()
    }
}

impl FromArgMatches for StageCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let found = matches.subcommand().and_then(|(name, matches)| Some((named(name)?, matches)));
        let Some((stage, matches)) = found else { return Err(Error::new(ErrorKind::MissingSubcommand)) };
        match with_options(stage) {
            Some(WithOptions { parse, .. }) => parse(matches),
            None => Plain::from_arg_matches(matches).map(|plain| Self::Plain(stage, plain)),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
