//! What every stage is given: the configuration, the working directory, and what earlier stages made.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use skimlog_runtime::progress::Progress;

use super::error::PipelineError;
use crate::config::Config;
use crate::workspace::{FileState, Fingerprint, Manifest, Workspace};

/// What a stage works with.
#[derive(Clone)]
pub struct Context<'c> {
    /// What is asked for.
    pub config: &'c Config,
    /// Where everything stands.
    pub workspace: &'c Workspace,
    /// Where progress is reported.
    pub progress: &'c dyn Progress,
    /// What finished tasks made.
    finished: BTreeMap<PathBuf, FileState>,
}

impl<'c> Context<'c> {
    /// The context of a stage that begins now.
    pub(crate) fn new(
        config: &'c Config,
        workspace: &'c Workspace,
        manifest: &Manifest,
        progress: &'c dyn Progress,
    ) -> Self {
        Self { config, workspace, progress, finished: manifest.outputs() }
    }

    /// The path of something that an earlier stage made to its end.
    ///
    /// # Errors
    /// [`PipelineError::Missing`], which names that stage.
    pub fn made(&self, path: PathBuf, stage: &'static str) -> Result<PathBuf, PipelineError> {
        let whole = path.exists() && self.finished.contains_key(&path);
        if whole { Ok(path) } else { Err(PipelineError::Missing { path, stage }) }
    }

    /// A fingerprint with files of the working directory, by their names there.
    ///
    /// # Errors
    /// [`PipelineError::Workspace`] if one of them is not there.
    pub fn made_from<'p>(&self, paths: impl IntoIterator<Item = &'p PathBuf>) -> Result<Fingerprint, PipelineError> {
        paths.into_iter().try_fold(Fingerprint::new(), |fingerprint, path| {
            let name = path.strip_prefix(self.workspace.root()).unwrap_or(path);
            Ok(fingerprint.with_known_file(&name.display().to_string(), path, self.finished.get(path))?)
        })
    }

    /// Worker threads to use.
    pub fn threads(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.config.threads()).unwrap_or(NonZeroUsize::MIN)
    }
}
