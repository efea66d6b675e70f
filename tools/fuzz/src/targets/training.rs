//! Checkpoints of trainings.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use skimlog::pipeline::examples::{Examples, ExamplesError, Origin, Portion, Survey};
use skimlog::stages::train::{Checkpointing, Recipe, TrainError, TrainOptions, train};
use skimlog_features::input::{Day, Example};
use skimlog_formats::{Reaction, ReactionSet};
use skimlog_network::Network;
use skimlog_runtime::progress::{Progress, Silent, Unit};
use skimlog_text::distilbert::Architecture;
use skimlog_text::finetune::{self, Start, Steps, finetune, newest_checkpoint};

use super::network::SHAPE;
use super::skim::token_codes;
use super::{sample, skim};
use crate::scratch::{ManyFiles, Scratch};
use crate::{Exact, Target, Verdict, digest};

/// A checkpoint of the network's training: `state.json` and `trainer.safetensors`.
pub(super) struct Training {
    files: ManyFiles,
    seeds: Vec<Vec<u8>>,
    place: Checkpointing,
}

/// Records of two days.
struct Generated(Survey);

impl Generated {
    fn new() -> Self {
        let mut survey = Survey::default();
        for day in [Day(18_660), Day(18_661)] {
            (0..40).for_each(|_| survey.days.entry(day).or_default().add(ReactionSet::NONE));
        }
        Self(survey)
    }
}

impl Examples for Generated {
    fn survey(&self) -> &Survey {
        &self.0
    }

    fn visit<E: From<ExamplesError>>(
        &self,
        portion: Portion,
        mut visit: impl FnMut(Origin, &Example) -> Result<(), E>,
    ) -> Result<(), E> {
        let records = if portion == Portion::Training { 0..80 } else { 0..0 };
        for record in records {
            let labels = [Reaction::Like].into_iter().filter(|_| record % 3 == 0).collect();
            let example = Example { labels: Some(labels), tokens: vec![101, 107, 102], ..Example::default() };
            visit(Origin { record, day: Day(18_660 + (record / 40) as i64) }, &example)?;
        }
        Ok(())
    }
}

/// Asks to stop after a few questions.
struct Stopping(AtomicUsize);

impl Progress for Stopping {
    fn begin(&self, _task: &str, _total: Option<u64>, _unit: Unit) {}
    fn advance(&self, _amount: u64) {}
    fn remark(&self, _text: &str) {}
    fn end(&self) {}
    fn stop_requested(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) > 2
    }
}

impl Training {
    pub(super) fn new() -> Self {
        let scratch = Scratch::new();
        let folder = scratch.path().join("checkpoint");
        let place = Checkpointing { folder, fingerprint: "these records".into(), every: Duration::ZERO };
        let recipe = Recipe { batch: 16, ..Recipe::original() };
        let mut options = TrainOptions::new(recipe, scratch.path().join("scratch"));
        options.checkpoint = Some(place.clone());
        let outcome = train(&Generated::new(), token_codes(), SHAPE, &options, &Stopping(AtomicUsize::new(0)));
        let interrupted = matches!(outcome, Err(TrainError::Interrupted { .. }));
        assert!(interrupted, "the training ended before it was stopped");
        let files =
            ManyFiles::new(scratch, ["state.json", "trainer.safetensors"].map(|name| format!("checkpoint/{name}")));
        let seeds = files.seeds();
        Self { files, seeds, place }
    }
}

impl Target for Training {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        let read = |folder: &Path, _: &str, _: &[u8]| {
            let standing = self.place.standing(SHAPE)?;
            let weights =
                Network::load(&folder.join("checkpoint/trainer.safetensors"), SHAPE).map_err(TrainError::Damaged)?;
            let tensors: Vec<_> = weights.tensor_names().map(|name| weights.tensor(name)).collect();
            Ok::<_, TrainError>(standing.map(|standing| digest(&(standing, tensors))))
        };
        match self.files.with(input, read) {
            Ok(Some(standing)) => Verdict::Accepted(standing),
            // What cannot be gone on from counts for nothing, and the training begins anew.
            Ok(None) => Verdict::Rejected("checkpoint".into()),
            Err(error) => Verdict::Rejected(error.to_string()),
        }
    }

    fn exact(&self) -> Exact {
        // Checkpoints of older versions carry no checksum.
        Exact::OneChange
    }

    fn named(&self) -> &str {
        "checkpoint"
    }
}

/// A checkpoint of the text model's training.
pub(super) struct Finetuning {
    files: ManyFiles,
    seeds: Vec<Vec<u8>>,
}

/// A DistilBERT of a few hundred weights.
pub(super) fn tiny() -> Architecture {
    Architecture { max_position_embeddings: 8, ..Architecture::new(110, 4, 6, 1, 2) }
}

impl Finetuning {
    pub(super) fn new() -> Self {
        let scratch = Scratch::new();
        let part = scratch.path().join("part.skim");
        let mut records = sample::records("test/part-00000", 0, 20);
        let tokens: Vec<Vec<u32>> =
            (0..20).map(|row| (0..6).map(|place| (row * 5 + place * 7) % 40).collect()).collect();
        records.tokens = tokens.iter().map(Vec::as_slice).collect();
        skim::write_part(&part, &records);
        let options =
            finetune::TrainingOptions { steps: Steps::Exactly(2), batch_size: 4, max_length: 8, ..Default::default() };
        let folder = scratch.path().join("distilbert");
        finetune(&[part], &Start::Scratch(tiny()), &options, &folder, &Silent).expect("two steps are taken");
        let checkpoint = newest_checkpoint(&folder).expect("there is a checkpoint");
        let name = checkpoint.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let files = ["trainer_state.json", "optimizer.safetensors", "model.safetensors", "config.json"];
        let files = ManyFiles::new(scratch, files.map(|file| format!("distilbert/{name}/{file}")));
        let seeds = files.seeds();
        Self { files, seeds }
    }
}

impl Target for Finetuning {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        let read = |folder: &Path, _: &str, _: &[u8]| finetune::checkpoint_standing(&folder.join("distilbert"));
        match self.files.with(input, read) {
            Ok(standing) => Verdict::Accepted(digest(&standing)),
            Err(error) => Verdict::Rejected(error.to_string()),
        }
    }

    fn exact(&self) -> Exact {
        // As for the other training; and `config.json` is Hugging Face's.
        Exact::Never
    }

    fn named(&self) -> &str {
        "checkpoint-"
    }
}
