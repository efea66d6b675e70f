//! Where everything stands in a working directory: the one place that knows the names.

use std::path::{Path, PathBuf};

use skimlog_model::bundle::EVALUATION;

/// Name of the manifest.
pub(super) const MANIFEST: &str = "manifest.json";

/// The paths of a working directory, whether or not anything is there, and whoever works in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Name of the validation part among the converted ones.
    pub const VALIDATION: &str = "validation";

    /// The paths of the working directory `root`.
    pub fn of(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Which task made what from what.
    pub fn manifest(&self) -> PathBuf {
        self.root.join(MANIFEST)
    }

    /// Folder of the converted parts.
    pub fn parts(&self) -> PathBuf {
        self.root.join("parts")
    }

    /// The converted part of this name (`part-00000`).
    pub fn part(&self, name: &str) -> PathBuf {
        self.parts().join(format!("{name}.skim"))
    }

    /// The converted validation part.
    pub fn validation_part(&self) -> PathBuf {
        self.part(Self::VALIDATION)
    }

    /// Folder of the records put aside as malformed.
    pub fn rejected(&self) -> PathBuf {
        self.root.join("rejected")
    }

    /// The authors' similar authors.
    pub fn similar(&self) -> PathBuf {
        self.root.join("similar.skim")
    }

    /// Folder of the parts' counts.
    pub fn features(&self) -> PathBuf {
        self.root.join("features")
    }

    /// The counts of a converted part's records.
    pub fn features_of(&self, part: &Path) -> PathBuf {
        self.features().join(part.file_name().unwrap_or_default())
    }

    /// Folder of the count tables' totals.
    pub fn counts(&self) -> PathBuf {
        self.root.join("counts")
    }

    /// The totals of the count table of this name.
    pub fn totals(&self, table: &str) -> PathBuf {
        Self::totals_in(&self.counts(), table)
    }

    /// The totals of the count table of this name in a folder of them.
    pub fn totals_in(counts: &Path, table: &str) -> PathBuf {
        counts.join(format!("{table}.skim"))
    }

    /// Folder of the text model's checkpoints.
    pub fn distilbert(&self) -> PathBuf {
        self.root.join("distilbert")
    }

    /// Mean token vectors, `[tokens, width]`.
    pub fn token_embeddings(&self) -> PathBuf {
        self.root.join("token_embeddings.npy")
    }

    /// Token ids of the rows of [`Layout::token_embeddings`].
    pub fn token_ids(&self) -> PathBuf {
        self.root.join("token_ids.npy")
    }

    /// How often each token of [`Layout::token_ids`] occurred.
    pub fn token_counts(&self) -> PathBuf {
        self.root.join("token_counts.npy")
    }

    /// What the embed stage has come to while it is not done.
    pub fn embed_snapshot(&self) -> PathBuf {
        self.root.join("embed.snapshot")
    }

    /// Token codes.
    pub fn codes(&self) -> PathBuf {
        self.root.join("codes.skim")
    }

    /// Measures of the model on the hold-out records.
    pub fn evaluation(&self) -> PathBuf {
        self.root.join(EVALUATION)
    }

    /// The same measures beside what was measured.
    pub fn model_evaluation(&self) -> PathBuf {
        self.model().join(EVALUATION)
    }

    /// The model bundle.
    pub fn model(&self) -> PathBuf {
        self.root.join("model")
    }

    /// The state of a training under way.
    pub fn checkpoint(&self) -> PathBuf {
        self.root.join("checkpoint")
    }

    /// Losses and learning rates of the training, a line a point.
    pub fn training_log(&self) -> PathBuf {
        self.root.join("training.jsonl")
    }

    /// The report of the training, for a browser.
    pub fn report(&self) -> PathBuf {
        self.root.join("report.html")
    }

    /// Folder of the tasks' spill files.
    pub(super) fn scratch_root(&self) -> PathBuf {
        self.root.join("scratch")
    }

    /// The folders that tasks make.
    pub(super) fn folders(&self) -> [PathBuf; 5] {
        [self.parts(), self.features(), self.counts(), self.rejected(), self.distilbert()]
    }
}
