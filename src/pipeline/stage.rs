//! What a stage says of itself in order to be run.

use std::path::PathBuf;

use super::context::Context;
use super::error::PipelineError;
use super::task::{TaskReport, TaskRunner};
use crate::config::Config;
use crate::workspace::Layout;

/// A stage of the way from raw parts to a measured model.
pub trait Stage: Sync {
    /// Its name on the command line, and of its task in the manifest. A stage of several tasks calls them `name part`.
    fn name(&self) -> &'static str;

    /// What it does and makes, a sentence for the help.
    fn about(&self) -> &'static str;

    /// Whether this configuration has it.
    fn is_part_of(&self, config: &Config) -> bool {
        let _ = config;
        true
    }

    /// Looks at what it needs and no stage makes, so that what is missing is known before hours of work.
    ///
    /// # Errors
    /// [`PipelineError`]: what the configuration lacks for it.
    fn check(&self, config: &Config) -> Result<(), PipelineError> {
        let _ = config;
        Ok(())
    }

    /// What is worth knowing about the configuration before a run that it is part of.
    fn caution(&self, config: &Config) -> Option<&'static str> {
        let _ = config;
        None
    }

    /// What it does because the configuration does not say otherwise, where that is worth knowing.
    fn note(&self, config: &Config) -> Option<&'static str> {
        let _ = config;
        None
    }

    /// What it leaves in a working directory: files, and folders that stand for the files in them.
    fn makes(&self, layout: &Layout) -> Vec<PathBuf>;

    /// Gives `tasks` what there is to do, with everything that it depends on.
    ///
    /// # Errors
    /// [`PipelineError`]; what an earlier stage should have made and is not there is named with that stage.
    fn run(&self, context: &Context<'_>, tasks: &mut TaskRunner<'_>) -> Result<(), PipelineError>;

    /// What to say of a task that was done.
    ///
    /// # Errors
    /// [`PipelineError::ReadSummary`] for the report of another stage's task.
    fn remarks(&self, report: &TaskReport) -> Result<Vec<Remark>, PipelineError> {
        let _ = report;
        Ok(Vec::new())
    }

    /// What a task found, for people, if that is what they ran it for.
    ///
    /// # Errors
    /// [`PipelineError::ReadSummary`] for a summary that another version wrote.
    fn findings(&self, report: &TaskReport) -> Result<Option<Findings>, PipelineError> {
        let _ = report;
        Ok(None)
    }
}

/// What a task found, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// What they are about.
    pub subject: &'static str,
    /// The findings.
    pub table: String,
}

/// A line about a task that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// Worth knowing.
    Note(String),
    /// For those who want to know more.
    Detail(String),
}
