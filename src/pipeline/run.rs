//! Runs stages in a working directory, skipping what is up to date.

use skimlog_runtime::progress::Progress;

use super::context::Context;
use super::error::PipelineError;
use super::stage::Stage;
use super::task::{TaskReport, TaskRunner};
use crate::config::Config;
use crate::workspace::{Manifest, Workspace};

/// A configuration at work in its working directory.
pub struct Pipeline<'a> {
    config: &'a Config,
    workspace: Workspace,
    manifest: Manifest,
    progress: &'a dyn Progress,
}

impl<'a> Pipeline<'a> {
    /// Opens the working directory and locks it.
    ///
    /// # Errors
    /// [`PipelineError::Workspace`] if it cannot be made or is in use.
    pub fn open(config: &'a Config, progress: &'a dyn Progress) -> Result<Self, PipelineError> {
        let workspace = Workspace::open(&config.working_dir)?;
        let manifest = Manifest::open(&workspace)?;
        Ok(Self { config, workspace, manifest, progress })
    }

    /// Where everything stands.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// What a stage would be given now.
    pub fn context(&self) -> Context<'_> {
        Context::new(self.config, &self.workspace, &self.manifest, self.progress)
    }

    /// Runs one stage: what of it is out of date, or all of it with `force`. Each finished task is shown to `done`.
    ///
    /// # Errors
    /// [`PipelineError`]; what an earlier stage should have made and is not there is named with that stage.
    pub fn run(
        &mut self,
        stage: &dyn Stage,
        force: bool,
        done: &mut dyn FnMut(&TaskReport),
    ) -> Result<(), PipelineError> {
        let Self { config, workspace, manifest, progress } = self;
        let context = Context::new(config, workspace, manifest, *progress);
        let outcome = stage.run(&context, &mut TaskRunner::new(manifest, force, done));
        // After an error, too: it may have been for want of space.
        let cleared = self.workspace.remove_scratch();
        outcome?;
        Ok(cleared?)
    }
}
